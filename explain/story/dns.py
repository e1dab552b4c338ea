"""A look-up: who asked whom for what, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dns_lookup import DnsLookup
    from explain.model import Line
    from explain.story.teller import Teller


def lookup(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Question, repetitions, answer."""
    fields: DnsLookup = part.fields(index)
    rows = part.rows(index)
    outcome = part.outcomes[part.outcome[index]]
    ends = {"client": fields.client.address, "server": fields.server.address}
    if fields.queries:
        yield teller.line(teller.first("dns.asked"), fields, rows[:1], name, **ends)
    if fields.queries > 1:
        yield teller.line("dns.repeated", fields, rows, name, **ends)
    if fields.is_truncated:
        yield teller.line("dns.truncated", fields, rows, name, **ends)
    if outcome != "answered":
        yield teller.line(f"dns.{outcome}", fields, rows if outcome == "unanswered" else rows[-1:], name, **ends)
    elif not fields.answers:
        yield teller.line("dns.empty", fields, rows[-1:], name, **ends)
    else:
        yield teller.line(
            "dns.answered" if fields.rtt_ns is None else "dns.answered-in", fields, rows[-1:], name, **ends
        )
