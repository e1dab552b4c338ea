"""Who cut a connection off, and after what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explain.exchanges.tcp_course import RST
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.exchanges.tcp_moments import TcpMoments
    from explain.table import PacketTable, Rows

_QUIET_NS = 1_000_000_000  # after such a pause the other side may have forgotten the connection
_TTL_OF_OTHERS = 2  # the way may change by a hop; a device on it sends with a TTL of its own

_CLOSES = ("tcp-application-closes", "possible", (
    "tcp-half-open", "idle-timeout-in-middlebox", "rst-by-middlebox", "filter-on-router-forward",
    "filter-on-target-input", "tcp-application-hangs",
))  # fmt: skip
_FORGOTTEN = ("tcp-half-open", "possible", (
    "idle-timeout-in-middlebox", "tcp-application-closes", "rst-by-middlebox", "stateful-filter-asymmetric-path",
))  # fmt: skip
_FORGED = (
    "rst-by-middlebox",
    "likely",
    ("filter-on-router-forward", "filter-on-target-input", "tcp-application-closes"),
)


class Reset(NamedTuple):
    """What a reset looks like: the cause, how sure, the rivals, and the rows that show it."""

    cause: str
    certainty: str
    rivals: tuple[str, ...]
    rows: tuple[int, ...]


def judge(moments: TcpMoments, index: int) -> Reset:
    """The first RST of a connection, and the segment that it answers."""
    table, streams = moments.table, moments.streams
    start, end = int(streams.bounds[index]), int(streams.bounds[index + 1])
    at = int((streams.flags[start:end] & RST != 0).argmax())
    rows = streams.rows[start : start + at + 1]
    way = table.layers[rows] & REVERSED
    is_own = way == way[at]
    others = np.flatnonzero(~is_own)
    shown = (*rows[others[-1:]].tolist(), int(rows[at]))
    if _is_forged(table, rows[:-1][is_own[:-1]], shown[-1]):
        return Reset(*_FORGED, shown)
    if len(others) and streams.length[shown[0]] and _pause(table, rows, int(others[-1])) >= _QUIET_NS:
        return Reset(*_FORGOTTEN, shown)
    return Reset(*_CLOSES, shown)


def _is_forged(table: PacketTable, own: Rows, row: int) -> bool:
    """Whether the RST came with another TTL than everything else of its sender."""
    if not len(own):
        return False
    return int(np.abs(table.ttl[own].astype(np.int64) - int(table.ttl[row])).min()) >= _TTL_OF_OTHERS


def _pause(table: PacketTable, rows: Rows, at: int) -> int:
    """Nanoseconds of silence before a segment."""
    return int(table.time_ns[rows[at]] - table.time_ns[rows[at - 1]]) if at else 0
