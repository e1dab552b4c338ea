"""Who is spoken to on a link: everybody, groups, and others than the host that recorded."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, NO_MAC
from explain.arrays import distinct
from explain.record import dataclass
from explain.table import ETHERNET

if TYPE_CHECKING:
    from explain.table import I8, U4, U8, PacketTable, Rows

_GROUP_BIT = 1 << 40
_AT_A_TIME = 1 << 16  # frames
_TCP, _SYN, _RST, _ACK = 6, 2, 4, 16
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
        """Whether what is overheard are single frames and no answers, as a switch floods them before it has learned."""
        return _is_flooded(self.overheard)


def traffic(table: PacketTable, common: dict[int, frozenset[int] | None]) -> list[Traffic]:
    """Broadcasts, groups and overheard frames, place by place.

    Args:
        table: all frames.
        common: for each place, the MACs that took part in every frame meant for one host.
    """
    targets, link = table.links.target, table.link[: len(table)]
    is_all = targets == BROADCAST
    is_group = (targets & np.uint64(_GROUP_BIT) != 0) & ~is_all & (targets < NO_MAC)
    found = []
    for place, macs in common.items():
        is_here = (table.place[: len(table)] == place) & (table.layers[: len(table)] & ETHERNET != 0)
        to_all, to_groups = (np.flatnonzero(is_here & is_it.take(link)) for is_it in (is_all, is_group))
        overheard = _overheard(table, np.flatnonzero(is_here)) if macs is not None and not macs else {}
        found.append(Traffic(place, int(np.count_nonzero(is_here)), to_all, to_groups, overheard))
    return found


def flooded(table: PacketTable) -> Rows:
    """Frames between others, one or two of a pair and none back, as the only ones: a switch had not learned yet."""
    foreign = _frames_of_foreign(table, table.link[: len(table)])
    pairs = _by_pair(table, table.rows_on(foreign > 0)) if 0 < foreign.max(initial=0) <= _ONCE else {}
    return np.concatenate(list(pairs.values())) if pairs and _is_flooded(pairs) else np.empty(0, np.int64)


def without_way_back(table: PacketTable) -> U8:
    """Hosts that confirm in TCP what came to them, of which nothing was recorded: only what they sent was.

    Source: RFC 9293, 3.5: who confirms after its SYN has been answered.
    """
    flows = table.flows
    by_side = table.first_of_side[:-2].reshape(-1, 2)
    speaks = by_side >= 0
    opener = by_side.max(axis=1)
    is_lonely = (flows.protocol == _TCP) & ~speaks.all(axis=1) & (table.flags[opener] & (_SYN | _ACK) == _SYN)
    rows = table.rows_of(is_lonely & (len(table.places) == 1))
    hosts = distinct(table.sources(rows[table.flags[rows] & (_SYN | _RST | _ACK) == _ACK]))
    if not len(hosts):
        return hosts
    spoken_to = np.concatenate((flows.high[speaks[:, 0]], flows.low[speaks[:, 1]]))
    found: U8 = hosts[~np.isin(hosts, spoken_to)]
    return found


def _is_flooded(pairs: dict[tuple[int, int], Rows]) -> bool:
    """Where answers come by, too, it is no switch that has not learned: it knows already who had asked."""
    return all(len(rows) <= _ONCE and (target, source) not in pairs for (source, target), rows in pairs.items())


def _frames_of_foreign(table: PacketTable, link: U4) -> I8:
    """How many frames each link carried that is between others than the host that recorded, which took part in most.

    0 where it is none, or nobody took part in most.

    Args:
        table: what the links are of.
        link: of each frame.
    """
    source, target = table.links.source, table.links.target
    frames = np.zeros(len(target), np.int64)
    for at in range(0, len(link), _AT_A_TIME):
        frames += np.bincount(link[at : at + _AT_A_TIME], minlength=len(target))
    frames[(target & np.uint64(_GROUP_BIT) != 0) | (target >= NO_MAC)] = 0
    single = np.flatnonzero(frames)
    own = _recorder(source[single], target[single], frames[single])
    return np.zeros_like(frames) if own is None else np.where((source == own) | (target == own), 0, frames)


def _overheard(table: PacketTable, rows: Rows) -> dict[tuple[int, int], Rows]:
    """Frames between others, if one host took part in nearly all the rest: that is who recorded."""
    link = table.link[rows]
    return _by_pair(table, rows[_frames_of_foreign(table, link)[link] > 0])


def _by_pair(table: PacketTable, rows: Rows) -> dict[tuple[int, int], Rows]:
    """Frames by who sent them to whom, in the order of the first ones."""
    source, target, link = table.links.source, table.links.target, table.link
    rows = rows[np.argsort(link[rows], kind="stable")]
    pairs: dict[tuple[int, int], list[Rows]] = defaultdict(list)
    for some in np.split(rows, np.flatnonzero(link[rows[1:]] != link[rows[:-1]]) + 1) if len(rows) else ():
        pairs[int(source[link[some[0]]]), int(target[link[some[0]]])].append(some)
    joined = [(pair, np.sort(np.concatenate(found))) for pair, found in pairs.items()]
    return dict(sorted(joined, key=lambda one: int(one[1][0])))


def _recorder(source: U8, target: U8, frames: I8) -> int | None:
    """The MAC that takes part in more than half of the frames, both ways; None if there is none."""
    if not len(frames):
        return None
    macs, of = np.unique(np.concatenate((source, target)), return_inverse=True)
    taken = np.bincount(of, np.concatenate((frames, frames)))
    busiest = macs[np.argmax(taken)]
    both_ways = (source == busiest).any() and (target == busiest).any()
    return int(busiest) if both_ways and taken.max() * 2 > frames.sum() else None
