"""How far apart the clocks of several captures are, from causality alone.

A packet is seen downstream after it was seen upstream.  Of a flow that was seen in both
directions at two places, the round trip is longer at the place nearer to who asked, whatever
the clocks say; so the directions need not be known.  Packets one way bound the difference from
above, those the other way from below (as in: Moon, Skelly and Towsley, Estimation and removal of
clock skew from network delay measurements, 1999).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.places.clock_bounds import BOTH, ClockBounds, Edge, fit, known_bounds
from explain.places.round_trips import round_trips
from explain.record import dataclass
from explain.table import ARP, NO_FLOW, REVERSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.places.matching import Matched
    from explain.table import I8, Bools, PacketTable, Rows

_MOST_PAIRS = 50_000
_SMALL_NS = 50_000_000  # on the way: seen one way only, so much may be the way and not the clock


@dataclass(frozen=True, slots=True)
class Clock:
    """A capture's clock against the first capture's: it shows ``skew_ns + drift_ppm * 1e-6 * t`` more.

    Attributes:
        skew_ns: at the beginning of the first capture; None where nothing connects the two.
        bound_ns: how far the truth may be from ``skew_ns``; None where one direction was not seen.
        drift_ppm: 0 where none is needed to explain the times.
    """

    capture: int
    skew_ns: int | None
    bound_ns: int | None
    drift_ppm: float | None

    def as_fact(self) -> Mapping[str, Any]:
        """As the report has it."""
        return {
            "capture": self.capture, "skew_ns": self.skew_ns, "bound_ns": self.bound_ns, "drift_ppm": self.drift_ppm,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Frames of one packet in two captures."""

    one: Rows
    other: Rows
    capture: I8
    far_capture: I8


def clocks(table: PacketTable, matched: Matched, packet: Rows, by_packet: Rows, captures: int) -> tuple[Clock, ...]:
    """Every capture's clock against the first one that shares packets with another, along the best connected chain."""
    if captures < 2:
        return ()
    one, other = _pairs(table, packet, by_packet)
    if not len(one):
        return (Clock(0, 0, 0, 0.0), *(Clock(capture, None, None, None) for capture in range(1, captures)))
    of_place = np.array([place.capture for place in table.places], np.int64)
    pairs = _Pairs(one, other, of_place[table.place[one]], of_place[table.place[other]])
    is_down = _downstream(table, matched, one, other)
    reference = int(min(pairs.capture.min(), pairs.far_capture.min()))
    start = _start(table, of_place, reference)
    # A drift is so much a second since some moment; clocks that are seconds apart must first agree on when that was.
    rough = np.zeros(captures, np.int64)
    for capture, bounds in known_bounds(_edges(table, pairs, is_down, rough, start), reference, captures).items():
        rough[capture] = int(bounds.nearest)
    known = known_bounds(_edges(table, pairs, is_down, rough, start), reference, captures)
    return tuple(_clock(capture, known.get(capture)) for capture in range(captures))


def _start(table: PacketTable, of_place: I8, reference: int) -> int:
    """When the reference began, by its own clock: the moment for which skews are told."""
    return int(table.time_ns[: len(table)][of_place[table.place[: len(table)]] == reference].min())


def corrected(table: PacketTable, found: tuple[Clock, ...]) -> I8:
    """The times of all frames as the first capture's clock would show them; int64[n]."""
    times = table.time_ns[: len(table)]
    if not any(clock.skew_ns or clock.drift_ppm for clock in found):
        return times
    of_place = np.array([place.capture for place in table.places], np.int64)
    reference = next(clock.capture for clock in found if clock.skew_ns is not None)
    capture = of_place[table.place[: len(table)]]
    skew = np.array([clock.skew_ns or 0 for clock in found], np.int64)[capture]
    drift = np.array([clock.drift_ppm or 0.0 for clock in found])[capture]
    since = times - skew - _start(table, of_place, reference)
    fixed: I8 = times - skew - (drift * 1e-6 * since).astype(np.int64)
    return fixed


def _clock(capture: int, known: ClockBounds | None) -> Clock:
    if known is None:
        return Clock(capture, None, None, None)
    low, high, drift = known.low, known.high, round(known.drift, 3)
    if np.isinf(low) or np.isinf(high):
        # Seen one way only: the clock is off by no more than this, less the time on the way.
        nearest = 0 if drift == 0 and abs(known.guess) < _SMALL_NS else round(known.guess)
        return Clock(capture, nearest, None, drift)
    if drift == 0 and low <= 0 <= high:
        return Clock(capture, 0, int(np.ceil(max(-low, high))), 0.0)
    return Clock(capture, round((low + high) / 2), int(np.ceil((high - low) / 2)) + 1, drift)


def _edges(table: PacketTable, pairs: _Pairs, is_down: I8, rough: I8, start: int) -> dict[tuple[int, int], Edge]:
    since = (table.time_ns[pairs.one] - rough[pairs.capture] - start).astype(np.float64)
    difference = (table.time_ns[pairs.other] - table.time_ns[pairs.one]).astype(np.float64)
    size = len(rough)
    key = pairs.capture * size + pairs.far_capture
    edges = {}
    for one in np.unique(key).tolist():
        at = np.flatnonzero(key == one)
        edges[divmod(one, size)] = fit(since[at], difference[at], is_down[at])
    return edges


def _pairs(table: PacketTable, packet: Rows, order: Rows) -> tuple[Rows, Rows]:
    """Frames of one packet in two captures: each capture with the one before it, and with the first of all."""
    of_place = np.array([place.capture for place in table.places], np.int64)
    number, place = packet[order], table.place[order]
    is_same = np.append(False, number[1:] == number[:-1])
    then = np.flatnonzero(is_same)
    then = then[of_place[place[then]] != of_place[place[then - 1]]]
    third = then[is_same[then - 1]]  # or fourth; the second one's first is the one before it
    starts = np.flatnonzero(~is_same) if len(third) else third
    first = starts[np.searchsorted(starts, third, side="right") - 1]
    is_far = of_place[place[first]] != of_place[place[third]]
    near, away = np.concatenate((then - 1, first[is_far])), np.concatenate((then, third[is_far]))
    step = len(near) // _MOST_PAIRS + 1  # evenly over the whole time
    return order[near[::step]], order[away[::step]]


def _downstream(table: PacketTable, matched: Matched, one: Rows, other: Rows) -> I8:
    """1 where the second frame was seen after the first one, -1 before it, BOTH at once, 0 where nobody can say."""
    result = np.sign(table.ttl[one].astype(np.int64) - table.ttl[other])
    todo = np.flatnonzero(result == 0)
    if len(todo):
        result[todo] = _by_round_trip(table, matched, one[todo], other[todo])
    told: I8 = result.astype(np.int64)
    return told


def _by_round_trip(table: PacketTable, matched: Matched, one: Rows, other: Rows) -> I8:
    """The direction by the round trips of flows between two places of one link."""
    key, is_back = _conversation(table, matched, one)
    pair = table.place[one].astype(np.int64) * len(table.places) + table.place[other]
    order = np.lexsort((pair, key))
    is_new = np.append(True, (np.diff(key[order]) != 0) | (np.diff(pair[order]) != 0))
    links = np.empty(len(key), np.int64)
    links[order] = np.cumsum(is_new) - 1
    difference = (table.time_ns[other] - table.time_ns[one]).astype(np.float64)
    trip = round_trips(links, int(links.max()) + 1, table.time_ns[one], difference, is_back)
    sign = np.where(np.isnan(trip), 0, np.where(trip == 0, BOTH, np.sign(trip))).astype(np.int64)[links]
    turned: I8 = np.where(is_back & (sign != BOTH), -sign, sign)
    return turned


def _conversation(table: PacketTable, matched: Matched, rows: Rows) -> tuple[I8, Bools]:
    """Who talks, whatever the direction, and which direction it is; ARP by its addresses."""
    flow = table.flow[rows]
    key = np.zeros(len(rows), np.int64)
    is_back = table.layers[rows] & REVERSED != 0
    has_ip = flow != NO_FLOW
    key[has_ip] = matched.tuples.of_flow[flow[has_ip]] + 1
    arp = np.flatnonzero(table.layers[rows] & ARP != 0)
    if len(arp):
        index = np.searchsorted(table.arp.row, rows[arp])
        low = np.minimum(table.arp.sender_ip[index], table.arp.target_ip[index]).astype(np.int64)
        high = np.maximum(table.arp.sender_ip[index], table.arp.target_ip[index]).astype(np.int64)
        key[arp] = -((low << 31 ^ high) & 0x7FFFFFFFFFFFFFF) - 1
        is_back[arp] = table.arp.sender_ip[index] > table.arp.target_ip[index]
    return key, is_back
