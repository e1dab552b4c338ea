"""In which order the places of one link see what a station sends, whatever their clocks say.

What a station sends passes the places in one order, and what is sent to it passes them in the
other.  So half the difference of both lags is free of the clocks.  Where only one direction was
seen, times count: as they are in one capture, and as the clocks were put right between several.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.table import BROADCAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.places.clocks import Clock
    from explain.table import I8, U2, U8, PacketTable, Rows

_MOST_FRAMES = 200_000
_MOST_PLACES = 24  # of one packet


class Order:
    """How far from a station the places of its link are.

    Attributes:
        rank: by MAC key and place, before how many other places it stands behind; from 0 at the station itself.
    """

    def __init__(self, table: PacketTable, packet: Rows, by_packet: Rows, time_ns: I8, clocks: Sequence[Clock]) -> None:
        lags = _lags(table, packet, by_packet, time_ns)
        behind: dict[tuple[int, int], set[int]] = {}
        for (station, one, other), (away, to, corrected) in lags.items():
            captures = table.places[one].capture, table.places[other].capture
            if away is not None and to is not None and captures[0] != captures[1]:
                lag = away - to
            elif abs(corrected) > _uncertain(clocks, *captures):
                lag = corrected if away is not None else -corrected  # all that was seen went to the station
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
        found = {}
        for place in places:
            before = self._behind.get((source, place), set()) & places
            after = {other for other in places if place in self._behind.get((target, other), ())}
            found[place] = len(before | after)
        return found

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


_Lag = tuple[float | None, float | None, float]


def _lags(table: PacketTable, packet: Rows, by_packet: Rows, time_ns: I8) -> dict[tuple[int, int, int], _Lag]:
    """By station and two places: how much later the second one saw what it sent, and what was sent to it.

    The third value is the first one, or else the second, by clocks that were put right.
    """
    one, other = _pairs(table, packet, by_packet[:_MOST_FRAMES])
    if not len(one):
        return {}
    link = table.link[one]
    raw = (table.time_ns[other] - table.time_ns[one]).astype(np.float64)
    right = (time_ns[other] - time_ns[one]).astype(np.float64)
    count = len(table.places)
    between = table.place[one].astype(np.int64) * count + table.place[other]
    found: dict[tuple[int, int, int], list[float | None]] = defaultdict(lambda: [None, None, 0.0])
    for at, macs in ((1, table.links.target[link]), (0, table.links.source[link])):
        some = np.flatnonzero(macs < BROADCAST)
        for key, lag, corrected in _medians(macs[some].astype(np.int64), between[some], raw[some], right[some]):
            ends = (key[0], *divmod(key[1], count))
            found[ends][at], found[ends][2] = lag, corrected
    return {key: (lag[0], lag[1], lag[2] or 0.0) for key, lag in found.items()}


def _medians(
    station: I8, between: I8, raw: np.ndarray, right: np.ndarray
) -> list[tuple[tuple[int, int], float, float]]:
    if not len(raw):
        return []
    order = np.lexsort((raw, between, station))
    station, between, raw = station[order], between[order], raw[order]
    is_new = np.append(True, (np.diff(station) != 0) | (np.diff(between) != 0))
    first = np.flatnonzero(is_new)
    size = np.diff(np.append(first, len(order)))
    middle = first + size // 2
    group = np.cumsum(is_new) - 1
    by_right = np.lexsort((right[order], group))
    medians = right[order][by_right][middle]
    return [
        ((int(station[at]), int(between[at])), float(raw[at]), float(value))
        for at, value in zip(middle.tolist(), medians.tolist(), strict=True)
    ]


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
