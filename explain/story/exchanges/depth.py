"""More depth (``-v``): the fields of an exchange, and the standard behind its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from explain.model import Endpoint, Line
from explain.story.exchanges.teller import end_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.together import Exchanges
    from explain.model import Exchange

_STANDARDS = {
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

_NAMES = ("id", "kind", "outcome", "fields", "standard")
_LONGEST = 12  # members of a list that are shown


def fields_line(exchanges: Exchanges, position: int) -> Line:
    """Id, kind and outcome, and all fields that are known, by the names that the report uses."""
    one = exchanges.view(position)
    return Line("story.fields", _Known(one), one.evidence, 2, one.id, "detail")


class _Known(Mapping[str, Any]):
    """The values of such a line; most stories do not show it, so they are made when somebody reads them."""

    def __init__(self, one: Exchange) -> None:
        self._one = one

    def __getitem__(self, name: str) -> Any:
        one = self._one
        if name not in _NAMES:
            raise KeyError(name)
        if name == "fields":
            return _known(one.fields)
        return _STANDARDS.get(one.kind, "-") if name == "standard" else getattr(one, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


def _known(record: Any) -> list[str]:
    return [
        f"{field.name.rstrip('_')}={_text(value)}"
        for field in fields(record)
        if (value := getattr(record, field.name)) not in (None, (), [])
    ]


def _text(value: Any) -> str:
    if isinstance(value, Endpoint):
        return end_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return "{" + " ".join(_known(value)) + "}"
    if isinstance(value, (list, tuple)):
        shown = ",".join(_text(one) for one in value[:_LONGEST])
        return f"[{shown}{',...' if len(value) > _LONGEST else ''}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
