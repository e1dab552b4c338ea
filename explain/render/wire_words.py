"""A frame in a few words of the wire: what its exchange knows above TCP and UDP, else what its headers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain import table as t
from explain.exchanges.wire_words import Said, dhcp_type, headers_said
from explain.words.values import visible

if TYPE_CHECKING:
    from explain.model import Exchange
_LONGEST = 60


def said(table: t.PacketTable, row: int, exchange: Exchange | None) -> Said:
    """What one frame says, as far as its headers and its exchange show.

    Args:
        table: all frames.
        row: which of them.
        exchange: what it belongs to, None if to nothing.
    """
    found = None
    if exchange and int(table.layers[row]) & (t.TCP | t.UDP) and not int(table.layers[row]) & t.LATER_FRAGMENT:
        found = _higher(table, row, exchange)
    return found or headers_said(table, row)


def _higher(table: t.PacketTable, row: int, exchange: Exchange) -> Said | None:
    """What the frame says above TCP and UDP, if its exchange knows."""
    kind, fields = exchange.kind, exchange.fields
    if kind == "dhcp.lease":
        name = dhcp_type(table, row)
        return Said("dhcp", f"DHCP {visible(name)}" if name else "DHCP")
    if kind == "dhcpv6.lease":
        frame = int(table.frame[row])
        name = next((step.type for step in fields.messages if step.frame == frame), None)
        return Said("dhcp", f"DHCPv6 {visible(name)}" if name else "DHCPv6")
    if kind not in ("dns.lookup", "http.request") or not int(table.payload[row]):
        return None
    source = table.end_texts(row)[0]
    if kind == "dns.lookup":
        if source == fields.client.address:
            return Said("dns-query", _cut(f"DNS {fields.type} {visible(fields.name)}?"))
        answers = ", ".join(visible(one) for one in fields.answers[:2]) or fields.rcode or ""
        return Said("dns-answer", _cut(f"DNS {answers}"))
    # Only the first segment of each side has the head; the others are told as segments.
    if source != fields.client.address:
        return Said("http-answer", f"HTTP {fields.status}") if fields.status else None
    if int(table.frame[row]) == exchange.frames[0][0] and fields.method:
        return Said("http-request", _cut(f"{visible(fields.method)} {visible(fields.path or '')}"))
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
