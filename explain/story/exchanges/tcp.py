"""A TCP connection told flag by flag: open, talk, close, and what went wrong between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.decode.contents import GREETING
from explain.decode.services import TCP as SERVICES
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.challenge import challenges, go_on
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.late import came_again, mixed, octets_again, unasked
from explain.exchanges.tcp.many import recorded_twice
from explain.exchanges.tcp.measures import measure_bursts, measure_low_window, measure_queue
from explain.exchanges.tcp.offers import joined, literal_windows, offered_shifts, window_limit
from explain.exchanges.tcp.unrecorded import unrecorded
from explain.exchanges.wire_words import flag_letters
from explain.model import Endpoint
from explain.record import dataclass
from explain.side_tables import NO_SCALE
from explain.story.exchanges.teller import end_text
from explain.table import ACK, ECE, FIN, REVERSED, RST, SYN, TCP, URG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.connection import TcpConnection
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.model import Line
    from explain.story.exchanges.teller import Teller
    from explain.table import Bools, PacketTable, Rows

_ANSWERED_NS = 100_000_000
_FAR_NS = 20_000_000
_MUCH = 200_000  # octets, which no queue holds unless it is long
_QUIET_NS = 1_000_000_000
_LEAST_MSS, _MANY = 536, 20
_NO_OPENING = ("midstream",)
_DECLINES = (b"421 ", b"5", b"-ERR", b"ERRO")  # RFC 5321, 4.2.1; RFC 959, 4.2; RFC 1939, 3
_ANSWERS = (b"RTSP/", b"SIP/")  # lines that begin no connection by themselves
_MOST_DECLINED = 4
_TOLD_BY_THEMSELVES = (None, "HTTP", "DNS")


@dataclass(frozen=True, slots=True)
class _Told:
    """The connection that is being told, and what each of its sentences may mention."""

    teller: Teller
    fields: TcpConnection
    outcome: str
    name: str
    values: dict[str, Any]

    @property
    def table(self) -> PacketTable:
        return self.teller.table

    def line(self, message: str, rows: Rows, **more: Any) -> Line:
        return self.teller.line(message, self.fields, rows, self.name, **self.values, **more)

    def flagged(self, message: str, rows: Rows, **more: Any) -> Line:
        """As ``line``, with the flags of the first segment as tcpdump writes them."""
        return self.line(message, rows, flags=flag_letters(int(self.table.flags[rows[0]])), **more)


def connection(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The lines of one connection."""
    fields: TcpConnection = part.fields(index)
    table = teller.table
    rows = part.rows(index)
    rows = rows[table.layers[rows] & TCP != 0]  # errors about the connection are told by themselves
    client, server = end_text(fields.client), end_text(fields.server)
    values: dict[str, Any] = {"client": client, "server": server, "port": fields.server.port}
    told = _Told(teller, fields, part.outcomes[part.outcome[index]], name, values)
    moments: TcpMoments = part.facts["moments"]
    older, copies = _challenges(part, index, told.outcome), _copies(moments, index, rows, fields)
    from_client = _from_client(table, rows, fields)
    if told.outcome in _NO_OPENING:
        is_accepted = bool((table.flags[rows] & (SYN | ACK) == SYN | ACK).any())
        yield told.line("tcp.syn-unseen" if is_accepted else "tcp.midstream", rows)
    else:
        is_sent = ~among(rows, copies)
        yield from _opening(told, rows[is_sent], from_client[is_sent], older)
        yield from _joining(told, moments.talk(index))
    if is_one_sided := _is_one_sided(table, rows, from_client):
        heard, missing = (client, server) if from_client[0] else (server, client)
        yield told.line("tcp.one-sided", rows, heard=heard, missing=missing)
    if fields.tls:
        from explain.story.exchanges import tls

        yield from tls.lines(teller, fields.tls, rows, name, values)
    if GREETING in table.contents and told.outcome not in _NO_OPENING:
        yield from _said(told, rows, from_client)
    yield from _talk(told, moments, index, rows)
    if not is_one_sided and fields.acked_unseen:
        yield from _unrecorded(told, moments.talk(index))
    yield from _limits(told, moments, index, rows)
    yield from _trouble(told, moments, index, older, copies)
    is_ignored = told.outcome == "reset" and bool(go_on(moments, np.array([index])).any())
    how_reset = "ignored" if is_ignored else "check" if moments.only_checks(index) else ""
    yield from _closing(told, rows, from_client, how_reset)


def _joining(told: _Told, talk: Talk) -> Iterator[Line]:
    """The connection that this one joins, as MPTCP says."""
    accept = joined(told.table, talk)
    if accept is not None:
        first = Endpoint(told.table.end_texts(accept)[1], told.table.ports(accept)[1])
        yield told.line("tcp.subflow", np.array([accept, talk.rows[0]]), first=end_text(first))


def _from_client(table: PacketTable, rows: Rows, fields: TcpConnection) -> Bools:
    is_high = table.layers[rows] & REVERSED != 0
    first = int(rows[0])
    client_is_first = (table.ports(first)[0], table.end_texts(first)[0]) == (fields.client.port, fields.client.address)
    fits: Bools = is_high == (is_high[0] if client_is_first else not is_high[0])
    return fits


def _is_one_sided(table: PacketTable, rows: Rows, from_client: Bools) -> bool:
    """Whether one side alone was recorded, and confirms what the other sent meanwhile, or at all where it opened."""
    flags = table.flags[rows]
    confirmed = table.ack[rows][(flags & ACK != 0) & (flags & (SYN | RST) == 0)]
    is_news = len(confirmed) > 0 and (bool((flags & SYN).any()) or bool((confirmed != confirmed[0]).any()))
    return is_news and bool(from_client.all() or not from_client.any())


def _opening(told: _Told, rows: Rows, from_client: Bools, older: Rows) -> Iterator[Line]:
    flags = told.table.flags[rows]
    syns = rows[(flags & (SYN | ACK) == SYN) & from_client]
    accepts = rows[(flags & (SYN | ACK) == SYN | ACK) & ~from_client]
    if len(syns):
        yield told.line(told.teller.first("tcp.syn"), syns[:1], seq=int(told.table.seq[syns[0]]))
        yield from _early(told, syns, accepts)
    if told.fields.is_simultaneous_open:
        theirs = rows[(flags & (SYN | ACK) == SYN) & ~from_client]
        yield told.line("tcp.syn.crossed", np.array([syns[0], theirs[0]]))
    refusals = rows[(flags & (RST | ACK) == RST | ACK) & ~from_client]  # RFC 9293, 3.10.7.1: it confirms the SYN
    if len(accepts) and len(refusals := refusals[refusals < accepts[0]]):
        yield told.flagged("tcp.refused-at-first", refusals)
    if len(older):
        yield from _challenged(told, rows[(flags & RST != 0) & from_client], accepts, older)
    if len(syns) > 1:
        after_ns = int(told.table.time_ns[syns[-1]] - told.table.time_ns[syns[0]])
        is_silent = bool((from_client | (rows > syns[-1])).all())
        message = "tcp.syn.retries" if is_silent and not len(older) else "tcp.syn.repeated"
        yield told.line(message, syns[1:], retries=len(syns) - 1, after_ns=after_ns)
    if len(accepts) and len(syns):
        confirms = rows[(flags & (SYN | RST | ACK) == ACK) & from_client & (rows > accepts[0])]
        yield from _accepted(told, syns, accepts, confirms)
    if told.outcome == "refused":
        yield told.flagged("tcp.refused", rows[flags & RST != 0])
    elif told.outcome == "half-open" and (resets := rows[(flags & RST != 0) & from_client]).size:
        yield told.line("tcp.declined", resets)
    elif told.outcome in ("rejected", "unanswered", "half-open") and not len(older):
        yield told.line(f"tcp.{told.outcome}", rows)


def _early(told: _Told, syns: Rows, accepts: Rows) -> Iterator[Line]:
    """Data in the SYN itself, and whether the server took it (RFC 7413); or that only a simpler SYN was answered."""
    syn, octets = int(syns[0]), int(told.table.payload[syns[0]])
    bare, plain = (syns[1:][column[syns[1:]] == 0] for column in (told.table.payload, told.table.flags & ECE))
    if octets and len(accepts) and len(bare) and bare[0] < accepts[0]:
        yield told.line("tcp.syn-data-lost", np.array([syn, bare[0], accepts[0]]), octets=octets)
    elif told.table.flags[syn] & ECE and len(accepts) and len(plain := plain[plain < accepts[0]]):
        yield told.line("tcp.syn-ecn-lost", np.array([syn, plain[0], accepts[0]]))
    elif octets and len(accepts):
        taken = int((told.table.ack[accepts[:1]] - told.table.seq[syn])[0]) - 1
        name = "tcp.syn-data" if taken >= octets else "tcp.syn-data-left"
        yield told.line(name, np.array([syn, accepts[0]]), octets=octets)


def _challenged(told: _Told, resets: Rows, accepts: Rows, older: Rows) -> Iterator[Line]:
    """The older connection of which the server knows still, and the client's RST that ends it."""
    yield told.line("tcp.challenged", older)
    resets = resets[(resets > older[0]) & (resets < accepts[0] if len(accepts) else True)]
    if len(resets):
        yield told.flagged("tcp.challenged-reset", resets)


def _accepted(told: _Told, syns: Rows, accepts: Rows, confirms: Rows) -> Iterator[Line]:
    """The second and the third segment of the handshake."""
    time_ns = told.table.time_ns
    rtt_ns = int(time_ns[accepts[0]] - time_ns[syns[0]])  # below 0 the clock was set
    yield told.line(told.teller.first("tcp.synack"), accepts[:1], rtt_ns=rtt_ns if rtt_ns >= 0 else None)
    again = unasked(told.table, syns, accepts)
    has_passed = len(again) > 0 and len(confirms) > 0 and bool(confirms[0] < again[0])
    if len(confirms) and (has_passed or not len(again)):
        yield told.line(told.teller.first("tcp.ack"), confirms[:1])
    if len(again):
        after_ns = int(time_ns[again[-1]] - time_ns[accepts[0]])
        name = "tcp.synack-unheeded" if has_passed else "tcp.synack-again"
        if has_passed and not told.table.payload[confirms[confirms < again[0]]].any():
            name = "tcp.synack-deferred"
        yield told.line(name, again, retries=len(again), after_ns=after_ns)
    if len(confirms) and len(again) and not has_passed:
        yield told.line(told.teller.first("tcp.ack"), confirms[:1])


def _challenges(part: ExchangeColumns, index: int, outcome: str) -> Rows:
    """The server's ACKs for an older connection, where its SYN-ACK came later or never."""
    talk = part.facts["moments"].talk(index)
    is_accepted = part.facts["course"].syn_ack[index] != NEVER
    found: Rows = talk.rows[challenges(talk) if is_accepted or outcome == "unanswered" else slice(0)]
    return found


def _copies(moments: TcpMoments, index: int, rows: Rows, fields: TcpConnection) -> Rows:
    """Frames that were recorded twice, and sent once."""
    return np.sort(recorded_twice(moments, np.array([index]))[0]) if fields.recorded_twice else rows[:0]


def _said(told: _Told, rows: Rows, from_client: Bools) -> Iterator[Line]:
    """With which line in plain text each side begins, and with which a server that began so declines."""
    from explain.exchanges.tls.talk import first_line

    texts = told.teller.greetings
    has_data = told.table.payload[rows] > 0
    own = rows[has_data & ~from_client].tolist()
    opening = [
        row for row in (own[:1], rows[has_data & from_client][:1].tolist())
        if row and row[0] in texts and not texts[row[0]].startswith(_ANSWERS) and not _is_told(told, row[0])
    ]  # fmt: skip
    for (row,) in opening:
        speaker = told.values["server" if own and row == own[0] else "client"]
        yield told.line("tcp.greets", np.array([row]), speaker=speaker, says=first_line(texts[row]))
    if own and [own[0]] in opening and told.fields.tls is None:
        declined = [row for row in own[1:] if texts.get(row, b"").startswith(_DECLINES)]
        for row in declined[:_MOST_DECLINED]:
            yield told.line("tcp.declines", np.array([row]), says=first_line(texts[row]))


def _is_told(told: _Told, row: int) -> bool:
    """Whether this line stands in the story already, as what a server said instead of TLS."""
    return told.fields.tls is not None and told.fields.tls.plain_frame == told.table.frame[row]


def _talk(told: _Told, moments: TcpMoments, index: int, rows: Rows) -> Iterator[Line]:
    fields, data = told.fields, rows[(told.table.payload[rows] > 0) & (told.table.flags[rows] & RST == 0)]
    if not len(data):
        return
    service = None if fields.tls else SERVICES.get(fields.server.port or 0)
    message = "tcp.data" if service in _TOLD_BY_THEMSELVES else "tcp.data-custom"
    yield told.line(message, data, segments=len(data), service=service)
    if len(urgent := data[told.table.flags[data] & URG != 0]):
        yield told.line("tcp.urgent", urgent, count=len(urgent))
    if None not in (fields.network_time_ns, fields.server_time_ns) and _is_answer(fields):
        yield _waited(told, moments, index)


def _waited(told: _Told, moments: TcpMoments, index: int) -> Line:
    """For how long the client waited for its answer, and where that time was spent."""
    fields = told.fields
    more_ns = max((fields.network_time_ns or 0) - (fields.syn_to_syn_ack_ns or 0), 0)
    asked = moments.exchange_of_data(index)
    message = "tcp.waited" if fields.server_time_ns else "tcp.waited-no-longer"
    if fields.server_time_at:
        message = "tcp.waited-measured"
    elif more_ns:
        since_ns = int(np.diff(told.table.time_ns[asked])[0])  # the copy that came last
        message = "tcp.waited-lost" if since_ns < (fields.first_byte_wait_ns or 0) else "tcp.waited-queued"
    return told.line(message, asked, lost_ns=more_ns)


def _unrecorded(told: _Told, talk: Talk) -> Iterator[Line]:
    """What arrived, although the capture does not have it."""
    sides = told.values["client"], told.values["server"]
    for role in (0, 1):
        octets, rows = unrecorded(talk, role)
        if octets:
            yield told.line("tcp.unrecorded", rows, octets=octets, sender=sides[role], reader=sides[1 - role])
        elif len(rows):
            yield told.line("tcp.keep-alive-likely", rows, sender=sides[role], reader=sides[1 - role])


def _limits(told: _Told, moments: TcpMoments, index: int, rows: Rows) -> Iterator[Line]:
    """What slowed the data down though nothing was lost: marks of congestion, and a window that cannot grow."""
    flags, is_syn = told.table.flags[rows], told.table.flags[rows] & SYN != 0
    agrees = not is_syn.any() or bool((flags[is_syn] & (ACK | ECE) == ACK | ECE).any())
    echoes = rows[~is_syn & (flags & ECE != 0)]
    if agrees and len(echoes):
        yield told.line("tcp.congested", echoes, count=len(echoes))
    yield from _tiny(told, rows[is_syn])
    limit = window_limit(told.fields, moments, index)
    if limit:
        name = "tcp.unscaled" if limit.pop("is_largest") else "tcp.window-limited"
        yield told.line(name, rows[is_syn], **limit)
        asks = rows[is_syn & (flags & ACK == 0)][:1]
        if name == "tcp.unscaled" and (offered_shifts(told.table, asks) != NO_SCALE).any():
            yield told.line("tcp.scale-declined", rows[is_syn])
    yield from _taken_literally(told, moments.talk(index))
    if max(told.fields.bytes_to_client, told.fields.bytes_to_server) >= _MUCH:
        yield from _paced(told, moments.talk(index), limit is None)


def _tiny(told: _Told, syns: Rows) -> Iterator[Line]:
    """A side that takes less at a time than every host must be able to take (RFC 9293, 3.7.1)."""
    for role, sent in enumerate((told.fields.bytes_to_client, told.fields.bytes_to_server)):
        mss = told.fields.mss[role]
        if mss and mss < _LEAST_MSS and sent > _MANY * mss:
            reader = told.values[("client", "server")[role]]
            yield told.line("tcp.mss-tiny", syns, reader=reader, mss=mss)


def _taken_literally(told: _Told, talk: Talk) -> Iterator[Line]:
    """Windows that their reader means with a scale, and that the sender takes as they stand."""
    rows, window = literal_windows(told.fields, talk)
    if len(rows):
        ends = told.values["client"], told.values["server"]
        role = int(told.fields.bytes_to_client > told.fields.bytes_to_server)
        values = {"sender": ends[role], "reader": ends[1 - role], "window": window}
        yield told.line("tcp.window-literal", rows, count=len(rows), **values)


def _paced(told: _Told, talk: Talk, is_window_free: bool) -> Iterator[Line]:
    """A queue that the data stood in, and a sender that holds itself back."""
    fields = told.fields
    role = int(fields.bytes_to_client > fields.bytes_to_server)
    data = talk.rows[(talk.role == role) & (talk.length > 0)]
    if queue := measure_queue(talk, role):
        yield told.line("tcp.queued", data, least_ns=queue.least_ns, loaded_ns=queue.loaded_ns, flight=queue.flight)
    rtt_ns, shift = fields.handshake_rtt_ns, fields.window_scale[1 - role]
    if shift is not None and is_window_free and (low := measure_low_window(talk, role, shift)):
        reader = told.values[("client", "server")[1 - role]]
        yield told.line(
            "tcp.window-low", talk.rows[low.at], reader=reader, most=low.most, usual=low.usual, low_ns=low.low_ns,
            span_ns=low.span_ns,
        )  # fmt: skip
        return
    near_ns = (fields.syn_ack_to_ack_ns, fields.syn_to_syn_ack_ns)[role]
    if not is_window_free or not rtt_ns or near_ns is None or rtt_ns < _FAR_NS or shift is None:
        return
    if bursts := measure_bursts(talk, role, shift, rtt_ns, near_ns):
        yield told.line(
            "tcp.sender-limited", data, sender=told.values[("client", "server")[role]], flight=bursts.octets,
            rounds=bursts.count, window=bursts.window, rtt_ns=rtt_ns, rate=bursts.rate,
        )  # fmt: skip


def _is_answer(fields: TcpConnection) -> bool:
    """Whether the server's first data can answer the client's: what comes too soon for a round trip was under way."""
    wait_ns = fields.first_byte_wait_ns
    return wait_ns is not None and 2 * wait_ns >= (fields.syn_to_syn_ack_ns or 0)


def _trouble(told: _Told, moments: TcpMoments, index: int, older: Rows, copies: Rows) -> Iterator[Line]:
    """What was recorded twice, sent again or came late, and what came of it."""
    if len(copies):
        is_answered = _are_answered(moments.talk(index), copies)
        name = "tcp.doubled" if is_answered else "tcp.recorded-twice"
        yield told.line(name, copies, count=len(copies))
    if told.fields.retransmissions and len(rows := mixed(moments.talk(index))):
        yield told.line("tcp.mixed", rows, count=len(rows))
        return
    repeated = np.append(older, copies)  # told where the connection opens, and above
    for name, rows in came_again(moments, index).items():
        if len(rows := rows[~among(rows, repeated)]):
            yield told.line(f"tcp.{name}", rows, count=len(rows))
    octets = octets_again(moments.talk(index)) if told.fields.keep_alives else copies
    repeated = np.append(repeated, _answers_again(told.table, moments.talk(index)))
    yield from _silent_trouble(told, moments, index, np.append(repeated, octets))


def _answers_again(table: PacketTable, talk: Talk) -> Rows:
    """The client's ACKs that answer SYN-ACKs which came again."""
    syns, accepts = (talk.rows[talk.where(SYN, role)] for role in (0, 1))
    if not len(accepts[1:]):
        return accepts[:0]
    own = talk.rows[(talk.role == 0) & (talk.length == 0)]
    at = np.searchsorted(own, unasked(table, syns, accepts))
    found: Rows = own[at[at < len(own)]]
    return found


def _silent_trouble(told: _Told, moments: TcpMoments, index: int, repeated: Rows) -> Iterator[Line]:
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
        is_twice = talk.labels[last] & np.uint16(label.REPEATED | label.KEEP_ALIVE) != 0
        is_idle[mine] = (confirmed <= 1) & ~is_twice  # 1 is a FIN
    return ("tcp.duplicate-acks", again[~is_idle]), ("tcp.duplicate-acks-idle", again[is_idle])


def _heeded(table: PacketTable, talk: Talk, asks: Rows) -> tuple[tuple[str, Rows], ...]:
    """Keep-alives by whether the other side was heard after them.

    The silence after a single one proves nothing, nor does that of a side of which nothing was recorded.
    """
    at = np.searchsorted(talk.rows, asks)
    last = np.array([np.flatnonzero(talk.role != role).max(initial=-1) for role in (0, 1)])
    is_vain = at > last[talk.role[at]] if len(at) else at > 0
    is_vain &= is_vain.sum() > 1 and not _is_one_sided(table, talk.rows, talk.role == 0)
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


def _have_crossed(table: PacketTable, ours: Rows, theirs: Rows) -> bool:
    """Whether neither side had heard the other's FIN; one that was sent again meanwhile was lost, or nobody closed."""
    is_once = np.count_nonzero(ours < theirs[0]) == 1
    return is_once and not (_has_heard(table, ours[:1], theirs[:1]) or _has_heard(table, theirs[:1], ours[:1]))


def _has_heard(table: PacketTable, fin: Rows, other: Rows) -> bool:
    """Whether who sent the first of two FINs confirms the other with it."""
    beyond = table.ack[fin] - table.seq[other] - table.payload[other].astype(np.uint32)
    return bool((beyond.astype(np.uint32).view(np.int32) > 0).all())


def _closing(told: _Told, rows: Rows, from_client: Bools, how_reset: str) -> Iterator[Line]:
    flags, values = told.table.flags[rows], told.values
    is_fin = flags & FIN != 0
    if is_fin.any():
        first = int(np.flatnonzero(is_fin)[0])
        closer = values["client"] if from_client[first] else values["server"]
        is_first = is_fin & (from_client == from_client[first])
        ours, theirs = rows[is_first], rows[is_fin & ~is_first]
        if len(theirs) and _have_crossed(told.table, ours, theirs):
            yield told.flagged("tcp.fin.crossed", np.array([ours[0], theirs[0]]))
        else:
            name = told.teller.first("tcp.fin") if len(theirs) else "tcp.fin.half"
            yield told.flagged(name, rows[is_fin], closer=closer)
    accepts = np.flatnonzero(flags & (SYN | ACK) == SYN | ACK)
    resets = np.flatnonzero(flags & RST != 0)
    if len(accepts):
        resets = resets[resets > accepts[0]]  # what was reset before was an older connection
    if len(resets) and told.outcome not in ("refused", "half-open", "unanswered"):
        first = int(resets[0])
        sender = values["client"] if from_client[first] else values["server"]
        is_over = all((is_fin & side)[:first].any() for side in (from_client, ~from_client))
        is_theirs = from_client[resets] != from_client[first]
        quiet_ns = int(np.subtract(*told.table.time_ns[rows[[first, max(first - 1, 0)]]]))
        how = how_reset or ("after-fins" if is_over else "quiet" if quiet_ns >= _QUIET_NS else "")
        message = f"tcp.reset-{how}" if how else "tcp.reset"
        yield told.flagged(message, rows[resets[~is_theirs]], sender=sender, quiet_ns=quiet_ns)
        if is_theirs.any():
            other = values["server"] if from_client[first] else values["client"]
            yield told.flagged("tcp.reset-too", rows[resets[is_theirs]], sender=other)
        if len(says := rows[resets][told.table.payload[rows[resets]] > 0]):
            yield told.line("tcp.reset-data", says[:1], octets=int(told.table.payload[says[0]]))
    elif told.outcome == "open" and not is_fin.any():
        yield told.line("tcp.still-open", rows[-1:])
