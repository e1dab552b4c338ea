"""Who cut a connection off, and after what."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.over_places.origin import origin_of
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.labels import KEEP_ALIVE
from explain.exchanges.tcp.many import segments_of
from explain.places.near import copies_of
from explain.record import NamedTuple
from explain.table import FRESH_TTLS, REVERSED, RST, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.exchanges.tcp.moments import TcpMoments
    from explain.table import I8, Bools, PacketTable, Rows

QUIET_NS = 1_000_000_000  # after such a pause the other side may have forgotten the connection
_PROMPT_NS = 500_000_000  # a kernel that knows of no connection answers at once; a program that gives up does not
_LIVES_ON_NS = 100_000_000  # who sends a RST has nothing left to go on with; recordings mix up less than this
_GOES_ON, _MIXED_NS = 3, 1_000_000  # segments that follow a RST, and that no recording holds back so long all the same
_NOTHING_ELSE = 256  # above every difference between TTLs
_TTL_OF_OTHERS = 2  # the way may change by a hop; a device on it sends with a TTL of its own
_BY_PROGRAMS = (1, 255)  # for neighbours only, as of BGP (RFC 5082); the RST of the kernel has its own

_CLOSES = ("tcp-application-closes", "possible", (
    "tcp-half-open", "idle-timeout-in-middlebox", "rst-by-middlebox", "filter-on-router-forward",
    "filter-on-target-input", "tcp-application-hangs",
))  # fmt: skip
_FORGOTTEN = ("tcp-half-open", "possible", (
    "idle-timeout-in-middlebox", "tcp-application-closes", "rst-by-middlebox", "stateful-filter-asymmetric-path",
))  # fmt: skip
_FORGETS = ("tcp-half-open", "idle-timeout-in-middlebox")  # not of a connection in which its sender has just spoken
_AT_THE_SERVER = ("filter-on-target-input",)  # what refuses there refuses the client
_BY_OTHERS = ("rst-by-middlebox", "filter-on-router-forward", "idle-timeout-in-middlebox")
"""What cuts off a connection on its way, and not where the RST was seen to leave its sender."""
_FORGED = (
    "rst-by-middlebox",
    "likely",
    ("filter-on-router-forward", "filter-on-target-input", "tcp-application-closes"),
)


class Reset(NamedTuple):
    """What a reset looks like: the cause, how sure, the rivals, the rows that show it, and the case of the cause.

    Attributes:
        values: of the sentences of the case.
    """

    cause: str
    certainty: str
    rivals: tuple[str, ...]
    rows: tuple[int, ...]
    is_from_client: bool
    case: str
    values: Mapping[str, str] = MappingProxyType({})


class _Facts(NamedTuple):
    """What stands around the first RST of a connection.

    Attributes:
        reset: its row.
        answered: row of the last segment of the other side before it; -1 if there is none.
        later: row of a segment with which its sender went on; -1 if there is none.
        is_forged: it came with another TTL than everything else of its sender.
        is_forgotten: it answers at once what came after a silence.
        has_spoken: its sender had sent something just before.
    """

    reset: int
    answered: int
    later: int
    is_forged: bool
    is_forgotten: bool
    has_spoken: bool
    is_from_client: bool


def judge(moments: TcpMoments, indices: Sequence[int]) -> Iterator[Reset]:
    """The first RST of each of some connections, and the segment that it answers."""
    for facts in _facts(moments, np.asarray(indices, np.int64)) if len(indices) else ():
        shown = (facts.reset,) if facts.answered < 0 else (facts.answered, facts.reset)
        if facts.later >= 0:
            yield Reset(*_FORGED[:2], _FORGED[2][:-1], (*shown, facts.later), facts.is_from_client, "survived")
            continue
        cause, certainty, rivals = _FORGED if facts.is_forged else _FORGOTTEN if facts.is_forgotten else _CLOSES
        is_awake = facts.has_spoken and cause == _CLOSES[0]
        not_it = (*(_FORGETS if is_awake else ()), *(_AT_THE_SERVER if facts.is_from_client else ()))
        why = tuple(one for one in rivals if one not in not_it)
        if facts.is_forged and facts.is_forgotten:
            why = (_FORGOTTEN[2][0], *why)
        yield Reset(cause, certainty, why, shown, facts.is_from_client, "")


def _facts(moments: TcpMoments, indices: I8) -> Iterator[_Facts]:
    table, streams = moments.table, moments.streams
    at, of = segments_of(streams, indices)
    rows, position = streams.rows[at], np.arange(len(at))
    starts = np.searchsorted(of, np.arange(len(indices)))
    is_reset = streams.flags[at] & RST != 0
    first = np.minimum.reduceat(np.where(is_reset, position, len(at)), starts)
    resets = moments.course.resets.min(axis=0)[indices]  # none that refused a SYN before the accepted one
    first = np.where(resets == NEVER, first, starts + resets - streams.bounds[indices])
    time_ns, way = table.time_ns[rows], table.layers[rows] & REVERSED
    is_own, is_before = way == way[first[of]], position < first[of]
    last, own = (
        np.maximum.reduceat(np.where(is_before & is_side, position, -1), starts) for is_side in (~is_own, is_own)
    )
    lives_on = is_own & ~is_reset & (time_ns - time_ns[first[of]] >= _LIVES_ON_NS)
    lives_on |= _are_several(
        is_own & ~is_reset & (time_ns - time_ns[first[of]] >= _MIXED_NS) & (position > first[of]), of
    )
    after = np.minimum.reduceat(np.where(lives_on, position, len(at)), starts)
    since = np.maximum(last - 1, starts)  # the silence before what the reset answers
    is_late = (last > starts) & (time_ns[last] - time_ns[since] >= QUIET_NS)
    is_late &= time_ns[first] - time_ns[last] < _PROMPT_NS
    asks = (streams.length[rows[last]] > 0) | (moments.segments.labels[at[last]] & KEEP_ALIVE != 0)
    facts = (
        rows[first],
        np.where(last < 0, -1, rows[last]),
        np.append(rows, -1)[after],
        _are_forged(table, rows, is_before & is_own, (first, of, starts)),
        is_late & asks,
        (own >= 0) & (time_ns[first] - time_ns[own] < QUIET_NS),
        (way[first] != 0) == (moments.course.client[indices] == 1),
    )
    yield from map(_Facts, *(column.tolist() for column in facts))


def _are_several(is_one: Bools, of: Rows) -> Bools:
    """Which of these are at least the third of their connection."""
    found, some = np.zeros(len(is_one), np.bool_), np.flatnonzero(is_one)
    third = some[_GOES_ON - 1 :]
    found[third[of[third] == of[some[: len(third)]]]] = True
    return found


def _are_forged(table: PacketTable, rows: Rows, is_own: Bools, blocks: tuple[Rows, Rows, Rows]) -> Bools:
    """Whether each RST came with another TTL than everything else of its sender."""
    first, of, starts = blocks
    ttl = table.ttl[rows].astype(np.int64)
    distance = np.minimum.reduceat(np.where(is_own, np.abs(ttl - ttl[first[of]]), _NOTHING_ELSE), starts)
    highest = np.maximum.reduceat(np.where(is_own, ttl, 0), starts)
    is_fresh = among(ttl[first], FRESH_TTLS)
    is_forged = (distance >= _TTL_OF_OTHERS) & ~(is_fresh & among(highest, _BY_PROGRAMS))
    found: Bools = (is_forged | (is_fresh & (highest > 1) & (highest < ttl[first]))) & (distance < _NOTHING_ELSE)
    return found


def placed(table: PacketTable, rows: Rows, found: Reset) -> Reset:
    """The same, with where the RST came into being, as far as several places show it; ``rows`` of the connection."""
    reset = next((row for row in found.rows if table.flags[row] & RST), None)
    if reset is None or table.whole is table or found.case:
        return found
    is_same_way = (table.layers[rows] & REVERSED) == (table.layers[reset] & REVERSED)
    own = rows[is_same_way & (table.layers[rows] & TCP != 0) & (table.flags[rows] & RST == 0)]
    origin = origin_of(table, reset, own)
    if origin is None or (origin.last is not None and not origin.is_sure and found.cause != _FORGED[0]):
        return found
    if origin.last is None:
        rivals = tuple(one for one in found.rivals if one not in _BY_OTHERS)
        return found if found.cause == _FORGED[0] else found._replace(rivals=rivals)
    places = table.whole.places
    values = {
        "last": places[origin.last].label, "next": places[origin.next].label,
        "sender": table.addresses.text(table.ends(reset)[0]),
    }  # fmt: skip
    is_shown = found.cause == _FORGED[0] or _is_absent(table, found.rows[0], origin.last)
    certainty = "proved" if origin.is_sure and is_shown else "likely"
    rivals = tuple(one for one in _BY_OTHERS[1:] if one in found.rivals)
    return found._replace(cause=_FORGED[0], certainty=certainty, rivals=rivals, case="between", values=values)


def _is_absent(table: PacketTable, row: int, place: int) -> bool:
    """Whether a segment did not come by a place: who never got it did not answer it."""
    whole = table.whole
    return not bool((whole.place[copies_of(table, np.array([row]))] == place).any())
