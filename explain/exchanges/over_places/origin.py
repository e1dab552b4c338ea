"""Packets in somebody's name that a place nearer to him did not see, although it saw his others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.places.near import NearTable, copies_of, whole_times_of
from explain.record import NamedTuple

if TYPE_CHECKING:
    from explain.table import PacketTable, Rows

_MOST_LOOKED_AT = 20
_FIRST_TTLS = (32, 64, 128, 255)


class Origin(NamedTuple):
    """Where a packet came into being.

    Attributes:
        last: the place nearest to it that lacks it, on the side of the alleged sender; None where he sent it himself.
        next: the first place that has it.
        is_sure: whether ``last`` was listened to before and after.
    """

    last: int | None
    next: int
    is_sure: bool


def origin_of(table: PacketTable, row: int, others: Rows) -> Origin | None:
    """Who sent a packet; None where it is not known, or where there is but one place.

    Args:
        table: the rows nearest to the askers.
        row: the packet there.
        others: what the same sender sent in the same conversation.
    """
    if not isinstance(table, NearTable) or not len(others):
        return None
    whole, times = table.whole, whole_times_of(table)
    seen = [copies_of(table, np.array([one])) for one in others[-_MOST_LOOKED_AT:].tolist()]
    widest = max(seen, key=lambda rows: len(np.unique(whole.place[rows])))
    widest = widest[np.lexsort((times[widest], -whole.ttl[widest].astype(np.int64)))]
    way = list(dict.fromkeys(whole.place[widest].tolist()))
    own = copies_of(table, np.array([row]))
    has_it = [place in whole.place[own].tolist() for place in way]
    if not any(has_it):
        return None
    first = has_it.index(True)
    ttl = int(whole.ttl[own].max())
    if not first:
        is_own = ttl in _FIRST_TTLS and ttl == int(whole.ttl[widest].max())
        return Origin(None, way[0], is_own) if is_own else None
    began, ended = whole.spans(times)
    when, last = int(times[own].min()), way[first - 1]
    if not all(np.isin(last, whole.place[rows]) for rows in seen):
        return None  # that recording has gaps
    return Origin(last, way[first], bool(began[last] <= when <= ended[last]))
