"""The same packet at several vantage points: matching, clocks, translations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.places.matching import Tuples
    from explain.places.order import Order
    from explain.places.translation import Rewritten
    from explain.table import I8, Bools, PacketTable, Rows


@dataclass(frozen=True, slots=True)
class Sightings:
    """Which frames, at all places, are one packet.

    Attributes:
        packet: int64[n], one number for all frames of a packet, also behind a NAT; -1 where nothing can be said.
        by_packet: rows of known packets, packet after packet.
        is_first: bool, which of ``by_packet`` begin a packet.
        time_ns: int64[n], as the clock of the first capture would show it.
        tuples: pairs of ends, whatever the place.
        rewritten: pairs of ends that a NAT turned into each other.
        ambiguous: frames that look like others and that no order tells apart.
        clocks: of each capture against the first one, when there are several.
        order: of the places of a link, as seen from each station.
        occasion: int64[places], the first capture that was taken on the same occasion.
    """

    packet: Rows
    by_packet: Rows
    is_first: Bools
    time_ns: I8
    tuples: Tuples
    rewritten: tuple[Rewritten, ...]
    ambiguous: int
    clocks: tuple[Mapping[str, Any], ...]
    order: Order
    occasion: I8


def match(table: PacketTable, captures: int = 1) -> Sightings | None:
    """Follow packets over all places; None, at no cost, where there is only one."""
    if not len(table):
        return None
    from explain.places.unravel import unravel

    unravel(table)
    if len(table.places) < 2:
        return None
    from explain.places import apart, clocks, matching, translation
    from explain.places.order import Order

    found = matching.match(table)
    rewritten, packet = translation.translations(table, found)
    by_packet = matching.by_packet(packet)
    occasion = apart.occasions(table, packet, by_packet, captures)
    own = apart.parted(table, packet, occasion)
    if own is not packet:
        packet, by_packet = own, matching.by_packet(own)
    told = clocks.clocks(table, found, packet, by_packet, captures)
    times = clocks.corrected(table, told)
    facts = tuple(clock.as_fact() for clock in told)
    order = Order(table, packet, by_packet, times, told)
    is_first = matching.firsts(packet[by_packet])
    return Sightings(
        packet=packet,
        by_packet=by_packet,
        is_first=is_first,
        time_ns=times,
        tuples=found.tuples,
        rewritten=tuple(rewritten),
        ambiguous=found.ambiguous,
        clocks=facts,
        order=order,
        occasion=occasion,
    )


def each_once(table: PacketTable, seen: Sightings | None) -> PacketTable:
    """The table itself where there is one place; else each conversation once, as its asker's side recorded it."""
    if seen is None:
        return table
    from explain.places.nearest import nearest

    return nearest(table, seen)
