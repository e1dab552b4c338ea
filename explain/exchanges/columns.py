"""Exchanges of one kind as columns.

A finder returns ``ExchangeColumns``; the frozen ``model.Exchange`` is a view of a row, made
when it is shown.  So a million packets cost no objects.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct, ragged
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from explain.table import I8, U1, PacketTable, Rows


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
        beyond: rows of the table of all places that belong to exchange i, also those of packets that have no row here.
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
    beyond: Callable[[int], Rows] | None = None

    def __len__(self) -> int:
        return len(self.outcome)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: records in the place of what makes them, and no fact that is still to be looked for."""
        given = (getattr(self, name) for name in ExchangeColumns.__slots__)
        *columns, fields, facts, patience_ns, beyond = given
        known = {name: one for name, one in facts.items() if not callable(one)}
        made = (one and tuple(map(one, range(len(self)))).__getitem__ for one in (fields, beyond))
        return ExchangeColumns, (*columns, next(made), known, patience_ns, next(made))

    def rows(self, index: int) -> Rows:
        """Rows of the packet table that belong to one exchange."""
        return self.frames[self.bounds[index] : self.bounds[index + 1]]

    def with_rows(self, rows: Rows) -> Rows:
        """Indices of the exchanges that have one of these rows of the packet table."""
        return distinct(np.arange(len(self)).repeat(np.diff(self.bounds))[among(self.frames, rows)])

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
    start_ns, end_ns = first_and_last_ns(table, frames, bounds)
    numbers = order.tolist()
    return ExchangeColumns(
        kind=kind,
        outcomes=outcomes,
        outcome=outcome[order],
        frames=frames,
        bounds=bounds,
        start_ns=start_ns,
        end_ns=end_ns,
        fields=lambda index: fields(numbers[index]),
        facts={name: list(map(values.__getitem__, numbers)) for name, values in facts.items()},
        patience_ns=patience_ns,
    )


def rows_of(members: Iterable[tuple[ExchangeColumns, int]]) -> list[int]:
    """Rows of the packet table of some exchanges, one after the other."""
    return [row for part, index in members for row in part.rows(index).tolist()]


def first_and_last_ns(table: PacketTable, frames: Rows, bounds: I8) -> tuple[I8, I8]:
    """For each exchange the earliest and the latest time of its frames, which may have been recorded out of order."""
    times = table.time_ns[frames]
    if not len(times):
        return times, times
    return np.minimum.reduceat(times, bounds[:-1]), np.maximum.reduceat(times, bounds[:-1])


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
