"""The first octets of many frames, turned, so that a field is one dense column.

Frames whose layer 3 or 4 begins elsewhere are gathered again, shifted, so that layer 3 always
begins in column ``NETWORK`` and layer 4 in column ``TRANSPORT``.  Columns beyond the captured
octets hold what comes next in memory: every reader asks ``have`` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture.frames import HEAD, HEAD_LEAD
from explain.capture.turned import WORD, Turner, field, word_at
from explain.capture.walk import gather

if TYPE_CHECKING:
    from explain.table import I4, I8, U1, U2, U4, U8, Bools

LINK = HEAD_LEAD
"""Column of a frame's first octet, so that the segment fills whole words of eight octets."""
NETWORK = LINK + 14
TRANSPORT = NETWORK + 20
SEGMENT = HEAD - TRANSPORT
"""Octets of layer 4 in a slab: a SYN with all its options, the whole of most acknowledgements."""


def octets(data: U1, at: I8, have: I4, width: int) -> U1:
    """Like ``gather``, with zero in place of whatever lies beyond ``have`` octets."""
    result = gather(data, at, width)
    result[np.arange(width, dtype=np.int32) >= have[:, None]] = 0
    return result


def number(octets: U1, column: int, size: int) -> U8:
    """An unsigned field of 2, 4, 6 or 8 octets in network order from uint8[n, width]; uint64[n]."""
    if size == 6:
        return number(octets, column, 2) << np.uint64(32) | number(octets, column + 2, 4)
    value: U8 = octets[:, column : column + size].view(f">u{size}")[:, 0].astype(np.uint64)
    return value


def members(*values: int, of: int = 256) -> Bools:
    """A table that says of each number below ``of`` whether it is one of the values."""
    table = np.zeros(of, np.bool_)
    table[list(values)] = True
    return table


class Slab:
    """The first octets of n frames, and how many of them were captured.

    Attributes:
        at: int64[n], where in ``data`` the octet of column ``LINK`` lies: at first that of the frame.
        have: int32[n], captured octets of the frame.
        words: uint64[columns / 8, n], eight octets of each frame, the first one lowest.
    """

    def __init__(self, data: U1, at: I8, have: I4, heads: U8 | None) -> None:
        self.data = data
        self.at = at.copy()
        self.have = have
        self.words: U8 = Turner().turned(data, at - LINK, HEAD) if heads is None else np.ascontiguousarray(heads)

    def some(self, rows: I8) -> Slab:
        """The same of some frames only."""
        return Slab(self.data, self.at[rows], self.have[rows], self.words[:, rows])

    def shift(self, rows: I8, by: I4, column: int) -> None:
        """Let ``rows`` begin ``by`` octets later, from the word with this column on."""
        self.at[rows] += by
        self.words[column // WORD :, rows] = (
            gather(self.data, self.at[rows] - LINK, HEAD).view("<u8").T[column // WORD :]
        )

    def u1(self, column: int) -> U1:
        """uint8[n]: a copy of one column."""
        return field(self.words, column, "u1").copy()

    def u2(self, column: int) -> U2:
        """uint16[n] in network order."""
        return field(self.words, column, ">u2").astype(np.uint16)

    def u4(self, column: int) -> U4:
        """uint32[n] in network order."""
        return field(self.words, column, ">u4").astype(np.uint32)

    def wide2(self, column: int) -> I4:
        """int32[n] from two octets in network order: for lengths."""
        return field(self.words, column, ">u2").astype(np.int32)

    def wide4(self, column: int) -> U8:
        """uint64[n] from four octets in network order: for address keys."""
        return field(self.words, column, ">u4").astype(np.uint64)

    def raw4(self, column: int) -> U8:
        """Four octets, the first one lowest, widened: for sums and keys."""
        return field(self.words, column, "<u4").astype(np.uint64)

    def raw8(self, column: int) -> U8:
        """Eight octets, the first one lowest, not to be changed: for keys."""
        return word_at(self.words, column)

    def words4(self, rows: I8, columns: I4) -> U4:
        """Four octets of some rows, the first one lowest, each from a column of its own.

        Columns that are no multiple of four, or beyond the slab, are read from where the row lies.
        """
        halves = self.words.view("<u4").reshape(-1)
        near = np.minimum(columns & ~3, HEAD - 4)
        found: U4 = halves[((near >> 3) * len(self.at) + rows << 1) + (near >> 2 & 1)]
        far = np.flatnonzero(columns != near)
        found[far] = gather(self.data, self.at[rows[far]] - LINK + columns[far], 4).view("<u4")[:, 0]
        return found

    @property
    def segment_words(self) -> U8:
        """uint64[SEGMENT / 8, n]: the octets from layer 4 on, the first one lowest in each word."""
        return self.words[TRANSPORT // WORD :]

    def copy_into(self, target: U1 | U2 | U4, column: int) -> None:
        """Write a field of the target's size, in network order, into ``target[n]``."""
        target[:] = field(self.words, column, f">u{target.itemsize}")
