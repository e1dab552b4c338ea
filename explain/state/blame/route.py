"""Why a router, or a target on the way back, does not know where to send a packet on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.blame.sender import misconfigured
from explain.state.one_host.decision import Decider
from explain.state.routing.routes import REFUSING
from explain.state.settings import is_router

if TYPE_CHECKING:
    from explain.state.way.path import StateCause, Stop
    from explain.state.way.scene import Scene


def blame_no_way(scene: Scene, stop: Stop) -> list[StateCause]:
    """No route, or a route that refuses, at a router or at the target."""
    part, by = scene.part(stop.host), stop.decision.by
    if part == "target" and stop.direction != "request":
        return _on_target(scene, stop)
    if part == "sender":
        return [scene.cause("no-route-on-sender", stop.host, by, direction=stop.direction)]
    found = stop.decision.found
    if stop.reason in REFUSING or (found is not None and found.is_by_rule):
        # To the kernel a rule that says ``unreachable`` is the lack of a route. Source: fib4_rule_action().
        return [scene.cause("reject-route-on-router", stop.host, by, direction=stop.direction)]
    is_stray = part in {"bystander", "target"} or not _is_meant_to_forward(scene, stop)
    if is_stray and not is_router(scene.host(stop.host), scene.family):
        return blame_forwarding(scene, stop)
    known = "no-route-on-router" if stop.direction == "request" else "no-return-route-on-router"
    missing = scene.cause(known, stop.host, by, direction=stop.direction)
    down = scene.down(stop.host)
    if down:
        flags = ",".join(sorted(down[0].flags))
        fallen = Decider("interface", f"{down[0].name} <{flags}>", down[0].name)
        cause = scene.cause("router-interface-down", stop.host, fallen, direction=stop.direction)
        return [cause, replace(missing, certainty="possible")]
    return [missing]


def _on_target(scene: Scene, stop: Stop) -> list[StateCause]:
    sent = stop.decision.packet.destination
    wrong = misconfigured(scene, stop.host, "target", sent)
    down = scene.down(stop.host)
    missing = scene.cause("no-return-route-on-target", stop.host, stop.decision.by, direction=stop.direction)
    if wrong:
        return [*wrong, replace(missing, certainty="possible")]
    if down and not any(each.is_up for each in scene.wired(stop.host)):
        return [scene.cause("target-interface-down", stop.host, interface=down[0].name)]
    return [missing]


def blame_forwarding(scene: Scene, stop: Stop) -> list[StateCause]:
    """A host that does not forward got a packet to forward: is it a router that is off, or the wrong one to ask?"""
    by = stop.decision.by
    off = scene.cause("forwarding-disabled", stop.host, by, direction=stop.direction)
    before = _before(scene, stop)
    if before is None or _is_meant_to_forward(scene, stop):
        return [off]
    name, decider = before
    part = scene.part(name)
    ids = {"sender": "wrong-gateway-address", "target": "wrong-gateway-on-target"}
    wrong = scene.cause(ids.get(part, "wrong-nexthop-on-router"), name, decider, direction=stop.direction)
    return [wrong, replace(off, certainty="possible")]


def _before(scene: Scene, stop: Stop) -> tuple[str, Decider | None] | None:
    """The host that handed the packet over, and the route that made it do so."""
    leg = scene.path.leg(stop.direction)
    steps = leg.steps if leg else ()
    earlier = [step for step in steps if step.to is not None and step.to[0] == stop.host]
    return (earlier[-1].decision.host, earlier[-1].decision.by) if earlier else None


def _is_meant_to_forward(scene: Scene, stop: Stop) -> bool:
    """A router by its role, or by standing between two networks, or where nobody else could."""
    role = scene.path.roles.get(stop.host, "")
    given = [each for each in scene.path.roles.values() if each.startswith("router:")]
    if role in {"bystander", "target", "switch"} and given:
        return False
    joined = [each for each in scene.wired(stop.host) if each.addresses or not each.is_up]  # fe80 is enough to route
    if len(joined) > 1:
        return True
    device = stop.decision.packet.in_interface or ""
    return not [place for place in scene.routers_on((stop.host, device)) if place[0] != scene.sender]
