"""One conversation at all its places: the exchanges (legs) that show the same packets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.exchanges.icmp.quotes import quoted_flows
from explain.record import dataclass
from explain.table import ICMP, ICMPV6, REVERSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.together import Exchanges
    from explain.places import Sightings
    from explain.table import I8, Bools, PacketTable, Rows

KINDS = ("icmp.echo", "tcp.connection", "udp.flow")
_CARRIED_BY_FLOWS = ("traceroute", "dns.lookup", "http.request", "icmp.error")
_REQUEST, _REQUEST_V6, _REPLY, _REPLY_V6 = 8, 128, 0, 129
_SLACK_NS = 1_000_000_000
Leg = tuple["ExchangeColumns", int]


@dataclass(frozen=True, slots=True)
class Trails:
    """Conversations over places; a leg is numbered through all the parts.

    Attributes:
        trail: int64[legs], the conversation of each leg.
        place: int64[legs].
        order: int64[legs], legs trail after trail.
        bounds: int64[n + 1] into ``order``.
    """

    parts: tuple[ExchangeColumns, ...]
    starts: I8
    trail: I8
    place: I8
    order: I8
    bounds: I8

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def leg(self, number: int) -> Leg:
        """The columns and the row in them of a leg."""
        part = int(np.searchsorted(self.starts, number, side="right")) - 1
        return self.parts[part], number - int(self.starts[part])

    def legs(self, trail: int) -> list[int]:
        """Numbers of the legs of a conversation."""
        found: list[int] = self.order[self.bounds[trail] : self.bounds[trail + 1]].tolist()
        return found


def follow(near: PacketTable, seen: Sightings, finders: Sequence[tuple[str, Callable[[PacketTable], bool]]]) -> Trails:
    """The conversations of the whole table, of which ``near`` holds the rows nearest to the askers."""
    table = whole(near)
    parts = [
        import_module(f"explain.exchanges.{name}").find(table)
        for name, occurs in finders
        if name in KINDS and occurs(table)
    ]
    return trails(table, seen, parts)


def whole(table: PacketTable) -> PacketTable:
    """The table with the rows of all places."""
    found: PacketTable = getattr(table, "whole", table)
    return found


def origin(table: PacketTable, rows: Rows) -> Rows:
    """Rows of the near table by their numbers in the whole one."""
    numbers = getattr(table, "origin", None)
    found: Rows = rows if numbers is None else numbers[rows]
    return found


def near_rows(table: PacketTable, rows: Rows) -> Rows:
    """Of rows of the whole table those that the near one has, by its numbers; -1 for the others."""
    numbers = getattr(table, "numbers", None)
    return rows if numbers is None else numbers[rows].astype(np.int64)


def trails(table: PacketTable, seen: Sightings, parts: Sequence[ExchangeColumns]) -> Trails:
    """Join the legs that share packets, and those with the same ends at the same time elsewhere."""
    used = tuple(part for part in parts if part.kind in KINDS and len(part))
    sizes = [len(part) for part in used]
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    if not used:
        empty = np.empty(0, np.int64)
        return Trails((), starts, empty, empty, empty, np.zeros(1, np.int64))
    first = np.concatenate([part.frames[part.bounds[:-1]] for part in used])
    place = table.place[first].astype(np.int64)
    one, other = _sharing(seen, used, starts)
    near, far = _alike(table, seen, used, first, place)
    trail = _components(int(starts[-1]), np.concatenate((one, near)), np.concatenate((other, far)))
    order = np.argsort(trail, kind="stable")
    bounds = np.flatnonzero(np.append(True, np.diff(trail[order]) != 0))
    return Trails(used, starts, trail, place, order, np.append(bounds, len(order)).astype(np.int64))


def _sharing(seen: Sightings, used: Sequence[ExchangeColumns], starts: I8) -> tuple[I8, I8]:
    """Pairs of legs that show the same packet; enough of them to connect all that do."""
    leg_of = np.full(len(seen.packet), -1, np.int32)
    pairs = []
    for part, start in zip(used, starts.tolist(), strict=False):
        leg = np.arange(start, start + len(part), dtype=np.int32).repeat(np.diff(part.bounds))
        known = leg_of[part.frames]
        again = np.flatnonzero(known >= 0)
        again = again[(known[again] != leg[again]) & (seen.packet[part.frames[again]] >= 0)]
        pairs.append((known[again], leg[again]))
        leg_of[part.frames] = leg
    leg = leg_of[seen.by_packet]
    has_leg = leg >= 0
    leg, packet = leg[has_leg], seen.packet[seen.by_packet[has_leg]]
    at = np.flatnonzero((packet[1:] == packet[:-1]) & (leg[1:] != leg[:-1]))
    pairs.append((leg[at], leg[at + 1]))
    one, other = (np.concatenate(some).astype(np.int64) for some in zip(*pairs, strict=True))
    return np.divmod(distinct(one * starts[-1] + other), starts[-1])


def _alike(
    table: PacketTable, seen: Sightings, used: Sequence[ExchangeColumns], first: Rows, place: I8
) -> tuple[I8, I8]:
    """Legs with the same ends (and ICMP id) at different places while both went on."""
    start = seen.time_ns[first]
    length = np.concatenate([part.end_ns - part.start_ns for part in used])
    pair = seen.tuples.of_flow[table.flow[first]]
    mark = np.zeros(len(first), np.int64)
    at = np.flatnonzero(table.layers[first] & (ICMP | ICMPV6))
    if len(at):
        mark[at] = table.icmp.word[np.searchsorted(table.icmp.row, first[at])] >> 16
    order = np.lexsort((start, mark, pair))
    is_same = (pair[order][1:] == pair[order][:-1]) & (mark[order][1:] == mark[order][:-1])
    until = start[order] + length[order] + _SLACK_NS
    is_same &= (start[order][1:] <= until[:-1]) & (place[order][1:] != place[order][:-1])
    some = np.flatnonzero(is_same)
    return order[some], order[some + 1]


def _components(count: int, one: I8, other: I8) -> I8:
    """Connected components by hooking and jumping; numbered from 0 in the order of their first members."""
    label = np.arange(count)
    while len(one):
        low = np.minimum(label[one], label[other])
        np.minimum.at(label, label[one], low)
        np.minimum.at(label, label[other], low)
        while True:
            jumped = label[label]
            if (jumped == label).all():
                break
            label = jumped
        is_open = label[one] != label[other]
        one, other = one[is_open], other[is_open]
    numbered: I8 = np.unique(label, return_inverse=True)[1].astype(np.int64)
    return numbered


def forward(table: PacketTable, leg: Leg) -> tuple[Rows, Rows, Rows]:
    """Rows of a leg from who began, back to him, and errors about it."""
    part, index = leg
    rows = part.rows(index)
    is_ahead: Bools
    if part.kind == "icmp.echo":
        kind = table.icmp.type[np.searchsorted(table.icmp.row, rows)]
        is_ahead, is_back = (kind == _REQUEST) | (kind == _REQUEST_V6), (kind == _REPLY) | (kind == _REPLY_V6)
        return rows[is_ahead], rows[is_back], rows[~is_ahead & ~is_back]
    layers = table.layers[rows]
    is_high = layers & REVERSED != 0
    if part.kind == "tcp.connection":
        is_ahead = is_high == bool(part.facts["course"].client[index])
    else:
        is_opener_high = table.layers[part.facts["opener"][index]] & REVERSED != 0
        is_ahead = is_high == (is_opener_high != bool(part.facts["is_answer"][index]))
    is_icmp = layers & (ICMP | ICMPV6) != 0
    return rows[is_ahead & ~is_icmp], rows[~is_ahead & ~is_icmp], rows[is_icmp]


def ways(table: PacketTable, legs: Sequence[Leg]) -> tuple[Rows, Rows]:
    """Rows of all legs from who began, and back to him."""
    ahead, back, _ = zip(*(forward(table, leg) for leg in legs), strict=True)
    return np.concatenate(ahead), np.concatenate(back)


def far_sides(exchanges: Exchanges) -> set[int]:
    """Positions of what a translated flow, what it carries and errors about it look like on the other side.

    The translation tells it.
    """
    part, table = exchanges.of_kind("nat.translation"), exchanges.table
    if part is None or not len(part):
        return set()
    far: list[Leg] = []
    is_far = np.zeros(len(table), np.bool_)
    quoted = quoted_flows(table)
    for carried in exchanges.carried(part, range(len(part))).values():
        first = [(int(one.frames[one.bounds[number]]), one, number) for one, number in carried]
        first.sort(key=lambda leg: (-int(table.ttl[leg[0]]), leg[0]))
        far += [(one, number) for _, one, number in first[1:]]
        is_error = [table.icmp.row[quoted == table.flow[row]] for row, _, _ in first]
        if first and len(is_error[0]):
            is_far[np.concatenate(is_error[1:] or [[]]).astype(np.int64)] = True
    for one, number in far:
        is_far[one.rows(number)] = True
    found = {exchanges.position(one, number) for one, number in far}
    for one in filter(None, map(exchanges.of_kind, _CARRIED_BY_FLOWS)):
        own = np.flatnonzero(is_far[one.frames[one.bounds[:-1]]]) if len(one) else ()
        found |= {exchanges.position(one, int(number)) for number in own}
    return found
