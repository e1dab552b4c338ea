"""A request and what came back, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.model import Line
from explain.story.exchanges.teller import end_text
from explain.table import REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.http.request import HttpRequest
    from explain.story.exchanges.teller import Teller
    from explain.table import PacketTable, Rows

_REDIRECTION = 3
_MEANINGS = {
    101: "switching", 206: "partial", 304: "not-modified", 401: "log-in", 403: "forbidden", 404: "not-found",
    407: "proxy-log-in", 429: "too-many", 502: "bad-gateway", 503: "unavailable", 504: "gateway-timeout",
}  # fmt: skip
"""Of statuses that say more than their class (RFC 9110, 15; RFC 6585, 4)."""


def _meaning(fields: HttpRequest) -> str:
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
        answer = "http.answered-hello" if _is_after_a_hello(teller.table, int(rows[0])) else "http.answer-only"
        yield teller.line(answer, fields, rows, name, **values)
        return
    asked = teller.first("http.asked")  # whose Host is the server itself needs no telling of
    if values["host"] in (server, fields.server.address):
        asked = asked.replace("asked", "asked-itself")
    yield teller.line(asked, fields, rows[:1], name, **values)
    if part.outcomes[part.outcome[index]] == "unanswered":
        why = "unanswered" if fields.was_due else "not-due"
        why = "one-sided" if fields.is_one_sided else "unrecorded" if fields.is_unrecorded else why
        if why != "one-sided" or teller.first(f"http.one-sided.{values['client']}").endswith(".first"):  # once of each
            yield teller.line(f"http.{why}", fields, rows, name, **values)
        return
    if fields.interim_responses:
        yield teller.line("http.interim", fields, rows, name, **values)
    told = _told(teller, rows, fields.wait_ns)
    yield teller.line(_answer(teller.table, fields, told), fields, told, name, **values)
    if fields.location and fields.status is not None and fields.status // 100 == _REDIRECTION:
        yield teller.line("http.moved", fields, told, name, **values)


def _answer(table: PacketTable, fields: HttpRequest, told: Rows) -> str:
    """How an answer is told, by what of it can be read."""
    if fields.wait_ns is None:
        return "http.answered-unseen"
    if fields.status is not None:
        return "http.answered"
    return "http.answered-tls" if _is_tls(table, told) else "http.answered-opaque"


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
