"""Exchanges of one kind as columns, and all kinds together as one sequence.

A finder returns ``ExchangeColumns``; the frozen ``model.Exchange`` is a view of a row, made
when it is shown.  So a million packets cost no objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from explain.arrays import ragged
from explain.model import Exchange
from explain.record import dataclass
from explain.table import VLAN, VLAN_ID

if TYPE_CHECKING:
    import pandas as pd

    from explain.table import I8, U1, PacketTable, Rows


CARRIERS = ("icmp.error", "udp.flow", "icmp.echo", "tcp.connection")
"""Kinds whose frames may belong to an exchange that means more: a trace, a look-up, a lease."""
CARRIED = ("traceroute", "dns.lookup", "dhcp.lease", "dhcpv6.lease")
"""Kinds that mean more than the datagrams that carry them."""


@dataclass(frozen=True, slots=True, eq=False)
class ExchangeColumns:
    """All exchanges of one kind, in the order of their first frames.

    Attributes:
        kind: as the contract names it.
        outcomes: the closed list of ways to end; ``outcome`` is an index into it.
        outcome: uint8[n].
        frames: int64[m], rows of the packet table, exchange after exchange, each in time order.
        bounds: int64[n + 1]; the frames of exchange i are ``frames[bounds[i]:bounds[i + 1]]``.
        start_ns, end_ns: int64[n], UTC nanoseconds of first and last frame.
        fields: makes the frozen dataclass of exchange i, with the names of the contract.
        facts: further columns of length n by name, for whoever looks at all exchanges at once.
        patience_ns: how long after ``end_ns`` a further frame may still belong to it.
    """

    kind: str
    outcomes: tuple[str, ...]
    outcome: U1
    frames: Rows
    bounds: I8
    start_ns: I8
    end_ns: I8
    fields: Callable[[int], Any]
    facts: Mapping[str, Any]
    patience_ns: int = 60_000_000_000

    def __len__(self) -> int:
        return len(self.outcome)

    def rows(self, index: int) -> Rows:
        """Rows of the packet table that belong to one exchange."""
        return self.frames[self.bounds[index] : self.bounds[index + 1]]

    def where(self, *outcomes: str) -> Rows:
        """Indices of the exchanges that ended in one of these ways."""
        is_wanted = np.array([name in outcomes for name in self.outcomes], np.bool_)
        return np.flatnonzero(is_wanted[self.outcome])


def none_of(kind: str) -> ExchangeColumns:
    """The columns of a kind of which nothing occurs."""
    empty = np.empty(0, np.int64)
    return ExchangeColumns(kind, (), empty.astype(np.uint8), empty, np.zeros(1, np.int64), empty, empty, _no_fields, {})


def _no_fields(index: int) -> Any:
    raise IndexError(index)


@dataclass(frozen=True, slots=True)
class Found:
    """One exchange as a finder that looks at rare frames one by one makes it."""

    outcome: str
    rows: Sequence[int]
    fields: Any


def from_list(
    kind: str,
    outcomes: tuple[str, ...],
    found: Sequence[Found],
    table: PacketTable,
    patience_ns: int = 60_000_000_000,
    view: Callable[[Any], Any] | None = None,
) -> ExchangeColumns:
    """Columns from exchanges that were found one by one; sorted by their first frames.

    ``view`` makes the record from what stands in ``Found.fields``, when somebody looks; without it, it is the record.
    """
    codes = {name: code for code, name in enumerate(outcomes)}
    counts = np.fromiter((len(one.rows) for one in found), np.int64, len(found))
    rows = np.fromiter(chain.from_iterable(one.rows for one in found), np.int64, int(counts.sum()))
    outcome = np.array([codes[one.outcome] for one in found], np.uint8)
    fields = (lambda number: found[number].fields) if view is None else cache(lambda number: view(found[number].fields))
    return from_rows(kind, outcomes, outcome, rows, counts, table, fields, {}, patience_ns)


def from_rows(
    kind: str,
    outcomes: tuple[str, ...],
    outcome: U1,
    rows: Rows,
    counts: I8,
    table: PacketTable,
    fields: Callable[[int], Any],
    facts: Mapping[str, Sequence[Any]],
    patience_ns: int = 60_000_000_000,
) -> ExchangeColumns:
    """Columns from exchanges in any order, exchange i with ``counts[i]`` of the rows; sorted by their first frames."""
    order, frames, bounds = _in_order(rows, counts)
    times = table.time_ns[frames]
    numbers = order.tolist()
    return ExchangeColumns(
        kind=kind,
        outcomes=outcomes,
        outcome=outcome[order],
        frames=frames,
        bounds=bounds,
        start_ns=np.minimum.reduceat(times, bounds[:-1]) if len(order) else order,
        end_ns=np.maximum.reduceat(times, bounds[:-1]) if len(order) else order,
        fields=lambda index: fields(numbers[index]),
        facts={name: list(map(values.__getitem__, numbers)) for name, values in facts.items()},
        patience_ns=patience_ns,
    )


def _in_order(rows: Rows, counts: I8) -> tuple[I8, Rows, I8]:
    """The exchanges by their frames: which comes when, the frames of all of them, each once, and their bounds."""
    owner = np.arange(len(counts)).repeat(counts)
    by_row = np.lexsort((rows, owner))
    rows, owner = rows[by_row], owner[by_row]
    is_new = np.ones(len(rows), np.bool_)
    is_new[1:] = (rows[1:] != rows[:-1]) | (owner[1:] != owner[:-1])
    rows, owner = rows[is_new], owner[is_new]
    counts = np.bincount(owner, minlength=len(counts))
    starts = np.cumsum(counts) - counts
    first = rows[starts]
    order = np.argsort(first, kind="stable")
    if (first[order[1:]] == first[order[:-1]]).any():  # then the later frames tell
        lists = [rows[start : start + count].tolist() for start, count in zip(starts, counts, strict=True)]
        order = np.array(sorted(range(len(counts)), key=lists.__getitem__), np.int64)
    return order, ragged(rows, starts[order], counts[order]), np.concatenate(([0], np.cumsum(counts[order])))


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
                starts, sizes = part.bounds[near], part.bounds[near + 1] - part.bounds[near]
                begins = np.cumsum(sizes) - sizes
                frames = part.frames[np.arange(int(sizes.sum())) + (starts - begins).repeat(sizes)]
                yield part, near[np.logical_and.reduceat(is_wanted[frames], begins)]

    def carried(self, part: ExchangeColumns, indices: Sequence[int]) -> dict[int, list[tuple[ExchangeColumns, int]]]:
        """For each of some exchanges of a kind, the exchanges that are only its datagrams."""
        owner = {row: int(index) for index in indices for row in part.rows(index).tolist()}
        carried: dict[int, list[tuple[ExchangeColumns, int]]] = {int(index): [] for index in indices}
        for carrier, number in self.inside(np.fromiter(owner, np.int64, len(owner))):
            carried[owner[int(carrier.frames[carrier.bounds[number]])]].append((carrier, number))
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
        home = self._table.home(rows)
        return Exchange(
            id=f"e{position + 1}",
            kind=part.kind,
            outcome=part.outcomes[part.outcome[index]],
            capture=home.capture,
            interface=home.interface,
            frames=home.frames,
            evidence=self._table.evidence(rows),
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
        table, beside = self._table, self._table.beside
        at = np.searchsorted(beside.row, rows)
        found = set()
        for row, place in zip(rows.tolist(), at.tolist(), strict=True):
            inner = int(beside.inner[place]) if place < len(beside.row) and beside.row[place] == row else 0
            tags = (int(table.vlan[row]) if table.layers[row] & VLAN else 0, inner)
            found.add(tuple(tag & VLAN_ID for tag in tags if tag & VLAN_ID))
        return tuple(sorted(found - {()}))

    def _repr_html_(self) -> str:
        from explain.facts_html import of_many

        return of_many(self)

    def to_pandas(self) -> pd.DataFrame:
        """One row per exchange, with the columns of ``explain table --of exchanges --columns``."""
        from explain.dataframe import exchanges

        return exchanges(self)
