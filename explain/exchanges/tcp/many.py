"""Measures of many connections at once, where to look at one after the other would cost too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.tcp.labels import DUPLICATE_ACK, RESENT
from explain.table import FIN, REVERSED, RST, SYN, TWICE_NS

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, Rows


def segments_of(streams: Streams, indices: I8) -> tuple[I8, I8]:
    """Positions in ``streams.rows`` of some connections' segments, and which of ``indices`` each belongs to."""
    starts, sizes = streams.bounds[indices], streams.bounds[indices + 1] - streams.bounds[indices]
    ends = np.cumsum(sizes)
    at = np.arange(int(sizes.sum())) + (starts - (ends - sizes)).repeat(sizes)
    return at, np.arange(len(indices)).repeat(sizes)


def measure_closed_windows(moments: TcpMoments, indices: I8) -> I8:
    """For how many nanoseconds windows of these connections were closed.

    One that never opened again was closed for as long as the other side still asked.
    """
    table, streams = moments.table, moments.streams
    at, of = segments_of(streams, indices)
    rows, flags = streams.rows[at], streams.flags[at]
    side = of * 2 + (table.layers[rows] & REVERSED != 0)
    last_ns = np.zeros(2 * len(indices), np.int64)
    last_ns[side[flags & RST == 0]] = table.time_ns[rows[flags & RST == 0]]  # of each side what comes last is set last
    says_window = flags & (FIN | SYN | RST) == 0
    rows, of, side = rows[says_window], of[says_window], side[says_window]
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
    is_left = is_closed[turns]
    is_left[opens - 1] = False
    left = turns[is_left]
    np.add.at(closed_ns, of[left], np.maximum(last_ns[side[left] ^ 1] - table.time_ns[rows[left]], 0))
    return closed_ns


def count_recorded_twice(moments: TcpMoments, indices: I8) -> I8:
    """How many frames of each of these connections are there twice; see ``recorded_twice``."""
    return np.bincount(recorded_twice(moments, indices)[1], minlength=len(indices))


def recorded_twice(moments: TcpMoments, indices: I8) -> tuple[Rows, I8]:
    """Frames of some connections that are there because they were recorded twice, not sent twice, and of which each is.

    They are alike to the IP identification and the checksum, and come at once; a sender that repeats a
    segment counts its identification up, and waits.
    """
    table, streams = moments.table, moments.streams
    at, of = segments_of(streams, indices)
    rows, is_resent = streams.rows[at], moments.segments.labels[at] & np.uint16(RESENT) != 0
    is_repeated = is_resent | (moments.segments.labels[at] & DUPLICATE_ACK != 0)
    is_suspect = np.bincount(of[is_repeated], minlength=len(indices))[of] > 0
    takes_room = (streams.length[rows] > 0) | (streams.flags[at] & (SYN | FIN) != 0)
    number = of << 32 | table.seq[rows]
    known = number[is_suspect & (is_resent | ~takes_room) & ((table.ip_id[rows] != 0) | takes_room)]
    some = np.flatnonzero(among(number, known))
    rows, of, takes_room, number = rows[some], of[some], takes_room[some], number[some]
    order = np.lexsort((table.ip_id[rows], table.checksum[rows], table.ack[rows], number))  # those alike stay in order
    rows, of, takes_room = rows[order], of[order], takes_room[order]
    one, other = rows[:-1], rows[1:]
    is_same = (number[order[1:]] == number[order[:-1]]) & ((table.ip_id[one] != 0) | takes_room[1:])
    is_same &= (table.layers[one] ^ table.layers[other]) & REVERSED == 0
    for column in (table.ip_id, table.window, table.flags, table.ack, table.payload, table.checksum):
        is_same &= column[one] == column[other]
    apart = table.time_ns[other] - table.time_ns[one]
    is_copy = is_same & (apart >= 0) & (apart < TWICE_NS)
    for pair in np.flatnonzero(is_copy & (table.flags[one] & SYN != 0) & (table.ip_id[one] == 0)).tolist():
        own = moments.syns(int(indices[of[pair]]))  # one SYN-ACK after a time-out, and one that answers a SYN
        is_copy[pair] = not ((own > one[pair]) & (own < other[pair])).any()
    return other[is_copy], of[1:][is_copy]


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
