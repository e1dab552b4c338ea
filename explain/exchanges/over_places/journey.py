"""``journey``: one conversation over several vantage points, and where it went missing if it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import ragged
from explain.exchanges.columns import ExchangeColumns, first_and_last_ns
from explain.exchanges.over_places.altered import Altered, altered
from explain.exchanges.over_places.lost_datagrams import LostDatagrams, lost_datagrams
from explain.exchanges.over_places.lost_segments import LostSegments, lost_segments
from explain.exchanges.over_places.paths import FAILED, VANISHED
from explain.exchanges.over_places.sights import Sight, Spot, sights, spot_of
from explain.exchanges.over_places.syn_options import ChangedOption, changed_options
from explain.exchanges.over_places.trails import near_rows
from explain.exchanges.over_places.waits import Wait, waits
from explain.model import Endpoint
from explain.places.equal import in_order
from explain.places.matching import NONE, stays_on_link
from explain.record import dataclass
from explain.table import TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.over_places.paths import Paths
    from explain.exchanges.over_places.stretches import Stretch
    from explain.exchanges.over_places.trails import Trails
    from explain.places import Sightings
    from explain.table import I8, Bools, PacketTable, Rows

OUTCOMES = ("delivered", "vanished", "answered-elsewhere")
_PROTOCOLS = {1: "icmp", 58: "icmpv6", 6: "tcp", 17: "udp"}


@dataclass(frozen=True, slots=True)
class PacketEnds:
    """The packet that was followed, as it was where it was first seen."""

    protocol: str
    src: Endpoint
    dst: Endpoint


@dataclass(frozen=True, slots=True)
class LostPings:
    """Pings of a run that one place saw and the next one on their way did not, where others of the run passed.

    Attributes:
        lost: request or reply.
        packets: how many.
        capture, interface: the last place that saw them.
        frames: there, in ascending order.
        next_capture, next_interface: the next place; None where none was recorded.
        routers: how many pass packets on between the two, as the TTL of the others shows.
        holes: packets that came by the next place and are missing in its recording, too.
    """

    lost: str
    packets: int
    capture: int
    interface: int | None
    frames: tuple[int, ...]
    next_capture: int | None
    next_interface: int | None
    routers: int | None
    holes: int


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
        routers: how many pass packets on between ``last_seen`` and ``due``; None where nothing says.
        packets, missing: packets of the direction that was lost, and how many of them did not arrive.
        speaker: who sent an error instead of an answer, or answered although somebody else was asked.
        places: how many vantage points saw the conversation.
        lost_segments: of a connection, what was lost between places and sent again.
        lost_pings: of a run of pings of which some were answered, between which places the others were lost.
        waits: the stretches on which much of a round trip passes, or where a queue stands.
        changed_options: of a connection, options of its first segments that something on the way changed.
        lost_datagrams: of a flow of UDP, between which places datagrams were lost that others passed.
        altered: between which places packets were damaged or doubled.
    """

    packet: PacketEnds
    seen: tuple[Sight, ...]
    last_seen: Spot
    lost: str | None
    stage: str | None
    due: Spot | None
    routers: int | None
    packets: int
    missing: int
    speaker: str | None
    places: int
    lost_segments: tuple[LostSegments, ...]
    lost_pings: tuple[LostPings, ...]
    waits: tuple[Wait, ...]
    changed_options: tuple[ChangedOption, ...]
    lost_datagrams: tuple[LostDatagrams, ...]
    altered: tuple[Altered, ...]


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
        if verdict.outcome == VANISHED:  # a single packet, lost nobody knows where, has no journey to tell
            keep[number] = verdict.stage is not None or verdict.missing > 1
    chosen, outcome = chosen[keep], outcome[keep]
    rows, owner = _frames(paths, chosen)
    sizes = np.bincount(owner, minlength=len(chosen))
    rows, starts = in_order(owner, rows), np.cumsum(sizes) - sizes
    is_there = np.flatnonzero(sizes)
    by_first = is_there[np.argsort(rows[starts[is_there]], kind="stable")]
    sizes, chosen = sizes[by_first], chosen[by_first]
    bounds = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    frames = ragged(rows, starts[by_first], sizes)
    return ExchangeColumns(
        "journey", OUTCOMES, outcome[by_first], frames, bounds, *first_and_last_ns(paths.near, frames, bounds),
        lambda index: _fields(paths, int(chosen[index])), {"paths": paths, "trail": chosen},
        beyond=lambda index: _rows(paths, int(chosen[index])),
    )  # fmt: skip


def _rows(paths: Paths, trail: int) -> Rows:
    """Rows of a conversation at all places, what was lost before it came near included."""
    return np.concatenate([part.rows(index) for part, index in paths.legs(trail)])


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
        failed[start : start + len(part)][part.where(*FAILED[part.kind])] = True
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


def _fields(paths: Paths, trail: int) -> Journey:
    table = paths.table
    legs = paths.legs(trail)
    verdict = paths.verdict(trail)
    number = paths.seen.packet[verdict.sample]
    rows = _rows(paths, trail)
    same = np.unique(rows[paths.seen.packet[rows] == number]) if number != NONE else np.array([verdict.sample])
    order = paths.topology.in_order(same)
    due = table.places[verdict.due] if verdict.due is not None else None
    speaker = None if verdict.error is None else table.end_texts(verdict.error)[0]
    return Journey(
        packet=_ends(table, int(order[0])),
        seen=sights(table, paths.seen, order),
        last_seen=spot_of(table, verdict.last if verdict.lost else int(order[-1])),
        lost=verdict.lost,
        stage=verdict.stage,
        due=Spot(due.capture, due.interface, 0, due.device) if due else None,
        routers=verdict.routers,
        packets=verdict.packets,
        missing=verdict.missing,
        speaker=speaker,
        places=len(np.unique(table.place[rows])),
        lost_segments=lost_segments(table, paths.seen, paths.topology, legs, paths.listened[0]),
        lost_pings=tuple(_lost_pings(table, one) for one in verdict.stretches),
        waits=waits(table, paths.topology, legs),
        lost_datagrams=lost_datagrams(table, paths.seen, paths.topology, legs, paths.listened),
        changed_options=changed_options(table, paths.seen, paths.topology, legs),
        altered=altered(table, paths.seen, paths.topology, legs),
    )


def _lost_pings(table: PacketTable, lost: Stretch) -> LostPings:
    here, due = table.places[lost.place], None if lost.due is None else table.places[lost.due]
    return LostPings(
        "reply" if lost.is_reply else "request", len(lost.rows), here.capture, here.interface,
        tuple(sorted(table.frame[list(lost.rows)].tolist())), due.capture if due else None,
        due.interface if due else None, lost.routers, lost.holes,
    )  # fmt: skip


def _ends(table: PacketTable, row: int) -> PacketEnds:
    ports = table.ports(row) if table.layers[row] & (TCP | UDP) else (None, None)
    protocol = int(table.flows.protocol[table.flow[row]])
    return PacketEnds(_PROTOCOLS.get(protocol, str(protocol)), *map(Endpoint, table.end_texts(row), ports))
