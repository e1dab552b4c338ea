"""Routers that share one address: who is active for it, who stands by, and who took over from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.exchanges.standby import groups
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.standby import Group
    from explain.table import PacketTable

_MOST_TOLD, _MOST_TURNS, _MOST_CITED = 8, 4, 1000
_MOST_ADDRESSES = 4


def tell(table: PacketTable) -> list[Line]:
    """Lines for each group of routers."""
    found = [one for one in groups(table) if one.addresses]
    return [line for number, one in enumerate(found[:_MOST_TOLD]) for line in _group(table, one, is_first=not number)]


def _line(table: PacketTable, message: str, rows: Sequence[int], **values: Any) -> Line:
    return Line(f"standby.{message}", values, table.evidence(list(rows[:_MOST_CITED])))


def _group(table: PacketTable, one: Group, *, is_first: bool) -> Iterator[Line]:
    shared = {"protocol": one.protocol, "group": one.number, "addresses": one.addresses[:_MOST_ADDRESSES]}
    if not one.turns:
        yield _line(table, "nobody", one.rows, **shared)
        return
    if one.is_rivalry:
        routers = sorted({turn.router for turn in one.turns})
        yield _line(table, "rivals", sorted(row for turn in one.turns for row in turn.rows), routers=routers, **shared)
        return
    first = before = one.turns[0]
    form = "active.first" if is_first else "active.again"
    yield _line(table, form, first.rows, router=first.router, priority=first.priority, **shared)
    for turn in one.turns[1 : _MOST_TURNS + 1]:
        values = {"router": turn.router, "priority": turn.priority, "old": before.router, "rank": before.priority}
        cited = (before.rows[-1], *turn.rows)
        yield _line(table, f"moved.{turn.why}", cited, silent_ns=turn.silent_ns, group=one.number, **values)
        before = turn
    if rest := one.turns[_MOST_TURNS + 1 :]:
        later = [row for turn in rest for row in turn.rows]
        yield _line(table, "moved-more", later, count=len(rest), router=rest[-1].router, group=one.number)
    for router, priority, rows in one.standing_by[:_MOST_TURNS]:
        yield _line(table, "stands-by", rows, router=router, priority=priority, group=one.number)
