"""One packet from the host that makes it, host by host, to where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.one_host.decide import decide
from explain.state.one_host.flows import Flow
from explain.state.packet import Packet, arriving, error_about
from explain.state.routing.sources import asking_source
from explain.state.segment.carry import BROADCAST, Carried, Obstacle, carry
from explain.state.segment.network import Network, Place, segment
from explain.state.segment.resolve import Resolution, resolve
from explain.state.way.path import Leg, Step, Stop

if TYPE_CHECKING:
    from explain.state.one_host.decision import Decision

_MOST_STEPS = 260
"""A TTL lives through 255 hosts."""
Memory = dict[str, tuple[Flow, ...]]
"""What each host's connection tracking remembers."""


def travel(network: Network, host: str, packet: Packet, direction: str, memory: Memory) -> Leg:
    """The way of a packet that a host makes.

    Args:
        network: the hosts and their cables.
        host: who makes it.
        packet: the packet; ``in_interface`` is None.
        direction: ``request``, ``reply`` or ``error``, for the record.
        memory: connection tracking of every host; new flows are added.
    """
    steps: list[Step] = []
    seen: dict[tuple[str, str | None, str], int] = {}
    here, now = host, packet
    stop: Stop | None = None
    while stop is None and len(steps) < _MOST_STEPS:
        decision = _decided(network, here, now, memory)
        key = (here, now.in_interface, decision.out.destination if decision.out else now.destination)
        if decision.verdict == "forwarded" and key in seen:
            stop = Stop("loop", direction, here, decision)
            steps.append(Step(direction, decision))
            break
        seen[key] = len(steps)
        if decision.verdict == "delivered" or not decision.goes_on:
            steps.append(Step(direction, decision))
            if not decision.goes_on:
                stop = Stop(decision.reason, direction, here, decision, is_certain=decision.is_certain)
            break
        step, stop = _hand_over(network, decision, direction)
        steps.append(step)
        if stop is None and step.to is not None and decision.out is not None:
            here = step.to[0]
            now = arriving(decision.out, step.to[1])
    return Leg(direction, packet, tuple(steps), stop)


def _decided(network: Network, host: str, packet: Packet, memory: Memory) -> Decision:
    decision = decide(network.hosts[host], packet, memory.get(host, ()))
    if decision.flow is not None:
        memory[host] = (*memory.get(host, ()), decision.flow)
    return decision


def _hand_over(network: Network, decision: Decision, direction: str) -> tuple[Step, Stop | None]:
    """From a host to the next: MAC, cable, bridge."""
    host, device, packet = decision.host, decision.interface or "", decision.out
    if packet is None:
        return Step(direction, decision), Stop("unknown", direction, host, decision)
    if decision.found is not None and decision.found.kind == "unknown":
        return Step(direction, decision), Stop("unknown", direction, host, decision, is_certain=False)
    if decision.next_hop is None:
        return _to_many(network, decision, packet, direction)
    asker = asking_source(network.hosts[host], device, decision.next_hop, packet.source)
    found = resolve(network, host, device, decision.next_hop, asker)
    if not found.is_found:
        return _unresolved(decision, packet, found, direction)
    own = network.interface((host, device))
    framed = replace(packet, source_mac=own.mac if own else None, destination_mac=found.mac)
    carried = carry(network, (host, device), framed)
    step = Step(direction, replace(decision, out=framed), found, carried, found.place)
    return step, _missed(network, decision, found, carried, direction)


def _missed(network: Network, decision: Decision, found: Resolution, carried: Carried, direction: str) -> Stop | None:
    """Why the frame did not reach the one that has its MAC, or None if it did."""
    host = decision.host
    if found.kind == "own-mac":
        return Stop("noarp", direction, host, decision, found)
    if found.place in carried.arrivals:
        return None
    if found.place is None:
        if found.kind in {"unseen", "needless"}:
            return Stop("unseen", direction, host, decision, found, is_certain=False)
        is_seen = network.is_joined((host, decision.interface or ""))
        return Stop("nobody-has-mac", direction, host, decision, found, is_certain=is_seen)
    if found.place not in segment(network, (host, decision.interface or "")) and found.kind == "static":
        return Stop("nobody-has-mac", direction, host, decision, found)
    if not carried.obstacles:
        return Stop("unseen", direction, host, decision, found, is_certain=False)
    obstacle = _nearest(carried, found.place)
    if obstacle.reason == "unseen":
        return Stop("unseen", direction, host, decision, found, obstacle, is_certain=False)
    return Stop("lost", direction, host, decision, found, obstacle)


def _nearest(carried: Carried, place: Place) -> Obstacle:
    at_end = [each for each in carried.obstacles if (each.host, each.interface) == place]
    return (at_end or list(carried.obstacles))[0]


def _unresolved(decision: Decision, packet: Packet, found: Resolution, direction: str) -> tuple[Step, Stop]:
    """No MAC: the sender's program or the packet's source is told. Source: RFC 1122 section 2.3.2.2."""
    told = None
    if decision.verdict == "forwarded" and not packet.is_error:
        code = (3, 1) if packet.family == 4 else (1, 3)
        told = error_about(decision.packet, *code, source=None)
    failed = replace(decision, answer=told)
    is_seen = bool(found.silences) or not any(each.reason == "unseen" for each in found.obstacles)
    stop = Stop("unresolved", direction, decision.host, failed, found, is_certain=is_seen)
    return Step(direction, failed, found), stop


def _to_many(network: Network, decision: Decision, packet: Packet, direction: str) -> tuple[Step, Stop | None]:
    """Broadcast and multicast: everybody on the segment gets it; who would answer takes it on."""
    device = decision.interface or ""
    own = network.interface((decision.host, device))
    framed = replace(packet, source_mac=own.mac if own else None, destination_mac=BROADCAST, packet_type="broadcast")
    carried = carry(network, (decision.host, device), framed)
    willing = None
    for place in carried.arrivals:
        heard = decide(network.hosts[place[0]], arriving(framed, place[1]))
        if heard.answer is not None and heard.goes_on:
            willing = place
            break
    step = Step(direction, replace(decision, out=framed), Resolution("needless", None, BROADCAST), carried, willing)
    if willing is not None:
        return step, None
    for place in carried.arrivals:
        heard = decide(network.hosts[place[0]], arriving(framed, place[1]))
        if not heard.goes_on:
            return step, Stop(heard.reason, direction, place[0], heard)
    if any(each.reason == "unseen" for each in carried.obstacles):
        return step, Stop("unseen", direction, decision.host, decision, is_certain=False)
    return step, Stop("nobody-answers", direction, decision.host, decision)
