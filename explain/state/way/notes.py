"""Observations on a way that is open: detours, redirects, proxies, limits, silent hops, tired servers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local
from explain.state.one_host.decision import Decider, Decision
from explain.state.one_host.deliver import listeners
from explain.state.packet import error_about
from explain.state.settings import send_redirects
from explain.state.way.journey import Memory, travel
from explain.state.way.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.state.filters.ruleset import FilterRule
    from explain.state.filters.verdict import Verdict
    from explain.state.way.path import Path, StateCause, Step


def observations(path: Path, memory: Memory, *, probes_hops: bool) -> tuple[StateCause, ...]:
    """What is remarkable on the way although it need not stop the packet.

    Args:
        path: the way; its causes are not known yet.
        memory: connection tracking of every host after the request.
        probes_hops: also ask whether every router would send its time-exceeded.
    """
    scene = Scene(path)
    found = [
        *(_silent_hops(scene, memory) if probes_hops else ()),
        *_chances(scene),
        *_impaired(scene),
        *_unready(scene),
        *_service(scene),
        *_big_segments(scene, memory),
        *_detours(scene),
        *_proxies(scene),
    ]
    return tuple(found)


def muted(path: Path) -> tuple[StateCause, ...]:
    """Errors that a router made and that a filter ate before they reached the sender."""
    error = path.leg("error")
    stop = error.stop if error else None
    if error is None or stop is None or stop.reason != "filter" or stop.host == path.sender:
        return ()
    if not error.packet.is_error:
        return ()
    scene = Scene(path)
    return (scene.cause("icmp-errors-filtered-on-router", stop.host, stop.decision.by, direction="error"),)


def _steps(scene: Scene) -> Iterator[tuple[Step, Decision]]:
    for step in scene.path.steps:
        yield step, step.decision


def _silent_hops(scene: Scene, memory: Memory) -> Iterator[StateCause]:
    """Routers whose time-exceeded is never seen. Source: RFC 1812 section 5.3.1."""
    leg = scene.path.leg("request")
    for step in leg.steps if leg else ():
        decision = step.decision
        if decision.verdict != "forwarded":
            continue
        code = (11, 0) if scene.family == 4 else (3, 0)
        told = error_about(decision.packet, *code, source=None)
        back = travel(scene.network, decision.host, told, "error", dict(memory))
        if back.stop is not None and back.stop.is_certain:
            yield scene.cause("silent-hop", decision.host, back.stop.decision.by, direction="error")


def _chances(scene: Scene) -> Iterator[StateCause]:
    """Rules that strike some of the packets only."""
    for step, decision in _steps(scene):
        for look in decision.looks:
            verdict = look.verdict
            for kind, rule in verdict.oddities:
                name = "duplicated-packets" if kind == "duplicated" else "corrupted-packets"
                yield scene.cause(name, decision.host, Decider("filter-rule", rule.text, rule=rule.name))
            other = verdict.otherwise
            if other is None or not other.stops:
                continue
            is_limit = verdict.sometimes == "limit"
            rule_or_none = (_limiting(verdict) if is_limit else None) or other.rule
            text = rule_or_none.text if rule_or_none else "policy"
            by = Decider("filter-rule", text, rule=rule_or_none.name if rule_or_none else None)
            name = "icmp-rate-limited" if is_limit and decision.packet.protocol.startswith("icmp") else "partial-loss"
            yield scene.cause(name, decision.host, by, certainty="likely", direction=step.direction)


def _limiting(verdict: Verdict) -> FilterRule | None:
    """The rule with the limit: what is above it may fall to a later rule, or to the policy."""
    met = (verdict.rule, verdict.otherwise.rule if verdict.otherwise else None, *(each.rule for each in verdict.passed))
    return next((rule for rule in met if rule and any("limit" in each for each in rule.statements)), None)


_NETEM = {"loss": "partial-loss", "duplicate": "duplicated-packets", "corrupt": "corrupted-packets"}


def _impaired(scene: Scene) -> Iterator[StateCause]:
    """A queueing discipline that loses, doubles or damages packets. Source: tc-netem(8)."""
    for step, decision in _steps(scene):
        for queue in scene.host(decision.host).qdiscs or ():
            if queue.get("kind") != "netem" or queue.get("dev") != decision.interface:
                continue
            options = queue.get("options")
            for key, name in _NETEM.items():
                if isinstance(options, dict) and any(str(each).startswith(key) for each in options):
                    by = Decider("qdisc", f"netem dev {decision.interface}", decision.interface)
                    yield scene.cause(name, decision.host, by, direction=step.direction)


def _unready(scene: Scene) -> Iterator[StateCause]:
    """An address that the sender should use is not ready, and another one stood in for it."""
    used = scene.path.steps[0].decision.out if scene.path.steps else None
    if used is None or used.source is None or not is_link_local(used.source):
        return
    for interface, address in scene.own_addresses(scene.sender):
        if not address.is_usable and "dadfailed" not in address.flags:
            by = Decider("address", f"{address.local} tentative", interface.name, address.local)
            yield scene.cause("address-tentative", scene.sender, by)


def _service(scene: Scene) -> Iterator[StateCause]:
    """What the sockets and counters of the target tell of the service."""
    request = scene.path.leg("request")
    if request is None or request.packet.protocol != "tcp" or request.last.verdict != "delivered":
        return
    host, packet = request.last.host, request.last.out or request.packet
    state = scene.host(host)
    port = packet.destination_port
    peers = [
        each
        for each in state.sockets or ()
        if each.protocol == "tcp" and each.local_port == port and each.peer == packet.source
    ]
    for each in peers:
        if each.state == "CLOSE-WAIT" or (each.state == "ESTAB" and each.receive_queue > 0):
            by = Decider("socket", each.text)
            yield scene.cause("tcp-application-hangs", host, by, certainty="likely")
            return
    held = [
        each
        for each in scene.host(scene.sender).sockets or ()
        if each.protocol == "tcp" and each.state == "ESTAB" and each.peer_port == port
        and each.peer == request.packet.destination
    ]  # fmt: skip
    if held and state.sockets is not None and not [each for each in peers if each.state == "ESTAB"]:
        yield scene.cause("tcp-half-open", host, Decider("socket", held[0].text), certainty="likely")
        return
    yield from _reset_connections(scene, host, port)


def _reset_connections(scene: Scene, host: str, port: int | None) -> Iterator[StateCause]:
    """Connections that were up and ended with a RST: by an application that closed, or by a peer that forgot."""
    theirs, ours = scene.host(host).counters or {}, scene.host(scene.sender).counters or {}
    if not listeners(scene.host(host), "tcp", port):
        return
    for name in ("TcpExtTCPAbortOnData", "TcpExtTCPAbortOnClose"):
        if theirs.get(name, 0) > 0:
            by = Decider("counter", f"{name} {theirs[name]}")
            yield scene.cause("tcp-application-closes", host, by, certainty="likely")
            return
    if ours.get("TcpEstabResets", 0) > 0 and theirs.get("TcpOutRsts", 0) > 0:
        by = Decider("counter", f"TcpEstabResets {ours['TcpEstabResets']}, TcpOutRsts {theirs['TcpOutRsts']}")
        yield scene.cause("tcp-half-open", host, by, certainty="likely")
        yield scene.cause("tcp-application-closes", host, by, certainty="possible")


def _big_segments(scene: Scene, memory: Memory) -> Iterator[StateCause]:
    """A connection that opens, but whose full segments meet a smaller MTU and a lost message. Source: RFC 2923 2.1."""
    request, back = scene.path.leg("request"), scene.path.leg("reply")
    if request is None or back is None or scene.path.stop is not None or request.packet.protocol != "tcp":
        return
    ends = (scene.host(scene.sender).interface(request.steps[0].decision.interface),
            scene.host(request.last.host).interface(back.steps[0].decision.interface))  # fmt: skip
    sizes = [end.mtu for end in ends if end is not None and end.mtu]
    if not sizes:
        return
    for leg in (request, back):
        data = replace(leg.packet, length=min(sizes), tcp_flags=frozenset({"ack", "psh"}), ttl=64)
        full = travel(scene.network, leg.steps[0].decision.host, data, leg.direction, dict(memory))
        if full.stop is None or full.stop.reason not in {"too-big", "lost"} or not full.stop.is_certain:
            continue
        if full.stop.reason == "lost" and full.stop.obstacle is not None and full.stop.obstacle.reason == "mtu":
            where = full.stop.obstacle
            yield scene.cause("mtu-mismatch-on-link", where.host, where.by, interface=where.interface)
        told = full.answer
        if full.stop.reason == "too-big" and told is not None:
            heard = travel(scene.network, full.last.host, told, "error", dict(memory))
            if heard.stop is not None and heard.stop.is_certain:
                yield scene.cause("pmtu-blackhole", full.stop.host, full.stop.decision.by, certainty="likely")


def _detours(scene: Scene) -> Iterator[StateCause]:
    """A router that sends a packet back out of the interface that it came in by. Source: RFC 1812 section 5.2.7.2."""
    for step, decision in _steps(scene):
        inside = decision.packet.in_interface
        if decision.verdict != "forwarded" or inside is None or inside != decision.interface or decision.is_translated:
            continue
        if not _is_neighbour(scene, decision, inside):
            continue
        setting = send_redirects(scene.host(decision.host), inside)
        tells = scene.family == 6 or setting.value != 0
        by = decision.by if scene.family == 6 else Decider("sysctl", f"{setting.name} = {setting.value}", inside)
        name = "icmp-redirect" if tells else "suboptimal-gateway"
        cause = scene.cause(name, decision.host, by, direction=step.direction)
        sender = scene.locus(scene.sender, by=scene.path.steps[0].decision.by)
        yield replace(cause, locus=(sender, *cause.locus))


def _is_neighbour(scene: Scene, decision: Decision, device: str) -> bool:
    """Whether source and next hop share the router's subnet: only then is there a shorter way."""
    interface = scene.host(decision.host).interface(device)
    networks = [each.network for each in scene.addresses(interface) if each.network is not None]
    source, hop = decision.packet.source, decision.next_hop
    return any(source is not None and network.covers(source) for network in networks) and (
        any(hop is not None and network.covers(hop) for network in networks) or bool(hop and is_link_local(hop))
    )


def _proxies(scene: Scene) -> Iterator[StateCause]:
    for step, decision in _steps(scene):
        resolution = step.resolution
        if resolution is not None and resolution.kind == "proxied" and resolution.place is not None:
            by = Decider(
                "neighbour", f"{resolution.address} lladdr {resolution.mac}", decision.interface, resolution.address
            )
            yield scene.cause("proxy-arp-in-play", resolution.place[0], by, interface=resolution.place[1])
