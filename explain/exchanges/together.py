"""The exchanges of all kinds together, as one sequence of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np

from explain.arrays import ragged
from explain.model import Exchange
from explain.places.near import evidence_of
from explain.table import VLAN, VLAN_ID

if TYPE_CHECKING:
    import pandas as pd

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import PacketTable, Rows

CONVERSATIONS = ("icmp.echo", "udp.flow", "tcp.connection")
"""Kinds of packets over IP between two ends, one of which began."""
CARRIERS = ("icmp.error", *CONVERSATIONS)
"""Kinds whose frames may belong to an exchange that means more: a trace, a look-up, a lease."""
CARRIED = ("traceroute", "dns.lookup", "dhcp.lease", "dhcpv6.lease")
"""Kinds that mean more than the datagrams that carry them."""


class Exchanges(Sequence[Exchange]):
    """All exchanges of a report, ordered by their first frames; ids are e1, e2, ...

    A *position* counts all of them from 0 and makes the id, also where only some were chosen.

    Attributes:
        parts: the kinds, in the order in which the finders are listed.
    """

    def __init__(self, table: PacketTable, parts: Sequence[ExchangeColumns]) -> None:
        self.parts = tuple(parts)
        self._table = table
        counts = [len(part) for part in parts]
        part = np.repeat(np.arange(len(parts)), counts)
        nothing = [np.empty(0, np.int64)]
        index = np.concatenate(nothing + [np.arange(count) for count in counts])
        first = np.concatenate(nothing + [p.frames[p.bounds[:-1]] for p in parts])
        order = np.lexsort((part, first))
        self._part, self._index = part[order], index[order]
        self._position = {p.kind: np.empty(count, np.int64) for p, count in zip(parts, counts, strict=True)}
        for number, p in enumerate(parts):
            positions = np.flatnonzero(self._part == number)
            self._position[p.kind][self._index[positions]] = positions
        self.positions: Sequence[int] = range(len(order))

    @property
    def table(self) -> PacketTable:
        """What the rows of all exchanges are rows of: each conversation once, where several places saw it."""
        return self._table

    def __len__(self) -> int:
        return len(self.positions)

    def __repr__(self) -> str:
        return f"<Exchanges {len(self)}: {', '.join(part.kind for part in self.parts if len(part))}>"

    def __iter__(self) -> Iterator[Exchange]:
        return (self.view(position) for position in self.positions)

    @overload
    def __getitem__(self, number: int) -> Exchange: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Exchange]: ...
    def __getitem__(self, number: int | slice) -> Exchange | Sequence[Exchange]:
        if isinstance(number, slice):
            return [self.view(position) for position in self.positions[number]]
        return self.view(self.positions[number])

    def choose(self, positions: Sequence[int]) -> Exchanges:
        """The same exchanges, of which only some are counted and shown."""
        chosen = copy(self)
        chosen.positions = positions
        return chosen

    def at(self, position: int) -> tuple[ExchangeColumns, int]:
        """The columns and the row in them that stand at this position."""
        return self.parts[self._part[position]], int(self._index[position])

    def inside(self, rows: Rows) -> list[tuple[ExchangeColumns, int]]:
        """The exchanges whose frames are all among these rows: the datagrams of a trace, of a look-up, of a lease."""
        return [(part, index) for part, indices in self._inside(rows) for index in indices.tolist()]

    def positions_inside(self, rows: Rows) -> set[int]:
        """Positions of the exchanges whose frames are all among these rows."""
        return {at for part, indices in self._inside(rows) for at in self.positions_of(part)[indices].tolist()}

    def _inside(self, rows: Rows) -> Iterator[tuple[ExchangeColumns, Rows]]:
        is_wanted = np.zeros(len(self._table), np.bool_)
        is_wanted[np.asarray(rows, np.int64)] = True
        for part in self.parts:
            if part.kind not in CARRIERS or not len(part):
                continue
            near = np.flatnonzero(is_wanted[part.frames[part.bounds[:-1]]])
            if len(near):
                sizes = part.bounds[near + 1] - part.bounds[near]
                frames = ragged(part.frames, part.bounds[near], sizes)
                yield part, near[np.logical_and.reduceat(is_wanted[frames], np.cumsum(sizes) - sizes)]

    def carried(self, part: ExchangeColumns, indices: Sequence[int]) -> dict[int, list[tuple[ExchangeColumns, int]]]:
        """For each of some exchanges of a kind, the exchanges that are only its datagrams.

        One may belong to several, as what passes two translators does.
        """
        owners: dict[int, list[int]] = {}
        for index in indices:
            for row in part.rows(index).tolist():
                owners.setdefault(row, []).append(int(index))
        carried: dict[int, list[tuple[ExchangeColumns, int]]] = {int(index): [] for index in indices}
        for carrier, number in self.inside(np.fromiter(owners, np.int64, len(owners))):
            for index in owners[int(carrier.frames[carrier.bounds[number]])]:
                carried[index].append((carrier, number))
        return carried

    def only_carrying(self) -> set[int]:
        """Positions of the exchanges that are nothing but the datagrams of one that means more."""
        rows = [part.frames for part in self.parts if part.kind in CARRIED]
        return self.positions_inside(np.concatenate(rows)) if rows else set()

    def of_kind(self, kind: str) -> ExchangeColumns | None:
        """The columns of one kind, None if no finder of that kind ran."""
        return next((part for part in self.parts if part.kind == kind), None)

    def indices(self, part: ExchangeColumns, positions: Rows) -> Rows:
        """Rows of one kind that stand at some positions."""
        of = positions[self._part[positions] == self.parts.index(part)] if len(positions) else positions
        found: Rows = self._index[of]
        return found

    def position(self, part: ExchangeColumns, index: int) -> int:
        """Where row ``index`` of a kind stands among all."""
        return int(self._position[part.kind][index])

    def positions_of(self, part: ExchangeColumns) -> Rows:
        """int64[n]: where each exchange of a kind stands among all."""
        return self._position[part.kind]

    def view(self, position: int) -> Exchange:
        """The exchange at a position, as the record that people are shown."""
        part, index = self.at(position)
        rows = part.rows(index)
        evidence = evidence_of(self._table, rows, [part.beyond(index)] if part.beyond else ())
        is_home = len(evidence) == 1 and self._table.whole is self._table
        home = evidence[0] if is_home else self._table.home(rows)
        return Exchange(
            id=f"e{position + 1}",
            kind=part.kind,
            outcome=part.outcomes[part.outcome[index]],
            capture=home.capture,
            interface=home.interface,
            frames=home.frames,
            evidence=evidence,
            start_ns=int(part.start_ns[index]),
            end_ns=int(part.end_ns[index]),
            fields=part.fields(index),
            vlans=self._vlans(rows) if self._is_tagged else (),
        )

    @cached_property
    def _is_tagged(self) -> bool:
        return bool((self._table.layers[: len(self._table)] & VLAN).any())

    def _vlans(self, rows: Rows) -> tuple[tuple[int, ...], ...]:
        """The tags of some rows, each outer before inner; a tag for priority alone names no VLAN."""
        table = self._table
        rows = rows[table.layers[rows] & VLAN != 0]
        outer, inner = (tags & np.uint16(VLAN_ID) for tags in (table.vlan[rows], table.beside.inner_of(rows)))
        pairs = set(zip(outer.tolist(), inner.tolist(), strict=True))
        return tuple(sorted({tuple(tag for tag in pair if tag) for pair in pairs} - {()}))

    def _repr_html_(self) -> str:
        from explain.facts_html import of_many

        return of_many(self)

    def to_pandas(self) -> pd.DataFrame:
        """One row per exchange, with the columns of ``explain table --of exchanges --columns``."""
        from explain.dataframe import exchanges

        return exchanges(self)
