"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from explain.errors import InputError, UsageError, naming, reason_of
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def keep_inputs(output: str, captures: Sequence[str], *others: str | None) -> None:
    """Refuse to write over what is read, under whatever name.

    Args:
        output: the file to write.
        captures: the inputs as they were given, perhaps as ``NAME=FILE``.
        others: further files that are read.

    Raises:
        UsageError: the output is one of them.
    """
    from explain.capture.vantage import parse

    if output == "-" or not os.path.isfile(output):  # noqa: PTH113  a name may hold what no path may
        return
    for path in (*(parse(one).path for one in captures), *others):
        if path and os.path.isfile(path) and os.path.samefile(path, output):  # noqa: PTH113, PTH121
            raise UsageError("usage.output_is_input", path=output)


def put(text: str, output: str | Path | None) -> None:
    """To standard output, or to a file that appears under its name only when it is whole.

    Raises:
        InputError: the file cannot be written.
    """
    octets = text.encode("utf-8", "backslashreplace")
    if output is None:
        with naming("-"):
            sys.stdout.buffer.write(octets)
        return
    with whole_file(str(output)) as file:
        file.write(octets)


def room_for(output: Path) -> None:
    """Complain at once of a file whose folder is not there, and not when what it is for has been done.

    Raises:
        InputError: it cannot be written.
    """
    if str(output) not in STANDARD_OUTPUT and not output.parent.is_dir():
        raise InputError("at.reason", path=str(output), reason=Line("errors.system.ENOENT", {}))


def put_octets(octets: bytes, output: Path) -> None:
    """To a file that appears under its name only when it is whole, or to what standard output goes to.

    Raises:
        InputError: the file cannot be written.
    """
    with whole_file(str(output)) as file:
        file.write(octets)


@contextmanager
def whole_file(name: str) -> Iterator[BinaryIO]:
    """A file to write that gets its name only when everything is in it.

    A device or a pipe is written as it is, never replaced, and so is what standard output goes to, where that is
    named (``-``, ``/dev/stdout``); of a symbolic link, the target is replaced.

    Raises:
        InputError: it cannot be written, in one line that names it; nothing is left behind.
    """
    if name in STANDARD_OUTPUT:
        with naming("-"):
            yield sys.stdout.buffer
        return
    target = Path(os.path.realpath(name))
    try:
        if target.is_dir():
            raise InputError("at.reason", path=name, reason=Line("errors.system.EISDIR", {}))
        if target.exists() and not target.is_file():
            with Path(name).open("wb") as file:
                yield file
            return
        yield from _beside(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError("at.reason", path=name, reason=reason_of(error, "unread.not_written")) from None


def _beside(target: Path) -> Iterator[BinaryIO]:
    part = target.parent / f".{target.name[:100]}.{os.getpid()}.part"
    try:
        with part.open("xb") as file:
            yield file
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
