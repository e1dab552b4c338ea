"""Pings that were answered more often than they were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen
from explain.table import ICMP, ICMPV6

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.icmp.echo import IcmpEcho
    from explain.table import PacketTable, Rows

_REQUESTS, _REPLIES = (8, 128), (0, 129)
_MOST_ROWS = 10_000  # a flood is not looked at frame by frame
_RIVALS = ("duplicate-address",)


def look(scene: Scene) -> Iterator[Seen]:
    """Runs of pings with further replies of the same host; to a group many may answer."""
    part = scene.part("icmp.echo")
    for index in range(len(part)):
        if index in scene.accounted[part.kind] or len(part.rows(index)) > _MOST_ROWS:
            continue
        fields: IcmpEcho = part.fields(index)
        if not fields.duplicates or fields.responders:
            continue
        rows = part.rows(index)
        again = _answered_twice(scene.table, rows[scene.table.layers[rows] & (ICMP | ICMPV6) != 0])
        if again:
            values = {
                "src": fields.src, "dst": fields.dst, "count": fields.duplicates, "sent": fields.sent,
                "received": fields.received,
            }  # fmt: skip
            from explain.exchanges.over_places.altered import stretch_of

            if way := stretch_of(scene.table, scene.part("journey"), "doubled", rows.tolist()):
                values |= {"case": "between"} | way
            certainty, rivals = ("proved", ()) if way else ("likely", _RIVALS)
            yield Seen("duplicated-packets", certainty, [(part, index)], again, rivals, values)


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
