"""What makes one doubt a recording itself: a clock that goes back, and frames that were changed afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import first_and_last
from explain.model import Line
from explain.table import BAD_IP_CHECKSUM, IPV4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import CaptureInfo
    from explain.table import PacketTable

_AMISS_NS = 10_000_000  # frames of several queues of a card pass each other by less
_FEW = 4  # frames that may have been damaged by chance
_MOST_CITED = 1000


def tell(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """One line for each file whose clock goes back, and one about changed frames."""
    return [*_set_back(table, captures), *_changed(table)]


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


def _changed(table: PacketTable) -> list[Line]:
    """Wrong headers both ways of a flow: a receiver answers none of them (RFC 1122, section 3.2.1.2).

    A card that computes the checksums has them wrong in what its own host sends alone.
    """
    layers = table.layers[: len(table)]
    bad = np.flatnonzero(layers & BAD_IP_CHECKSUM)
    if len(bad) < _FEW or 2 * len(bad) < np.count_nonzero(layers & IPV4):
        return []
    is_bad = np.zeros(2 * len(table.flows.low) + 2, np.bool_)
    is_bad[table.sides[bad]] = True
    is_both = is_bad[0::2] & is_bad[1::2]
    rows = bad[is_both[table.sides[bad] >> 1]]
    if len(rows) < _FEW:
        return []
    evidence = table.evidence(first_and_last(rows, _MOST_CITED))
    return [Line("story.changed", {"count": len(rows)}, evidence, 1, None, "note")]
