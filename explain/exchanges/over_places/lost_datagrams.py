"""Between which places datagrams were lost: UDP sends nothing again, so only the places themselves show it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.over_places.trails import ways
from explain.places.matching import NONE
from explain.record import dataclass
from explain.table import FRAGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.over_places.trails import Leg
    from explain.places import Sightings
    from explain.places.topology import Topology
    from explain.table import I8, PacketTable, Rows

_MOST_ROWS = 200_000  # of one direction at all places
_LARGEST = 1500  # octets; what is larger was put together by a card, and is recorded in parts elsewhere


@dataclass(frozen=True, slots=True)
class LostDatagrams:
    """Datagrams of a flow that one place saw and the next one on their way did not.

    Attributes:
        is_from_server: who sent them.
        datagrams: how many.
        passed: how many came by the first of the two places while the second one was listened to.
        capture, interface: the place that saw them.
        frames: there, in ascending order.
        next_capture, next_interface: the place that did not.
        routers: how many pass packets on between the two.
    """

    is_from_server: bool
    datagrams: int
    passed: int
    capture: int
    interface: int | None
    frames: tuple[int, ...]
    next_capture: int
    next_interface: int | None
    routers: int


def lost_datagrams(
    table: PacketTable, seen: Sightings, topology: Topology, legs: Sequence[Leg], listened: tuple[I8, I8]
) -> tuple[LostDatagrams, ...]:
    """Losses of a flow of UDP between neighbouring places, both directions; in the order of the way.

    Args:
        table: the rows of all places.
        seen: which of them are one packet.
        topology: the order of the places.
        legs: the flow at each place.
        listened: from when to when each place was listened to, by the first capture's clock.
    """
    if not legs or legs[0][0].kind != "udp.flow":
        return ()
    found: list[LostDatagrams] = []
    for number, rows in enumerate(ways(table, legs)):
        counts = np.bincount(table.place[rows])
        is_whole = not (table.layers[rows] & FRAGMENT).any() and table.payload[rows].max(initial=0) <= _LARGEST
        if len(np.unique(counts[counts > 0])) > 1 and is_whole and len(rows) <= _MOST_ROWS:
            known = rows[seen.packet[rows] != NONE]
            found += _along(table, seen, topology.in_order(known), listened, is_from_server=number == 1)
    return tuple(found)


def _along(
    table: PacketTable, seen: Sightings, rows: Rows, listened: tuple[I8, I8], *, is_from_server: bool
) -> Iterator[LostDatagrams]:
    way = list(dict.fromkeys(table.place[rows].tolist()))
    at = {place: rows[table.place[rows] == place] for place in way}
    began, ended = listened
    for number, (here, there) in enumerate(pairwise(way)):
        times = seen.time_ns[at[here]]
        beyond = seen.packet[at[there]]
        is_due = (began[there] <= times) & (times <= ended[there]) | np.isin(seen.packet[at[here]], beyond)
        own = at[here][is_due]
        packets = seen.packet[own]
        gone = own[~np.isin(packets, beyond)]
        later = [seen.packet[at[place]] for place in way[number + 2 :]]
        has_holes = bool(later) and bool(np.isin(seen.packet[gone], np.concatenate(later)).any())
        at_once = at[there][(seen.time_ns[at[there]] >= began[here]) & (seen.time_ns[at[there]] <= ended[here])]
        is_other_way = not np.isin(seen.packet[at_once], seen.packet[at[here]]).all()
        if not len(gone) or has_holes or is_other_way:
            continue
        one, other = table.places[here], table.places[there]
        if (one.capture, one.interface) == (other.capture, other.interface):
            continue  # one recording that holds frames several times need not hold all of them as often
        frames = tuple(np.unique(table.frame[gone]).tolist())
        routers = int(table.ttl[at[here][0]]) - int(table.ttl[at[there][0]])
        yield LostDatagrams(
            is_from_server, len(frames), len(np.unique(packets)), one.capture, one.interface, frames, other.capture,
            other.interface, routers,
        )  # fmt: skip
