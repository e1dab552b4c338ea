"""On which frames a line stands that cites none itself: a heading, or a count of what a section leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from explain.model import Line, Ranges

_SECTIONS = ("heading", "finding")


def grounds(lines: Sequence[Line]) -> list[tuple[Evidence, ...]]:
    """The evidence of each line; of a heading and of a note without frames, that of its section."""
    found = [line.evidence for line in lines]
    start = len(lines)
    while start:
        end, start = start, start - 1
        while start and lines[start].label not in _SECTIONS:
            start -= 1
        sub = end
        for at in range(end - 1, start, -1):
            if lines[at].label == "subheading":
                found[at] = found[at] or _merged(found[at + 1 : sub])
                sub = at
        whole = _merged(found[start:end]) if lines[start].label in _SECTIONS else ()
        for at in range(start, end):
            if lines[at].label in (*_SECTIONS, "note"):
                found[at] = found[at] or whole
    return found


def _merged(cited: Iterable[tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    frames: dict[tuple[int, int | None], list[tuple[int, int]]] = {}
    for one in cited:
        for place in one:
            frames.setdefault((place.capture, place.interface), []).extend(place.frames)
    return tuple(Evidence(*place, _union(some)) for place, some in frames.items())


def _union(some: list[tuple[int, int]]) -> Ranges:
    """Ranges of frames without overlap, in order, as few as there can be."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(some):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return tuple(joined)
