"""On which stretches between two places much of a round trip passes, or a queue stands."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from explain.exchanges.over_places.trails import ways
from explain.exchanges.tcp.measures import measure_queue, measure_times
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.trails import Leg
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.places.topology import Topology
    from explain.table import PacketTable, Rows

_WORTH_NS = 10_000_000  # a shorter stretch is nothing to tell
_MUCH_OF = 1 / 3
_MUCH = 100_000  # octets; fewer fill no queue


@dataclass(frozen=True, slots=True)
class Wait:
    """What passes between two neighbouring places, there and back.

    Attributes:
        what: handshake, ping or queue.
        took_ns: the round trip as the first of all places sees it; of a queue, as the place before it does.
        between_ns: what of it passes between the two places; each took its own times, so clocks do not matter.
        capture, interface: the place before the stretch.
        next_capture, next_interface: the one behind it.
    """

    what: str
    took_ns: int
    between_ns: int
    capture: int
    interface: int | None
    next_capture: int
    next_interface: int | None


def waits(table: PacketTable, topology: Topology, legs: Sequence[Leg]) -> tuple[Wait, ...]:
    """Where a ping run, or a connection, waits; nothing where no stretch takes much of it."""
    ahead, back = ways(table, legs)
    own = {int(table.place[part.rows(index)[0]]): (part, index) for part, index in legs}
    is_uneven = legs[0][0].kind == "icmp.echo" and len({part.fields(index).received for part, index in legs}) > 1
    if len(own) < len(legs) or not len(ahead) or is_uneven:  # of a place that shows it twice, which comes first?
        return ()
    found = list(_of_round_trip(table, _along(table, topology, ahead), own))
    if legs[0][0].kind == "tcp.connection":
        fields = legs[0][0].fields(legs[0][1])
        if fields.bytes_to_server >= _MUCH:
            found += _of_queue(table, _along(table, topology, ahead), own, 0)
        if fields.bytes_to_client >= _MUCH:
            found += _of_queue(table, _along(table, topology, back), own, 1)
    return tuple(found)


def _along(table: PacketTable, topology: Topology, rows: Rows) -> list[int]:
    return list(dict.fromkeys(table.place[topology.in_order(rows)].tolist()))


def _of_round_trip(table: PacketTable, way: list[int], own: dict[int, Leg]) -> Iterator[Wait]:
    took = {place: _round_trip_ns(*own[place]) for place in way if place in own}
    known = [(place, ns) for place, ns in took.items() if ns is not None]
    steps = [(before[1] - after[1], before[0], after[0]) for before, after in pairwise(known)]
    if not steps or min(steps)[0] < -_WORTH_NS:
        return
    for between, place, beyond in steps:
        if between >= max(_WORTH_NS, _MUCH_OF * known[0][1]):
            what = "ping" if own[place][0].kind == "icmp.echo" else "handshake"
            yield _wait(table, what, known[0][1], between, place, beyond)


def _round_trip_ns(part: ExchangeColumns, index: int) -> int | None:
    """How long the answer takes as a place sees it: to the SYN, or on average to the pings."""
    if part.kind == "icmp.echo":
        average: int | None = part.fields(index).rtt_avg_ns
        return average
    if part.kind != "tcp.connection":
        return None
    moments: TcpMoments = part.facts["moments"]
    times = measure_times(moments.table, moments.streams.rows, moments.course, index, moments.talk(index))
    return times.syn_to_syn_ack_ns


def _of_queue(table: PacketTable, way: list[int], own: dict[int, Leg], role: int) -> Iterator[Wait]:
    """The place behind which segments of a role stand in a queue, and the next one, where they do not any more."""
    loaded = {}
    for place in way:
        if place in own:
            moments: TcpMoments = own[place][0].facts["moments"]
            queue = measure_queue(moments.talk(own[place][1]), role)
            loaded[place] = queue.loaded_ns - queue.least_ns if queue else 0
    for (place, before), (beyond, after) in pairwise(loaded.items()):
        if before - after >= max(_WORTH_NS, _MUCH_OF * max(loaded.values())):
            yield _wait(table, "queue", before, before - after, place, beyond)


def _wait(table: PacketTable, what: str, took_ns: int, between_ns: int, place: int, beyond: int) -> Wait:
    one, other = table.places[place], table.places[beyond]
    return Wait(what, took_ns, between_ns, one.capture, one.interface, other.capture, other.interface)
