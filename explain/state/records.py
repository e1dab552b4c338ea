"""What is known about one host: frozen records, one for each thing that iproute2 and nft list.

A collection that was not collected is None (*unknown*); an empty tuple was collected and is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from explain.state.addresses import Network, network_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Answer = bool | None
"""Yes, no, or None: the state does not say."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address of an interface.

    Attributes:
        local: the address in canonical form.
        prefix_length: bits of the on-link prefix.
        scope: ``global``, ``site``, ``link`` or ``host``.
        flags: such as ``tentative``, ``dadfailed``, ``deprecated``, ``secondary``.
        peer: the other end's address on a point-to-point link, else None.
    """

    local: str
    prefix_length: int
    family: int
    scope: str
    flags: frozenset[str] = frozenset()
    peer: str | None = None

    @property
    def network(self) -> Network | None:
        """The on-link prefix."""
        return network_of(self.peer or self.local, self.prefix_length)

    @property
    def is_usable(self) -> bool:
        """Whether the kernel answers for it and may send from it. Source: RFC 4862 section 5.4."""
        return not self.flags & {"tentative", "dadfailed"} or "optimistic" in self.flags


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface.

    Attributes:
        flags: as ``ip link`` prints them: ``UP`` is the administrator's wish, ``LOWER_UP`` the carrier.
        mtu: octets of the largest IP packet; None if unknown.
        mac: lower case with colons; None where the link has none.
        kind: ``veth``, ``bridge``, ...; None for a plain device or if unknown.
        master: the bridge (or bond) that it is a port of.
        link_index: index of the interface at the other end (veth) or below (vlan).
        addresses: None if addresses were not collected.
        lower: the interface of the same host that a macvlan lies over.
    """

    name: str
    index: int
    flags: frozenset[str]
    mtu: int | None
    mac: str | None
    kind: str | None
    master: str | None
    link_index: int | None
    link_netnsid: int | None
    link_type: str | None
    operstate: str | None
    addresses: tuple[Address, ...] | None
    rx_packets: int | None = None
    tx_packets: int | None = None
    lower: str | None = None

    @property
    def is_up(self) -> bool:
        """Administratively up."""
        return "UP" in self.flags

    @property
    def has_carrier(self) -> bool:
        """Whether the other end of the cable is there and up."""
        return "LOWER_UP" in self.flags and "NO-CARRIER" not in self.flags

    @property
    def is_loopback(self) -> bool:
        """The host's link to itself."""
        return "LOOPBACK" in self.flags

    @property
    def resolves(self) -> bool:
        """Whether neighbours are asked for their MAC here: not on loopback, tunnels or with NOARP."""
        return not self.is_loopback and "NOARP" not in self.flags


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a route leads: a gateway, an interface, or both."""

    gateway: str | None
    device: str | None
    flags: frozenset[str] = frozenset()
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of a routing table.

    Attributes:
        type: ``unicast``, ``local``, ``broadcast``, ``blackhole``, ``unreachable``, ``prohibit``, ``throw``, ...
        metric: lower wins among equal prefixes.
        source: the address that the route wants used (``src``), or None.
        mtu: octets, or None.
        text: the entry as ``ip route`` would print it.
    """

    family: int
    network: Network
    type: str
    table: str
    metric: int
    scope: str
    protocol: str | None
    source: str | None
    nexthops: tuple[NextHop, ...]
    mtu: int | None
    hop_limit: int | None
    tos: int
    preference: str
    from_network: Network | None
    text: str


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One line of ``ip rule``: which packets ask which routing table; what is None is asked of no packet.

    Attributes:
        is_inverted: the rule is for the packets that do not match (``not``).
        source_ports, destination_ports, users: first and last that match.
        action: ``lookup``, ``goto``, ``blackhole``, ``unreachable``, ``prohibit``, ...
        table: of ``lookup``; ``goto`` is the priority of the rule at which to go on.
        suppress_length: a route whose prefix is no longer than this does not count.
        text: as ``ip rule`` prints it.
        is_understood: nothing in it is unknown here.
    """

    family: int
    priority: int
    is_inverted: bool
    source: Network | None
    destination: Network | None
    in_interface: str | None
    out_interface: str | None
    mark: int | None
    mark_mask: int
    tos: int | None
    protocol: str | None
    source_ports: tuple[int, int] | None
    destination_ports: tuple[int, int] | None
    users: tuple[int, int] | None
    action: str
    table: str | None
    goto: int | None
    suppress_length: int | None
    text: str
    is_understood: bool = True


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the ARP or neighbour cache; ``mac`` is None while nobody has answered."""

    address: str
    device: str | None
    mac: str | None
    states: frozenset[str]
    is_proxy: bool = False


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """Which port of a bridge leads to a MAC."""

    mac: str
    device: str
    master: str | None
    state: str
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class BridgePort:
    """An interface as a port of a bridge.

    Attributes:
        held_back: what is not flooded to it: ``flood`` (to unknown hosts), ``mcast_flood``, ``bcast_flood``.
    """

    device: str
    master: str
    state: str
    is_isolated: bool
    held_back: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Socket:
    """One line of ``ss``; the ports and queues are numbers of octets, connections or, if unreadable, None.

    Attributes:
        local: the address it is bound to; ``*`` for every address.
        receive_queue: of a listener, connections that wait to be accepted.
        send_queue: of a listener, how many may wait.
    """

    protocol: str
    state: str
    receive_queue: int
    send_queue: int
    local: str
    local_port: int | None
    device: str | None
    peer: str
    peer_port: int | None
    is_v6_only: bool
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class HostState:
    """One host at one moment. Every collection is None where it was not collected.

    Attributes:
        routes: by family (4, 6); a family that is no key was not collected. The same holds for ``rules``.
        nft: the objects of ``nft -j list ruleset``, as they come.
        iptables: the lines of ``iptables-save``; ``ip6tables`` likewise.
    """

    name: str
    interfaces: tuple[Interface, ...] | None = None
    routes: Mapping[int, tuple[Route, ...]] = field(default_factory=dict)
    rules: Mapping[int, tuple[PolicyRule, ...]] = field(default_factory=dict)
    neighbours: tuple[Neighbour, ...] | None = None
    proxies: tuple[Neighbour, ...] | None = None
    fdb: tuple[FdbEntry, ...] | None = None
    bridge_ports: tuple[BridgePort, ...] | None = None
    sysctls: Mapping[str, str] | None = None
    counters: Mapping[str, int] | None = None
    sockets: tuple[Socket, ...] | None = None
    conntrack: tuple[str, ...] | None = None
    qdiscs: tuple[Mapping[str, object], ...] | None = None
    nft: tuple[Mapping[str, object], ...] | None = None
    iptables: tuple[str, ...] | None = None
    ip6tables: tuple[str, ...] | None = None

    def interface(self, name: str | None) -> Interface | None:
        """The interface of that name, or None."""
        return _by_name(self).get(name) if name else None

    def masters(self) -> frozenset[str | None]:
        """The bridges, bonds and VRFs that have an interface of this host."""
        return _masters(self)

    def owner_of(self, address: str) -> Interface | None:
        """The interface that carries the address, usable or not, or None."""
        for each in self.interfaces or ():
            if any(own.local == address for own in each.addresses or ()):
                return each
        return None

    def addresses(self, family: int) -> list[tuple[Interface, Address]]:
        """Every address of a family with its interface, in the kernel's order."""
        return [
            (each, address)
            for each in self.interfaces or ()
            for address in each.addresses or ()
            if address.family == family
        ]

    def sysctl(self, name: str) -> int | None:
        """The number that a sysctl holds, or None if it was not collected or is no number."""
        text = (self.sysctls or {}).get(name)
        try:
            return int(text) if text is not None else None
        except ValueError:
            return None


@lru_cache(maxsize=1024)
def _by_name(state: HostState) -> dict[str, Interface]:
    """The interfaces of a host; of two with one name the first counts."""
    return {each.name: each for each in reversed(state.interfaces or ())}


@lru_cache(maxsize=1024)
def _masters(state: HostState) -> frozenset[str | None]:
    return frozenset(each.master for each in state.interfaces or ())
