"""``traceroute``: probes with rising TTLs, and who answered each of them.

Hops come from each probe's own TTL and from the packet that an error quotes, never from port
numbers: ``-q``, parallel probes and other tools number their ports as they like.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from typing import TYPE_CHECKING

from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.traceroute.answers import EXPIRED, REPLY, TOO_BIG, UNREACHABLE, listen
from explain.exchanges.traceroute.probes import Answer, Probe, Run, is_trace, runs_of
from explain.exchanges.traceroute.unseen import unseen
from explain.record import dataclass
from explain.table import FRESH_TTLS

if TYPE_CHECKING:
    from explain.table import PacketTable

OUTCOMES = ("reached", "not-reached")
_METHODS = {1: "icmp", 58: "icmp", 6: "tcp", 17: "udp"}
_FINAL = frozenset((REPLY, UNREACHABLE))  # nobody asks further: the probe has come to its target, or was turned back
_PATIENCE_NS = 15_000_000_000
_FEWEST_SILENT = 3


@dataclass(frozen=True, slots=True)
class Hop:
    """What the probes with one TTL found; the hop of the target is the last one.

    Attributes:
        ttl: None where the probes themselves were not recorded; the hops stand in the order of their answers then.
        from_: who answered first at this distance, None where all probes met silence (``from`` in the report).
        rtt_ns: one for each answer, in the order of the probes.
        others: further hosts that answered at the same distance (load balancing).
        error: what the answer said, such as ttl-exceeded; reply for the target's own answer.
        frames: of the probes and of the answers to them.
    """

    ttl: int | None
    from_: str | None
    rtt_ns: tuple[int, ...]
    probes: int
    others: tuple[str, ...]
    error: str | None
    frames: tuple[int, ...]

    def is_turned_back(self, target: str) -> bool:
        """Whether somebody before the target said that the probes go no further; it may stand at a nearer distance."""
        return self.error in (UNREACHABLE, TOO_BIG) and self.from_ != target and not self.others


@dataclass(frozen=True, slots=True)
class Traceroute:
    """One run of traceroute, tracepath or mtr.

    Attributes:
        method: udp, icmp, tcp, or ip for the bare packets of another protocol.
        loop: addresses that answered again after another one had, in order; empty without a loop.
        mtu: the smallest MTU that an error on the way named, None if none did; mtu_from: who named it.
        was_stopped: it did not arrive, but a router answered from the furthest distance that was seen probed; no loop.
        distance: of the target, by the TTL of its answer; None where it gave none, or where a text does not show it.
        target_silent: distances at which the target itself kept silent, for it is nearer.
    """

    src: str
    dst: str
    method: str
    hops: tuple[Hop, ...]
    loop: tuple[str, ...]
    mtu: int | None
    mtu_from: str | None
    was_stopped: bool
    distance: int | None
    target_silent: tuple[int, ...]


def find(table: PacketTable) -> ExchangeColumns:
    """Traces at each place, whatever they were sent with."""
    runs = runs_of(table)
    if runs:
        listen(table, runs)
    traces = [run for run in runs if is_trace(run)]
    found = [_found(table, run) for run in (*traces, *unseen(table, traces))]
    return from_list("traceroute", OUTCOMES, found, table, _PATIENCE_NS)


def _found(table: PacketTable, run: Run) -> Found:
    text = table.addresses.text
    by_ttl: dict[int, list[Probe]] = defaultdict(list)
    for probe in run.probes:
        by_ttl[probe.ttl].append(probe)
    reached = any(answer.speaker == run.target and answer.name != TOO_BIG for answer in run.answers.values())
    ttls = _distances(run, reached=reached) if by_ttl else ()
    hops = tuple(_hop(table, run, ttl, by_ttl[ttl]) for ttl in ttls) or _speakers(table, run)
    rows = [probe.row for probe in run.probes] + [answer.row for answer in run.answers.values()] + run.strays
    mtu, narrow = min(run.mtus, default=(None, None))
    loop = _loop(hops, is_circling=run.is_circling)
    fields = Traceroute(
        text(run.source), text(run.target), _METHODS.get(run.protocol, "ip"), hops, loop, mtu,
        None if narrow is None else text(narrow),
        bool(by_ttl) and not reached and not loop and hops[-1].error == EXPIRED,
        distance := _distance(table, run), _silent_before_its_answer(hops, distance),
    )  # fmt: skip
    return Found("reached" if reached else "not-reached", rows, fields)


def _distance(table: PacketTable, run: Run) -> int | None:
    """How many hops the answer of the target came, if it began with one of the usual TTLs."""
    said = (int(table.ttl[one.row]) for one in run.answers.values() if one.speaker == run.target and one.name in _FINAL)
    ttl = next(said, 0)
    return next((begun - ttl + 1 for begun in FRESH_TTLS if ttl <= begun), None) if ttl else None


def _silent_before_its_answer(hops: tuple[Hop, ...], distance: int | None) -> tuple[int, ...]:
    """The distances just before the target's that are not nearer than it is: ways there and back differ by a few."""
    if distance is None:
        return ()
    silent = [hop.ttl for hop in takewhile(lambda hop: hop.from_ is None, reversed(hops[:-1]))]
    not_nearer = [ttl for ttl in silent if ttl is not None and ttl >= distance]
    return tuple(reversed(not_nearer)) if len(not_nearer) >= _FEWEST_SILENT else ()


def _distances(run: Run, *, reached: bool) -> list[int]:
    """The TTLs up to the target, or to who turned the probes back; those sent ahead went no further than to it."""
    ttls = sorted({probe.ttl for probe in run.probes})
    at_end = {
        probe.ttl
        for probe in run.probes
        if (answer := run.answers.get(probe.row))
        and answer.name in _FINAL
        and (answer.speaker == run.target or not reached)
    }
    if not at_end and not reached:
        at_end = _too_big_for_good(run)
    last = min(at_end, default=ttls[-1])
    return [ttl for ttl in ttls if ttl <= last]


def _too_big_for_good(run: Run) -> set[int]:
    """Distances to which every probe was too big, so that none went there smaller."""
    said = [(probe.ttl, answer.name == TOO_BIG) for probe in run.probes if (answer := run.answers.get(probe.row))]
    return {ttl for ttl, is_too_big in said if is_too_big} - {ttl for ttl, is_too_big in said if not is_too_big}


def _hop(table: PacketTable, run: Run, ttl: int, probes: list[Probe]) -> Hop:
    answers = [run.answers[probe.row] for probe in probes if probe.row in run.answers]
    # Who says that a probe is too big stands before this distance, and the probe is sent again, smaller.
    at_hop = [answer for answer in answers if answer.name != TOO_BIG] or answers
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


def _speakers(table: PacketTable, run: Run) -> tuple[Hop, ...]:
    """Who answered probes that were not recorded; the target last."""
    said: dict[int, list[Answer]] = defaultdict(list)
    for answer in run.answers.values():
        said[answer.speaker].append(answer)
    return tuple(
        Hop(None, table.addresses.text(who), (), 0, (), what[0].name, tuple(int(table.frame[one.row]) for one in what))
        for who, what in sorted(said.items(), key=lambda one: one[0] == run.target)
    )


def _loop(hops: tuple[Hop, ...], *, is_circling: bool) -> tuple[str, ...]:
    """Who forwarded the packet a second time: the same address, with another one in between, where none is seen."""
    expired = [hop.from_ for hop in hops if hop.error == EXPIRED and hop.from_]
    if len(set(expired)) == len(expired):
        return ()
    again = [
        name
        for number, name in enumerate(expired)
        if name in expired[:number]
        and (is_circling or any(other != name for other in expired[expired.index(name) : number]))
    ]
    return tuple(dict.fromkeys(again))
