"""Datagrams that answer a question which was sent to another port, or to a group.

Source: RFC 1350, 4 (TFTP answers from a port of its own); UPnP Device Architecture 2.0, 1.3.3 (a search is asked of a
group, and each device answers by itself); RFC 1123, 4.1.4 (a host of several addresses answers from the one asked, or
should).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.decode.intern import Interner

if TYPE_CHECKING:
    from explain.table import I8, Bools, PacketTable, Rows

_SIXTEEN, _PLACE = np.uint64(16), np.uint64(49)  # above address key and port
_FIRST_OWN = 1024  # what asks takes a port from here on
_PATIENCE_NS = 10_000_000_000


def asked_by(table: PacketTable, opener: Rows, is_to_group: Bools) -> I8:
    """For each flow the one that it answers, int64[n], -1 if none.

    That is one which the host that hears had begun before, from the same port: to another port of the host that speaks
    now, to a group, or just before, and in vain, to the same service at another address.  A port that is used on both
    sides belongs to a service, whose hosts ask each other.

    Args:
        table: all packets.
        opener: the first row of each flow, in order of time.
        is_to_group: whether it went to a group or to everybody.
    """
    count = len(opener)
    found = np.full(count, -1, np.int64)
    place = table.flows.place[table.flow[opener]].astype(np.uint64) << _PLACE
    source, target = table.sources(opener), table.targets(opener)
    source_port, target_port = table.source_ports(opener), table.target_ports(opener)
    speaks, hears = source << _SIXTEEN | source_port, target << _SIXTEEN | target_port
    told = np.flatnonzero((target_port >= _FIRST_OWN) & ~is_to_group)
    asked = np.flatnonzero(among(speaks, hears[told]) & (source_port != target_port))
    told = told[among(hears[told], speaks[asked])]
    if not len(told):
        return found
    to_group, to_one = asked[is_to_group[asked]], asked[~is_to_group[asked]]
    at_service = to_one[target_port[to_one] < _FIRST_OWN]
    for some, partner, spoken in (
        (to_one, target, source[told]),
        (to_group, np.zeros(count, np.uint64), np.uint64(0)),
        (at_service, target_port.astype(np.uint64), source_port[told].astype(np.uint64)),
    ):
        known, first = Interner(), np.full(count + 1, -1, np.int64)
        first[known.index(speaks[some], (partner | place)[some])[::-1]] = some[::-1]
        size = len(known)
        question = first[np.minimum(known.index(hears[told], spoken | place[told]), size)]
        is_new = (question >= 0) & (question < told) & (found[told] < 0)
        if some is at_service:
            is_new &= _is_in_vain(table, opener[question], opener[told])
        found[told[is_new]] = question[is_new]
    return found


def _is_in_vain(table: PacketTable, asked: Rows, told: Rows) -> Bools:
    """Whether a flow was begun shortly before a row, and nothing had come back in it by then."""
    flow = table.flow[asked].astype(np.int64)
    back = np.maximum(table.first_of_side[2 * flow], table.first_of_side[2 * flow + 1])
    is_silent: Bools = (back <= asked) | (back > told)
    return is_silent & (table.time_ns[told] - table.time_ns[asked] < _PATIENCE_NS)
