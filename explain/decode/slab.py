"""The first octets of many frames side by side, so that a field is one strided view.

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
WIDTH = TRANSPORT + SEGMENT


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
    """``WIDTH`` octets of n frames, and how many of them were captured.

    Attributes:
        at: int64[n], where in ``data`` the octet of column ``LINK`` lies: at first that of the frame.
        have: int64[n], captured octets of the frame.
    """

    def __init__(self, data: U1, at: I8, have: I8) -> None:
        self.data = data
        self.at = at.copy()
        self.have = have
        self.octets = self._gather(at)

    def _gather(self, at: I8) -> U1:
        return gather(self.data, at - LINK, WIDTH)

    def shift(self, rows: I8, by: I8) -> None:
        """Let ``rows`` begin ``by`` octets later."""
        self.at[rows] += by
        self.octets[rows] = self._gather(self.at[rows])

    def u1(self, column: int) -> U1:
        """uint8[n]: a copy of one column."""
        return self.octets[:, column].copy()

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
        return self._view(column, "<u8").astype(np.uint64)

    def copy_into(self, target: U1 | U2 | U4, column: int) -> None:
        """Write a field of the target's size, in network order, into ``target[n]``."""
        target[:] = self._view(column, f">u{target.itemsize}")

    def segments(self, rows: I8) -> U1:
        """The octets from layer 4 on, uint8[n, SEGMENT]."""
        view = np.ndarray((len(self.at),), (np.void, SEGMENT), self.octets, TRANSPORT, (WIDTH,))
        return view[rows].view(np.uint8).reshape(len(rows), SEGMENT)

    def words(self, rows: I8, columns: I8) -> U4:
        """Four octets of some rows, the first one lowest, each from a column of its own; uint32[len(rows)].

        Columns beyond the slab are read from where the row lies.
        """
        flat = self.octets.reshape(-1)
        window = np.ndarray((len(flat) - 3,), "<u4", flat, strides=(1,))
        found: U4 = window[rows * WIDTH + np.minimum(columns, WIDTH - 4)]
        far = columns > WIDTH - 4
        if far.any():
            found[far] = gather(self.data, self.at[rows[far]] - LINK + columns[far], 4).view("<u4")[:, 0]
        return found

    def _view(self, column: int, kind: str) -> U1:
        return np.ndarray((len(self.at),), kind, self.octets, column, (WIDTH,))
