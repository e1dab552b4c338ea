"""How a host sends a packet of its own: which route, which device, which source, whom to ask for a MAC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local, is_multicast
from explain.state.routing.routes import REFUSING, Found, Query, look_up
from explain.state.routing.sources import choose_v4, choose_v6

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import HostState, Route

_REFUSED = REFUSING | {"no-route"}


@dataclass(frozen=True, slots=True)
class Sending:
    """The way out of a host.

    Attributes:
        found: what the tables said.
        device: the interface it leaves by (``lo`` for the host's own addresses), or None if it does not leave.
        next_hop: whose MAC is needed; None for broadcast and multicast.
        source: the address that it is sent from; None is 0.0.0.0 or ``::``.
        problem: why it is not sent: ``unknown-interface``, ``source-not-local``, ``interface-down``,
            ``no-source``, or a refusal of ``found``.
        is_assumed_on_link: no route matched, but the socket is bound to an interface, so the destination
            is taken for a neighbour.
    """

    found: Found
    device: str | None = None
    next_hop: str | None = None
    source: str | None = None
    problem: str | None = None
    is_assumed_on_link: bool = False

    @property
    def route(self) -> Route | None:
        """The entry that won."""
        return self.found.route


def _query_of(packet: Packet) -> Query:
    """What a packet asks the tables."""
    return Query(
        family=packet.family,
        destination=packet.destination,
        source=packet.bound_source or packet.source,
        out_interface=packet.bound_interface,
        in_interface="lo",
        mark=packet.mark,
        tos=packet.service,
        protocol=packet.protocol,
        source_port=packet.source_port,
        destination_port=packet.destination_port,
    )


def send(state: HostState, packet: Packet) -> Sending:
    """How the host sends a packet that it makes itself.

    Source: ip_route_output_key_hash_rcu() in net/ipv4/route.c; ip6_dst_lookup_tail() in net/ipv6/ip6_output.c.
    """
    bound = packet.bound_interface
    interface = state.interface(bound)
    nowhere = Found("no-route")
    if bound and interface is None and state.interfaces is not None:
        return Sending(nowhere, problem="unknown-interface")
    wanted = packet.bound_source or packet.source
    if wanted and state.interfaces is not None and not _is_own(state, wanted, packet.family):
        return Sending(nowhere, problem="source-not-local", source=wanted)
    if packet.destination == "255.255.255.255" and bound:
        return Sending(Found("broadcast"), bound, None, wanted or choose_v4(state, bound, None, "link"))
    is_down = interface is not None and not interface.is_up
    found = nowhere if is_down and packet.family == 4 else look_up(state, _query_of(packet))
    if is_down and found.kind == "no-route":
        return Sending(found, device=bound, problem="interface-down")
    if found.kind in _REFUSED:
        if packet.family == 4 and bound:
            source = wanted or choose_v4(state, bound, None, "link")
            hop = None if is_multicast(packet.destination) else packet.destination
            return Sending(found, bound, hop, source, None, is_assumed_on_link=True)
        return Sending(found, problem=found.kind)
    if found.kind == "unknown":
        return Sending(found)
    return _along(state, packet, found, wanted)


def _is_own(state: HostState, address: str, family: int) -> bool:
    own = [each for _, each in state.addresses(family) if each.local == address]
    if own:
        return family == 4 or any(each.is_usable for each in own)
    local = look_up(state, Query(family, address, is_strict=False))
    return local.kind in {"local", "unknown"}


def _along(state: HostState, packet: Packet, found: Found, wanted: str | None) -> Sending:
    hop = found.nexthop
    if found.kind == "local":
        hint = found.route.source if found.route else None
        return Sending(found, "lo", None, wanted or hint or packet.destination)
    device = packet.bound_interface or (hop.device if hop else None)
    gateway = hop.gateway if hop else None
    source = wanted or source_for(state, found, device, gateway, packet.destination)
    if packet.family == 6 and source is None:
        return Sending(found, device, problem="no-source")
    to_many = found.kind in {"broadcast", "multicast"} or is_multicast(packet.destination)
    return Sending(found, device, None if to_many else gateway or packet.destination, source)


def source_for(state: HostState, found: Found, device: str | None, gateway: str | None, destination: str) -> str | None:
    """The source that the route asks for, else the one that the host chooses for it."""
    if found.route and found.route.source:
        return found.route.source
    if found.route and found.route.family == 6:
        return choose_v6(state, device, destination)
    scope = found.route.scope if found.route else "link"
    return choose_v4(state, device, gateway, scope)


def without_binding(packet: Packet) -> Packet:
    """The same packet from a socket that is bound to no interface."""
    return replace(packet, bound_interface=None)


def needs_scope(packet: Packet) -> bool:
    """Whether the destination means something on one link only and no link is named. Source: RFC 4007 section 6."""
    return packet.family == 6 and is_link_local(packet.destination) and packet.bound_interface is None
