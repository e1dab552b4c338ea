"""The frames on which stands what is said of a whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.model import Evidence

if TYPE_CHECKING:
    from explain.model import CaptureInfo
    from explain.table import PacketTable


def frames_of_file(table: PacketTable, number: int, capture: CaptureInfo) -> tuple[Evidence, ...]:
    """All frames of a file of one interface, the first and the last of a file of several.

    Args:
        table: the table of all rows.
        number: which of the captures it is.
        capture: this one.
    """
    if not capture.packets:
        return ()
    if len(capture.interfaces) <= 1:
        return (Evidence(number, 0 if capture.interfaces else None, ((1, capture.packets),)),)
    is_own = np.array([place.capture == number for place in table.places], np.bool_)
    rows = np.flatnonzero(is_own[table.place[: len(table)]])
    return table.evidence(rows[[0, -1]]) if len(rows) else ()
