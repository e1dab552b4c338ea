"""Whose MAC does the next hop have: ARP and neighbour discovery recomputed, answer by answer.

Source: RFC 826; RFC 4861 section 7.2; arp_process() in net/ipv4/arp.c, ndisc_recv_ns() in net/ipv6/ndisc.c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.state.addresses import UNSPECIFIED, parse, to_text
from explain.state.carry import BROADCAST, Obstacle, carry
from explain.state.decision import Decider, worded
from explain.state.hooks import filter_decider
from explain.state.network import Network, Place, owners, place_of_mac, segment
from explain.state.packet import Packet
from explain.state.packet_values import Context
from explain.state.reverse import refusal, way_back
from explain.state.routes import Query, look_up
from explain.state.ruleset import ruleset_of
from explain.state.settings import arp_filter, arp_ignore, is_router, proxy_arp
from explain.state.verdict import decide as verdict_of

if TYPE_CHECKING:
    from explain.state.records import HostState, Interface, Neighbour

_HEARD = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE"})


@dataclass(frozen=True, slots=True)
class Silence:
    """A host that has the address and does not say so, or whose answer is lost.

    Attributes:
        reason: ``noarp``, ``arp-ignore``, ``arp-filter``, ``rp-filter``, ``martian``, ``tentative``,
            ``filter``, ``ipv6-disabled``, ``other-interface``, or an obstacle's reason.
    """

    place: Place
    reason: str
    by: Decider | None = None
    hook: str | None = None
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a next hop's MAC is found.

    Attributes:
        kind: ``needless``, ``static`` (a permanent entry), ``own-mac`` (NOARP), ``answered``, ``proxied``,
            ``silent`` (nobody answers) or ``unseen`` (who answers is not among the given states).
        mac: the MAC that frames go to, if any.
        place: who has this MAC, if a state shows it.
        answers: every place that would answer.
        silences: every owner of the address on this segment that stays unheard, and why.
        obstacles: where copies of the question were lost.
        entry: what the neighbour table says now.
    """

    kind: str
    address: str | None
    mac: str | None = None
    place: Place | None = None
    answers: tuple[Place, ...] = ()
    silences: tuple[Silence, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    entry: Neighbour | None = None

    @property
    def is_found(self) -> bool:
        """Whether frames can be sent."""
        return self.kind != "silent"


def resolve(network: Network, host: str, device: str, address: str | None, source: str | None) -> Resolution:
    """Find out to which MAC a host sends for a next hop.

    Args:
        network: the hosts and their cables.
        host: who asks.
        device: on which interface.
        address: the next hop; None needs no MAC (broadcast, multicast).
        source: the address that the question is asked from.
    """
    state = network.hosts[host]
    interface = state.interface(device)
    if address is None:
        return Resolution("needless", None, BROADCAST)
    if interface is None or (interface.link_type not in {None, "ether"} and interface.mac is None):
        beyond = network.beyond((host, device))
        return Resolution("needless", address, None, beyond[0] if beyond else None)
    entry = _entry(state, device, address)
    if entry is not None and entry.mac and entry.states & {"PERMANENT", "NOARP"}:
        return Resolution("static", address, entry.mac, place_of_mac(network, entry.mac), entry=entry)
    if not interface.resolves:
        return Resolution("own-mac", address, interface.mac, None, entry=entry)
    return _ask(network, (host, device), interface, address, source, entry)


def _entry(state: HostState, device: str, address: str) -> Neighbour | None:
    for each in state.neighbours or ():
        if each.address == address and each.device == device and not each.is_proxy:
            return each
    return None


def question(asker: Interface, address: str, source: str | None) -> Packet:
    """The ARP request, or the neighbour solicitation to the solicited-node group. Source: RFC 4861 section 7.2.2."""
    parsed = parse(address)
    if parsed is None or parsed[0] == 4:
        return Packet(address, "arp", source, source_mac=asker.mac, destination_mac=BROADCAST, length=28)
    group = to_text(6, 0xFF02 << 112 | 1 << 32 | 0xFF000000 | parsed[1] & 0xFFFFFF)
    tail = parsed[1] & 0xFFFFFF
    mac = f"33:33:ff:{tail >> 16:02x}:{tail >> 8 & 255:02x}:{tail & 255:02x}"
    return Packet(
        group, "icmpv6", source, 135, 0, ttl=255, length=72, connection="untracked",
        source_mac=asker.mac, destination_mac=mac,
    )  # fmt: skip


def reply(owner: Interface, asker: Interface, address: str, source: str | None) -> Packet:
    """The ARP reply, or the neighbour advertisement."""
    if ":" not in address:
        return Packet(
            source or UNSPECIFIED[4], "arp", address, source_mac=owner.mac, destination_mac=asker.mac, length=28
        )
    return Packet(
        source or "ff02::1", "icmpv6", address, 136, 0, ttl=255, length=72, connection="untracked",
        source_mac=owner.mac, destination_mac=asker.mac,
    )  # fmt: skip


def _ask(
    network: Network, asker: Place, interface: Interface, address: str, source: str | None, entry: Neighbour | None
) -> Resolution:
    asked = question(interface, address, source)
    state = network.hosts[asker[0]]
    blocked = _hook(state, "output", asked, None, asker[1])
    if blocked is not None:
        silence = Silence(asker, "filter", blocked, "output")
        return Resolution("silent", address, silences=(silence,), entry=entry)
    trip = carry(network, asker, asked, is_small=True)
    answers: list[Place] = []
    proxies: list[Place] = []
    silences: list[Silence] = []
    for place in trip.arrivals:
        if place[0] != asker[0]:
            _hear(network, asker, place, interface, address, source, (answers, proxies, silences))
    reached = {place[0] for place in trip.arrivals}
    for place in owners(network, segment(network, asker), address):
        if place[0] not in reached and place[0] != asker[0]:
            obstacle = _on_the_way(network, asker, place, trip.obstacles)
            reason = obstacle.reason if obstacle else "unseen"
            silences.append(Silence(place, reason, obstacle.by if obstacle else None, obstacle=obstacle))
    return _concluded(network, asker, address, entry, answers, proxies, silences, trip.obstacles)


def _on_the_way(network: Network, asker: Place, owner: Place, obstacles: tuple[Obstacle, ...]) -> Obstacle | None:
    """Of all places where copies were lost, the one that lies between the asker and the owner."""
    for obstacle in obstacles:
        if obstacle.host == owner[0]:
            return obstacle
    for obstacle in obstacles:
        if (obstacle.host, obstacle.interface) == asker or obstacle.reason == "bridge-down":
            return obstacle
    for obstacle in obstacles:
        behind = [place for place in network.beyond((obstacle.host, obstacle.interface)) if place != asker]
        if any(owner == place or owner in segment(network, place) for place in behind):
            near = {place for place in behind if place[0] in {owner[0], asker[0]}}
            if near or len(obstacles) == 1:
                return obstacle
    return obstacles[0] if obstacles else None


_Heard = tuple[list[Place], list[Place], list[Silence]]


def _hear(
    network: Network, asker: Place, place: Place, interface: Interface, address: str, source: str | None, into: _Heard
) -> None:
    """Whether the host at a place answers, and whether its answer comes back."""
    answers, proxies, silences = into
    state = network.hosts[place[0]]
    is_owner = state.owner_of(address) is not None or _is_local(state, address)
    if not is_owner:
        if _is_proxy(state, place[1], address):
            proxies.append(place)
        return
    silence = _silent(state, place, address, source, question(interface, address, source))
    if silence is None:
        silence = _lost(network, asker, place, interface, address, source)
    if silence is None:
        answers.append(place)
    else:
        silences.append(silence)


def _is_local(state: HostState, address: str) -> bool:
    if ":" in address:
        return False
    return look_up(state, Query(4, address, is_strict=False)).kind == "local"


def _is_proxy(state: HostState, device: str, address: str) -> bool:
    """Whether the host answers for somebody else. Source: RFC 1027, RFC 4389."""
    if any(each.address == address and each.device == device for each in state.proxies or ()):
        return is_router(state, 6 if ":" in address else 4)
    if ":" in address or proxy_arp(state, device).value != 1 or not is_router(state, 4):
        return False
    found = look_up(state, Query(4, address, is_strict=False))
    return found.kind == "unicast" and found.nexthop is not None and found.nexthop.device != device


def _silent(state: HostState, place: Place, address: str, source: str | None, asked: Packet) -> Silence | None:
    """Why an owner that hears the question does not answer it."""
    device = state.interface(place[1])
    if device is None:
        return None
    blocked = _hook(state, "ingress", asked, place[1], None) or _hook(state, "input", asked, place[1], None)
    if blocked is not None:
        hook = "ingress" if _hook(state, "ingress", asked, place[1], None) else "input"
        return Silence(place, "filter", blocked, hook)
    if "NOARP" in device.flags:
        return Silence(place, "noarp", Decider("interface", f"{place[1]} NOARP", place[1]))
    if ":" in address:
        own = [each for each in device.addresses or () if each.local == address]
        if not own:
            return Silence(place, "other-interface", Decider("address", address, place[1], address))
        if not own[0].is_usable:
            flags = " ".join(sorted(own[0].flags & {"tentative", "dadfailed"}))
            return Silence(place, "tentative", Decider("address", f"{address} {flags}", place[1], address))
        return None
    return _silent_v4(state, place, address, source)


def _silent_v4(state: HostState, place: Place, address: str, source: str | None) -> Silence | None:
    device = state.interface(place[1])
    ignore = arp_ignore(state, place[1])
    here = {each.local for each in (device.addresses if device else None) or ()}
    if ignore.value == 8 or (ignore.value in {1, 2} and address not in here):
        by = Decider("sysctl", f"{ignore.name} = {ignore.value}", place[1])
        return Silence(place, "arp-ignore", by)
    if source is None:
        return None
    packet = Packet(address, "arp", source, in_interface=place[1])
    bad = refusal(state, packet, place[1])
    if bad is not None:
        setting = bad[1]
        if setting:
            return Silence(place, bad[0], Decider("sysctl", f"{setting.name} = {setting.value}", place[1], source))
        text = f"{source} is this host's own address"
        return Silence(place, bad[0], worded("address", text, "own-source", place[1], source, source=source))
    if ignore.value == 2 and not any(
        each.network and each.network.covers(source) for each in (device.addresses if device else None) or ()
    ):
        return Silence(place, "arp-ignore", Decider("sysctl", f"{ignore.name} = 2", place[1]))
    filtered = arp_filter(state, place[1])
    if filtered.value == 1:
        back = way_back(state, source, address)
        if back.nexthop is not None and back.nexthop.device != place[1]:
            return Silence(place, "arp-filter", Decider("sysctl", f"{filtered.name} = 1", place[1]))
    return None


def _lost(
    network: Network, asker: Place, place: Place, interface: Interface, address: str, source: str | None
) -> Silence | None:
    """Whether an answer that was given gets back to the asker."""
    state, own = network.hosts[place[0]], network.hosts[place[0]].interface(place[1])
    if own is None:
        return None
    told = reply(own, interface, address, source)
    blocked = _hook(state, "output", told, None, place[1])
    if blocked is not None:
        return Silence(place, "filter", blocked, "output")
    trip = carry(network, place, told, is_small=True)
    if asker not in trip.arrivals:
        obstacle = trip.obstacles[0] if trip.obstacles else None
        reason = obstacle.reason if obstacle else "unseen"
        return Silence(place, reason, obstacle.by if obstacle else None, obstacle=obstacle)
    for hook in ("ingress", "input"):
        blocked = _hook(network.hosts[asker[0]], hook, told, asker[1], None)
        if blocked is not None:
            return Silence(asker, "filter", blocked, hook)
    return None


def _hook(state: HostState, hook: str, packet: Packet, in_device: str | None, out_device: str | None) -> Decider | None:
    """What stops an ARP or ND message at a hook of a host."""
    wanted: tuple[str, ...] = ("arp",) if packet.protocol == "arp" else ("ip6", "inet")
    if hook == "ingress":
        wanted = ("netdev",)
    hooks = [hook] if packet.protocol == "arp" or hook != "input" else ["prerouting", "input"]
    hooks = [*hooks, "postrouting"] if packet.protocol != "arp" and hook == "output" else hooks
    for name in hooks:
        context = Context(state, wanted[0], in_device, out_device)
        verdict = verdict_of(ruleset_of(state), wanted, name, replace(packet, packet_type="multicast"), context)
        if verdict.stops:
            return filter_decider(verdict)
    return None


def _concluded(
    network: Network,
    asker: Place,
    address: str,
    entry: Neighbour | None,
    answers: list[Place],
    proxies: list[Place],
    silences: list[Silence],
    obstacles: tuple[Obstacle, ...],
) -> Resolution:
    """Who is believed: the table's answer where there is one, else the first that answers."""
    heard = entry.mac if entry is not None and entry.states & _HEARD else None
    believed = answers or proxies
    chosen: Place | None = believed[0] if believed else None
    table = place_of_mac(network, heard)
    if table is not None and (table in answers or table in segment(network, asker)):
        chosen = table
    if chosen is None:
        is_unseen = any(each.reason == "unseen" for each in obstacles)
        if heard is not None:
            return Resolution("unseen", address, heard, table, (), tuple(silences), obstacles, entry)
        kind = "unseen" if is_unseen and not silences and not _failed(entry) else "silent"
        return Resolution(kind, address, None, None, (), tuple(silences), obstacles, entry)
    owner = network.interface(chosen)
    kind = "answered" if chosen in answers else "proxied" if chosen in proxies else "answered"
    mac = heard if chosen == table else owner.mac if owner else None
    return Resolution(kind, address, mac, chosen, tuple(answers or proxies), tuple(silences), obstacles, entry)


def _failed(entry: Neighbour | None) -> bool:
    return entry is not None and bool(entry.states & {"FAILED", "INCOMPLETE"})
