"""Each conversation once: at the place nearest to whoever began it.

Where several places recorded the same traffic, an exchange is judged as its asker saw it: a
reply that vanished on the way is no answer.  What the other places saw of the same packets is
evidence; what only they saw is the business of journeys.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from explain.arrays import distinct
from explain.flows import Place
from explain.places.matching import firsts
from explain.side_tables import ArpRows, BesideRows, ContentRows, FragmentRows, IcmpRows, SynRows
from explain.table import COLUMNS, IP, REVERSED, PacketTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Evidence
    from explain.places import Sightings
    from explain.table import I4, I8, U4, Bools, Rows

Side = TypeVar("Side", ArpRows, IcmpRows, SynRows, FragmentRows, BesideRows)

_MOST_PARTINGS = 64
_LARGEST_OF_A_TRACE = 32
_ABOVE_EVERY_TTL = 256
_SYN, _SYN_OR_ACK = 2, 18
_ECHO_REQUESTS = (8, 128)
_EVERYWHERE = 0  # the place of what is joined; others keep their own, one number higher


class NearTable(PacketTable):
    """The rows of a table that are nearest to the askers, as if one place had recorded them.

    Attributes:
        origin: int64[n], the row in the whole table of each row here.
        clocks: of each capture against the first one, when there are several.
        ambiguous: frames of the whole table that look like others, and that no order tells apart.
        whole_corrected_ns: times of the rows of the whole table as the first capture's clock would show them.
    """

    def __init__(self, whole: PacketTable, rows: Rows, places: Rows, seen: Sightings) -> None:
        super().__init__(0)
        for name in COLUMNS:
            delattr(self, name)
        self._whole = whole
        self.origin = rows
        self.rows = len(rows)
        self.place = places[rows].astype(np.uint16)
        self.places = [Place(0, None), *whole.places]
        self.links, self.addresses = whole.links, whole.addresses
        home = whole.flows.place.astype(np.uint16) + np.uint16(1)
        with_flow = rows[(whole.layers[rows] & IP) != 0]
        home[whole.flow[with_flow]] = places[with_flow]
        self.flows = replace(whole.flows, place=home)
        self.arp = _some(whole.arp, rows)
        self.icmp = _some(whole.icmp, rows)
        self.syn = _some(whole.syn, rows)
        self.fragments = _some(whole.fragments, rows)
        self.beside = _some(whole.beside, rows)
        self.contents = {name: _some_contents(kept, rows) for name, kept in whole.contents.items()}
        self.clocks, self.ambiguous = seen.clocks, seen.ambiguous
        self.whole_corrected_ns = seen.time_ns
        self._packet = seen.packet
        self._order = seen.by_packet

    def __getattr__(self, name: str) -> Any:
        """A column, copied when it is first read."""
        if name not in COLUMNS:
            raise AttributeError(name)
        column = getattr(self._whole, name)[self.origin]
        setattr(self, name, column)
        return column

    @property
    def corrected_ns(self) -> I8:
        """int64[n], times as the first capture's clock would show them."""
        return self.whole_corrected_ns[self.origin]

    @cached_property
    def _sorted(self) -> Rows:
        return self._packet[self._order]

    @cached_property
    def numbers(self) -> I4:
        """For each row of the whole table its row here, -1 where it has none."""
        numbers = np.full(len(self._whole), -1, np.int32)
        numbers[self.origin] = np.arange(len(self.origin), dtype=np.int32)
        return numbers

    @property
    def whole(self) -> PacketTable:
        """The table with all rows of all places."""
        return self._whole

    def whole_row(self, row: int) -> int:
        """Where a row stands in the whole table."""
        return int(self.origin[row])

    def of_whole(self, rows: Rows) -> Rows:
        """The rows here of the packets that stand in some rows of the whole table."""
        packets = self._packet[rows]
        is_same = np.isin(self._packet[self.origin], packets[packets >= 0]) | np.isin(self.origin, rows)
        return np.flatnonzero(is_same)

    def packet_of(self, rows: Rows) -> Rows:
        """For rows of the whole table the number of their packet, -1 where nothing can be said."""
        return self._packet[rows]

    def shows(self, rows: Rows) -> Bools:
        """Which rows of the whole table show a packet that has a row here."""
        packets = self._packet[rows]
        shown: Bools = np.isin(rows, self.origin) | ((packets >= 0) & np.isin(packets, self._packet[self.origin]))
        return shown

    def link_of(self, rows: Rows) -> Rows:
        """For each of some rows of the whole table, its link: one of the places that saw what no router forwards.

        Args:
            rows: frames that stay on their link, such as neighbour discovery.
        """
        link = list(range(len(self._whole.places)))

        def root(place: int) -> int:
            while link[place] != place:
                place = link[place]
            return place

        first: dict[int, int] = {}
        for packet, place in zip(self._packet[rows].tolist(), self._whole.place[rows].tolist(), strict=True):
            if packet >= 0:
                one, other = root(place), root(first.setdefault(packet, place))
                link[max(one, other)] = min(one, other)
        roots = np.array([root(place) for place in range(len(link))], np.int64)
        found: Rows = roots[self._whole.place[rows]]
        return found

    def copies(self, own: Rows) -> Rows:
        """Some rows of the whole table, and those of the same packets at every other place; they may be there twice."""
        numbers = np.unique(self._packet[own])
        numbers = numbers[numbers >= 0]
        first = np.searchsorted(self._sorted, numbers, "left").tolist()
        last = np.searchsorted(self._sorted, numbers, "right").tolist()
        twins = [self._order[low:high] for low, high in zip(first, last, strict=True)]
        return np.concatenate([own, *twins])

    def evidence(self, rows: Rows | Sequence[int]) -> tuple[Evidence, ...]:
        """The rows, and the same packets at every other place; first where the first row was recorded."""
        own = self.origin[np.asarray(rows, np.int64)]
        found = self._whole.evidence(self.copies(own))
        if not len(own):
            return found
        home = self._whole.places[self._whole.place[own[0]]]
        return tuple(sorted(found, key=lambda one: (one.capture, one.interface) != (home.capture, home.interface)))

    def home(self, rows: Rows) -> Evidence:
        """Where the asker's side recorded these rows."""
        return self._whole.evidence(self.origin[rows[self.place[rows] == self.place[rows[0]]]])[0]


def whole_of(table: PacketTable) -> PacketTable:
    """The table with the rows of all places."""
    return table.whole if isinstance(table, NearTable) else table


def times_of(table: PacketTable) -> I8:
    """When each row was recorded, by one clock where there are several; int64[n]."""
    return table.corrected_ns if isinstance(table, NearTable) else table.time_ns[: len(table)]


def whole_times_of(table: PacketTable) -> I8:
    """The same for each row of the table of all places."""
    return table.whole_corrected_ns if isinstance(table, NearTable) else table.time_ns[: len(table)]


def copies_of(table: PacketTable, rows: Rows) -> Rows:
    """Rows of the whole table for some rows of a table: those of the same packets at all places, in order."""
    return np.unique(table.copies(table.origin[rows])) if isinstance(table, NearTable) else rows


def rows_near(table: PacketTable, rows: Rows) -> Rows:
    """The rows of a table that stand for rows of the whole one."""
    return table.of_whole(rows) if isinstance(table, NearTable) else rows


def nearest(table: PacketTable, seen: Sightings | None) -> PacketTable:
    """The table itself where there is one place, else its rows nearest to the askers."""
    if seen is None:
        return table
    places = table.place.astype(np.int64) + 1
    is_dropped = np.zeros(len(table), np.bool_)
    _conversations(table, seen, places, is_dropped)
    _questions(table, seen, places, is_dropped)
    return NearTable(table, np.flatnonzero(~is_dropped), places, seen)


def _conversations(table: PacketTable, seen: Sightings, places: Rows, is_dropped: Bools) -> None:
    """Of the flows between two ends, keep the one whose opener's packets have the highest TTL."""
    flows = np.arange(len(table.flows.low))
    first_of_side, asks = _first_asked(table)
    pair = _pairs(table, seen)
    opening = first_of_side[:-2].view(np.uint64).reshape(-1, 2).min(axis=1).view(np.int64)  # none is the largest number
    order = np.lexsort((seen.time_ns[opening], ~asks, pair))
    openers = order[firsts(pair[order])]
    direction = np.zeros(int(pair.max(initial=0)) + 1, np.int64)
    direction[pair[openers]] = table.layers[opening[openers]] & REVERSED != 0
    asked = first_of_side[2 * flows + direction[pair]]
    ttl = np.where(asked >= 0, _highest_ttl(table, asked), -1)
    saw_the_beginning = (asked >= 0) & (table.flags[asked] & _SYN_OR_ACK == _SYN)
    ttl[saw_the_beginning] += _ABOVE_EVERY_TTL
    first = np.where(asked >= 0, asked, opening)
    rank = seen.order.ranks(table.links.source[table.link[first]], table.place[first])
    order = np.lexsort((seen.time_ns[opening], rank, -ttl, pair))
    is_near = np.zeros(len(flows) + 1, np.bool_)  # the last one stands for what has no flow
    is_near[order[firsts(pair[order])]] = True
    flow = np.minimum(table.flow[: len(table)], len(flows))
    is_dropped |= (_of_one_talk(flow, seen, is_near) & ~is_near)[flow]
    places[is_near[flow]] = _EVERYWHERE


def _first_asked(table: PacketTable) -> tuple[I8, Bools]:
    """The first row of each flow and side, and which flows ask by echo: there only requests count, no error or reply.

    Of ICMP two hosts have one flow, whoever of them began by asking, or by an error about other traffic.
    """
    requests = table.icmp.row[np.isin(table.icmp.type, _ECHO_REQUESTS)][::-1]
    asked = np.full_like(table.first_of_side, -1)
    asked[2 * table.flow[requests] + (table.layers[requests] & REVERSED != 0)] = requests  # the first one is set last
    asks: Bools = asked[:-2].reshape(-1, 2).max(axis=1) >= 0
    return np.where(np.append(asks, np.False_).repeat(2), asked, table.first_of_side), asks


def _highest_ttl(table: PacketTable, asked: Rows) -> I8:
    """The TTL of the first packet of each flow and side; where it is small, as in traces, of the highest one there."""
    ttl: I8 = table.ttl[asked].astype(np.int64)
    is_low = (asked >= 0) & (ttl <= _LARGEST_OF_A_TRACE)
    if not is_low.any():
        return ttl
    rows = table.rows_of(is_low)
    flow = table.flow[rows]
    is_asked = table.layers[rows] & REVERSED == (table.layers[asked] & REVERSED)[flow]
    np.maximum.at(ttl, flow[is_asked], table.ttl[rows[is_asked]])
    return ttl


def _pairs(table: PacketTable, seen: Sightings) -> Rows:
    """For each flow the number of its two ends; of other occasions, of others."""
    pair, occasion = seen.tuples.of_flow, seen.occasion
    if (occasion == occasion[0]).all():
        return pair
    numbers = pair * (int(occasion.max()) + 1) + occasion[table.flows.place]
    found: Rows = np.unique(numbers, return_inverse=True)[1]
    return found


def _of_one_talk(flow: U4, seen: Sightings, is_near: Bools) -> Bools:
    """The flows that show packets of the near ones, or of a flow that does: the ways of a talk may part."""
    again = np.flatnonzero(~seen.is_first)
    ends = (flow[seen.by_packet[at]].astype(np.int64) for at in (again - 1, again))
    one, other = np.divmod(distinct(next(ends) * len(is_near) + next(ends)), len(is_near))
    belongs = is_near.copy()
    for _ in range(_MOST_PARTINGS):
        wider = belongs.copy()
        wider[one[belongs[other]]] = True
        wider[other[belongs[one]]] = True
        if (wider == belongs).all():
            break
        belongs = wider
    return belongs


def _questions(table: PacketTable, seen: Sightings, places: Rows, is_dropped: Bools) -> None:
    """ARP between two addresses: as the place saw it that heard the question first."""
    arp = table.arp
    ends = np.minimum(arp.sender_ip, arp.target_ip), np.maximum(arp.sender_ip, arp.target_ip)
    groups: dict[tuple[int, int, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    occasion = seen.occasion.tolist()
    for row, place, low, high in zip(
        arp.row.tolist(), table.place[arp.row].tolist(), ends[0].tolist(), ends[1].tolist(), strict=True
    ):
        groups[occasion[place], low, high][place].append(row)
    for by_place in groups.values():
        near: set[int] = set()
        for number, rows in enumerate(sorted(by_place.values(), key=lambda some: _distance(table, seen, some[0]))):
            packets = {int(seen.packet[row]) for row in rows} - {-1}
            if near & packets:
                is_dropped[rows] = True
            elif number == 0:
                near |= packets
                places[rows] = _EVERYWHERE


def _distance(table: PacketTable, seen: Sightings, row: int) -> tuple[int, int]:
    """How far from its sender a frame was recorded: by the order of the places, then in time."""
    sender = int(table.links.source[table.link[row]])
    return seen.order.rank.get((sender, int(table.place[row])), 0), int(seen.time_ns[row])


def _some(side: Side, rows: Rows) -> Side:
    at = np.searchsorted(rows, side.row)
    inside = np.minimum(at, max(len(rows) - 1, 0))
    keep = np.flatnonzero(rows[inside] == side.row) if len(rows) else np.empty(0, np.int64)
    names = side.__dataclass_fields__
    return replace(side, **{name: getattr(side, name)[keep] for name in names if name != "row"}, row=at[keep])


def _some_contents(kept: ContentRows, rows: Rows) -> ContentRows:
    at = np.searchsorted(rows, kept.row).tolist()
    size = len(rows)
    kept_at = [number for number, place in enumerate(at) if place < size and rows[place] == kept.row[number]]
    return ContentRows(
        [at[number] for number in kept_at],
        [kept.octets[number] for number in kept_at],
        [kept.skip[number] for number in kept_at],
    )
