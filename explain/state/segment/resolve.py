"""Whose MAC does the next hop have: ARP and neighbour discovery recomputed, answer by answer.

Source: RFC 826; RFC 4861 section 7.2; arp_process() in net/ipv4/arp.c, ndisc_recv_ns() in net/ipv6/ndisc.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.state.routing.routes import Query, look_up
from explain.state.segment.carry import BROADCAST, Obstacle, carry
from explain.state.segment.neighbour_question import Question, Silence, stopped, unheard
from explain.state.segment.network import Network, Place, owners, place_of_mac, segment
from explain.state.settings import is_router, proxy_arp

if TYPE_CHECKING:
    from explain.state.records import HostState, Interface, Neighbour

_HEARD = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE"})
_TUNNELS = frozenset({"vxlan", "geneve", "gretap", "ip6gretap"})
"""Kinds of Ethernet that packets carry. Source: ip-link(8), TYPE."""


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
    if entry is not None and entry.mac and ("PERMANENT" in entry.states or _is_unasked(entry, interface)):
        return Resolution("static", address, entry.mac, place_of_mac(network, entry.mac), entry=entry)
    if not interface.resolves:
        return Resolution("own-mac", address, interface.mac, None, entry=entry)
    return _ask(Question(network, (host, device), interface, address, source), entry)


def _is_unasked(entry: Neighbour, interface: Interface) -> bool:
    """Whether somebody made it so; where an interface asks for nobody, the kernel makes every entry so."""
    return "NOARP" in entry.states and interface.resolves


def _entry(state: HostState, device: str, address: str) -> Neighbour | None:
    for each in state.neighbours or ():
        if each.address == address and each.device == device and not each.is_proxy:
            return each
    return None


@dataclass(frozen=True, slots=True)
class _Heard:
    """Who answers for himself, who for another, and who ought to and stays unheard; all are filled place by place."""

    answers: list[Place]
    proxies: list[Place]
    silences: list[Silence]


def _ask(asked: Question, entry: Neighbour | None) -> Resolution:
    network, asker = asked.network, asked.asker
    blocked = stopped(network.hosts[asker[0]], "output", asked.packet, None, asker[1])
    if blocked is not None:
        silence = Silence(asker, "filter", blocked, "output")
        return Resolution("silent", asked.address, silences=(silence,), entry=entry)
    trip = carry(network, asker, asked.packet, is_small=True)
    heard = _Heard([], [], [])
    for place in trip.arrivals:
        if place[0] != asker[0]:
            _hear(asked, place, heard)
    reached = {place[0] for place in trip.arrivals}
    for place in owners(network, segment(network, asker), asked.address):
        if place[0] not in reached and place[0] != asker[0]:
            obstacle = _on_the_way(asked, place, trip.obstacles)
            reason = obstacle.reason if obstacle else "unseen"
            heard.silences.append(Silence(place, reason, obstacle.by if obstacle else None, obstacle=obstacle))
    return _concluded(asked, entry, heard, trip.obstacles)


def _on_the_way(asked: Question, owner: Place, obstacles: tuple[Obstacle, ...]) -> Obstacle | None:
    """Of all places where copies were lost, the one that lies between the asker and the owner."""
    network, asker = asked.network, asked.asker
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


def _hear(asked: Question, place: Place, heard: _Heard) -> None:
    """Whether the host at a place answers, and whether its answer comes back."""
    state = asked.network.hosts[place[0]]
    if state.owner_of(asked.address) is None and not _is_local(state, asked.address):
        if _is_proxy(state, place[1], asked.address):
            heard.proxies.append(place)
        return
    silence = unheard(asked, place)
    if silence is None:
        heard.answers.append(place)
    else:
        heard.silences.append(silence)


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


def _concluded(asked: Question, entry: Neighbour | None, heard: _Heard, obstacles: tuple[Obstacle, ...]) -> Resolution:
    """Who is believed: the table's answer where there is one, else the first that answers."""
    network, address, silences = asked.network, asked.address, tuple(heard.silences)
    known = entry.mac if entry is not None and entry.states & _HEARD else None
    believed = heard.answers or heard.proxies
    chosen: Place | None = believed[0] if believed else None
    table = place_of_mac(network, known)
    if table is not None and (table in heard.answers or table in segment(network, asked.asker)):
        chosen = table
    if chosen is None:
        if known is not None:
            return Resolution("unseen", address, known, table, (), silences, obstacles, entry)
        # That a question was in vain does not tell where, if a tunnel was to carry it.
        is_open = asked.interface.kind in _TUNNELS or not _failed(entry)
        is_unseen = any(each.reason == "unseen" for each in obstacles) and not silences and is_open
        kind = "unseen" if is_unseen else "silent"
        return Resolution(kind, address, None, None, (), silences, obstacles, entry)
    owner = network.interface(chosen)
    kind = "proxied" if chosen in heard.proxies and chosen not in heard.answers else "answered"
    mac = known if chosen == table else owner.mac if owner else None
    return Resolution(kind, address, mac, chosen, tuple(believed), silences, obstacles, entry)


def _failed(entry: Neighbour | None) -> bool:
    return entry is not None and bool(entry.states & {"FAILED", "INCOMPLETE"})
