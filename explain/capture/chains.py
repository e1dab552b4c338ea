"""Walks a large window from many records at once, and proves that this found what one walk finds.

A record's place is known only from the one before it, so a plain walk is a loop in Python.
Here some hundred places that look like records are guessed, and a chain steps from each of
them, all chains in one NumPy operation.  Chain 0 begins at a true record; if each chain ends
exactly where the next one begins, every step was one of the plain walk.  Otherwise somebody's
payload looked like a record, and the plain walk does it over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.capture.walk import Layout, Walk, walk
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

    from explain.capture.source import Window

    Offsets = npt.NDArray[np.int64]

LEAST_WINDOW = 512 << 10
"""Below so many octets the plain walk is as fast."""

_CHAINS = 256  # at most: to find where one may begin costs as much as some hundred steps
_RECORDS = 64  # that a chain walks at least, about
_SAMPLE = 32 << 10  # octets that tell how large records are here
_TRIES = 2  # places looked at for the start of one chain
_STRIDE = 32  # steps between two looks at which chains have ended
_FEW = 8  # chains that are better walked one by one


@dataclass(frozen=True, slots=True)
class Guess:
    """How a record may be found without knowing the one before.

    Attributes:
        needles: octets that a record is likely to contain, the likeliest first.
        at: where in the record they stand.
        align: records begin at multiples of this after the first.
        is_plausible: tells of each offset whether what is there looks like a record.
    """

    needles: tuple[bytes, ...]
    at: int
    align: int
    is_plausible: Callable[[npt.NDArray[np.uint8], Offsets], npt.NDArray[np.bool_]]


def walk_window(window: Window, layout: Layout, guess: Guess) -> Walk:
    """The same as ``walk``, faster where the window is large."""
    is_large = len(window.data) - window.first >= LEAST_WINDOW
    found = _walk_chains(window, layout, guess) if is_large else None
    return walk(window.data, window.first, layout) if found is None else found


def _walk_chains(window: Window, layout: Layout, guess: Guess) -> Walk | None:
    """The walk by chains; None if they do not meet."""
    import numpy as np

    data, starts = window.data, _starts(window, layout, guess)
    if len(starts) < 2 * _FEW:
        return None
    stepped = _step(data, starts, np.append(starts[1:], len(data) - layout.size), layout)
    if stepped is None:
        return None
    found, ends = stepped
    if not np.array_equal(ends[:-1], starts[1:]):
        return None
    found.sort()
    bounds = np.append(found, ends[-1])
    sizes, extra = np.diff(bounds), layout.extra
    if sizes.min() < layout.least + extra or sizes.max() > layout.most + extra:
        return None
    if layout.unit > 1 and ((sizes - extra) % layout.unit).any():
        return None
    if bounds[-1] > len(data):
        # The last record reaches out of the window.
        bounds = found
    tail = walk(data, int(bounds[-1]), layout)
    return Walk(np.concatenate((bounds[:-1], tail.offsets)), tail.end, tail.bad_length, tail.need)


def _starts(window: Window, layout: Layout, guess: Guess) -> Offsets:
    """Places that look like records, about evenly spaced, in order; the first is the window's first."""
    import numpy as np

    data, first = window.data, window.first
    sample = walk(data, first, layout, until=first + _SAMPLE)
    mean = max(16, (sample.end - first) // max(1, len(sample.offsets)))
    spacing = max(_RECORDS * mean, (len(data) - first) // _CHAINS)
    places = range(first + spacing, len(data), spacing)
    found = [np.array([first])]
    for _ in range(_TRIES):
        candidates = np.array(list(_candidates(window, places, spacing, guess)), np.int64)
        is_good = _look_right(data, candidates, layout, guess)
        found.append(candidates[is_good])
        # Where payload looked like a record, look behind it.
        places = (candidates[~is_good] + guess.at + 1).tolist()
    # Two looks may have found the same place.
    starts = np.sort(np.concatenate(found))
    distinct: Offsets = starts[np.append(True, starts[1:] != starts[:-1])]
    return distinct


def _candidates(window: Window, places: Iterable[int], spacing: int, guess: Guess) -> Iterator[int]:
    """The first record that seems to begin within so many octets behind each place, if any does."""
    find, origin = window.store.find, window.origin
    first = origin + guess.at + window.first
    for place in places:
        low, high = origin + place, origin + place + spacing
        for needle in guess.needles:
            at = find(needle, low, high)
            while at >= 0 and (at - first) % guess.align:
                at = find(needle, at + 1, high)
            if at >= 0:
                yield at - origin - guess.at
                break


def _look_right(
    data: npt.NDArray[np.uint8], candidates: Offsets, layout: Layout, guess: Guess
) -> npt.NDArray[np.bool_]:
    """Which candidates are followed by two more plausible records."""
    import numpy as np

    length = _lengths(data, layout)
    # Near the end there may be no room for what is judged; no chain needs to begin there.
    highest = len(data) - 32
    is_good, at = np.ones(len(candidates), np.bool_), candidates
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


def _stride(at: Offsets, length: npt.NDArray[np.uint32], extra: int, highest: int) -> Offsets:
    """Where some chains come to by several steps from record to record; int64[steps + 1, chains]."""
    import numpy as np

    path = np.empty((_STRIDE + 1, len(at)), np.int64)
    path[0] = at
    for step in range(_STRIDE):
        here, then = path[step], path[step + 1]
        np.add(here, length[here], out=then)
        then += extra
        np.minimum(then, highest, out=then)
    return path


def _step(
    data: npt.NDArray[np.uint8], starts: Offsets, stops: Offsets, layout: Layout
) -> tuple[Offsets, Offsets] | None:
    """Steps each chain from its start to its stop or beyond.

    Returns:
        int64[n], every record found, in no order; int64[chains], where each chain ended; None if one may never end.
    """
    import numpy as np

    length, highest = _lengths(data, layout), len(data) - layout.size
    least_way = _STRIDE * (layout.least + layout.extra)
    found: list[Offsets] = []
    ends = np.empty_like(starts)
    chain, at = np.arange(len(starts)), starts
    while len(chain) > _FEW:
        path = _stride(at, length, layout.extra, highest)
        is_inside = path < stops[chain]
        found.append(path[:-1][is_inside[:-1]])
        is_going = is_inside[-1]
        if (path[-1] - at < least_way)[is_going].any():
            # Lengths too small to be: such a chain might never end.
            return None
        if not is_going.all():
            # The last record inside leads to the end; its step in ``path`` may have been held at the highest place.
            done = (~is_going).nonzero()[0]
            last = path[is_inside[:, done].sum(axis=0) - 1, done]
            ends[chain[done]] = last + layout.extra + length[last]
        at, chain = path[-1][is_going], chain[is_going]
    for index, place in zip(chain.tolist(), at.tolist(), strict=True):
        rest = walk(data, place, layout, until=int(stops[index]))
        found.append(rest.offsets)
        ends[index] = rest.end
    return np.concatenate(found), ends
