"""Why nobody answers for an address, and where frames are lost between two hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local
from explain.state.blame.absent import blame_absent
from explain.state.one_host.decision import Decider
from explain.state.settings import is_router
from explain.state.way.scene import Scene, filter_cause

if TYPE_CHECKING:
    from explain.state.segment.carry import Obstacle
    from explain.state.segment.neighbour_question import Silence
    from explain.state.segment.network import Place
    from explain.state.segment.resolve import Resolution
    from explain.state.way.path import StateCause, Stop

_ON_SWITCH = {
    "port-down": "bridge-port-down",
    "port-not-member": "bridge-port-not-member",
    "bridge-down": "bridge-down",
    "port-state": "bridge-port-not-forwarding",
    "isolated": "bridge-ports-isolated",
    "fdb": "wrong-static-fdb-entry",
    "switch-filter": "filter-on-switch",
    "mtu": "mtu-mismatch-on-link",
}


def blame_unresolved(scene: Scene, stop: Stop) -> list[StateCause]:
    """Nobody answered: was the address nobody's, or was somebody kept from answering?"""
    found = stop.resolution
    if found is None:
        return []
    if found.silences:
        return _quiet(scene, stop, found)
    return [*_fallen(scene, stop, found), *blame_absent(scene, stop)]


def _quiet(scene: Scene, stop: Stop, found: Resolution) -> list[StateCause]:
    causes: list[StateCause] = []
    for silence in found.silences:
        if silence.obstacle is not None:
            causes += _link_cause(scene, stop, silence.obstacle)
        elif silence.reason == "filter":
            causes += _filtered(scene, silence)
        else:
            causes += blame_silence(scene, silence.place[0], silence.reason, silence.by, stop)
    return causes


def _filtered(scene: Scene, silence: Silence) -> list[StateCause]:
    host = silence.place[0]
    if silence.by is not None and (silence.by.rule or "").startswith("arp ") and host != scene.sender:
        return [scene.cause("arp-ignored-by-target", host, silence.by)]
    return [scene.cause(filter_cause(scene.part(host), silence.hook), host, silence.by)]


def blame_silence(scene: Scene, host: str, reason: str, by: Decider | None, stop: Stop) -> list[StateCause]:
    """A host that has the address, or got the packet, and keeps quiet for a reason of its own."""
    simple = {
        "noarp": "arp-disabled",
        "arp-ignore": "arp-ignored-by-target",
        "arp-filter": "arp-ignored-by-target",
        "rp-filter": "rp-filter-strict",
        "ipv6-disabled": "ipv6-disabled",
    }
    if reason in simple:
        return [scene.cause(simple[reason], host, by, direction=stop.direction)]
    if reason == "other-interface":
        # A host that is asked for an IPv6 address of another of its links is silent. Source: RFC 4861, 7.2.3.
        return blame_absent(scene, stop)
    if reason == "tentative":
        failed = by is not None and "dadfailed" in by.text
        return [scene.cause("duplicate-address" if failed else "address-tentative", host, by)]
    source = stop.decision.packet.source
    if source is None or is_link_local(source):
        return _without_address(scene)
    return [scene.cause("duplicate-address", host, by, direction=stop.direction)] if by is not None else []


def _without_address(scene: Scene) -> list[StateCause]:
    """Packets came from nobody, or from a link-local address: the sender lacks a proper one."""
    for interface, address in scene.own_addresses(scene.sender):
        if not address.is_usable:
            flags = " ".join(sorted(address.flags & {"tentative", "dadfailed"}))
            by = Decider("address", f"{address.local} {flags}", interface.name, address.local)
            cause = "duplicate-address" if "dadfailed" in address.flags else "address-tentative"
            return [scene.cause(cause, scene.sender, by)]
    return [scene.cause("sender-no-address", scene.sender, interface=scene.first_device(scene.sender))]


def _link_cause(scene: Scene, stop: Stop, obstacle: Obstacle) -> list[StateCause]:
    """The cause that an obstacle on a segment stands for."""
    host = obstacle.host
    if obstacle.reason in _ON_SWITCH:
        cause = _ON_SWITCH[obstacle.reason]
        return [scene.cause(cause, host, obstacle.by, interface=obstacle.interface, direction=stop.direction)]
    if obstacle.reason in {"peer-down", "interface-down"}:
        return _down(scene, stop, (host, obstacle.interface), obstacle.by)
    if obstacle.reason == "no-carrier":
        return _no_carrier(scene, stop, obstacle)
    if obstacle.reason == "own-bridge":
        return _on_port(scene, stop, obstacle)
    return []


def _no_carrier(scene: Scene, stop: Stop, obstacle: Obstacle) -> list[StateCause]:
    place = (obstacle.host, obstacle.interface)
    return [scene.cause("link-no-carrier", place[0], obstacle.by, interface=place[1], direction=stop.direction)]


_ON_PORT = {
    "sender": ("sender-address-in-wrong-subnet",) * 2,
    "target": ("no-return-route-on-target",) * 2,
    "router": ("wrong-nexthop-on-router", "no-return-route-on-router"),
}


def _on_port(scene: Scene, stop: Stop, obstacle: Obstacle) -> list[StateCause]:
    """An address, and with it the route, on a port of the host's own bridge: it is sent there and heard elsewhere."""
    names = _ON_PORT.get(scene.part(obstacle.host), _ON_PORT["router"])
    name = names[0 if stop.direction == "request" else 1]
    return [scene.cause(name, obstacle.host, obstacle.by, certainty="likely", direction=stop.direction)]


def _down(scene: Scene, stop: Stop, place: Place, by: Decider | None) -> list[StateCause]:
    """An interface that somebody took down, named by whose it is."""
    part = scene.part(place[0])
    if part == "sender":
        name = "sender-interface-down"
    elif part == "target":
        name = "target-interface-down"
    elif part == "switch":
        name = "bridge-port-down"
    elif _is_last(stop) and not is_router(scene.host(place[0]), scene.family):
        name = "target-interface-down"
    else:
        name = "gateway-interface-down" if stop.host == scene.sender else "router-interface-down"
    found = [scene.cause(name, place[0], by, interface=place[1], direction=stop.direction)]
    if name in {"gateway-interface-down", "target-interface-down"} and scene.network.beyond(place) == [
        (stop.host, stop.decision.interface or "")
    ]:
        found.append(scene.cause("link-no-carrier", stop.host, interface=stop.decision.interface))
    return found


def _is_last(stop: Stop) -> bool:
    """Whether the next hop is the destination itself."""
    return (
        stop.direction == "request"
        and stop.resolution is not None
        and (stop.resolution.address == stop.decision.packet.destination)
    )


def _fallen(scene: Scene, stop: Stop, found: Resolution) -> list[StateCause]:
    """Nobody has the address, but an interface is down here: IPv6 addresses fall with their interface."""
    here: Place = (stop.host, stop.decision.interface or "")
    for obstacle in found.obstacles:
        if obstacle.reason in {"peer-down", "interface-down", "no-carrier"}:
            return _link_cause(scene, stop, obstacle)
    for obstacle in found.obstacles:
        if obstacle.reason in {"bridge-down", "port-down"} and _is_lonely(scene, obstacle):
            return _link_cause(scene, stop, obstacle)
    for place in scene.neighbours(here):
        interface = scene.host(place[0]).interface(place[1])
        if interface is not None and not interface.is_up:
            flags = ",".join(sorted(interface.flags))
            return _down(scene, stop, place, Decider("interface", f"{place[1]} <{flags}>", place[1]))
    return []


def _is_lonely(scene: Scene, obstacle: Obstacle) -> bool:
    """Whether nobody beyond the obstacle can be told from the states."""
    return not scene.network.beyond((obstacle.host, obstacle.interface))


def blame_lost(scene: Scene, stop: Stop) -> list[StateCause]:
    """The MAC is known, yet the frame does not arrive."""
    found = stop.resolution
    if stop.reason == "noarp" and found is not None:
        by = Decider("interface", f"{stop.decision.interface} NOARP", stop.decision.interface)
        return [scene.cause("arp-disabled", stop.host, by, direction=stop.direction)]
    if stop.reason == "nobody-has-mac" and found is not None:
        states = " ".join(sorted(found.entry.states)) if found.entry else "PERMANENT"
        text = f"{found.address} lladdr {found.mac} {states}"
        by = Decider("neighbour", text, stop.decision.interface, found.address)
        return [scene.cause("wrong-static-neighbour", stop.host, by, direction=stop.direction)]
    return _link_cause(scene, stop, stop.obstacle) if stop.obstacle else []
