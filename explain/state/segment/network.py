"""Several hosts as one network: which interface is joined to which, and who shares a segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local

if TYPE_CHECKING:
    from explain.state.records import HostState, Interface

Place = tuple[str, str]
"""A host and one of its interfaces, by name."""
Link = Sequence[str]
"""host, interface, host, interface."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The hosts whose states are known, and the cables between them.

    Attributes:
        hosts: by name.
        peers: the other end of each cable, both ways.
        clouds: interfaces that are taken to share a segment that nobody's state shows.
        is_given: the cables were told, not derived.
    """

    hosts: Mapping[str, HostState]
    peers: Mapping[Place, Place]
    clouds: tuple[frozenset[Place], ...] = ()
    is_given: bool = False

    def interface(self, place: Place) -> Interface | None:
        """The interface at a place."""
        host = self.hosts.get(place[0])
        return host.interface(place[1]) if host else None

    def beyond(self, place: Place) -> list[Place]:
        """The places at the other end of the cable, or of the unseen switch."""
        peer = self.peers.get(place)
        if peer is not None:
            return [peer]
        return [other for cloud in self.clouds if place in cloud for other in sorted(cloud) if other != place]

    def is_joined(self, place: Place) -> bool:
        """Whether it is known what a place is joined to: a host whose state is given, and nothing between."""
        peer = self.peers.get(place)
        return peer is not None and self.interface(peer) is not None

    def ports(self, host: str, bridge: str) -> list[str]:
        """The interfaces of a host that are ports of a bridge."""
        state = self.hosts.get(host)
        return [each.name for each in (state.interfaces if state else None) or () if each.master == bridge]


def is_bridge(state: HostState, name: str) -> bool:
    """Whether an interface is a bridge, by its kind or by having ports."""
    interface = state.interface(name)
    if interface is None:
        return False
    return interface.kind == "bridge" or name in state.masters()


def bridges(state: HostState) -> list[str]:
    """The bridges of a host."""
    return [each.name for each in state.interfaces or () if is_bridge(state, each.name)]


def is_orphan_port(state: HostState, name: str) -> bool:
    """Whether an interface looks like a switch port that was forgotten: no master, no address, on a switch."""
    interface = state.interface(name)
    if interface is None or interface.master or interface.is_loopback or is_bridge(state, name):
        return False
    own = [each for each in interface.addresses or () if not is_link_local(each.local)]
    return not own and is_switch(state)


def is_switch(state: HostState) -> bool:
    """Whether a host is a switch: it has a bridge, and addresses at most on bridges and loopback."""
    names = bridges(state)
    return bool(names) and not any(
        not is_link_local(address.local)
        for each in state.interfaces or ()
        if each.name not in names and not each.is_loopback
        for address in each.addresses or ()
    )


def segment(network: Network, start: Place) -> list[Place]:
    """Every end of the segment that a place is on, as the cables run, whatever is down or blocked.

    Bridges are passed through; the ends are interfaces that are no bridge ports.
    """
    ends: dict[Place, None] = {start: None}
    seen: set[Place] = {start}
    waiting = [*network.beyond(start)]
    state = network.hosts.get(start[0])
    if state is not None and is_bridge(state, start[1]):
        for port in network.ports(*start):
            seen.add((start[0], port))
            waiting += network.beyond((start[0], port))
    while waiting:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        through = _through(network, place)
        if through is None:
            ends[place] = None
            continue
        host, bridge = through
        ends[(host, bridge)] = None
        for port in _all_ports(network, host, bridge):
            if (host, port) not in seen:
                seen.add((host, port))
                waiting += network.beyond((host, port))
    return list(ends)


def _through(network: Network, place: Place) -> Place | None:
    """The bridge that a port belongs to, or should belong to."""
    host, name = place
    state = network.hosts.get(host)
    interface = state.interface(name) if state else None
    if state is None or interface is None:
        return None
    if interface.master:
        return host, interface.master
    return (host, bridges(state)[0]) if is_orphan_port(state, name) else None


def _all_ports(network: Network, host: str, bridge: str) -> list[str]:
    state = network.hosts[host]
    orphans = [each.name for each in state.interfaces or () if is_orphan_port(state, each.name)]
    return [*network.ports(host, bridge), *(orphans if len(bridges(state)) == 1 else [])]


def owners(network: Network, places: Iterable[Place], address: str) -> list[Place]:
    """Places whose host carries an address, on any of its interfaces."""
    return [place for place in places if (host := network.hosts.get(place[0])) and host.owner_of(address)]


def place_of_mac(network: Network, mac: str | None) -> Place | None:
    """The interface that has a MAC, if a state shows it; the bridge rather than the port that it has the MAC from."""
    if mac is None:
        return None
    found = [(each.master is not None, (name, each.name)) for name, state in network.hosts.items()
             for each in state.interfaces or () if each.mac == mac]  # fmt: skip
    return min(found, key=lambda one: one[0])[1] if found else None


def from_links(links: Iterable[Link]) -> dict[Place, Place]:
    """Cables as (host, interface, host, interface), both ways."""
    peers: dict[Place, Place] = {}
    for one, one_interface, other, other_interface in links:
        peers[(one, one_interface)] = (other, other_interface)
        peers[(other, other_interface)] = (one, one_interface)
    return peers
