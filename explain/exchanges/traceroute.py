"""``traceroute``: probes with rising TTLs, and who answered each of them.

Hops come from each probe's own TTL and from the packet that an error quotes, never from port
numbers: ``-q``, parallel probes and other tools number their ports as they like.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explain.arrays import among, distinct
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.icmp_error import error_positions
from explain.record import dataclass
from explain.table import ICMP, ICMPV6, LATER_FRAGMENT, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from explain.table import U2, Bools, PacketTable, Rows

OUTCOMES = ("reached", "not-reached")
_HIGHEST_START = 2  # the first TTL of a trace, seen at its sender or one router later
_HIGHEST = 64
_FEWEST_TTLS = 2
_FEWEST_SILENT_TTLS = 4  # without a single error, only a longer climb is a trace
_SAME_TRACE_NS = 15_000_000_000  # traceroute waits five seconds for a silent hop, some tools ten
_SYN, _ACK, _RST = 2, 16, 4
_PROBES = UDP | ICMP | ICMPV6 | TCP
_METHODS = {1: "icmp", 58: "icmp", 6: "tcp", 17: "udp"}
_ARRIVED = frozenset(("reply", "unreachable"))  # what a target says to a probe that has come to it
_TOO_BIG = "too-big"
_PATIENCE_NS = 15_000_000_000


@dataclass(frozen=True, slots=True)
class Hop:
    """What the probes with one TTL found; the hop of the target is the last one.

    Attributes:
        from_: who answered first at this distance, None where all probes met silence (``from`` in the report).
        rtt_ns: one for each answer, in the order of the probes.
        others: further hosts that answered at the same distance (load balancing).
        error: what the answer said, such as ttl-exceeded; reply for the target's own answer.
        frames: of the probes and of the answers to them.
    """

    ttl: int
    from_: str | None
    rtt_ns: tuple[int, ...]
    probes: int
    others: tuple[str, ...]
    error: str | None
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Traceroute:
    """One run of traceroute, tracepath or mtr.

    Attributes:
        method: udp, icmp or tcp.
        loop: addresses that answered again after another one had, in order; empty without a loop.
        mtu: the smallest MTU that an error on the way named, None if none did; mtu_from: who named it.
        was_stopped: it did not arrive, but a router answered from the furthest distance that was probed; no loop.
    """

    src: str
    dst: str
    method: str
    hops: tuple[Hop, ...]
    loop: tuple[str, ...]
    mtu: int | None
    mtu_from: str | None
    was_stopped: bool


class _Probe(NamedTuple):
    """``mark`` is what an error about it quotes: the ports, or identifier and sequence."""

    row: int
    time_ns: int
    ttl: int
    flow: int
    ip_id: int
    mark: tuple[int, int]


@dataclass(slots=True)
class _Answer:
    row: int
    speaker: int
    rtt_ns: int
    name: str


@dataclass(slots=True)
class _Run:
    """A trace that is still growing.

    ``strays`` are errors whose probe was not recorded, or answered already, and the resets by which a
    prober drops the connection that its probe would open.
    """

    place: int
    source: int
    target: int
    protocol: int
    probes: list[_Probe] = field(default_factory=list)
    answers: dict[int, _Answer] = field(default_factory=dict)
    mtus: list[tuple[int, int]] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)


class _Error(NamedTuple):
    """An ICMP error; ``sport`` and ``dport`` are the mark of the probe that it quotes."""

    row: int
    time_ns: int
    speaker: int
    sport: int
    dport: int
    ip_id: int
    is_late: bool
    is_too_big: bool
    word: int


_Ends = tuple[int, int, int, int]
_Reply = tuple[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Heard:
    """Errors by place, receiver, quoted target and protocol; replies by flow and sender."""

    errors: dict[_Ends, list[_Error]]
    replies: dict[tuple[int, int], list[_Reply]]


def find(table: PacketTable) -> ExchangeColumns:
    """Traces at each place, whatever they were sent with."""
    rows = _candidates(table)
    runs = [run for run in _runs(table, rows) if _climbs(run)] if len(rows) else []
    found = []
    if runs:
        heard = _heard(table, runs)
        for run in runs:
            _match(table, run, heard)
        found = [_found(table, run) for run in runs if _is_trace(run)]
    return from_list("traceroute", OUTCOMES, found, table, _PATIENCE_NS)


def _candidates(table: PacketTable) -> Rows:
    """Probe-like rows between pairs of hosts of which one packet began with TTL 1 or 2."""
    low = np.flatnonzero((table.ttl - 1 < _HIGHEST_START) & (table.layers & _PROBES != 0))
    low = low[~table.addresses.are_groups(table.targets(low))]
    if not len(low):
        return low
    flows = table.flows
    pairs = table.sources(low), table.targets(low)
    ends = set(zip(*_lists(pairs), strict=True))
    hosts = distinct(np.concatenate(pairs))
    is_probed = among(flows.low, hosts) & among(flows.high, hosts)
    some = np.flatnonzero(is_probed)
    both = zip(*_lists((flows.low[some], flows.high[some])), strict=True)
    is_probed[some] = [one in ends or one[::-1] in ends for one in both]
    rows = table.rows_of(is_probed)
    rows = rows[(table.ttl[rows] <= _HIGHEST) & (table.layers[rows] & LATER_FRAGMENT == 0)]
    is_syn = table.flags[rows] & (_SYN | _ACK) == _SYN
    is_udp = table.layers[rows] & UDP != 0
    found: Rows = rows[is_syn | is_udp | _is_request(table, rows)]
    return found[
        [ends_of in ends for ends_of in zip(table.sources(found).tolist(), table.targets(found).tolist(), strict=True)]
    ]


def _is_request(table: PacketTable, rows: Rows) -> Bools:
    return among(rows, table.icmp.row[among(table.icmp.type, (8, 128))])


def _runs(table: PacketTable, rows: Rows) -> Iterator[_Run]:
    columns = (
        rows, table.place[rows], table.time_ns[rows], table.sources(rows), table.targets(rows),
        table.flows.protocol[table.flow[rows]], table.ttl[rows], table.flow[rows], table.ip_id[rows],
    )  # fmt: skip
    marks = _marks(table, rows, table.source_ports(rows), table.target_ports(rows))
    runs: dict[tuple[int, int, int, int], _Run] = {}
    for row, place, time_ns, source, target, protocol, ttl, flow, ip_id, mark in zip(
        *_lists(columns), marks, strict=True
    ):
        key = (place, source, target, protocol)
        run = runs.get(key)
        if run is not None and time_ns - run.probes[-1].time_ns > _SAME_TRACE_NS:
            yield run
            run = None
        if run is None:
            run = runs[key] = _Run(place, source, target, protocol)
        run.probes.append(_Probe(row, time_ns, ttl, flow, ip_id, mark))
    yield from runs.values()


def _lists(columns: Sequence[npt.NDArray[Any]]) -> list[list[Any]]:
    return [column.tolist() for column in columns]


def _marks(table: PacketTable, rows: Rows, one: U2, other: U2) -> list[tuple[int, int]]:
    """The ports of some rows, or of ICMP messages 0, and their identifier and sequence."""
    words = other.astype(np.uint32)
    is_icmp = among(rows, table.icmp.row)
    words[is_icmp] = table.icmp.word[np.searchsorted(table.icmp.row, rows[is_icmp])]
    return list(zip(np.where(is_icmp, 0, one).tolist(), words.tolist(), strict=True))


def _climbs(run: _Run) -> bool:
    """Several TTLs from a low one upwards; a packet in a loop comes by with its TTL falling."""
    ttls = {probe.ttl for probe in run.probes}
    return len(ttls) >= _FEWEST_TTLS and min(ttls) <= _HIGHEST_START and run.probes[0].ttl <= run.probes[-1].ttl


def _heard(table: PacketTable, runs: list[_Run]) -> _Heard:
    """All that came back and may belong to one of the runs.

    Errors go to whoever sent the packet, also where a NAT forgot to translate the quotation back.
    """
    icmp = table.icmp
    errors: dict[_Ends, list[_Error]] = defaultdict(list)
    at = error_positions(icmp)
    rows = icmp.row[at]
    is_icmp = np.isin(icmp.quote_protocol[at], (1, 58))
    marks = np.where(is_icmp, 0, icmp.quote_sport[at]), np.where(is_icmp, icmp.quote_word[at], icmp.quote_dport[at])
    is_late = np.where(icmp.is_v6[at], icmp.type[at] == 3, icmp.type[at] == 11)
    too_big = np.where(icmp.is_v6[at], icmp.type[at] == 2, (icmp.type[at] == 3) & (icmp.code[at] == 4))
    ends = table.place[rows], table.targets(rows), icmp.quote_dst[at], icmp.quote_protocol[at]
    said = rows, table.time_ns[rows], table.sources(rows), *marks, icmp.quote_ip_id[at], is_late, too_big, icmp.word[at]
    for end, error in zip(zip(*_lists(ends), strict=True), zip(*_lists(said), strict=True), strict=True):
        errors[end].append(_Error(*error))
    is_probed = np.zeros(len(table.flows.low), np.bool_)
    is_probed[[probe.flow for run in runs for probe in run.probes]] = True
    rows = table.rows_of(is_probed)
    replies: dict[tuple[int, int], list[_Reply]] = defaultdict(list)
    back = _marks(table, rows, table.target_ports(rows), table.source_ports(rows))
    for row, flow, source, mark in zip(*_lists((rows, table.flow[rows], table.sources(rows))), back, strict=True):
        replies[flow, source].append((row, mark))
    return _Heard(errors, replies)


def _match(table: PacketTable, run: _Run, heard: _Heard) -> None:
    by_mark: dict[tuple[int, int], list[_Probe]] = defaultdict(list)
    for probe in run.probes:
        by_mark[probe.mark].append(probe)
    for error in heard.errors.get((run.place, run.source, run.target, run.protocol), ()):
        _match_error(run, by_mark, error)
    for flow in dict.fromkeys(probe.flow for probe in run.probes):
        for row, mark in heard.replies.get((flow, run.target), ()):
            answered = _which(by_mark.get(mark, ()), row, 0, run.answers)
            if answered is not None:
                rtt_ns = int(table.time_ns[row]) - answered.time_ns
                run.answers[answered.row] = _Answer(row, run.target, rtt_ns, "reply")
                run.strays += [
                    own for own, _ in heard.replies.get((flow, run.source), ()) if own > row and table.flags[own] & _RST
                ]


def _match_error(run: _Run, by_mark: dict[tuple[int, int], list[_Probe]], error: _Error) -> None:
    probe = _which(by_mark.get((error.sport, error.dport), ()), error.row, error.ip_id, run.answers)
    if probe is None:
        is_meanwhile = run.probes[0].time_ns < error.time_ns < run.probes[-1].time_ns + _SAME_TRACE_NS
        if error.is_late and is_meanwhile:
            run.strays.append(error.row)
        return
    if error.is_too_big:
        run.mtus.append((error.word & 0xFFFF, error.speaker))
    name = "ttl-exceeded" if error.is_late else _TOO_BIG if error.is_too_big else "unreachable"
    run.answers[probe.row] = _Answer(error.row, error.speaker, error.time_ns - probe.time_ns, name)


def _which(probes: list[_Probe] | tuple[()], row: int, ip_id: int, answered: dict[int, _Answer]) -> _Probe | None:
    """The latest earlier probe that the quotation fits; by its IP id where the sender counts them."""
    fitting = [probe for probe in probes if probe.row < row and probe.row not in answered]
    exact = [probe for probe in fitting if probe.ip_id == ip_id and ip_id]
    if exact:
        return exact[0]
    return fitting[-1] if fitting else None


def _is_trace(run: _Run) -> bool:
    ttls = sorted({probe.ttl for probe in run.probes})
    has_expired = any(answer.name == "ttl-exceeded" for answer in run.answers.values())
    return has_expired or ttls[:_FEWEST_SILENT_TTLS] == list(range(ttls[0], ttls[0] + _FEWEST_SILENT_TTLS))


def _found(table: PacketTable, run: _Run) -> Found:
    text = table.addresses.text
    by_ttl: dict[int, list[_Probe]] = defaultdict(list)
    for probe in run.probes:
        by_ttl[probe.ttl].append(probe)
    hops = tuple(_hop(table, run, ttl, by_ttl[ttl]) for ttl in _distances(run))
    reached = any(answer.speaker == run.target and answer.name != _TOO_BIG for answer in run.answers.values())
    rows = [probe.row for probe in run.probes] + [answer.row for answer in run.answers.values()] + run.strays
    mtu, narrow = min(run.mtus, default=(None, None))
    loop = _loop(hops)
    fields = Traceroute(
        text(run.source), text(run.target), _METHODS[run.protocol], hops, loop, mtu,
        None if narrow is None else text(narrow), not reached and not loop and hops[-1].error == "ttl-exceeded",
    )  # fmt: skip
    return Found("reached" if reached else "not-reached", rows, fields)


def _distances(run: _Run) -> list[int]:
    """The TTLs up to the target; probes sent ahead, before it had answered, went no further than to it."""
    ttls = sorted({probe.ttl for probe in run.probes})
    at_target = {
        probe.ttl
        for probe in run.probes
        if (answer := run.answers.get(probe.row)) and answer.speaker == run.target and answer.name in _ARRIVED
    }
    last = min(at_target, default=ttls[-1])
    return [ttl for ttl in ttls if ttl <= last]


def _hop(table: PacketTable, run: _Run, ttl: int, probes: list[_Probe]) -> Hop:
    answers = [run.answers[probe.row] for probe in probes if probe.row in run.answers]
    # Who says that a probe is too big stands before this distance, and the probe is sent again, smaller.
    at_hop = [answer for answer in answers if answer.name != _TOO_BIG] or answers
    speakers = list(dict.fromkeys(table.addresses.text(answer.speaker) for answer in at_hop))
    rows = [*(probe.row for probe in probes), *(answer.row for answer in answers)]
    return Hop(
        ttl,
        speakers[0] if speakers else None,
        tuple(answer.rtt_ns for answer in answers),
        len(probes),
        tuple(speakers[1:]),
        at_hop[0].name if at_hop else None,
        tuple(sorted(int(table.frame[row]) for row in rows)),
    )


def _loop(hops: tuple[Hop, ...]) -> tuple[str, ...]:
    """Who forwarded the packet a second time: the same address, with another one in between."""
    expired = [hop.from_ for hop in hops if hop.error == "ttl-exceeded" and hop.from_]
    if len(set(expired)) == len(expired):
        return ()
    again = [
        name
        for number, name in enumerate(expired)
        if name in expired[:number] and any(other != name for other in expired[expired.index(name) : number])
    ]
    return tuple(dict.fromkeys(again))
