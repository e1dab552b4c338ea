"""The end of a message that Nagle's algorithm holds back until a delayed ACK confirms the beginning.

Source: RFC 9293, 3.7.4 (Nagle) and 3.8.6.3 (delayed ACKs); draft-minshall-nagle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.many import segments_of
from explain.exchanges.tcp.offers import offered_shifts
from explain.record import NamedTuple
from explain.side_tables import NO_SCALE
from explain.table import FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.table import I8, Bools, Rows

_LEAST_NS, _MOST_NS = 30_000_000, 550_000_000  # an ACK waits for 40 ms in Linux, for less than 500 ms in all
_LONGEST_WAY_NS = 1_000_000_000
_AT_ONCE_NS = 2_000_000
_SMALL = 1220  # octets, with which a segment of IPv6's least MTU is full
_MOSTLY = 0.8
_SOON = 8  # segments in which the answer follows that the rest was needed for


class HeldBack(NamedTuple):
    """Each time that somebody waited so; int64[n] beside each other, in the order of the connections.

    Attributes:
        connection: of which connection.
        at: position in ``Streams.rows`` of the beginning; the ACK and the rest come right after it.
        waited_ns: how much longer than the way there and back the ACK took.
    """

    connection: I8
    at: I8
    waited_ns: I8

    def only(self, wanted: Bools) -> HeldBack:
        """Some of them."""
        return HeldBack(*(column[wanted] for column in self))


def find_held_back(moments: TcpMoments) -> HeldBack:
    """Where a small segment waited for its ACK far longer than a round trip, and the next one left the moment it came.

    A program does not see ACKs, so what it writes comes at any time after them: where that is so, too, nothing is held.
    Nobody waits for the rest of what needs no answer.
    """
    at = _paused(moments)
    of = np.searchsorted(moments.streams.bounds, at, side="right") - 1
    if not len(at):
        return HeldBack(of, at, at)
    time_ns = moments.table.time_ns[moments.streams.rows[at[:, None] + np.arange(3)]]
    side = 2 * of + moments.streams.is_high[at]
    waited_ns = time_ns[:, 1] - time_ns[:, 0] - _ways(moments, of, side)
    found = HeldBack(of, at, waited_ns)
    is_delayed = (waited_ns >= _LEAST_NS) & (waited_ns <= _MOST_NS) & _has_room(moments, of, at)
    off_ns = time_ns[:, 2] - time_ns[:, 1] - _near(moments, of, at)
    is_prompt = is_delayed & (np.abs(off_ns) <= _AT_ONCE_NS)
    _, pair = np.unique(side, return_inverse=True)
    prompt, delayed = np.bincount(pair[is_prompt], minlength=len(at)), np.bincount(pair[is_delayed], minlength=len(at))
    return found.only(is_prompt & (prompt >= _MOSTLY * delayed)[pair] & _is_answered(moments, of, at))


def _paused(moments: TcpMoments) -> I8:
    """Positions of data, confirmed after a pause by an ACK without data, and followed by a little more data."""
    table, streams = moments.table, moments.streams
    is_turn = streams.is_high[1:] != streams.is_high[:-1]
    size = np.minimum(streams.length, _SMALL).astype(np.uint16).take(streams.rows)
    is_small = (size > 0) & (size < _SMALL)  # a large one may wait for the congestion window
    at = np.flatnonzero(is_small[:-2] & (size[1:-1] == 0) & is_small[2:] & is_turn[:-1] & is_turn[1:])
    first, ack = streams.rows[at], streams.rows[at + 1]
    gap = table.time_ns[ack] - table.time_ns[first]
    at = at[(gap >= _LEAST_NS) & (gap <= _MOST_NS + _LONGEST_WAY_NS)]
    first, ack, rest = (streams.rows[at + step] for step in range(3))
    end = table.seq[first] + streams.length[first]
    is_talk = (streams.flags[at] | streams.flags[at + 1]) & (SYN | FIN | RST) == 0
    is_talk &= (table.ack[ack] == end) & (table.seq[rest] == end)
    is_talk &= np.searchsorted(streams.bounds, at, "right") == np.searchsorted(streams.bounds, at + 2, "right")
    found: I8 = at[is_talk]
    return found


def _ways(moments: TcpMoments, of: I8, side: I8) -> I8:
    """How soon at best the other side confirmed data or SYN, for each of some sides, in ns."""
    streams = moments.streams
    some = distinct(of)
    at, which = segments_of(streams, some)
    rows, high = streams.rows[at], streams.is_high[at]
    asked = streams.length[rows] + (streams.flags[at] & SYN != 0)
    beyond = (moments.table.ack[rows[1:]] - moments.table.seq[rows[:-1]] - asked[:-1]).view(np.int32)
    turns = np.flatnonzero((asked[:-1] > 0) & (high[1:] != high[:-1]) & (which[1:] == which[:-1]) & (beyond >= 0))
    best: I8 = np.full(2 * len(streams.flow), _LONGEST_WAY_NS)
    gap = np.maximum(moments.table.time_ns[rows[turns + 1]] - moments.table.time_ns[rows[turns]], 0)
    np.minimum.at(best, 2 * some[which[turns]] + high[turns], gap)
    return best[side]


def _near(moments: TcpMoments, of: I8, at: I8) -> I8:
    """The way from the place of the capture to who waits and back, as the handshake shows it; 0 if unseen."""
    course, streams = moments.course, moments.streams
    spots = np.stack((course.syn[of], course.syn_ack[of], course.ack[of]))
    is_known = (spots != NEVER).all(axis=0)
    time_ns = moments.table.time_ns[streams.rows[np.where(is_known, spots, 0)]]
    is_client = streams.is_high[at] == (course.client[of] == 1)
    near = np.where(is_client, time_ns[2] - time_ns[1], time_ns[1] - time_ns[0])
    found: I8 = np.where(is_known, np.maximum(near, 0), 0)
    return found


def _has_room(moments: TcpMoments, of: I8, at: I8) -> Bools:
    """Whether the window of the other side had room for both segments, as far as its size is known."""
    course, streams, table = moments.course, moments.streams, moments.table
    spots = np.stack((course.syn[of], course.syn_ack[of]))
    is_known = (spots != NEVER).all(axis=0)
    first, ack, rest = (streams.rows[at + step] for step in range(3))
    window = table.window[ack].astype(np.int64)
    if is_known.any():
        shift = np.stack([offered_shifts(table, streams.rows[own[is_known]]) for own in spots]).astype(np.int64)
        shift = np.where((shift == NO_SCALE).any(axis=0), 0, shift)
        is_client = (streams.is_high[at] == (course.client[of] == 1))[is_known]
        window[is_known] <<= np.where(is_client, shift[1], shift[0])
    fits: Bools = ~is_known | (window >= streams.length[first].astype(np.int64) + streams.length[rest])
    return fits


def _is_answered(moments: TcpMoments, of: I8, at: I8) -> Bools:
    """Whether the other side said something soon after the rest, before it was told more."""
    streams = moments.streams
    is_answered, is_over = np.zeros(len(at), np.bool_), np.zeros(len(at), np.bool_)
    for step in range(3, 3 + _SOON):
        here = np.minimum(at + step, len(streams.rows) - 1)
        is_over |= at + step >= streams.bounds[of + 1]
        says = (streams.length[streams.rows[here]] > 0) & (streams.is_high[here] != streams.is_high[at])
        is_answered |= ~is_over & says
    return is_answered


def rows_of(moments: TcpMoments, found: HeldBack) -> Rows:
    """The beginning, the ACK and the rest, of each."""
    rows: Rows = moments.streams.rows[(found.at[:, None] + np.arange(3)).ravel()]
    return rows
