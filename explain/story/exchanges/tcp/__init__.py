"""A TCP connection told flag by flag: open, talk, close, and what went wrong between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.decode.contents import GREETING
from explain.decode.services import TCP as SERVICES
from explain.exchanges.tcp.challenge import go_on
from explain.exchanges.tcp.late import unheard_before
from explain.exchanges.tcp.unrecorded import unrecorded
from explain.story.exchanges.tcp.limits import limits
from explain.story.exchanges.tcp.opening import joining, older_answers, opening
from explain.story.exchanges.tcp.told import Told, is_one_sided
from explain.story.exchanges.tcp.trouble import copies_of, trouble
from explain.story.exchanges.teller import end_text
from explain.table import ACK, FIN, REVERSED, RST, SYN, TCP, URG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.connection import TcpConnection
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.model import Line
    from explain.story.exchanges.teller import Teller
    from explain.table import Bools, PacketTable, Rows

_QUIET_NS = 1_000_000_000
_SENT_AGAIN_NS = 200_000_000  # what a host waits at least before it sends again (Linux: TCP_RTO_MIN)
_NO_OPENING = ("midstream",)
_DECLINES = (b"421 ", b"5", b"-ERR", b"ERRO")  # RFC 5321, 4.2.1; RFC 959, 4.2; RFC 1939, 3
_ANSWERS = (b"RTSP/", b"SIP/")  # lines that begin no connection by themselves
_MOST_DECLINED = 4
_TOLD_BY_THEMSELVES = (None, "HTTP", "DNS")


def connection(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The lines of one connection."""
    fields: TcpConnection = part.fields(index)
    table = teller.table
    rows = part.rows(index)
    rows = rows[table.layers[rows] & TCP != 0]  # errors about the connection are told by themselves
    client, server = end_text(fields.client), end_text(fields.server)
    values: dict[str, Any] = {"client": client, "server": server, "port": fields.server.port}
    told = Told(teller, fields, part.outcomes[part.outcome[index]], name, values)
    moments: TcpMoments = part.facts["moments"]
    older, copies = older_answers(part, index, told.outcome), copies_of(moments, index, rows, fields)
    from_client = _from_client(table, rows, fields)
    if told.outcome in _NO_OPENING:
        is_accepted = bool((table.flags[rows] & (SYN | ACK) == SYN | ACK).any())
        yield told.line("tcp.syn-unseen" if is_accepted else "tcp.midstream", rows)
    else:
        is_sent = ~among(rows, copies)
        yield from opening(told, rows[is_sent], from_client[is_sent], older)
        yield from joining(told, moments.talk(index))
    if are_alone := is_one_sided(table, rows, from_client):
        heard, missing = (client, server) if from_client[0] else (server, client)
        yield told.line("tcp.one-sided", rows, heard=heard, missing=missing)
    if fields.tls:
        from explain.story.exchanges import tls

        yield from tls.lines(teller, fields.tls, rows, name, values)
    if GREETING in table.contents and told.outcome not in _NO_OPENING:
        yield from _said(told, rows, from_client)
    yield from _talk(told, moments, index, rows)
    if not are_alone and fields.acked_unseen:
        yield from _unrecorded(told, moments.talk(index))
    yield from limits(told, moments, index, rows)
    yield from trouble(told, moments, index, older, copies)
    is_ignored = told.outcome == "reset" and bool(go_on(moments, np.array([index])).any())
    how_reset = "ignored" if is_ignored else "check" if moments.only_checks(index) else ""
    yield from _closing(told, rows, from_client, how_reset)


def _from_client(table: PacketTable, rows: Rows, fields: TcpConnection) -> Bools:
    is_high = table.layers[rows] & REVERSED != 0
    first = int(rows[0])
    client_is_first = (table.ports(first)[0], table.end_texts(first)[0]) == (fields.client.port, fields.client.address)
    fits: Bools = is_high == (is_high[0] if client_is_first else not is_high[0])
    return fits


def _said(told: Told, rows: Rows, from_client: Bools) -> Iterator[Line]:
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


def _is_told(told: Told, row: int) -> bool:
    """Whether this line stands in the story already, as what a server said instead of TLS."""
    return told.fields.tls is not None and told.fields.tls.plain_frame == told.table.frame[row]


def _talk(told: Told, moments: TcpMoments, index: int, rows: Rows) -> Iterator[Line]:
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


def _waited(told: Told, moments: TcpMoments, index: int) -> Line:
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
    elif (fields.server_time_ns or 0) >= _SENT_AGAIN_NS:
        talk = moments.talk(index)
        if missing := unheard_before(told.table, talk, int(np.searchsorted(talk.rows, asked[1]))):
            return told.line("tcp.waited-unheard", asked, missing=missing)
    return told.line(message, asked, lost_ns=more_ns)


def _is_answer(fields: TcpConnection) -> bool:
    """Whether the server's first data can answer the client's: what comes too soon for a round trip was under way."""
    wait_ns = fields.first_byte_wait_ns
    return wait_ns is not None and 2 * wait_ns >= (fields.syn_to_syn_ack_ns or 0)


def _unrecorded(told: Told, talk: Talk) -> Iterator[Line]:
    """What arrived, although the capture does not have it."""
    sides = told.values["client"], told.values["server"]
    for role in (0, 1):
        octets, rows = unrecorded(talk, role)
        if octets:
            yield told.line("tcp.unrecorded", rows, octets=octets, sender=sides[role], reader=sides[1 - role])
        elif len(rows):
            yield told.line("tcp.keep-alive-likely", rows, sender=sides[role], reader=sides[1 - role])


def _closing(told: Told, rows: Rows, from_client: Bools, how_reset: str) -> Iterator[Line]:
    flags = told.table.flags[rows]
    is_fin = flags & FIN != 0
    if is_fin.any():
        yield _finished(told, rows, is_fin, from_client)
    accepts, resets = np.flatnonzero(flags & (SYN | ACK) == SYN | ACK), np.flatnonzero(flags & RST != 0)
    if len(accepts):
        resets = resets[resets > accepts[0]]  # what was reset before was an older connection
    if len(resets) and told.outcome not in ("refused", "half-open", "unanswered"):
        first = int(resets[0])
        is_over = all((is_fin & side)[:first].any() for side in (from_client, ~from_client))
        yield from _reset(told, rows, resets, from_client, how_reset or ("after-fins" if is_over else ""))
    elif told.outcome == "open" and not is_fin.any():
        yield told.line("tcp.still-open", rows[-1:])


def _finished(told: Told, rows: Rows, is_fin: Bools, from_client: Bools) -> Line:
    """Who closed the connection first, and whether the other side closed it, too."""
    first = int(np.flatnonzero(is_fin)[0])
    closer = told.values["client" if from_client[first] else "server"]
    is_first = is_fin & (from_client == from_client[first])
    ours, theirs = rows[is_first], rows[is_fin & ~is_first]
    if len(theirs) and _have_crossed(told.table, ours, theirs):
        return told.flagged("tcp.fin.crossed", np.array([ours[0], theirs[0]]))
    return told.flagged(told.teller.first("tcp.fin") if len(theirs) else "tcp.fin.half", rows[is_fin], closer=closer)


def _reset(told: Told, rows: Rows, resets: Rows, from_client: Bools, how: str) -> Iterator[Line]:
    """Who reset the connection, how, and what else was reset or said with it; ``resets`` are positions in ``rows``."""
    first = int(resets[0])
    sides = told.values["server"], told.values["client"]
    sender, other = sides[int(from_client[first])], sides[1 - int(from_client[first])]
    is_theirs = from_client[resets] != from_client[first]
    quiet_ns = int(np.subtract(*told.table.time_ns[rows[[first, max(first - 1, 0)]]]))
    how = how or ("quiet" if quiet_ns >= _QUIET_NS else "")
    message = f"tcp.reset-{how}" if how else "tcp.reset"
    yield told.flagged(message, rows[resets[~is_theirs]], sender=sender, quiet_ns=quiet_ns)
    if is_theirs.any():
        yield told.flagged("tcp.reset-too", rows[resets[is_theirs]], sender=other)
    if len(says := rows[resets][told.table.payload[rows[resets]] > 0]):
        yield told.line("tcp.reset-data", says[:1], octets=int(told.table.payload[says[0]]))


def _have_crossed(table: PacketTable, ours: Rows, theirs: Rows) -> bool:
    """Whether neither side had heard the other's FIN; one that was sent again meanwhile was lost, or nobody closed."""
    is_once = np.count_nonzero(ours < theirs[0]) == 1
    return is_once and not (_has_heard(table, ours[:1], theirs[:1]) or _has_heard(table, theirs[:1], ours[:1]))


def _has_heard(table: PacketTable, fin: Rows, other: Rows) -> bool:
    """Whether who sent the first of two FINs confirms the other with it."""
    beyond = table.ack[fin] - table.seq[other] - table.payload[other].astype(np.uint32)
    return bool((beyond.astype(np.uint32).view(np.int32) > 0).all())
