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
from explain.places.ways_back import ECHO_REPLIES, answers_elsewhere
from explain.record import NamedTuple
from explain.table import ACK, NO_FLOW, REVERSED, SYN

if TYPE_CHECKING:
    from explain.places import Sightings
    from explain.table import I8, Bools, PacketTable, Rows

_MOST_PARTINGS = 64
_LARGEST_OF_A_TRACE = 32
_ABOVE_EVERY_TTL = 256
_ECHO_REQUESTS = (8, 128)
_EVERYWHERE = 0  # the place of what is joined; others keep their own, one number higher


def nearest(table: PacketTable, seen: Sightings) -> NearTable:
    """The rows of a table that are nearest to the askers."""
    places = table.place.astype(np.int64) + 1
    is_dropped = np.zeros(len(table), np.bool_)
    joined = _conversations(table, seen, places, is_dropped)
    _questions(table, seen, places, is_dropped)
    _errors(table, seen, places, is_dropped)
    return NearTable(table, np.flatnonzero(~is_dropped), places, seen, joined)


def _conversations(table: PacketTable, seen: Sightings, places: Rows, is_dropped: Bools) -> Rows | None:
    """Of the talks between two ends, keep the one whose opener's packets have the highest TTL.

    Returns:
        int64[flows], which flow each one continues where answers came back by another place, None where none did.
    """
    talks = _talks(table, seen)
    first_of_side, pair, talk = talks.first_of_side, talks.pair, talks.of_row
    opening = first_of_side.view(np.uint64).reshape(-1, 2).min(axis=1).view(np.int64)  # none is the largest number
    order = np.lexsort((seen.time_ns[opening], ~talks.asks, pair))
    openers = order[firsts(pair[order])]
    direction = np.zeros(int(pair.max(initial=0)) + 1, np.int64)
    direction[pair[openers]] = table.layers[opening[openers]] & REVERSED != 0
    asked = first_of_side[2 * np.arange(len(pair)) + direction[pair]]
    ttl = np.where(asked >= 0, _highest_ttl(table, talk, asked), -1)
    saw_the_beginning = (asked >= 0) & (table.flags[asked] & (SYN | ACK) == SYN)
    ttl[saw_the_beginning] += _ABOVE_EVERY_TTL
    first = np.where(asked >= 0, asked, opening)
    rank = seen.order.ranks(table.links.source[table.link[first]], table.place[first])
    order = np.lexsort((seen.time_ns[opening], rank, -ttl, pair))
    is_near = np.zeros(len(pair) + 1, np.bool_)  # the last one stands for what has no flow
    is_near[order[firsts(pair[order])]] = True
    belongs = _of_one_talk(talk, seen, is_near)
    joined = answers_elsewhere(table, seen, pair, is_near)
    if joined is not None:
        is_answer = np.append(joined != np.arange(len(joined)), np.zeros(len(is_near) - len(joined), np.bool_))
        belongs |= _of_one_talk(talk, seen, is_answer)
        is_near |= is_answer
    is_dropped |= (belongs & ~is_near)[talk]
    places[is_near[talk]] = _EVERYWHERE
    return joined


class _Talks(NamedTuple):
    """The flows; where two hosts ping each other, what belongs to the pings of the second is a talk behind them.

    Attributes:
        of_row: int64[n], the talk of each row, one more than the last where there is none.
        first_of_side: int64[2 * talks], the first row of each side, -1 where there is none.
        asks: which talks ask by echo; there only requests count as first rows, no error or reply.
        pair: the number of the two ends, another one for the pings of the second and on other occasions.
    """

    of_row: Rows
    first_of_side: Rows
    asks: Bools
    pair: Rows


def _talks(table: PacketTable, seen: Sightings) -> _Talks:
    """Of ICMP two hosts have one flow, whoever of them pings, or tells an error about other traffic."""
    flows, icmp = len(table.flows.low), table.icmp
    is_request, is_reply = np.isin(icmp.type, _ECHO_REQUESTS), np.isin(icmp.type, ECHO_REPLIES)
    is_reversed = table.layers[icmp.row] & REVERSED != 0
    requests = icmp.row[is_request][::-1]
    asked: Rows = np.full((flows, 2), -1, np.int64)
    asked[table.flow[requests], is_reversed[is_request][::-1].astype(np.int64)] = requests  # the first one is set last
    pair = _pairs(table, seen)
    has_asked: Bools = asked >= 0
    is_asker = np.zeros((int(pair.max(initial=0)) + 1, 2), np.bool_)
    np.logical_or.at(is_asker, pair, has_asked)
    mutual = np.flatnonzero(is_asker[pair].all(axis=1))
    of_row = np.minimum(table.flow[: len(table)], flows).astype(np.int64)
    talk = np.arange(flows + 1)
    talk[mutual] = flows + np.arange(len(mutual))
    talk[flows] += len(mutual)
    is_of_second = np.where(is_reversed, is_request, is_reply)
    moved = np.concatenate((icmp.row[is_of_second], np.flatnonzero(of_row == flows)))
    of_row[moved] = talk[of_row[moved]]
    asks: Bools = has_asked.max(axis=1)
    first_of_side = np.where(asks[:, None], asked, table.first_of_side[:-2].reshape(-1, 2))
    second = asked[mutual]
    second[:, 0] = -1
    asks[mutual] = asked[mutual, 0] >= 0
    first_of_side[mutual] = asked[mutual]
    first_of_side[mutual, 1] = -1
    return _Talks(
        of_row,
        np.concatenate((first_of_side, second)).reshape(-1),
        np.append(asks, second[:, 1] >= 0),
        np.append(pair, pair[mutual] + len(is_asker)),
    )


def _highest_ttl(table: PacketTable, talk: Rows, asked: Rows) -> I8:
    """The TTL of the first packet of each talk and side; where it is small, as in traces, of the highest one there."""
    ttl: I8 = table.ttl[asked].astype(np.int64)
    is_low = (asked >= 0) & (ttl <= _LARGEST_OF_A_TRACE)
    if not is_low.any():
        return ttl
    rows = np.flatnonzero(np.append(is_low, np.False_)[talk])
    talk = talk[rows]
    is_asked = table.layers[rows] & REVERSED == (table.layers[asked] & REVERSED)[talk]
    np.maximum.at(ttl, talk[is_asked], table.ttl[rows[is_asked]])
    return ttl


def _pairs(table: PacketTable, seen: Sightings) -> Rows:
    """For each flow the number of its two ends; of other occasions, of others."""
    pair, occasion = seen.tuples.of_flow, seen.occasion
    if (occasion == occasion[0]).all():
        return pair
    numbers = pair * (int(occasion.max()) + 1) + occasion[table.flows.place]
    found: Rows = np.unique(numbers, return_inverse=True)[1]
    return found


def _of_one_talk(flow: Rows, seen: Sightings, is_near: Bools) -> Bools:
    """The flows that show packets of the near ones, or of a flow that does: the ways of a talk may part."""
    again = np.flatnonzero(~seen.is_first)
    ends = (flow[seen.by_packet[at]] for at in (again - 1, again))
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


def _errors(table: PacketTable, seen: Sightings, places: Rows, is_dropped: Bools) -> None:
    """ICMP errors that several captures show: as the nearest to whom they are for has them, for he is the asker.

    Only so their times stand on one clock with those of the packets that they are about, and behind these.
    """
    rows = table.icmp.row[table.icmp.quote > 0]
    rows = rows[(seen.packet[rows] >= 0) & (table.flow[rows] != NO_FLOW)]
    if not len(rows):
        return
    capture = np.array([place.capture for place in table.places], np.int64)
    packet, pair = seen.packet[rows], seen.tuples.of_flow[table.flow[rows]]
    rank = seen.order.ranks(table.links.target[table.link[rows]], table.place[rows])
    order = np.lexsort((rank, table.ttl[rows], pair, packet))
    rows, is_new = rows[order], firsts(packet[order]) | firsts(pair[order])
    starts, of = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    there = capture[table.place[rows]]
    is_apart = np.minimum.reduceat(there, starts) != np.maximum.reduceat(there, starts)
    is_apart &= ~np.logical_and.reduceat(is_dropped[rows], starts)
    is_dropped[rows[is_apart[of]]] = True
    kept = rows[starts[is_apart]]
    is_dropped[kept], places[kept] = False, _EVERYWHERE


def _distance(table: PacketTable, seen: Sightings, row: int) -> tuple[int, int]:
    """How far from its sender a frame was recorded: by the order of the places, then in time."""
    sender = int(table.links.source[table.link[row]])
    return seen.order.rank.get((sender, int(table.place[row])), 0), int(seen.time_ns[row])
