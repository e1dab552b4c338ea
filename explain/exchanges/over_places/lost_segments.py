"""Between which places segments of a connection were lost, by the octets that they carry.

A card may merge segments before one place records them, and cut them before the next, so frames
need not match.  The octets do: whoever had to send them again shows how often each place saw them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.over_places.trails import ways
from explain.record import NamedTuple, dataclass
from explain.table import SYN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.over_places.trails import Leg
    from explain.places import Sightings
    from explain.places.topology import Topology
    from explain.table import I8, PacketTable, Rows

_MOST_ROWS = 200_000  # of one direction at all places
_LARGEST = 1500  # octets; what is larger was merged by a card


@dataclass(frozen=True, slots=True)
class LostSegments:
    """Segments that one place saw, that the next one did not, and that were sent again.

    Attributes:
        is_from_server: who sent them.
        segments: how many.
        capture, interface: the place that saw them.
        frames: of the first copies there, in ascending order.
        next_capture, next_interface: the place that did not.
    """

    is_from_server: bool
    segments: int
    capture: int
    interface: int | None
    frames: tuple[int, ...]
    next_capture: int
    next_interface: int | None


class _Seen(NamedTuple):
    """The data of one direction at one place: first and last octet and row of each segment.

    Attributes:
        time_ns: when each came, by one clock.
        began_ns: when the place recorded its first frame, by that clock.
        packets: the number of each packet.
        ttl: of its first packet.
    """

    place: int
    start: I8
    end: I8
    rows: Rows
    time_ns: I8
    began_ns: int
    packets: Rows
    ttl: int

    def copies(self, octets: I8) -> I8:
        """How often each of some octets passed."""
        return _copies(self.start, self.end, octets)

    def is_beside(self, other: _Seen) -> bool:
        """Whether a packet passes the one place or the other, as where two ways of equal cost lead to a network."""
        return self.ttl == other.ttl and not np.isin(self.packets, other.packets).any()

    def came_ns(self, octets: I8) -> I8:
        """When some octets with which segments begin came first; before all times where none does."""
        order = np.lexsort((self.time_ns, self.start))
        at = np.minimum(np.searchsorted(self.start[order], octets), len(order) - 1)
        came: I8 = np.where(self.start[order][at] == octets, self.time_ns[order][at], np.iinfo(np.int64).min)
        return came


def lost_segments(
    table: PacketTable, seen: Sightings, topology: Topology, legs: Sequence[Leg], began: I8
) -> tuple[LostSegments, ...]:
    """Losses of a connection between neighbouring places, both directions; in the order of the way.

    Args:
        table: the rows of all places.
        seen: which of them are one packet.
        topology: the order of the places.
        legs: the connection at each place.
        began: when each place recorded its first frame, by the first capture's clock.
    """
    if not legs or legs[0][0].kind != "tcp.connection":
        return ()
    found: list[LostSegments] = []
    for number, own in enumerate(ways(table, legs)):
        rows = own[_octets(table, own) > 0]
        if len(np.unique(table.place[rows])) > 1 and len(rows) <= _MOST_ROWS:
            way = _along(table, seen, topology, rows, began)
            found += _between(table, way, is_from_server=number == 1)
    return tuple(found)


def _octets(table: PacketTable, rows: Rows) -> I8:
    """How many numbers each segment takes: its data, and one for a SYN (RFC 9293, 3.4)."""
    octets: I8 = table.payload[rows].astype(np.int64) + (table.flags[rows] & SYN != 0)
    return octets


def _along(table: PacketTable, seen: Sightings, topology: Topology, rows: Rows, began: I8) -> list[_Seen]:
    """What each place saw, along the way; a packet that a place recorded twice counts once."""
    base = table.seq[rows[:1]]
    places = list(dict.fromkeys(table.place[topology.in_order(rows)].tolist()))
    found = []
    for place in places:
        own = np.sort(rows[table.place[rows] == place])
        packet = seen.packet[own]
        first = np.zeros(len(own), np.bool_)
        first[np.unique(packet, return_index=True)[1]] = True
        own = own[first | (packet < 0)]
        start = (table.seq[own] - base).view(np.int32).astype(np.int64)
        end, times = start + _octets(table, own), seen.time_ns[own]
        ttl = int(table.ttl[own[0]])
        found.append(_Seen(place, start, end, own, times, int(began[place]), seen.packet[own], ttl))
    return found


def _between(table: PacketTable, way: list[_Seen], *, is_from_server: bool) -> Iterator[LostSegments]:
    sent_again = _sent_again(way[0])
    if not len(sent_again):
        return
    # A card that merged segments gave them numbers of its own; then octets alone tell what is what.
    is_whole = all(np.isin(place.packets, way[0].packets).all() and (place.packets >= 0).all() for place in way)
    for at, here in enumerate(way):
        ahead = [number for number in range(at + 1, len(way)) if not (is_whole and here.is_beside(way[number]))]
        if not ahead:
            continue
        there, later = way[ahead[0]], [way[number] for number in ahead]
        passed, came = (_passed(some, sent_again, is_whole=is_whole) for some in ([here, *later], way[ahead[0] :]))
        is_lost = (passed > came) & (came > 0)
        is_lost &= (sent_again > there.start.min()) | (here.came_ns(sent_again) > there.began_ns)
        if not is_lost.any() or _has_holes(here, there):
            continue
        place, beyond = table.places[here.place], table.places[there.place]
        if (place.capture, place.interface) == (beyond.capture, beyond.interface):
            continue  # one recording that holds frames several times need not hold all of them as often
        lost = _lost_copies(table, here, sent_again[is_lost], (passed - came)[is_lost])
        yield LostSegments(
            is_from_server, sum(lost.values()), place.capture, place.interface, tuple(sorted(lost)), beyond.capture,
            beyond.interface,
        )  # fmt: skip


def _passed(places: list[_Seen], octets: I8, *, is_whole: bool) -> I8:
    """How often some octets passed the first place: what a later one saw has passed it, whatever it recorded."""
    passed: I8 = np.max([place.copies(octets) for place in places], axis=0)
    if is_whole:
        start, end, packets = (
            np.concatenate(some) for some in zip(*((one.start, one.end, one.packets) for one in places), strict=True)
        )
        first = np.unique(packets, return_index=True)[1]
        np.maximum(passed, _copies(start[first], end[first], octets), out=passed)
    return passed


def _copies(start: I8, end: I8, octets: I8) -> I8:
    """In how many of some segments each of some octets is."""
    found: I8 = np.searchsorted(np.sort(start), octets, "right") - np.searchsorted(np.sort(end), octets, "right")
    return found


def _sent_again(place: _Seen) -> I8:
    """First octets of segments that came again."""
    starts = np.unique(place.start)
    again: I8 = starts[place.copies(starts) > 1]
    return again


def _has_holes(here: _Seen, there: _Seen) -> bool:
    """Whether a place lacks octets that were sent only once and later ones followed: its recording lost frames."""
    starts = np.unique(here.start)
    once = starts[(here.copies(starts) == 1) & (starts > there.start.min()) & (starts < there.end.max())]
    return bool((there.copies(once) == 0).any())


def _lost_copies(table: PacketTable, here: _Seen, octets: I8, gone: I8) -> dict[int, int]:
    """How many segments of each frame were lost: cut smaller when sent again, it was one, unless a card merged it."""
    lost: dict[int, int] = {}
    for octet, times in zip(octets.tolist(), gone.tolist(), strict=True):
        row = _first(here, octet)
        frame, before = int(table.frame[row]), lost.get(int(table.frame[row]), 0)
        lost[frame] = before + times if table.payload[row] > _LARGEST else max(before, times)
    return lost


def _first(place: _Seen, octet: int) -> int:
    """The row that first carried an octet."""
    return int(place.rows[np.flatnonzero((place.start <= octet) & (octet < place.end))[0]])
