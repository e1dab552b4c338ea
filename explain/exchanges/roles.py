"""What hosts are for others, and how they are called, as their exchanges show."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explain.exchanges.columns import ExchangeColumns

_ON_THE_WAY = frozenset((
    "net-unreachable", "host-unreachable", "net-prohibited", "host-prohibited", "admin-prohibited", "ttl-exceeded",
    "fragmentation-needed", "packet-too-big", "redirect-net", "redirect-host", "no-route", "address-unreachable",
    "beyond-scope",
))  # fmt: skip


@dataclass(slots=True)
class Played:
    """What exchanges show of hosts.

    Attributes:
        roles, names: by address as text.
        clients: for each MAC as text that asked a DHCP server, the addresses that it got.
    """

    roles: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, dict[str, None]] = field(default_factory=dict)
    clients: dict[str, dict[str, None]] = field(default_factory=dict)

    def plays(self, address: str | None, role: str) -> None:
        """Notes that the host of an address has a role; nothing where there is no address."""
        if address:
            self.roles.setdefault(address, set()).add(role)

    def is_called(self, address: str, name: str | None) -> None:
        """Notes a name of the host of an address; nothing where there is no name."""
        if name:
            self.names.setdefault(address, {})[name] = None


def played(parts: Sequence[ExchangeColumns]) -> Played:
    """Roles and names of all hosts that the exchanges tell of."""
    found = Played()
    for part in parts:
        note = _NOTES.get(part.kind)
        if part.kind == "tcp.connection":
            _connections(found, part)
        elif note:
            for index in range(len(part)):
                note(found, part.outcomes[part.outcome[index]], part.fields(index))
    return found


def _connections(found: Played, part: ExchangeColumns) -> None:
    """The ends of all connections, without the other fields, which are dear to make."""
    if not len(part):
        return
    moments = part.facts["moments"]
    text = moments.table.addresses.text
    for index in range(len(part)):
        client, server = moments.ends(index)
        found.plays(text(client[0]), "client")
        found.plays(text(server[0]), "server")


def _ends(found: Played, _: str, fields: Any) -> None:
    if not getattr(fields, "needs_no_answer", False):
        found.plays(fields.client.address, "client")
        found.plays(fields.server.address, "server")


def _flow(found: Played, outcome: str, fields: Any) -> None:
    _ends(found, outcome, fields)
    for record in fields.names.told if fields.names else ():
        if record.type in ("A", "AAAA"):
            found.is_called(record.value, record.name)


def _lookup(found: Played, outcome: str, fields: Any) -> None:
    found.plays(fields.client.address, "client")
    if outcome != "unanswered":
        found.plays(fields.server.address, "dns-server")
    if fields.type in ("A", "AAAA"):
        for address in fields.answers:
            found.is_called(address, fields.name)


def _lease(found: Played, outcome: str, fields: Any) -> None:
    for server in (fields.server, *fields.servers):
        found.plays(server, "dhcp-server")
    held = found.clients.setdefault(fields.client_mac, {}) if fields.client_mac else {}
    if fields.address and outcome in ("bound", "renewed", "informed", "released"):
        held[fields.address] = None
        found.plays(fields.address, "client")
        found.is_called(fields.address, fields.hostname)


def _lease6(found: Played, _: str, fields: Any) -> None:
    if not fields.relays:  # else both ends as seen here may be relays
        found.plays(fields.client, "client")
        found.plays(fields.server, "dhcp-server")


def _error(found: Played, outcome: str, fields: Any) -> None:
    """Who speaks of a packet between two others had it in hand on its way."""
    about = fields.about
    if outcome in _ON_THE_WAY and about is not None and fields.from_ not in (about.src, about.dst):
        found.plays(fields.from_, "router")


def _router(found: Played, _: str, fields: Any) -> None:
    if fields.lifetime_s:
        found.plays(fields.router, "router")


_NOTES: dict[str, Callable[[Played, str, Any], None]] = {
    "udp.flow": _flow,
    "dns.lookup": _lookup,
    "dhcp.lease": _lease,
    "dhcpv6.lease": _lease6,
    "icmp.error": _error,
    "ndp.router": _router,
}
