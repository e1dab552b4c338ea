"""Errors that were on their way to whoever sent the packet that they quote, and did not come there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.icmp.quotes import quoted_row
from explain.places.near import NearTable, copies_of, whole_times_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import PacketTable

_MOST_LOOKED_AT = 20


def unheard(table: PacketTable, rows: Sequence[int]) -> tuple[int, int] | None:
    """Where errors were seen last, and where their quoted packets had come by first and none of the errors did.

    Args:
        table: the rows nearest to the askers.
        rows: the errors there.

    Returns:
        Two places; None where an error was heard, where it is not known, or where there is but one place.
    """
    if not isinstance(table, NearTable):
        return None
    whole, times, found = table.whole, whole_times_of(table), set[tuple[int, int]]()
    began, ended = whole.spans(times)
    for row in rows[:_MOST_LOOKED_AT]:
        quoted = quoted_row(table, row)
        if quoted is None:
            return None
        asked, errors = (copies_of(table, np.array([one])) for one in (quoted, row))
        first = np.unique(whole.place[asked[whole.ttl[asked] == whole.ttl[asked].max()]])
        when = times[errors].max()
        if np.isin(whole.place[errors], first).any():
            return None
        first = first[(began[first] <= when) & (when <= ended[first])]
        if not len(first):
            continue
        last = int(whole.place[errors[np.argmin(whole.ttl[errors])]])
        if whole.places[last].capture == whole.places[first[-1]].capture and whole.places[last].part:
            return None  # one recording, told apart by what passes
        found.add((last, int(first[-1])))
    return found.pop() if len(found) == 1 else None
