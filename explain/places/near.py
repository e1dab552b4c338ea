"""The table that holds each conversation once, and how its rows and those of all places stand for each other."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.flows import Place
from explain.side_tables import chosen, chosen_contents
from explain.table import COLUMNS, IP, PacketTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Evidence
    from explain.places import Sightings
    from explain.table import I4, I8, Bools, Rows


class NearTable(PacketTable):
    """The rows of a table that are nearest to the askers, as if one place had recorded them.

    Attributes:
        origin: int64[n], the row in the whole table of each row here.
        clocks: of each capture against the first one, when there are several.
        ambiguous: frames of the whole table that look like others, and that no order tells apart.
        continued: of the whole table's flows, which ones another place brought the answers to; None where none.
        whole_corrected_ns: times of the rows of the whole table as the first capture's clock would show them.
    """

    def __init__(
        self, whole: PacketTable, rows: Rows, places: Rows, seen: Sightings, joined: Rows | None = None
    ) -> None:
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
        self.continued: Bools | None = None
        if joined is not None:
            is_moved = joined != np.arange(len(joined))
            self.continued = among(np.arange(len(joined)), joined[is_moved])
            self.flow = whole.flow[rows]
            self.flow[whole.layers[rows] & IP != 0] = joined[whole.flow[with_flow]]
        self.arp = chosen(whole.arp, rows)
        self.icmp = chosen(whole.icmp, rows)
        self.syn = chosen(whole.syn, rows)
        self.twice = chosen(whole.twice, rows)
        self.fragments = chosen(whole.fragments, rows)
        self.beside = chosen(whole.beside, rows)
        self.inside = chosen(whole.inside, rows)
        self.contents = {name: chosen_contents(kept, rows) for name, kept in whole.contents.items()}
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

    def recorded(self, rows: Rows) -> tuple[I8, I8]:
        """As of the whole table: what is joined here was recorded at several places, each with a clock of its own."""
        return self._whole.recorded(self.origin[rows])

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

    def evidence(self, rows: Rows | Sequence[int], beyond: Rows | None = None) -> tuple[Evidence, ...]:
        """The rows, and the same packets at every other place; first where the first row was recorded.

        Args:
            rows: of this table.
            beyond: further ones of the whole table.
        """
        own = self.origin[np.asarray(rows, np.int64)]
        shown = self.copies(own)
        found = self._whole.evidence(shown if beyond is None else np.concatenate((shown, beyond)))
        if not len(own):
            return found
        home = self._whole.places[self._whole.place[own[0]]]
        return tuple(sorted(found, key=lambda one: (one.capture, one.interface) != (home.capture, home.interface)))

    def home(self, rows: Rows) -> Evidence:
        """Where the asker's side recorded these rows."""
        return self._whole.evidence(self.origin[rows[self.place[rows] == self.place[rows[0]]]])[0]


def evidence_of(table: PacketTable, rows: Rows | Sequence[int], beyond: Sequence[Rows]) -> tuple[Evidence, ...]:
    """Where some rows were recorded, and further ones of the whole table."""
    if not beyond or not isinstance(table, NearTable):
        return table.evidence(rows)
    return table.evidence(rows, np.concatenate(beyond))


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
