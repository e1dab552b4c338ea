"""One host, one packet: the kernel's way through hooks, routes and sockets, recomputed from the state.

Source: ip_rcv(), ip_route_input_slow(), ip_forward(), ip_local_deliver() and ip_local_out() of Linux, and
their IPv6 twins; RFC 1812 sections 4.2.2.9, 4.3 and 5.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import UNSPECIFIED, is_link_local, is_loopback, is_multicast
from explain.state.decision import Decider, Decision, worded
from explain.state.deliver import deliver
from explain.state.flows import Flow, early, late, remember, track
from explain.state.hooks import Hooks, refused_by
from explain.state.outgoing import send
from explain.state.packet import Packet, error_about
from explain.state.reverse import refusal, way_back
from explain.state.routes import Found, Query, look_up
from explain.state.settings import default_ttl, forwarding, is_ipv6_disabled

if TYPE_CHECKING:
    from explain.state.records import HostState

_REJECTS = {4: {"no-route": (3, 0), "unreachable": (3, 1), "prohibit": (3, 13)},
            6: {"no-route": (1, 0), "unreachable": (1, 0), "prohibit": (1, 1)}}  # fmt: skip


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
    told = replace(packet, ttl=packet.ttl or default_ttl(state, packet.family, sending.device))
    base = Decision(state.name, told, "refused", sending.problem or "", found=sending.found, sending=sending,
                    interface=sending.device, next_hop=sending.next_hop)  # fmt: skip
    if sending.problem:
        return replace(base, by=_refuser(state, packet, base), is_certain=sending.found.is_certain)
    if sending.found.kind == "broadcast" and packet.protocol == "icmp" and not packet.is_broadcast_allowed:
        return replace(base, reason="broadcast-denied", by=_route_of(sending.found))
    device = state.interface(sending.device)
    if device is not None and not device.is_up:
        reason = "loopback-down" if device.is_loopback else "interface-down"
        return replace(base, verdict="dropped", reason=reason, by=_interface(state, device.name))
    out = replace(told, source=sending.source, dont_fragment=told.dont_fragment and not _is_discovery_off(state, told))
    room = _mtu(state, sending.device, sending.found)
    if room is not None and out.length > room:
        if not out.may_split:
            return replace(base, reason="too-long", by=Decider("mtu", f"mtu {room}", sending.device))
        out = replace(out, is_fragmented=True, dont_fragment=False)
    return _output(state, out, base, flows)


def _is_discovery_off(state: HostState, packet: Packet) -> bool:
    """Whether sockets that do not ask for it leave DF away. Source: ip-sysctl, ip_no_pmtu_disc."""
    return packet.may_split and packet.family == 4 and bool(state.sysctl("net.ipv4.ip_no_pmtu_disc"))


def _output(state: HostState, packet: Packet, base: Decision, flows: tuple[Flow, ...]) -> Decision:
    hooks = Hooks(state, base)
    tracked = track(packet, flows)
    before = replace(packet, connection=tracked.connection)
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
    return hooks.done("sent", "sent", current, flow=remember(before, current), by=_route_of(base.found))


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
    before = replace(packet, connection=tracked.connection)
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
    return _forward(state, current, before, hooks, found)


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
        tos=0,
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
        return hooks.done("dropped", bad[0], None, by=_source_decider(state, packet, bad[1]))
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


def _source_decider(state: HostState, packet: Packet, setting: object) -> Decider:
    device = packet.in_interface
    if setting is not None:
        back = way_back(state, packet.source or "", packet.destination)
        shown = f"{getattr(setting, 'name', '')} = {getattr(setting, 'value', '')}"
        if back.route:
            return Decider("sysctl", f"{shown} ({back.route.text})", device)
        return worded("sysctl", f"{shown} (no route back)", "no-way-back", device, setting=shown)
    source = packet.source or "-"
    text = f"{source} is no source for a packet from outside"
    return worded("address", text, "no-source-outside", device, packet.source, source=source)


def _forward(state: HostState, packet: Packet, before: Packet, hooks: Hooks, found: Found) -> Decision:
    device = packet.in_interface or ""
    knob = forwarding(state, device, packet.family)
    setting = Decider("sysctl", f"{knob.name} = {knob.value}", device)
    if knob.value == 0 and (packet.family == 4 or found.kind == "unicast"):
        return hooks.done("dropped", "forwarding-off", None, by=setting)
    if knob.value is None:
        hooks.doubts.append(knob.name)
    if found.kind == "unknown":
        hooks.doubts.append("routes")
        return hooks.done("dropped", "unknown", None, by=None)
    if found.kind != "unicast":
        return _no_way(packet, hooks, found)
    bad = refusal(state, packet, device)
    if bad is not None:
        return hooks.done("dropped", bad[0], None, by=_source_decider(state, packet, bad[1]))
    return _onward(state, packet, before, hooks, found)


def _no_way(packet: Packet, hooks: Hooks, found: Found) -> Decision:
    code = _REJECTS[packet.family].get(found.kind)
    by = _route_of(found)
    if code is None or not _may_complain(packet):
        return hooks.done("dropped", found.kind, None, by=by)
    return hooks.done("rejected", found.kind, None, by=by, answer=error_about(packet, *code, source=None))


def _may_complain(packet: Packet) -> bool:
    """No error about an error, or to nobody. Source: RFC 1122 section 3.2.2, RFC 4443 section 2.4(e)."""
    return not packet.is_error and bool(packet.source) and packet.source != UNSPECIFIED[packet.family]


def _onward(state: HostState, packet: Packet, before: Packet, hooks: Hooks, found: Found) -> Decision:
    hop = found.nexthop
    out_device, gateway = (hop.device, hop.gateway) if hop else (None, None)
    hooks.base = replace(hooks.base, interface=out_device, next_hop=gateway or packet.destination)
    family = packet.family
    if (packet.ttl or 64) <= 1:
        code = (11, 0) if family == 4 else (3, 0)
        return _told(packet, hooks, "ttl-expired", Decider("ttl", "TTL 1"), code)
    if family == 6 and packet.source and is_link_local(packet.source):
        return _told(packet, hooks, "beyond-scope", Decider("address", packet.source, address=packet.source), (1, 2))
    room = _mtu(state, out_device, found)
    if room is not None and packet.length > room and not packet.is_fragmented:
        by = Decider("mtu", f"mtu {room}", out_device)
        if packet.dont_fragment or family == 6:
            code = (3, 4) if family == 4 else (2, 0)
            return _told(packet, hooks, "too-big", by, code, mtu=room)
        packet = replace(packet, is_fragmented=True)
    current = replace(packet, ttl=(packet.ttl or 64) - 1)
    current = hooks.run("forward", current, packet.in_interface, out_device, hooks.tracked)
    if hooks.stopped:
        return hooks.ended(refused_by(hooks, current, is_local=False))
    current = hooks.run("postrouting", current, packet.in_interface, out_device, hooks.tracked)
    if hooks.stopped:
        return hooks.ended(refused_by(hooks, current, is_local=False))
    if hooks.tracked is not None:
        current = late(current, hooks.tracked)
    current = hooks.run_device("egress", current, out_device)
    if hooks.stopped:
        return hooks.ended(None)
    return hooks.done("forwarded", "forwarded", current, flow=remember(before, current), by=_route_of(found))


def _told(
    packet: Packet, hooks: Hooks, reason: str, by: Decider, code: tuple[int, int], mtu: int | None = None
) -> Decision:
    if not _may_complain(packet):
        return hooks.done("dropped", reason, None, by=by)
    return hooks.done("rejected", reason, None, by=by, answer=error_about(packet, *code, source=None, mtu=mtu))


def _mtu(state: HostState, device: str | None, found: Found | None) -> int | None:
    """The smaller of the route's MTU and the interface's. Source: RFC 1191 section 3, RFC 8201 section 4."""
    interface = state.interface(device)
    known = [mtu for mtu in (interface.mtu if interface else None, found.route.mtu if found and found.route else None)
             if mtu]  # fmt: skip
    return min(known) if known else None


def _route_of(found: Found | None) -> Decider | None:
    if found is None:
        return None
    if found.is_by_rule and found.rule:
        return Decider("policy-rule", found.rule.text, rule=found.rule.text)
    if found.route is None:
        return worded("route", "no route", "no-route")
    device = found.nexthop.device if found.nexthop else None
    gateway = found.nexthop.gateway if found.nexthop else None
    return Decider("route", found.route.text, device, gateway)


def _interface(state: HostState, name: str) -> Decider:
    interface = state.interface(name)
    flags = ",".join(sorted(interface.flags)) if interface else ""
    return Decider("interface", f"{name} <{flags}>", name)


def _refuser(state: HostState, packet: Packet, base: Decision) -> Decider | None:
    if base.reason == "unknown-interface":
        name = packet.bound_interface or "-"
        return worded("interface", f"{name} does not exist", "no-interface", packet.bound_interface, name=name)
    if base.reason == "source-not-local":
        address = packet.bound_source or packet.source or ""
        return worded("address", f"{address} is not an address of this host", "not-own", None, address, source=address)
    if base.reason == "interface-down" and base.interface:
        return _interface(state, base.interface)
    if base.reason == "no-source":
        return worded("address", "no usable address", "no-address", base.interface)
    return _route_of(base.found)
