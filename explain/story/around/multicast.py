"""Multicast groups: who asks the link for them, who joins and leaves which, and which question nobody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.exchanges.listening import listening
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.groups import Wish
    from explain.exchanges.listening import Listening, Querier
    from explain.table import PacketTable

_MOST_TOLD, _MOST_GROUPS, _MOST_CITED = 8, 6, 1000


def tell(table: PacketTable) -> list[Line]:
    """Lines about the queriers, then the listeners in order, and the questions for one group."""
    found = listening(table)
    return [*_queriers(table, found), *_listeners(table, found), *_questions(table, found)]


def _line(table: PacketTable, message: str, rows: Sequence[int], **values: Any) -> Line:
    return Line(f"multicast.{message}", values, table.evidence(list(rows[:_MOST_CITED])))


def _queriers(table: PacketTable, found: Listening) -> Iterator[Line]:
    for number, one in enumerate(found.queriers[:_MOST_TOLD]):
        values = {"querier": one.address, "protocol": one.protocol, "count": len(one.rows), "every_ns": one.every_ns}
        form = "querier-too" if number else "querier" if one.every_ns is None else "querier-often"
        yield _line(table, form if one.address.strip("0.:") else "switch", one.rows, **values)
    for one in found.queriers[:_MOST_TOLD]:
        yield from _rival(table, one)
    if found.queriers and not any(one.is_heard for one in found.queriers):
        first = found.queriers[0]
        yield _line(table, "unheard", first.rows, querier=first.address)


def _rival(table: PacketTable, one: Querier) -> Iterator[Line]:
    if one.outlives is not None:
        yield _line(table, "rivals", one.rows, querier=one.address, lowest=one.outlives)
    elif one.yields_to is not None:
        yield _line(table, "yields", one.rows, querier=one.address, lowest=one.yields_to)


def _listeners(table: PacketTable, found: Listening) -> Iterator[Line]:
    taught: set[str] = set()
    for one in found.listeners[:_MOST_TOLD]:
        groups: list[str | Line] = [_group(wish) for wish in one.wishes[:_MOST_GROUPS]]
        if len(one.wishes) > _MOST_GROUPS:
            groups.append(Line("multicast.more-groups", {"count": len(one.wishes) - _MOST_GROUPS}))
        form = f"{one.verb}.again" if one.verb in taught else f"{one.verb}.first"
        taught.add(one.verb)
        yield _line(table, form, one.rows, host=one.host, groups=groups)
    if rest := found.listeners[_MOST_TOLD:]:
        rows = sorted(row for one in rest for row in one.rows)
        known = {wish.group for one in rest for wish in one.wishes}
        yield _line(table, "more", rows, hosts=len({one.host for one in rest}), groups=len(known))


def _group(wish: Wish) -> str | Line:
    if not wish.sources:
        return wish.group
    form = "except" if wish.is_except else "from"
    return Line(f"multicast.{form}", {"group": wish.group, "sources": wish.sources[:_MOST_GROUPS]})


def _questions(table: PacketTable, found: Listening) -> Iterator[Line]:
    for one in found.questions[:_MOST_TOLD]:
        values = {"querier": one.querier, "group": one.group, "count": len(one.rows), "members": one.members}
        yield _line(table, "asked-well" if one.members else "asked-in-vain", one.rows, **values)
