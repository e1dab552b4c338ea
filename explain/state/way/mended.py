"""What would stop the packet, or its answer, next: each stop is mended in turn, and the walk is made again."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local, parse_network
from explain.state.records import Neighbour, NextHop, Route
from explain.state.routing.routes import REFUSING, Query, look_up
from explain.state.segment.network import Network, Place, segment
from explain.state.settings import is_router

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explain.state.addresses import Network as Prefix
    from explain.state.filters.verdict import Verdict
    from explain.state.packet import Packet
    from explain.state.records import HostState
    from explain.state.way.path import Path, StateCause, Stop

_MOST_MENDS = 8
_SWITCHED_OFF = {
    "forwarding-off": {"net.ipv4.ip_forward": "1", "net.ipv{family}.conf.all.forwarding": "1",
                       "net.ipv{family}.conf.{device}.forwarding": "1"},
    "rp-filter": {"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.{device}.rp_filter": "0"},
    "echo-ignored": {"net.ipv{family}.icmp_echo_ignore_all": "0", "net.ipv6.icmp.echo_ignore_all": "0"},
}  # fmt: skip
_NO_WAY = REFUSING | {"no-route", "loop"}
_NO_FRAME = frozenset(("unresolved", "lost", "nobody-has-mac", "noarp"))
_UNBOUND = frozenset(("unknown-interface", "source-not-local", "other-interface"))
_ABSENT = frozenset(
    ("target-has-other-address", "destination-host-absent-on-link", "destination-host-absent-behind-router")
)
_SMALL = 84


def later_faults(path: Path, again: Callable[[Network, Packet], Path]) -> tuple[StateCause, ...]:
    """The causes behind those that the states show first, in the order in which the packet would meet them.

    Args:
        path: a way that was stopped.
        again: makes the walk through a network that is changed.
    """
    known = {(each.cause, _node(each)) for each in path.causes}
    found: list[StateCause] = []
    now = path
    is_stripped = path.request.family == 6 and any(each.cause.endswith("interface-down") for each in path.causes)
    # With an interface went its IPv6 addresses, and nobody tells who would have which.
    for _ in range(0 if is_stripped else _MOST_MENDS):
        mended = _mended(now)
        if now.stop is None or not now.stop.is_certain or mended is None:
            break
        now = again(*mended)
        if now.outcome == "stopped" and not _is_consequence(path, now):
            found += [each for each in now.causes[:1] if (each.cause, _node(each)) not in known]
        known |= {(each.cause, _node(each)) for each in now.causes}
    return tuple(found)


def _is_consequence(before: Path, now: Path) -> bool:
    """The routes over an interface went when it was taken down; that they are missing is no fault of its own."""
    if now.stop is None or now.stop.reason not in _NO_WAY:
        return False
    state = before.network.hosts[now.stop.host]
    return any(not each.is_up and not each.is_loopback for each in state.interfaces or ())


def _node(cause: StateCause) -> str | None:
    return cause.locus[0].node if cause.locus else None


def _mended(path: Path) -> tuple[Network, Packet] | None:
    """The network and the packet without what stopped it; None where nothing can be known of what lies behind."""
    stop, network = path.stop, path.network
    is_absent = any(each.cause in _ABSENT for each in path.causes[:1])
    if stop is None or is_absent or stop.decision.packet.packet_type == "broadcast":
        return None
    packet = replace(path.request, source=None) if path.request.bound_source is None else path.request
    if stop.reason in _UNBOUND:
        return network, replace(packet, bound_interface=None, bound_source=None, source=None)
    if stop.reason == "too-big":
        return network, replace(packet, length=_SMALL)
    if stop.reason == "ttl-expired" and stop.direction == "request":
        return network, replace(packet, ttl=None)
    hosts = _misleading(path, stop)
    mended = _led_on(network, hosts, stop) if hosts else _host_mended(path, stop)
    return (mended, packet) if mended is not None else None


def _with(network: Network, *states: HostState) -> Network:
    return replace(network, hosts={**network.hosts, **{each.name: each for each in states}})


def _host_mended(path: Path, stop: Stop) -> Network | None:
    """The network with one host's setting changed or rule taken out."""
    state, device = path.network.hosts[stop.host], stop.decision.packet.in_interface
    if stop.reason == "filter":
        look = next((each for each in stop.decision.looks if each.verdict.stops), None)
        return _with(path.network, _without(state, look.verdict)) if look else None
    settings = _SWITCHED_OFF.get(stop.reason)
    if settings is None:
        return None
    named = {name.format(family=path.request.family, device=device): value for name, value in settings.items()}
    return _with(path.network, replace(state, sysctls={**(state.sysctls or {}), **named}))


def _without(state: HostState, verdict: Verdict) -> HostState:
    """A host without the rule that decided, or with a chain that lets pass what no rule decides."""
    rule, chain = verdict.rule, verdict.chain
    where = rule or chain

    def kept(thing: Mapping[str, object]) -> Mapping[str, object] | None:
        value = thing.get("rule" if rule else "chain")
        if not isinstance(value, dict) or where is None or value.get("table") != where.table:
            return thing
        if rule is not None:
            return None if (value.get("chain"), value.get("handle")) == (rule.chain, rule.handle) else thing
        return {"chain": {**value, "policy": "accept"}} if chain and value.get("name") == chain.name else thing

    def line(text: str) -> str:
        if rule is not None:
            return "" if text.endswith(rule.text) else text
        return text.replace(" DROP ", " ACCEPT ") if chain and text.startswith(f":{chain.name} ") else text

    nft = None if state.nft is None else tuple(left for each in state.nft if (left := kept(each)) is not None)
    return replace(
        state,
        nft=nft,
        iptables=None if state.iptables is None else tuple(map(line, state.iptables)),
        ip6tables=None if state.ip6tables is None else tuple(map(line, state.ip6tables)),
    )


def _misleading(path: Path, stop: Stop) -> set[str]:
    """The hosts that need another way to send the packet; empty where the host that stopped it is at fault itself."""
    steps = [step for step in path.steps if step.direction == stop.direction and step.to is not None]
    if stop.reason == "loop":
        return {step.decision.host for step in steps}
    giver = next((step.decision.host for step in reversed(steps) if step.to and step.to[0] == stop.host), None)
    blamed = {_node(each) for each in path.causes[:1]}
    if giver is not None and (giver in blamed or path.roles.get(stop.host) in {"bystander", "switch"}):
        return {giver}
    return {stop.host} if stop.reason in _NO_WAY | _NO_FRAME else set()


def _led_on(network: Network, hosts: set[str], stop: Stop) -> Network | None:
    """The network with a way on from some hosts: a route, a cable, and the next one's MAC."""
    destination = (stop.decision.out or stop.decision.packet).destination
    prefix = parse_network(destination)
    for host in sorted(hosts):
        hop = _next_place(network, host, destination)
        led = _led(network, *hop, prefix) if hop and prefix else None
        if led is None:
            return None
        network = led
    return network


def _next_place(network: Network, host: str, destination: str) -> tuple[Place, Place] | None:
    """By which interface, and to whose, the shortest way leads from a host to the one that has an address.

    A way through routers that know the destination is preferred: another that happens to be shorter is not meant.
    """
    family = 6 if ":" in destination else 4
    routers = {name for name, state in network.hosts.items() if is_router(state, family)}
    routers = set() if is_link_local(destination) else routers
    query = Query(family, destination, is_strict=False)
    knowing = {name for name in routers if look_up(network.hosts[name], query).kind in {"unicast", "local"}}
    return _shortest(network, host, destination, knowing) or _shortest(network, host, destination, routers)


def _shortest(network: Network, host: str, destination: str, through: set[str]) -> tuple[Place, Place] | None:
    waiting: deque[tuple[str, tuple[Place, Place] | None]] = deque([(host, None)])
    seen = {host}
    while waiting:
        here, first = waiting.popleft()
        if network.hosts[here].owner_of(destination) is not None:
            return first
        if here != host and here not in through:
            continue
        for each in network.hosts[here].interfaces or ():
            for other in segment(network, (here, each.name)) if not each.is_loopback and not each.master else ():
                if other[0] not in seen and other[0] in network.hosts:
                    seen.add(other[0])
                    waiting.append((other[0], first or ((here, each.name), other)))
    return None


def _led(network: Network, here: Place, there: Place, prefix: Prefix) -> Network | None:
    """The two places joined by a cable of their own, with what the first needs to send to a host prefix.

    None where the other is a router without an address to send to.
    """
    family, destination = prefix.family, str(prefix)
    host, other = network.hosts[here[0]], network.hosts[there[0]]
    taken = other.interface(there[1])
    own = [each.local for each in (taken.addresses if taken else None) or () if each.family == family]
    gateway = None if other.owner_of(destination) else next(iter(sorted(own, key=is_link_local)), None)
    if gateway is None and not other.owner_of(destination):
        return None
    route = _host_route(prefix, NextHop(gateway, here[1], frozenset({"onlink"})))
    entry = Neighbour(gateway or destination, here[1], taken.mac if taken else None, frozenset({"PERMANENT"}))
    host = replace(
        _raised(host, here[1]),
        routes={**host.routes, family: (route, *host.routes.get(family, ()))},
        neighbours=(entry, *(host.neighbours or ())),
    )
    peers = {**network.peers, here: there, there: here}
    return replace(_with(network, host, _raised(other, there[1])), peers=peers)


def _host_route(prefix: Prefix, hop: NextHop) -> Route:
    """A route that is asked before all others."""
    return Route(
        family=prefix.family,
        network=prefix,
        type="unicast",
        table="local",
        metric=0,
        scope="global",
        protocol="static",
        source=None,
        nexthops=(hop,),
        mtu=None,
        hop_limit=None,
        tos=0,
        preference="medium",
        from_network=None,
        text=f"{prefix} dev {hop.device}",
    )


def _raised(state: HostState, name: str) -> HostState:
    """The host with an interface that is up, plugged in, and no port of anything; a bridge takes its ports along."""
    own = state.interface(name)
    ports = {each.name for each in state.interfaces or () if each.master == name and own is not None and not own.is_up}
    return replace(
        state,
        interfaces=tuple(
            replace(each, flags=each.flags - {"NO-CARRIER", "NOARP"} | {"UP", "LOWER_UP"})
            if each.name == name
            else each
            for each in state.interfaces or ()
        ),
        bridge_ports=state.bridge_ports
        and tuple(replace(each, state="forwarding") if each.device in ports else each for each in state.bridge_ports),
    )
