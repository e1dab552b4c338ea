"""Connections in which much was sent again: what was lost, and what that tells of the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct
from explain.causes.from_capture.ping_sizes import LARGE
from explain.causes.from_capture.tcp.in_vain import deaf, in_vain, largest
from explain.causes.from_capture.tcp.trouble import FEWEST_RESENT, Trouble, several
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.challenge import not_taken
from explain.exchanges.tcp.late import count_here, foreign_blocks, fresh, late, lone_octets, mixed, needless, outrun
from explain.exchanges.tcp.offers import offers
from explain.table import ACK, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import I8, PacketTable, Rows

SUBSTANTIAL = 100  # one segment in so many sent again is more than a healthy path loses
OUTAGE_NS = 1_500_000_000  # a link that comes back and a time-out after it take longer than a single loss
_NARROW = ("icmp-errors-filtered-on-router", "mtu-mismatch-on-link", "partial-loss", "router-interface-down")
_PIECES, _OPTIONS = 3, 100  # times that a segment came in pieces; octets that options may take from each
_TIMESTAMPS = 12  # octets of each segment (RFC 7323, appendix A)
_ACK_LOST = (
    "stateful-filter-asymmetric-path", "filter-on-router-forward", "filter-on-target-input", "conntrack-table-full",
    "partial-loss",
)  # fmt: skip
_OUTAGE = ("target-interface-down", "router-interface-down", "filter-on-router-forward")
_FULL = "tcp-accept-queue-full"
_NOT_TAKEN = ("partial-loss", "filter-on-router-forward", "filter-on-target-input", "conntrack-table-full")
_LOSSY = ("corrupted-packets", "mtu-mismatch-on-link", "pmtu-blackhole")


def resent(twice: I8, moments: TcpMoments, index: int) -> Trouble | None:
    """What much sent again tells of its reason; the plainest first.

    Args:
        twice: int64[n], for each connection how many of its frames were recorded twice.
        moments: looks into the connections.
        index: of the connection.
    """
    talk, lone = moments.talk(index), lone_octets(moments.talk(index))
    rows = _not_arrived(moments.table, talk, lone)
    values: dict[str, Any] = {"resent": len(rows) - int(twice[index]), "segments": len(talk.rows)}
    is_much = values["resent"] >= FEWEST_RESENT and values["resent"] * SUBSTANTIAL >= values["segments"]
    if not is_much or len(mixed(talk)):
        return None
    if len(repeated := _only_accepts(talk)) > 1:
        values |= {"case": "accepts", "times": len(repeated) - 1}
        shown = np.sort(np.concatenate((rows, repeated)))
        return Trouble(_FULL, "possible", index, _ACK_LOST, several(shown), values)
    if len(refused := not_taken(talk, rows)):
        sender, reader = (moments.table.addresses.text(end) for end in moments.table.ends(int(refused[0])))
        values |= {"resent": int((talk.length[among(talk.rows, refused)] > 0).sum()) - 1}
        values |= {"sender": sender, "reader": reader}
        return Trouble("tcp-segments-not-taken", "likely", index, (), several(refused), values)
    if shifted := _shifted(moments, index, rows, values):
        return shifted
    if vain := in_vain(moments, index, lone) or deaf(moments, index):
        return vain._replace(values=values | vain.values)
    if narrow := _narrowed(moments, index, rows, values):
        return narrow
    if outage := _outage(talk, rows):
        return _in_one_go(moments, index, rows, values | {"case": "outage", "lost_ns": outage})
    if while_away := _while_away(moments, index, rows, values):
        return while_away
    values |= {"case": "segments", "passed": count_here(talk, rows)}
    is_by_size = largest(moments, rows) >= LARGE and not _are_as_large_at_once(talk, rows)
    rivals = _LOSSY if is_by_size else _LOSSY[:1]
    return Trouble("partial-loss", "likely", index, rivals, several(rows), values)


def stood_still(moments: TcpMoments, index: int) -> Trouble | None:
    """What a time in which nothing came through cost, however little that is of the whole."""
    talk = moments.talk(index)
    rows = _not_arrived(moments.table, talk, talk.rows[:0])  # a lone octet after an idle time keeps alive
    if len(rows) < FEWEST_RESENT or len(mixed(talk)):
        return None
    return _while_away(moments, index, rows, {"resent": len(rows), "segments": len(talk.rows)})


def _shifted(moments: TcpMoments, index: int, rows: Rows, values: dict[str, Any]) -> Trouble | None:
    """Somebody on the way who changes sequence numbers, but not those in SACK: what arrived comes again, too."""
    foreign = foreign_blocks(moments.table, moments.talk(index))
    if len(foreign) < FEWEST_RESENT:
        return None
    reader, sender = (moments.table.addresses.text(end) for end in moments.table.ends(int(foreign[0])))
    shown = several(np.sort(np.concatenate((rows, foreign))))
    told = values | {"sender": sender, "reader": reader, "times": len(foreign)}
    return Trouble("tcp-sack-shifted", "likely", index, ("partial-loss",), shown, told)


def _in_one_go(moments: TcpMoments, index: int, rows: Rows, values: dict[str, Any]) -> Trouble:
    """One segment that nothing answered for a while; the first data of a client may have met a full queue."""
    if not _is_first(moments.talk(index), rows):
        return Trouble("partial-loss", "likely", index, _OUTAGE, several(rows), values)
    if not _was_heard_meanwhile(moments.table, rows):
        return Trouble("partial-loss", "likely", index, (*_OUTAGE, _FULL), several(rows), values)
    return Trouble(_FULL, "likely", index, _NOT_TAKEN, several(rows), values | {"case": "first"})


def _not_arrived(table: PacketTable, talk: Talk, lone: Rows) -> Rows:
    """What was sent again, without SYNs and what had arrived, was only delayed or is new."""
    rows = talk.rows[talk.labels & np.uint16(label.RESENT & ~label.SPURIOUS_RETRANSMISSION) != 0]
    delayed, at_once = late(table, talk)
    rows = rows[(table.flags[rows] & SYN == 0) & ~among(rows, delayed)]
    rows = np.sort(np.concatenate((rows, at_once, lone)))
    not_lost = np.concatenate((needless(table, talk), outrun(table, talk, delayed), fresh(talk)))
    return rows[~among(rows, not_lost)] if len(not_lost) else rows


def _only_accepts(talk: Talk) -> Rows:
    """The SYN-ACKs of a server that was heard to say nothing else: the ACK of its client has not arrived."""
    is_accept = (talk.flags & (SYN | ACK) == SYN | ACK) & (talk.role == 1)
    return talk.rows[is_accept if (is_accept | (talk.role == 0)).all() else slice(0)]


def _outage(talk: Talk, again: Rows) -> int:
    """For how long one segment alone was sent again before it was confirmed, while nothing else came; 0 if not so."""
    at = np.flatnonzero(among(talk.rows, again))
    role, seq, size = talk.role[at[0]], talk.seq[at[0]], np.uint32(talk.length[at[0]])
    first = int(np.flatnonzero((talk.role == role) & (talk.seq == seq) & (talk.length > 0))[:1].sum())
    between = talk.role[first : at[-1] + 1]
    confirmed = talk.ack[at[-1] + 1 :][talk.role[at[-1] + 1 :] != role]
    is_one = bool((talk.seq[at] == seq).all() and (talk.role[at] == role).all() and (between == role).all())
    is_through = len(confirmed) > 0 and bool(((confirmed - seq - size).view(np.int32) >= 0).any())
    return int(talk.time_ns[at[-1]] - talk.time_ns[first]) if first < at[0] and is_one and is_through else 0


def _is_first(talk: Talk, again: Rows) -> bool:
    """Whether these are copies of a client's first data, of whose server nothing but the SYN-ACK had come."""
    at = np.flatnonzero(among(talk.rows, again))
    before = talk.role[: at[-1]] == 1
    is_accept = (talk.flags[: at[-1]] & (SYN | ACK) == SYN | ACK) & before
    return bool((talk.role[at] == 0).all() and is_accept.any() and (is_accept == before).all())


def _was_heard_meanwhile(table: PacketTable, again: Rows) -> bool:
    """Whether the silent side spoke to the same host in another conversation while these were sent again."""
    sender, silent = table.ends(int(again[0]))
    heard_ns, sent_ns = table.time_ns[table.rows_from(silent, sender)], table.time_ns[again]
    return bool(((heard_ns > sent_ns[0]) & (heard_ns < sent_ns[-1])).any())


def _while_away(moments: TcpMoments, index: int, rows: Rows, values: dict[str, Any]) -> Trouble | None:
    """All that was sent again belongs to one time in which nothing came by here, or nothing came back."""
    talk = moments.talk(index)
    if pause := _pause(talk, rows):
        return _after_pause(moments, index, rows, values | {"lost_ns": pause})
    silence = _silence(talk, rows)
    if not silence:
        return None
    sender, reader = (moments.table.addresses.text(end) for end in moments.table.ends(int(rows[0])))
    told = values | {"case": "silence", "lost_ns": silence, "sender": sender, "reader": reader}
    return Trouble("partial-loss", "likely", index, _OUTAGE, several(rows), told)


def _pause(talk: Talk, again: Rows) -> int:
    """For how long this place heard nothing, if all that was sent again belongs behind what came before; else 0."""
    at = np.flatnonzero(among(talk.rows, again))
    gaps = np.diff(talk.time_ns[: at[0] + 1])
    first = int(np.argmax(gaps)) + 1 if len(gaps) else 0
    role = int(talk.role[at[0]])
    if not first or int(gaps[first - 1]) < OUTAGE_NS or (talk.role[at] != role).any() or count_here(talk, again):
        return 0  # what had come by here was not lost while nothing did
    own, start = np.flatnonzero(talk.role == role), talk.numbers(role)
    reach = (start + talk.length[own])[own < first]
    is_again = among(own, at)
    is_behind = len(reach) > 0 and bool((start[is_again] >= reach.max()).all())
    return int(gaps[first - 1]) if is_behind else 0


def _silence(talk: Talk, again: Rows) -> int:
    """For how long a reader confirmed nothing, if a segment ran out of time twice, and all sent again belongs there."""
    at = np.flatnonzero(among(talk.rows, again))
    role = int(talk.role[at[0]])
    heard = np.flatnonzero((talk.role != role) & (talk.flags & (ACK | RST) == ACK))
    gaps = np.diff(talk.time_ns[heard])
    if not len(gaps) or int(gaps.max()) < OUTAGE_NS or (talk.role[at] != role).any():
        return 0
    last, back = (int(heard[np.argmax(gaps) + step]) for step in (0, 1))
    within = talk.seq[at[(at > last) & (at < back)]]
    own, start = np.flatnonzero(talk.role == role), talk.numbers(role)
    reach = int((start + talk.length[own])[own < back].max(initial=0))
    if (start[among(own, at)] >= reach).any() or ((talk.seq[at] - talk.ack[last]).view(np.int32) < 0).any():
        return 0
    is_through = talk.ack[back] != talk.ack[last]
    return int(gaps.max()) if is_through and len(within) > len(distinct(within)) else 0


def _after_pause(moments: TcpMoments, index: int, rows: Rows, values: dict[str, Any]) -> Trouble:
    """All that one side sent for a while was lost, and then it worked again: for every size, or only for small ones."""
    sender, reader = (moments.table.addresses.text(end) for end in moments.table.ends(int(rows[0])))
    values |= {"sender": sender}
    if smaller := _smaller(moments.table, moments.talk(index), rows):
        values |= smaller | {"reader": reader}
        return Trouble("pmtu-blackhole", "likely", index, _NARROW, several(rows), values)
    is_full = 0 < _agreed(moments.table, moments.talk(index)) < largest(moments, rows) + _OPTIONS
    larger = ("pmtu-blackhole",) if largest(moments, rows) >= LARGE and not is_full else ()
    return Trouble("partial-loss", "likely", index, (*_OUTAGE, *larger), several(rows), values | {"case": "pause"})


def _smaller(table: PacketTable, talk: Talk, again: Rows) -> dict[str, Any] | None:
    """The size that got through, where what had been full segments comes in pieces, and none as large as agreed.

    So Linux goes on that probes for the MTU of the way (RFC 4821).
    """
    agreed = _agreed(table, talk)
    role = talk.role[np.searchsorted(talk.rows, again[0])]
    start, length = talk.numbers(int(role)), talk.length[talk.role == role].astype(np.int64)
    largest, order = int(length.max()), np.argsort(start, kind="stable")
    if largest + _OPTIONS >= agreed:
        return None
    start, length = start[order], length[order]
    is_rest = (length[1:] < length[:-1]) & (length[1:] > 0)
    cuts = distinct((start + length)[1:][is_rest])  # where what had been full segments ended
    whole, full = np.diff(cuts), np.array([[agreed], [agreed - _TIMESTAMPS]])
    alike = np.diff(np.sort(cuts % full), axis=1) == 0
    pieces = max(int(((whole > agreed - _OPTIONS) & (whole <= agreed)).sum()), int(alike.sum(axis=1).max(initial=0)))
    return {"case": "smaller", "size": largest, "agreed": agreed} if pieces >= _PIECES else None


def _agreed(table: PacketTable, talk: Talk) -> int:
    """The smaller of the maximum segment sizes that both sides offered; 0 where one is not known."""
    return min(one or 0 for one in offers(table, talk).mss)


def _narrowed(moments: TcpMoments, index: int, rows: Rows, values: dict[str, Any]) -> Trouble | None:
    """Full segments of which none was ever confirmed, until their sender cut them, as its own place shows it."""
    talk, sender, reader = moments.talk(index), *moments.table.ends(int(rows[0]))
    agreed = _agreed(moments.table, talk)
    own = np.flatnonzero((talk.role == talk.role[np.searchsorted(talk.rows, rows[0])]) & (talk.length > 0))
    is_full = talk.length[own] + _OPTIONS > agreed
    if not agreed or not is_full.any():
        return None
    first, last = int(own[is_full][0]), int(own[is_full][-1])
    acks = np.flatnonzero((talk.role != talk.role[first]) & (talk.flags & (ACK | RST) == ACK))
    acks = acks[(talk.ack[acks] - talk.seq[first]).view(np.int32) > 0]
    copies, smaller = int((talk.seq[own[is_full]] == talk.seq[first]).sum()), own[own > last]
    if copies < _PIECES or not len(acks) or not len(smaller) or acks[0] < smaller[0]:
        return None
    again = smaller[among(talk.rows[smaller], rows) & (smaller >= smaller[smaller < acks[0]][-1])]
    if len(again) < _PIECES:
        return None
    text = moments.table.addresses.text
    told = {
        "case": "smaller-sent", "size": int(talk.length[again].max()), "agreed": agreed, "sender": text(sender),
        "reader": text(reader), "lost_ns": int(talk.time_ns[acks[0]] - talk.time_ns[first]), "times": copies,
    }  # fmt: skip
    return Trouble("pmtu-blackhole", "likely", index, _NARROW[:2], several(rows), values | told)


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
