"""Connections in which somebody waited: a server that takes its time or says nothing, and what looks like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.ping_sizes import LARGE
from explain.causes.from_capture.tcp.trouble import HANGS_NS, SLOW_NS, Trouble, several
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.late import mixed
from explain.exchanges.tcp.measures import measure_times
from explain.exchanges.tcp.moments import first_answer
from explain.exchanges.tcp.unrecorded import unrecorded
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import Rows

_SLOWER_THAN_NETWORK = 10
_NEARER, _FAR_NS = 10, 20_000_000  # who confirms so much sooner than a round trip is not the far end
_SPEAK_FIRST = frozenset((21, 22, 25, 110, 119, 143, 587, 3306, 5900))  # FTP, SSH, mail, news, MySQL, VNC
_SWALLOWED = (
    "mtu-mismatch-on-link", "icmp-errors-filtered-on-router", "filter-on-router-forward", "filter-on-target-output",
)  # fmt: skip


def hangs(moments: TcpMoments, index: int) -> Trouble | None:
    """A client that ended the connection after its request was confirmed and nothing more had come."""
    talk = moments.talk(index)
    data = np.flatnonzero((talk.length > 0) & (talk.flags & (SYN | RST) == 0))
    if not len(data) or (talk.role[data] == 1).any() or unrecorded(talk, 1)[0]:
        return None
    last = int(data[-1])
    ends = np.flatnonzero(talk.flags & (FIN | RST) != 0)
    confirmed = np.flatnonzero((talk.role == 1) & (talk.flags & ACK != 0) & (np.arange(len(talk.role)) > last))
    if not len(ends) or not len(confirmed) or talk.role[ends[0]] == 1 or int(ends[0]) < last:
        return None
    wait = int(talk.time_ns[ends[0]] - talk.time_ns[last])
    if wait < HANGS_NS:
        return None
    rows = tuple(int(talk.rows[at]) for at in (last, int(confirmed[0]), int(ends[0])))
    if missing := _unseen(talk):
        later = np.flatnonzero((talk.role == 1) & (talk.labels & np.uint16(label.GAP) != 0))
        rows = (*rows, *several(talk.rows[later]))
        why = _SWALLOWED if missing >= LARGE else _SWALLOWED[2:]
        values = {"case": "unseen", "missing": missing, "waited_ns": wait}
        return Trouble("pmtu-blackhole" if missing >= LARGE else "partial-loss", "possible", index, why, rows, values)
    rivals = ("server-slow", "filter-on-target-output")
    return Trouble("tcp-application-hangs", "possible", index, rivals, rows, {"case": "mute", "waited_ns": wait})


def _unseen(talk: Talk) -> int:
    """Octets that the server had sent by its last number, and of which none came by here."""
    heard = np.flatnonzero((talk.role == 1) & (talk.flags & (SYN | RST) == 0))
    wanted = np.flatnonzero((talk.role == 0) & (talk.flags & (ACK | RST) == ACK))
    if not len(heard) or not len(wanted):
        return 0
    return max(int((talk.seq[heard] - talk.ack[wanted[-1]]).view(np.int32).max()), 0)


def slow(moments: TcpMoments, index: int) -> Trouble | None:
    """A first answer, or a greeting, for which the client waited much longer than the network needs."""
    times = measure_times(moments.table, moments.streams.rows, moments.course, index, moments.talk(index))
    server, network = times.server_time_ns, times.network_time_ns
    if greeting := _greeting(moments, index, times.syn_to_syn_ack_ns):
        return greeting
    if server is None or network is None or server < SLOW_NS or server < network * _SLOWER_THAN_NETWORK:
        return None
    values: dict[str, Any] = {"server_time_ns": server, "network_time_ns": network}
    talk = moments.talk(index)
    if len(mixed(talk)):
        return None
    again, waited = _waits(talk)
    if waited >= server:
        values |= {"case": "waits", "resent": len(again), "lost_ns": waited}
        return Trouble("partial-loss", "likely", index, ("server-slow", "corrupted-packets"), several(again), values)
    confirmed = _confirmed_ns(talk)
    is_far = network == times.syn_to_syn_ack_ns and network > _FAR_NS
    if is_far and confirmed is not None and network > confirmed * _NEARER:
        values |= {"case": "near", "confirmed_ns": confirmed}
        return Trouble(
            "server-slow", "possible", index, ("partial-loss",), several(moments.exchange_of_data(index)), values
        )
    return Trouble("server-slow", "likely", index, (), several(moments.exchange_of_data(index)), values)


def _greeting(moments: TcpMoments, index: int, network_ns: int | None) -> Trouble | None:
    """A server that has to speak first, and lets its client wait for it, or for nothing."""
    course, rows, talk = moments.course, moments.streams.rows, moments.talk(index)
    port, opened = moments.ends(index)[1][1], int(course.ack[index])
    if port not in _SPEAK_FIRST or network_ns is None or opened == NEVER:
        return None
    ends = talk.where(FIN | RST, 0)
    told = np.flatnonzero(talk.length > 0)
    at = int(min([*told[:1].tolist(), *ends[:1].tolist()], default=-1))
    wait = int(talk.time_ns[at] - moments.table.time_ns[rows[opened]])
    if at < 0 or wait < SLOW_NS or (talk.length[at] > 0 and talk.role[at] == 0):
        return None
    shown = (int(rows[opened]), int(talk.rows[at]))
    if talk.role[at] == 1:
        if wait < network_ns * _SLOWER_THAN_NETWORK:
            return None
        values = {"case": "greeting", "server_time_ns": wait, "network_time_ns": network_ns}
        return Trouble("server-slow", "likely", index, ("partial-loss",), shown, values)
    if wait < HANGS_NS:
        return None
    rivals = ("server-slow", "filter-on-target-output", "partial-loss")
    return Trouble("tcp-application-hangs", "possible", index, rivals, shown, {"case": "greeting", "waited_ns": wait})


def _confirmed_ns(talk: Talk) -> int | None:
    """How soon the server's side confirmed the request by a mere ACK."""
    pair = first_answer(talk)
    if pair is None:
        return None
    between = np.arange(pair[0] + 1, pair[1])
    confirmed = talk.ack[between] - talk.seq[pair[0]]
    between = between[(talk.role[between] == 1) & (confirmed == talk.length[pair[0]])]
    return int(talk.time_ns[between[0]] - talk.time_ns[pair[0]]) if len(between) else None


def _waits(talk: Talk) -> tuple[Rows, int]:
    """Rows that were sent again, and how long their sender had waited before, altogether."""
    again, waited = np.flatnonzero(talk.labels & np.uint16(label.RESENT) != 0), 0
    for at in again.tolist():
        same = np.flatnonzero((talk.role[:at] == talk.role[at]) & (talk.seq[:at] == talk.seq[at]))
        waited += int(talk.time_ns[at] - talk.time_ns[same[-1]]) if len(same) else 0
    return talk.rows[again], waited
