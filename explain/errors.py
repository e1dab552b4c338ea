"""Every error that explain raises on purpose, as one tree.

ExplainError                  the root; ``exit_status`` is what the command line returns
├── InputError            2   what was given cannot be used
│   ├── UnreadableError   2   a file that cannot be opened, or holds nothing that is understood
│   │   ├── NotACaptureError  2   its content is no capture; it may be text
│   │   └── ShrunkError   2   somebody cut the file while it was read
│   ├── UsageError        2   arguments that contradict each other or the documentation
│   └── UnknownNameError  2   a name that does not exist here; carries the nearest ones that do
├── MissingError          2   what this needs is not here: a tool, a package, a privilege, a kernel feature
└── NotMetError           1   an expectation was not met

A damaged capture is not an error: what stands before the damage is explained, and the
damage is a fact of the report (``model.Damage``).  A bug is never caught.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ExplainError(Exception):
    """The root of the tree; its text is one line for a person."""

    exit_status = 2


class InputError(ExplainError):
    """What was given cannot be used."""


class UnreadableError(InputError):
    """A file that cannot be opened, or that holds nothing that is understood.

    Attributes:
        path: the file as it was named by the user.
        reason: why, in words, without the path.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NotACaptureError(UnreadableError):
    """What was read is no capture; it may be text.

    Attributes:
        head: the first octets, unpacked, up to 64 KiB.
        content: gives everything from the start, unpacked, up to so many octets.
    """

    def __init__(self, path: str, reason: str, head: bytes, content: Callable[[int], bytes]) -> None:
        super().__init__(path, reason)
        self.head = head
        self.content = content


class ShrunkError(UnreadableError):
    """Somebody cut the file while it was read, so that what was seen of it may not have been there."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "somebody made the file shorter while it was read")


class UsageError(InputError):
    """Arguments that contradict each other or the documentation."""


class UnknownNameError(InputError):
    """A name that does not exist here.

    Attributes:
        name: what was asked for.
        nearest: names that exist and look alike, best first; may be empty.
    """

    def __init__(self, what: str, name: str, nearest: tuple[str, ...] = ()) -> None:
        hint = f" (did you mean {', '.join(nearest)}?)" if nearest else ""
        super().__init__(f"no {what} is called {name!r}{hint}")
        self.name = name
        self.nearest = nearest


class MissingError(ExplainError):
    """A tool, a package, a privilege or a kernel feature that is not here.

    Attributes:
        what: the thing that is missing.
        remedy: how to get it, as one line.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


class NotMetError(ExplainError):
    """An expectation was not met."""

    exit_status = 1


def reason_of(error: OSError, otherwise: str = "it cannot be used") -> str:
    """What the system said, for the middle of a line; ``otherwise`` where it said nothing."""
    return (error.strerror or otherwise).lower()
