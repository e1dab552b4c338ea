"""What was recorded twice, sent again, came late or asked in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.late import came_again, mixed, octets_again
from explain.exchanges.tcp.many import recorded_twice
from explain.story.exchanges.tcp.told import is_one_sided
from explain.table import FIN, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.tcp.connection import TcpConnection
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.model import Line
    from explain.story.exchanges.tcp.told import Told
    from explain.table import Bools, PacketTable, Rows

_ANSWERED_NS = 100_000_000
_SENT_AGAIN, _OFTEN = ("resent", "resent-at-once"), 5


def trouble(told: Told, moments: TcpMoments, index: int, older: Rows, copies: Rows) -> Iterator[Line]:
    """What was recorded twice, sent again or came late, and what came of it."""
    if len(copies):
        is_answered = _are_answered(moments.talk(index), copies)
        name = "tcp.doubled" if is_answered else "tcp.recorded-twice"
        yield told.line(name, copies, count=len(copies))
    if told.fields.retransmissions and len(rows := mixed(moments.talk(index))):
        yield told.line("tcp.mixed", rows, count=len(rows))
        return
    repeated = np.append(older, copies)  # told where the connection opens, and above
    resent = 0
    for name, rows in came_again(moments, index).items():
        if len(rows := rows[~among(rows, repeated)]):
            yield told.line(f"tcp.{name}", rows, count=len(rows))
            resent += len(rows) if name in _SENT_AGAIN else 0
    if told.fields.has_sack is False and resent >= _OFTEN:
        yield _without_sack(told, moments.talk(index))
    octets = octets_again(moments.talk(index)) if told.fields.keep_alives else copies
    repeated = np.append(repeated, _answers_again(moments.talk(index)))
    yield from _silent_trouble(told, moments, index, np.append(repeated, octets))


def _without_sack(told: Told, talk: Talk) -> Line:
    """Who did not take part in selective acknowledgement (RFC 2018), as the SYNs show it."""
    syns = np.array([talk.rows[talk.where(SYN, role)][0] for role in (0, 1)])
    offers = told.table.syn.sack_permitted[np.searchsorted(told.table.syn.row, syns)]
    return told.line("tcp.sack-missing", syns, lacking=told.values["server" if offers[0] else "client"])


def copies_of(moments: TcpMoments, index: int, rows: Rows, fields: TcpConnection) -> Rows:
    """Frames that were recorded twice, and sent once."""
    return np.sort(recorded_twice(moments, np.array([index]))[0]) if fields.recorded_twice else rows[:0]


def _answers_again(talk: Talk) -> Rows:
    """The client's ACKs that answer SYN-ACKs which came again."""
    accepts = talk.rows[talk.where(SYN, 1)]
    own = talk.rows[(talk.role == 0) & (talk.length == 0) & (talk.flags & SYN == 0)]
    at = np.maximum(np.searchsorted(own, accepts), np.arange(len(accepts)))[1:]  # one each, also where two came first
    found: Rows = own[at[at < len(own)]]
    return found


def _silent_trouble(told: Told, moments: TcpMoments, index: int, repeated: Rows) -> Iterator[Line]:
    """Segments without data that tell of trouble, or only ask whether somebody is there."""
    for message, labels in (
        ("tcp.duplicate-acks", label.DUPLICATE_ACK), ("tcp.zero-window", label.ZERO_WINDOW),
        ("tcp.keep-alive", label.KEEP_ALIVE), ("tcp.window-probe", label.KEEP_ALIVE | label.ZERO_WINDOW_PROBE),
    ):  # fmt: skip
        rows = moments.labelled(index, labels)
        if len(rows) and labels & label.KEEP_ALIVE:
            rows = rows[rows >= _opened(moments, index)]
            is_probe = _meet_closed_windows(moments, index, rows)
            rows = rows[is_probe if labels & label.ZERO_WINDOW_PROBE else ~is_probe]
        rows = rows[~among(rows, repeated)]
        parts: tuple[tuple[str, Rows], ...] = ((message, rows),)
        if message == "tcp.keep-alive":
            parts = _heeded(told.table, moments.talk(index), rows)
        elif message == "tcp.duplicate-acks":
            parts = _meant(moments, index, rows)
        for name, some in parts:
            if len(some):
                yield told.line(name, some, count=len(some))


def _opened(moments: TcpMoments, index: int) -> int:
    """The row of the SYN-ACK, before which nothing can be kept alive; 0 where it was not seen."""
    at = int(moments.course.syn_ack[index])
    return 0 if at == NEVER else int(moments.streams.rows[at])


def _are_answered(talk: Talk, copies: Rows) -> bool:
    """Whether most copies of data made their receiver confirm once more what it had: then they reached it."""
    is_copy = among(talk.rows, copies)
    again = np.flatnonzero((talk.labels & np.uint16(label.DUPLICATE_ACK) != 0) & ~is_copy)
    data = np.flatnonzero(is_copy & (talk.length > 0))
    follows = np.searchsorted(again, data)
    data, follows = data[follows < len(again)], again[follows[follows < len(again)]]
    is_near = talk.time_ns[follows] - talk.time_ns[data] < _ANSWERED_NS
    is_had = (talk.ack[follows] - talk.seq[data] - talk.length[data]).view(np.int32) >= 0  # more than a loss would show
    return len(data) > 1 and 2 * int((is_near & is_had).sum()) > len(data)


def _meant(moments: TcpMoments, index: int, again: Rows) -> tuple[tuple[str, Rows], ...]:
    """Duplicate ACKs by whether they can tell of a segment: not where all data was confirmed, and none came twice."""
    talk = moments.talk(index)
    at = np.searchsorted(talk.rows, again)
    is_idle = np.zeros(len(at), np.bool_)
    for role in {*talk.role[at].tolist()}:
        mine = np.flatnonzero(talk.role[at] == role)
        data = np.flatnonzero((talk.role != role) & (talk.length > 0))
        count = np.searchsorted(data, at[mine])  # of their segments before each
        has_any = count > 0
        is_idle[mine[~has_any]] = bool(((talk.role != role) & (talk.flags & SYN != 0)).any())
        mine, last = mine[has_any], data[count[has_any] - 1]
        confirmed = talk.ack[at[mine]] - talk.seq[last] - talk.length[last].astype(np.uint32)
        theirs = np.flatnonzero((talk.role != role) & (talk.flags & RST == 0))
        latest = theirs[np.searchsorted(theirs, at[mine]) - 1]  # its number tells of what was sent before it
        is_beyond = (talk.seq[latest] - talk.ack[at[mine]]).view(np.int32) > 0
        is_twice = (talk.labels[last] | talk.labels[latest]) & np.uint16(label.REPEATED | label.KEEP_ALIVE) != 0
        is_idle[mine] = (confirmed <= 1) & ~is_twice & ~is_beyond  # 1 is a FIN
    return ("tcp.duplicate-acks", again[~is_idle]), ("tcp.duplicate-acks-idle", again[is_idle])


def _heeded(table: PacketTable, talk: Talk, asks: Rows) -> tuple[tuple[str, Rows], ...]:
    """Keep-alives by whether the other side was heard after them.

    The silence after a single one proves nothing, nor does that of a side of which nothing was recorded.
    """
    at = np.searchsorted(talk.rows, asks)
    last = np.array([np.flatnonzero(talk.role != role).max(initial=-1) for role in (0, 1)])
    is_vain = at > last[talk.role[at]] if len(at) else at > 0
    is_vain &= is_vain.sum() > 1 and not is_one_sided(table, talk.rows, talk.role == 0)
    return ("tcp.keep-alive", asks[~is_vain]), ("tcp.keep-alive-vain", asks[is_vain])


def _meet_closed_windows(moments: TcpMoments, index: int, rows: Rows) -> Bools:
    """Whether the other side's window was closed when each row was sent, as far as its sender showed that it knew.

    Linux then asks like a keep-alive; and goes on where the word that the window is open again was lost.
    """
    talk = moments.talk(index)
    is_news = (talk.length > 0) & (talk.labels & np.uint16(label.KEEP_ALIVE | label.ZERO_WINDOW_PROBE) == 0)
    at, is_closed = np.searchsorted(talk.rows, rows), np.zeros(len(rows), np.bool_)
    for role in (0, 1):
        told = np.flatnonzero((talk.role != role) & (talk.flags & (FIN | SYN | RST) == 0))
        last = np.searchsorted(told, at) - 1
        is_mine = np.flatnonzero((talk.role[at] == role) & (last >= 0))
        is_closed[is_mine] = talk.window[told[last[is_mine]]] == 0
        closed, own = told[talk.window[told] == 0], np.flatnonzero(is_news & (talk.role == role))
        since = np.searchsorted(closed, at) - 1
        is_mine = np.flatnonzero((talk.role[at] == role) & (since >= 0))
        is_closed[is_mine] |= np.searchsorted(own, at[is_mine]) == np.searchsorted(own, closed[since[is_mine]])
    return is_closed
