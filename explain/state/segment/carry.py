"""A frame from one interface to the others of its segment: cables, bridges, ports, their tables and filters.

Source: IEEE 802.1Q-2018 clause 8.6 (forwarding); net/bridge/br_forward.c and drivers/net/veth.c of Linux.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.state.filters.packet_values import Context
from explain.state.filters.ruleset import ruleset_of
from explain.state.filters.verdict import decide as verdict_of
from explain.state.one_host.deciders import filter_decider
from explain.state.one_host.decision import Decider, worded
from explain.state.one_host.hooks import families
from explain.state.segment.network import Network, Place, bridges, is_bridge, is_orphan_port
from explain.state.settings import bridged_is_filtered

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import BridgePort, HostState, Interface

BROADCAST = "ff:ff:ff:ff:ff:ff"
_VLAN_ROOM = 4
"""A veth takes frames that are longer than its MTU by one VLAN tag."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Where a frame was lost on its segment, and to what.

    Attributes:
        reason: ``no-carrier``, ``peer-down``, ``interface-down``, ``port-down``, ``port-not-member``,
            ``port-state``, ``bridge-down``, ``isolated``, ``fdb``, ``switch-filter``, ``mtu``, ``own-bridge``,
            ``unseen``.
    """

    reason: str
    host: str
    interface: str
    by: Decider | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """Where a frame arrived and where copies of it were lost."""

    arrivals: tuple[Place, ...]
    obstacles: tuple[Obstacle, ...]


class _Trip:
    """One frame under way; keeps what was seen so that it ends in any topology."""

    def __init__(self, network: Network, packet: Packet, length: int) -> None:
        self.network = network
        self.packet = packet
        self.length = length
        self.arrivals: list[Place] = []
        self.obstacles: list[Obstacle] = []
        self.seen: set[Place] = set()

    def lose(self, reason: str, place: Place, by: Decider | None = None) -> None:
        if by is None:
            interface = self.network.interface(place)
            flags = ",".join(sorted(interface.flags)) if interface else "unknown"
            by = Decider("interface", f"{place[1]} <{flags}>", place[1])
        self.obstacles.append(Obstacle(reason, place[0], place[1], by))


def carry(network: Network, start: Place, packet: Packet, *, is_small: bool = False) -> Carried:
    """Send a frame out of an interface.

    Args:
        network: the hosts and their cables.
        start: where it leaves.
        packet: what it carries; ``destination_mac`` is where it goes, None or ff:ff:... to all.
        is_small: the frame is an ARP or ND message, smaller than any MTU.
    """
    interface = network.interface(start)
    pieces = interface.mtu if interface and interface.mtu and packet.is_fragmented else packet.length
    trip = _Trip(network, packet, 0 if is_small else min(packet.length, pieces))
    state = network.hosts.get(start[0])
    if state is not None and is_bridge(state, start[1]):
        _flood(trip, state, start[1], None)
    else:
        _leave(trip, start)
    return Carried(tuple(trip.arrivals), tuple(trip.obstacles))


def _leave(trip: _Trip, place: Place) -> None:
    interface = trip.network.interface(place)
    if interface is not None and not interface.is_up:
        trip.lose("interface-down", place)
        return
    beyond = trip.network.beyond(place)
    if interface is not None and not interface.has_carrier and interface.link_type in {None, "ether"}:
        down = [other for other in beyond if _is_down(trip.network, other)]
        for other in down:
            trip.lose("peer-down", other)
        if not down:
            trip.lose("no-carrier", place)
        return
    if not beyond:
        text = f"{place[1]}: the other end is not shown"
        trip.lose("unseen", place, worded("interface", text, "end-unseen", place[1], name=place[1]))
    for other in beyond:
        _arrive(trip, other)


def _is_down(network: Network, place: Place) -> bool:
    interface = network.interface(place)
    return interface is not None and not interface.is_up


def _arrive(trip: _Trip, place: Place) -> None:
    if place in trip.seen:
        return
    trip.seen.add(place)
    interface, state = trip.network.interface(place), trip.network.hosts.get(place[0])
    if interface is None or state is None:
        trip.lose("unseen", place)
        return
    if not interface.is_up:
        trip.lose("port-down" if interface.master or is_orphan_port(state, place[1]) else "peer-down", place)
        return
    if interface.mtu is not None and trip.length > interface.mtu + _VLAN_ROOM:
        trip.lose("mtu", place, Decider("mtu", f"mtu {interface.mtu}", place[1]))
        return
    if interface.master and is_bridge(state, interface.master):
        _bridge(trip, state, interface)
    elif is_orphan_port(state, place[1]):
        trip.lose("port-not-member", place, _orphan(place[1], bridges(state)[0]))
    else:
        trip.arrivals.append(place)


def _port(state: HostState, name: str) -> BridgePort | None:
    return next((each for each in state.bridge_ports or () if each.device == name), None)


def _bridge(trip: _Trip, state: HostState, ingress: Interface) -> None:
    bridge = state.interface(ingress.master)
    name = ingress.master or ""
    if bridge is not None and not bridge.is_up:
        trip.lose("bridge-down", (state.name, name))
        return
    port = _port(state, ingress.name)
    if port is not None and port.state not in {"forwarding", "unknown"}:
        by = Decider("bridge-port", f"{port.device} state {port.state}", port.device)
        trip.lose("port-state", (state.name, ingress.name), by)
        return
    if _filtered(trip, state, "prerouting", ingress.name, None, name):
        return
    _flood(trip, state, name, ingress.name)


def _flood(trip: _Trip, state: HostState, bridge: str, ingress: str | None) -> None:
    """To the port that the table names if an administrator wrote it there, else to every other port."""
    own = state.interface(bridge)
    wanted = trip.packet.destination_mac
    if ingress is not None and own is not None and (wanted in {None, BROADCAST, own.mac} or _is_group(wanted)):
        trip.arrivals.append((state.name, bridge))
        if wanted == own.mac:
            return
    fixed = _fixed_port(state, bridge, wanted)
    if fixed is not None and fixed == ingress:
        text = f"{wanted} dev {fixed} master {bridge} sticky"
        trip.lose("fdb", (state.name, fixed), Decider("fdb", text, fixed))
        return
    for name in trip.network.ports(state.name, bridge):
        if name != ingress and fixed in {None, name}:
            _egress(trip, state, bridge, ingress, name)
    if fixed is not None:
        text = f"{wanted} dev {fixed} master {bridge} sticky"
        trip.obstacles.append(Obstacle("fdb", state.name, fixed, Decider("fdb", text, fixed)))
    for each in state.interfaces or ():
        if is_orphan_port(state, each.name) and each.name != ingress:
            trip.lose("port-not-member", (state.name, each.name), _orphan(each.name, bridge))


def _orphan(interface: str, bridge: str) -> Decider:
    return worded(
        "bridge-port", f"{interface} is no port of {bridge}", "no-port", interface, name=interface, bridge=bridge
    )


def _is_group(mac: str | None) -> bool:
    return mac is not None and len(mac) > 1 and mac[1] in "13579bdf"


def _fixed_port(state: HostState, bridge: str, mac: str | None) -> str | None:
    """The port of a forwarding entry that learning does not move."""
    for entry in state.fdb or ():
        is_fixed = "sticky" in entry.flags or (entry.state == "permanent" and "self" not in entry.flags)
        port = state.interface(entry.device)
        is_port = entry.master == bridge or (port is not None and port.master == bridge)
        if is_fixed and is_port and entry.mac == mac and not (port is not None and port.mac == mac):
            return entry.device
    return None


def _egress(trip: _Trip, state: HostState, bridge: str, ingress: str | None, name: str) -> None:
    place = (state.name, name)
    interface = state.interface(name)
    if interface is not None and not interface.is_up:
        trip.lose("port-down", place)
        return
    port, came = _port(state, name), _port(state, ingress or "")
    if port is not None and port.state not in {"forwarding", "unknown"}:
        beyond = [other for other in trip.network.beyond(place) if _is_down(trip.network, other)]
        for other in beyond:
            trip.lose("peer-down", other)
        if not beyond:
            by = Decider("bridge-port", f"{name} state {port.state}", name)
            trip.lose("port-state" if interface is None or interface.has_carrier else "no-carrier", place, by)
        return
    if port is not None and came is not None and port.is_isolated and came.is_isolated:
        trip.lose("isolated", place, Decider("bridge-port", f"{ingress}, {name}: isolated on", name))
        return
    flood = _flood_kind(state, trip.packet.destination_mac)
    if port is not None and ingress is not None and flood in port.held_back:
        trip.lose("port-state", place, Decider("bridge-port", f"{name} {flood} off", name))
        return
    if interface is not None and interface.mtu and trip.length > interface.mtu + _VLAN_ROOM:
        trip.lose("mtu", place, Decider("mtu", f"mtu {interface.mtu}", name))
        return
    if ingress is not None and _filtered(trip, state, "forward", ingress, name, bridge):
        return
    _leave(trip, place)


def _flood_kind(state: HostState, mac: str | None) -> str | None:
    """Which flag of a port a frame needs that goes to all of them; None for a host of the table."""
    if mac in {None, BROADCAST}:
        return "bcast_flood"
    if _is_group(mac):
        return "mcast_flood"
    return None if state.fdb is None or any(each.mac == mac for each in state.fdb) else "flood"


def _filtered(trip: _Trip, state: HostState, hook: str, in_port: str, out_port: str | None, bridge: str) -> bool:
    """Whether nft's bridge family, a port's ingress hook, or iptables through br_netfilter stops the frame."""
    ruleset = ruleset_of(state)
    looks = [verdict_of(ruleset, ("bridge",), hook, trip.packet, Context(state, "bridge", in_port, out_port))]
    if hook == "prerouting":
        context = Context(state, "netdev", in_port, None)
        looks.append(verdict_of(ruleset, ("netdev",), "ingress", trip.packet, context))
    packet = trip.packet
    if packet.protocol != "arp" and bridged_is_filtered(state, packet.family).value == 1:
        context = Context(state, "ip", bridge, bridge if out_port else None)
        new = replace(packet, connection=packet.connection or "new")
        looks.append(verdict_of(ruleset, families(packet), hook, new, context))
    for verdict in looks:
        if verdict.stops:
            trip.lose("switch-filter", (state.name, out_port or in_port), filter_decider(verdict))
            return True
    return False
