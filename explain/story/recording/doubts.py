"""What makes one doubt a recording itself: a clock that goes back, and headers whose checksum is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import first_and_last
from explain.model import Line
from explain.table import BAD_IP_CHECKSUM, ICMP, IPV4, NO_FLOW, TCP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import CaptureInfo
    from explain.table import PacketTable, Rows

_AMISS_NS = 10_000_000  # frames of several queues of a card pass each other by less
_FEW = 4  # frames that may have been damaged by chance
_MOST_CITED = 1000
_MOST_SIDES = 32  # of flows; where so many lack answers, it is hardly for their headers


def tell(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """One line for each file whose clock goes back, and one about wrong headers."""
    bad = np.flatnonzero(table.layers[: len(table)] & BAD_IP_CHECKSUM)
    wrong = (_changed(table, bad) or _unheard(table, bad)) if len(bad) else []
    return [*_set_back(table, captures), *wrong]


def _set_back(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """Where the times of a place fall from one frame to the next, and by how much at most."""
    time_ns = table.time_ns[: len(table)]
    back = np.flatnonzero(time_ns[1:] < time_ns[:-1])
    back = back[table.place[back] == table.place[back + 1]]
    by_ns = time_ns[back] - time_ns[back + 1]
    back, by_ns = back[by_ns > _AMISS_NS], by_ns[by_ns > _AMISS_NS]
    worst: dict[int, list[int]] = {}
    for row in back[np.argsort(-by_ns, kind="stable")].tolist():
        worst.setdefault(table.places[table.place[row]].capture, []).append(row)
    lines: list[Line] = []
    for number, rows in sorted(worst.items()):
        if captures[number].format == "text":
            continue
        pair = [rows[0], rows[0] + 1]
        before_ns, after_ns = time_ns[pair].tolist()
        values = {
            "path": captures[number].path, "back_ns": before_ns - after_ns, "frame": int(table.frame[pair[1]]),
            "count": len(rows),
        }  # fmt: skip
        evidence = table.evidence(pair)
        lines.append(Line(f"story.set-back{'-often' if len(rows) > 1 else ''}", values, evidence, 1, None, "note"))
    return lines


def _changed(table: PacketTable, bad: Rows) -> list[Line]:
    """Wrong headers both ways of a flow: a receiver answers none of them (RFC 1122, section 3.2.1.2).

    A card that computes the checksums has them wrong in what its own host sends alone.
    """
    if len(bad) < _FEW or 2 * len(bad) < np.count_nonzero(table.layers[: len(table)] & IPV4):
        return []
    is_bad = np.zeros(2 * len(table.flows.low) + 2, np.bool_)
    is_bad[table.sides[bad]] = True
    is_both = is_bad[0::2] & is_bad[1::2]
    rows = bad[is_both[table.sides[bad] >> 1]]
    if len(rows) < _FEW:
        return []
    evidence = table.evidence(first_and_last(rows, _MOST_CITED))
    return [Line("story.changed", {"count": len(rows)}, evidence, 1, None, "note")]


def _unheard(table: PacketTable, bad: Rows) -> list[Line]:
    """Wrong headers of one side of what asks for answers, none of which got any.

    Where one of a sender's is answered, its card puts them right behind the place of the capture.
    """
    bad = bad[(table.layers[bad] & (TCP | ICMP) != 0) & (table.flow[bad] != NO_FLOW)]
    bad = bad[table.sources(bad) != table.targets(bad)]  # what a host sends to itself needs no checksum
    sides, first, counts = np.unique(table.sides[bad], return_index=True, return_counts=True)
    if not 0 < len(sides) <= _MOST_SIDES:
        return []
    for side, row in zip(sides.tolist(), bad[first].tolist(), strict=True):
        later = table.by_flow.of(np.array([side >> 1]))
        if ((later > row) & (table.sides[later] != side)).any():
            return []
    most = int(np.argmax(counts))
    rows = bad[table.sides[bad] == sides[most]]
    src, dst = table.end_texts(int(rows[0]))
    values = {"count": len(rows), "src": src, "dst": dst}
    return [Line("story.header-sums", values, table.evidence(rows[:_MOST_CITED]), 1, None, "note")]
