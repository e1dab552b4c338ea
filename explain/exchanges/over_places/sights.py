"""Frames of one packet along its way: where each was seen, and what had changed since the place before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, NO_MAC
from explain.record import dataclass
from explain.table import ICMP, ICMPV6

if TYPE_CHECKING:
    from explain.places import Sightings
    from explain.table import PacketTable, Rows

_MOST_COPIES = 8  # of a frame at one place; a flood of the same frame is one packet
_MOST_SIGHTS = 600  # a TTL falls 255 times


@dataclass(frozen=True, slots=True)
class Spot:
    """A frame at a vantage point.

    Attributes:
        device: the interface's number there, of a recording on ``any`` that has it; else None.
    """

    capture: int
    interface: int | None
    frame: int
    device: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """A packet seen at a place, and what is not as it was at the place before.

    Attributes:
        time_ns: as the file has it.
        changed: of mac, ttl, address, port, id, checksum, size.
        step_ns: since the place before, clocks corrected; None at the first.
        device: as of a Spot.
    """

    capture: int
    interface: int | None
    frame: int
    time_ns: int
    changed: tuple[str, ...]
    step_ns: int | None
    vantage: str | None
    device: int | None = None


def spot_of(table: PacketTable, row: int) -> Spot:
    """Where a frame was recorded."""
    place = table.places[int(table.place[row])]
    return Spot(place.capture, place.interface, int(table.frame[row]), place.device)


def spot_name(table: PacketTable, spot: Spot | Sight) -> str:
    """A place as people call it; of several in one recording, the one that has the frame."""
    there = [
        (at, place.label) for at, place in enumerate(table.places)
        if (place.capture, place.interface) == (spot.capture, spot.interface) and spot.device in (None, place.device)
    ]  # fmt: skip
    if len(there) > 1 and spot.frame:
        rows = np.flatnonzero(table.frame[: len(table)] == spot.frame)
        has_it = set(table.place[rows].tolist())
        there = [(at, name) for at, name in there if at in has_it] or there
    return there[0][1] if there else f"{spot.capture + 1}"


def sights(table: PacketTable, seen: Sightings, rows: Rows) -> tuple[Sight, ...]:
    """Frames of a packet, given along its way; of a flood not all."""
    rows = _without_flood(table, rows)
    return tuple(_sight(table, seen, rows, at) for at in range(len(rows)))


def _sight(table: PacketTable, seen: Sightings, rows: Rows, at: int) -> Sight:
    row = int(rows[at])
    place = table.places[int(table.place[row])]
    step = int(seen.time_ns[row] - seen.time_ns[rows[at - 1]]) if at else None
    changed = changes(table, int(rows[at - 1]), row) if at else ()
    spot = spot_of(table, row)
    return Sight(
        spot.capture, spot.interface, spot.frame, int(table.time_ns[row]), changed, step, place.name, place.device
    )


def _without_flood(table: PacketTable, order: Rows) -> Rows:
    """Frames of a packet along its way, but of very many copies at a place only the first ones."""
    step = table.place[order].astype(np.int64) << 8 | table.ttl[order]
    is_more = np.zeros(len(order), np.bool_)
    is_more[_MOST_COPIES:] = step[_MOST_COPIES:] == step[:-_MOST_COPIES]
    return order[~is_more][:_MOST_SIGHTS]


def changes(table: PacketTable, before: int, after: int) -> tuple[str, ...]:
    """What differs between two frames of one packet."""
    links = table.links
    macs = [(int(links.source[table.link[row]]), int(links.target[table.link[row]])) for row in (before, after)]
    has_macs = all(mac < BROADCAST or mac < NO_MAC for pair in macs for mac in pair)
    ids = [_identifier(table, row) for row in (before, after)]
    found = (
        ("mac", has_macs and macs[0] != macs[1]),
        ("ttl", table.ttl[before] != table.ttl[after]),
        ("address", table.ends(before) != table.ends(after)),
        ("port", table.ports(before) != table.ports(after)),
        ("id", ids[0] != ids[1]),
        ("checksum", table.checksum[before] != table.checksum[after]),
        ("size", table.payload[before] != table.payload[after]),
    )
    return tuple(name for name, is_changed in found if is_changed)


def _identifier(table: PacketTable, row: int) -> int | None:
    """The id of an ICMP echo."""
    if not table.layers[row] & (ICMP | ICMPV6):
        return None
    return int(table.icmp.word[np.searchsorted(table.icmp.row, row)]) >> 16
