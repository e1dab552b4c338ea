"""One host, one packet: the kernel's way through hooks, routes and sockets, recomputed from the state.

Source: ip_rcv(), ip_route_input_slow(), ip_local_deliver() and ip_local_out() of Linux, and
their IPv6 twins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local, is_loopback, is_multicast
from explain.state.one_host.deciders import interface_decider, refusal_decider, route_decider, source_decider
from explain.state.one_host.decision import Decider, Decision
from explain.state.one_host.deliver import deliver
from explain.state.one_host.flows import Flow, early, late, remember, track
from explain.state.one_host.forward import forward, smallest_mtu
from explain.state.one_host.hooks import Hooks, refused_by
from explain.state.routing.outgoing import send
from explain.state.routing.reverse import refusal
from explain.state.routing.routes import Found, Query, look_up
from explain.state.settings import default_ttl, is_ipv6_disabled

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import HostState
    from explain.state.routing.outgoing import Sending


def decide(state: HostState, packet: Packet, flows: tuple[Flow, ...] = ()) -> Decision:
    """What the host does with the packet.

    Args:
        state: the host.
        packet: as it arrives by ``packet.in_interface``, or, if that is None, as a program here sends it.
        flows: what this host's connection tracking remembers.
    """
    if packet.in_interface is None:
        return _own(state, packet, flows)
    return _arrived(state, packet, flows)


def _own(state: HostState, packet: Packet, flows: tuple[Flow, ...]) -> Decision:
    """A packet that the host makes itself."""
    sending = send(state, packet)
    told = replace(packet, ttl=packet.ttl or _first_ttl(state, packet, sending))
    base = Decision(state.name, told, "refused", sending.problem or "", found=sending.found, sending=sending,
                    interface=sending.device, next_hop=sending.next_hop)  # fmt: skip
    if sending.problem:
        return replace(base, by=refusal_decider(state, packet, base), is_certain=sending.found.is_certain)
    if sending.found.kind == "broadcast" and packet.protocol == "icmp" and not packet.is_broadcast_allowed:
        return replace(base, reason="broadcast-denied", by=route_decider(sending.found, packet.destination))
    device = state.interface(sending.device)
    if device is not None and not device.is_up:
        reason = "loopback-down" if device.is_loopback else "interface-down"
        return replace(base, verdict="dropped", reason=reason, by=interface_decider(state, device.name))
    out = replace(told, source=sending.source, dont_fragment=told.dont_fragment and not _is_discovery_off(state, told))
    mtu = smallest_mtu(state, sending.device, sending.found)
    if mtu is not None and out.length > mtu:
        if not out.may_split:
            return replace(base, reason="too-long", by=Decider("mtu", f"mtu {mtu}", sending.device))
        out = replace(out, is_fragmented=True, dont_fragment=False)
    return _output(state, out, base, flows)


def _first_ttl(state: HostState, packet: Packet, sending: Sending) -> int:
    """What the route says, else the host. Source: ip4_dst_hoplimit(), ip6_dst_hoplimit() of the kernel."""
    route = sending.found.route
    return (route.hop_limit if route is not None else None) or default_ttl(state, packet.family, sending.device)


def _is_discovery_off(state: HostState, packet: Packet) -> bool:
    """Whether sockets that do not ask for it leave DF away. Source: ip-sysctl, ip_no_pmtu_disc."""
    return packet.may_split and packet.family == 4 and bool(state.sysctl("net.ipv4.ip_no_pmtu_disc"))


def _output(state: HostState, packet: Packet, base: Decision, flows: tuple[Flow, ...]) -> Decision:
    hooks = Hooks(state, base)
    tracked = track(packet, flows)
    before = tracked.told(packet)
    if full := _is_full(hooks, before):
        return hooks.done("dropped", "conntrack-full", None, by=full)
    current = hooks.run("output", before, None, base.interface, tracked)
    if hooks.stopped:
        return hooks.ended(_local_reject(hooks, current))
    current = early(current, tracked)
    if current.destination != before.destination or current.mark != before.mark:
        again = send(state, replace(current, bound_source=None, source=current.source))
        if again.problem:
            return hooks.done("refused", again.problem, None, found=again.found)
        base = replace(base, found=again.found, interface=again.device, next_hop=again.next_hop)
        hooks.base = base
    current = hooks.run("postrouting", current, None, base.interface, tracked)
    if hooks.stopped:
        return hooks.ended(_local_reject(hooks, current))
    current = late(current, tracked)
    if base.interface == "lo" and base.found and base.found.kind == "local":
        inner = replace(current, in_interface="lo", packet_type="host")
        return _input(state, inner, hooks, tracked_from=before, flows=flows)
    current = hooks.run_device("egress", current, base.interface)
    if hooks.stopped:
        return hooks.ended(None)
    by = route_decider(base.found, current.destination)
    return hooks.done("sent", "sent", current, flow=remember(before, current), by=by)


def _local_reject(hooks: Hooks, packet: Packet) -> Packet | None:
    return refused_by(hooks, packet, is_local=False)


def _arrived(state: HostState, packet: Packet, flows: tuple[Flow, ...]) -> Decision:
    """A packet that came in by an interface.

    One for a loopback address is dropped. Source: RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3.
    """
    device = packet.in_interface or ""
    hooks = Hooks(state, Decision(state.name, packet, "dropped", "", found=None))
    hooks.run_device("ingress", packet, device)
    if hooks.stopped:
        return hooks.ended(refused_by(hooks, packet, is_local=False))
    disabled = is_ipv6_disabled(state, device)
    if packet.family == 6 and disabled.value == 1:
        return hooks.done("dropped", "ipv6-disabled", None, by=Decider("sysctl", f"{disabled.name} = 1", device))
    if is_loopback(packet.destination) and state.sysctl(f"net.ipv4.conf.{device}.route_localnet") != 1:
        return hooks.done("dropped", "loopback-from-outside", None)
    tracked = track(packet, flows)
    before = tracked.told(packet)
    if full := _is_full(hooks, before):
        return hooks.done("dropped", "conntrack-full", None, by=full)
    current = hooks.run("prerouting", before, device, None, tracked)
    if hooks.stopped:
        return hooks.ended(refused_by(hooks, current, is_local=_is_local(state, current)))
    current = early(current, tracked if current.connection != "untracked" else track(current, ()))
    hooks.tracked = tracked if current.connection != "untracked" else track(current, ())
    found = _input_route(state, current, device)
    hooks.base = replace(hooks.base, found=found)
    if found.kind in {"local", "broadcast", "multicast", "anycast"}:
        return _to_us(state, current, before, hooks, flows)
    return forward(state, current, before, hooks, found)


def _is_full(hooks: Hooks, packet: Packet) -> Decider | None:
    """The sysctl that shows that no new flow fits into the connection table, where flows are tracked."""
    count = hooks.state.sysctl("net.netfilter.nf_conntrack_count")
    most = hooks.state.sysctl("net.netfilter.nf_conntrack_max")
    if packet.connection != "new" or count is None or most is None or count < most:
        return None
    if not hooks.ruleset.mentions("ct"):
        return None
    return Decider("sysctl", f"net.netfilter.nf_conntrack_count = {count} of {most}")


def _input_route(state: HostState, packet: Packet, device: str) -> Found:
    if packet.destination == "255.255.255.255":
        return Found("broadcast")
    if is_multicast(packet.destination):
        return Found("multicast")
    query = Query(
        family=packet.family,
        destination=packet.destination,
        source=packet.source,
        out_interface=None,
        in_interface=device,
        mark=packet.mark,
        tos=packet.service,
        protocol=packet.protocol,
        source_port=packet.source_port,
        destination_port=packet.destination_port,
        is_strict=False,
    )
    found = look_up(state, query)
    if packet.family == 6 and is_link_local(packet.destination):
        owner = state.owner_of(packet.destination)
        return found if owner is not None and owner.name == device else Found("no-route")
    return found


def _is_local(state: HostState, packet: Packet) -> bool:
    return state.owner_of(packet.destination) is not None


def _to_us(state: HostState, packet: Packet, before: Packet, hooks: Hooks, flows: tuple[Flow, ...]) -> Decision:
    bad = refusal(state, packet, packet.in_interface or "")
    if bad is not None:
        return hooks.done("dropped", bad[0], None, by=source_decider(state, packet, bad[1]))
    return _input(state, packet, hooks, tracked_from=before, flows=flows)


def _input(
    state: HostState, packet: Packet, hooks: Hooks, *, tracked_from: Packet, flows: tuple[Flow, ...]
) -> Decision:
    tracked = hooks.tracked or track(tracked_from, flows)
    whole = replace(packet, is_fragmented=False)
    current = hooks.run("input", whole, packet.in_interface, None, tracked)
    if hooks.stopped:
        return hooks.ended(refused_by(hooks, current, is_local=True))
    current = late(current, tracked)
    flow = remember(tracked_from, current)
    return deliver(state, current, hooks, flow)
