"""What each look would have shown in a recording, read off its states and captures; None where they do not tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from explain.causes.context import context_of
from explain.causes.diagnosis import Look, Witnesses
from explain.causes.wires.witness import Wires, wires_of
from explain.cli.ping.case_folder import read_case
from explain.cli.ping.witnesses import Given, gather
from explain.state.addresses import is_link_local
from explain.state.filters.ruleset import ruleset_of
from explain.state.packet import echo
from explain.state.records import HostState
from explain.state.routing.routes import Query, look_up
from explain.state.segment.network import segment
from explain.state.walk import walk
from explain.state.way.scene import Scene

_STOPS = {"drop", "reject"}
_NATS = {"masquerade", "snat", "dnat", "redirect"}
_REFUSED = {"blackhole", "unreachable", "prohibit"}


@dataclass(frozen=True)
class Site:
    """A recording with everything known."""

    folder: Path

    @cached_property
    def all(self) -> Witnesses:
        return gather(Given(case=self.folder))

    @cached_property
    def wires(self) -> Wires | None:
        context = context_of(self.all)
        return wires_of(self.all, context)

    @property
    def family(self) -> int:
        return read_case(self.folder).family or 4

    @property
    def target(self) -> str | None:
        text = self.all.text.target_address if self.all.text else None
        found = (text or self.all.destination or "").partition("%")[0]
        try:
            return str(ip_address(found))
        except ValueError:
            return None

    def hosts(self, part: str) -> list[HostState]:
        roles = self.all.topology.roles
        letters = {"sender": "S", "target": "T", "switch": "SW"}
        return [
            each for each in self.all.states
            if (roles.get(each.name, "")[:1] == "R" if part == "router" else roles.get(each.name) == letters[part])
        ]  # fmt: skip

    def meant(self) -> HostState | None:
        """The target, if it is the one that is asked; not where a router's own address is."""
        hosts = self.hosts("target")
        owner = next((each.name for each in self.all.states if self.target and each.owner_of(self.target)), None)
        return hosts[0] if hosts and owner in {None, hosts[0].name} else None

    @cached_property
    def scene(self) -> Scene:
        links = list(self.all.topology.links or ())
        to = self.target or ("192.0.2.1" if self.family == 4 else "2001:db8::1")
        roles = dict(self.all.topology.roles)
        return Scene(walk(self.all.states, echo(to), self.all.sender or "", links=links, roles=roles))

    @cached_property
    def source(self) -> str | None:
        sender = self.hosts("sender")
        own = [
            address.local
            for state in sender
            for interface, address in state.addresses(self.family)
            if not interface.is_loopback and not is_link_local(address.local)
        ]
        return own[0] if own else None


def _address(site: Site) -> str | None:
    (host,) = site.hosts("sender") or (None,)
    if host is None or site.target is None or host.interfaces is None:
        return None
    if any(not each.is_up for each in host.interfaces):
        return "down"
    wired = [each for each in host.interfaces if not each.is_loopback]
    if any("LOWER_UP" not in each.flags for each in wired):
        return "carrier"
    named = [each.addresses or () for each in wired]
    own = [[one for one in each if one.family == site.family and not is_link_local(one.local)] for each in named]
    if any(not one.is_usable for each in own for one in each):
        return "tentative"
    if not all(own):
        return "none"
    places = [(host.name, each.name) for each in wired]
    is_other = any(site.scene.mask_error(place) or site.scene.is_misplaced(place) for place in places)
    return "other" if is_other else "fine"


def _way(site: Site) -> str | None:
    hosts = site.hosts("sender")
    if not hosts or site.target is None:
        return None
    found = look_up(hosts[0], Query(site.family, site.target, site.source))
    if found.kind == "no-route":
        return "none"
    if found.kind in _REFUSED or found.is_by_rule:
        return "refuses"
    return "gateway" if found.nexthop is not None and found.nexthop.gateway else "direct"


def _neighbour(site: Site) -> str | None:
    hosts = site.hosts("sender")
    entries = [
        each for each in (hosts[0].neighbours if hosts else None) or () if (":" in each.address) == (site.family == 6)
    ]
    if any("PERMANENT" in each.states for each in entries):
        return "permanent"
    return "failed" if any(each.states & {"FAILED", "INCOMPLETE"} for each in entries) else "known"


def _does(state: HostState, what: set[str]) -> bool:
    ruleset = ruleset_of(state)
    chains, maps = ruleset.chains.values(), str(tuple(ruleset.sets.values()))
    policies = any(each.policy == "drop" for each in chains) and "drop" in what
    return policies or any(
        what & set(statement)
        or ("vmap" in statement and any(f"'{verdict}'" in f"{statement} {maps}" for verdict in what))
        for each in chains
        for rule in each.rules
        for statement in rule.statements
    )


def _filter(part: str) -> Callable[[Site], str | None]:
    def ask(site: Site) -> str | None:
        hosts = site.hosts(part)
        if not hosts:
            return None
        if any(_does(each, _STOPS) for each in hosts):
            return "rule"
        if part == "target":
            name = "net.ipv4.icmp_echo_ignore_all" if site.family == 4 else "net.ipv6.icmp.echo_ignore_all"
            return "ignore" if hosts[0].sysctl(name) == 1 else "none"
        return "nat" if part == "router" and any(_does(each, _NATS) for each in hosts) else "none"

    return ask


def _sender_wire(site: Site) -> str | None:
    wires = site.wires
    if wires is None or not wires.is_listening:
        return None
    if wires.count("replies") or wires.count("resets") or any(spot.errors for spot in wires.sender):
        return "answered"
    if wires.has_left():
        return "silent"
    return "asks" if wires.open_questions() or wires.closed_questions() else "nothing"


def _target_wire(site: Site) -> str | None:
    wires = site.wires if site.meant() is not None else None
    parts = wires.fate.parts if wires is not None else {}
    spots = [spot for spot in (wires.spots if wires else ()) if parts.get(spot.node or "") == "target"]
    if not spots or not all(spot.is_whole for spot in spots):
        return None
    own = {one.src for spot in spots for one in spot.requests}
    if any(spot.replies or spot.resets or any(e.about_src in own for e in spot.errors) for spot in spots):
        return "replies"
    return "arrives" if any(spot.requests for spot in spots) else "absent"


def _target_address(site: Site) -> str | None:
    host = site.meant()
    if host is None or site.target is None or host.interfaces is None:
        return None
    if any(not each.is_up for each in host.interfaces if not each.is_loopback):
        return "down"
    return "fine" if host.owner_of(site.target) else "other"


def _target_route(site: Site) -> str | None:
    host = site.meant()
    if host is None or site.source is None:
        return None
    found = look_up(host, Query(site.family, site.source))
    if found.kind != "unicast" or found.nexthop is None:
        return "none"
    if found.nexthop.gateway is None:
        return "fine" if _way(site) == "direct" else None
    near = {place[0] for place in segment(site.scene.network, (host.name, found.nexthop.device or ""))}
    return "fine" if site.scene.owner(found.nexthop.gateway) in near else "wrong"


def _listener(site: Site) -> str | None:
    host = site.meant()
    port = site.all.command.port if site.all.command else None
    if host is None or host.sockets is None or port is None:
        return None
    found = [
        each for each in host.sockets if each.protocol == "tcp" and each.state == "LISTEN" and each.local_port == port
    ]
    if not found:
        return "none"
    if all(each.local.startswith("127.") or each.local == "::1" for each in found):
        return "loopback"
    return "full" if any(each.receive_queue > each.send_queue for each in found) else "listening"


def _forwarding(site: Site) -> str | None:
    routers = site.hosts("router")
    kind = f"net.ipv{site.family}.conf."
    wired = [(state, each.name) for state in routers for each in state.interfaces or () if not each.is_loopback]
    values = [state.sysctl(f"{kind}{name}.forwarding") for state, name in wired]
    return None if not values or None in values else "off" if 0 in values else "on"


def _router_route(site: Site) -> str | None:
    met = {step.decision.host for leg in site.scene.path.legs[:1] for step in leg.steps}
    routers = [each for each in site.hosts("router") if each.name in met]
    if not routers or site.target is None:
        return None
    if any(not each.is_up for state in routers for each in state.interfaces or () if not each.is_loopback):
        return "down"
    kinds = {look_up(state, Query(site.family, site.target)).kind for state in routers}
    if kinds & _REFUSED:
        return "refuses"
    return "none" if "no-route" in kinds else None  # whether the way is the right one, a person must tell


def _switch(site: Site) -> str | None:
    found = {_of_switch(site, state) for state in site.hosts("switch")}
    return next((each for each in ("port", "table", "rule", "fine") if each in found), None)


def _of_switch(site: Site, state: HostState) -> str:
    ports = {each.device: each for each in state.bridge_ports or ()}
    ends = {
        port
        for a, one, b, other in site.all.topology.links or ()
        for name, port in ((a, one), (b, other))
        if name == state.name
    }
    is_bad = any(each not in ports or ports[each].state != "forwarding" or ports[each].is_isolated for each in ends)
    if is_bad or any(not each.is_up for each in state.interfaces or ()):
        return "port"
    own = {each.mac for each in state.interfaces or ()}
    others = [
        each for each in state.fdb or () if each.master and each.mac not in own and int(each.mac[:2], 16) % 2 == 0
    ]
    if any(each.state in {"static", "permanent"} or "sticky" in each.flags for each in others):
        return "table"
    return "rule" if _does(state, _STOPS) else "fine"


LOOKED: dict[str, Callable[[Site], str | None]] = {
    "sender-wire": _sender_wire, "sender-address": _address, "sender-route": _way, "sender-neighbour": _neighbour,
    "sender-filter": _filter("sender"), "target-wire": _target_wire, "target-address": _target_address,
    "target-route": _target_route, "target-filter": _filter("target"), "target-listener": _listener,
    "router-forwarding": _forwarding, "router-route": _router_route, "router-filter": _filter("router"),
    "switch-ports": _switch,
}  # fmt: skip


def excluding(folder: Path, truth: str, looks: tuple[Look, ...]) -> list[str]:
    """The looks whose true result would exclude the truth, in words."""
    site, found = Site(folder), []
    for look in looks:
        name = look.ask.split(".")[2]
        groups = {outcome.rpartition(".")[2]: causes for outcome, causes in look.outcomes}
        result = LOOKED[name](site) if name in LOOKED else None
        if result is not None and truth not in groups.get(result, ()):
            found.append(
                f"{name} shows {result}; {truth} is foretold for {[key for key in groups if truth in groups[key]]}"
            )
    return found
