"""What no stack of an operating system does: answers to damaged packets, and packets as tools make them.

Every sign is asked of both ends of a conversation.  A lab may well have one end that is a tool; and a card that
computes checksums later spoils those of the recording host, never those that arrive.

Source: RFC 9293, 3.1 and 3.7.1 (an MSS option in every SYN); RFC 6864, 4 (identification); RFC 1122, 4.1.3.4 and
4.2.2.7 (what has a wrong checksum is discarded).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.table import (
    BAD_CHECKSUM,
    BAD_IP_CHECKSUM,
    DONT_FRAGMENT,
    FRAGMENT,
    GOOD_CHECKSUM,
    IP,
    IPV4,
    NO_FLOW,
    PARTIAL_CHECKSUM,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable, Rows

_REWRITTEN = "checksums-rewritten"
_HAND_MADE = "made-by-a-tool"
_BAD = BAD_CHECKSUM | BAD_IP_CHECKSUM
_JUDGED = GOOD_CHECKSUM | _BAD | PARTIAL_CHECKSUM
_MOST_BAD = 0.8
_LEAST_BAD = 3
_LEAST_SAME = 3
_SMALL = 1 << 16

Sign = tuple[str, dict[str, Any], list[int]]


def signs(table: PacketTable) -> Iterator[Sign]:
    """What is against the rules at both ends of a conversation."""
    yield from _rewritten(table)
    yield from _hand_made(table)


def _rewritten(table: PacketTable) -> Iterator[Sign]:
    """Conversations that went on although nearly every packet of both ends has a wrong checksum."""
    last = len(table)
    rows = np.flatnonzero((table.layers[:last] & _JUDGED != 0) & (table.flow[:last] != NO_FLOW))
    if not len(rows):
        return
    is_bad = table.layers[rows] & _BAD != 0
    judged = np.bincount(table.sides[rows], minlength=2 * len(table.flows.low))
    bad = np.bincount(table.sides[rows[is_bad]], minlength=len(judged))
    cited: list[int] = []
    for low in range(0, 2 * len(table.flows.low), 2):
        ends = bad[low : low + 2], judged[low : low + 2]
        if ends[0].all() and ends[0].sum() >= _LEAST_BAD and (ends[0] >= _MOST_BAD * ends[1]).all():
            cited += rows[is_bad & (table.sides[rows] >> 1 == low >> 1)].tolist()
    if cited:
        yield _REWRITTEN, {"number": len(cited)}, cited


def _hand_made(table: PacketTable) -> Iterator[Sign]:
    """Conversations both of whose ends send as tools do by default."""
    strange = _same_identification(table) | _bare_syns(table)
    cited, ends = [], 0
    for side in sorted(strange):
        if side ^ 1 in strange:
            cited += strange[side]
            ends += 1
    if ends:
        yield _HAND_MADE, {"number": ends // 2}, sorted(set(cited))


def _same_identification(table: PacketTable) -> dict[int, list[int]]:
    """By side rows that all have one identification, not 0, though they may be fragmented."""
    last = len(table)
    layers = table.layers[:last]
    rows = np.flatnonzero((layers & IPV4 != 0) & (layers & (FRAGMENT | DONT_FRAGMENT) == 0))
    found: dict[int, list[int]] = {}
    for side, some in _by_side(table, rows):
        idents = table.ip_id[some]
        if len(some) >= _LEAST_SAME and idents[0] and (idents == idents[0]).all():
            found[side] = some.tolist()
    return found


def _bare_syns(table: PacketTable) -> dict[int, list[int]]:
    """By side SYNs without an MSS whose sequence number is small."""
    rows = table.syn.row[table.syn.mss == 0]
    return {side: some.tolist() for side, some in _by_side(table, rows[table.seq[rows] < _SMALL])}


def _by_side(table: PacketTable, rows: Rows) -> Iterator[tuple[int, Rows]]:
    rows = rows[table.layers[rows] & IP != 0]
    if not len(rows):
        return
    sides = table.sides[rows]
    order = np.argsort(sides, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(sides[order])) + 1):
        yield int(sides[part[0]]), rows[part]
