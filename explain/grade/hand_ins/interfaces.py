"""Several captures out of one file: a pcapng of all interfaces, each of which is one of the captures asked for."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from explain.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from explain.grade.rubric.records import Rubric

_LOOPBACKS = ("lo", "loopback")
_MOST = 256


def apart(rubric: Rubric, file: Path) -> dict[str, str]:
    """Which interface of a file is which capture: as the rubric lists them, else by the names; none is guessed."""
    names = _interfaces(file)
    found: dict[str, str] = {}
    for name, wanted in rubric.captures.items():
        for fitting in _fitting(rubric, name, wanted, names):
            if len(fitting) == 1:
                found[name] = fitting[0]
                break
    return found if len(set(found.values())) == len(found) else {}


def listed(rubric: Rubric, name: str, file: Path) -> str | None:
    """The interface that the rubric lists for a capture, where its file has frames of others, too."""
    names = _interfaces(file, has_frames=True) if rubric.interfaces.get(name) else []
    if len(names) < 2:
        return None
    found = next((one for one in islice(_fitting(rubric, name, "", names), 2) if one), [])
    return found[0] if len(found) == 1 else None


def _fitting(rubric: Rubric, name: str, wanted: str, names: list[str]) -> Iterator[list[str]]:
    listed = {one.casefold() for one in rubric.interfaces.get(name, ())}
    yield [one for one in names if one.casefold() in listed]
    yield [one for one in names if _last(one) in listed]
    yield [one for one in names if name.casefold() == one.casefold()]
    yield [one for one in names if name.casefold() in _words(one)]
    words = set(_words(wanted))
    yield [one for one in names if _words(one) and words.issuperset(_words(one))]


def _interfaces(file: Path, *, has_frames: bool = False) -> list[str]:
    """The names of a file's interfaces, or of those that have frames, but for loopbacks; none of an unreadable one."""
    from explain.capture import open_capture

    try:
        with open_capture(str(file)) as reader:
            seen: set[int] = set()
            for frames in reader.frames():  # an interface may be described behind frames of another
                seen.update(set(frames.interface.tolist()) if has_frames else ())
            named = [
                one.name for number, one in enumerate(reader.interfaces[:_MOST])
                if one.name and (number in seen or not has_frames)
            ]  # fmt: skip
    except UnreadableError:
        return []
    return [one for one in dict.fromkeys(named) if _last(one) not in _LOOPBACKS]


def _last(interface: str) -> str:
    """An interface without the node that ``explain lab`` names before it."""
    return interface.casefold().rpartition(".")[2]


def _words(text: str) -> list[str]:
    return [one for one in re.split(r"[^a-z0-9]+", text.casefold()) if one]
