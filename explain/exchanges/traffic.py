"""Who is spoken to on a link: everybody, groups, and others than the host that recorded."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, NO_MAC
from explain.record import dataclass
from explain.table import ETHERNET

if TYPE_CHECKING:
    from explain.table import U8, PacketTable, Rows

_GROUP_BIT = 1 << 40
_ONCE = 2  # frames of one pair: what a switch floods before it has learned


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who is spoken to at one place.

    Attributes:
        to_all, to_groups: frames for everybody, and for groups.
        overheard: for pairs (from, to) of MACs, frames between others than the host that recorded.
    """

    place: int
    frames: int
    to_all: Rows
    to_groups: Rows
    overheard: dict[tuple[int, int], Rows]

    @property
    def is_flooded(self) -> bool:
        """Whether what is overheard are single frames, as a switch floods them before it has learned."""
        return all(len(rows) <= _ONCE for rows in self.overheard.values())


def traffic(table: PacketTable, common: dict[int, frozenset[int] | None]) -> list[Traffic]:
    """Broadcasts, groups and overheard frames, place by place.

    Args:
        table: all frames.
        common: for each place, the MACs that took part in every frame meant for one host.
    """
    targets = table.links.target
    is_all = targets == BROADCAST
    is_group = (targets & np.uint64(_GROUP_BIT) != 0) & ~is_all & (targets < NO_MAC)
    found = []
    for place, macs in common.items():
        rows = np.flatnonzero((table.place[: len(table)] == place) & (table.layers[: len(table)] & ETHERNET != 0))
        link = table.link[rows]
        overheard = _overheard(table, rows) if macs is not None and not macs else {}
        found.append(Traffic(place, len(rows), rows[is_all[link]], rows[is_group[link]], overheard))
    return found


def _overheard(table: PacketTable, rows: Rows) -> dict[tuple[int, int], Rows]:
    """Frames between others, if one host took part in nearly all the rest: that is who recorded."""
    links = table.links
    link = table.link[rows]
    single = (links.target[link] & np.uint64(_GROUP_BIT) == 0) & (links.target[link] < NO_MAC)
    rows, link = rows[single], link[single]
    own = _recorder(links.source[link], links.target[link])
    if own is None:
        return {}
    foreign = (links.source[link] != own) & (links.target[link] != own)
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, one in zip(rows[foreign].tolist(), link[foreign].tolist(), strict=True):
        pairs[int(links.source[one]), int(links.target[one])].append(row)
    return {pair: np.array(found, np.int64) for pair, found in pairs.items()}


def _recorder(source: U8, target: U8) -> int | None:
    """The MAC that takes part in more than half of the frames, both ways; None if there is none."""
    macs, counts = np.unique(np.concatenate((source, target)), return_counts=True)
    if not len(macs):
        return None
    busiest = int(macs[np.argmax(counts)])
    both_ways = (source == busiest).any() and (target == busiest).any()
    return busiest if both_ways and int(counts.max()) * 2 > len(source) else None
