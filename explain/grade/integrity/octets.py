"""Octets of some frames, read again: what the columns do not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.table import PacketTable, Rows

MOST_FRAMES = 8192
"""Frames of a capture that are looked into."""
_MOST_OF_A_FRAME = 320


def thinned(rows: Rows) -> Rows:
    """At most ``MOST_FRAMES`` of some rows, evenly."""
    if len(rows) <= MOST_FRAMES:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_FRAMES).astype(np.int64)]


def read(table: PacketTable, rows: Rows, paths: Sequence[str]) -> dict[int, bytes]:
    """By row the captured octets from layer 4 on, at most 320 of them."""
    found: dict[int, bytes] = {}
    captures = np.array([place.capture for place in table.places], np.int64)[table.place[rows]]
    for number, path in enumerate(paths):
        found.update(_of_one(table, thinned(rows[captures == number]), path))
    return found


def _of_one(table: PacketTable, rows: Rows, path: str) -> Iterator[tuple[int, bytes]]:
    from explain.capture import open_capture

    if not len(rows):
        return
    order = np.argsort(table.offset[rows], kind="stable")
    rows = rows[order]
    offsets = table.offset[rows]
    with open_capture(path) as reader:
        for frames in reader.frames():
            at = np.searchsorted(offsets, frames.base + frames.start)
            at = np.minimum(at, len(offsets) - 1)
            for number in np.flatnonzero(offsets[at] == frames.base + frames.start).tolist():
                row = int(rows[at[number]])
                first = int(table.transport[row])
                end = min(int(frames.captured[number]), first + _MOST_OF_A_FRAME)
                start = int(frames.start[number])
                yield row, frames.data[start + first : start + end].tobytes()
