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

_SET_BACK_NS = 1_000_000_000  # queues and interfaces that are written in turns differ by less
_FEW = 4  # frames that may have been damaged by chance
_MOST_CITED = 1000


def tell(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """One line for each file whose clock goes back, and one about changed frames."""
    return [*_set_back(table, captures), *_changed(table)]


def _set_back(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    lines: list[Line] = []
    of_place = np.array([place.capture for place in table.places], np.int64)
    for number, capture in enumerate(captures):
        rows = np.arange(len(table)) if len(captures) == 1 else np.flatnonzero(of_place[table.place] == number)
        steps = np.diff(table.time_ns[rows])
        back = np.flatnonzero(steps < -_SET_BACK_NS)
        if len(back):
            at = rows[back + 1]
            values = {"path": capture.path, "frame": int(table.frame[at[0]]), "back_ns": -int(steps[back[0]])}
            lines.append(Line("story.set-back", values, table.evidence(at[:_MOST_CITED]), 1, None, "note"))
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
