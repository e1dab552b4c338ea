"""What a host does not obey: a SYN where it still has an older connection, a RST or a segment that does not fit.

Source: RFC 9293, 3.5.1 and 3.10.7.4; RFC 5961, 3 and 4 (the challenge ACK); RFC 7323, 5 (old timestamps).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.many import segments_of
from explain.table import ACK, FIN, RST, SYN

_COPIES = 3  # after the first

if TYPE_CHECKING:
    from explain.exchanges.tcp.course import Course
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import Bools, Rows


def challenges(talk: Talk) -> Rows:
    """Positions of the server's plain ACKs after the first SYN and before a SYN-ACK that do not confirm the SYN."""
    syns = talk.where(SYN, 0)
    if not len(syns):
        return syns
    first = syns[0]
    accepts = talk.where(SYN, 1)
    last = accepts[0] if len(accepts) else len(talk.rows)
    is_one = (talk.role == 1) & (talk.flags & (FIN | SYN | RST | ACK) == ACK) & (talk.length == 0)
    is_one[: first + 1] = is_one[last:] = False
    confirmed = talk.ack - talk.seq[first] - np.uint32(1)
    found: Rows = np.flatnonzero(is_one & (confirmed > talk.length[first]))
    return found


def only_challenged(moments: TcpMoments, course: Course) -> Bools:
    """Which connections saw nothing else in answer to their SYNs, and sent nothing else themselves but RST."""
    is_attempt: Bools = (course.first_syn != NEVER) & (course.syn_ack == NEVER) & ~course.is_established
    is_attempt &= course.is_talking[1] & (course.resets[1] == NEVER)
    for index in np.flatnonzero(is_attempt).tolist():
        talk = moments.talk(index)
        is_attempt[index] = len(challenges(talk)) == int((talk.role == 1).sum())
    return is_attempt


def not_taken(talk: Talk, again: Rows) -> Rows:
    """Rows of a segment that came to its receiver several times and was not taken, and of the ACKs that show it.

    Each copy was answered with the ACK that had been there before the first, and there was nothing else to answer.
    """
    data = np.flatnonzero(among(talk.rows, again) & (talk.length > 0))
    if not len(data):
        return talk.rows[:0]
    role, seq = talk.role[data[-1]], talk.seq[data[-1]]
    own, others = (talk.role == role) & (talk.length > 0), talk.role != role
    copies = np.flatnonzero(own & (talk.seq == seq))
    place = np.arange(len(talk.rows))
    since = (place > copies[0]) & (place <= copies[-1])
    is_same = (talk.ack == seq) & (talk.length == 0) & (talk.flags & (FIN | SYN | RST | ACK) == ACK) & (talk.window > 0)
    heard, said = np.flatnonzero(others & (place < copies[0]))[-1:], np.flatnonzero(others & since)
    is_alone = bool((talk.seq[own & since] == seq).all() and is_same[said].all() and (talk.ack[heard] == seq).all())
    answered = np.diff(np.searchsorted(said, copies))
    if not len(heard) or not is_alone or len(answered) < _COPIES or not answered.all():
        return talk.rows[:0]
    found: Rows = talk.rows[np.sort(np.concatenate((copies, said)))]
    return found


def go_on(moments: TcpMoments, indices: Rows) -> Bools:
    """In which of some connections the sender of the first RST goes on with something new, and the other side, too."""
    if not len(indices):
        return np.zeros(0, np.bool_)
    at, of = segments_of(moments.streams, indices)
    flags, is_high, position = moments.streams.flags[at], moments.streams.is_high[at], np.arange(len(at))
    starts = np.searchsorted(of, np.arange(len(indices)))
    resets = moments.course.resets.min(axis=0)[indices]  # none that answered a SYN before the one that was accepted
    first = np.where(resets == NEVER, len(at), starts + resets - moments.streams.bounds[indices])
    is_talk = (flags & (RST | ACK) == ACK) & (position > first[of])
    is_own = is_high == is_high.take(first, mode="clip")[of]
    own = np.minimum.reduceat(np.where(is_talk & is_own, position, len(at)), starts)
    other = np.maximum.reduceat(np.where(is_talk & ~is_own, position, -1), starts)
    going: Bools = other > own
    for index in np.flatnonzero(going).tolist():
        reset = int(resets[index] - moments.streams.bounds[indices[index]])
        going[index] = _has_news(moments.talk(int(indices[index])), reset)
    return going


def _has_news(talk: Talk, reset: int) -> bool:
    """Whether the sender of a RST says something new behind it, and then the other side; copies are no news."""
    is_own = talk.role == talk.role[reset]
    own = _news(talk, is_own, reset)
    return bool(len(own) and len(_news(talk, ~is_own, int(own[0]))))


def _news(talk: Talk, is_side: Bools, after: int) -> Rows:
    """Positions behind one at which a side sends or confirms more than it ever did before."""
    at = np.flatnonzero(is_side & (talk.flags & (RST | ACK) == ACK))
    before, later = at[at < after], at[at > after]
    if not len(before):
        return later
    is_new = np.zeros(len(later), np.bool_)
    for number in (talk.seq + talk.length.astype(np.uint32), talk.ack):
        ahead = (number - number[before[0]]).view(np.int32)
        is_new |= ahead[later] > ahead[before].max()
    found: Rows = later[is_new]
    return found
