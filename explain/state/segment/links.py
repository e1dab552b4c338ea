"""Which interfaces are joined, guessed from what the states say of each other.

A veth names the index of its other end; packet counters, carriers, neighbour entries, forwarding
tables and subnets then tell which of several candidates it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local
from explain.state.segment.network import Link, Network, Place, from_links, is_bridge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from explain.state.records import HostState, Interface

_MOST_HOSTS = 512


def join(states: Iterable[HostState], links: Iterable[Link] | None = None) -> Network:
    """The network of some hosts.

    Args:
        states: one of each host; of two with one name the later counts.
        links: the cables as (host, interface, host, interface); derived where None.
    """
    hosts = {state.name: state for state in list(states)[:_MOST_HOSTS]}
    if links is not None:
        return Network(hosts, _lifted(hosts, from_links(links)), is_given=True)
    peers = _lifted(hosts, _matched(hosts))
    return Network(hosts, peers, _clouds(hosts, peers))


def _lifted(hosts: Mapping[str, HostState], peers: dict[Place, Place]) -> dict[Place, Place]:
    """A macvlan alone over a card without an address takes what comes for the host by the card's cable.

    Source: ip-link(8), MACVLAN and MACVTAP type support.
    """
    lifted = dict(peers)
    for name, state in hosts.items():
        over = [each for each in state.interfaces or () if each.kind == "macvlan"]
        for each in over:
            card = state.interface(each.lower)
            is_bare = card is not None and all(is_link_local(own.local) for own in card.addresses or ())
            peer = peers.get((name, each.lower or ""))
            if peer is not None and is_bare and [other.lower for other in over].count(each.lower) == 1:
                lifted[(name, each.name)], lifted[peer] = peer, (name, each.name)
    return lifted


def _outward(hosts: Mapping[str, HostState]) -> list[tuple[Place, Interface]]:
    """Interfaces that a cable may be plugged into."""
    return [
        ((name, each.name), each)
        for name, state in hosts.items()
        for each in state.interfaces or ()
        if not each.is_loopback and not is_bridge(state, each.name)
    ]


def _matched(hosts: Mapping[str, HostState]) -> dict[Place, Place]:
    """Pairs of veth ends, best evidence first; each end is used once."""
    ends = _outward(hosts)
    macs = _hints(hosts)
    scored = []
    by_index: dict[tuple[int | None, int | None], list[tuple[Place, Interface]]] = {}
    for place, one in ends:
        by_index.setdefault((one.index, one.link_index), []).append((place, one))
    for place, one in ends:
        for other_place, other in by_index.get((one.link_index, one.index), ()):
            if other_place <= place or (other_place[0] == place[0] and one.link_netnsid is not None):
                continue
            scored.append((_likeness(place, one, other_place, other, macs), place, other_place))
    scored.sort(key=lambda each: (-each[0], each[1], each[2]))
    peers: dict[Place, Place] = {}
    for score, place, other_place in scored:
        if place not in peers and other_place not in peers and score > 0:
            peers[place], peers[other_place] = other_place, place
    return peers


def _hints(hosts: Mapping[str, HostState]) -> set[tuple[Place, str]]:
    """Places together with a MAC that was heard there."""
    heard: set[tuple[Place, str]] = set()
    for name, state in hosts.items():
        for entry in state.neighbours or ():
            if entry.mac and entry.device and "PERMANENT" not in entry.states:
                heard.add(((name, entry.device), entry.mac))
        for learnt in state.fdb or ():
            if learnt.state != "permanent" and "self" not in learnt.flags:
                heard.add(((name, learnt.device), learnt.mac))
    return heard


def _likeness(
    place: Place,
    one: Interface,
    other_place: Place,
    other: Interface,
    heard: set[tuple[Place, str]],
) -> float:
    """How well two ends fit; zero or less is no fit."""
    score = 1.0
    if one.has_carrier != other.has_carrier and one.is_up and other.is_up:
        score -= 5
    if one.is_up and not one.has_carrier and not other.is_up:
        score += 3
    for received, sent in ((one.rx_packets, other.tx_packets), (other.rx_packets, one.tx_packets)):
        if received is not None and sent is not None:
            score += 2 if received == sent else -min(3.0, abs(received - sent) / 4)
    if (place, other.mac or "") in heard or (other_place, one.mac or "") in heard:
        score += 6
    networks = {address.network for address in one.addresses or () if not is_link_local(address.local)}
    others = {address.network for address in other.addresses or () if not is_link_local(address.local)}
    if networks & others:
        score += 4
    elif networks and others:
        score -= 4
    return score


def _clouds(hosts: Mapping[str, HostState], peers: Mapping[Place, Place]) -> tuple[frozenset[Place], ...]:
    """Interfaces without a known other end, grouped by the prefixes they share."""
    loose = [(place, each) for place, each in _outward(hosts) if place not in peers and not each.master]
    groups: dict[object, set[Place]] = {}
    for place, interface in loose:
        for address in interface.addresses or ():
            if not is_link_local(address.local) and address.network is not None:
                groups.setdefault(address.network, set()).add(place)
    whole: dict[Place, frozenset[Place]] = {}
    for group in groups.values():
        merged = frozenset(group).union(*(whole[place] for place in group if place in whole))
        whole.update(dict.fromkeys(merged, merged))
    return tuple(each for each in dict.fromkeys(whole.values()) if len(each) > 1)
