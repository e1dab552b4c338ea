"""Numbers of one connection, made when it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.labels import GAP, KEEP_ALIVE, REPEATED, SPURIOUS_RETRANSMISSION, ZERO_WINDOW
from explain.exchanges.tcp.moments import first_answer
from explain.record import NamedTuple, dataclass
from explain.table import ECE, FIN, RST, SYN, TWICE_NS

if TYPE_CHECKING:
    from explain.exchanges.tcp.course import Course
    from explain.exchanges.tcp.moments import Talk
    from explain.table import I8, PacketTable

_FEWEST_QUEUED, _FOLLOWED = 30, 4  # segments
_QUEUED_NS, _TIMES_QUEUED = 100_000_000, 3
_FEWEST_BURSTS, _PART, _ALIKE, _MOSTLY = 10, 3, 10, 0.8
_MOST_WAITING = 4  # full segments; fewer than that may be all that there is to send
_LOW, _LONG_LOW_NS = 2, 1_000_000_000  # of a window: below so much of the largest before, and for so long
_WORTH_NS = 100_000_000  # of a shorter wait nobody asks where it was spent
_UNTIDY = np.uint16(GAP | REPEATED)


class Times(NamedTuple):
    """Times as they pass at the place of the capture, nanoseconds, None where they are not known.

    Attributes:
        handshake_rtt_ns: from the last SYN before the SYN-ACK to the ACK: the whole round trip
            between client and server, wherever the capture was made.
        syn_to_syn_ack_ns: the part of it between the place of the capture and the server.
        syn_ack_to_ack_ns: the part between the place and the client.
        first_byte_wait_ns: from the last segment of the first request, as it was first sent, to the first octet of
            the answer.
        network_time_ns: of that wait, one ``syn_to_syn_ack_ns``: the way to the server and back; and the time until
            that segment was sent again, if it had not arrived; until it was confirmed, if a queue held it up.
        server_time_ns: the rest of the wait.
        server_time_at: the place nearest to the server of those that saw both request and answer, where the wait is
            split by what it saw; None where it is split by the handshake as this place saw it.
    """

    handshake_rtt_ns: int | None
    syn_to_syn_ack_ns: int | None
    syn_ack_to_ack_ns: int | None
    first_byte_wait_ns: int | None
    server_time_ns: int | None
    network_time_ns: int | None
    server_time_at: str | None = None


def measure_times(table: PacketTable, rows: I8, course: Course, index: int, talk: Talk) -> Times:
    """The times of connection ``index``; ``rows`` are those of ``Streams``."""
    syn, syn_ack, ack = (
        None if at == NEVER else int(table.time_ns[rows[at]])
        for at in (int(course.syn[index]), int(course.syn_ack[index]), int(course.ack[index]))
    )
    pair = first_answer(talk)
    asked_ns, lost_ns = _asked(talk, pair[0]) if pair else (0, 0)
    wait = int(talk.time_ns[pair[1]]) - asked_ns if pair else None
    far = _between(syn, syn_ack)
    is_split = wait is not None and wait >= 0 and far is not None
    network = min(wait, far + lost_ns) if is_split and wait is not None and far is not None else None
    server = wait - network if wait is not None and network is not None else None
    times = Times(_between(syn, ack), far, _between(syn_ack, ack), wait, server, network)
    if pair is None or wait is None or wait < _WORTH_NS or lost_ns:
        return times
    if network is not None and (held_up_ns := _held_up_ns(talk, pair)) > network:
        times = times._replace(network_time_ns=held_up_ns, server_time_ns=wait - held_up_ns)
    if table.whole is table:
        return times
    opening = [int(rows[at]) for at in (int(course.syn[index]), int(course.syn_ack[index])) if at != NEVER]
    return _split_at_server(table, times, talk.rows[list(pair)].tolist(), opening)


def _split_at_server(table: PacketTable, times: Times, asked: list[int], opening: list[int]) -> Times:
    """The wait as the place nearest to the server shows it: what was not spent there was spent on the way.

    Args:
        table: the rows nearest to the askers.
        times: as these show them.
        asked: the rows of the request and of its answer.
        opening: those of SYN and SYN-ACK, as far as they are known.
    """
    whole, wait = table.whole, times.first_byte_wait_ns or 0
    request, answer = (_first_times(table, row) for row in asked)
    took = {place: when - request[place] for place, when in answer.items() if when >= request.get(place, when + 1)}
    nearest = min(took, key=lambda place: took[place], default=None)
    if nearest is None or nearest == int(whole.place[table.whole_row(asked[0])]) or took[nearest] >= wait:
        return times
    began = [_first_times(table, row).get(nearest) for row in opening]
    beyond = (_between(*began) if len(began) > 1 else None) or 0
    server = max(took[nearest] - beyond, 0)
    return times._replace(
        server_time_ns=server, network_time_ns=wait - server, server_time_at=whole.places[nearest].label
    )


def _held_up_ns(talk: Talk, pair: tuple[int, int]) -> int:
    """How long the request took to be confirmed, where it stood in a queue behind other data of its sender; else 0."""
    asked, answer = pair
    if measure_queue(talk, 0) is None:
        return 0
    said = (talk.ack[asked : answer + 1] - talk.seq[asked] - talk.length[asked]).view(np.int32)
    confirmed = np.flatnonzero((talk.role[asked : answer + 1] == 1) & (said >= 0))
    return int(talk.time_ns[asked + confirmed[0]] - talk.time_ns[asked]) if len(confirmed) else 0


def _first_times(table: PacketTable, row: int) -> dict[int, int]:
    """When each place saw the packet of a row first, by its own clock."""
    from explain.places.near import copies_of

    whole, rows = table.whole, copies_of(table, np.array([row]))[::-1]
    return dict(zip(whole.place[rows].tolist(), whole.time_ns[rows].tolist(), strict=True))


def _asked(talk: Talk, at: int) -> tuple[int, int]:
    """When the segment at this position was first sent, and how long its loss then cost."""
    same = np.flatnonzero((talk.role == talk.role[at]) & (talk.seq == talk.seq[at]) & (talk.length > 0))
    first_ns, last_ns = int(talk.time_ns[same[0]]), int(talk.time_ns[at])
    had_arrived = bool(talk.labels[at] & SPURIOUS_RETRANSMISSION) or last_ns - first_ns < TWICE_NS  # recorded twice
    return first_ns, 0 if had_arrived else max(last_ns - first_ns, 0)


def _between(first: int | None, last: int | None) -> int | None:
    """None where either is missing, or clocks went back."""
    return last - first if first is not None and last is not None and last >= first else None


@dataclass(frozen=True, slots=True)
class Queue:
    """How much longer confirmation took under load, as one who sends much sees it.

    Attributes:
        least_ns: the shortest time from a segment to its ACK.
        loaded_ns: the usual one while more was under way.
        flight: octets that were usually under way then.
    """

    least_ns: int
    loaded_ns: int
    flight: int


def measure_queue(talk: Talk, role: int) -> Queue | None:
    """The queue that the data of one role stood in; None where it did not build up, or is not seen from here.

    Only what others followed at once counts: for a lone segment the ACK may be delayed.
    """
    own = np.flatnonzero((talk.role == role) & (talk.length > 0) & (talk.labels & REPEATED == 0))
    acks = np.flatnonzero((talk.role != role) & (talk.flags & (SYN | RST) == 0))
    if len(own) < _FEWEST_QUEUED or len(acks) < _FEWEST_QUEUED:
        return None
    end = (talk.seq[own] + talk.length[own] - talk.seq[own[0]]).astype(np.int64)
    said = (talk.ack[acks] - talk.seq[own[0]]).astype(np.int64)
    spot = np.minimum(np.searchsorted(end, said), len(own) - 1)
    sent = np.searchsorted(own, acks)
    is_known = (end[spot] == said) & (sent - spot > _FOLLOWED) & (np.diff(said, prepend=-1) > 0)
    if np.count_nonzero(is_known) < _FEWEST_QUEUED:
        return None
    took_ns = (talk.time_ns[acks] - talk.time_ns[own[spot]])[is_known]
    least, usual = int(took_ns.min()), int(np.median(took_ns))
    flight = int(np.median(end[sent[is_known] - 1] - said[is_known]))
    return Queue(least, usual, flight) if usual >= _QUEUED_NS + least and usual >= _TIMES_QUEUED * least else None


@dataclass(frozen=True, slots=True)
class Bursts:
    """What a side sends at a time, before it is silent until the ACK comes.

    Attributes:
        octets: in each burst.
        count: how many such bursts there were.
        window: for how much at least the other side had room when they began, octets.
        rate: octets a second that get through so.
    """

    octets: int
    count: int
    window: int
    rate: int


def measure_bursts(talk: Talk, role: int, shift: int, rtt_ns: int, near_ns: int) -> Bursts | None:
    """The bursts of a side that holds itself back; None where anything else may set the pace.

    A congestion window grows while nothing is lost, a narrow link spreads what passes it, and a program that writes
    by its own clock does not wait for ACKs: so bursts of one size, each begun by an ACK, are the sender's own limit.
    """
    own = np.flatnonzero((talk.role == role) & (talk.length > 0))
    time_ns = talk.time_ns[own]
    starts = np.flatnonzero(np.diff(time_ns, prepend=time_ns[0] - rtt_ns) * _PART >= rtt_ns)
    acks = np.flatnonzero((talk.role != role) & (talk.flags & (SYN | RST) == 0))
    if len(starts) < _FEWEST_BURSTS or not len(acks):
        return None
    between = acks[(acks > own[0]) & (acks < own[-1])]
    if talk.length[between].any() or (talk.labels[own] & _UNTIDY).any() or (talk.flags[acks] & ECE).any():
        return None
    size = np.add.reduceat(talk.length[own].astype(np.int64), starts)
    usual = int(np.median(size))
    before = acks[np.maximum(np.searchsorted(acks, own[starts]) - 1, 0)]
    off_ns = talk.time_ns[own[starts]] - talk.time_ns[before] - near_ns
    window = talk.window[before].astype(np.int64) << shift
    is_usual = (np.abs(size - usual) * _ALIKE <= usual) & (np.abs(off_ns) * _PART <= rtt_ns // _PART)
    some, most = size[is_usual], int(talk.length[own].max())
    count, third = len(some), len(some) // _PART
    if count < _FEWEST_BURSTS or int(some.sum()) < _MOSTLY * int(size.sum()) or usual < _MOST_WAITING * most:
        return None
    is_growing = np.median(some[-third:]) - np.median(some[:third]) >= third * most // 2
    room, rate = int(window[is_usual].min()), usual * 1_000_000_000 // int(np.median(np.diff(time_ns[starts])))
    return Bursts(usual, count, room, rate) if not is_growing and room >= 2 * usual else None


class LowWindow(NamedTuple):
    """A receive window that has fallen, as what its program has not read fills the buffer.

    Attributes:
        most: the largest before, octets.
        usual: the usual one while it was low.
        low_ns, span_ns: for how long it was low, and how long data came in all.
        at: positions of the segments that said so.
    """

    most: int
    usual: int
    low_ns: int
    span_ns: int
    at: I8


def measure_low_window(talk: Talk, role: int, shift: int) -> LowWindow | None:
    """The window offered to what ``role`` sends, where it is low for most of the time; it may grow as it likes.

    One that is mostly shut is told as such elsewhere.
    """
    data = np.flatnonzero((talk.role == role) & (talk.length > 0))
    acks = np.flatnonzero((talk.role != role) & (talk.flags & (SYN | RST | FIN) == 0))
    acks = acks[(acks > data[0]) & (acks < data[-1])]
    span_ns = int(talk.time_ns[data[-1]] - talk.time_ns[data[0]])
    if span_ns < _LONG_LOW_NS or len(acks) < _FEWEST_BURSTS:
        return None
    window, ends_ns = talk.window[acks].astype(np.int64), np.append(talk.time_ns[acks[1:]], talk.time_ns[data[-1]])
    is_low = window * _LOW < np.maximum.accumulate(window)
    low_ns = int((ends_ns - talk.time_ns[acks])[is_low].sum())
    if low_ns < _LONG_LOW_NS or low_ns * _LOW < span_ns:
        return None
    last, usual = int(window[: np.flatnonzero(is_low)[-1]].max()), int(np.median(window[is_low]))
    return LowWindow(last << shift, usual << shift, low_ns, span_ns, acks[is_low]) if usual else None


def distinct_octets(talk: Talk, role: int) -> int:
    """Octets of payload that a role sent, each counted once however often it was seen."""
    mine = np.flatnonzero(talk.role == role)
    flags, length = talk.flags[mine], talk.length[mine].astype(np.int64)
    is_data = (length > 0) & (flags & RST == 0) & (talk.labels[mine] & KEEP_ALIVE == 0)
    if not is_data.any():
        return 0
    start = (talk.numbers(role) + (flags & SYN != 0))[is_data]
    total = int(length[is_data].sum())
    if int(start[-1] + length[is_data][-1] - start[0]) == total and not (talk.labels[mine] & _UNTIDY).any():
        return total
    return covered(start, start + length[is_data])


def covered(start: I8, end: I8) -> int:
    """How many numbers lie in one of these ranges at least."""
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    reach = np.concatenate((start[:1], np.maximum.accumulate(end)[:-1]))
    return int(np.maximum(end - np.maximum(start, reach), 0).sum())


def sent_octets(talk: Talk, role: int) -> int:
    """Octets of payload that a role sent, repeats included."""
    return int(talk.length[talk.role == role].sum(dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Stalls:
    """Times in which a side could not send because the other had no room.

    Attributes:
        recoveries: how often a closed window opened again.
        closed_ns: for how long windows were closed altogether, those that never opened again not counted.
    """

    recoveries: int
    closed_ns: int


def measure_stalls(talk: Talk) -> Stalls:
    """The closed windows of both sides."""
    recoveries, closed_ns = 0, 0
    if (talk.labels & ZERO_WINDOW).any():
        for role in (0, 1):
            mine = np.flatnonzero((talk.role == role) & (talk.flags & (FIN | SYN | RST) == 0))
            is_closed = (talk.window[mine] == 0).astype(np.int8)
            turns = np.diff(is_closed, prepend=np.int8(0))
            opens, closes = mine[turns == -1], mine[turns == 1]
            recoveries += len(opens)
            closed_ns += int((talk.time_ns[opens] - talk.time_ns[closes[: len(opens)]]).sum())
    return Stalls(recoveries, closed_ns)
