"""How long a segment is whose packet was fragmented: its first fragment shows only the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.table import TCP

if TYPE_CHECKING:
    from explain.table import U4, PacketTable

_TCP = 6
_NOWHERE = np.iinfo(np.int64).max


def segment_lengths(table: PacketTable) -> U4:
    """Octets of payload of each row's segment, uint32 for every row of the table.

    A segment stands in the row of its first fragment, and is as long as all of them together; where
    one is missing it is as long as the first alone.
    """
    parts = table.fragments
    some = np.flatnonzero(parts.protocol == _TCP)
    if not len(some) or not (table.layers[parts.row[some]] & TCP).any():
        return table.payload
    rows = parts.row[some]
    # Fragments of one packet share addresses and identification (RFC 791, 3.2; RFC 8200, 4.5).
    keys = (rows, parts.ident[some], table.targets(rows), table.sources(rows), table.place[rows])
    order = np.lexsort(keys)
    same = np.ones(len(order) - 1, np.bool_)
    for key in keys[1:]:
        same &= key[order[1:]] == key[order[:-1]]
    starts = np.concatenate(([0], np.flatnonzero(~same) + 1))
    rows, some = rows[order], some[order]
    offset = parts.offset[some].astype(np.int64)
    size = table.payload[rows].astype(np.int64)
    is_first = (offset == 0) & (table.layers[rows] & TCP != 0)
    total = np.maximum.reduceat(np.where(parts.more[some], 0, offset + size), starts)
    second = np.minimum.reduceat(np.where(offset > 0, offset, _NOWHERE), starts)
    rest = np.add.reduceat(np.where(offset > 0, size, 0), starts)
    firsts = np.add.reduceat(is_first, starts, dtype=np.int64)
    header = second - np.add.reduceat(np.where(is_first, size, 0), starts)  # too long if the second is missing
    is_whole = (firsts == 1) & (rest == total - second) & (header >= 20) & (header <= 60)
    sizes = np.diff([*starts, len(rows)])
    spots = np.flatnonzero(is_first & is_whole.repeat(sizes))
    result = table.payload.copy()
    result[rows[spots]] += rest.repeat(sizes)[spots].astype(np.uint32)
    return result
