"""Who was wrong to ask for an address that nobody on the segment has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.blame.sender import blame_refused, misconfigured, no_route
from explain.state.filters.source_rules import source_rules
from explain.state.one_host.decision import Decider
from explain.state.one_host.deliver import listeners
from explain.state.routing.outgoing import send, without_binding
from explain.state.routing.routes import REFUSING
from explain.state.settings import is_router

if TYPE_CHECKING:
    from explain.state.segment.network import Place
    from explain.state.way.path import StateCause, Step, Stop
    from explain.state.way.scene import Scene


def blame_absent(scene: Scene, stop: Stop) -> list[StateCause]:
    """The address belongs to nobody on this segment: who was wrong to ask for it?"""
    part = scene.part(stop.host)
    sending = stop.decision.sending
    if sending is not None and sending.is_assumed_on_link and part == "sender":
        return _assumed(scene, stop)
    route = stop.decision.found.route if stop.decision.found else None
    hop = stop.decision.found.nexthop if stop.decision.found else None
    if hop is not None and hop.gateway is not None:
        return _dead_gateway(scene, stop, part)
    is_connected = route is None or route.protocol == "kernel" or _is_own_prefix(scene, stop)
    if not is_connected:
        return _no_gateway(scene, stop, part)
    return _absent(scene, stop, part)


def _assumed(scene: Scene, stop: Stop) -> list[StateCause]:
    """``-I IFNAME`` without a route there: the destination was taken for a neighbour."""
    packet = stop.decision.packet
    free = send(scene.host(stop.host), without_binding(packet))
    if free.problem is None and free.device not in {None, packet.bound_interface}:
        by = Decider("route", free.route.text if free.route else "", free.device)
        return [
            scene.cause("wrong-interface-selected", stop.host, by, interface=packet.bound_interface, role="command")
        ]
    refused = free.found.kind in REFUSING or free.found.is_by_rule
    plain = replace(stop.decision, found=free.found, reason=free.problem or "no-route")
    again = replace(stop, reason=free.problem or "no-route", decision=plain)
    return blame_refused(scene, again) if refused else no_route(scene, stop.host, again)


def _is_own_prefix(scene: Scene, stop: Stop) -> bool:
    interface = scene.host(stop.host).interface(stop.decision.interface)
    asked = stop.resolution.address if stop.resolution else None
    return any(
        each.network is not None and asked is not None and each.network.covers(asked)
        for each in scene.addresses(interface)
    )


def _dead_gateway(scene: Scene, stop: Stop, part: str) -> list[StateCause]:
    """A gateway that does not exist."""
    by = stop.decision.by
    if part == "sender":
        wrong = misconfigured(scene, stop.host, "sender")
        misplaced = [each for each in wrong if each.cause == "sender-address-in-wrong-subnet"]
        wrong_gateway = scene.cause("wrong-gateway-address", stop.host, by, direction=stop.direction)
        return [*misplaced, wrong_gateway, *_by_policy(scene, stop)]
    if part == "target" and stop.direction != "request":
        return [scene.cause("wrong-gateway-on-target", stop.host, by, direction=stop.direction)]
    return [scene.cause("wrong-nexthop-on-router", stop.host, by, direction=stop.direction)]


def _by_policy(scene: Scene, stop: Stop) -> list[StateCause]:
    """The route stands in a table that only a policy rule leads to."""
    found = stop.decision.found
    if found is None or found.route is None or found.rule is None or found.route.table in {"main", "local", "default"}:
        return []
    by = Decider("policy-rule", found.rule.text, rule=found.rule.text)
    return [scene.cause("policy-rule-on-sender", stop.host, by, certainty="possible")]


def _no_gateway(scene: Scene, stop: Stop, part: str) -> list[StateCause]:
    """A route over an interface alone, to a network that is not there."""
    by = stop.decision.by
    if part == "sender":
        route = stop.decision.found.route if stop.decision.found else None
        if route is not None and route.network.length == 0:
            return [scene.cause("default-route-without-gateway", stop.host, by)]
        return [
            scene.cause("default-route-without-gateway", stop.host, by, certainty="likely"),
            scene.cause("wrong-gateway-address", stop.host, by, certainty="possible"),
        ]
    if part == "target" and stop.direction != "request":
        return [scene.cause("wrong-gateway-on-target", stop.host, by, direction=stop.direction)]
    return [scene.cause("wrong-nexthop-on-router", stop.host, by, direction=stop.direction)]


def _absent(scene: Scene, stop: Stop, part: str) -> list[StateCause]:
    """The address lies in the host's own subnet and nobody there has it."""
    asked = stop.resolution.address if stop.resolution else None
    here: Place = (stop.host, stop.decision.interface or "")
    if stop.direction != "request":
        return _absent_on_return(scene, stop, part, asked)
    wrong = misconfigured(scene, stop.host, "sender", asked) if part == "sender" else []
    if wrong:
        return wrong
    absent = scene.cause(_absence(scene, stop.host), None, stop.decision.by, role="target", direction=stop.direction)
    renamed = _renamed(scene, here, asked)
    if renamed is None:
        return [absent]
    is_sure = _was_renumbered(scene, renamed[0])
    other = scene.cause(
        "target-has-other-address", renamed[0], renamed[1], certainty="likely" if is_sure else "possible"
    )
    return [other, replace(absent, certainty="possible")] if is_sure else [absent, other]


def _absent_on_return(scene: Scene, stop: Stop, part: str, asked: str | None) -> list[StateCause]:
    if part == "target":
        wrong = misconfigured(scene, stop.host, "target", asked)
        if wrong:
            return wrong
        if asked is not None and scene.owner(asked) is not None:
            by = stop.decision.by
            return [scene.cause("wrong-netmask-on-target", stop.host, by, certainty="likely", direction="reply")]
    return [scene.cause("wrong-source-address-selected", scene.sender, stop.decision.by, certainty="likely")]


def _renamed(scene: Scene, here: Place, asked: str | None) -> tuple[str, Decider] | None:
    """The target, if it is on this segment with another address of the asked subnet."""
    for place in scene.neighbours(here):
        if place[0] == scene.sender or is_router(scene.host(place[0]), scene.family):
            continue
        if scene.target is not None and place[0] != scene.target:
            continue
        for address in scene.addresses(scene.host(place[0]).interface(place[1])):
            network = address.network
            if network is not None and asked is not None and network.covers(asked):
                by = Decider("address", f"{address.local}/{address.prefix_length}", place[1], address.local)
                return place[0], by
    return None


def blame_given_up(scene: Scene, step: Step) -> list[StateCause]:
    """A neighbour entry from when its host still had the destination's address: nobody has it now, or it was forged."""
    resolution, here = step.resolution, (step.decision.host, step.decision.interface or "")
    asked, place = (resolution.address, resolution.place) if resolution else (None, None)
    if place is None or asked != scene.path.request.destination or scene.path.outcome == "answered":
        return []
    renamed, by = _renamed(scene, here, asked), step.decision.by
    gone = scene.cause(_absence(scene, here[0]), None, by, certainty="likely", role="target")
    if renamed is not None and renamed[0] == place[0]:
        gone = scene.cause("target-has-other-address", *renamed, certainty="likely")
    return [gone, scene.cause("arp-spoofed", place[0], by, interface=place[1], certainty="possible")]


def _absence(scene: Scene, asker: str) -> str:
    return f"destination-host-absent-{'on-link' if scene.part(asker) == 'sender' else 'behind-router'}"


def _was_renumbered(scene: Scene, host: str) -> bool:
    """Whether a host shows traces of a changed address: more group reports than others, its routes gone, a service.

    A new IPv6 address joins another solicited-node group and reports it (RFC 3810 section 6.1); an IPv4
    address that is removed takes the routes through its subnet along; where it needs none, it is told by waiting
    at the very port that was asked for.
    """
    state = scene.host(host)
    if scene.family == 6:
        if (state.counters or {}).get("Icmp6OutRouterSolicits"):
            # Where nodes still chatter after coming up, the number of their reports is chance.
            return False
        mine = _reports(scene, host)
        others = [_reports(scene, name) for name in scene.network.hosts if name != host]
        known = [each for each in others if each is not None]
        return mine is not None and bool(known) and mine > max(known)
    sender_side = {network for name, network in _networks_of(scene, scene.sender)}
    mine_side = {network for name, network in _networks_of(scene, host)}
    if not sender_side or sender_side & mine_side:
        return _serves(scene, host)  # no route is needed, so none can be missed
    if any(True for state in scene.network.hosts.values() for _ in source_rules(state, scene.family)):
        # Behind a translation nobody needs a route back.
        return False
    back = [route for route in state.routes.get(4, ()) if route.table == "main" and route.protocol != "kernel"]
    return 4 in state.routes and not back


def _serves(scene: Scene, host: str) -> bool:
    """Whether a program of the host waits at the port that was asked for, so that this host was meant."""
    port = scene.path.request.destination_port
    return port is not None and bool(listeners(scene.host(host), "tcp", port))


def _networks_of(scene: Scene, host: str) -> list[tuple[str, object]]:
    return [(each.name, address.network) for each, address in scene.own_addresses(host)]


def _reports(scene: Scene, host: str) -> float | None:
    counters = scene.host(host).counters
    wires = len(scene.wired(host))
    if counters is None or not wires:
        return None
    return counters.get("Icmp6OutMLDv2Reports", 0) / wires
