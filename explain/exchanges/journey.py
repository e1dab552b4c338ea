"""``journey``: one conversation over several vantage points, and where it went missing if it did."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.columns import ExchangeColumns
from explain.exchanges.lost_segments import LostSegments, lost_segments
from explain.exchanges.trails import forward, near_rows, whole
from explain.model import Endpoint
from explain.places.equal import in_order
from explain.places.matching import NONE, stays_on_link
from explain.places.topology import Topology
from explain.record import dataclass
from explain.table import BROADCAST, ICMP, ICMPV6, NO_MAC, TCP, UDP, ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.trails import Leg, Trails
    from explain.places import Sightings
    from explain.table import I8, Bools, PacketTable, Rows

OUTCOMES = ("delivered", "vanished", "answered-elsewhere")
_MOST_COPIES = 8  # of a frame at one place; a flood of the same frame is one packet
_MOST_SIGHTS = 600  # a TTL falls 255 times
_DELIVERED, _VANISHED, _ELSEWHERE = range(3)
_FAILED = {
    "icmp.echo": ("unanswered", "partly-answered", "refused"), "tcp.connection": ("unanswered", "rejected"),
    "udp.flow": ("unanswered", "refused"),
}  # fmt: skip
_PROTOCOLS = {1: "icmp", 58: "icmpv6", 6: "tcp", 17: "udp"}


@dataclass(frozen=True, slots=True)
class Spot:
    """A frame at a vantage point.

    Attributes:
        device: the interface's number there, of a recording on ``any`` that has it; else None.
    """

    capture: int
    interface: int | None
    frame: int
    device: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """A packet seen at a place, and what is not as it was at the place before.

    Attributes:
        time_ns: as the file has it.
        changed: of mac, ttl, address, port, id, checksum, size.
        step_ns: since the place before, clocks corrected; None at the first.
        device: as of a Spot.
    """

    capture: int
    interface: int | None
    frame: int
    time_ns: int
    changed: tuple[str, ...]
    step_ns: int | None
    vantage: str | None
    device: int | None = None


@dataclass(frozen=True, slots=True)
class PacketEnds:
    """The packet that was followed, as it was where it was first seen."""

    protocol: str
    src: Endpoint
    dst: Endpoint


@dataclass(frozen=True, slots=True)
class Journey:
    """A conversation over places.

    Attributes:
        packet: the packet that ``seen`` follows: one that was lost if any was, else the first one.
        seen: in the order of its way; of a flood at one place the first eight.
        last_seen: where what was lost was last seen; where the packet was last seen if nothing was lost.
        lost: request, reply, or None.
        stage: where it vanished: link (it left one end and did not reach the other), router (a router has it
            and did not pass it on), target (it arrived, and no reply left), or None.
        due: the next place on the way, where it is missing; None if none was recorded.
        packets, missing: packets of the direction that was lost, and how many of them did not arrive.
        speaker: who sent an error instead of an answer, or answered although somebody else was asked.
        places: how many vantage points saw the conversation.
        lost_segments: of a connection, what was lost between places and sent again.
    """

    packet: PacketEnds
    seen: tuple[Sight, ...]
    last_seen: Spot
    lost: str | None
    stage: str | None
    due: Spot | None
    packets: int
    missing: int
    speaker: str | None
    places: int
    lost_segments: tuple[LostSegments, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a conversation ended: rows of the packets that tell it."""

    outcome: int
    sample: int
    last: int
    lost: str | None = None
    stage: str | None = None
    due: int | None = None
    packets: int = 0
    missing: int = 0
    error: int | None = None


class Paths:
    """Conversations of a table with all that is asked of them; verdicts are made once.

    Attributes:
        near: the rows nearest to the askers, by which exchanges are numbered.
        table: the rows of all places.
    """

    def __init__(self, near: PacketTable, seen: Sightings, trails: Trails) -> None:
        self.near = near
        self.table = whole(near)
        self.seen = seen
        self.trails = trails
        self._verdicts: dict[int, Verdict] = {}

    @cached_property
    def topology(self) -> Topology:
        """What the packets of the whole table show of the network."""
        return Topology(self.table, self.seen)

    def legs(self, trail: int) -> list[Leg]:
        """The exchanges of a conversation."""
        return [self.trails.leg(number) for number in self.trails.legs(trail)]

    def verdict(self, trail: int) -> Verdict:
        """How it ended."""
        if trail not in self._verdicts:
            self._verdicts[trail] = _judge(self, self.legs(trail))
        return self._verdicts[trail]


def find(paths: Paths, parts: Sequence[ExchangeColumns]) -> ExchangeColumns:
    """One journey for each conversation seen at several places, or lost before it reached a second one."""
    table, trails = paths.table, paths.trails
    chosen = _chosen(table, paths, parts)
    outcome = np.zeros(len(chosen), np.uint8)
    has_failed = _has_failed(trails)
    keep = _places(trails)[chosen] > 1
    for number in np.flatnonzero(has_failed[chosen]).tolist():
        verdict = paths.verdict(int(chosen[number]))
        outcome[number] = verdict.outcome
        if verdict.outcome == _VANISHED:  # a single packet, lost nobody knows where, has no journey to tell
            keep[number] = verdict.stage is not None or verdict.missing > 1
    chosen, outcome = chosen[keep], outcome[keep]
    start, end = _times(trails)
    rows, owner = _frames(paths, chosen)
    sizes = np.bincount(owner, minlength=len(chosen))
    rows, starts = in_order(owner, rows), np.cumsum(sizes) - sizes
    is_there = np.flatnonzero(sizes)
    by_first = is_there[np.argsort(rows[starts[is_there]], kind="stable")]
    sizes, chosen = sizes[by_first], chosen[by_first]
    bounds = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return ExchangeColumns(
        "journey", OUTCOMES, outcome[by_first], ragged(rows, starts[by_first], sizes), bounds,
        start[chosen], end[chosen],
        lambda index: _fields(paths, int(chosen[index])), {"paths": paths, "trail": chosen},
    )  # fmt: skip


def _times(trails: Trails) -> tuple[I8, I8]:
    """When each conversation began and ended, by the clocks of its places."""
    start, end = np.full(len(trails), np.iinfo(np.int64).max), np.zeros(len(trails), np.int64)
    for part, first in zip(trails.parts, trails.starts.tolist(), strict=False):
        trail = trails.trail[first : first + len(part)]
        np.minimum.at(start, trail, part.start_ns)
        np.maximum.at(end, trail, part.end_ns)
    return start, end


def _frames(paths: Paths, chosen: I8) -> tuple[Rows, I8]:
    """Rows of the near table of the chosen conversations, and which of these each belongs to."""
    trails = paths.trails
    number = np.full(len(trails), -1, np.int64)
    number[chosen] = np.arange(len(chosen))
    rows, owners = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for part, start in zip(trails.parts, trails.starts.tolist(), strict=False):
        owner = number[trails.trail[start : start + len(part)]].repeat(np.diff(part.bounds))
        near = near_rows(paths.near, part.frames)
        is_it = (owner >= 0) & (near >= 0)
        rows.append(near[is_it])
        owners.append(owner[is_it])
    return np.concatenate(rows), np.concatenate(owners)


def _places(trails: Trails) -> I8:
    """At how many places each conversation was seen."""
    places = int(trails.place.max(initial=0)) + 1
    pairs = np.unique(trails.trail * places + trails.place)
    return np.bincount(pairs // places, minlength=len(trails)).astype(np.int64)


def _has_failed(trails: Trails) -> Bools:
    """Conversations of which a leg failed."""
    failed = np.zeros(len(trails.trail), np.bool_)
    for part, start in zip(trails.parts, trails.starts.tolist(), strict=False):
        failed[start : start + len(part)][part.where(*_FAILED[part.kind])] = True
        silent = part.facts.get("needs_no_answer")
        if silent is not None:
            failed[start : start + len(part)] &= ~silent
    result = np.zeros(len(trails), np.bool_)
    result[trails.trail[failed]] = True
    return result


def _chosen(table: PacketTable, paths: Paths, parts: Sequence[ExchangeColumns]) -> I8:
    """Conversations that someone routes or could route, and that are no probes of a trace."""
    trails = paths.trails
    if not len(trails):
        return np.empty(0, np.int64)
    first = np.concatenate([part.frames[part.bounds[:-1]] for part in trails.parts])
    stays = stays_on_link(table, first)
    for part in parts:
        if part.kind == "traceroute":
            origin = getattr(paths.near, "origin", None)
            stays |= np.isin(first, part.frames if origin is None else origin[part.frames])
    is_local = np.zeros(len(trails), np.bool_)
    is_local[trails.trail[stays]] = True
    shared = _shared_places(table, paths.seen)
    is_shared = np.zeros(len(trails), np.bool_)
    is_shared[trails.trail[shared[trails.place]]] = True
    return np.flatnonzero(~is_local & is_shared)


def _shared_places(table: PacketTable, seen: Sightings) -> Bools:
    """Places that saw a packet which another place saw, too."""
    place = table.place[seen.by_packet]
    at = np.flatnonzero(~seen.is_first[1:] & (place[1:] != place[:-1]))
    shared = np.zeros(len(table.places), np.bool_)
    shared[place[at]] = shared[place[at + 1]] = True
    return shared


def _judge(paths: Paths, legs: list[Leg]) -> Verdict:
    table, topology = paths.table, paths.topology
    sides = [forward(table, leg) for leg in legs]
    ahead = topology.in_order(np.concatenate([side[0] for side in sides]))
    back = topology.in_order(np.concatenate([side[1] for side in sides]))
    errors = np.concatenate([side[2] for side in sides])
    if not len(ahead):
        return Verdict(_DELIVERED, int(back[0]), int(back[-1]))
    start = int(table.place[topology.first_version(ahead)[0]])
    here = [leg for leg, side in zip(legs, sides, strict=True) if len(side[0]) and table.place[side[0][0]] == start]
    failed = [(part, index) for part, index in here if part.outcomes[part.outcome[index]] in _FAILED[part.kind]]
    if not failed:
        return Verdict(_DELIVERED, int(ahead[0]), int(ahead[-1]))
    missing = _missing(table, ahead, failed)
    errors_here = errors[table.place[errors] == start]
    answered = set(_marks(table, back[table.place[back] == start]))
    if len(errors_here) and not answered:
        return Verdict(_ELSEWHERE, int(missing[0]), int(missing[-1]), error=int(errors_here[0]))
    refused = set(_quoted_marks(table, errors_here))
    is_refused = np.array([mark in refused for mark in _marks(table, missing)], np.bool_)
    if is_refused.any():
        count = len(set(_marks(table, missing[is_refused])))
        if is_refused.all():
            return Verdict(
                _ELSEWHERE, int(missing[0]), int(missing[-1]), packets=len(set(_marks(table, ahead))), missing=count,
                error=int(errors_here[0]),
            )  # fmt: skip
        missing = missing[~is_refused]
    wanted = set(_marks(table, missing))
    replies = back[[mark in wanted for mark in _marks(table, back)]] if len(back) else back
    arrived = replies[table.place[replies] == start]
    if len(arrived):  # from somebody who was not asked: a NAT did not turn the answer back
        return Verdict(_ELSEWHERE, int(missing[0]), int(missing[-1]), error=int(arrived[0]))
    if len(replies):
        return _placed(paths, legs[0][0].kind, replies, "reply")
    return _placed(paths, legs[0][0].kind, missing, "request")


def _missing(table: PacketTable, ahead: Rows, failed: list[Leg]) -> Rows:
    """Requests without an answer where they began, as seen anywhere."""
    if failed[0][0].kind != "icmp.echo":
        return ahead
    silent = {seq for part, index in failed for seq in part.fields(index).unanswered_seqs}
    found = ahead[[mark in silent for mark in _marks(table, ahead)]]
    return found if len(found) else ahead


def _marks(table: PacketTable, rows: Rows) -> list[int]:
    """What tells which request a reply answers: the sequence number of ICMP, nothing else."""
    if len(rows) and table.layers[rows[0]] & (ICMP | ICMPV6):
        marks: list[int] = (table.icmp.word[np.searchsorted(table.icmp.row, rows)] & 0xFFFF).tolist()
        return marks
    return [0] * len(rows)


def _quoted_marks(table: PacketTable, errors: Rows) -> list[int]:
    """The marks of the echo requests that errors quote."""
    at = np.searchsorted(table.icmp.row, errors)
    marks: list[int] = (table.icmp.quote_word[at[table.icmp.quote_kind[at] > 0]] & 0xFFFF).tolist()
    return marks


def _placed(paths: Paths, kind: str, rows: Rows, lost: str) -> Verdict:
    """Where packets were last seen, and between what they vanished; ``rows`` in the order of their way."""
    table, topology = paths.table, paths.topology
    last_place = int(table.place[rows[-1]])
    reached = rows[table.place[rows] == last_place]
    last = int(reached[0])
    stage, due = topology.beyond(last, rows)
    packets = len(rows[table.place[rows] == table.place[rows[0]]])
    number = paths.seen.packet[last]
    same = rows[paths.seen.packet[rows] == number] if number != NONE else np.array([last])
    if kind == "udp.flow" and (stage == "target" or due is None):
        return Verdict(_DELIVERED, int(same[0]), last)  # nobody need answer a datagram
    missing = max(packets, len(reached))
    return Verdict(_VANISHED, int(same[0]), last, lost, stage, due, packets, missing)


def _fields(paths: Paths, trail: int) -> Journey:
    table = paths.table
    legs = paths.legs(trail)
    verdict = paths.verdict(trail)
    number = paths.seen.packet[verdict.sample]
    rows = np.concatenate([part.rows(index) for part, index in legs])
    same = np.unique(rows[paths.seen.packet[rows] == number]) if number != NONE else np.array([verdict.sample])
    order = _without_flood(table, paths.topology.in_order(same))
    due = table.places[verdict.due] if verdict.due is not None else None
    speaker = None if verdict.error is None else table.addresses.text(int(table.sources(np.array([verdict.error]))[0]))
    return Journey(
        _ends(table, int(order[0])),
        tuple(_sight(paths, order, at) for at in range(len(order))),
        _spot(table, verdict.last if verdict.lost else int(order[-1])),
        verdict.lost,
        verdict.stage,
        Spot(due.capture, due.interface, 0, due.device) if due else None,
        verdict.packets,
        verdict.missing,
        speaker,
        len(np.unique(table.place[rows])),
        lost_segments(table, paths.seen, paths.topology, legs),
    )


def _without_flood(table: PacketTable, order: Rows) -> Rows:
    """Frames of a packet along its way, but of very many copies at a place only the first ones."""
    step = table.place[order].astype(np.int64) << 8 | table.ttl[order]
    is_more = np.zeros(len(order), np.bool_)
    is_more[_MOST_COPIES:] = step[_MOST_COPIES:] == step[:-_MOST_COPIES]
    return order[~is_more][:_MOST_SIGHTS]


def _spot(table: PacketTable, row: int) -> Spot:
    place = table.places[int(table.place[row])]
    return Spot(place.capture, place.interface, int(table.frame[row]), place.device)


def spot_name(table: PacketTable, spot: Spot | Sight) -> str:
    """A place as people call it; of several in one recording, the one that has the frame."""
    there = [
        (at, place.label) for at, place in enumerate(table.places)
        if (place.capture, place.interface) == (spot.capture, spot.interface) and spot.device in (None, place.device)
    ]  # fmt: skip
    if len(there) > 1 and spot.frame:
        rows = np.flatnonzero(table.frame[: len(table)] == spot.frame)
        has_it = set(table.place[rows].tolist())
        there = [(at, name) for at, name in there if at in has_it] or there
    return there[0][1] if there else f"{spot.capture + 1}"


def _ends(table: PacketTable, row: int) -> PacketEnds:
    one, text = np.array([row]), table.addresses.text
    has_ports = bool(table.layers[row] & (TCP | UDP))
    ports = (int(table.source_ports(one)[0]), int(table.target_ports(one)[0])) if has_ports else (None, None)
    protocol = int(table.flows.protocol[table.flow[row]])
    return PacketEnds(
        _PROTOCOLS.get(protocol, str(protocol)),
        Endpoint(text(int(table.sources(one)[0])), ports[0]),
        Endpoint(text(int(table.targets(one)[0])), ports[1]),
    )


def _sight(paths: Paths, rows: Rows, at: int) -> Sight:
    table, row = paths.table, int(rows[at])
    place = table.places[int(table.place[row])]
    step = int(paths.seen.time_ns[row] - paths.seen.time_ns[rows[at - 1]]) if at else None
    changed = changes(table, int(rows[at - 1]), row) if at else ()
    spot = _spot(table, row)
    return Sight(
        spot.capture, spot.interface, spot.frame, int(table.time_ns[row]), changed, step, place.name, place.device
    )


def changes(table: PacketTable, before: int, after: int) -> tuple[str, ...]:
    """What differs between two frames of one packet."""
    one, other = np.array([before]), np.array([after])
    links = table.links
    macs = [(int(links.source[table.link[row]]), int(links.target[table.link[row]])) for row in (before, after)]
    has_macs = all(mac < BROADCAST or mac < NO_MAC for pair in macs for mac in pair)
    ids = [_identifier(table, row) for row in (before, after)]
    is_same_address = table.sources(one) == table.sources(other) and table.targets(one) == table.targets(other)
    is_same_port = table.source_ports(one) == table.source_ports(other) and table.target_ports(
        one
    ) == table.target_ports(other)
    found = (
        ("mac", has_macs and macs[0] != macs[1]),
        ("ttl", table.ttl[before] != table.ttl[after]),
        ("address", not is_same_address),
        ("port", not is_same_port),
        ("id", ids[0] != ids[1]),
        ("checksum", table.checksum[before] != table.checksum[after]),
        ("size", table.payload[before] != table.payload[after]),
    )
    return tuple(name for name, is_changed in found if is_changed)


def _identifier(table: PacketTable, row: int) -> int | None:
    """The id of an ICMP echo."""
    if not table.layers[row] & (ICMP | ICMPV6):
        return None
    return int(table.icmp.word[np.searchsorted(table.icmp.row, row)]) >> 16
