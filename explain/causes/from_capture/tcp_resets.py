"""Who cut a connection off, and after what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explain.exchanges.tcp_course import RST

if TYPE_CHECKING:
    from explain.exchanges.tcp_moments import Talk, TcpMoments

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
    talk = moments.talk(index)
    at = int(talk.where(RST)[0])
    before = np.flatnonzero((talk.role != talk.role[at]) & (np.arange(len(talk.role)) < at))
    trigger = [int(before[-1])] if len(before) else []
    rows = tuple(int(talk.rows[position]) for position in (*trigger, at))
    if _is_forged(moments, talk, at):
        return Reset(*_FORGED, rows)
    if trigger and talk.length[trigger[0]] and _pause(talk, trigger[0]) >= _QUIET_NS:
        return Reset(*_FORGOTTEN, rows)
    return Reset(*_CLOSES, rows)


def _is_forged(moments: TcpMoments, talk: Talk, at: int) -> bool:
    """Whether the RST came with another TTL than everything else of its sender."""
    table = moments.table
    own = np.flatnonzero((talk.role == talk.role[at]) & (np.arange(len(talk.role)) < at))
    if not len(own):
        return False
    ttl, others = int(table.ttl[talk.rows[at]]), table.ttl[talk.rows[own]].astype(np.int64)
    return int(np.abs(others - ttl).min()) >= _TTL_OF_OTHERS


def _pause(talk: Talk, at: int) -> int:
    """Nanoseconds of silence before a segment."""
    return int(talk.time_ns[at] - talk.time_ns[at - 1]) if at else 0
