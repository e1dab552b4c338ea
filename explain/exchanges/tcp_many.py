"""Measures of many connections at once, where to look at one after the other would cost too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp_course import FIN, RST, SYN
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.exchanges.tcp_moments import TcpMoments
    from explain.exchanges.tcp_streams import Streams
    from explain.table import I8


def segments_of(streams: Streams, indices: I8) -> tuple[I8, I8]:
    """Positions in ``streams.rows`` of some connections' segments, and which of ``indices`` each belongs to."""
    starts, sizes = streams.bounds[indices], np.diff(streams.bounds)[indices]
    ends = np.cumsum(sizes)
    at = np.arange(int(sizes.sum())) + (starts - (ends - sizes)).repeat(sizes)
    return at, np.arange(len(indices)).repeat(sizes)


def measure_closed_windows(moments: TcpMoments, indices: I8) -> I8:
    """For how many nanoseconds windows of these connections were closed, those that never opened again not counted."""
    table, streams = moments.table, moments.streams
    at, of = segments_of(streams, indices)
    says_window = streams.flags[at] & (FIN | SYN | RST) == 0
    rows, of = streams.rows[at[says_window]], of[says_window]
    side = of * 2 + (table.layers[rows] & REVERSED != 0)
    order = np.argsort(side, kind="stable")
    rows, of, side = rows[order], of[order], side[order]
    is_closed = table.window[rows] == 0
    was_closed = np.zeros(len(rows), np.bool_)
    was_closed[1:] = is_closed[:-1] & (side[1:] == side[:-1])
    turns = np.flatnonzero(is_closed != was_closed)
    opens = np.flatnonzero(~is_closed[turns])  # each comes right after the turn that closed the window
    spans = table.time_ns[rows[turns[opens]]] - table.time_ns[rows[turns[opens - 1]]]
    closed_ns = np.zeros(len(indices), np.int64)
    np.add.at(closed_ns, of[turns[opens]], spans)
    return closed_ns


def with_copies(moments: TcpMoments, indices: I8, least: int, copies: int) -> I8:
    """Of some connections, those with a number at which so many segments of at least ``least`` octets begin."""
    table, streams = moments.table, moments.streams
    at, of = segments_of(streams, indices)
    rows = streams.rows[at]
    is_large = table.payload[rows] >= least
    rows, of = rows[is_large], of[is_large]
    side = of * 2 + (table.layers[rows] & REVERSED != 0)
    key = np.sort(side << 32 | table.seq[rows])
    same = key[copies - 1 :] == key[: max(len(key) - copies + 1, 0)]
    has_copies = np.zeros(len(indices), np.bool_)
    has_copies[key[copies - 1 :][same] >> 33] = True
    found: I8 = indices[has_copies]
    return found
