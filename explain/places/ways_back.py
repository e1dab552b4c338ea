"""Answers that come back by another place than the one where the questions were recorded.

The asker has several interfaces, or the ways there and back lead through different routers.  The two
halves are one conversation if the asker got the answers: he confirms them, or they were handed to
the neighbour who had sent the questions, or to the host whose interfaces recorded both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.places.matching import firsts
from explain.table import ACK, ICMP, ICMPV6, SYN, TCP

if TYPE_CHECKING:
    from explain.places import Sightings
    from explain.table import Bools, PacketTable, Rows

ECHO_REPLIES = (0, 129)
_SIDES = 2


def answers_elsewhere(table: PacketTable, seen: Sightings, pair: Rows, is_near: Bools) -> Rows | None:
    """For each flow the one that it continues, itself as a rule; None where no answers came by another place.

    Args:
        table: the rows of all places.
        seen: which of them are one packet.
        pair: of each flow (and talk behind the flows) the number of its ends.
        is_near: the flows that were chosen as nearest to their askers.
    """
    count = len(table.flows.low)
    sides = table.first_of_side[:-2].reshape(-1, _SIDES)
    speaks = sides >= 0
    is_lone = speaks[:, 0] != speaks[:, 1]
    asking = np.flatnonzero(is_lone & is_near[:count])
    if not len(asking):
        return None
    back = np.flatnonzero(is_lone & ~is_near[:count])
    near: Rows = np.full(int(pair.max()) + 1, -1, np.int64)
    near[pair[asking]] = asking
    back = back[near[pair[back]] >= 0]
    there = near[pair[back]]
    capture = np.array([place.capture for place in table.places], np.int64)[table.flows.place]
    is_turned = (speaks[there, 0] != speaks[back, 0]) & (capture[there] == capture[back])
    there, back = there[is_turned], back[is_turned]
    if not len(there):
        return None
    asked, answered = sides.max(axis=1)[there], sides.max(axis=1)[back]
    is_heard = _is_handed_over(table, seen, capture, asked, answered) & _is_answer(table, answered)
    is_heard &= (seen.time_ns[asked] <= seen.time_ns[answered]) & ~_is_asked_again(table, seen, there, answered)
    is_heard |= _is_confirmed(table, there, answered)
    if not is_heard.any():
        return None
    there, back, answered = there[is_heard], back[is_heard], answered[is_heard]
    order = np.lexsort((seen.time_ns[answered], table.ttl[answered], there))  # the last place on the way back first
    order = order[firsts(there[order])]
    joined = np.arange(count)
    joined[back[order]] = there[order]
    return joined


def _is_handed_over(table: PacketTable, seen: Sightings, capture: Rows, asked: Rows, answered: Rows) -> Bools:
    """Whether answers went to the neighbour who had sent the questions, or to the host that recorded both alone."""
    to = table.links.target[table.link[answered]]
    is_same = (to == table.links.source[table.link[asked]]) & (to < NO_MAC)
    recording = seen.tuples.of_flow * len(table.places) + capture
    is_alone: Bools = np.bincount(recording)[recording[table.flow[asked]]] == _SIDES
    found: Bools = is_alone | is_same
    return found


def _is_answer(table: PacketTable, answered: Rows) -> Bools:
    """Whether it can be one: of TCP with ACK, of ICMP an echo reply."""
    layers, found = table.layers[answered], np.ones(len(answered), np.bool_)
    found[(layers & TCP != 0) & (table.flags[answered] & ACK == 0)] = False
    said = answered[layers & (ICMP | ICMPV6) != 0]
    kind = table.icmp.type[np.searchsorted(table.icmp.row, said)]
    found[layers & (ICMP | ICMPV6) != 0] = np.isin(kind, ECHO_REPLIES)
    return found


def _is_asked_again(table: PacketTable, seen: Sightings, there: Rows, answered: Rows) -> Bools:
    """Whether a SYN was sent again behind its answer, so that nobody had taken this."""
    last = _last(table, there, SYN)
    found: Bools = (last >= 0) & (seen.time_ns[last] > seen.time_ns[answered])
    return found


def _is_confirmed(table: PacketTable, there: Rows, answered: Rows) -> Bools:
    """Whether the asker confirms in TCP what the answers brought."""
    last = _last(table, there, ACK)
    beyond = (table.ack[last] - table.seq[answered]).astype(np.int32)
    found: Bools = (last >= 0) & (table.layers[answered] & TCP != 0) & (beyond > 0)
    return found


def _last(table: PacketTable, flows: Rows, flag: int) -> Rows:
    """The last segment of each flow with one flag of SYN and ACK and without the other, -1 where there is none."""
    is_wanted = np.zeros(len(table.flows.low), np.bool_)
    is_wanted[flows] = True
    rows = table.rows_of(is_wanted)
    rows = rows[(table.layers[rows] & TCP != 0) & (table.flags[rows] & (SYN | ACK) == flag)]
    last = np.full(len(table.flows.low), -1, np.int64)
    last[table.flow[rows]] = rows
    found: Rows = last[flows]
    return found
