"""From the place where a packet stops to the cause: which id of the vocabulary do the states prove?

A stop is a mechanism (no route, no MAC, a rule); the cause is what made it so. One mechanism can have several
causes, so each kind of stop asks further, and the most particular answer comes first.
"""

from __future__ import annotations

from dataclasses import replace

from explain.state.addresses import is_loopback
from explain.state.blame.absent import blame_given_up
from explain.state.blame.link import blame_lost, blame_silence, blame_unresolved
from explain.state.blame.nat import blame_return, blame_service, masquerade_rivals, turned_back
from explain.state.blame.route import blame_forwarding, blame_no_way
from explain.state.blame.sender import blame_binding, blame_refused
from explain.state.one_host.decision import Decider, worded
from explain.state.routing.outgoing import needs_scope
from explain.state.routing.routes import REFUSING
from explain.state.settings import default_ttl
from explain.state.way.journey import travel
from explain.state.way.path import Leg, Path, StateCause, Stop
from explain.state.way.scene import STRIKES_SOME, Scene, filter_cause, unique

_SENDER_REASONS = REFUSING | {
    "unknown-interface", "source-not-local", "interface-down", "no-source", "broadcast-denied", "too-long",
    "loopback-down", "no-route",
}  # fmt: skip


def blame(path: Path) -> tuple[StateCause, ...]:
    """The causes that the states show for how this path ended, most likely first."""
    scene = Scene(path)
    stop = path.stop
    if stop is None:
        return _of_success(scene)
    if path.outcome == "unknown":
        return unique(_overriding(scene, stop))
    found = [*_silenced(scene), *_unscoped(scene), *_overriding(scene, stop), *_of_stop(scene, stop)]
    found += masquerade_rivals(scene, stop)
    return unique(_weighed(scene, found, is_certain=stop.is_certain))


_RELATIVE = frozenset(
    (
        "wrong-gateway-address", "destination-host-absent-on-link", "destination-host-absent-behind-router",
        "target-has-other-address", "link-no-carrier", "no-route-on-sender", "forwarding-disabled", "tcp-no-listener",
        "no-return-route-on-target", "wrong-gateway-on-target", "wrong-nexthop-on-router", "no-return-route-on-router",
        "no-route-on-router", "default-route-without-gateway", "wrong-netmask-on-target", "dnat-to-absent-host",
        "snat-to-unowned-address",
    )
)  # fmt: skip
"""What is true only as long as nobody whose state is missing says otherwise."""


_WIRED = frozenset(
    (
        "wrong-gateway-address", "destination-host-absent-on-link", "destination-host-absent-behind-router",
        "link-no-carrier", "wrong-gateway-on-target", "wrong-nexthop-on-router",
    )
)  # fmt: skip
"""What depends on who shares a segment, and so on cables that may have been guessed."""


def _weighed(scene: Scene, found: list[StateCause], *, is_certain: bool) -> list[StateCause]:
    """Nothing is proved by a decision that is uncertain, nor by the absence of what no state shows."""
    is_complete = scene.is_complete()

    def one(cause: StateCause) -> StateCause:
        is_guess = cause.cause in _WIRED and not scene.network.is_given
        is_shaky = not is_certain or is_guess or (cause.cause in _RELATIVE and not is_complete)
        return replace(cause, certainty="likely") if is_shaky and cause.certainty == "proved" else cause

    return [one(each) for each in found]


def _unscoped(scene: Scene) -> list[StateCause]:
    """A link-local destination means nothing without a link. Source: RFC 4007 section 6."""
    if not needs_scope(scene.path.request) or len(scene.wired(scene.sender)) < 2:
        return []
    address = scene.path.request.destination
    by = worded("address", f"{address} without %interface", "no-scope", None, address, target=address)
    return [scene.cause("link-local-without-scope", scene.sender, by, role="command")]


def _of_success(scene: Scene) -> tuple[StateCause, ...]:
    """What works may still be odd; the oddities are seen as observations and the first leads."""
    leading = [*_contested(scene), *scene.path.also]
    is_sure = scene.path.is_certain and scene.is_complete()
    certainty = "possible" if scene.is_contradicted() else "proved" if is_sure else "likely"
    healthy = StateCause("healthy", certainty, (), ())
    if all(each.cause in STRIKES_SOME and each.certainty != "proved" for each in leading):
        leading.append(replace(healthy, certainty="likely") if leading else healthy)
    return unique(leading)


def _silenced(scene: Scene) -> list[StateCause]:
    """The sender itself drops the error that would have told it: a fault of its own beside the first."""
    error = scene.path.leg("error")
    stop = error.stop if error else None
    if stop is None or stop.reason != "filter" or stop.host != scene.sender or not _is_error(error):
        return []
    return [scene.cause("filter-on-sender-input", stop.host, stop.decision.by, direction="error")]


def _is_error(leg: Leg | None) -> bool:
    return leg is not None and leg.packet.is_error


def _overriding(scene: Scene, stop: Stop) -> list[StateCause]:
    """Faults that explain whatever follows from them."""
    return [*_left_home(scene), *_contested(scene), *blame_return(scene, stop)]


def _left_home(scene: Scene) -> list[StateCause]:
    """A packet for a loopback address leaves its host: ``lo`` is down, and another route takes it."""
    nics = scene.host(scene.sender).interfaces or ()
    down = next((each for each in nics if each.is_loopback and not each.is_up), None)
    if down is None or not is_loopback(scene.path.request.destination):
        return []
    flags = ",".join(sorted(down.flags))
    return [scene.cause("loopback-down", scene.sender, Decider("interface", f"{down.name} <{flags}>", down.name))]


def _contested(scene: Scene) -> list[StateCause]:
    """Steps on which the wrong one was believed: forged answers, wrong static entries, two owners."""
    found: list[StateCause] = []
    for step in scene.path.steps:
        resolution, host = step.resolution, step.decision.host
        if resolution is None or resolution.address is None or resolution.place is None:
            continue
        state = scene.host(resolution.place[0])
        entry = resolution.entry
        text = f"{resolution.address} lladdr {resolution.mac}"
        by = Decider("neighbour", text, step.decision.interface, resolution.address)
        if resolution.kind == "answered" and state.owner_of(resolution.address) is None:
            if scene.is_complete() and scene.owner(resolution.address) is None:
                found += blame_given_up(scene, step)
            elif entry is not None and entry.mac and resolution.place not in resolution.answers:
                cause = scene.cause("arp-spoofed", resolution.place[0], by, interface=resolution.place[1])
                found.append(replace(cause, locus=(*cause.locus, scene.locus(host, step.decision.interface))))
        elif resolution.kind == "static" and state.owner_of(resolution.address) is None:
            found.append(scene.cause("wrong-static-neighbour", host, by, direction=step.direction))
        if len(set(resolution.answers)) > 1 and resolution.kind == "answered":
            # Whoever has a part in this conversation is meant to have its address.
            spare = min(resolution.answers, key=lambda place: scene.part(place[0]) != "bystander")
            found.append(scene.cause("duplicate-address", spare[0], by, interface=spare[1], certainty="likely"))
    return [*found, *_two_of_us(scene)]


def _two_of_us(scene: Scene) -> list[StateCause]:
    """Another host on the sender's (or the target's) segment has its address."""
    found = []
    for name in (scene.sender, scene.target):
        if name is None or name not in scene.network.hosts:
            continue
        for interface, address in scene.own_addresses(name):
            for place in scene.neighbours((name, interface.name)):
                other = scene.host(place[0]).interface(place[1])
                if any(each.local == address.local for each in scene.addresses(other)):
                    by = Decider("address", f"{address.local} dev {place[1]}", place[1], address.local)
                    found.append(scene.cause("duplicate-address", place[0], by, certainty="proved"))
            if "dadfailed" in address.flags:
                by = Decider("address", f"{address.local} dadfailed", interface.name, address.local)
                found.append(scene.cause("duplicate-address", name, by))
    return found


_SIMPLE = {
    "rp-filter": "rp-filter-strict",
    "echo-ignored": "echo-ignored-by-target",
    "broadcast-ignored": "broadcast-echo-ignored",
    "ipv6-disabled": "ipv6-disabled",
    "nobody-answers": "destination-host-absent-on-link",
    "loopback-down": "loopback-down",
    "conntrack-full": "conntrack-table-full",
}


def _of_stop(scene: Scene, stop: Stop) -> list[StateCause]:
    reason, by = stop.reason, stop.decision.by
    if stop.decision.packet.in_interface is None and reason in _SENDER_REASONS:
        is_senders = stop.host == scene.sender or stop.direction == "request"
        return blame_refused(scene, stop) if is_senders else blame_no_way(scene, stop)
    if reason in _SIMPLE:
        return [scene.cause(_SIMPLE[reason], stop.host, by, direction=stop.direction)]
    ask = _ASK.get(reason)
    return ask(scene, stop) if ask else []


def _untrue_source(scene: Scene, stop: Stop) -> list[StateCause]:
    if stop.host == scene.sender and (found := turned_back(scene)):
        return found
    return blame_silence(scene, stop.host, stop.reason, stop.decision.by, stop)


def _filtered(scene: Scene, stop: Stop) -> list[StateCause]:
    look = next((each for each in stop.decision.looks if each.verdict.stops), None)
    by = stop.decision.by
    cause = scene.cause(
        filter_cause(scene.part(stop.host), stop.decision.hook), stop.host, by, direction=stop.direction
    )
    packet = look.verdict.packet if look else stop.decision.packet
    found = [cause]
    about_fragments = look is not None and look.verdict.rule is not None and "frag" in str(look.verdict.rule.statements)
    if packet.is_fragment or (packet.is_fragmented and about_fragments):
        found.insert(0, replace(cause, cause="fragments-filtered"))
    elif packet.connection == "invalid" and stop.direction != "request" and scene.part(stop.host) == "router":
        found.insert(0, replace(cause, cause="stateful-filter-asymmetric-path"))
    if look is not None and look.verdict.rule is not None:
        kinds = {key for statement in look.verdict.rule.statements for key in statement}
        if "limit" in kinds and packet.is_echo_request:
            found.insert(0, replace(cause, cause="icmp-rate-limited"))
    return found


def _expired(scene: Scene, stop: Stop) -> list[StateCause]:
    """Too few hops to begin with, or a circle? Sending it again with all hops tells."""
    leg = scene.path.leg(stop.direction)
    if leg is None or stop.reason == "loop":
        return [_loop(scene, stop)]
    again = travel(scene.network, leg.steps[0].decision.host, replace(leg.packet, ttl=255), stop.direction, {})
    if again.stop is not None and again.stop.reason == "loop":
        return [_loop(scene, again.stop)]
    if stop.direction == "request":
        chosen = leg.packet.ttl or default_ttl(scene.host(scene.sender), scene.family, leg.steps[0].decision.interface)
        return [scene.cause("ttl-too-low", scene.sender, Decider("ttl", f"TTL {chosen}"), role="command")]
    first = leg.steps[0].decision
    return [scene.cause("reply-ttl-too-low", first.host, Decider("ttl", f"TTL {first.packet.ttl}"), direction="reply")]


def _loop(scene: Scene, stop: Stop) -> StateCause:
    leg = scene.path.leg(stop.direction)
    circle: dict[str, Decider | None] = {}
    for step in leg.steps if leg else ():
        if step.decision.verdict == "forwarded":
            circle[step.decision.host] = step.decision.by
    circle[stop.host] = stop.decision.by
    cause = scene.cause("routing-loop", stop.host, stop.decision.by, direction=stop.direction)
    return replace(cause, locus=tuple(scene.locus(name, by=by) for name, by in circle.items()))


def _too_big(scene: Scene, stop: Stop) -> list[StateCause]:
    """A smaller MTU that is told is one thing; a message that is lost another."""
    error = scene.path.leg("error")
    by = stop.decision.by
    told = scene.cause("path-mtu-exceeded", stop.host, by, direction=stop.direction)
    if error is None or error.stop is None:
        return [told]
    lost = replace(
        told, cause="pmtu-blackhole", locus=(*told.locus, scene.locus(error.stop.host, by=error.stop.decision.by))
    )
    return [lost, replace(told, certainty="likely")]


_ASK = {
    "filter": _filtered,
    "no-route": blame_no_way,
    **dict.fromkeys(REFUSING, blame_no_way),
    "forwarding-off": blame_forwarding,
    "unresolved": blame_unresolved,
    "lost": blame_lost,
    "nobody-has-mac": blame_lost,
    "noarp": blame_lost,
    "no-listener": blame_service,
    "bound-to-loopback": blame_service,
    "accept-queue-full": blame_service,
    "unexpected-source": blame_service,
    "elsewhere": blame_service,
    "other-interface": blame_binding,
    "ttl-expired": _expired,
    "loop": _expired,
    "too-big": _too_big,
    "martian": _untrue_source,
    "beyond-scope": _untrue_source,
}
