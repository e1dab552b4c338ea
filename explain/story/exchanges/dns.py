"""A look-up: who asked whom for what, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.exchanges.dns.lookup import ASKED_OTHERWISE
from explain.exchanges.dns.message import address_in
from explain.model import Endpoint, Line
from explain.story.exchanges.teller import end_text
from explain.table import SYN, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dns.lookup import DnsLookup
    from explain.exchanges.dns.use import Use
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows

_ADDRESSES = ("A", "AAAA")
_ZONES = ("AXFR", "IXFR")


def lookup(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Question, repetitions, answer."""
    fields: DnsLookup = part.fields(index)
    rows = part.rows(index)
    asked_rows, said = _sides(teller, part, index)
    outcome = part.outcomes[part.outcome[index]]
    ends = _ends(fields)
    if fields.queries:
        asked = ends | {"server": fields.servers[0], "address": address_in(fields.name)}
        yield teller.line(_asked(teller, fields), fields, asked_rows[:1], name, **asked)
    if again := _again(fields):
        yield teller.line(f"dns.{again}", fields, rows, name, **ends)
    if fields.is_truncated:
        yield teller.line(f"dns.truncated{'' if fields.over_tcp else '-only'}", fields, rows, name, **ends)
    if outcome == "unanswered" and len(came := _no_message(teller, part, int(asked_rows[0]))):
        yield teller.line("dns.no-message", fields, came, name, **ends)
        return
    if outcome != "answered":
        at = rows if outcome == "unanswered" else said[-1:]
        yield teller.line(f"dns.{_failed(fields, outcome)}", fields, at, name, **ends, **_told(fields))
    else:
        yield from _found(teller, fields, said, name)
    if fields.reasons:
        yield teller.line("dns.reason", fields, said[-1:], name)
    if outcome == "answered" and fields.used_by:
        yield _use(teller, fields, fields.used_by, int(said[-1]), name)


def _failed(fields: DnsLookup, outcome: str) -> str:
    """How it is told that no answer came, or none that helps."""
    if fields.is_unrecorded:
        return "unrecorded"
    if fields.rcode in ASKED_OTHERWISE:
        return "asked-otherwise"
    return "no-such-end" if outcome == "no-such-name" and fields.aliases else outcome


def _found(teller: Teller, fields: DnsLookup, said: Rows, name: str) -> Iterator[Line]:
    """What the answer says, and what of it cannot be read."""
    ends = _ends(fields)
    last = said[-1:] if not (over_tcp := said[teller.table.layers[said] & TCP != 0]).size else over_tcp
    if fields.answers or not fields.unreadable:
        yield teller.line(f"dns.{_answer(fields)}", fields, last, name, **ends, **_told(fields))
    if fields.unseen:
        yield teller.line("dns.goes-on", fields, last, name, **ends)
    if fields.unreadable:
        yield teller.line("dns.malformed", fields, said[-1:], name, **ends)


def _ends(fields: DnsLookup) -> dict[str, Any]:
    """Who asks whom, and the root by its name, which is hard to see before the end of a sentence."""
    root = {"name": Line("dns.root", {})} if fields.name == "." else {}
    return {"client": fields.client.address, "server": fields.server.address, **root}


def _sides(teller: Teller, part: ExchangeColumns, index: int) -> tuple[Rows, Rows]:
    """The questions, and the answers, which may have been recorded before them; all where nothing tells them apart."""
    rows = part.rows(index)
    is_asked = teller.table.sources(rows) == part.facts["client"][index]
    asked, said = rows[is_asked], rows[~is_asked]
    return asked if len(asked) else rows, said if len(said) else rows


def _no_message(teller: Teller, part: ExchangeColumns, row: int) -> Rows:
    """What came from the server to the port of a question, and is no DNS message."""
    table, unread = teller.table, part.facts["unread"]
    is_back = (table.flow[unread] == table.flow[row]) & (table.sources(unread) == table.targets(np.array([row])))
    came: Rows = unread[is_back]
    return came


def _asked(teller: Teller, fields: DnsLookup) -> str:
    """What names are for is told where an address is asked for."""
    if fields.type in _ZONES:
        return "dns.asked-zone"
    if fields.type == "PTR" and address_in(fields.name):
        return "dns.asked-reverse"
    return teller.first("dns.asked") if fields.type in _ADDRESSES else "dns.asked.again"


def _again(fields: DnsLookup) -> str | None:
    """How the question was repeated, if it was for want of an answer."""
    if fields.silent_servers:
        return "next-server"
    if fields.queries > 1 + (fields.is_truncated and fields.over_tcp):
        return "several-servers" if len(fields.servers) > 1 else "repeated"
    return None


def _answer(fields: DnsLookup) -> str:
    if not fields.answers:
        return "cut-answer" if fields.is_cut else "referral" if fields.referred_to else "empty"
    form = "zone" if fields.type in _ZONES else "answered"
    if fields.aliases and fields.type not in ("CNAME", *_ZONES):
        form = "alias" if fields.wanted else "alias-empty" if fields.is_denied else "alias-open"
    return form if fields.rtt_ns is None else f"{form}-in"


def _told(fields: DnsLookup) -> dict[str, Any]:
    """The chain of names as text, and what stands at its end."""
    last = fields.aliases[-1] if fields.aliases else fields.name
    return {
        "chain": " -> ".join((fields.name, *fields.aliases)), "addresses": fields.wanted, "last": last,
        "answers": fields.wanted or fields.answers, "records": len(fields.answers) + fields.further,
    }  # fmt: skip


def _use(teller: Teller, fields: DnsLookup, use: Use, row: int, name: str) -> Line:
    """What the client did with the address."""
    table = teller.table
    is_it = (table.frame[row + 1 : len(table)] == use.frame) & (table.place[row + 1 : len(table)] == table.place[row])
    rows = np.flatnonzero(is_it)[:1] + row + 1
    end = end_text(Endpoint(use.address, use.port))
    values = {"client": fields.client.address, "end": end, "to": use.address}
    is_midway = use.protocol == "tcp" and not (table.flags[rows] & SYN).any()
    return teller.line(f"dns.used-{'midway' if is_midway else use.protocol}", fields, rows, name, **values)
