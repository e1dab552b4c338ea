"""Connections that opened well and then went badly: no answer, slow, lossy, forgotten."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.causes.from_capture.ping_sizes import LARGE
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.held_back import find_held_back, rows_of
from explain.exchanges.tcp.late import count_here, fresh, late, lone_octets, mixed, needless
from explain.exchanges.tcp.many import count_recorded_twice, measure_closed_windows
from explain.exchanges.tcp.measures import measure_times
from explain.exchanges.tcp.moments import first_answer
from explain.exchanges.tcp.offers import offers
from explain.record import NamedTuple
from explain.table import ACK, FIN, RST, SYN, TWICE_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Scene
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.held_back import HeldBack
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import I8, Bools, PacketTable, Rows

_SLOW_NS = 1_000_000_000  # people call it slow from here on (Nielsen's third limit is ten times as long)
_SLOWER_THAN_NETWORK = 10
_OUTAGE_NS = 1_500_000_000  # a link that comes back and a time-out after it take longer than a single loss
_FORGOTTEN_NS = 3_000_000_000  # after a shorter rest no middlebox has forgotten a connection (RFC 5382, REQ-5: hours)
_HANGS_NS = 2_000_000_000
_STALLED_NS = 500_000_000
_FEWEST_RESENT = 3
_SUBSTANTIAL = 100  # one segment in so many sent again is more than a healthy path loses
_NEARER, _FAR_NS = 10, 20_000_000  # who confirms so much sooner than a round trip is not the far end
_FEW_ANSWERS = 10  # segments of a server that only acknowledges
_OPENING = 16  # segments in which the first request and its answer are looked for
_SPEAK_FIRST = frozenset((21, 22, 25, 110, 119, 143, 587, 3306, 5900))  # FTP, SSH, mail, news, MySQL, VNC
_IN_VAIN = (
    "pmtu-blackhole",
    "target-interface-down",
    "filter-on-router-forward",
    "stateful-filter-asymmetric-path",
    "partial-loss",
)
_UNHEARD = ("target-interface-down", "filter-on-router-forward", "stateful-filter-asymmetric-path", "partial-loss")
_SYNS_LOST = 2  # sent before the one that was answered: a single one is lost now and then
_WAITED_NS = 200_000_000  # before a SYN is sent again because nothing came
_DEAF = ("filter-on-sender-input", "filter-on-router-forward", "stateful-filter-asymmetric-path")
_NO_ROOM = ("tcp-accept-queue-full", "filter-on-target-input", "conntrack-table-full")
_NARROW = ("icmp-errors-filtered-on-router", "mtu-mismatch-on-link", "partial-loss", "router-interface-down")
_PIECES, _OPTIONS = 3, 100  # times that a segment came in two; octets that options may take from each
_SWALLOWED = (
    "mtu-mismatch-on-link", "icmp-errors-filtered-on-router", "filter-on-router-forward", "filter-on-target-output",
)  # fmt: skip
_ACK_LOST = (
    "stateful-filter-asymmetric-path", "filter-on-router-forward", "filter-on-target-input", "conntrack-table-full",
    "partial-loss",
)  # fmt: skip
_FEWEST_HELD = 3  # times that the same two waited for each other: once may be chance
_RARELY = 10  # of so many messages one that waited makes nothing slow
_OUTAGE = ("target-interface-down", "router-interface-down", "filter-on-router-forward")
_LOSSY = ("corrupted-packets", "mtu-mismatch-on-link", "pmtu-blackhole")


class Trouble(NamedTuple):
    """A connection that went badly: which, why, what else it may be, what shows it."""

    cause: str
    certainty: str
    connection: int
    rivals: tuple[str, ...]
    rows: tuple[int, ...]
    values: dict[str, Any]


def look(scene: Scene, part: ExchangeColumns) -> Iterator[Trouble]:
    """At most one trouble for each connection that nothing accounts for yet; the plainest first."""
    moments: TcpMoments = part.facts["moments"]
    done = scene.accounted[part.kind]
    span = part.end_ns - part.start_ns
    is_open = np.asarray(part.facts["is_established"])
    lost, total = _lost(moments), np.diff(part.bounds)
    zero_windows = moments.segments.where(label.ZERO_WINDOW)
    closed_ns = _closed(moments, (span >= _STALLED_NS) & (np.diff(zero_windows[1]) > 0))
    asks = moments.segments.counts(label.KEEP_ALIVE)
    is_lossy = is_open & (lost + asks >= _FEWEST_RESENT) & ((lost + asks) * _SUBSTANTIAL >= total)
    held = _held(moments)
    suspects = (
        (closed_ns >= _STALLED_NS, partial(_stalled, closed_ns, zero_windows)),
        (is_lossy, partial(_resent, _twice(moments, is_lossy))),
        (is_open & (asks >= _FEWEST_RESENT) & is_left(moments), _unheard),
        (is_open & (span >= _HANGS_NS) & _is_mute(moments), _hangs),
        (is_open & (moments.course.syns > _SYNS_LOST) & (moments.course.syn_ack != NEVER), _begun_late),
        (is_open & (span >= _SLOW_NS), _slow),
        (held[0], partial(_held_back, held[1])),
    )
    told: set[int] = set(done)
    for is_suspect, judge in suspects:
        candidates = np.flatnonzero(is_suspect)
        if judge is _slow:
            candidates = _waited(moments, candidates)
        for index in candidates.tolist():
            if index in told:
                continue
            trouble = judge(moments, index)
            if trouble:
                told.add(index)
                yield trouble


def _closed(moments: TcpMoments, are_candidates: Bools) -> I8:
    """For how long the windows of each connection were closed, to its end or not; 0 where it is no candidate."""
    closed_ns = np.zeros(len(are_candidates), np.int64)
    closed_ns[are_candidates] = measure_closed_windows(moments, np.flatnonzero(are_candidates))
    return closed_ns


def _twice(moments: TcpMoments, are_candidates: Bools) -> I8:
    """How many frames of each connection were recorded twice, 0 where it is no candidate; int64[n]."""
    twice = np.zeros(len(are_candidates), np.int64)
    twice[are_candidates] = count_recorded_twice(moments, np.flatnonzero(are_candidates))
    return twice


def _is_mute(moments: TcpMoments) -> Bools:
    """Connections whose server sent few segments, so that it may have said nothing at all."""
    sent, client = moments.segments.sent, moments.course.client
    found: Bools = sent[np.arange(len(sent)), 1 - client.astype(np.int64)] <= _FEW_ANSWERS
    return found


def is_left(moments: TcpMoments) -> Bools:
    """Connections whose last segments all come from one side, as keep-alives do that nobody answers."""
    last = moments.streams.bounds[1:, None] - np.arange(1, _FEWEST_RESENT + 1)
    is_high = moments.streams.is_high.take(last, mode="clip")
    found: Bools = (is_high == is_high[:, :1]).all(axis=1)
    return found


def _waited(moments: TcpMoments, candidates: I8) -> I8:
    """Of some connections, those where a pause of a second stands among the first segments."""
    if not len(candidates):
        return candidates
    start, end = moments.streams.bounds[candidates], moments.streams.bounds[candidates + 1]
    at = start[:, None] + np.arange(_OPENING)
    time_ns = moments.table.time_ns[moments.streams.rows[np.minimum(at, end[:, None] - 1)]]
    found: I8 = candidates[(np.diff(time_ns, axis=1) >= _SLOW_NS).any(axis=1)]
    return found


def _held(moments: TcpMoments) -> tuple[Bools, HeldBack]:
    """Connections in which the end of a message waited for a delayed ACK, if that befell the same two often."""
    found, flows, course = find_held_back(moments), moments.table.flows, moments.course
    has_held = np.zeros(len(course.client), np.bool_)
    if len(found.at) >= _FEWEST_HELD:
        flow = moments.streams.flow[found.connection]
        port = np.where(course.client[found.connection] == 1, flows.low_port[flow], flows.high_port[flow])
        key = np.stack((flows.low[flow], flows.high[flow], port, moments.streams.is_high[found.at]))
        _, which, count = np.unique(key, axis=1, return_inverse=True, return_counts=True)
        found = found.only((count >= _FEWEST_HELD)[which.ravel()])
        has_held[found.connection] = True
    return has_held, found


def _held_back(found: HeldBack, moments: TcpMoments, index: int) -> Trouble | None:
    is_client = moments.streams.is_high[found.at] == (moments.course.client[found.connection] == 1)
    own = found.connection == index
    is_request = 2 * int(is_client[own].sum()) >= int(own.sum())
    own &= is_client == is_request
    some, talk = found.only(own), moments.talk(index)
    speaks = talk.role[talk.length > 0] == (0 if is_request else 1)
    if len(some.at) * _RARELY < int((speaks[1:] & ~speaks[:-1]).sum()):
        return None
    values: dict[str, Any] = {
        "held": len(some.at), "held_ns": int(some.waited_ns.sum()), "each_ns": int(np.median(some.waited_ns)),
    }  # fmt: skip
    case, rival = ("request", "client-slow") if is_request else ("answer", "server-slow")
    rows = _several(rows_of(moments, some))
    return Trouble("tcp-nagle-delayed-ack", "likely", index, (rival,), rows, values | {"case": case})


def _stalled(closed_ns: I8, zero_windows: tuple[I8, I8], moments: TcpMoments, index: int) -> Trouble:
    at, bounds = zero_windows
    rows = moments.streams.rows[at[bounds[index] : bounds[index + 1]]].tolist()
    values = {"closed_ns": int(closed_ns[index]), "times": len(rows)}
    return Trouble("client-slow", "likely", index, (), tuple(rows), _ends(moments, rows[0]) | values)


def _ends(moments: TcpMoments, row: int) -> dict[str, Any]:
    """Who said that its window is closed, and to whom."""
    reader, writer = moments.table.ends(row)
    if reader == writer:  # as on lo
        port = int(moments.table.source_ports(np.array([row]))[0])
        return {"reader": moments.table.addresses.text(reader), "port": port, "case": "one-host"}
    return {"reader": moments.table.addresses.text(reader), "writer": moments.table.addresses.text(writer)}


def _lost(moments: TcpMoments) -> I8:
    """In each connection, what may have been sent again, without SYNs and what came although it had arrived."""
    resent = moments.segments.counts(label.REPEATED & ~label.SPURIOUS_RETRANSMISSION)
    lost: I8 = resent - np.maximum(moments.course.syns - 1, 0)
    return lost


def _resent(twice: I8, moments: TcpMoments, index: int) -> Trouble | None:
    talk = moments.talk(index)
    total = len(talk.rows)
    rows = moments.labelled(index, label.RESENT & ~label.SPURIOUS_RETRANSMISSION)
    rows = rows[moments.table.flags[rows] & SYN == 0]
    delayed, at_once = late(moments.table, talk)
    rows = np.sort(np.concatenate((rows[~among(rows, delayed)], at_once, lone_octets(talk))))
    if len(not_lost := np.concatenate((needless(moments.table, talk), fresh(talk)))):
        rows = rows[~among(rows, not_lost)]
    resent = len(rows) - int(twice[index])
    if resent < _FEWEST_RESENT or resent * _SUBSTANTIAL < total or len(mixed(talk)):
        return None
    values: dict[str, Any] = {"resent": resent, "segments": total}
    if len(repeated := _only_accepts(talk)) > 1:
        values |= {"case": "accepts", "times": len(repeated) - 1}
        shown = np.sort(np.concatenate((rows, repeated)))
        return Trouble("tcp-accept-queue-full", "possible", index, _ACK_LOST, _several(shown), values)
    if (vain := _in_vain(talk)) is None:
        if outage := _outage(talk, rows):
            values |= {"case": "outage", "lost_ns": outage}
            return Trouble("partial-loss", "likely", index, _OUTAGE, _several(rows), values)
        if pause := _pause(talk, rows):
            return _after_pause(moments, index, rows, values | {"lost_ns": pause})
        values |= {"case": "segments", "passed": count_here(talk, rows)}
        is_by_size = _largest(moments, rows) >= LARGE and not _are_as_large_at_once(talk, rows)
        rivals = _LOSSY if is_by_size else _LOSSY[:1]
        return Trouble("partial-loss", "likely", index, rivals, _several(rows), values)
    pause, rows = vain
    largest = _largest(moments, rows)
    asker, silent = (moments.table.addresses.text(end) for end in moments.table.ends(int(rows[0])))
    values |= {"resent": len(rows), "size": largest, "asker": asker, "silent": silent}
    why: tuple[str, ...] = _IN_VAIN if largest >= LARGE else _IN_VAIN[1:]
    if _lives(moments.table, rows):
        why = tuple(one for one in why if one != "target-interface-down")
    if _was_closed(talk):
        values["case"] = "segments-vain-closed"
        return Trouble("partial-loss", "possible", index, why[:-1], _several(rows), values)
    if pause >= _FORGOTTEN_NS:
        values |= {"case": "vain", "pause_ns": pause}
        return Trouble("idle-timeout-in-middlebox", "possible", index, why, _several(rows), values)
    values["case"] = "segments-vain" if largest >= LARGE else "segments-vain-small" if largest else "segments-vain-end"
    return Trouble("partial-loss", "possible", index, why[:-1], _several(rows), values)


def _only_accepts(talk: Talk) -> Rows:
    """The SYN-ACKs of a server that was heard to say nothing else: the ACK of its client has not arrived."""
    is_accept = (talk.flags & (SYN | ACK) == SYN | ACK) & (talk.role == 1)
    return talk.rows[is_accept if (is_accept | (talk.role == 0)).all() else slice(0)]


def _lives(table: PacketTable, vain: Rows) -> bool:
    """Whether the silent host was heard by the asker in another conversation after the first of these."""
    asker, silent = table.ends(int(vain[0]))
    return bool((table.time_ns[table.rows_from(silent, asker)] > table.time_ns[vain[0]]).any())


def _largest(moments: TcpMoments, rows: Rows) -> int:
    """Octets of data in the largest of some segments: a limit of size loses no small ones."""
    return int(moments.table.payload[rows].max(initial=0))


def _outage(talk: Talk, again: Rows) -> int:
    """For how long one segment alone was sent again before it was confirmed, while nothing else came; 0 if not so."""
    at = np.flatnonzero(among(talk.rows, again))
    role, seq, end = talk.role[at[0]], talk.seq[at[0]], talk.seq[at[0]] + np.uint32(talk.length[at[0]])
    first = int(np.flatnonzero((talk.role == role) & (talk.seq == seq) & (talk.length > 0))[:1].sum())
    between = talk.role[first : at[-1] + 1]
    confirmed = talk.ack[at[-1] + 1 :][talk.role[at[-1] + 1 :] != role]
    is_one = bool((talk.seq[at] == seq).all() and (talk.role[at] == role).all() and (between == role).all())
    is_through = len(confirmed) > 0 and bool(((confirmed - end).view(np.int32) >= 0).any())
    return int(talk.time_ns[at[-1]] - talk.time_ns[first]) if first < at[0] and is_one and is_through else 0


def _pause(talk: Talk, again: Rows) -> int:
    """For how long this place heard nothing, if all that was sent again belongs behind what came before; else 0."""
    at = np.flatnonzero(among(talk.rows, again))
    gaps = np.diff(talk.time_ns[: at[0] + 1])
    first = int(np.argmax(gaps)) + 1 if len(gaps) else 0
    role = int(talk.role[at[0]])
    if not first or int(gaps[first - 1]) < _OUTAGE_NS or (talk.role[at] != role).any():
        return 0
    own, start = np.flatnonzero(talk.role == role), talk.numbers(role)
    reach = (start + talk.length[own])[own < first]
    is_again = among(own, at)
    is_behind = len(reach) > 0 and bool((start[is_again] >= reach.max()).all())
    return int(gaps[first - 1]) if is_behind else 0


def _after_pause(moments: TcpMoments, index: int, rows: Rows, values: dict[str, Any]) -> Trouble:
    """All that one side sent for a while was lost, and then it worked again: for every size, or only for small ones."""
    sender, reader = (moments.table.addresses.text(end) for end in moments.table.ends(int(rows[0])))
    values |= {"sender": sender}
    if smaller := _smaller(moments.table, moments.talk(index), rows):
        values |= smaller | {"reader": reader}
        return Trouble("pmtu-blackhole", "likely", index, _NARROW, _several(rows), values)
    larger = _IN_VAIN[:1] if _largest(moments, rows) >= LARGE else ()
    return Trouble("partial-loss", "likely", index, (*_OUTAGE, *larger), _several(rows), values | {"case": "pause"})


def _smaller(table: PacketTable, talk: Talk, again: Rows) -> dict[str, Any] | None:
    """The size that got through, where what had been full segments comes in pieces, and none as large as agreed.

    So Linux goes on that probes for the MTU of the way (RFC 4821).
    """
    agreed = [one for one in offers(table, talk).mss if one]
    role = talk.role[np.searchsorted(talk.rows, again[0])]
    start, length = talk.numbers(int(role)), talk.length[talk.role == role].astype(np.int64)
    largest, order = int(length.max()), np.argsort(start, kind="stable")
    if len(agreed) < 2 or largest >= min(agreed) - _OPTIONS:
        return None
    start, length = start[order], length[order]
    whole = (length[:-1] + length[1:])[(start[:-1] + length[:-1] == start[1:]) & (length[:-1] != length[1:])]
    pieces = int(((whole > min(agreed) - _OPTIONS) & (whole <= min(agreed))).sum())  # of what had been full segments
    return {"case": "smaller", "size": largest, "agreed": min(agreed)} if pieces >= _PIECES else None


def _are_as_large_at_once(talk: Talk, again: Rows) -> bool:
    """Whether segments as large as those that were sent again arrived the first time: then size is not the reason."""
    is_again = among(talk.rows, again)
    least, role = int(talk.length[is_again].max()), int(talk.role[is_again][0])
    number = talk.numbers(role)
    own = talk.role == role
    lost = np.sort(number[is_again[own]])
    length, is_again = talk.length[own].astype(np.int64), is_again[own]
    is_whole = np.searchsorted(lost, number) == np.searchsorted(lost, number + length)
    return bool((is_whole & ~is_again & (length >= least)).any())


def _was_closed(talk: Talk) -> bool:
    """Whether the side that confirms nothing had sent its FIN before the other side's last data or FIN."""
    last = int(np.flatnonzero((talk.length > 0) | (talk.flags & FIN != 0))[-1])
    fins = np.flatnonzero((talk.flags & FIN != 0) & (talk.role != talk.role[last]))
    return len(fins) > 0 and int(fins[0]) < last


def _in_vain(talk: Talk) -> tuple[int, Rows] | None:
    """The pause before what was sent to the end of the capture and never confirmed, and what of it was sent again.

    None where less was sent again after the other side was last heard.
    """
    sent = np.flatnonzero((talk.length > 0) | (talk.flags & FIN != 0))
    if not len(sent):
        return None
    role = talk.role[sent[-1]]
    later = np.flatnonzero(talk.role != role)
    heard = int(later[-1]) if len(later) else 0
    unheard = sent[(sent > heard) & (talk.role[sent] == role)]
    is_again = talk.labels[unheard] & np.uint16(label.RESENT) != 0
    again = unheard[is_again | among(talk.rows[unheard], lone_octets(talk))]
    if len(again) < _FEWEST_RESENT or talk.flags[heard] & RST:
        return None
    first = int(unheard[0])
    return int(talk.time_ns[first] - talk.time_ns[first - 1]) if first else 0, talk.rows[again]


def _unheard(moments: TcpMoments, index: int) -> Trouble | None:
    """Keep-alives at the end that nobody answers, though the other side's kernel does so whatever its program does."""
    talk = moments.talk(index)
    is_asked = talk.labels & np.uint16(label.KEEP_ALIVE) != 0
    asks = np.flatnonzero(is_asked & ~among(talk.rows, lone_octets(talk)))
    if not len(asks):
        return None
    heard = np.flatnonzero(talk.role != talk.role[asks[-1]])
    vain = asks[(asks > heard[-1]) & (talk.role[asks] == talk.role[asks[-1]])] if len(heard) else asks[:0]
    if len(vain) < _FEWEST_RESENT or talk.flags[heard[-1]] & RST:
        return None
    asker, silent = (moments.table.addresses.text(end) for end in moments.table.ends(int(talk.rows[vain[0]])))
    pause = int(talk.time_ns[vain[0]] - talk.time_ns[heard[-1]])
    values = {"case": "keep-alive", "resent": len(vain), "pause_ns": pause, "asker": asker, "silent": silent}
    return Trouble("idle-timeout-in-middlebox", "possible", index, _UNHEARD, _several(talk.rows[vain]), values)


def _begun_late(moments: TcpMoments, index: int) -> Trouble | None:
    """A connection that came about only after several SYNs."""
    course, rows, time_ns = moments.course, moments.streams.rows, moments.table.time_ns
    first, accepted = int(rows[course.first_syn[index]]), int(rows[course.syn_ack[index]])
    syns = moments.syns(index)
    syns = syns[np.diff(time_ns[syns], prepend=-TWICE_NS) >= TWICE_NS]  # recorded twice is sent once
    before = syns[syns < accepted]
    wait = int(time_ns[before[-1]] - time_ns[first]) if len(before) else 0
    if wait >= _SLOW_NS and len(before) > _SYNS_LOST:
        values = {"case": "syns", "resent": len(before) - 1, "lost_ns": wait}
        return Trouble("partial-loss", "possible", index, _NO_ROOM, (*before.tolist(), accepted), values)
    if course.ack[index] == NEVER or len(syns) <= _SYNS_LOST:
        return None
    opened = int(rows[course.ack[index]])
    own = rows[moments.streams.bounds[index] : moments.streams.bounds[index + 1]]
    accepts = own[(moments.table.flags[own] & (SYN | ACK) == SYN | ACK) & (own < opened)]
    wait = int(time_ns[opened] - time_ns[accepts[0]])
    again = syns[np.diff(time_ns[syns], prepend=time_ns[first]) >= _WAITED_NS]
    if wait < _SLOW_NS or len(again[(again > accepts[0]) & (again < opened)]) < _SYNS_LOST or syns[-1] > opened:
        return None
    values = {"case": "accepts-lost", "resent": len(syns) - 1, "lost_ns": wait, "times": len(accepts)}
    return Trouble("partial-loss", "likely", index, _DEAF, (*syns.tolist(), *accepts.tolist(), opened), values)


def _hangs(moments: TcpMoments, index: int) -> Trouble | None:
    talk = moments.talk(index)
    data = np.flatnonzero((talk.length > 0) & (talk.flags & (SYN | RST) == 0))
    if not len(data) or (talk.role[data] == 1).any():
        return None
    last = int(data[-1])
    ends = np.flatnonzero(talk.flags & (FIN | RST) != 0)
    confirmed = np.flatnonzero((talk.role == 1) & (talk.flags & ACK != 0) & (np.arange(len(talk.role)) > last))
    if not len(ends) or not len(confirmed) or talk.role[ends[0]] == 1 or int(ends[0]) < last:
        return None
    wait = int(talk.time_ns[ends[0]] - talk.time_ns[last])
    if wait < _HANGS_NS:
        return None
    rows = tuple(int(talk.rows[at]) for at in (last, int(confirmed[0]), int(ends[0])))
    if missing := _unseen(talk):
        later = np.flatnonzero((talk.role == 1) & (talk.labels & np.uint16(label.GAP) != 0))
        rows = (*rows, *_several(talk.rows[later]))
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


def _slow(moments: TcpMoments, index: int) -> Trouble | None:
    times = measure_times(moments.table, moments.streams.rows, moments.course, index, moments.talk(index))
    server, network = times.server_time_ns, times.network_time_ns
    if greeting := _greeting(moments, index, times.syn_to_syn_ack_ns):
        return greeting
    if server is None or network is None or server < _SLOW_NS or server < network * _SLOWER_THAN_NETWORK:
        return None
    values: dict[str, Any] = {"server_time_ns": server, "network_time_ns": network}
    talk = moments.talk(index)
    if len(mixed(talk)):
        return None
    again, waited = _waits(talk)
    if waited >= server:
        values |= {"case": "waits", "resent": len(again), "lost_ns": waited}
        return Trouble("partial-loss", "likely", index, ("server-slow", *_LOSSY[:1]), _several(again), values)
    confirmed = _confirmed_ns(talk)
    is_far = network == times.syn_to_syn_ack_ns and network > _FAR_NS
    if is_far and confirmed is not None and network > confirmed * _NEARER:
        values |= {"case": "near", "confirmed_ns": confirmed}
        return Trouble(
            "server-slow", "possible", index, ("partial-loss",), _several(moments.exchange_of_data(index)), values
        )
    return Trouble("server-slow", "likely", index, (), _several(moments.exchange_of_data(index)), values)


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
    if at < 0 or wait < _SLOW_NS or (talk.length[at] > 0 and talk.role[at] == 0):
        return None
    shown = (int(rows[opened]), int(talk.rows[at]))
    if talk.role[at] == 1:
        values = {"case": "greeting", "server_time_ns": wait, "network_time_ns": network_ns}
        return Trouble("server-slow", "likely", index, ("partial-loss",), shown, values)
    if wait < _HANGS_NS:
        return None
    rivals = ("server-slow", "filter-on-target-output", "partial-loss")
    return Trouble("tcp-application-hangs", "possible", index, rivals, shown, {"case": "greeting", "waited_ns": wait})


def _confirmed_ns(talk: Talk) -> int | None:
    """How soon the server's side confirmed the request by a mere ACK."""
    pair = first_answer(talk)
    if pair is None:
        return None
    between = np.arange(pair[0] + 1, pair[1])
    end = talk.seq[pair[0]] + np.uint32(talk.length[pair[0]])
    between = between[(talk.role[between] == 1) & (talk.ack[between] == end)]
    return int(talk.time_ns[between[0]] - talk.time_ns[pair[0]]) if len(between) else None


def _waits(talk: Talk) -> tuple[Rows, int]:
    """Rows that were sent again, and how long their sender had waited before, altogether."""
    again, waited = np.flatnonzero(talk.labels & np.uint16(label.RESENT) != 0), 0
    for at in again.tolist():
        same = np.flatnonzero((talk.role[:at] == talk.role[at]) & (talk.seq[:at] == talk.seq[at]))
        waited += int(talk.time_ns[at] - talk.time_ns[same[-1]]) if len(same) else 0
    return talk.rows[again], waited


def _several(rows: Rows) -> tuple[int, ...]:
    return tuple(rows.tolist())
