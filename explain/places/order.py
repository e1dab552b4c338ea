"""In which order the places of one link see what a station sends, whatever their clocks say.

What a station sends passes the places in one order, and what is sent to it passes them in the
other.  So what a place adds to a round trip is free of the clocks.  Where only one direction was
seen, times count: as they are in one capture, and as the clocks were put right between several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST
from explain.places.round_trips import medians, round_trips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.places.clocks import Clock
    from explain.table import I8, U2, U8, PacketTable, Rows

_MOST_RUNS, _RUN = 200, 1000  # of frames that are looked at, from all the time
_MOST_PLACES = 24  # of one packet


class Order:
    """How far from a station the places of its link are.

    Attributes:
        rank: by MAC key and place, before how many other places it stands behind; from 0 at the station itself.
    """

    def __init__(self, table: PacketTable, packet: Rows, by_packet: Rows, time_ns: I8, clocks: Sequence[Clock]) -> None:
        lags = _lags(table, packet, by_packet, time_ns)
        behind: dict[tuple[int, int], set[int]] = {}
        for (station, one, other), (trip, away, to) in lags.items():
            captures = table.places[one].capture, table.places[other].capture
            corrected = to if np.isnan(away) else away
            if not np.isnan(trip) and captures[0] != captures[1]:
                lag = trip
            elif abs(corrected) > _uncertain(clocks, *captures):
                lag = -corrected if np.isnan(away) else corrected  # all that was seen went to the station
            else:
                lag = 0.0
            for known in (one, other):
                behind.setdefault((station, known), set())
            if lag:
                behind[station, other if lag > 0 else one].add(one if lag > 0 else other)
        self._behind = behind
        self.rank: dict[tuple[int, int], int] = {key: len(some) for key, some in behind.items()}

    def along(self, source: int, target: int, places: set[int]) -> dict[int, int]:
        """For each of some places, behind how many of the others it stands on the way from one MAC key to another."""
        behind = self._behind
        others = {place: behind.get((source, place), set()) & places for place in places}
        for place in places:
            for nearer in behind.get((target, place), set()) & places:
                others[nearer].add(place)
        return {place: len(some) for place, some in others.items()}

    def ranks(self, stations: U8 | Rows, places: U2 | Rows) -> I8:
        """The rank of each place for each MAC key, 0 where nothing is known; int64[n]."""
        key = stations.astype(np.int64) << 15 | places.astype(np.int64)
        known, index = np.unique(key, return_inverse=True)
        found = [self.rank.get((one >> 15, one & 0x7FFF), 0) for one in known.tolist()]
        return np.array(found, np.int64)[index]


def _uncertain(clocks: Sequence[Clock], one: int, other: int) -> float:
    """By how much times of two captures may mislead, nanoseconds; clocks that agree are taken for one."""
    if one == other:
        return 0.0
    known = clocks[one], clocks[other]
    if any(clock.bound_ns is None for clock in known):
        return float("inf")
    if not any(clock.skew_ns or clock.drift_ppm for clock in known):
        return 0.0
    return float(sum(clock.bound_ns or 0 for clock in known))


_Lag = tuple[float, float, float]


def _lags(table: PacketTable, packet: Rows, by_packet: Rows, time_ns: I8) -> dict[tuple[int, int, int], _Lag]:
    """By station and two places: what the second one adds to a round trip, and how much later it saw what it sent,
    and what was sent to it, by clocks that were put right; NaN where nothing was seen.
    """
    one, other = _pairs(table, packet, _evenly(by_packet))
    if not len(one):
        return {}
    count, link = len(table.places), table.link[one]
    between = table.place[one].astype(np.int64) * count + table.place[other]
    station = np.concatenate((table.links.source[link], table.links.target[link])).astype(np.int64)
    is_to = np.repeat((False, True), len(one))
    lag = np.tile((time_ns[other] - time_ns[one]).astype(np.float64), 2)
    seen_ns = np.tile(time_ns[one], 2)
    some = np.flatnonzero(station < BROADCAST)
    macs, number = np.unique(station[some], return_inverse=True)
    keys, group = np.unique(number * count**2 + np.tile(between, 2)[some], return_inverse=True)
    is_to, lag = is_to[some], lag[some]
    trip = round_trips(group, len(keys), seen_ns[some], lag, is_to)
    away, to = (medians(group[way], len(keys), lag[way]) for way in (~is_to, is_to))
    ends = ((int(macs[key // count**2]), *divmod(key % count**2, count)) for key in keys.tolist())
    return dict(zip(ends, zip(trip.tolist(), away.tolist(), to.tolist(), strict=True), strict=True))


def _evenly(by_packet: Rows) -> Rows:
    """So many frames as are looked at, packet after packet."""
    if len(by_packet) <= _MOST_RUNS * _RUN:
        return by_packet
    starts = np.linspace(0, len(by_packet) - _RUN, _MOST_RUNS).astype(np.int64)
    runs: Rows = by_packet[(starts[:, None] + np.arange(_RUN)).ravel()]
    return runs


def _pairs(table: PacketTable, packet: Rows, order: Rows) -> tuple[Rows, Rows]:
    """Frames of one packet at two places of a link, the place with the lower number first."""
    packet, place, link, ttl = packet[order], table.place[order], table.link[order], table.ttl[order]
    ones, others = [order[:0]], [order[:0]]
    for step in range(1, min(_MOST_PLACES, len(order))):
        is_same = (packet[step:] == packet[:-step]) & (place[step:] != place[:-step])
        is_same &= (link[step:] == link[:-step]) & (ttl[step:] == ttl[:-step])
        at = np.flatnonzero(is_same)
        if not len(at) and not (packet[step:] == packet[:-step]).any():
            break
        turned = place[at] > place[at + step]
        ones.append(order[np.where(turned, at + step, at)])
        others.append(order[np.where(turned, at, at + step)])
    return np.concatenate(ones), np.concatenate(others)
