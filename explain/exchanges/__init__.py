"""PacketTable -> Exchange: one file per kind, beside what its protocol needs.  The order is that of the layers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.together import Exchanges
    from explain.places import Sightings
    from explain.table import PacketTable

_TCP, _UDP = 6, 17
_LOW_TTL = 2

FINDERS: tuple[tuple[str, Callable[[PacketTable], bool]], ...] = (
    ("arp", lambda table: len(table.arp.row) > 0),
    ("ndp.resolution", lambda table: bool(table.icmp.is_v6.any())),
    ("ndp.router", lambda table: bool(table.icmp.is_v6.any())),
    ("icmp.echo", lambda table: len(table.icmp.row) > 0),
    ("icmp.error", lambda table: len(table.icmp.row) > 0),
    ("udp.flow", lambda table: bool((table.flows.protocol == _UDP).any())),
    ("tcp.connection", lambda table: bool((table.flows.protocol == _TCP).any())),
    ("traceroute.trace", lambda table: bool((table.icmp.quote > 0).any() or (table.ttl - 1 < _LOW_TTL).any())),
    ("dns.lookup", lambda table: bool({"dns", "dns-tcp"}.intersection(table.contents))),
    ("dhcp.lease", lambda table: "dhcp" in table.contents),
    ("dhcpv6.lease", lambda table: "dhcpv6" in table.contents),
    ("http.request", lambda table: "http" in table.contents),
)
"""Each finder, and what must occur for it to be worth loading."""


def find(table: PacketTable, seen: Sightings | None = None) -> Exchanges:
    """All exchanges of all kinds; a finder whose headers do not occur costs nothing."""
    from explain.exchanges.together import Exchanges

    parts: list[ExchangeColumns] = []
    for name, occurs in FINDERS:
        if occurs(table):
            found = import_module(f"{__name__}.{name}").find(table)
            parts.extend(found if isinstance(found, tuple) else (found,))
    parts = _with_fragments(table, parts)
    if seen is not None:
        parts.extend(_with_fragments(table, _over_places(table, seen, parts)))
    return Exchanges(table, parts)


def _with_fragments(table: PacketTable, parts: Sequence[ExchangeColumns]) -> list[ExchangeColumns]:
    """The same, with the later fragments of each packet, in which no port and no id says whose they are."""
    if not len(table.fragments.row):
        return list(parts)
    from explain.exchanges import fragments

    cut = fragments.datagrams(table)
    return [fragments.attach(table, part, cut) for part in parts]


def _over_places(table: PacketTable, seen: Sightings, parts: list[ExchangeColumns]) -> tuple[ExchangeColumns, ...]:
    """What only several places together show; ``table`` holds the rows nearest to the askers."""
    from explain.exchanges.over_places import journey, nat_translation, trails
    from explain.exchanges.over_places.paths import Paths

    paths = Paths(table, seen, trails.follow(table, seen, FINDERS))
    return nat_translation.find(paths), journey.find(paths, parts)
