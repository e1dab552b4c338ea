"""A packet for somebody else: handed on, split, or refused.

Source: ip_forward() and ip6_forward() of Linux; RFC 1812 sections 4.2.2.9 and 5.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import UNSPECIFIED, is_link_local
from explain.state.one_host.deciders import route_decider, source_decider
from explain.state.one_host.decision import Decider, Decision
from explain.state.one_host.flows import late, remember
from explain.state.one_host.hooks import Hooks, refused_by
from explain.state.packet import Packet, error_about
from explain.state.routing.reverse import refusal
from explain.state.settings import forwarding

if TYPE_CHECKING:
    from explain.state.records import HostState
    from explain.state.routing.routes import Found

_REJECTS = {4: {"no-route": (3, 0), "unreachable": (3, 1), "prohibit": (3, 13)},
            6: {"no-route": (1, 0), "unreachable": (1, 0), "prohibit": (1, 1)}}  # fmt: skip


def forward(state: HostState, packet: Packet, before: Packet, hooks: Hooks, found: Found) -> Decision:
    """What a host does with a packet whose route leads to somebody else, or nowhere."""
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
        return hooks.done("dropped", bad[0], None, by=source_decider(state, packet, bad[1]))
    return _onward(state, packet, before, hooks, found)


def _no_way(packet: Packet, hooks: Hooks, found: Found) -> Decision:
    code = _REJECTS[packet.family].get(found.kind)
    by = route_decider(found, packet.destination)
    if code is None or not _may_complain(packet):
        return hooks.done("dropped", found.kind, None, by=by)
    return hooks.done("rejected", found.kind, None, by=by, answer=error_about(packet, *code, source=None))


def _may_complain(packet: Packet) -> bool:
    """No error about an error, or to nobody. Source: RFC 1122 section 3.2.2, RFC 4443 section 2.4(e)."""
    return not packet.is_error and bool(packet.source) and packet.source != UNSPECIFIED[packet.family]


def _onward(state: HostState, packet: Packet, before: Packet, hooks: Hooks, found: Found) -> Decision:
    hop = found.nexthop
    device, gateway = (hop.device, hop.gateway) if hop else (None, None)
    hooks.base = replace(hooks.base, interface=device, next_hop=gateway or packet.destination)
    if (packet.ttl or 64) <= 1:
        return _told(packet, hooks, "ttl-expired", Decider("ttl", "TTL 1"), (11, 0) if packet.family == 4 else (3, 0))
    if packet.family == 6 and packet.source and is_link_local(packet.source):
        return _told(packet, hooks, "beyond-scope", Decider("address", packet.source, address=packet.source), (1, 2))
    mtu = smallest_mtu(state, device, found)
    if mtu is not None and packet.length > mtu and not packet.is_fragmented:
        if packet.dont_fragment or packet.family == 6:
            code = (3, 4) if packet.family == 4 else (2, 0)
            return _told(packet, hooks, "too-big", Decider("mtu", f"mtu {mtu}", device), code, mtu=mtu)
        packet = replace(packet, is_fragmented=True)
    return _through_hooks(replace(packet, ttl=(packet.ttl or 64) - 1), before, hooks, found, device)


def _through_hooks(packet: Packet, before: Packet, hooks: Hooks, found: Found, device: str | None) -> Decision:
    for hook in ("forward", "postrouting"):
        packet = hooks.run(hook, packet, packet.in_interface, device, hooks.tracked)
        if hooks.stopped:
            return hooks.ended(refused_by(hooks, packet, is_local=False))
    if hooks.tracked is not None:
        packet = late(packet, hooks.tracked)
    packet = hooks.run_device("egress", packet, device)
    if hooks.stopped:
        return hooks.ended(None)
    by = route_decider(found, packet.destination)
    return hooks.done("forwarded", "forwarded", packet, flow=remember(before, packet), by=by)


def _told(
    packet: Packet, hooks: Hooks, reason: str, by: Decider, code: tuple[int, int], mtu: int | None = None
) -> Decision:
    if not _may_complain(packet):
        return hooks.done("dropped", reason, None, by=by)
    return hooks.done("rejected", reason, None, by=by, answer=error_about(packet, *code, source=None, mtu=mtu))


def smallest_mtu(state: HostState, device: str | None, found: Found | None) -> int | None:
    """The smaller of the route's MTU and the interface's. Source: RFC 1191 section 3, RFC 8201 section 4."""
    interface = state.interface(device)
    known = [mtu for mtu in (interface.mtu if interface else None, found.route.mtu if found and found.route else None)
             if mtu]  # fmt: skip
    return min(known) if known else None
