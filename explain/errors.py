"""Every error that explain raises on purpose, as one tree.

ExplainError                  the root; ``exit_status`` is what the command line returns
├── InputError            2   what was given cannot be used
│   ├── UnreadableError   2   a file that cannot be opened, or holds nothing that is understood
│   │   ├── NotACaptureError  2   its content is no capture; it may be text
│   │   └── ShrunkError   2   somebody cut the file while it was read
│   ├── UsageError        2   arguments that contradict each other or the documentation
│   ├── UnknownNameError  2   a name that does not exist here; carries the nearest ones that do
│   └── NotGradableError  2   a submission that cannot be graded
├── MissingError          2   what this needs is not here: a tool, a package, a privilege, a kernel feature
└── NotMetError           1   an expectation was not met

A damaged capture is not an error: what stands before the damage is explained, and the
damage is a fact of the report (``model.Damage``).  A bug is never caught.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class ExplainError(Exception):
    """The root of the tree; its text is one line for a person, in English unless ``told`` in another language.

    Attributes:
        line: the sentence, which stands in ``words/errors.toml`` under the name that the error is made with.
    """

    exit_status = 2

    def __init__(self, message: str, /, **values: object) -> None:
        self.line = Line(f"errors.{message}", values)

    def __str__(self) -> str:
        return self.told("en")

    def told(self, language: str) -> str:
        """The text in a language."""
        return _told(self.line, language)


def _told(line: Line, language: str) -> str:
    from explain.words import say

    values = line.values
    if values.get("path") == "":  # as from a variable of the shell that is not set
        values = {**values, "path": "''"}
    return say(line.message, values, language)


class InputError(ExplainError):
    """What was given cannot be used."""


class UnreadableError(InputError):
    """A file that cannot be opened, or that holds nothing that is understood.

    Attributes:
        path: the file as it was named by the user.
        why: the reason, without the path.
    """

    def __init__(self, path: str, why: str | Line, /, **values: object) -> None:
        self.path = path
        self.why = why if isinstance(why, Line) else Line(f"errors.{why}", values)
        super().__init__("at.reason", path=path, reason=self.why)

    @property
    def reason(self) -> str:
        """Why, in English."""
        return _told(self.why, "en")


class NotACaptureError(UnreadableError):
    """What was read is no capture; it may be text.

    Attributes:
        head: the first octets, unpacked, up to 64 KiB.
        content: gives everything from the start, unpacked, up to so many octets.
    """

    def __init__(self, path: str, head: bytes, content: Callable[[int], bytes]) -> None:
        super().__init__(path, "unread.no_capture")
        self.head = head
        self.content = content


class ShrunkError(UnreadableError):
    """Somebody cut the file while it was read, so that what was seen of it may not have been there."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "unread.shrunk")


class UsageError(InputError):
    """Arguments that contradict each other or the documentation."""


_LISTS = {
    "cause": "explain cause", "message": "explain cause", "word": "explain word", "event": "explain grade events",
    "lab": "explain lab list", "recording": "explain lab list",
}  # fmt: skip


class UnknownNameError(InputError):
    """A name that does not exist here.

    Attributes:
        name: what was asked for.
        nearest: names that exist and look alike, best first; may be empty.
    """

    def __init__(self, what: str, name: str, nearest: tuple[str, ...] = (), **values: object) -> None:
        near = Line("errors.unknown.near", {"names": nearest}) if nearest else _list_of(what)
        super().__init__(f"unknown.{what}", name=name, near=near, **values)
        self.name = name
        self.nearest = nearest


def _list_of(what: str) -> Line | str:
    """Which command lists what there is; empty where none does."""
    return Line("errors.unknown.listed", {"command": _LISTS[what]}) if what in _LISTS else ""


class NotGradableError(InputError):
    """A submission that cannot be graded; the text says why, and it is no mark."""


class MissingError(ExplainError):
    """A tool, a package, a privilege or a kernel feature that is not here; its text says how to get it, too."""


class NotMetError(ExplainError):
    """An expectation was not met."""

    exit_status = 1


@contextmanager
def naming(path: object) -> Iterator[None]:
    """Where the system names no file in what it complains of, as in a write, name this one."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


_SYSTEM = ("ENOENT", "EACCES", "EPERM", "EISDIR", "ENOTDIR", "EEXIST", "ENOSPC", "EROFS", "ENAMETOOLONG", "EIO")


def reason_of(error: OSError, otherwise: str = "unread.unusable") -> Line:
    """What the system said, for the middle of a line; ``otherwise`` where it said nothing."""
    name = errno.errorcode.get(error.errno or 0)
    if name in _SYSTEM:
        return Line(f"errors.system.{name}", {})
    said = (error.strerror or "").lower()
    return Line("errors.unread.as_said", {"text": said}) if said else Line(f"errors.{otherwise}", {})
