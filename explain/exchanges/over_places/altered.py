"""Between which places packets were damaged, or became two: what one place saw whole, or once, the next one did not."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.over_places.trails import ways
from explain.places.matching import NONE
from explain.places.near import whole_of
from explain.record import dataclass
from explain.table import BAD_CHECKSUM, BAD_IP_CHECKSUM, GOOD_CHECKSUM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.trails import Leg
    from explain.places import Sightings
    from explain.places.topology import Topology
    from explain.table import PacketTable, Rows

_MOST_LOOKED_AT = 100  # journeys
_MOST_ROWS = 200_000  # of one direction at all places
_WRONG = BAD_CHECKSUM | BAD_IP_CHECKSUM
_ALL = 0.9  # of its packets: a place that doubles so many records each of them twice


@dataclass(frozen=True, slots=True)
class Altered:
    """Packets of a conversation that came by two neighbouring places, and not as they were.

    Attributes:
        what: damaged or doubled.
        is_back: whether they went to who began.
        packets: how many.
        capture, interface, frames: the place before, and its frames in ascending order.
        next_capture, next_interface: the place behind.
    """

    what: str
    is_back: bool
    packets: int
    capture: int
    interface: int | None
    frames: tuple[int, ...]
    next_capture: int
    next_interface: int | None


def altered(table: PacketTable, seen: Sightings, topology: Topology, legs: Sequence[Leg]) -> tuple[Altered, ...]:
    """What became of packets of a conversation between places, both directions; in the order of the way."""
    found: list[Altered] = []
    for number, own in enumerate(ways(table, legs)):
        rows = own[seen.packet[own] != NONE]
        step = table.place[rows].astype(np.int64) << 8 | table.ttl[rows]
        is_damaged = (table.layers[rows] & _WRONG != 0).any()
        if len(rows) > _MOST_ROWS or not (is_damaged or _is_any_twice(seen.packet[rows], step)):
            continue
        ordered = topology.in_order(rows)
        step = table.place[ordered].astype(np.int64) << 8 | table.ttl[ordered]
        way = [ordered[step == one] for one in dict.fromkeys(step.tolist())]
        for at, (here, there) in enumerate(pairwise(way)):
            for what, gone in (
                ("damaged", _damaged(table, seen, here, there)),
                ("doubled", _doubled(seen, here, there, way[at + 2 :])),
            ):
                found += _told(table, seen, what, gone, there, is_back=number == 1)
    return tuple(found)


def _is_any_twice(packet: Rows, step: Rows) -> bool:
    order = np.lexsort((step, packet))
    return bool(((np.diff(packet[order]) == 0) & (np.diff(step[order]) == 0)).any())


def _damaged(table: PacketTable, seen: Sightings, here: Rows, there: Rows) -> Rows:
    """Rows at the first place whose checksum is right there, and wrong at the second one."""
    is_right = (table.layers[here] & _WRONG == 0) & (table.layers[here] & GOOD_CHECKSUM != 0)
    wrong = seen.packet[there[table.layers[there] & _WRONG != 0]]
    found: Rows = here[is_right & np.isin(seen.packet[here], wrong)]
    return found


def _doubled(seen: Sightings, here: Rows, there: Rows, later: Sequence[Rows]) -> Rows:
    """Rows at the first place of packets that came there once, and then twice at each place behind it."""
    once, again = _by_number(seen, here, many=False), _by_number(seen, there, many=True)
    both = once[among(once, again.tolist())]
    if not later and len(again) >= _ALL * len(np.unique(seen.packet[there])):
        both = both[:0]
    for rows in later:
        if not len(both):  # a packet in a loop comes by at very many steps
            break
        both = both[~among(both, _by_number(seen, rows, many=False).tolist())]
    found: Rows = here[np.isin(seen.packet[here], both)]
    return found


def _by_number(seen: Sightings, rows: Rows, *, many: bool) -> Rows:
    """Packets that a place shows once, or several times."""
    numbers, counts = np.unique(seen.packet[rows], return_counts=True)
    found: Rows = numbers[(counts > 1) == many]
    return found


def _told(
    table: PacketTable, seen: Sightings, what: str, gone: Rows, there: Rows, *, is_back: bool
) -> Iterator[Altered]:
    if not len(gone):
        return
    one, other = table.places[int(table.place[gone[0]])], table.places[int(table.place[there[0]])]
    if (one.capture, one.interface) == (other.capture, other.interface):
        return
    yield Altered(
        what, is_back, len(np.unique(seen.packet[gone])), one.capture, one.interface,
        tuple(np.unique(table.frame[gone]).tolist()), other.capture, other.interface,
    )  # fmt: skip


def stretch_of(table: PacketTable, journeys: ExchangeColumns, what: str, rows: list[int]) -> dict[str, str]:
    """The two places between which all packets of some rows were altered, if it was always the same stretch."""
    if not len(journeys):
        return {}
    told = [
        one
        for index in journeys.with_rows(np.array(rows, np.int64))[:_MOST_LOOKED_AT].tolist()
        for one in journeys.fields(index).altered
        if one.what == what
    ]
    stretches = {((one.capture, one.interface), (one.next_capture, one.next_interface)) for one in told}
    if len(stretches) != 1 or (what == "damaged" and sum(one.packets for one in told) < len(rows)):
        return {}
    labels = {(place.capture, place.interface): place.label for place in reversed(whole_of(table).places)}
    last, due = stretches.pop()
    return {"last": labels.get(last, ""), "next": labels.get(due, "")}
