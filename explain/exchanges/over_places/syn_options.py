"""Options of the first segments of a connection that something on the way changed, took out or put in."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.over_places.trails import ways
from explain.places.matching import NONE
from explain.record import dataclass
from explain.side_tables import NO_SCALE
from explain.table import SYN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.over_places.trails import Leg
    from explain.places import Sightings
    from explain.places.topology import Topology
    from explain.table import PacketTable, Rows


@dataclass(frozen=True, slots=True)
class ChangedOption:
    """An option of a SYN or SYN-ACK that is not the same at two neighbouring places.

    Attributes:
        is_from_server: whether it is the SYN-ACK.
        option: mss, window-scale, sack-permitted, timestamps or mptcp.
        before, after: octets of the MSS, the shift of the window scale, 1 for the others; None where it is absent.
        capture, interface, frame: the place before, on the way of the segment.
        next_capture, next_interface, next_frame: the place behind.
    """

    is_from_server: bool
    option: str
    before: int | None
    after: int | None
    capture: int
    interface: int | None
    frame: int
    next_capture: int
    next_interface: int | None
    next_frame: int


def changed_options(
    table: PacketTable, seen: Sightings, topology: Topology, legs: Sequence[Leg]
) -> tuple[ChangedOption, ...]:
    """What became of the options, first of the SYN and then of the SYN-ACK, each along its way."""
    if not legs or legs[0][0].kind != "tcp.connection":
        return ()
    found: list[ChangedOption] = []
    for number, own in enumerate(ways(table, legs)):
        rows = own[(table.flags[own] & SYN != 0) & (seen.packet[own] != NONE)]
        if len(rows):
            packet = seen.packet[rows]
            same = rows[packet == packet[np.argmin(rows)]]
            found += _along(table, topology.in_order(same), is_from_server=number == 1)
    return tuple(found)


def _along(table: PacketTable, way: Rows, *, is_from_server: bool) -> Iterator[ChangedOption]:
    if len(way) < 2:
        return
    for before, after in pairwise(way.tolist()):
        here, there = table.places[int(table.place[before])], table.places[int(table.place[after])]
        options = zip(_options(table, before).items(), _options(table, after).values(), strict=True)
        for (name, old), new in options:
            if old != new:
                yield ChangedOption(
                    is_from_server, name, old, new, here.capture, here.interface, int(table.frame[before]),
                    there.capture, there.interface, int(table.frame[after]),
                )  # fmt: skip


def _options(table: PacketTable, row: int) -> dict[str, int | None]:
    syn, at = table.syn, int(np.searchsorted(table.syn.row, row))
    scale = int(syn.window_scale[at])
    return {
        "mss": int(syn.mss[at]) or None,
        "window-scale": None if scale == NO_SCALE else scale,
        "sack-permitted": int(syn.sack_permitted[at]) or None,
        "timestamps": int(syn.has_timestamps[at]) or None,
        "mptcp": int(bool(syn.multipath[at])) or None,
    }
