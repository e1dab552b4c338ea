"""The network as the packets show it: in which order they pass the places, and which places are neighbours."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, NO_MAC
from explain.arrays import distinct
from explain.places.matching import NONE
from explain.places.stations import Stations
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.places import Sightings
    from explain.table import PacketTable, Rows

_GROUP_BIT = 1 << 40
_MOST = 2  # a recording that began late or that lost some still shows half


class Topology:
    """Order and neighbourhood of places, asked for when something went missing.

    Attributes:
        order: of the places of each link.
        stations: who was heard where.
    """

    def __init__(self, table: PacketTable, seen: Sightings) -> None:
        self._table = table
        self._seen = seen
        self.order = seen.order
        self.stations = Stations(table)

    def in_order(self, rows: Rows) -> Rows:
        """Frames of one direction of a conversation along their way, and in time at each place.

        A TTL only falls; between places of one link, what other frames of the same packet say of the order counts.
        """
        if len(rows) < 2:
            return rows
        times = self._seen.time_ns[rows].tolist()
        keys = list(zip(self._table.ttl[rows].tolist(), self._table.place[rows].tolist(), strict=True))
        if len(set(keys)) == len({ttl for ttl, _ in keys}):
            falling: Rows = rows[np.lexsort((times, [-ttl for ttl, _ in keys]))]
            return falling
        ordered: Rows = rows[np.array(self._ranked(rows, keys, times))]
        return ordered

    def _ranked(self, rows: Rows, keys: list[tuple[int, int]], times: list[int]) -> list[int]:
        """The positions of frames in order, where several places saw the same TTL."""
        lags = self._lags(keys, self._seen.packet[rows].tolist(), times)
        middle = {key: sorted(lag)[len(lag) // 2] if lag else 0 for key, lag in lags.items()}
        rank, links = self._along(rows), self._table.link[rows].tolist()
        # What takes nothing from the TTL still hands on under other MACs: the places of one link stand together.
        group: dict[tuple[int, int], tuple[int, int]] = {}
        for key, link in zip(keys, links, strict=True):
            one = -len(lags[key]), middle[key]
            group[key[0], link] = min(one, group.get((key[0], link), one))
        return sorted(
            range(len(rows)),
            key=lambda at: (
                -keys[at][0],
                group[keys[at][0], links[at]],
                rank[at],
                -len(lags[keys[at]]),  # what was lost on the way was seen before
                middle[keys[at]],
                keys[at][1],
                times[at],
            ),
        )

    @staticmethod
    def _lags(keys: list[tuple[int, int]], packets: list[int], times: list[int]) -> dict[tuple[int, int], list[int]]:
        """For each TTL and place, how long after the first frame of its packet each frame was recorded there."""
        first: dict[int, int] = {}
        for number, time_ns in zip(packets, times, strict=True):
            first[number] = min(time_ns, first.get(number, time_ns))
        lags: dict[tuple[int, int], list[int]] = {key: [] for key in keys}
        for key, number, time_ns in zip(keys, packets, times, strict=True):
            if number != NONE:
                lags[key].append(time_ns - first[number])
        return lags

    def _along(self, rows: Rows) -> list[int]:
        """For each frame, behind how many of the places that saw it on this link its place stands."""
        links, ttl = self._table.link[rows].tolist(), self._table.ttl[rows].tolist()
        places = self._table.place[rows].tolist()
        groups: dict[tuple[int, int], set[int]] = defaultdict(set)
        for link, hops, place in zip(links, ttl, places, strict=True):
            groups[link, hops].add(place)
        macs = self._table.links
        order = {
            key: self._seen.order.along(int(macs.source[key[0]]), int(macs.target[key[0]]), some)
            for key, some in groups.items()
        }
        return [order[link, hops][place] for link, hops, place in zip(links, ttl, places, strict=True)]

    def first_version(self, rows: Rows) -> Rows:
        """Of frames of one direction those with the ends that the packets had before anybody rewrote them.

        A packet that is seen with several ends says which came first: its TTL was higher then.
        """
        table, seen = self._table, self._seen
        ends = seen.tuples.of_flow[table.flow[rows]] * 2 + (table.layers[rows] & REVERSED != 0)
        if len(rows) < 2 or (ends == ends[0]).all():
            return rows
        packet = seen.packet[rows]
        order = np.lexsort((-table.ttl[rows].astype(np.int64), packet))
        at = np.flatnonzero((packet[order][1:] == packet[order][:-1]) & (packet[order][1:] != NONE))
        at = at[ends[order[at]] != ends[order[at + 1]]]
        if not len(at):
            return rows
        first = ends[order[at]]
        later = ends[order[at + 1]]
        start = first[~np.isin(first, later)]
        return rows[ends == start[0]] if len(start) else rows

    @cached_property
    def neighbours(self) -> dict[int, dict[int, bool]]:
        """For each place those next to it on the way of some packet, and whether both are on one link."""
        table, (one, other), more = self._table, self._twice(), self._often
        following = np.flatnonzero(np.diff(self._seen.packet[more]) == 0)
        one, other = np.concatenate((one, more[following])), np.concatenate((other, more[following + 1]))
        places = table.place[one].astype(np.int64) * len(table.places) + table.place[other]
        is_same = (table.link[one] == table.link[other]) & (table.ttl[one] == table.ttl[other])
        found: dict[int, dict[int, bool]] = defaultdict(dict)
        for triple in distinct(places * 2 + is_same).tolist():
            one_place, place = divmod(triple >> 1, len(table.places))
            if one_place != place:
                here = found[one_place]
                here[place] = found[place][one_place] = bool(triple & 1) or here.get(place, False)
        return found

    @cached_property
    def along_every_way(self) -> Rows:
        """Rows of all packets that several frames show, each packet in the order of its way."""
        table, seen, (one, other) = self._table, self._seen, self._twice()
        falls = table.ttl[other].astype(np.int64) - table.ttl[one]
        level = np.flatnonzero(falls == 0)  # the TTL does not say which came first
        low, high = one[level], other[level]
        rank = self._ranks(low) - self._ranks(high)
        falls[level] = np.where(rank != 0, rank, seen.time_ns[low] - seen.time_ns[high])
        is_turned = falls > 0
        pairs = np.stack((np.where(is_turned, other, one), np.where(is_turned, one, other)), axis=1).ravel()
        rows = np.concatenate((pairs, self._often))
        ordered: Rows = rows[np.argsort(seen.packet[rows], kind="stable")]
        return ordered

    @cached_property
    def passing(self) -> set[int]:
        """MAC keys of who sent a packet with fewer hops left than another place had seen: routers."""
        table, rows = self._table, self.along_every_way
        falls = np.flatnonzero(
            (self._seen.packet[rows[1:]] == self._seen.packet[rows[:-1]]) & (table.ttl[rows[1:]] < table.ttl[rows[:-1]])
        )
        return set(table.links.source[distinct(table.link[rows[falls + 1]])].tolist())

    @cached_property
    def _sizes(self) -> tuple[Rows, Rows]:
        """Where each packet begins in the rows by packets, and how many frames show it."""
        first = np.flatnonzero(self._seen.is_first)
        return first, np.diff(first, append=len(self._seen.by_packet))

    def _twice(self) -> tuple[Rows, Rows]:
        """The two rows of each packet that two frames show."""
        first, size = self._sizes
        pairs = first[size == 2]
        return self._seen.by_packet[pairs], self._seen.by_packet[pairs + 1]

    @cached_property
    def _often(self) -> Rows:
        """Rows of the packets that more frames show, each packet in the order of its way."""
        seen, (_, size) = self._seen, self._sizes
        rows = seen.by_packet[(size > 2).repeat(size)]
        keys = (seen.time_ns[rows], self._ranks(rows), -self._table.ttl[rows].astype(np.int64), seen.packet[rows])
        ordered: Rows = rows[np.lexsort(keys)]
        return ordered

    def _ranks(self, rows: Rows) -> Rows:
        """How far from their senders the places stand that recorded some frames."""
        table = self._table
        found: Rows = self._seen.order.ranks(table.links.source[table.link[rows]], table.place[rows])
        return found

    def beyond(self, last: int, rows: Rows) -> tuple[str | None, int | None]:
        """Where a frame that was not seen again vanished, and the next place on its way.

        Args:
            last: the frame, at the last place that saw any of ``rows``.
            rows: the frames of the conversation that were lost.

        Returns:
            ``link``, ``router``, ``target``, or None if nothing can be said; index of a place, or None.
        """
        table, stations = self._table, self.stations
        visited = set(table.place[rows].tolist())
        near = self.neighbours.get(int(table.place[last]), {})
        near = {place: is_on_link for place, is_on_link in near.items() if place not in visited}
        due = self._due_on_link(last, near, visited)
        if due is not None:
            return "link", due
        target_mac, target = int(table.links.target[table.link[last]]), table.ends(last)[1]
        routed = [place for place, is_on_link in near.items() if not is_on_link]
        if target_mac == NO_MAC:  # of -i any and of tunnels nobody knows who was meant, but who gets such packets
            routed = [place for place in routed if self._is_known_at(place, target)]
            return ("router", routed[0]) if len(routed) == 1 else (None, None)
        if target_mac >= BROADCAST or target_mac & _GROUP_BIT:
            return None, None
        if target_mac not in stations.heard:
            return "link", None
        if target_mac in stations.owners.get(target, set()):
            return "target", None
        if target_mac not in stations.claimed and target_mac not in self.passing:
            return None, None  # whose MAC this is, no frame says
        if not routed and not self._is_listened_beyond(last, visited):
            return None, None  # it may have left on a side where nobody recorded
        return "router", routed[0] if len(routed) == 1 else None

    def routers_between(self, one: int, other: int) -> int | None:
        """How many routers pass packets on between two places, as those that both saw show; None if there are none."""
        table, packet, order = self._table, self._seen.packet, self._seen.by_packet
        near, far = (order[table.place[order] == place] for place in (one, other))
        _, at, to = np.intersect1d(packet[near], packet[far], return_indices=True)
        hops = np.abs(table.ttl[near[at]].astype(np.int64) - table.ttl[far[to]])
        return int(np.median(hops)) or None if len(hops) else None

    def _is_known_at(self, place: int, address: int) -> bool:
        """Whether a place saw packets from or to an address."""
        flows = self._table.flows
        return bool(((flows.place == place) & ((flows.low == address) | (flows.high == address))).any())

    def _is_listened_beyond(self, last: int, visited: set[int]) -> bool:
        """Whether any place was recorded that a packet did not pass, and that is not on its last link.

        Of a recording of several interfaces some may have seen nothing at all.
        """
        places, here = self._table.places, int(self._table.place[last])
        if sum(one.capture == places[here].capture for one in places) > 1:
            return True
        return bool(set(range(len(places))) - visited - set(self.neighbours.get(here, {})))

    def _due_on_link(self, last: int, near: dict[int, bool], visited: set[int]) -> int | None:
        """The place that a frame should have passed next on its own link; None where none is known."""
        table, stations = self._table, self.stations
        here, link = int(table.place[last]), table.link[last]
        source, target = int(table.links.source[link]), int(table.links.target[link])
        between = stations.between.get((target, source), set()) | stations.between.get((source, target), set())
        beside = {place for place, is_on_link in near.items() if is_on_link} & stations.places_of.get(target, set())
        between = {place for place in between - visited if self._is_behind(here, place, source, target)}
        beside = {place for place in beside if self._is_behind(here, place, source, target, is_shown=True)}
        due = sorted(between & beside or between or beside)
        return min(due, key=lambda place: self.order.rank.get((source, place), 0), default=None)

    def _is_behind(self, here: int, place: int, source_mac: int, target_mac: int, *, is_shown: bool = False) -> bool:
        """Whether a place stands beyond another one on the way between two stations: shown, or not contradicted."""
        rank = self._seen.order.rank
        known = 0
        for station, sign in ((source_mac, 1), (target_mac, -1)):
            near, far = rank.get((station, here)), rank.get((station, place))
            if near is None or far is None or far == near:
                continue
            if (far - near) * sign < 0:
                return False
            known += 1
        if is_shown and not known:
            return False
        # What the source sends passes here first, what the target sends passes there first.
        return self._is_upstream(source_mac, here, place) and self._is_upstream(target_mac, place, here)

    def _is_upstream(self, station: int, first: int, then: int) -> bool:
        """Whether one place may see what a station sends before another does: it sees most of what that one sees."""
        count = self.stations.frames_of_links
        sent = self.stations.links_of.get(station, ())
        return all(count.get((first, link), 0) * _MOST >= count.get((then, link), 0) for link in sent)
