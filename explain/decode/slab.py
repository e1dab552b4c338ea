"""The first octets of many frames side by side, so that a field is one strided view.

Frames whose layer 3 or 4 begins elsewhere are gathered again, shifted, so that layer 3 always
begins in column ``NETWORK`` and layer 4 in column ``TRANSPORT``.  Columns beyond the captured
octets hold what comes next in memory: every reader asks ``have`` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.table import I8, U1, U2, U4, U8

WIDTH = 72
NETWORK = 14
TRANSPORT = 34


def gather(data: U1, at: I8, width: int) -> U1:
    """``width`` octets from each position, uint8[n, width]; zero outside ``data``."""
    void = np.dtype((np.void, width))
    room = len(data) - width
    if room >= 0:
        view = np.ndarray((room + 1,), void, data, strides=(1,))
        if len(at) == 0 or (int(at.min()) >= 0 and int(at.max()) <= room):
            return view[at].view(np.uint8).reshape(len(at), width)
        inside = (at >= 0) & (at <= room)
        result = np.zeros((len(at), width), np.uint8)
        result[inside] = view[at[inside]].view(np.uint8).reshape(-1, width)
    else:
        inside = np.zeros(len(at), np.bool_)
        result = np.zeros((len(at), width), np.uint8)
    for row in np.flatnonzero(~inside).tolist():
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
    """An unsigned field in network order from uint8[n, width]; uint64[n]."""
    value = octets[:, column].astype(np.uint64)
    for index in range(column + 1, column + size):
        value = value << np.uint64(8) | octets[:, index]
    return value


class Slab:
    """``WIDTH`` octets of n frames, and how many of them were captured.

    Attributes:
        at: int64[n], where in ``data`` column 0 of each row lies.
        have: int64[n], columns that hold captured octets.
    """

    def __init__(self, data: U1, at: I8, have: I8) -> None:
        self.data = data
        self.at = at.copy()
        self.have = have.copy()
        self._octets = gather(data, at, WIDTH)

    def shift(self, rows: I8, by: I8) -> None:
        """Let ``rows`` begin ``by`` octets later."""
        self.at[rows] += by
        self.have[rows] -= by
        self._octets[rows] = gather(self.data, self.at[rows], WIDTH)

    def u1(self, column: int) -> U1:
        """uint8[n]: a copy of one column."""
        return self._octets[:, column].copy()

    def u2(self, column: int) -> U2:
        """uint16[n] in network order."""
        return self._read(column, ">u2").astype(np.uint16)

    def u4(self, column: int) -> U4:
        """uint32[n] in network order."""
        return self._read(column, ">u4").astype(np.uint32)

    def raw4(self, column: int) -> U8:
        """Four octets, the first one lowest, widened: for sums and keys."""
        return self._read(column, "<u4").astype(np.uint64)

    def raw8(self, column: int) -> U8:
        """Eight octets, the first one lowest: for keys."""
        return self._read(column, "<u8").astype(np.uint64)

    def _read(self, column: int, kind: str) -> U1:
        return np.ndarray((len(self.at),), kind, self._octets, column, (WIDTH,))
