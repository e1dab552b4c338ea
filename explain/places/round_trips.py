"""What one place adds to a round trip that another place sees, whatever both clocks say, and though they drift.

A clock that is off by a constant shifts both directions alike; one that drifts shifts what was seen close
together nearly alike.  So a packet there is held against the packet back that was seen next to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from explain.table import I8, Bools

F8 = npt.NDArray[np.float64]


def round_trips(group: I8, count: int, time_ns: I8, lag_ns: F8, is_back: Bools) -> F8:
    """By group, by how much longer the first place waits between a packet there and one back; nanoseconds.

    Args:
        group: int64[n], from 0, of packets that were seen at the same two places.
        count: how many groups there are.
        time_ns: int64[n], when the first place saw the packet.
        lag_ns: float64[n], how much later the second place saw it.
        is_back: bool[n], whether it went back.

    Returns:
        float64[count]; NaN where only one direction was seen.
    """
    found = np.full(count, np.nan)
    order = np.lexsort((time_ns, group))
    at = np.flatnonzero((group[order][1:] == group[order][:-1]) & (is_back[order][1:] != is_back[order][:-1]))
    if not len(at):
        return found
    one, other = order[at], order[at + 1]
    owner, apart = group[one], time_ns[other] - time_ns[one]
    trip = np.where(is_back[one], lag_ns[other] - lag_ns[one], lag_ns[one] - lag_ns[other])
    is_close = apart <= medians(owner, count, apart.astype(np.float64))[owner]
    return medians(owner[is_close], count, trip[is_close])


def medians(group: I8, count: int, values: F8) -> F8:
    """By group, the middle value; of an even number the later one of both."""
    found = np.full(count, np.nan)
    if not len(group):
        return found
    order = np.lexsort((values, group))
    first = np.flatnonzero(np.append(True, np.diff(group[order]) != 0))
    size = np.diff(np.append(first, len(order)))
    found[group[order[first]]] = values[order[first + size // 2]]
    return found
