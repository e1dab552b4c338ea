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
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dns.lookup import DnsLookup
    from explain.exchanges.dns.use import Use
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows

_ADDRESSES = ("A", "AAAA")
_NO_ANSWERS = {"no-message": "unread", "sent-back": "sent_back"}  # how it is told, and which fact has the rows
_ZONES = ("AXFR", "IXFR")


def lookup(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Question, repetitions, answer."""
    fields: DnsLookup = part.fields(index)
    rows = part.rows(index)
    asked_rows, said = _sides(teller, part, index)
    ends = _ends(fields)
    if fields.queries:
        asked = ends | {"server": fields.servers[0], "address": address_in(fields.name)}
        yield teller.line(_asked(teller, fields), fields, asked_rows[:1], name, **asked)
    else:
        yield teller.line("dns.unasked", fields, said[:1], name, **ends)
    if again := _again(fields, asked_rows):
        yield teller.line(f"dns.{again}", fields, rows, name, **ends)
    if fields.is_truncated:
        yield teller.line(f"dns.truncated{'' if fields.over_tcp else '-only'}", fields, rows, name, **ends)
    if part.outcomes[part.outcome[index]] == "unanswered":
        message, at = _silence(teller, part, fields, rows, int(asked_rows[0]))
        yield teller.line(f"dns.{message}", fields, at, name, **ends)
    else:
        yield from _said(teller, part, index, said, name)


def _silence(teller: Teller, part: ExchangeColumns, fields: DnsLookup, rows: Rows, asked: int) -> tuple[str, Rows]:
    """How it is told that no answer came, and where that is seen."""
    if fields.is_unrecorded:
        return "unrecorded", rows
    for message, fact in _NO_ANSWERS.items():
        if len(came := _no_answer(teller, part.facts[fact], asked)):
            return message, came
    return "unanswered", rows


def _said(teller: Teller, part: ExchangeColumns, index: int, said: Rows, name: str) -> Iterator[Line]:
    """The answer, what the server says of it itself, and what became of it."""
    fields: DnsLookup = part.fields(index)
    outcome, ends = part.outcomes[part.outcome[index]], _ends(fields)
    if both := part.facts["rival"][index]:
        said = np.array(both[:1])
    elif not fields.is_truncated and not fields.over_tcp:
        said = said[:1]  # copies of it may have followed
    if outcome == "answered":
        is_left = bool(part.facts["is_left"][index]) and len(fields.referred_to) > 0
        yield from _found(teller, fields, said, name, is_left=is_left)
    else:
        yield teller.line(f"dns.{_failed(fields, outcome)}", fields, said[-1:], name, **ends, **_told(fields))
    if fields.reasons:
        yield teller.line("dns.reason", fields, said[-1:], name)
    if fields.rival_answers:
        yield teller.line("dns.rival", fields, np.array(both[1:]), name, **ends)
    if outcome == "answered" and fields.used_by:
        yield _use(teller, fields, fields.used_by, int(said[-1]), name)


def _failed(fields: DnsLookup, outcome: str) -> str:
    """How an answer is told that does not help."""
    if fields.rcode in ASKED_OTHERWISE:
        return "asked-otherwise"
    if fields.is_circle:
        return "alias-circle"
    if outcome == "refused" and fields.type in _ZONES:
        return "refused-zone"
    return "no-such-end" if outcome == "no-such-name" and fields.aliases else outcome


def _found(teller: Teller, fields: DnsLookup, said: Rows, name: str, *, is_left: bool) -> Iterator[Line]:
    """What the answer says, and what of it cannot be read; ``is_left``: it only names others to who cannot go on."""
    ends = _ends(fields)
    last = said[-1:] if not (over_tcp := said[teller.table.layers[said] & TCP != 0]).size else over_tcp
    if fields.answers or not fields.unreadable:
        form = "referral-end" if is_left else _answer(fields)
        yield teller.line(f"dns.{form}", fields, last, name, **ends, **_told(fields))
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
    if is_asked.all():  # nobody answered, or the server is on the same host
        is_asked = teller.table.target_ports(rows) == part.fields(index).server.port
    asked, said = rows[is_asked], rows[~is_asked]
    return asked if len(asked) else rows, said if len(said) else rows


def _no_answer(teller: Teller, rows: Rows, row: int) -> Rows:
    """Which of these came from the server to the port of a question."""
    table = teller.table
    is_back = (table.flow[rows] == table.flow[row]) & (table.sources(rows) == np.uint64(table.ends(row)[1]))
    came: Rows = rows[is_back]
    return came


def _asked(teller: Teller, fields: DnsLookup) -> str:
    """What names are for is told where an address is asked for."""
    if fields.type in _ZONES:
        return "dns.asked-zone"
    if fields.type == "PTR" and address_in(fields.name):
        return "dns.asked-reverse"
    return teller.first("dns.asked") if fields.type in _ADDRESSES else "dns.asked.again"


def _again(fields: DnsLookup, asked: Rows) -> str | None:
    """How the question was repeated, if it was for want of an answer."""
    if fields.over_tcp and len(np.unique(asked)) < fields.queries:
        return "together"
    if fields.silent_servers:
        return "next-server"
    if fields.queries > 1 + (fields.is_truncated and fields.over_tcp):
        return "several-servers" if len(fields.servers) > 1 else "repeated"
    return None


def _answer(fields: DnsLookup) -> str:
    if not fields.answers:
        return "cut-answer" if fields.is_cut else "referral" if fields.referred_to else "empty"
    form = "zone" if fields.type in _ZONES else "answered"
    if fields.is_circle:
        return "alias-circle"
    if fields.type in _ADDRESSES and fields.answers and _is_nobody(fields.answers):
        form = "nobody"
    elif fields.aliases and fields.type not in ("CNAME", *_ZONES):
        form = "alias" if fields.wanted else "alias-empty" if fields.is_denied else "alias-open"
    return form if fields.rtt_ns is None else f"{form}-in"


def _is_nobody(answers: Sequence[str]) -> bool:
    """Whether all addresses are those that no host can have (RFC 1122, 3.2.1.3; RFC 4291, 2.5.2)."""
    return all(answer in ("0.0.0.0", "::") for answer in answers)  # noqa: S104


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
