"""Probes with rising TTLs, gathered into the runs of a program that sent them."""

from __future__ import annotations

from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct
from explain.record import NamedTuple, dataclass
from explain.table import ACK, ICMP, ICMPV6, IP, LATER_FRAGMENT, SYN, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from explain.table import U2, Bools, PacketTable, Rows

_HIGHEST_START = 2  # the first TTL of a trace, seen at its sender or one router later
_LATEST_START = 32  # where errors say that a probe expired, the first TTL was chosen (traceroute -f)
_HIGHEST = 64
_FEWEST_TTLS = 2
_FEWEST_SILENT_TTLS = 4  # without a single error, only a longer climb is a trace
SAME_TRACE_NS = 15_000_000_000  # traceroute waits five seconds for a silent hop, some tools ten
_LARGEST_GAP = 8  # distances of which all probes may be missing in the capture
_ROUND_NS = 1_000_000_000  # a packet in a loop is back by then
_FEWEST_FALLS = 2  # one passage is recorded twice where a router records all its interfaces as one
_NEAR = 64  # a program that goes on counts from one probe to the next
_TCP, _ICMPS = 6, (1, 58)


Key = tuple[int, int, int, int]
"""Place, source, target and protocol of a trace."""
Mark = tuple[int, int]
"""What an error quotes of a probe: its ports, or 0 and the identifier and sequence of an ICMP message."""


class Probe(NamedTuple):
    """One packet of a trace."""

    row: int
    time_ns: int
    ttl: int
    flow: int
    ip_id: int
    mark: Mark


@dataclass(slots=True)
class Answer:
    """What came back for one probe; ``row`` is its own."""

    row: int
    speaker: int
    rtt_ns: int
    name: str


@dataclass(slots=True)
class Run:
    """A trace that is still growing.

    Attributes:
        highest: the largest TTL so far.
        until_ns: when the next one between the same hosts begins.
        answers: by the row of the probe; by their own where no probes were recorded.
        mtus: what errors named, and who.
        is_circling: a packet came by again and again.
        strays: errors whose probe was not recorded, or answered already, the resets by which a prober drops the
            connection that its probe would open, and probes that come by again.
    """

    key: Key
    highest: int = 0
    until_ns: int = 0
    probes: list[Probe] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    mtus: list[tuple[int, int]] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)
    is_circling: bool = False

    @property
    def source(self) -> int:
        """The address of the asker, as in ``Addresses``."""
        return self.key[1]

    @property
    def target(self) -> int:
        """The address that is asked for."""
        return self.key[2]

    @property
    def protocol(self) -> int:
        """Of the probes, by its IP number."""
        return self.key[3]


_Packet = tuple[int, int, Mark]


@dataclass(slots=True)
class _Passage:
    """When a packet passed here last, how often with a lower TTL than before, and the run that it is a probe of."""

    time_ns: int
    ttl: int
    falls: int = 0
    run: Run | None = None


def runs_of(table: PacketTable) -> list[Run]:
    """All that may be a trace, before anybody has looked at the answers."""
    rows = _candidates(table)
    return [run for run in _runs(table, rows) if _climbs(run)] if len(rows) else []


def is_trace(run: Run) -> bool:
    """A probe expired, or the TTL climbed far without any answer."""
    ttls = sorted({probe.ttl for probe in run.probes})
    has_expired = any(answer.name == "ttl-exceeded" for answer in run.answers.values())
    climb = list(range(ttls[0], ttls[0] + _FEWEST_SILENT_TTLS))
    return has_expired or (ttls[0] <= _HIGHEST_START and ttls[:_FEWEST_SILENT_TTLS] == climb)


def _candidates(table: PacketTable) -> Rows:
    """Probe-like rows between pairs of hosts of which one packet began with TTL 1 or 2, or expired."""
    low = np.flatnonzero((table.ttl - 1 < _HIGHEST_START) & (table.layers & IP != 0))
    low = low[~table.addresses.are_groups(table.targets(low))]
    icmp = table.icmp
    expired = (icmp.quote > 0) & (icmp.type == np.where(icmp.is_v6, 3, 11))
    sources = np.concatenate((table.sources(low), icmp.quote_src[expired]))
    targets = np.concatenate((table.targets(low), icmp.quote_dst[expired]))
    if not len(sources):
        return low
    flows = table.flows
    ends = set(zip(sources.tolist(), targets.tolist(), strict=True))
    hosts = distinct(np.concatenate((sources, targets)))
    is_probed = among(flows.low, hosts) & among(flows.high, hosts)
    some = np.flatnonzero(is_probed)
    both = zip(*as_lists((flows.low[some], flows.high[some])), strict=True)
    is_probed[some] = [one in ends or one[::-1] in ends for one in both]
    rows = table.rows_of(is_probed)
    rows = rows[(table.ttl[rows] <= _HIGHEST) & (table.layers[rows] & LATER_FRAGMENT == 0)]
    rows = rows[_is_probe_like(table, rows)]
    found: Rows = rows[[one in ends for one in zip(*as_lists((table.sources(rows), table.targets(rows))), strict=True)]]
    return found


def _is_probe_like(table: PacketTable, rows: Rows) -> Bools:
    """SYNs, datagrams, echo requests, and packets of protocols that have no table here (traceroute -P)."""
    layers = table.layers[rows]
    is_request = among(rows, table.icmp.row[among(table.icmp.type, (8, 128))])
    is_other = layers & (TCP | UDP | ICMP | ICMPV6) == 0
    found: Bools = (table.flags[rows] & (SYN | ACK) == SYN) | (layers & UDP != 0) | is_request | is_other
    return found


def _runs(table: PacketTable, rows: Rows) -> Iterator[Run]:
    """Probes of one program one after the other; what begins high, or far above the last hop, is other traffic."""
    columns = (
        rows, table.place[rows], table.time_ns[rows], table.sources(rows), table.targets(rows),
        table.flows.protocol[table.flow[rows]], table.ttl[rows], table.flow[rows], table.ip_id[rows],
    )  # fmt: skip
    marks = marks_of(table, rows, table.source_ports(rows), table.target_ports(rows))
    runs: dict[tuple[Key, int], Run] = {}
    latest: dict[_Packet, _Passage] = {}
    for row, place, time_ns, source, target, protocol, ttl, flow, ip_id, mark in zip(
        *as_lists(columns), marks, strict=True
    ):
        key = (place, source, target, protocol)
        group = key, mark[1] >> 16  # the identifier of an echo request; 0 for ports
        run = runs.get(group)
        probe = Probe(row, time_ns, ttl, flow, ip_id, mark)
        if _comes_by_again(latest, probe):
            continue
        if ttl > (run.highest + _LARGEST_GAP if run else _LATEST_START):
            continue
        if run is not None and (time_ns - run.probes[-1].time_ns > SAME_TRACE_NS or _begins_anew(run, probe)):
            run.until_ns = time_ns
            yield run
            run = None
        if run is None:
            run = runs[group] = Run(key)
        run.probes.append(probe)
        latest[flow, ip_id, mark].run = run
        run.highest, run.until_ns = max(run.highest, ttl), time_ns + SAME_TRACE_NS
    yield from runs.values()


def as_lists(columns: Sequence[npt.NDArray[Any]]) -> list[list[Any]]:
    """Columns as lists of plain numbers."""
    return [column.tolist() for column in columns]


def marks_of(table: PacketTable, rows: Rows, one: U2, other: U2) -> list[Mark]:
    """The ports of some rows, or of ICMP messages 0, and their identifier and sequence."""
    words = other.astype(np.uint32)
    is_icmp = among(rows, table.icmp.row)
    words[is_icmp] = table.icmp.word[np.searchsorted(table.icmp.row, rows[is_icmp])]
    return list(zip(np.where(is_icmp, 0, one).tolist(), words.tolist(), strict=True))


def _comes_by_again(latest: dict[_Packet, _Passage], probe: Probe) -> bool:
    """Whether it is an earlier packet that passes here once more, on its way through a loop; it is noted."""
    packet = probe.flow, probe.ip_id, probe.mark
    before = latest.get(packet)
    if before is None or probe.ttl >= before.ttl or probe.time_ns - before.time_ns >= _ROUND_NS:
        latest[packet] = _Passage(probe.time_ns, probe.ttl)
        return False
    before.time_ns, before.ttl = probe.time_ns, probe.ttl
    if before.run is not None:
        before.falls += 1
        before.run.strays.append(probe.row)
        before.run.is_circling |= before.falls >= _FEWEST_FALLS
    return True


def _begins_anew(run: Run, probe: Probe) -> bool:
    """Other ports, or the first TTL and port again; mtr goes round too, but counts on."""
    first, last = run.probes[0], run.probes[-1]
    one, other = probe.mark[0] - last.mark[0], _step(run, last.mark[1], probe.mark[1])
    if 0 in (one, other) and abs(one + other) <= _NEAR:
        return False
    begins_low = probe.ttl <= first.ttl and probe.ttl < last.ttl
    is_first_port = run.protocol == _TCP or probe.mark[1] == first.mark[1]
    return abs(other) > _NEAR or (begins_low and is_first_port)


def _step(run: Run, before: int, after: int) -> int:
    """How far the ports or sequence numbers of two probes are apart; Windows counts with the low octet first."""
    if run.protocol not in _ICMPS:
        return after - before
    return min(after - before, _swapped(after) - _swapped(before), key=abs)


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8 & 0xFF


def _climbs(run: Run) -> bool:
    """Several TTLs from a low one upwards; one packet in a loop comes by again, with its TTL falling."""
    first: dict[tuple[Mark, int], int] = {}
    for probe in run.probes:
        first.setdefault((probe.mark, probe.ip_id), probe.ttl)
    steps = [after - before for before, after in pairwise(first.values())]
    falls, rises = sum(step < 0 for step in steps), sum(step > 0 for step in steps)
    ttls = [probe.ttl for probe in run.probes]
    return len(set(ttls)) >= _FEWEST_TTLS and min(ttls) <= _LATEST_START and ttls[0] <= ttls[-1] and falls <= 2 * rises
