"""Each conversation once: at the place nearest to whoever began it.

Where several places recorded the same traffic, an exchange is judged as its asker saw it: a
reply that vanished on the way is no answer.  What the other places saw of the same packets is
evidence; what only they saw is the business of journeys.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.places.matching import firsts
from explain.places.near import NearTable
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.places import Sightings
    from explain.table import I8, U4, Bools, PacketTable, Rows

_MOST_PARTINGS = 64
_LARGEST_OF_A_TRACE = 32
_ABOVE_EVERY_TTL = 256
_SYN, _SYN_OR_ACK = 2, 18
_ECHO_REQUESTS = (8, 128)
_EVERYWHERE = 0  # the place of what is joined; others keep their own, one number higher


def nearest(table: PacketTable, seen: Sightings) -> NearTable:
    """The rows of a table that are nearest to the askers."""
    places = table.place.astype(np.int64) + 1
    is_dropped = np.zeros(len(table), np.bool_)
    _conversations(table, seen, places, is_dropped)
    _questions(table, seen, places, is_dropped)
    return NearTable(table, np.flatnonzero(~is_dropped), places, seen)


def _conversations(table: PacketTable, seen: Sightings, places: Rows, is_dropped: Bools) -> None:
    """Of the flows between two ends, keep the one whose opener's packets have the highest TTL."""
    flows = np.arange(len(table.flows.low))
    first_of_side, asks = _first_asked(table)
    pair = _pairs(table, seen)
    opening = first_of_side[:-2].view(np.uint64).reshape(-1, 2).min(axis=1).view(np.int64)  # none is the largest number
    order = np.lexsort((seen.time_ns[opening], ~asks, pair))
    openers = order[firsts(pair[order])]
    direction = np.zeros(int(pair.max(initial=0)) + 1, np.int64)
    direction[pair[openers]] = table.layers[opening[openers]] & REVERSED != 0
    asked = first_of_side[2 * flows + direction[pair]]
    ttl = np.where(asked >= 0, _highest_ttl(table, asked), -1)
    saw_the_beginning = (asked >= 0) & (table.flags[asked] & _SYN_OR_ACK == _SYN)
    ttl[saw_the_beginning] += _ABOVE_EVERY_TTL
    first = np.where(asked >= 0, asked, opening)
    rank = seen.order.ranks(table.links.source[table.link[first]], table.place[first])
    order = np.lexsort((seen.time_ns[opening], rank, -ttl, pair))
    is_near = np.zeros(len(flows) + 1, np.bool_)  # the last one stands for what has no flow
    is_near[order[firsts(pair[order])]] = True
    flow = np.minimum(table.flow[: len(table)], len(flows))
    is_dropped |= (_of_one_talk(flow, seen, is_near) & ~is_near)[flow]
    places[is_near[flow]] = _EVERYWHERE


def _first_asked(table: PacketTable) -> tuple[I8, Bools]:
    """The first row of each flow and side, and which flows ask by echo: there only requests count, no error or reply.

    Of ICMP two hosts have one flow, whoever of them began by asking, or by an error about other traffic.
    """
    requests = table.icmp.row[np.isin(table.icmp.type, _ECHO_REQUESTS)][::-1]
    asked = np.full_like(table.first_of_side, -1)
    asked[2 * table.flow[requests] + (table.layers[requests] & REVERSED != 0)] = requests  # the first one is set last
    asks: Bools = asked[:-2].reshape(-1, 2).max(axis=1) >= 0
    return np.where(np.append(asks, np.False_).repeat(2), asked, table.first_of_side), asks


def _highest_ttl(table: PacketTable, asked: Rows) -> I8:
    """The TTL of the first packet of each flow and side; where it is small, as in traces, of the highest one there."""
    ttl: I8 = table.ttl[asked].astype(np.int64)
    is_low = (asked >= 0) & (ttl <= _LARGEST_OF_A_TRACE)
    if not is_low.any():
        return ttl
    rows = table.rows_of(is_low)
    flow = table.flow[rows]
    is_asked = table.layers[rows] & REVERSED == (table.layers[asked] & REVERSED)[flow]
    np.maximum.at(ttl, flow[is_asked], table.ttl[rows[is_asked]])
    return ttl


def _pairs(table: PacketTable, seen: Sightings) -> Rows:
    """For each flow the number of its two ends; of other occasions, of others."""
    pair, occasion = seen.tuples.of_flow, seen.occasion
    if (occasion == occasion[0]).all():
        return pair
    numbers = pair * (int(occasion.max()) + 1) + occasion[table.flows.place]
    found: Rows = np.unique(numbers, return_inverse=True)[1]
    return found


def _of_one_talk(flow: U4, seen: Sightings, is_near: Bools) -> Bools:
    """The flows that show packets of the near ones, or of a flow that does: the ways of a talk may part."""
    again = np.flatnonzero(~seen.is_first)
    ends = (flow[seen.by_packet[at]].astype(np.int64) for at in (again - 1, again))
    one, other = np.divmod(distinct(next(ends) * len(is_near) + next(ends)), len(is_near))
    belongs = is_near.copy()
    for _ in range(_MOST_PARTINGS):
        wider = belongs.copy()
        wider[one[belongs[other]]] = True
        wider[other[belongs[one]]] = True
        if (wider == belongs).all():
            break
        belongs = wider
    return belongs


def _questions(table: PacketTable, seen: Sightings, places: Rows, is_dropped: Bools) -> None:
    """ARP between two addresses: as the place saw it that heard the question first."""
    arp = table.arp
    ends = np.minimum(arp.sender_ip, arp.target_ip), np.maximum(arp.sender_ip, arp.target_ip)
    groups: dict[tuple[int, int, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    occasion = seen.occasion.tolist()
    for row, place, low, high in zip(
        arp.row.tolist(), table.place[arp.row].tolist(), ends[0].tolist(), ends[1].tolist(), strict=True
    ):
        groups[occasion[place], low, high][place].append(row)
    for by_place in groups.values():
        near: set[int] = set()
        for number, rows in enumerate(sorted(by_place.values(), key=lambda some: _distance(table, seen, some[0]))):
            packets = {int(seen.packet[row]) for row in rows} - {-1}
            if near & packets:
                is_dropped[rows] = True
            elif number == 0:
                near |= packets
                places[rows] = _EVERYWHERE


def _distance(table: PacketTable, seen: Sightings, row: int) -> tuple[int, int]:
    """How far from its sender a frame was recorded: by the order of the places, then in time."""
    sender = int(table.links.source[table.link[row]])
    return seen.order.rank.get((sender, int(table.place[row])), 0), int(seen.time_ns[row])
