"""The rhythm of a capture: which microseconds lie between its frames, and at which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import I8, PacketTable, Rows

_LEAST_BITS = 14.0
"""What three gaps must be worth together; short ones, which every run repeats, are worth little."""
_MOST_BITS = 7.0
_EVERYDAY_US = 8.0
_TICK_NS = 1_000_000


def rhythm(table: PacketTable) -> Iterator[tuple[str, int]]:
    """Each run of three telling gaps, with the row of its first frame; by place, in the order of the file."""
    for rows, times in _by_place(table):
        gaps = np.diff(times) // 1000
        if len(gaps) < 3 or _is_coarse(times):
            continue
        bits = np.clip(np.log2(1 + np.abs(gaps) / _EVERYDAY_US), 0, _MOST_BITS)
        worth = bits[:-2] + bits[1:-1] + bits[2:]
        for at in np.flatnonzero(worth >= _LEAST_BITS).tolist():
            yield f"{gaps[at]}/{gaps[at + 1]}/{gaps[at + 2]}", int(rows[at])


def moments(table: PacketTable) -> Iterator[tuple[str, int]]:
    """The microsecond of each frame, with its row."""
    for rows, times in _by_place(table):
        if not _is_coarse(times):
            yield from zip(map(str, (times // 1000).tolist()), rows.tolist(), strict=True)


def _by_place(table: PacketTable) -> Iterator[tuple[Rows, I8]]:
    place = table.place[: len(table)]
    for number in range(len(table.places)):
        rows = np.flatnonzero(place == number)
        yield rows, table.time_ns[rows]


def _is_coarse(times: I8) -> bool:
    """Whether a clock ticked that is too slow to tell runs apart, or a person wrote the times."""
    return not np.any((times - times[:1]) % _TICK_NS)
