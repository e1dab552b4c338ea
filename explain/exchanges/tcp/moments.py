"""Where to look in a connection: rows of the table that a story can cite, found when asked for."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.course import NEVER
from explain.record import dataclass
from explain.table import ACK, FIN, REVERSED, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.course import Course
    from explain.exchanges.tcp.labelling.segments import TcpSegments
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, U1, U2, U4, PacketTable, Rows

_HALF = 1 << 31
_AT_ONCE_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Talk:
    """The segments of one connection side by side, in the order of the capture.

    Attributes:
        rows: int64[k], rows of the table.
        role: uint8[k], 0 from the client, 1 from the server.
        labels: uint16[k], masks of ``labels``.
    """

    rows: Rows
    role: U1
    labels: U2
    time_ns: I8
    seq: U4
    ack: U4
    length: U4
    flags: U1
    window: U2

    def where(self, flags: int, role: int | None = None) -> Rows:
        """Positions of the segments that have one of these flags."""
        has = self.flags & flags != 0
        return np.flatnonzero(has if role is None else has & (self.role == role))

    def numbers(self, role: int) -> I8:
        """Sequence numbers of one role without wrapping, int64, beside ``np.flatnonzero(role == role)``."""
        seq = self.seq[self.role == role]
        plain: I8 = seq.astype(np.int64)
        if not len(seq) or plain.max() - plain.min() < _HALF:
            return plain
        steps = np.diff(seq, prepend=seq[:1]).view(np.int32)
        result: I8 = np.cumsum(steps, dtype=np.int64) + int(seq[0])
        return result


@dataclass(frozen=True, slots=True, eq=False)
class TcpMoments:
    """Looks into connections by their index; nothing is made before it is asked for.

    Attributes:
        error_row: int64[e], rows of the table that are ICMP errors about a connection.
        error_of: int64[e], which connection each is about, ascending.
    """

    table: PacketTable
    streams: Streams
    segments: TcpSegments
    course: Course
    error_row: I8
    error_of: I8
    _latest: dict[int, Talk] = field(default_factory=dict)

    def talk(self, index: int) -> Talk:
        """All segments of a connection; who asks of one asks again, so that the latest is kept."""
        if index not in self._latest:
            self._latest.clear()
            self._latest[index] = self._talk(index)
        return self._latest[index]

    def _talk(self, index: int) -> Talk:
        part = slice(int(self.streams.bounds[index]), int(self.streams.bounds[index + 1]))
        rows, table = self.streams.rows[part], self.table
        role = (table.layers[rows] & REVERSED != 0) ^ (self.course.client[index] == 1)
        return Talk(
            rows, role.astype(np.uint8), self.segments.labels[part], table.time_ns[rows], table.seq[rows],
            table.ack[rows], self.streams.length[rows], self.streams.flags[part], table.window[rows],
        )  # fmt: skip

    def ends(self, index: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Address key and port of client and server."""
        flows, flow = self.table.flows, int(self.streams.flow[index])
        low = int(flows.low[flow]), int(flows.low_port[flow])
        high = int(flows.high[flow]), int(flows.high_port[flow])
        return (high, low) if self.course.client[index] else (low, high)

    def syns(self, index: int) -> Rows:
        """Every SYN of the client, the retries too."""
        talk = self.talk(index)
        rows: Rows = talk.rows[(talk.flags & (SYN | ACK) == SYN) & (talk.role == 0)]
        return rows

    def fins(self, index: int) -> Rows:
        """Every FIN."""
        return self._with(index, FIN)

    def resets(self, index: int) -> Rows:
        """Every RST."""
        return self._with(index, RST)

    def _with(self, index: int, flags: int) -> Rows:
        start, end = self.streams.bounds[index], self.streams.bounds[index + 1]
        rows: Rows = self.streams.rows[start:end][self.streams.flags[start:end] & flags != 0]
        return rows

    def labelled(self, index: int, labels: int) -> Rows:
        """The segments that have one of these labels, such as ``labels.RESENT``."""
        start = int(self.streams.bounds[index])
        rows: Rows = self.streams.rows[start + np.flatnonzero(self.segments.of(index) & np.uint16(labels))]
        return rows

    def exchange_of_data(self, index: int) -> Rows:
        """The last segment of the first request and the first of the answer to it; empty if there is none."""
        talk = self.talk(index)
        pair = first_answer(talk)
        rows: Rows = talk.rows[list(pair or ())]
        return rows

    def only_checks(self, index: int) -> bool:
        """Whether the client ended with RST, at once and before a byte was sent, what it had just opened.

        So ends who wanted to know no more than that the port is open, as a load balancer does again and again.
        """
        accept, reset = int(self.course.syn_ack[index]), int(self.course.resets[0, index])
        if NEVER in (accept, reset):
            return False
        opened_ns, ended_ns = self.table.time_ns[self.streams.rows[[accept, reset]]].tolist()
        if ended_ns - opened_ns >= _AT_ONCE_NS:
            return False
        talk = self.talk(index)
        ends = talk.where(FIN | RST)
        if talk.length.any() or not talk.flags[ends[0]] & RST or talk.role[ends[0]]:
            return False
        own = self.table.ttl[talk.rows[(talk.role == 0) & (np.arange(len(talk.rows)) <= ends[0])]]
        return bool((own == own[0]).all())

    def errors(self, index: int) -> Rows:
        """The ICMP errors that quote a segment of the connection."""
        start, end = np.searchsorted(self.error_of, (index, index + 1))
        rows: Rows = self.error_row[start:end]
        return rows


def first_answer(talk: Talk) -> tuple[int, int] | None:
    """Positions of the client's last data before the server's first, and of that; None if the server began."""
    data = np.flatnonzero(talk.length > 0)
    answers = data[talk.role[data] == 1]
    if not len(answers):
        return None
    asked = data[(talk.role[data] == 0) & (data < answers[0])]
    return (int(asked[-1]), int(answers[0])) if len(asked) else None
