"""The stations as the packets show them: which MAC was heard where, with whom, and which addresses it claims."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct

if TYPE_CHECKING:
    from explain.table import PacketTable, Rows

_MOST_UNUSED = 16  # times as many pairs as frames


class Stations:
    """What each place heard of whom, asked for when something went missing; MACs are keys, places are indices."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table

    def _directions(self) -> tuple[Rows, Rows]:
        """Pairs of a place and a pair of MACs, as ``place * links + link``, and the number in them of each row's."""
        table, count = self._table, max(1, len(self._table.links.source))
        pairs = table.place[: len(table)].astype(np.int64) * count + table.link[: len(table)]
        if len(table.places) * count <= _MOST_UNUSED * len(table):
            return np.arange(len(table.places) * count), pairs
        used = distinct(pairs)
        return used, np.searchsorted(used, pairs)

    @cached_property
    def last_heard(self) -> dict[tuple[int, int], int]:
        """When each station was last heard at each place: ns by the place's own clock, by (place, MAC key)."""
        table, (pairs, number) = self._table, self._directions()
        latest = np.full(len(pairs), np.iinfo(np.int64).min)
        np.maximum.at(latest, number, table.time_ns[: len(table)])
        heard: dict[tuple[int, int], int] = {}
        for place, link in self.frames_of_links:
            mac = int(table.links.source[link])
            time_ns = int(latest[np.searchsorted(pairs, place * len(table.links.source) + link)])
            heard[place, mac] = max(time_ns, heard.get((place, mac), time_ns))
        return heard

    @cached_property
    def owners(self) -> dict[int, set[int]]:
        """MAC keys by the addresses that they were seen to claim in ARP and neighbour discovery."""
        table = self._table
        found: dict[int, set[int]] = defaultdict(set)
        for address, mac in zip(table.arp.sender_ip.tolist(), table.arp.sender_mac.tolist(), strict=True):
            if address:
                found[address].add(mac)
        icmp = table.icmp
        for at in np.flatnonzero((icmp.type == 136) & icmp.is_v6).tolist():
            row = int(icmp.row[at])
            found[int(icmp.target[at])].add(int(table.links.source[table.link[row]]))
        return found

    @cached_property
    def claimed(self) -> set[int]:
        """MAC keys of which an address is known."""
        return set().union(*self.owners.values())

    @cached_property
    def heard(self) -> set[int]:
        """MAC keys that sent anything, anywhere."""
        return set(self.places_of)

    @cached_property
    def links_of(self) -> dict[int, list[int]]:
        """Pairs of MACs by the station that sends."""
        found: dict[int, list[int]] = defaultdict(list)
        for link, source in enumerate(self._table.links.source.tolist()):
            found[source].append(link)
        return found

    @cached_property
    def between(self) -> dict[tuple[int, int], set[int]]:
        """Places that saw frames from one MAC to another."""
        links = self._table.links
        found: dict[tuple[int, int], set[int]] = defaultdict(set)
        for place, link in self.frames_of_links:
            found[int(links.source[link]), int(links.target[link])].add(place)
        return found

    @cached_property
    def frames_of_links(self) -> dict[tuple[int, int], int]:
        """How many frames each place saw of each pair of MACs."""
        pairs, number = self._directions()
        shown = np.bincount(number, minlength=len(pairs))
        some = np.flatnonzero(shown)
        count = max(1, len(self._table.links.source))
        frames = zip(pairs[some].tolist(), shown[some].tolist(), strict=True)
        return {divmod(pair, count): many for pair, many in frames}

    @cached_property
    def places_of(self) -> dict[int, set[int]]:
        """Places that saw frames of a MAC."""
        found: dict[int, set[int]] = defaultdict(set)
        for place, link in self.frames_of_links:
            found[int(self._table.links.source[link])].add(place)
        return found
