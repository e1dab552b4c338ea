"""Datagrams that answer a question which was sent to another port, or to a group.

Source: RFC 1350, 4 (TFTP answers from a port of its own); UPnP Device Architecture 2.0, 1.3.3 (a search is asked of a
group, and each device answers by itself).
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


def asked_by(table: PacketTable, opener: Rows, is_to_group: Bools) -> I8:
    """For each flow the one that it answers, int64[n], -1 if none.

    That is one which the host that hears had begun before, from the same port: to another port of the host that speaks
    now, or to a group.  A port that is used on both sides belongs to a service, whose hosts ask each other.

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
    partner = np.where(is_to_group, np.uint64(0), target)
    for some, spoken in ((asked[~is_to_group[asked]], source[told]), (asked[is_to_group[asked]], np.uint64(0))):
        known, first = Interner(), np.full(count + 1, -1, np.int64)
        first[known.index(speaks[some], (partner | place)[some])[::-1]] = some[::-1]
        size = len(known)
        question = first[np.minimum(known.index(hears[told], spoken | place[told]), size)]
        is_new = (question >= 0) & (question < told) & (found[told] < 0)
        found[told[is_new]] = question[is_new]
    return found
