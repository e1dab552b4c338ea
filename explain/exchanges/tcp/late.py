"""Segments that came after later ones: delayed on the way, or sent again?

A sender that counts its packets gives one that it sends again a new number (IP identification); one that was
delayed, or recorded out of its turn, has the number that it should have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct
from explain.exchanges.tcp.labels import KEEP_ALIVE, OUT_OF_ORDER, REPEATED, SPURIOUS_RETRANSMISSION
from explain.side_tables import FAR_BLOCK
from explain.table import ACK, FIN, PSH, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import I8, U8, Bools, PacketTable, Rows

_COUNTS, _AT_MOST = 4, 64  # of a side's own packets; whose numbers spread more does not count, or others, too
_UNKNOWN = 2
_V6 = 1  # in place of the code, which is 0 there
_TOO_LARGE = (3 << 8 | 4, 2 << 8 | _V6)  # RFC 792, RFC 4443, 3.2
_MTU, _LEAST_HEADERS = np.uint32(0xFFFF), 40
_FEWEST_MIXED, _SHARE_MIXED = 2, 8  # segments, and one in so many


def late(table: PacketTable, talk: Talk) -> tuple[Rows, Rows]:
    """Segments labelled as repeated that came late: those that were delayed, and those that were sent again at once.

    What was delayed was sent before others that were recorded ahead of it. What was sent again so soon Wireshark
    calls out of order; where a side does not count its packets, it is what has its octets in the capture before.
    """
    turns, is_late = _turns(table, talk), talk.labels & np.uint16(OUT_OF_ORDER) != 0
    is_again, is_unknown = is_late & (turns > 0), is_late & (turns == _UNKNOWN)
    if is_unknown.any():
        is_again &= ~is_unknown | _was_here(talk)
    return talk.rows[turns < 0], talk.rows[is_again]


def outrun(table: PacketTable, talk: Talk, delayed: Rows) -> Rows:
    """Segments that were sent again, and came before an older copy, which was only ``delayed``."""
    if not len(delayed):
        return delayed
    key = talk.role.astype(np.uint64) << np.uint64(32) | talk.seq
    late_at = np.flatnonzero(among(talk.rows, delayed))
    is_again = (talk.labels & np.uint16(REPEATED) != 0) & (talk.length > 0) & ~among(talk.rows, delayed)
    last, number = dict(zip(key[late_at].tolist(), late_at.tolist(), strict=True)), table.ip_id[talk.rows]
    found = [
        at for at in np.flatnonzero(is_again & among(key, key[late_at])).tolist()
        if at < (older := last[int(key[at])]) and number[at] != number[older]
    ]  # fmt: skip
    rows: Rows = talk.rows[found]
    return rows


def needless(table: PacketTable, talk: Talk) -> Rows:
    """Segments that were sent again although their receiver had them, as it says itself (D-SACK, RFC 2883)."""
    twice, said = table.twice, _said(table, talk)
    if not len(said):
        return talk.rows[:0]
    at = np.searchsorted(talk.rows, twice.row)
    is_again = np.flatnonzero(talk.labels & np.uint16(REPEATED) != 0)
    key = talk.role[is_again].astype(np.uint64) << np.uint64(32) | talk.seq[is_again]
    order = np.argsort(key, kind="stable")
    wanted = (1 - talk.role[at[said]]).astype(np.uint64) << np.uint64(32) | twice.start[said]
    first, last = (np.searchsorted(key[order], wanted, side) for side in ("left", "right"))
    found: set[int] = set()
    for low, high, until in zip(first.tolist(), last.tolist(), at[said].tolist(), strict=True):
        copies = [one for one in is_again[order[low:high]].tolist() if one < until and one not in found]
        found.update(copies[-1:])
    return talk.rows[sorted(found)]


def _said(table: PacketTable, talk: Talk) -> I8:
    """Where in the table of what came twice those of a connection stand."""
    if not len(table.twice.row):
        return np.empty(0, np.int64)
    return np.flatnonzero(among(table.twice.row, talk.rows))


def foreign_blocks(table: PacketTable, talk: Talk) -> Rows:
    """Acknowledgements whose SACK names octets that the other side never sent, far from all that it did.

    Who counts anew on the way, and forgets these blocks, makes them useless.
    """
    said = _said(table, talk)
    rows, start = table.twice.row[said], table.twice.start[said]
    found = [rows[:0]]
    for role in (0, 1) if len(said) else ():
        mine = among(rows, talk.rows[talk.role == role])
        sent = talk.seq[(talk.role != role) & (talk.flags & RST == 0)]
        if not mine.any() or not len(sent):
            continue
        place = (start[mine] - sent[0]).view(np.int32)
        reach = (sent - sent[0]).view(np.int32)
        found.append(rows[mine][(place < int(reach.min()) - FAR_BLOCK) | (place > int(reach.max()) + FAR_BLOCK)])
    return np.sort(np.concatenate(found))


def lone_octets(talk: Talk) -> Rows:
    """Single octets that came again before they were confirmed, as of what somebody types.

    Wireshark takes them for keep-alives; but a keep-alive repeats an octet that the other side has (RFC 9293, 3.8.4).
    """
    some = np.flatnonzero((talk.labels & np.uint16(KEEP_ALIVE) != 0) & (talk.length == 1))
    is_due = np.zeros(len(some), np.bool_)
    for role in set(talk.role[some].tolist()):
        heard = np.flatnonzero((talk.role != role) & (talk.flags & (ACK | RST) == ACK))
        mine = np.flatnonzero((talk.role[some] == role) & (np.searchsorted(heard, some) > 0))
        last = heard[np.searchsorted(heard, some[mine]) - 1]
        is_due[mine] = ((talk.ack[last] - talk.seq[some[mine]]).view(np.int32) <= 0) & (talk.window[last] > 0)
    found: Rows = talk.rows[some[is_due]]
    return found


def octets_again(talk: Talk) -> Rows:
    """These, and those that came again though they had been confirmed: who keeps alive does not push (PSH)."""
    is_pushed = (talk.labels & np.uint16(KEEP_ALIVE) != 0) & (talk.length == 1) & (talk.flags & PSH != 0)
    is_pushed &= _was_here(talk) if is_pushed.any() else is_pushed
    found: Rows = talk.rows[is_pushed | among(talk.rows, lone_octets(talk))]
    return found


def unasked(table: PacketTable, syns: Rows, accepts: Rows) -> Rows:
    """Of a server's SYN-ACKs those that came again though no SYN called for them: it sent them by itself."""
    asked = np.searchsorted(syns, accepts)
    is_one = (np.diff(asked) == 0) & (asked[1:] < np.arange(2, len(accepts) + 1))  # each SYN may have its own
    found: Rows = accepts[1:][is_one & (table.seq[accepts[1:]] == table.seq[accepts[:1]])]
    return found


def refused_late(talk: Talk) -> Rows:
    """Positions of a client's data that its server, which had closed before it came, refused with RST.

    As the client saw it, the data may have left before the FIN came: the two crossed.
    """
    fins, resets = talk.where(FIN, 1)[:1], talk.where(RST, 1)[:1]
    if not len(fins) or not len(resets) or resets[0] < fins[0]:
        return fins[:0]
    heard = (talk.role == 1) & (talk.flags & (ACK | RST) == ACK)
    confirmed = talk.ack[heard][-1:]
    is_left = (talk.role == 0) & (talk.length > 0) & ((talk.seq - confirmed).view(np.int32) >= 0)
    data = np.flatnonzero(is_left)
    found: Rows = data[data < resets[0]]
    return found


def came_again(moments: TcpMoments, index: int) -> dict[str, Rows]:
    """Segments that were sent again or came late, without SYNs, by the reason as far as frames tell it."""
    table, talk = moments.table, moments.talk(index)
    left = talk.rows[(talk.labels & np.uint16(REPEATED) != 0) & (talk.flags & SYN == 0)]
    left = np.sort(np.concatenate((left[~among(left, fresh(talk))], octets_again(talk))))
    if not len(left):
        return {}
    delayed, at_once = late(table, talk)
    told = {"resent-smaller": _cut(moments, index), "copied": _copied(table, talk), "out-of-order": delayed}
    told |= {"resent-early": outrun(table, talk, delayed)}
    told |= {"resent-needless": needless(table, talk), "resent-at-once": at_once}
    told["late"] = moments.labelled(index, OUT_OF_ORDER)
    for name, rows in told.items():
        told[name] = left[among(left, rows)]
        left = left[~among(left, rows)]
    return {"resent": left, **told}


def fresh(talk: Talk) -> Rows:
    """Segments labelled as repeated whose octets are new: they follow on what came before a RST with a stray number."""
    resets = np.flatnonzero(talk.flags & RST != 0)
    if not len(resets):
        return talk.rows[:0]
    found = [talk.rows[:0]]
    for role in set(talk.role[resets].tolist()):
        is_reset = talk.flags[talk.role == role] & RST != 0
        own, start = np.flatnonzero(talk.role == role)[~is_reset], talk.numbers(role)[~is_reset]
        reach = np.maximum.accumulate(start + talk.length[own] + (talk.flags[own] & (SYN | FIN) != 0))
        is_new = (start[1:] == reach[:-1]) & (talk.labels[own[1:]] & np.uint16(REPEATED) != 0)
        found.append(talk.rows[own[1:][is_new & (own[1:] > resets[0])]])
    return np.concatenate(found)


def _cut(moments: TcpMoments, index: int) -> Rows:
    """What was sent again after a router had said that what first carried it is too large."""
    table, talk = moments.table, moments.talk(index)
    errors = moments.errors(index)
    at = np.searchsorted(table.icmp.row, errors)
    kind = np.where(table.icmp.is_v6[at], _V6, table.icmp.code[at]) + (table.icmp.type[at].astype(np.int64) << 8)
    errors, at = errors[among(kind, _TOO_LARGE)], at[among(kind, _TOO_LARGE)]
    if not len(errors):
        return talk.rows[:0]
    most = int((table.icmp.word[at] & _MTU).max())
    role = int(table.targets(errors[:1])[0] != moments.ends(index)[0][0])
    own, start = np.flatnonzero(talk.role == role), talk.numbers(role)
    length = talk.length[own].astype(np.int64)
    first = np.searchsorted(np.maximum.accumulate(start + length), start, "right")
    is_again = (first < np.arange(len(own))) & (talk.rows[own] > errors[0]) & (length > 0)
    was_too_large = length[np.minimum(first, len(own) - 1)] + _LEAST_HEADERS > most
    cut: Rows = talk.rows[own[is_again & was_too_large & (length + _LEAST_HEADERS <= most)]]
    return cut


def _copied(table: PacketTable, talk: Talk) -> Rows:
    """What has the octets and the number of a packet before it, of a side that gives each packet its own."""
    is_counted, numbers = _turns(table, talk) != _UNKNOWN, table.ip_id[talk.rows]
    for role in (0, 1):
        own = talk.role == role
        is_counted[own] &= 2 * len(distinct(numbers[own])) > np.count_nonzero(own)
    key = talk.seq.astype(np.uint64) << np.uint64(32) | numbers.astype(np.uint64) << np.uint64(16)
    copied: Rows = talk.rows[is_counted & (talk.length > 0) & _came_before(key | talk.length << np.uint64(1), talk)]
    return copied


def mixed(talk: Talk) -> Rows:
    """Segments that first come when they were confirmed already, if so many are that the recording mixed its frames.

    A receiver confirms nothing that was not sent; what a capture missed and what was sent again needlessly is rarer.
    """
    is_early = talk.labels & np.uint16(SPURIOUS_RETRANSMISSION) != 0
    if np.count_nonzero(is_early) < _FEWEST_MIXED:
        return talk.rows[:0]
    is_early &= ~_was_here(talk)
    count = int(np.count_nonzero(is_early))
    is_mixed = count >= _FEWEST_MIXED and count * _SHARE_MIXED >= np.count_nonzero(talk.length > 0)
    found: Rows = talk.rows[is_early if is_mixed else slice(0)]
    return found


def unheard_before(table: PacketTable, talk: Talk, at: int) -> int:
    """How many packets of its side just before position ``at`` are not here, if that side counts one by one; else 0."""
    own = np.flatnonzero((talk.role == talk.role[at]) & (table.ip_id[talk.rows] != 0))
    numbers, place = table.ip_id[talk.rows[own]], int(np.searchsorted(own, at))
    steps = np.diff(numbers)
    if not 0 < place < len(own) or own[place] != at or 2 * np.count_nonzero(steps == 1) <= len(steps):
        return 0
    unheard = int(steps[place - 1]) - 1
    return unheard if 0 < unheard <= _AT_MOST and not (numbers[place:] == numbers[place - 1] + 1).any() else 0


def _turns(table: PacketTable, talk: Talk) -> I8:
    """1 what was sent after all that stands before it here of its side, -1 what was not, 0 a copy of the last.

    Only of sides of which some came again or late.
    """
    turns = np.full(len(talk.rows), _UNKNOWN)
    numbers = table.ip_id[talk.rows]
    for side in set(talk.role[talk.labels & np.uint16(REPEATED) != 0].tolist()):
        own = np.flatnonzero((talk.role == side) & (numbers != 0))
        if not len(own):
            continue
        steps = np.diff(numbers[own]).view(np.int16)
        number = np.concatenate(([0], np.cumsum(steps, dtype=np.int64)))
        if number.max() - number.min() <= _COUNTS * len(own) + _AT_MOST:
            highest = np.maximum.accumulate(np.concatenate(([-1], number[:-1])))
            turns[own] = np.sign(number - highest)
    return turns


def count_here(talk: Talk, rows: Rows) -> int:
    """Of how many of some segments the first octet, or the FIN, had passed before."""
    at, count = np.searchsorted(talk.rows, rows), 0
    for role in (0, 1):
        own, start = np.flatnonzero(talk.role == role), talk.numbers(role)
        end = start + talk.length[own] + (talk.flags[own] & FIN != 0)
        spot = np.searchsorted(own, at[talk.role[at] == role])
        first = np.searchsorted(np.maximum.accumulate(end), start[spot], "right")
        is_known = (first < spot) & (start[np.minimum(first, spot)] <= start[spot])
        count += int(is_known.sum())
        for one in spot[~is_known].tolist():  # a gap before it hides what passed alone
            count += bool(((start[:one] <= start[one]) & (end[:one] > start[one])).any())
    return count


def _was_here(talk: Talk) -> Bools:
    """Whether a segment with the same octets of the same side stands before each."""
    key = talk.seq.astype(np.uint64) << np.uint64(32) | talk.length.astype(np.uint64) << np.uint64(1)
    return _came_before(key, talk)


def _came_before(key: U8, talk: Talk) -> Bools:
    """Whether each key stands before of the same side."""
    _, first, which = np.unique(key | talk.role.astype(np.uint64), return_index=True, return_inverse=True)
    found: Bools = first[which] < np.arange(len(key))
    return found
