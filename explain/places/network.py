"""The network as the packets show it: which places share a link, who routes between links, and who translates.

Where a packet is seen again with one TTL less, exactly one router stands between: it was handed to one MAC
and left from another, and both are the router's.  Where it is seen again as it was, only cables and switches do.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST
from explain.places.matching import NONE
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.places import Sightings
    from explain.places.topology import Topology
    from explain.table import PacketTable, Rows

_MANY = 3  # stations on one link: a cable has two ends


@dataclass(frozen=True, slots=True)
class Station:
    """A MAC key, and the address keys that it called its own."""

    mac: int
    addresses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeenLink:
    """Places between which frames pass as they are.

    Attributes:
        places: indices into the table's places, at least two.
        stations: who spoke there.
        rows: frames of one packet at several of the places.
    """

    places: tuple[int, ...]
    stations: tuple[Station, ...]
    rows: tuple[int, ...]

    @property
    def has_switch(self) -> bool:
        """Whether more stations share the link than a cable has ends."""
        return len(self.stations) >= _MANY


@dataclass(frozen=True, slots=True)
class SeenRouter:
    """A station that hands packets from one link to another.

    Attributes:
        interfaces: its MACs with their addresses.
        packets: how many were seen on both sides of it.
        rows: frames of one packet before and behind it.
        translated: frames of one packet with other ends before and behind it; empty if there is none.
    """

    interfaces: tuple[Station, ...]
    packets: int
    rows: tuple[int, int]
    translated: tuple[int, ...]


def links(table: PacketTable, seen: Sightings, topology: Topology) -> list[SeenLink]:
    """Groups of places on one link, in the order of the places."""
    one, other = _steps(seen, topology)
    is_same = (table.link[one] == table.link[other]) & (table.ttl[one] == table.ttl[other])
    is_same &= table.place[one] != table.place[other]
    one, other = one[is_same], other[is_same]
    pairs, first = np.unique(
        np.stack((table.place[one], table.place[other]), 1).astype(np.int64), axis=0, return_index=True
    )
    group = _joined(pairs.tolist())
    together: dict[int, set[int]] = defaultdict(set)
    rows: dict[int, tuple[int, int]] = {}
    for (near, far), at in zip(pairs.tolist(), first.tolist(), strict=True):
        together[group[near]] |= {near, far}
        rows.setdefault(group[near], (int(one[at]), int(other[at])))
    return [
        SeenLink(tuple(sorted(places)), _speakers(table, topology, places), rows[key])
        for key, places in sorted(together.items())
    ]


def routers(table: PacketTable, seen: Sightings, topology: Topology) -> list[SeenRouter]:
    """Who was seen to route, in the order in which their packets passed."""
    one, other = _steps(seen, topology)
    took, gave = table.links.target[table.link[one]], table.links.source[table.link[other]]
    is_step = (table.ttl[one].astype(np.int64) - table.ttl[other] == 1) & (took < BROADCAST) & (gave < BROADCAST)
    one, other, took, gave = one[is_step], other[is_step], took[is_step], gave[is_step]
    if not len(one):
        return []
    pairs, first, counts = np.unique(np.stack((took, gave), 1), axis=0, return_index=True, return_counts=True)
    group = _joined(pairs.tolist())
    is_new = seen.tuples.of_flow[table.flow[one]] != seen.tuples.of_flow[table.flow[other]]
    found: dict[int, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs.tolist()):
        found[group[pair[0]]].append(number)
    told = []
    for some in sorted(found.values(), key=lambda numbers: min(int(first[number]) for number in numbers)):
        macs = sorted({mac for number in some for mac in pairs[number].tolist()})
        at = min(int(first[number]) for number in some)
        rewritten = np.flatnonzero(is_new & np.isin(took, macs))
        ends = (int(one[rewritten[0]]), int(other[rewritten[0]])) if len(rewritten) else ()
        stations = tuple(_station(topology, mac) for mac in macs)
        told.append(SeenRouter(stations, int(counts[some].sum()), (int(one[at]), int(other[at])), ends))
    return told


def names_of_routers(table: PacketTable, seen: Sightings, topology: Topology) -> dict[str, str]:
    """For each address of a router that has several the name of the router: all of them."""
    named: dict[str, str] = {}
    for one in routers(table, seen, topology):
        texts = [table.addresses.text(address) for each in one.interfaces for address in each.addresses]
        if len(texts) > 1:
            named |= dict.fromkeys(texts, " / ".join(texts))
    return named


def _steps(seen: Sightings, topology: Topology) -> tuple[Rows, Rows]:
    """Frames of each packet that follow each other on its way, the first ones first."""
    order = topology.along_every_way
    packet = seen.packet[order]
    at = np.flatnonzero((packet[1:] == packet[:-1]) & (packet[1:] != NONE))
    at = at[np.argsort(order[at], kind="stable")]
    return order[at], order[at + 1]


def _joined(pairs: list[list[int]]) -> dict[int, int]:
    """For each member of some pairs the smallest one that it is connected with."""
    root: dict[int, int] = {}

    def find(one: int) -> int:
        while root.setdefault(one, one) != one:
            one = root[one]
        return one

    for one, other in pairs:
        low, high = sorted((find(one), find(other)))
        root[high] = low
    return {one: find(one) for one in list(root)}


def _speakers(table: PacketTable, topology: Topology, places: set[int]) -> tuple[Station, ...]:
    is_there = np.isin(table.place[: len(table)], sorted(places))
    macs = np.unique(table.links.source[np.unique(table.link[: len(table)][is_there])])
    return tuple(_station(topology, mac) for mac in macs[macs < BROADCAST].tolist())


def _station(topology: Topology, mac: int) -> Station:
    return Station(mac, tuple(sorted(address for address, macs in topology.stations.owners.items() if macs == {mac})))
