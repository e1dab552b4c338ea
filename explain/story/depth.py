"""More depth (``-v``): the fields of an exchange, and the standard behind its kind."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from explain.model import Endpoint, Line
from explain.story.teller import end_text

if TYPE_CHECKING:
    from explain.exchanges.columns import Exchanges

STANDARDS = {
    "arp.resolution": "RFC 826",
    "arp.announcement": "RFC 5227",
    "ndp.resolution": "RFC 4861, 7.2",
    "ndp.announcement": "RFC 4861, 7.2.6",
    "ndp.duplicate-check": "RFC 4862, 5.4",
    "ndp.router": "RFC 4861, 6",
    "icmp.echo": "RFC 792; RFC 4443, 4",
    "icmp.error": "RFC 792; RFC 1812, 5.2.7; RFC 4443, 3",
    "udp.flow": "RFC 768",
    "tcp.connection": "RFC 9293",
    "dns.lookup": "RFC 1035",
    "dhcp.lease": "RFC 2131",
    "dhcpv6.lease": "RFC 8415",
    "http.request": "RFC 9110; RFC 9112",
    "traceroute": "RFC 792; RFC 1812, 5.3.1",
}
"""Where the rules of a kind are written."""

_LONGEST = 12  # members of a list that are shown


def fields_line(exchanges: Exchanges, position: int) -> Line:
    """Id, kind and outcome, and all fields that are known, by the names that the report uses."""
    one = exchanges.view(position)
    known = [
        f"{field.name.rstrip('_')}={_text(value)}"
        for field in fields(one.fields)
        if (value := getattr(one.fields, field.name)) not in (None, (), [])
    ]
    values = {
        "id": one.id, "kind": one.kind, "outcome": one.outcome, "fields": known,
        "standard": STANDARDS.get(one.kind, "-"),
    }  # fmt: skip
    return Line("story.fields", values, one.evidence, 2, one.id, "detail")


def _text(value: Any) -> str:
    if isinstance(value, Endpoint):
        return end_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        inner = (f"{field.name.rstrip('_')}={_text(getattr(value, field.name))}" for field in fields(value))
        return "{" + " ".join(inner) + "}"
    if isinstance(value, (list, tuple)):
        shown = ",".join(_text(one) for one in value[:_LONGEST])
        return f"[{shown}{',...' if len(value) > _LONGEST else ''}]"
    return str(value)
