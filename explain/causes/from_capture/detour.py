"""Pings that a router puts back on the link from which they came, and pings answered twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen
from explain.table import ICMP, ICMPV6

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp_echo import IcmpEcho
    from explain.table import PacketTable, Rows

_REQUESTS, _REPLIES = (8, 128), (0, 129)
_VISITS = 2
_REST = ("icmp-redirect",)
_MOST_ROWS = 10_000  # a flood is not looked at frame by frame
_WHY_TWICE = ("duplicate-address",)


def look(scene: Scene) -> Iterator[Seen]:
    """Runs of pings whose requests pass twice here, and those with more replies than requests."""
    part = scene.part("icmp.echo")
    for index in range(len(part)):
        if index in scene.accounted[part.kind] or len(part.rows(index)) > _MOST_ROWS:
            continue
        fields: IcmpEcho = part.fields(index)
        rows = part.rows(index)
        rows = rows[scene.table.layers[rows] & (ICMP | ICMPV6) != 0]
        if fields.sent > 1 and (again := _sent_back(scene.table, rows)):
            yield _by_a_detour(part, index, fields, again)
        elif fields.duplicates and not fields.responders and (again := _answered_twice(scene.table, rows)):
            values = {"src": fields.src, "dst": fields.dst, "count": fields.duplicates, "sent": fields.sent}
            yield Seen("duplicated-packets", "likely", [(part, index)], again, _WHY_TWICE, values)


def _by_a_detour(part: ExchangeColumns, index: int, fields: IcmpEcho, rows: list[int]) -> Seen:
    from explain.causes.from_capture.silence import WHY_SILENT

    is_silent = part.outcomes[part.outcome[index]] == "unanswered"
    values = {"src": fields.src, "dst": fields.dst, "count": len(rows) // _VISITS}
    rivals = (*_REST, *WHY_SILENT) if is_silent else _REST
    return Seen("suboptimal-gateway", "likely", [(part, index)], rows, rivals, values)


def _sent_back(table: PacketTable, rows: Rows) -> list[int]:
    """Rows of requests that came twice on one link: to a router, and from it with a TTL of one less."""
    copies: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row in rows[np.isin(_kinds(table, rows), _REQUESTS)].tolist():
        copies[int(table.ip_id[row]), _word(table, row), int(table.length[row]), int(table.vlan[row])].append(row)
    found: list[int] = []
    for same in copies.values():
        if len(same) == _VISITS and _is_forwarded(table, *same):
            found += same
    return found


def _is_forwarded(table: PacketTable, first: int, second: int) -> bool:
    came, went = int(table.link[first]), int(table.link[second])
    is_lower = int(table.ttl[first]) - int(table.ttl[second]) == 1
    return is_lower and int(table.links.target[came]) == int(table.links.source[went])


def _answered_twice(table: PacketTable, rows: Rows) -> list[int]:
    """Rows of replies that repeat an earlier one in every way, where no request was recorded twice."""
    kinds = _kinds(table, rows)
    asked = [_word(table, row) for row in rows[np.isin(kinds, _REQUESTS)].tolist()]
    if len(set(asked)) < len(asked):
        return []
    seen: dict[tuple[int, int], int] = {}
    found: list[int] = []
    for row in rows[np.isin(kinds, _REPLIES)].tolist():
        key = _word(table, row), int(table.ttl[row])
        if key in seen:
            found += (seen[key], row)
        seen[key] = row
    return sorted(set(found))


def _kinds(table: PacketTable, rows: Rows) -> Rows:
    kinds: Rows = table.icmp.type[np.searchsorted(table.icmp.row, rows)].astype(np.int64)
    return kinds


def _word(table: PacketTable, row: int) -> int:
    """Identifier and sequence number."""
    return int(table.icmp.word[np.searchsorted(table.icmp.row, row)])
