"""The object of a host's state that decided, as its own tool prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.one_host.decision import Decider, Decision, worded
from explain.state.routing.reverse import way_back

if TYPE_CHECKING:
    from explain.state.filters.verdict import Verdict
    from explain.state.packet import Packet
    from explain.state.records import HostState
    from explain.state.routing.routes import Found


def route_decider(found: Found | None, destination: str) -> Decider | None:
    """The route or the rule that a look-up for a destination found, or that there is none."""
    if found is None:
        return None
    if found.is_by_rule and found.rule:
        return Decider("policy-rule", found.rule.text, rule=found.rule.text)
    if found.route is None:
        return worded("route", f"no route to {destination}", "no-route", destination=destination)
    device = found.nexthop.device if found.nexthop else None
    gateway = found.nexthop.gateway if found.nexthop else None
    return Decider("route", found.route.text, device, gateway)


def interface_decider(state: HostState, name: str) -> Decider:
    """An interface with its flags."""
    interface = state.interface(name)
    flags = ",".join(sorted(interface.flags)) if interface else ""
    return Decider("interface", f"{name} <{flags}>", name)


def source_decider(state: HostState, packet: Packet, setting: object) -> Decider:
    """What made the source of a packet unacceptable: the setting that checks it, else the address itself."""
    device = packet.in_interface
    if setting is not None:
        back = way_back(state, packet.source or "", packet.destination)
        shown = f"{getattr(setting, 'name', '')} = {getattr(setting, 'value', '')}"
        if back.route:
            return Decider("sysctl", f"{shown} ({back.route.text})", device)
        return worded("sysctl", f"{shown} (no route back)", "no-way-back", device, setting=shown)
    owner = state.owner_of(packet.source or "")
    if owner is not None:
        return Decider("address", f"{packet.source} dev {owner.name}", owner.name, packet.source)
    source = packet.source or "-"
    text = f"{source} is no source for a packet from outside"
    return worded("address", text, "no-source-outside", device, packet.source, source=source)


def refusal_decider(state: HostState, packet: Packet, base: Decision) -> Decider | None:
    """What keeps a program's packet from being sent at all."""
    if base.reason == "unknown-interface":
        name = packet.bound_interface or "-"
        return worded("interface", f"{name} does not exist", "no-interface", packet.bound_interface, name=name)
    if base.reason == "source-not-local":
        address = packet.bound_source or packet.source or ""
        return worded("address", f"{address} is not an address of this host", "not-own", None, address, source=address)
    if base.reason == "interface-down" and base.interface:
        return interface_decider(state, base.interface)
    if base.reason == "no-source":
        return worded("address", "no usable address", "no-address", base.interface)
    return route_decider(base.found, packet.destination)


def filter_decider(verdict: Verdict) -> Decider:
    """The rule, or the policy of the chain, that stopped a packet."""
    if verdict.rule is not None:
        return Decider("filter-rule", verdict.rule.text, rule=verdict.rule.name)
    chain = verdict.chain
    name = f"{chain.family} {chain.table} {chain.name}" if chain else ""
    policy = chain.policy if chain else verdict.kind
    return Decider("filter-policy", f"{name} policy {policy}", rule=name)
