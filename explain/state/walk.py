"""From a sender to a target and back, from states alone: where would this packet stop, and why?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from explain.state.blame.stop import blame
from explain.state.segment.links import join
from explain.state.segment.network import Link, Network, is_switch
from explain.state.settings import is_router
from explain.state.way.journey import Memory, travel
from explain.state.way.mended import later_faults
from explain.state.way.multipath import one_of_many
from explain.state.way.notes import muted, observations
from explain.state.way.path import Leg, Path, Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from explain.state.packet import Packet
    from explain.state.records import HostState

_ROLES = {"S": "sender", "T": "target", "SW": "switch", "X": "bystander"}


def walk(
    states: Iterable[HostState],
    packet: Packet,
    sender: str,
    *,
    links: Iterable[Link] | None = None,
    target: str | None = None,
    roles: Mapping[str, str] | None = None,
    probes_hops: bool = False,
    has_succeeded: bool | None = None,
) -> Path:
    """The way of a packet and of its answer, with the causes that the states show.

    Args:
        states: the hosts that are known.
        packet: what the sender sends: ``packet.echo()``, ``packet.syn()``, ``packet.datagram()``.
        sender: name of the host that sends.
        links: the cables as (host, interface, host, interface); derived from the states where None.
        target: name of the host that is meant; by default the one that has the destination.
        roles: roles by host name, as in a case: S, T, R1, SW, X, or the words of the contract.
        probes_hops: also ask whether every router on the way would send its time-exceeded (traceroute).
        has_succeeded: how it ended, where that is known; it settles which of several equal next hops was taken.

    Raises:
        KeyError: no state is called ``sender``.
    """
    network = join(states, links)
    again = partial(_through, sender=sender, target=target, roles=roles, probes_hops=probes_hops)
    path = one_of_many(again(network, packet), partial(again, packet=packet), has_succeeded=has_succeeded)
    if path.outcome != "stopped":
        return path
    again = partial(_through, sender=sender, target=target, roles=path.roles, probes_hops=probes_hops)
    return replace(path, later=later_faults(path, again))


def _through(
    network: Network,
    packet: Packet,
    sender: str,
    target: str | None,
    roles: Mapping[str, str] | None,
    *,
    probes_hops: bool,
) -> Path:
    memory: Memory = {}
    start = replace(packet, in_interface=None)
    request = travel(network, sender, start, "request", memory)
    legs = [request]
    stop = None if probes_hops and _is_reached(request) else request.stop
    answer = request.answer
    if answer is not None:
        direction = "error" if answer.is_error or "rst" in answer.tcp_flags else "reply"
        back = travel(network, request.last.host, replace(answer, in_interface=None), direction, memory)
        legs.append(back)
        stop = _of_reset(request, back) or stop or back.stop or _misdelivered(back, sender, request)
        if back.answer is not None and back.answer.is_error and back.stop is not None and back.stop.reason == "too-big":
            about = replace(back.answer, in_interface=None)
            legs.append(travel(network, back.last.host, about, "error", memory))
    named = _named(network, roles, sender, target, packet, legs)
    outcome = _outcome(stop, packet)
    meant = target or next((name for name, role in named.items() if role == "target"), None)
    path = Path(sender, meant, request.packet, outcome, tuple(legs), stop, network, named)
    path = replace(path, also=observations(path, memory, probes_hops=probes_hops))
    return replace(path, causes=blame(path), also=(*path.also, *muted(path)))


def _outcome(stop: Stop | None, packet: Packet) -> str:
    """How it ended; ping takes an echo reply from anybody and only remarks on the different address."""
    if stop is None or (stop.reason == "unexpected-source" and packet.is_echo_request):
        return "answered"
    return "unknown" if stop.reason in {"unseen", "unknown"} else "stopped"


def _of_reset(request: Leg, back: Leg) -> Stop | None:
    """Where a RST is lost: whoever asked for a closed port hears nothing, as if nobody had got the SYN."""
    return back.stop if _is_reached(request) and request.packet.protocol == "tcp" else None


def _is_reached(request: Leg) -> bool:
    """A traceroute's probe is at its end also where it finds a closed port. Source: RFC 1393 section 1."""
    return request.stop is not None and request.stop.reason == "no-listener"


def _misdelivered(back: Leg, sender: str, request: Leg) -> Stop | None:
    """An answer that arrives, but not where, or not from whom, it is waited for."""
    last = back.last
    if back.direction == "error":
        return None
    if last.host != sender:
        return Stop("elsewhere", back.direction, last.host, last)
    sent = request.steps[0].decision.out or request.packet
    got = last.out
    is_one = got is not None and request.last.found is not None and request.last.found.kind != "local"
    if got is not None and got.source != sent.destination and not is_one:
        return Stop("unexpected-source", back.direction, last.host, last)
    bound = request.packet.bound_interface
    if bound is not None and last.packet.in_interface not in {bound, None}:
        return Stop("other-interface", back.direction, last.host, last)
    return None


def _named(
    network: Network,
    roles: Mapping[str, str] | None,
    sender: str,
    target: str | None,
    packet: Packet,
    legs: list[Leg],
) -> dict[str, str]:
    """The role of every host: as told, else as its part on the way shows."""
    named = {name: told_role(role) for name, role in (roles or {}).items() if name in network.hosts}
    if not roles:
        owner = target or next((n for n, host in network.hosts.items() if host.owner_of(packet.destination)), None)
        if owner and owner != sender:
            named[owner] = "target"
        last = legs[0].last
        if not owner and last.verdict == "delivered" and last.host != sender:
            named[last.host] = "target"
    named[sender] = "sender"
    number = sum(1 for role in named.values() if role.startswith("router:"))
    for step in (step for leg in legs for step in leg.steps):
        host = step.decision.host
        if host not in named and step.decision.verdict in {"forwarded", "rejected", "dropped"}:
            number += 1
            named[host] = f"router:{number}"
    for name, state in network.hosts.items():
        if name not in named:
            named[name] = _guessed(state, packet.family)
    return named


def told_role(role: str) -> str:
    """A role of a case in the words of the contract."""
    if role[:1] == "R" and role[1:].isdigit():
        return f"router:{role[1:]}"
    return _ROLES.get(role, role)


def _guessed(state: HostState, family: int) -> str:
    if is_switch(state):
        return "switch"
    return "router" if is_router(state, family) else "bystander"
