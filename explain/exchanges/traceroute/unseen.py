"""Traces of which only the answers were recorded, as ``tcpdump icmp`` records one by UDP.

How far away each router is nobody can tell then: a quoted probe has the TTL that was left.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct
from explain.exchanges.icmp.error import error_positions
from explain.exchanges.traceroute.answers import EXPIRED, REPLY, answer, errors
from explain.exchanges.traceroute.probes import SAME_TRACE_NS, Answer, Key, Run

if TYPE_CHECKING:
    from explain.table import PacketTable, Rows


def unseen(table: PacketTable, runs: list[Run]) -> list[Run]:
    """Runs without probes: several hosts on one way threw packets of a sender away, or the last of them took one."""
    known = {row for run in runs for row in (*run.strays, *(one.row for one in run.answers.values()))}
    found: dict[Key, list[Run]] = defaultdict(list)
    for said in errors(table, _of_several(table)):
        same = found[said.key]
        if not same or said.time_ns > same[-1].until_ns:
            same.append(Run(said.key))
        answer(same[-1], said.row, said.time_ns, said)
        same[-1].until_ns = said.time_ns + SAME_TRACE_NS
    return [
        run for key, same in found.items()
        for run in same
        if _is_trace(table, run) and known.isdisjoint(run.answers) and _hears_target(table, run)
    ]  # fmt: skip


def _of_several(table: PacketTable) -> Rows:
    """Positions of errors about packets between two hosts of which some expired, if several hosts say so."""
    icmp = table.icmp
    at = error_positions(icmp)
    at = at[icmp.quote[at] > 0]
    speaker, ends = table.sources(icmp.row[at]), table.targets(icmp.row[at]) << np.uint64(32) ^ icmp.quote_dst[at]
    is_expired = icmp.type[at] == np.where(icmp.is_v6[at], 3, 11)
    way = np.flatnonzero(is_expired | (speaker == icmp.quote_dst[at]))
    way = way[np.lexsort((speaker[way], ends[way]))]
    is_other = (ends[way][1:] == ends[way][:-1]) & (speaker[way][1:] != speaker[way][:-1])
    several = distinct(ends[way][1:][is_other])
    return at[among(ends, several[among(several, ends[is_expired])])]


def _is_trace(table: PacketTable, run: Run) -> bool:
    """Who threw probes away, or is their target, lies at several distances, as the TTLs of what they say show."""
    way = [one for one in run.answers.values() if one.name == EXPIRED or one.speaker == run.target]
    ttls = {int(table.ttl[one.row]) for one in way}
    return len({one.speaker for one in way}) > 1 and len(ttls) > 1 and any(one.name == EXPIRED for one in way)


def _hears_target(table: PacketTable, run: Run) -> bool:
    """Whether nothing that the sender sent is here; what the target answered meanwhile is noted as well."""
    rows = table.rows_between(run.source, run.target)
    rows = rows[(table.flows.protocol[table.flow[rows]] == run.protocol) & (table.place[rows] == run.key[0])]
    is_answer = table.sources(rows) == run.target
    if not is_answer.all():
        return False
    for row in rows[(table.time_ns[rows] <= run.until_ns)].tolist():
        run.answers[row] = Answer(row, run.target, 0, REPLY)
    return True
