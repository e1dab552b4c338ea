"""A TCP connection told flag by flag: open, talk, close, and what went wrong between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.exchanges import tcp_labels as label
from explain.exchanges.tcp_challenge import challenges, go_on
from explain.exchanges.tcp_course import NEVER
from explain.exchanges.tcp_late import delayed, mixed, sent_again_at_once
from explain.exchanges.tcp_many import recorded_twice
from explain.story.teller import end_text
from explain.table import REVERSED, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp_connection import TcpConnection
    from explain.exchanges.tcp_moments import TcpMoments
    from explain.model import Line
    from explain.story.teller import Teller
    from explain.table import Bools, PacketTable, Rows

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_NO_OPENING = ("midstream",)


def connection(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The lines of one connection."""
    fields: TcpConnection = part.fields(index)
    table = teller.table
    rows = part.rows(index)
    rows = rows[table.layers[rows] & TCP != 0]  # errors about the connection are told by themselves
    outcome = part.outcomes[part.outcome[index]]
    client, server = end_text(fields.client), end_text(fields.server)
    values: dict[str, Any] = {"client": client, "server": server, "port": fields.server.port}
    from_client = _from_client(table, rows, fields)
    if outcome in _NO_OPENING:
        is_accepted = bool((table.flags[rows] & (_SYN | _ACK) == _SYN | _ACK).any())
        message = "tcp.syn-unseen" if is_accepted else "tcp.midstream"
        yield teller.line(message, fields, rows, name, **values)
    else:
        older, is_sent = _challenges(part, index, outcome), ~among(rows, _copies(part, index, fields))
        yield from _opening(teller, fields, rows[is_sent], from_client[is_sent], older, outcome, name, values)
    if _is_one_sided(table, rows, from_client):
        heard, missing = (client, server) if from_client[0] else (server, client)
        yield teller.line("tcp.one-sided", None, rows, name, heard=heard, missing=missing)
    if fields.tls:
        from explain.story import tls

        yield from tls.lines(teller, fields.tls, rows, name, values)
    yield from _talk(teller, part, index, fields, rows, name, values)
    is_ignored = outcome == "reset" and bool(go_on(part.facts["moments"], np.array([index])).any())
    yield from _closing(teller, rows, from_client, outcome, name, values, is_ignored=is_ignored)


def _from_client(table: PacketTable, rows: Rows, fields: TcpConnection) -> Bools:
    is_high = table.layers[rows] & REVERSED != 0
    first = rows[:1]
    ports = table.source_ports(first), table.addresses.text(int(table.sources(first)[0]))
    client_is_first = (int(ports[0][0]), ports[1]) == (fields.client.port, fields.client.address)
    fits: Bools = is_high == (is_high[0] if client_is_first else not is_high[0])
    return fits


def _is_one_sided(table: PacketTable, rows: Rows, from_client: Bools) -> bool:
    """Whether one side alone was recorded, and confirms what the other had sent."""
    flags = table.flags[rows]
    confirms = (flags & _ACK != 0) & (flags & (_SYN | _RST) == 0)
    return len(rows) > 1 and bool(confirms.any()) and bool(from_client.all() or not from_client.any())


def _opening(
    teller: Teller,
    fields: TcpConnection,
    rows: Rows,
    from_client: Bools,
    older: Rows,
    outcome: str,
    name: str,
    values: dict[str, Any],
) -> Iterator[Line]:
    table = teller.table
    flags = table.flags[rows]
    syns = rows[(flags & (_SYN | _ACK) == _SYN) & from_client]
    if len(syns):
        yield teller.line(teller.first("tcp.syn"), fields, syns[:1], name, seq=int(table.seq[syns[0]]), **values)
    accepts = rows[flags & (_SYN | _ACK) == _SYN | _ACK]
    refusals = rows[(flags & _RST != 0) & ~from_client]
    if len(accepts) and len(refusals := refusals[refusals < accepts[0]]):
        yield teller.line("tcp.refused-at-first", fields, refusals, name, **values)
    if len(older):
        yield from _challenged(teller, fields, rows[(flags & _RST != 0) & from_client], accepts, older, name, values)
    if len(syns) > 1:
        after = int(table.time_ns[syns[-1]] - table.time_ns[syns[0]])
        is_silent = bool((from_client | (rows > syns[-1])).all())
        message = "tcp.syn.retries" if is_silent and not len(older) else "tcp.syn.repeated"
        yield teller.line(message, fields, syns[1:], name, retries=len(syns) - 1, after_ns=after, **values)
    if len(accepts) and len(syns):
        rtt = max(int(table.time_ns[accepts[0]] - table.time_ns[syns[0]]), 0)
        yield teller.line(teller.first("tcp.synack"), fields, accepts[:1], name, rtt_ns=rtt, **values)
        confirms = rows[(flags & (_SYN | _RST | _ACK) == _ACK) & from_client & (rows > accepts[0])]
        if len(confirms):
            yield teller.line(teller.first("tcp.ack"), fields, confirms[:1], name, **values)
    if outcome == "refused":
        yield teller.line("tcp.refused", fields, rows[flags & _RST != 0], name, **values)
    elif outcome == "half-open" and (resets := rows[(flags & _RST != 0) & from_client]).size:
        yield teller.line("tcp.declined", fields, resets, name, **values)
    elif outcome in ("rejected", "unanswered", "half-open") and not len(older):
        yield teller.line(f"tcp.{outcome}", fields, rows, name, **values)


def _challenged(
    teller: Teller, fields: TcpConnection, resets: Rows, accepts: Rows, older: Rows, name: str, values: dict[str, Any]
) -> Iterator[Line]:
    """The older connection of which the server knows still, and the client's RST that ends it."""
    yield teller.line("tcp.challenged", fields, older, name, **values)
    resets = resets[(resets > older[0]) & (resets < accepts[0] if len(accepts) else True)]
    if len(resets):
        yield teller.line("tcp.challenged-reset", fields, resets, name, **values)


def _challenges(part: ExchangeColumns, index: int, outcome: str) -> Rows:
    """The server's ACKs for an older connection, where its SYN-ACK came later or never."""
    talk = part.facts["moments"].talk(index)
    is_accepted = part.facts["course"].syn_ack[index] != NEVER
    found: Rows = talk.rows[challenges(talk) if is_accepted or outcome == "unanswered" else slice(0)]
    return found


def _copies(part: ExchangeColumns, index: int, fields: TcpConnection) -> Rows:
    """Frames that were recorded twice, and sent once."""
    if not fields.recorded_twice:
        return part.rows(index)[:0]
    return np.sort(recorded_twice(part.facts["moments"], np.array([index]))[0])


def _talk(
    teller: Teller,
    part: ExchangeColumns,
    index: int,
    fields: TcpConnection,
    rows: Rows,
    name: str,
    values: dict[str, Any],
) -> Iterator[Line]:
    table = teller.table
    data = rows[(table.payload[rows] > 0)]
    if len(data):
        yield teller.line("tcp.data", fields, data, name, segments=len(data), **values)
    if None not in (fields.network_time_ns, fields.server_time_ns) and len(data) and _is_answer(fields):
        yield teller.line("tcp.waited", fields, data, name, **values)
    yield from _trouble(teller, part, index, fields, name, values)


def _is_answer(fields: TcpConnection) -> bool:
    """Whether the server's first data can answer the client's: what comes too soon for a round trip was under way."""
    wait_ns = fields.first_byte_wait_ns
    return wait_ns is not None and 2 * wait_ns >= (fields.syn_to_syn_ack_ns or 0)


def _trouble(
    teller: Teller, part: ExchangeColumns, index: int, fields: TcpConnection, name: str, values: dict[str, Any]
) -> Iterator[Line]:
    """What was sent again, came late, had to wait or only asked whether somebody is there."""
    moments: TcpMoments = part.facts["moments"]
    flags, older = teller.table.flags, _challenges(part, index, part.outcomes[part.outcome[index]])
    copies = _copies(part, index, fields)
    if len(copies):
        yield teller.line("tcp.recorded-twice", fields, copies, name, count=len(copies))
    if fields.retransmissions and len(rows := mixed(moments.talk(index))):
        yield teller.line("tcp.mixed", fields, rows, name, count=len(rows), **values)
        return
    for message, labels in (
        ("tcp.resent", label.RESENT), ("tcp.out-of-order", label.OUT_OF_ORDER),
        ("tcp.duplicate-acks", label.DUPLICATE_ACK), ("tcp.zero-window", label.ZERO_WINDOW),
        ("tcp.keep-alive", label.KEEP_ALIVE), ("tcp.window-probe", label.KEEP_ALIVE | label.ZERO_WINDOW_PROBE),
    ):  # fmt: skip
        rows = moments.labelled(index, labels)
        if len(rows) and labels & label.KEEP_ALIVE:
            is_probe = _meet_closed_windows(moments, index, rows)
            rows = rows[is_probe if labels & label.ZERO_WINDOW_PROBE else ~is_probe]
        rows = rows[~among(rows, np.append(older, copies))]  # told where the connection opens, and above; as are
        rows = rows[flags[rows] & _SYN == 0]  # SYNs that were sent again
        for told, some in _late(teller, moments, index, rows) if message == "tcp.out-of-order" else ((message, rows),):
            if len(some):
                yield teller.line(told, fields, some, name, count=len(some), **values)


def _late(teller: Teller, moments: TcpMoments, index: int, rows: Rows) -> tuple[tuple[str, Rows], ...]:
    """What came after later segments: sent again, overtaken, or nobody can tell."""
    if not len(rows):
        return ()
    talk = moments.talk(index)
    is_again, is_delayed = among(rows, sent_again_at_once(teller.table, talk)), among(rows, delayed(teller.table, talk))
    return (
        ("tcp.resent-at-once", rows[is_again]), ("tcp.out-of-order", rows[is_delayed]),
        ("tcp.late", rows[~is_again & ~is_delayed]),
    )  # fmt: skip


def _meet_closed_windows(moments: TcpMoments, index: int, rows: Rows) -> Bools:
    """Whether the other side's window was closed when each row was sent: Linux then asks like a keep-alive."""
    talk = moments.talk(index)
    at, is_closed = np.searchsorted(talk.rows, rows), np.zeros(len(rows), np.bool_)
    for role in (0, 1):
        told = np.flatnonzero((talk.role != role) & (talk.flags & (_FIN | _SYN | _RST) == 0))
        last = np.searchsorted(told, at) - 1
        is_mine = np.flatnonzero((talk.role[at] == role) & (last >= 0))
        is_closed[is_mine] = talk.window[told[last[is_mine]]] == 0
    return is_closed


def _closing(
    teller: Teller, rows: Rows, from_client: Bools, outcome: str, name: str, values: dict[str, Any], *, is_ignored: bool
) -> Iterator[Line]:
    flags = teller.table.flags[rows]
    is_fin = flags & _FIN != 0
    if is_fin.any():
        first = int(np.flatnonzero(is_fin)[0])
        closer = values["client"] if from_client[first] else values["server"]
        both = is_fin[from_client].any() and is_fin[~from_client].any()
        message = teller.first("tcp.fin") if both else "tcp.fin.half"
        yield teller.line(message, None, rows[is_fin], name, closer=closer, **values)
    accepts = np.flatnonzero(flags & (_SYN | _ACK) == _SYN | _ACK)
    resets = np.flatnonzero(flags & _RST != 0)
    if len(accepts):
        resets = resets[resets > accepts[0]]  # what was reset before was an older connection
    if len(resets) and outcome not in ("refused", "half-open", "unanswered"):
        sender = values["client"] if from_client[resets[0]] else values["server"]
        yield teller.line(
            "tcp.reset-ignored" if is_ignored else "tcp.reset", None, rows[resets], name, sender=sender, **values
        )
    elif outcome == "open" and not is_fin.any():
        yield teller.line("tcp.still-open", None, rows[-1:], name, **values)
