"""A connection as a time-sequence diagram has it: what was sent when, what was confirmed, how much room was left.

Source: RFC 9293, 3.4 (sequence numbers); RFC 7323, 2.3 (scaled windows); RFC 6298, 3 (no round-trip time from
what was sent again, Karn's algorithm).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labels import GAP, REPEATED
from explain.exchanges.tcp.offers import offers
from explain.record import dataclass
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import I8, U2, Bools


@dataclass(frozen=True, slots=True, eq=False)
class SequenceCourse:
    """The data of one direction, and the answers to it.

    Numbers count octets from the first one that was sent or confirmed; times are nanoseconds since the connection's
    first frame.

    Attributes:
        sender: 0 the client, 1 the server.
        time_ns, start, end, labels: of each segment with data; labels are masks of ``labels``.
        gaps: int64[g, 3]: time, and the octets from and to that were not captured although later ones were.
        ack_ns, acked, edge: of each acknowledgement: its time, what it confirms, and up to where it allows to send.
        is_closed: bool, beside them: the window was 0.
        rtt_at_ns, rtt_ns: when an acknowledgement came, and how long after the newest segment that it confirms.
        span_ns: from the first frame of the connection to the last.
    """

    sender: int
    time_ns: I8
    start: I8
    end: I8
    labels: U2
    gaps: I8
    ack_ns: I8
    acked: I8
    edge: I8
    is_closed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    rtt_at_ns: I8
    rtt_ns: I8
    span_ns: int


def sequence_course(moments: TcpMoments, index: int) -> SequenceCourse | None:
    """The direction with more data of a connection; None where nobody sent any."""
    talk = moments.talk(index)
    sent = [int(talk.length[talk.role == role].sum()) for role in (0, 1)]
    if not any(sent):
        return None
    sender = int(sent[1] > sent[0])
    is_data = (talk.role == sender) & (talk.length > 0)
    is_ack = (talk.role != sender) & (talk.flags & ACK != 0) & (talk.flags & RST == 0)
    some = np.flatnonzero(is_data | is_ack)
    number = np.where(is_data, talk.seq, talk.ack)[some]
    whole = np.cumsum(np.diff(number, prepend=number[:1]).view(np.int32), dtype=np.int64)
    whole -= whole[is_data[some]].min()
    data, ack = is_data[some], is_ack[some]
    time_ns = talk.time_ns - talk.time_ns[0]
    window, is_closed = _windows(talk, is_ack, offers(moments.table, talk).window_scale[1 - sender] or 0)
    start, acked = whole[data], whole[ack]
    end = start + talk.length[some][data]
    labels, at_ns, ack_ns = talk.labels[some][data], time_ns[some][data], time_ns[some][ack]
    gaps = _gaps(at_ns, start, end, labels)
    rtt_at, rtt = _round_trips(at_ns, end, labels, ack_ns, acked)
    return SequenceCourse(
        sender=sender,
        time_ns=at_ns,
        start=start,
        end=end,
        labels=labels,
        gaps=gaps,
        ack_ns=ack_ns,
        acked=acked,
        edge=acked + window,
        is_closed=is_closed,
        rtt_at_ns=rtt_at,
        rtt_ns=rtt,
        span_ns=int(time_ns.max()),
    )


def _windows(talk: Talk, is_ack: Bools, shift: int) -> tuple[I8, Bools]:
    """The room that each ACK grants, and whether it closes the window."""
    flags = talk.flags[is_ack]
    window: I8 = talk.window[is_ack].astype(np.int64) << np.where(flags & SYN != 0, 0, shift)
    return window, (window == 0) & (flags & (SYN | FIN) == 0)


def _gaps(time_ns: I8, start: I8, end: I8, labels: U2) -> I8:
    """Holes before segments that Wireshark says follow something uncaptured."""
    highest = np.maximum.accumulate(end)
    at = np.flatnonzero(labels & GAP)
    at = at[at > 0]
    before = highest[at - 1]
    is_hole = before < start[at]
    found: I8 = np.stack((time_ns[at], before, start[at]), axis=1)[is_hole]
    return found


def _round_trips(time_ns: I8, end: I8, labels: U2, ack_ns: I8, acked: I8) -> tuple[I8, I8]:
    """For each acknowledgement that confirms something new, the time since the newest segment that it covers."""
    if not len(end) or not len(acked):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    highest = np.maximum.accumulate(acked)
    is_new = np.flatnonzero(np.diff(highest, prepend=np.int64(0)) > 0)
    resent = np.unique(end[labels & REPEATED != 0])
    order = np.lexsort((time_ns, end))
    ends, times = end[order], time_ns[order]
    at = np.searchsorted(ends, highest[is_new], "right") - 1
    is_known = at >= 0
    at, is_new = at[is_known], is_new[is_known]
    # A cumulative confirmation that was held up by a loss says nothing of the newest segment.
    previous = np.searchsorted(ends, np.concatenate(([0], highest))[is_new], "right")
    lost_between = np.searchsorted(resent, ends[at], "right") - np.searchsorted(
        resent, ends[np.minimum(previous, len(ends) - 1)], "left"
    )
    trip = ack_ns[is_new] - times[at]
    is_good = (trip > 0) & (lost_between <= 0)
    return ack_ns[is_new][is_good], trip[is_good]
