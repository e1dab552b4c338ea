"""Walks a large window from many records at once, and proves that this found what one walk finds.

A record's place is known only from the one before it, so a plain walk is a loop in Python.
Here some hundred places that look like records are guessed, and a chain steps from each of
them, all chains in one NumPy operation.  Chain 0 begins at a true record; if each chain ends
exactly where the next one begins, every step was one of the plain walk.  Otherwise somebody's
payload looked like a record, and the plain walk does it over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.capture.walk import Layout, Walk, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Offsets = npt.NDArray[np.int64]

LEAST_WINDOW = 512 << 10
"""Below so many octets the plain walk is as fast."""

_CHAINS = 512
_SPACING = 16 << 10  # octets a chain walks at least
_LOOK = (2048, 16384)  # octets searched for a record, first and second try
_STRIDE = 32  # steps between two looks at which chains have ended
_FEW = 8  # chains that are better walked one by one


@dataclass(frozen=True, slots=True)
class Guess:
    """How a record may be found without knowing the one before.

    Attributes:
        needles: octets that a record is likely to contain; the first found counts.
        at: where in the record they stand.
        align: records begin at multiples of this after the first.
        is_plausible: tells of each offset whether what is there looks like a record.
    """

    needles: tuple[bytes, ...]
    at: int
    align: int
    is_plausible: Callable[[npt.NDArray[np.uint8], Offsets], npt.NDArray[np.bool_]]


def walk_window(data: npt.NDArray[np.uint8], first: int, layout: Layout, guess: Guess) -> Walk:
    """The same as ``walk``, faster where the window is large."""
    found = _walk_chains(data, first, layout, guess) if len(data) - first >= LEAST_WINDOW else None
    return walk(data, first, layout) if found is None else found


def _walk_chains(data: npt.NDArray[np.uint8], first: int, layout: Layout, guess: Guess) -> Walk | None:
    """The walk by chains; None if they do not meet."""
    import numpy as np

    starts = _starts(data, first, layout, guess)
    if len(starts) < 2 * _FEW:
        return None
    stops = np.append(starts[1:], len(data) - layout.size)
    stepped = _step(data, starts, stops, layout)
    if stepped is None:
        return None
    found, ends = stepped
    if not np.array_equal(ends[:-1], starts[1:]):
        return None
    found.sort()
    end = int(ends[-1])
    if end > len(data):
        # The last record reaches out of the window.
        found, end = found[:-1], int(found[-1])
    tail = walk(data, end, layout)
    return Walk(np.concatenate((found, tail.offsets)), tail.end, tail.bad_length, tail.need)


def _starts(data: npt.NDArray[np.uint8], first: int, layout: Layout, guess: Guess) -> Offsets:
    """Places that look like records, about evenly spaced, in order; the first is ``first``."""
    import numpy as np

    spacing = max(_SPACING, (len(data) - first) // _CHAINS)
    places = np.arange(first + spacing, len(data) - spacing, spacing)
    candidates = np.array([_candidate(data, place, _LOOK[0], first, guess) for place in places.tolist()], np.int64)
    is_good = _look_right(data, candidates, layout, guess)
    for index in (~is_good).nonzero()[0].tolist():
        # Payload looked like a record, or frames are large: look behind it.
        after = max(int(places[index]), int(candidates[index]) + guess.at + 1)
        candidates[index] = _candidate(data, after, _LOOK[1], first, guess)
    is_good = _look_right(data, candidates, layout, guess)
    # Two looks may have found the same place.
    return np.unique(np.append(candidates[is_good], first))


def _candidate(data: npt.NDArray[np.uint8], place: int, look: int, first: int, guess: Guess) -> int:
    octets = data[place : place + look].tobytes()
    for needle in guess.needles:
        at = octets.find(needle)
        while at >= 0 and (place + at - guess.at - first) % guess.align:
            at = octets.find(needle, at + 1)
        if at >= 0:
            return place + at - guess.at
    return -1


def _look_right(
    data: npt.NDArray[np.uint8], candidates: Offsets, layout: Layout, guess: Guess
) -> npt.NDArray[np.bool_]:
    """Which candidates are followed by two more plausible records."""
    import numpy as np

    length = _lengths(data, layout)
    # Near the end there may be no room for what is judged; no chain needs to begin there.
    highest = len(data) - 32
    is_good = candidates >= 0
    at = np.where(is_good, candidates, 0)
    for _ in range(3):
        is_good &= at <= highest
        at = np.where(is_good, at, 0)
        is_good &= guess.is_plausible(data, at)
        at = at + layout.extra + length[at]
    return is_good


def _lengths(data: npt.NDArray[np.uint8], layout: Layout) -> npt.NDArray[np.uint32]:
    """The length field of a record at each offset: a view of every four octets in a row."""
    import numpy as np

    shape = (len(data) - layout.size + 1,)
    return np.ndarray(shape, np.dtype(layout.order + "u4"), data, layout.field, (1,))


def _step(
    data: npt.NDArray[np.uint8], starts: Offsets, stops: Offsets, layout: Layout
) -> tuple[Offsets, Offsets] | None:
    """Steps each chain from its start to its stop or beyond.

    Returns:
        int64[n], every record found, in no order; int64[chains], where each chain ended; None if a length cannot be.
    """
    import numpy as np

    length, highest = _lengths(data, layout), len(data) - layout.size
    found: list[Offsets] = []
    ends = np.empty_like(starts)
    chain, at = np.arange(len(starts)), starts
    while len(chain) > _FEW:
        path = np.empty((_STRIDE + 1, len(chain)), np.int64)
        path[0] = at
        for step in range(_STRIDE):
            here, then = path[step], path[step + 1]
            np.add(here, length[here], out=then)
            then += layout.extra
            np.minimum(then, highest, out=then)
        is_inside = path < stops[chain]
        records = path[:-1][is_inside[:-1]]
        sizes = length[records]
        if len(sizes) and (sizes.min() < layout.least or sizes.max() > layout.most or (sizes % layout.unit).any()):
            return None
        found.append(records)
        is_done = ~is_inside[-1]
        # The last record inside leads to the end; its step in ``path`` may have been held at the highest place.
        last = path[is_inside.sum(axis=0)[is_done] - 1, is_done.nonzero()[0]]
        ends[chain[is_done]] = last + layout.extra + length[last]
        at, chain = path[-1][~is_done], chain[~is_done]
    for index, place in zip(chain.tolist(), at.tolist(), strict=True):
        rest = walk(data, place, layout, until=int(stops[index]))
        found.append(rest.offsets)
        ends[index] = rest.end
    return np.concatenate(found), ends
