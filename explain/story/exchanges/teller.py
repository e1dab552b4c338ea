"""One exchange told frame by frame; a word of the trade is explained where it first comes up."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from explain.addresses import IPV6_KEY
from explain.decode.contents import GREETING
from explain.model import Endpoint, Line

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from explain.exchanges.dhcp.trials import ServerTests
    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable, Rows

TELLERS = {
    "arp.resolution": ("arp", "resolution"),
    "arp.announcement": ("arp", "announcement"),
    "ndp.resolution": ("ndp", "resolution"),
    "ndp.announcement": ("ndp", "announcement"),
    "ndp.duplicate-check": ("ndp", "check"),
    "ndp.router": ("ndp", "router"),
    "icmp.echo": ("icmp", "echo"),
    "icmp.error": ("icmp", "error"),
    "udp.flow": ("udp", "flow"),
    "tcp.connection": ("tcp", "connection"),
    "traceroute": ("traceroute", "trace"),
    "dns.lookup": ("dns", "lookup"),
    "dhcp.lease": ("dhcp", "lease"),
    "nat.translation": ("nat", "translation"),
    "journey": ("journey", "journey"),
    "dhcpv6.lease": ("dhcpv6", "lease"),
    "http.request": ("http", "request"),
}
"""For each kind, the module of this folder and the function in it; loaded when the first one is told."""


_ADVERTISEMENT = 136  # of a neighbour (RFC 4861, 4.4)
_PREFIX = 64  # bits of an address, and of what stands behind the prefix of a link (RFC 4291, 2.5.1)


class Teller:
    """Tells exchanges one by one, and remembers what it has explained already."""

    def __init__(self, table: PacketTable, exchanges: Exchanges, hosts: Hosts) -> None:
        self.table = table
        self.hosts = hosts
        self.exchanges = exchanges
        self._explained: set[str] = set()
        self._told: set[Hashable] = set()
        self._sought_by_nobody: set[str] | None = None

    def tell(self, position: int) -> Iterator[Line]:
        """The lines of one exchange."""
        part, index = self.exchanges.at(position)
        module, function = TELLERS[part.kind]
        told: Iterator[Line] = getattr(import_module(f"explain.story.exchanges.{module}"), function)(
            self, part, index, f"e{position + 1}"
        )
        return told

    def is_sought_by_nobody(self, address: str) -> bool:
        """Whether packets went to an address from 0.0.0.0: a host without an address of its own wants to reach it."""
        if self._sought_by_nobody is None:
            flows = self.table.flows
            keys = flows.high[flows.low == 0].tolist()
            self._sought_by_nobody = {self.table.addresses.text(key) for key in keys}
        return address in self._sought_by_nobody

    @cached_property
    def server_tests(self) -> ServerTests:
        """What DHCP servers tried before they offered it."""
        from explain.exchanges.dhcp.trials import ServerTests

        return ServerTests(self.table, self.exchanges)

    @cached_property
    def greetings(self) -> dict[int, bytes]:
        """What begins like a line of plain text that servers say, by row."""
        kept = self.table.contents[GREETING]
        return dict(zip(kept.row, kept.octets, strict=True))

    def line(self, message: str, fields: object, rows: Rows | list[int], exchange: str, **more: Any) -> Line:
        """A line about some rows, with the fields of the exchange as its values."""
        values = {name: getattr(fields, name) for name in getattr(fields, "__slots__", ())}
        return Line(message, values | more, self.table.evidence(rows), 1, exchange)

    def next_hop(self, row: int) -> str | None:
        """The neighbour to whom a packet was handed, where that is not its target: a router on its way.

        Who has the MAC is known by ARP, or by neighbour discovery; who claims the sender's own address forges it.
        """
        table = self.table
        ends, mac = table.ends(row), int(table.links.target[table.link[row]])
        if max(ends) >= IPV6_KEY:
            held = set() if self._share_a_prefix(*ends) else self._told_by_neighbours(mac)
        else:
            arp = table.arp
            held = set(arp.sender_ip[(arp.sender_mac == mac) & (arp.sender_ip > 0)].tolist())
        return table.addresses.text(min(held)) if held and not held.intersection(ends) else None

    def _told_by_neighbours(self, mac: int) -> set[int]:
        """The addresses for which a MAC answered a neighbour solicitation."""
        icmp = self.table.icmp
        is_it = icmp.is_v6 & (icmp.type == _ADVERTISEMENT) & (icmp.target > 0)
        is_it &= self.table.links.source[self.table.link[icmp.row]] == mac
        return set(icmp.target[is_it].tolist())

    def _share_a_prefix(self, source: int, target: int) -> bool:
        """Whether a target is on the sender's own link: its address says so, or begins as the sender's."""
        from ipaddress import IPv6Address

        one, other = (IPv6Address(self.table.addresses.text(end)) for end in (source, target))
        return other.is_link_local or other.is_multicast or int(one) >> _PREFIX == int(other) >> _PREFIX

    def wait_ns(self, asked: Rows, answered: Rows) -> int:
        """From the last of several questions before an answer to that answer."""
        first = int(answered[0])
        return int(self.table.time_ns[first] - self.table.time_ns[asked[asked < first][-1]])

    def first(self, message: str) -> str:
        """``message.first`` at its first use, where it teaches; then ``message.again``."""
        form = "again" if message in self._explained else "first"
        self._explained.add(message)
        return f"{message}.{form}"

    def is_news(self, *what: Hashable) -> bool:
        """Whether something is told for the first time."""
        is_new = what not in self._told
        self._told.add(what)
        return is_new


def end_text(end: Endpoint) -> str:
    """An endpoint as people write it: ``192.0.2.1:80``, ``[2001:db8::1]:80``."""
    if end.port is None:
        return str(end.address)
    return f"[{end.address}]:{end.port}" if ":" in end.address else f"{end.address}:{end.port}"
