"""Who cut a connection off, and after what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.labels import KEEP_ALIVE
from explain.exchanges.tcp.many import segments_of
from explain.record import NamedTuple
from explain.table import REVERSED, RST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.tcp.moments import TcpMoments
    from explain.table import Bools, PacketTable, Rows

_QUIET_NS = 1_000_000_000  # after such a pause the other side may have forgotten the connection
_PROMPT_NS = 500_000_000  # a kernel that knows of no connection answers at once; a program that gives up does not
_LIVES_ON_NS = 100_000_000  # who sends a RST has nothing left to go on with; recordings mix up less than this
_NOTHING_ELSE = 256  # above every difference between TTLs
_TTL_OF_OTHERS = 2  # the way may change by a hop; a device on it sends with a TTL of its own

_CLOSES = ("tcp-application-closes", "possible", (
    "tcp-half-open", "idle-timeout-in-middlebox", "rst-by-middlebox", "filter-on-router-forward",
    "filter-on-target-input", "tcp-application-hangs",
))  # fmt: skip
_FORGOTTEN = ("tcp-half-open", "possible", (
    "idle-timeout-in-middlebox", "tcp-application-closes", "rst-by-middlebox", "stateful-filter-asymmetric-path",
))  # fmt: skip
_FORGETS = ("tcp-half-open", "idle-timeout-in-middlebox")  # not of a connection in which its sender has just spoken
_AT_THE_SERVER = ("filter-on-target-input",)  # what refuses there refuses the client
_FORGED = (
    "rst-by-middlebox",
    "likely",
    ("filter-on-router-forward", "filter-on-target-input", "tcp-application-closes"),
)


class Reset(NamedTuple):
    """What a reset looks like: the cause, how sure, the rivals, the rows that show it, and the case of the cause."""

    cause: str
    certainty: str
    rivals: tuple[str, ...]
    rows: tuple[int, ...]
    is_from_client: bool
    case: str


def judge(moments: TcpMoments, indices: Sequence[int]) -> Iterator[Reset]:
    """The first RST of each of some connections, and the segment that it answers."""
    table, streams = moments.table, moments.streams
    if not len(indices):
        return
    at, of = segments_of(streams, np.asarray(indices, np.int64))
    rows, position = streams.rows[at], np.arange(len(at))
    starts = np.searchsorted(of, np.arange(len(indices)))
    is_reset = streams.flags[at] & RST != 0
    first = np.minimum.reduceat(np.where(is_reset, position, len(at)), starts)
    resets = moments.course.resets.min(axis=0)[np.asarray(indices)]  # none that refused a SYN before the accepted one
    first = np.where(resets == NEVER, first, starts + resets - streams.bounds[np.asarray(indices)])
    way = table.layers[rows] & REVERSED
    is_own, is_before = way == way[first[of]], position < first[of]
    last = np.maximum.reduceat(np.where(is_before & ~is_own, position, -1), starts)
    lives_on = is_own & ~is_reset & (table.time_ns[rows] - table.time_ns[rows[first[of]]] >= _LIVES_ON_NS)
    after = np.minimum.reduceat(np.where(lives_on, position, len(at)), starts)
    is_forged = _are_forged(table, rows, is_before & is_own, (first, of, starts))
    since = np.maximum(last - 1, starts)  # the silence before what the reset answers
    is_late = (last > starts) & (table.time_ns[rows[last]] - table.time_ns[rows[since]] >= _QUIET_NS)
    is_late &= table.time_ns[rows[first]] - table.time_ns[rows[last]] < _PROMPT_NS
    is_forgotten = is_late & ((streams.length[rows[last]] > 0) | (moments.segments.labels[at[last]] & KEEP_ALIVE != 0))
    answered, shown_resets = rows[last].tolist(), rows[first].tolist()
    own = np.maximum.reduceat(np.where(is_before & is_own, position, -1), starts)
    has_spoken = (own >= 0) & (table.time_ns[rows[first]] - table.time_ns[rows[own]] < _QUIET_NS)
    is_from_client = (way[first] != 0) == (moments.course.client[np.asarray(indices)] == 1)
    columns = zip(
        answered, shown_resets, (last >= 0).tolist(), is_forged.tolist(), is_forgotten.tolist(), has_spoken.tolist(),
        is_from_client.tolist(), after.tolist(), strict=True,
    )  # fmt: skip
    for answer, reset, is_answer, forged, forgotten, awake, from_client, later in columns:
        shown = (answer, reset) if is_answer else (reset,)
        if later < len(at):
            yield Reset(*_FORGED[:2], _FORGED[2][:-1], (*shown, int(rows[later])), from_client, "survived")
            continue
        cause, certainty, rivals = _FORGED if forged else _FORGOTTEN if forgotten else _CLOSES
        not_it = (*(_FORGETS if awake and cause == _CLOSES[0] else ()), *(_AT_THE_SERVER if from_client else ()))
        yield Reset(cause, certainty, tuple(one for one in rivals if one not in not_it), shown, from_client, "")


def _are_forged(table: PacketTable, rows: Rows, is_own: Bools, blocks: tuple[Rows, Rows, Rows]) -> Bools:
    """Whether each RST came with another TTL than everything else of its sender."""
    first, of, starts = blocks
    ttl = table.ttl[rows].astype(np.int64)
    distance = np.minimum.reduceat(np.where(is_own, np.abs(ttl - ttl[first[of]]), _NOTHING_ELSE), starts)
    found: Bools = (distance >= _TTL_OF_OTHERS) & (distance < _NOTHING_ELSE)
    return found
