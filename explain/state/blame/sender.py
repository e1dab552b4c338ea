"""Why a host's own kernel does not even send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import is_loopback, network_of
from explain.state.one_host.decision import Decider, worded
from explain.state.routing.outgoing import send, without_binding
from explain.state.routing.routes import REFUSING
from explain.state.settings import accept_ra, is_ipv6_disabled

if TYPE_CHECKING:
    from explain.state.records import Address, Interface
    from explain.state.way.path import StateCause, Stop
    from explain.state.way.scene import Scene

_TABLES = {"main", "local", "default"}


def blame_refused(scene: Scene, stop: Stop) -> list[StateCause]:
    """The sender's kernel refuses: interface, address, route, size."""
    decision, by = stop.decision, stop.decision.by
    host = stop.host
    simple = {"unknown-interface": "unknown-interface", "broadcast-denied": "broadcast-ping-without-b"}
    if stop.reason in simple:
        return [scene.cause(simple[stop.reason], host, by, role="command")]
    if stop.reason == "too-long":
        return [scene.cause("local-mtu-too-small", host, by)]
    if stop.reason == "loopback-down":
        return [scene.cause("loopback-down", host, by)]
    if stop.reason in REFUSING or (decision.found and decision.found.is_by_rule):
        return [_refused_by_route(scene, stop)]
    if stop.reason == "source-not-local":
        return [
            *_address_troubles(scene, host),
            scene.cause("source-address-not-local", host, by, role="command"),
        ]
    if stop.reason == "interface-down":
        return [scene.cause("sender-interface-down", host, by)]
    if stop.reason == "no-source":
        return [*_address_troubles(scene, host), scene.cause("sender-no-address", host, by)]
    return no_route(scene, host, stop)


def blame_binding(scene: Scene, stop: Stop) -> list[StateCause]:
    """The answer came by an interface that the socket, bound to another one, does not hear. Source: socket(7)."""
    bound, source = scene.path.request.bound_interface, stop.decision.packet.destination
    own = scene.addresses(scene.host(stop.host).interface(bound))
    if any(each.is_usable for each in own):
        by = Decider("interface", f"{bound}", bound)
        return [scene.cause("wrong-interface-selected", stop.host, by, certainty="likely", role="command")]
    unready = own[0] if own else None
    flags = " ".join(sorted(unready.flags & {"tentative", "dadfailed"})) if unready else "no address"
    text = f"{bound}: {flags}; {source} was taken instead"
    by = worded("address", text, "other-source", bound, source, name=bound, flags=flags, source=source)
    name = "sender-no-address" if unready is None else "address-tentative"
    return [scene.cause("duplicate-address" if "dadfailed" in flags else name, stop.host, by)]


def _refused_by_route(scene: Scene, stop: Stop) -> StateCause:
    found = stop.decision.found
    by_rule = found is not None and (found.is_by_rule or (found.route is not None and found.route.table not in _TABLES))
    cause = "policy-rule-on-sender" if by_rule else "reject-route-on-sender"
    return scene.cause(cause, stop.host, stop.decision.by)


def _address_troubles(scene: Scene, host: str) -> list[StateCause]:
    """Why the address that should be used is not there, or not yet, or no more."""
    found: list[StateCause] = []
    for interface, address in scene.own_addresses(host):
        if "dadfailed" in address.flags:
            by = Decider("address", f"{address.local} dadfailed", interface.name, address.local)
            found.append(scene.cause("duplicate-address", host, by))
        elif "tentative" in address.flags:
            by = Decider("address", f"{address.local} tentative", interface.name, address.local)
            found.append(scene.cause("address-tentative", host, by))
    if found:
        return found
    down = scene.down(host)
    if down:
        return [scene.cause("sender-interface-down", host, _flags(down[0].name, down[0].flags))]
    if disabled := _disabled(scene, host, scene.wired(host)):
        return [disabled]
    if scene.wired(host) and not scene.own_addresses(host):
        own = scene.cause("sender-no-address", host, interface=_first(scene, host))
        advised = _router_advertisement(scene, host)
        return [own, *advised] if any(each.certainty == "possible" for each in advised) else [*advised, own]
    return []


def _first(scene: Scene, host: str) -> str | None:
    return scene.first_device(host)


def _flags(name: str, flags: frozenset[str]) -> Decider:
    return Decider("interface", f"{name} <{','.join(sorted(flags))}>", name)


def _disabled(scene: Scene, host: str, wires: list[Interface]) -> StateCause | None:
    """IPv6 is switched off on all of these interfaces."""
    if scene.family == 4:
        return None
    settings = [is_ipv6_disabled(scene.host(host), each.name) for each in wires]
    if not settings or any(each.value != 1 for each in settings):
        return None
    return scene.cause("ipv6-disabled", host, Decider("sysctl", f"{settings[0].name} = 1", wires[0].name))


def no_route(scene: Scene, host: str, stop: Stop) -> list[StateCause]:
    """Network is unreachable, said by the sender's own kernel: what took the route away?"""
    packet = stop.decision.packet
    state = scene.host(host)
    loopback = next((each for each in state.interfaces or () if each.is_loopback), None)
    if (
        loopback is not None
        and not loopback.is_up
        and (is_loopback(packet.destination) or state.owner_of(packet.destination) is not None)
    ):
        return [scene.cause("loopback-down", host, _flags(loopback.name, loopback.flags))]
    if packet.bound_interface:
        free = send(state, without_binding(packet))
        if free.problem is None and free.device not in {None, packet.bound_interface}:
            by = Decider("route", free.route.text if free.route else "", free.device)
            return [scene.cause("wrong-interface-selected", host, by, interface=packet.bound_interface, role="command")]
    trouble = _address_troubles(scene, host)
    last = scene.cause("no-route-on-sender", host, stop.decision.by)
    if any(each.cause != "duplicate-address" for each in trouble):
        return [*trouble, replace(last, certainty="possible")]
    advised = _router_advertisement(scene, host)
    if scene.own_addresses(host) and all(each.cause == "router-advertisement-missing" for each in advised):
        # Who has an address of its own was not waiting for a router to give one.
        advised = [replace(each, certainty="possible") for each in advised]
        wrong = [*misconfigured(scene, host, "sender", packet.destination), *_bare(scene, host)]
        return [*wrong, replace(last, certainty="possible") if wrong else last, *advised]
    found = [*misconfigured(scene, host, "sender", packet.destination), *advised]
    return [*found, replace(last, certainty="possible") if found else last]


def _bare(scene: Scene, host: str) -> list[StateCause]:
    """An interface towards a router that has no address, though others have; its routes go with its last address."""
    for each in scene.wired(host):
        if each.is_up and not each.master and not scene.addresses(each) and scene.routers_on((host, each.name)):
            why = _disabled(scene, host, [each]) or scene.cause("sender-no-address", host, interface=each.name)
            return [replace(why, certainty="likely")]
    return []


def misconfigured(scene: Scene, host: str, part: str, destination: str | None = None) -> list[StateCause]:
    """A prefix length or a subnet that is not that of the others on the segment."""
    for interface, address in scene.own_addresses(host):
        place = (host, interface.name)
        wrong = scene.mask_error(place)
        near = [destination, *_router_addresses(scene, place)] if destination else []
        if wrong is not None and _matters(wrong[0].local, wrong[0].prefix_length, wrong[1], near):
            own, right = wrong
            by = _unlike(interface.name, own, f"/{right}")
            return [scene.cause(f"wrong-netmask-on-{part}", host, by)]
        if part == "sender" and scene.is_misplaced(place):
            others = ", ".join(sorted({str(network) for _, network in scene.others_networks(place)}))
            by = _unlike(interface.name, address, others)
            return [scene.cause("sender-address-in-wrong-subnet", host, by)]
    return []


def _unlike(interface: str, own: Address, others: str) -> Decider:
    shown = f"{own.local}/{own.prefix_length}"
    text = f"{shown} (the others: {others})"
    return worded("address", text, "unlike-others", interface, own.local, own=shown, others=others)


def _matters(local: str, length: int, right: int, near: list[str]) -> bool:
    """Whether the destination, or a router that would be needed, is near by one length and far by the other."""
    mine, theirs = network_of(local, length), network_of(local, right)
    if not near or mine is None or theirs is None:
        return True
    return any(mine.covers(address) != theirs.covers(address) for address in near)


def _router_addresses(scene: Scene, place: tuple[str, str]) -> list[str]:
    """The addresses on a segment of those who forward."""
    found = (scene.host(name).interface(device) for name, device in scene.routers_on(place))
    return [address.local for interface in found for address in scene.addresses(interface)]


def _router_advertisement(scene: Scene, host: str) -> list[StateCause]:
    """IPv6 without a default route: was no advertisement sent, or was it not heeded? Source: RFC 4861 section 6.3.4."""
    state = scene.host(host)
    if scene.family == 4 or any(each.network.length == 0 for each in state.routes.get(6, ()) if each.type == "unicast"):
        return []
    heard = (state.counters or {}).get("Icmp6InRouterAdvertisements", 0) if state.counters is not None else None
    for interface in scene.wired(host):
        setting = accept_ra(state, interface.name)
        by = Decider("sysctl", f"{setting.name} = {setting.value}", interface.name)
        if setting.value == 0 and heard:
            return [scene.cause("router-advertisement-ignored", host, by)]
        if setting.value and not heard:
            is_likely = not scene.is_complete() or scene.routers_on((host, interface.name))
            certainty = "likely" if is_likely else "possible"
            return [scene.cause("router-advertisement-missing", host, by, certainty=certainty)]
    return []
