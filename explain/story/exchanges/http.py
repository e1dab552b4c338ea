"""A request and what came back, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.model import Line
from explain.story.exchanges.teller import end_text
from explain.table import ACK, REVERSED, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.http.request import HttpRequest
    from explain.story.exchanges.teller import Teller
    from explain.table import PacketTable, Rows

_REDIRECTION = 3
_MEANINGS = {
    101: "switching", 206: "partial", 304: "not-modified", 401: "log-in", 403: "forbidden", 404: "not-found",
    405: "not-allowed", 407: "proxy-log-in", 408: "too-slow", 413: "too-large", 416: "beyond", 417: "no-wait",
    429: "too-many", 502: "bad-gateway", 503: "unavailable", 504: "gateway-timeout",
}  # fmt: skip
"""Of statuses that say more than their class (RFC 9110, 15; RFC 6585, 4)."""


_CONTINUE, _HINTS = 100, 103
_NOTHING_ASKED = 408


def _meaning(fields: HttpRequest) -> str:
    if fields.method == "CONNECT" and fields.status_class == "success":
        return "tunnel"
    return _MEANINGS.get(fields.status or 0) or fields.status_class or "other"


def _wanting(part: ExchangeColumns) -> list[int]:
    wanting: list[int] = part.facts["wants_tls"]()
    return wanting


def _is_after_a_hello(table: PacketTable, row: int) -> bool:
    """Whether a ClientHello or another record of TLS came before on the same connection, from the other side."""
    kept = table.contents.get("tls")
    rows = np.array(kept.row if kept else (), np.int64)
    some = rows[(table.flow[rows] == table.flow[row]) & (rows < row)]
    return bool(((table.layers[some] ^ table.layers[row]) & REVERSED != 0).any())


def _is_tls(table: PacketTable, rows: Rows) -> bool:
    kept = table.contents.get("tls")
    return kept is not None and not set(kept.row).isdisjoint(rows.tolist())


def request(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who asked for what, and the status of the answer."""
    fields: HttpRequest = part.fields(index)
    rows = part.rows(index)
    server = end_text(fields.server)
    values: dict[str, Any] = {
        "client": end_text(fields.client), "server": server, "host": fields.host or server,
        "meaning": Line(f"http.class.{'wants-tls' if index in _wanting(part) else _meaning(fields)}", {}),
    }  # fmt: skip
    if fields.method is None:
        yield teller.line(_unasked(teller.table, fields, int(rows[0])), fields, rows, name, **values)
        return
    yield teller.line(_asked(teller, fields, values["host"]), fields, rows[:1], name, **values)
    if part.outcomes[part.outcome[index]] == "unanswered":
        why = "unanswered" if fields.was_due else "not-due"
        why = "one-sided" if fields.is_one_sided else "unrecorded" if fields.is_unrecorded else why
        if why != "one-sided" or teller.first(f"http.one-sided.{values['client']}").endswith(".first"):  # once of each
            yield teller.line(f"http.{why}", fields, rows, name, **values)
        return
    yield from _interim(teller, fields, rows, name)
    told = _told(teller, rows, fields.wait_ns)
    yield teller.line(_answer(teller.table, fields, told), fields, told, name, **values)
    if fields.location and fields.status is not None and fields.status // 100 == _REDIRECTION:
        is_same = fields.location in (fields.path, f"http://{fields.host}{fields.path}")
        yield teller.line("http.moved-round" if is_same else "http.moved", fields, told, name, **values)
    if index in (cut := part.facts["cut_short"]()):
        sent, row = cut[index]
        yield teller.line("http.cut-short", fields, np.append(told, row), name, sent=sent, **values)
    if index in (silent := part.facts["stalled"]()):
        sent, row = silent[index]
        yield teller.line("http.stalled", fields, np.append(told, row), name, sent=sent, **values)


def _unasked(table: PacketTable, fields: HttpRequest, row: int) -> str:
    """How an answer is told whose request was not read: perhaps there was none."""
    if _is_after_a_hello(table, row):
        return "http.answered-hello"
    flow = table.by_flow.of(table.flow[[row]].astype(np.int64))
    before = flow[(flow < row) & (table.layers[flow] ^ table.layers[row] & REVERSED != 0)]
    is_opened = len(before) and table.flags[before[0]] & (SYN | ACK) == SYN
    is_silent = is_opened and not table.payload[before].any()
    return "http.answered-nothing" if is_silent and fields.status == _NOTHING_ASKED else "http.answer-only"


def _asked(teller: Teller, fields: HttpRequest, host: str) -> str:
    """How a request is told: of a proxy, which is given more than a path; or of a host that is the server itself."""
    asked = teller.first("http.asked")
    if fields.method == "CONNECT":
        return asked.replace("asked", "asked-tunnel")
    if "://" in (fields.path or "")[: len("https://")]:
        return asked.replace("asked", "asked-proxy")
    return asked.replace("asked", "asked-itself") if host in (end_text(fields.server), fields.server.address) else asked


def _interim(teller: Teller, fields: HttpRequest, rows: Rows, name: str) -> Iterator[Line]:
    """Responses that came before the answer itself."""
    for status in sorted(set(fields.interim_statuses)):
        message = {_CONTINUE: "http.interim", _HINTS: "http.interim-hints"}.get(status, "http.interim-other")
        count = fields.interim_statuses.count(status)
        yield teller.line(message, fields, rows, name, count=count, interim=status)


def _answer(table: PacketTable, fields: HttpRequest, told: Rows) -> str:
    """How an answer is told, by what of it can be read."""
    if fields.wait_ns is None:
        return "http.answered-unseen"
    if fields.status is not None:
        return "http.answered"
    if _is_tls(table, told):
        return "http.answered-tls"
    return "http.answered-foreign" if _is_foreign(table, told[:1]) else "http.answered-opaque"


def _is_foreign(table: PacketTable, row: Rows) -> bool:
    """Whether what a server says first in answer to the first request begins no head; a greeting may come before."""
    rows = table.by_flow.of(table.flow[row].astype(np.int64))
    is_opening = (table.sides[rows] == table.sides[row]) & (table.flags[rows] & SYN != 0)
    heads = rows[among(rows, table.contents["http"].row)]
    is_first = len(heads) > 0 and is_opening.any() and bool(table.sides[heads[0]] != table.sides[row])
    if not is_first or (heads[1:] < row).any():
        return False
    from explain.exchanges.tls.talk import foreign

    return bool(table.seq[row] == table.ack[heads[0]]) and bool(foreign(table, row, "http"))


def _told(teller: Teller, rows: Rows, wait_ns: int | None) -> Rows:
    """The rows of the answer's head, which may fill several segments, without interim responses before it."""
    if wait_ns is None:
        return rows[-1:]
    if wait_ns < 0:  # recorded before what it answers
        return rows[:1]
    table = teller.table
    is_back = (table.layers[rows] ^ table.layers[rows[0]]) & REVERSED != 0
    told: Rows = rows[is_back & (table.time_ns[rows] - table.time_ns[rows[0]] >= wait_ns)]
    return told
