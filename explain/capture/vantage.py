"""``[NAME[:IFACE]=]FILE``: where a capture was taken, as the user says it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from explain.errors import UsageError
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike


@dataclass(frozen=True, slots=True)
class Source:
    """One input as it was named.

    Attributes:
        path: what to open; ``-`` is standard input.
        name: the vantage point's name, None if the user gave none.
        interface: the interface to select, or the label of the whole file.
        stream: an open binary stream to read instead of the path.
    """

    path: str
    name: str | None = None
    interface: str | None = None
    stream: BinaryIO | None = None

    @property
    def vantage(self) -> str | None:
        """Name and interface as one label, ``NAME:IFACE``; None without a name."""
        return f"{self.name}:{self.interface}" if self.name and self.interface else self.name


def named(text: str) -> tuple[str | None, str]:
    """Split at the first ``=`` if what stands before it is a name without ``/``; else all is the path."""
    name, equals, path = text.partition("=")
    if not equals or not name or "/" in name or not path:
        return None, text
    return name, path


def parse(text: str) -> Source:
    """A source as it was typed.

    Raises:
        UsageError: nothing stands before the colon.
    """
    place, path = named(text)
    if place is None:
        return Source(path)
    name, _, interface = place.partition(":")
    if not name:
        raise UsageError("usage.vantage", text=text)
    return Source(path, name, interface or None)


def sources(inputs: Iterable[str | PathLike[str] | BinaryIO | Source]) -> list[Source]:
    """All inputs; the same vantage point twice is an error.

    Raises:
        UsageError: a vantage point was named twice, or standard input was, or a file to which no name was given;
            or something is neither a path nor a stream.
    """
    found: list[Source] = []
    seen: set[str | tuple[int, int]] = set()
    for one in inputs:
        if isinstance(one, Source):
            source = one
        elif isinstance(one, (str, os.PathLike)):
            source = parse(os.fspath(one))
        elif hasattr(one, "read") and not hasattr(one, "encoding"):  # a stream of text has one
            source = Source(str(getattr(one, "name", "stream")), stream=one)
        else:
            raise UsageError("usage.not_an_input", kind=type(one).__name__)
        for key in (source.vantage, "standard input" if source.path == "-" else None, _file(source)):
            if key is not None and key in seen:
                raise UsageError("usage.vantage_twice", key=source.path if isinstance(key, tuple) else key)
            if key is not None:
                seen.add(key)
        found.append(source)
    return found


def _file(source: Source) -> tuple[int, int] | None:
    """What file it is, under whatever path; None where a name tells it from others, or nobody can say."""
    if source.name is not None or source.stream is not None:
        return None
    try:
        status = os.stat(source.path)  # noqa: PTH116  a path may hold what no file name may
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
