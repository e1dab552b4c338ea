"""The labels of ordinary connections' segments, many connections at once.

The segments of a block are put side by side, direction after direction, so that what is expected next
is a running maximum.  Only segments that are not where they are expected are looked at more closely.
A connection in which something happens that only ``steps`` knows is handed over to it as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.exchanges.tcp.labelling.oddities import FAR, mark_odd
from explain.exchanges.tcp.labelling.steps import FAST_NS, REORDERED_NS
from explain.exchanges.tcp.labels import (
    DUPLICATE_ACK,
    FAST_RETRANSMISSION,
    GAP,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    OUT_OF_ORDER,
    PORTS_REUSED,
    RETRANSMISSION,
    SPURIOUS_RETRANSMISSION,
    WINDOW_FULL,
    WINDOW_UPDATE,
    ZERO_WINDOW,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
)
from explain.table import FIN, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.tcp.labelling.hints import Hints
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, U1, U2, U4, Bools, PacketTable

_CONTROL = FIN | SYN | RST
_BLOCK = 1 << 15
_UNKNOWN_SHIFT = 255


def label_blocks(table: PacketTable, streams: Streams, hints: Hints, labels: U2) -> list[int]:
    """Enters the labels of all segments.

    Returns:
        The connections that need ``steps``.
    """
    odd = [np.flatnonzero(hints.is_odd)]
    for first, last in _spans(streams.bounds):
        odd.append(Block(table, streams, hints, first, last).label(labels))
    labels[streams.bounds[:-1][streams.is_reuse]] |= PORTS_REUSED
    result: list[int] = distinct(np.concatenate(odd)).tolist()
    return result


def _spans(bounds: I8) -> Iterator[tuple[int, int]]:
    """Runs of connections with up to ``_BLOCK`` segments together; a longer one alone."""
    first, count = 0, len(bounds) - 1
    while first < count:
        last = int(np.searchsorted(bounds, bounds[first] + _BLOCK, side="right")) - 1
        last = min(max(last, first + 1), count)
        yield first, last
        first = last


class Block:
    """Segments of the connections ``first`` to ``last``, each direction in one piece.

    A *piece* is a direction of a connection. First come those from the low ends, connection after connection, then
    those from the high ends. Indices are taken without a check (``mode="clip"``), which takes half the time.

    Attributes:
        order: int64[m], position of each segment in the block before it was rearranged.
        piece: uint16[m].
        sizes: int64[p], segments of each piece.
        is_head: bool[m + 1], the first segment of a piece; true past the end, too.
        starts: int64[p], where each piece begins, the empty ones too; ``far_starts``: where its other direction does.
        place: int64[m], sequence number unwrapped, in a range of its own for each piece; its low 32 bits are ``seq``.
        reach: int64[m], the place after the highest octet so far.
        is_away: bool[m], a segment that does not begin where it is expected; False for the first.
        far: int64[m], the last segment of the other direction before each one, if there is one.
    """

    def __init__(self, table: PacketTable, streams: Streams, hints: Hints, first: int, last: int) -> None:
        self.table, self.hints, self.first, self.count = table, hints, first, last - first
        edges = streams.bounds[first : last + 1]
        self.base = int(edges[0])
        rows = streams.rows[self.base : edges[-1]]
        is_high = streams.is_high[self.base : edges[-1]]
        low, high = np.flatnonzero(~is_high), np.flatnonzero(is_high)
        self.order = np.concatenate((low, high))
        high_before = np.searchsorted(high, edges - self.base)
        self.sizes = np.concatenate((np.diff(edges - high_before), np.diff(high_before)))
        self.piece = np.arange(len(self.sizes), dtype=np.uint16).repeat(self.sizes)
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.far_starts = np.roll(self.starts, self.count)
        self.heads = self.starts[self.sizes > 0]
        self.is_head = np.zeros(len(rows) + 1, np.bool_)
        self.is_head[self.heads] = True
        self.is_head[-1] = True
        # A segment's position less the number of its own direction's before it is that of the other's before it.
        self.far = self.order - np.arange(1 - len(low), len(high) + 1)
        self.rows = rows.take(self.order, mode="clip")
        self.seq: U4 = table.seq.take(self.rows, mode="clip")
        self.ack: U4 = table.ack.take(self.rows, mode="clip")
        self.length: U4 = streams.length.take(self.rows, mode="clip")
        self.window: U2 = table.window.take(self.rows, mode="clip")
        self.flags: U1 = streams.flags[self.base : edges[-1]].take(self.order, mode="clip")
        self.labels = np.zeros(len(rows), np.uint16)
        self.odd = np.zeros(self.count, np.bool_)
        self._unwrap()

    def _unwrap(self) -> None:
        step = np.diff(self.seq, prepend=self.seq[:1]).view(np.int32)
        jumps = step[self.heads].astype(np.int64)
        step[self.heads] = 0
        if len(step) and (step.max() > FAR or step.min() < -FAR):
            self.give_up(np.flatnonzero((step > FAR) | (step < -FAR)))
            np.clip(step, -FAR, FAR, out=step)
        # Steps of 30 bits, so many of them: each piece gets a range that it cannot leave.
        place = step.astype(np.int64)
        place[self.heads] = jumps + (1 << (31 + len(step).bit_length()))
        place[:1] = self.seq[:1]
        self.place = np.cumsum(place, out=place)
        end = self.place + self.length
        end[np.flatnonzero(self.flags & (FIN | SYN) != 0)] += 1
        self._find_probes(end)
        self.reach = np.maximum.accumulate(end, out=end)
        self.is_away = np.empty(len(end), np.bool_)
        np.not_equal(self.reach[:-1], self.place[1:], out=self.is_away[1:])
        self.is_away[self.heads] = False

    def behind(self, some: I8) -> I8:
        """Octets by which segments that are away begin before what is expected."""
        return self.reach[some - 1] - self.place[some]

    def _find_probes(self, end: I8) -> None:
        """One octet into a closed window does not move what is expected, if it is the next one."""
        some = np.flatnonzero(self.length == 1)
        some = some[self.has_far(some) & ~self.is_head[some]]
        some = some[self.window[self.far[some]] == 0]
        end[some] = self.place[some] - (FAR << 1)
        self.probes = some

    def label(self, labels: U2) -> I8:
        """Enters the labels; returns the connections that only ``steps`` can judge."""
        self._settle_probes()
        away = np.flatnonzero(self.is_away)
        self._label_away(away)
        mark_odd(self, away)
        self._label_windows()
        marked = np.flatnonzero(self.labels != 0)
        labels[self.base + self.order[marked]] = self.labels[marked]
        return np.flatnonzero(self.odd) + self.first

    def give_up(self, some: I8) -> None:
        """Leave the connections of some segments to the steps."""
        self.odd[self.piece[some] % self.count] = True

    def has_far(self, some: I8) -> Bools:
        """Whether the other direction had sent anything before."""
        result: Bools = self.far[some] >= self.far_starts[self.piece[some]]
        return result

    def _settle_probes(self) -> None:
        some = self.probes
        behind = self.behind(some)
        self.labels[some[behind == 0]] |= ZERO_WINDOW_PROBE
        is_longer = self.flags[some] & (FIN | SYN) != 0  # and so may reach beyond what is expected
        self.give_up(some[(behind < 0) | (behind > 0) & is_longer])

    # -- segments that are not where they are expected

    def _label_away(self, away: I8) -> None:
        behind = self.behind(away)
        length, flags = self.length[away], self.flags[away]
        self.labels[away[(behind < 0) & (flags & RST == 0)]] |= GAP
        is_alive = (behind == 1) & (length <= 1) & (flags & _CONTROL == 0)
        self.labels[away[is_alive]] |= KEEP_ALIVE
        self._label_unchanged()
        takes_room = (length > 0) | (flags & (FIN | SYN) != 0)
        self._label_repeated(away[(behind > 0) & takes_room & ~is_alive])

    def _label_repeated(self, some: I8) -> None:
        """Spurious before fast before out of order before any other retransmission."""
        if not len(some):
            return
        far, has_far = self.far[some], self.has_far(some)
        seq, length = self.seq[some], self.length[some]
        acked = np.where(has_far, self.ack[far], 0)
        is_spurious = (length > 0) & (acked != 0) & ((seq + length - acked).view(np.int32) <= 0)
        is_fresh = (self.behind(some) == 1) & (length > 1)  # new octets after a probe
        time = self.table.time_ns[self.rows[some]]
        wait = (time - self.table.time_ns[self.rows[far]]).view(np.uint64)
        is_fast = has_far & (acked == seq) & (wait < FAST_NS) & (self._repeats(far) >= 2)
        since, limit = self._since_reach(some, time)
        end = self.place[some] + length + (self.flags[some] & (FIN | SYN) != 0)
        is_late = (since < limit) & (end != self.reach[some - 1])
        self.labels[some] |= np.select(
            [is_spurious, is_fresh, is_fast, is_late],
            [SPURIOUS_RETRANSMISSION, 0, FAST_RETRANSMISSION, OUT_OF_ORDER],
            RETRANSMISSION,
        ).astype(np.uint16)

    def _since_reach(self, some: I8, time: I8) -> tuple[I8, I8]:
        """Time since the highest octet was seen, and the round-trip time as the handshake showed it."""
        leader = np.searchsorted(self.reach, self.reach[some - 1])
        connection = self.piece[some].astype(np.int64) % self.count + self.first
        is_known = self.order[some] + self.base > self.hints.round_trip_at[connection]
        limit = np.where(is_known, self.hints.round_trip_ns[connection], REORDERED_NS)
        since = time - self.table.time_ns[self.rows[leader]]
        return since.view(np.uint64), limit.view(np.uint64)

    def _repeats(self, some: I8) -> I8:
        """How many duplicate acknowledgements each direction had sent in a row, up to these segments."""
        fresh = self._fresh[np.searchsorted(self._fresh, some, side="right") - 1]
        result: I8 = np.searchsorted(self._duplicates, some, side="right")
        result -= np.searchsorted(self._duplicates, fresh)
        return result

    # -- segments that say nothing new

    def _label_unchanged(self) -> None:
        same_ack = np.zeros(len(self.ack), np.bool_)
        np.equal(self.ack[1:], self.ack[:-1], out=same_ack[1:])
        same_ack[self.heads] = False
        self._fresh = np.flatnonzero(~same_ack)
        some = np.flatnonzero(same_ack & (self.length == 0))
        some = some[~self.is_away[some] & (self.flags[some] & _CONTROL == 0)]
        window = self.window[some]
        is_same, is_open = window == self.window[some - 1], window > 0
        self.labels[some[~is_same & is_open]] |= WINDOW_UPDATE
        asked = np.where(self.has_far(some), self.labels[self.far[some]], 0)
        is_answer = is_same & is_open & (asked & KEEP_ALIVE != 0)
        self.labels[some[is_answer]] |= KEEP_ALIVE_ACK
        self.labels[some[is_same & ~is_open & (asked & ZERO_WINDOW_PROBE != 0)]] |= ZERO_WINDOW_PROBE_ACK
        self._duplicates = some[is_same & is_open & ~is_answer]
        self.labels[self._duplicates] |= DUPLICATE_ACK

    def _label_windows(self) -> None:
        closed = np.flatnonzero(self.window == 0)
        is_probe = self.labels[closed] & ZERO_WINDOW_PROBE != 0
        self.labels[closed[(self.flags[closed] & _CONTROL == 0) & ~is_probe]] |= ZERO_WINDOW
        known = self.hints.shifts.reshape(-1, 2)[self.first : self.first + self.count].T.ravel()
        edge = np.where(known == _UNKNOWN_SHIFT, 1, np.uint32(1) << known).astype(np.uint32).repeat(self.sizes)
        edge[np.flatnonzero(self.flags & SYN != 0)] = 1  # the window of a SYN is never scaled (RFC 7323, 2.2)
        edge *= self.window
        edge += self.ack
        is_full = self.seq + self.length == edge.take(self.far, mode="clip")
        some = np.flatnonzero(is_full & (self.length > 0))
        some = some[(self.flags[some] & _CONTROL == 0) & self.has_far(some)]
        some = some[np.roll(known, self.count)[self.piece[some]] != _UNKNOWN_SHIFT]
        self.labels[some] |= WINDOW_FULL
