"""The first octets of many frames, turned: all first words, then all second ones, so that a field lies dense.

Frames whose layer 3 or 4 begins elsewhere are gathered again, shifted, so that layer 3 always
begins in column ``NETWORK`` and layer 4 in column ``TRANSPORT``.  Columns beyond the captured
octets hold what comes next in memory: every reader asks ``have`` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.table import I8, U1, U2, U4, U8, Bools

LINK = 6
"""Column of a frame's first octet, so that the segment fills whole words of eight octets."""
NETWORK = LINK + 14
TRANSPORT = NETWORK + 20
SEGMENT = 48
"""Octets of layer 4 in a slab: a SYN with all its options, the whole of most acknowledgements."""
_WORD = 8
_WIDTH = TRANSPORT + SEGMENT
_TURNED_AT_ONCE = 1 << 13  # rows that stay in a core's cache until they are turned


def gather(data: U1, at: I8, width: int) -> U1:
    """``width`` octets from each position, uint8[n, width]; zero outside ``data``."""
    void = np.dtype((np.void, width))
    room = len(data) - width
    is_inside = np.zeros(len(at), np.bool_)
    if room >= 0:
        view = np.ndarray((room + 1,), void, data, strides=(1,))
        if len(at) == 0 or (int(at.min()) >= 0 and int(at.max()) <= room):
            return view[at].view(np.uint8).reshape(len(at), width)
        is_inside = (at >= 0) & (at <= room)
    result = np.zeros((len(at), width), np.uint8)
    if is_inside.any():
        result[is_inside] = view[at[is_inside]].view(np.uint8).reshape(-1, width)
    for row in np.flatnonzero(~is_inside).tolist():
        first = max(0, int(at[row]))
        piece = data[first : max(0, int(at[row]) + width)]
        skip = first - int(at[row])
        result[row, skip : skip + len(piece)] = piece
    return result


def octets(data: U1, at: I8, have: I8, width: int) -> U1:
    """Like ``gather``, with zero in place of whatever lies beyond ``have`` octets."""
    result = gather(data, at, width)
    result[np.arange(width) >= have[:, None]] = 0
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
        have: int64[n], captured octets of the frame.
        words: uint64[columns / 8, n], eight octets of each frame, the first one lowest.
    """

    def __init__(self, data: U1, at: I8, have: I8) -> None:
        self.data = data
        self.at = at.copy()
        self.have = have
        self.words: U8 = np.empty((_WIDTH // _WORD, len(at)), "<u8")
        for first in range(0, len(at), _TURNED_AT_ONCE):
            part = slice(first, first + _TURNED_AT_ONCE)
            self.words[:, part] = self._gather(at[part])

    def _gather(self, at: I8) -> U8:
        turned: U8 = gather(self.data, at - LINK, _WIDTH).view("<u8").T
        return turned

    def shift(self, rows: I8, by: I8, column: int) -> None:
        """Let ``rows`` begin ``by`` octets later, from the word with this column on."""
        self.at[rows] += by
        self.words[column // _WORD :, rows] = self._gather(self.at[rows])[column // _WORD :]

    def u1(self, column: int) -> U1:
        """uint8[n]: a copy of one column."""
        return self._view(column, "u1").copy()

    def u2(self, column: int) -> U2:
        """uint16[n] in network order."""
        return self._view(column, ">u2").astype(np.uint16)

    def u4(self, column: int) -> U4:
        """uint32[n] in network order."""
        return self._view(column, ">u4").astype(np.uint32)

    def wide2(self, column: int) -> I8:
        """int64[n] from two octets in network order: for lengths."""
        return self._view(column, ">u2").astype(np.int64)

    def wide4(self, column: int) -> U8:
        """uint64[n] from four octets in network order: for address keys."""
        return self._view(column, ">u4").astype(np.uint64)

    def raw4(self, column: int) -> U8:
        """Four octets, the first one lowest, widened: for sums and keys."""
        return self._view(column, "<u4").astype(np.uint64)

    def raw8(self, column: int) -> U8:
        """Eight octets, the first one lowest: for keys."""
        word, octet = divmod(column, _WORD)
        found: U8 = self.words[word] >> np.uint64(8 * octet)
        if octet:
            found |= self.words[word + 1] << np.uint64(8 * (_WORD - octet))
        return found

    def words4(self, rows: I8, columns: I8) -> U4:
        """Four octets of some rows, the first one lowest, each from a column of its own that is a multiple of four.

        Columns beyond the slab are read from where the row lies.
        """
        halves = self.words.view("<u4").reshape(-1)
        near = np.minimum(columns, _WIDTH - 4)
        found: U4 = halves[((near >> 3) * len(self.at) + rows << 1) + (near >> 2 & 1)]
        far = np.flatnonzero(columns != near)
        found[far] = gather(self.data, self.at[rows[far]] - LINK + columns[far], 4).view("<u4")[:, 0]
        return found

    @property
    def segment_words(self) -> U8:
        """uint64[SEGMENT / 8, n]: the octets from layer 4 on, the first one lowest in each word."""
        return self.words[TRANSPORT // _WORD :]

    def copy_into(self, target: U1 | U2 | U4, column: int) -> None:
        """Write a field of the target's size, in network order, into ``target[n]``."""
        target[:] = self._view(column, f">u{target.itemsize}")

    def _view(self, column: int, kind: str) -> U1:
        """One field of each frame where it lies; a copy if it reaches over two words."""
        word, octet = divmod(column, _WORD)
        is_whole = octet + np.dtype(kind).itemsize <= _WORD
        words, octet = (self.words[word], octet) if is_whole else (self.raw8(column), 0)
        return np.ndarray((len(self.at),), kind, words, octet, (_WORD,))
