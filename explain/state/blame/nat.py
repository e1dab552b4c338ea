"""Why answers do not find back: translations that are missing or wrong, sources that nobody can reach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import BITS, is_private, private_block
from explain.state.blame.sender import misconfigured
from explain.state.filters.match import holds
from explain.state.filters.packet_values import Context
from explain.state.filters.ruleset import Chain, FilterRule, ruleset_of
from explain.state.filters.source_rules import SOURCE_NAT, source_rules
from explain.state.one_host.decision import Decider, Decision, worded
from explain.state.one_host.deliver import listeners
from explain.state.routing.outgoing import source_for
from explain.state.routing.routes import REFUSING, Query, look_up
from explain.state.settings import is_router

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.state.routing.outgoing import Sending
    from explain.state.way.path import StateCause, Step, Stop
    from explain.state.way.scene import Scene

_ROUTING = REFUSING | {
    "no-route", "unresolved", "forwarding-off", "loop", "ttl-expired", "unseen", "lost", "elsewhere",
}  # fmt: skip


def blame_return(scene: Scene, stop: Stop) -> list[StateCause]:
    """Causes upstream of an answer that is not routed back."""
    if stop.reason not in _ROUTING:
        return []
    if stop.direction == "request":
        return _bad_target(scene, stop)
    found = [*_misplaced_source(scene, stop), *_bad_source(scene, stop), *_owned_by_nobody(scene, stop)]
    for step in _forwarding_steps(scene):
        found += _masquerade(scene, step, stop)
    return found


def _sought(scene: Scene, stop: Stop) -> str:
    """Whom the host that stopped an answer looked for: who made the request, where the host had translated that."""
    to = stop.decision.packet.destination
    own = (each.decision for each in _forwarding_steps(scene) if each.decision.host == stop.host)
    before = (each.packet.source for each in own if each.out and each.out.source == to and "snat" in _status(each))
    return next(before, None) or to


def _forwarding_steps(scene: Scene) -> Iterator[Step]:
    leg = scene.path.leg("request")
    for step in leg.steps if leg else ():
        if step.decision.verdict == "forwarded":
            yield step


def _bad_target(scene: Scene, stop: Stop) -> list[StateCause]:
    """DNAT to somebody who is not there."""
    for step in _forwarding_steps(scene):
        if "dnat" in _status(step.decision) and stop.reason in {"unresolved", "no-route"}:
            if stop.resolution is not None and stop.resolution.silences:
                return []
            after = step.decision.out.destination if step.decision.out else ""
            if scene.owner(after) is None:
                return [scene.cause("dnat-to-absent-host", step.decision.host, _nat_rule(step.decision, "dnat"))]
    leg = scene.path.leg("request")
    last = leg.steps[-1].decision if leg else None
    if last is not None and stop.reason in {"unresolved", "no-route"} and "dnat" in _status(last):
        after = last.out.destination if last.out else ""
        if after and scene.owner(after) is None:
            return [scene.cause("dnat-to-absent-host", last.host, _nat_rule(last, "dnat"))]
    return []


def _status(decision: Decision) -> frozenset[str]:
    return decision.flow.status if decision.flow else frozenset()


_TARGET_NAT = frozenset({"dnat", "redirect"})


def _nat_rule(decision: Decision, kind: str) -> Decider | None:
    wanted = _TARGET_NAT if kind == "dnat" else SOURCE_NAT
    for look in decision.looks:
        for passed in look.verdict.passed:
            if passed.did in wanted:
                return Decider("filter-rule", passed.rule.text, rule=passed.rule.name)
    return None


def _bad_source(scene: Scene, stop: Stop) -> list[StateCause]:
    """The sender used an address that it would not have chosen by itself, and nobody can return to it."""
    leg = scene.path.leg("request")
    first = leg.steps[0].decision if leg else None
    sending = first.sending if first else None
    if first is None or sending is None or sending.source is None or sending.device is None:
        return []
    state = scene.host(scene.sender)
    hop = sending.found.nexthop
    plain = replace(sending.found, route=replace(sending.found.route, source=None)) if sending.found.route else None
    if plain is None:
        return []
    natural = source_for(state, plain, sending.device, hop.gateway if hop else None, first.packet.destination)
    is_hinted = natural not in {None, sending.source} or _is_beside_the_wire(scene, sending)
    if not is_hinted or stop.decision.packet.destination != sending.source:
        return []
    by = Decider("route", sending.found.route.text if sending.found.route else "", sending.device, sending.source)
    bound = first.packet.bound_source is not None
    cause = scene.cause("wrong-source-address-selected", scene.sender, by, certainty="likely" if bound else "proved")
    return [cause]


def _is_beside_the_wire(scene: Scene, sending: Sending) -> bool:
    """The source is a host prefix of its own, while another address of the device shares the next hop's network."""
    hop = sending.found.nexthop
    toward = hop.gateway if hop and hop.gateway else None
    own = [address for each, address in scene.own_addresses(scene.sender) if each.name == sending.device]
    used = [each for each in own if each.local == sending.source and each.prefix_length == BITS[scene.family]]
    near = [each.network for each in own if each.local != sending.source and each.network is not None]
    return bool(used) and any(toward is None or network.covers(toward) for network in near)


def _misplaced_source(scene: Scene, stop: Stop) -> list[StateCause]:
    """The sender's address belongs to another subnet than its wire, so the answer goes elsewhere."""
    wrong = misconfigured(scene, scene.sender, "sender")
    if stop.decision.packet.destination not in {each.locus[0].address for each in wrong}:
        return []
    return [each for each in wrong if each.cause == "sender-address-in-wrong-subnet"]


def _owned_by_nobody(scene: Scene, stop: Stop) -> list[StateCause]:
    """SNAT to an address that nobody answers for."""
    for step in _forwarding_steps(scene):
        if "snat" not in _status(step.decision) or step.decision.out is None:
            continue
        used = step.decision.out.source or ""
        if scene.host(step.decision.host).owner_of(used) is None and stop.decision.packet.destination == used:
            by = _nat_rule(step.decision, "snat")
            return [scene.cause("snat-to-unowned-address", step.decision.host, by)]
    return []


def _masquerade(scene: Scene, step: Step, stop: Stop) -> list[StateCause]:
    """A router that should have translated the source, and did not."""
    decision = step.decision
    packet = decision.out
    if packet is None or "snat" in _status(decision) or _sought(scene, stop) != packet.source:
        return []
    if any(look.verdict.packet.connection == "untracked" for look in decision.looks):
        rule = next((p.rule for look in decision.looks for p in look.verdict.passed if "notrack" in p.did), None)
        if rule is not None and any(source_rules(scene.host(decision.host), scene.family)):
            by = Decider("filter-rule", rule.text, rule=rule.name)
            return [scene.cause("masquerade-bypassed-by-notrack", decision.host, by)]
    for chain, rule in source_rules(scene.host(decision.host), scene.family):
        missed = _why_not(scene, decision, chain, rule)
        if missed is not None:
            by = Decider("filter-rule", rule.text, decision.interface, rule=rule.name)
            return [scene.cause(missed, decision.host, by)]
    return _missing(scene, decision, stop)


def _why_not(scene: Scene, decision: Decision, chain: Chain, rule: FilterRule) -> str | None:
    """Which condition of a source NAT rule the packet did not meet."""
    packet = decision.out
    if packet is None:
        return None
    state = scene.host(decision.host)
    context = Context(state, "ip", decision.packet.in_interface, decision.interface,
                      sets=ruleset_of(state).sets, table=(chain.family, chain.table))  # fmt: skip
    missed = set()
    for statement in rule.statements:
        match = statement.get("match")
        if match is not None and holds(match, packet, context) is False:
            described = str(match.get("left"))
            missed.add("oif" if "oif" in described else "saddr" if "saddr" in described else "other")
    if missed == {"oif"}:
        return "masquerade-wrong-interface"
    return "nat-wrong-source-net" if missed in ({"saddr"}, {"saddr", "oif"}) else None


def _missing(scene: Scene, decision: Decision, stop: Stop) -> list[StateCause]:
    """No rule at all: a private network behind a router that nobody outside has a route to."""
    source, target = decision.out.source if decision.out else None, stop.decision.packet.source or ""
    if source is None or not is_private(source) or stop.reason != "no-route" or stop.direction == "request":
        return []
    if scene.part(stop.host) == "router" or _is_one_site(scene, decision.host, source, target):
        # Whoever is inside is expected to know the private networks; the rival is told as possible.
        return []
    state = scene.host(decision.host)
    inside = look_up(state, Query(scene.family, source, is_strict=False))
    is_edge = inside.route is not None and inside.route.protocol == "kernel"
    is_known = _knows(scene, decision.host, source)
    if "dnat" in _status(decision) or not is_edge or scene.family == 6 or is_known or not _helps(scene, decision, stop):
        # IPv6 has addresses for all; there a route is what is missing. Source: RFC 4864 section 2.
        return []
    by = worded("filter-policy", "no MASQUERADE or SNAT that meets this packet", "no-nat", decision.interface)
    return [scene.cause("masquerade-missing", decision.host, by, certainty="likely")]


def _is_one_site(scene: Scene, edge: str, source: str, target: str) -> bool:
    """Whether two private networks look routed: numbered from one block, or with more routers than the one between."""
    others = (state for name, state in scene.network.hosts.items() if name != edge)
    is_routed = private_block(source) == private_block(target) or any(is_router(one, scene.family) for one in others)
    return is_private(target) and is_routed


def _knows(scene: Scene, edge: str, source: str) -> bool:
    """Whether somebody beyond the edge has a route back to the sender's network: then it is routed, not hidden."""
    way = [each.decision.host for each in _forwarding_steps(scene)]
    inside = {scene.sender, *way[: way.index(edge) + 1]}
    for name, state in scene.network.hosts.items():
        if name in inside:
            continue
        for route in state.routes.get(scene.family, ()):
            if route.table == "main" and route.network.length and route.network.covers(source):
                return True
    return False


def _helps(scene: Scene, decision: Decision, stop: Stop) -> bool:
    """Whether the host that finds no way back would find one to the address that a translation here gives."""
    out = decision.interface
    own = [address.local for interface, address in scene.own_addresses(decision.host) if interface.name == out]
    asks = (Query(scene.family, one, stop.decision.packet.source) for one in own)
    return any(look_up(scene.host(stop.host), each).kind == "unicast" for each in asks)


def masquerade_rivals(scene: Scene, stop: Stop) -> list[StateCause]:
    """That a translation is missing cannot be excluded where a private source is not found back."""
    if stop.direction == "request" or stop.reason != "no-route" or not is_private(_sought(scene, stop)):
        return []
    edges = (each.decision for each in _forwarding_steps(scene) if each.decision.host != stop.host)
    edge = next((each.host for each in edges if _helps(scene, each, stop)), None)
    return [scene.cause("masquerade-missing", edge, certainty="possible")] if edge else []


def blame_service(scene: Scene, stop: Stop) -> list[StateCause]:
    """The packet arrived; what listens there, or who answers, is wrong."""
    by, host = stop.decision.by, stop.host
    if stop.reason == "accept-queue-full":
        return [scene.cause("tcp-accept-queue-full", host, by)]
    if stop.reason == "bound-to-loopback":
        return [scene.cause("tcp-bound-to-loopback", host, by)]
    if stop.reason in {"unexpected-source", "elsewhere"}:
        return _answered_by_another(scene, stop)
    for step in _forwarding_steps(scene):
        if "dnat" in _status(step.decision):
            rule = _nat_rule(step.decision, "dnat")
            return [scene.cause("dnat-to-wrong-port", step.decision.host, rule)]
    port = stop.decision.packet.destination_port
    if scene.part(host) != "target" or _has_two_sides(scene, host):
        behind = [name for name, state in scene.network.hosts.items() if name != host and listeners(state, "tcp", port)]
        if [name for name in behind if name != scene.sender]:
            rival = scene.cause("tcp-no-listener", host, by, certainty="possible")
            return [scene.cause("dnat-missing", host, by, certainty="likely"), rival]
    if _has_two_sides(scene, host):
        rival = scene.cause("dnat-missing", host, by, certainty="possible")
        return [scene.cause("tcp-no-listener", host, by, certainty="likely"), rival]
    return [scene.cause("tcp-no-listener", host, by)]


def _has_two_sides(scene: Scene, host: str) -> bool:
    addressed = {each.name for each, _ in scene.own_addresses(host)}
    return len(addressed) > 1 and is_router(scene.host(host), scene.family)


def turned_back(scene: Scene) -> list[StateCause]:
    """A packet that a router gave another target and sent back to where it came from."""
    for step in _forwarding_steps(scene):
        if "dnat" in _status(step.decision):
            rule = _nat_rule(step.decision, "dnat")
            return [scene.cause("hairpin-nat-missing", step.decision.host, rule)]
    return []


def _answered_by_another(scene: Scene, stop: Stop) -> list[StateCause]:
    if found := turned_back(scene):
        return found
    by = Decider("address", stop.decision.packet.source or "", address=stop.decision.packet.source)
    if stop.reason == "elsewhere":
        return [scene.cause("duplicate-address", stop.host, by, certainty="likely")]
    return []
