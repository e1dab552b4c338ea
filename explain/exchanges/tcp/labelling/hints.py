"""What the labels of a connection's later segments need to know of its handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.offers import offered_shifts
from explain.record import dataclass
from explain.side_tables import NO_SCALE
from explain.table import ACK, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.course import Control
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, U1, Bools, PacketTable

_PATIENCE = 16  # segments in which the handshake of an ordinary connection is over


@dataclass(frozen=True, slots=True, eq=False)
class Hints:
    """For n connections; a *piece* is a direction, 2 * connection + way.

    Attributes:
        shifts: uint8[2 n], by piece: the shift count of the windows that it announces, 255 if not known.
        round_trip_at: int64[n], position of the acknowledgement that showed the round-trip time, or NEVER.
        round_trip_ns: int64[n], from the last SYN to it.
        is_odd: bool[n], a handshake that has to be gone through step by step.
    """

    shifts: U1
    round_trip_at: I8
    round_trip_ns: I8
    is_odd: Bools


def find_hints(table: PacketTable, streams: Streams, marks: Control) -> Hints:
    """The hints for all connections."""
    is_odd = np.zeros(len(streams.flow), np.bool_)
    shifts = _shifts(table, streams, marks, is_odd)
    return Hints(shifts, *_round_trips(table, streams, marks, is_odd), is_odd)


def _shifts(table: PacketTable, streams: Streams, marks: Control, is_odd: Bools) -> U1:
    """Windows are scaled only if both sides offer it (RFC 7323, 2.2)."""
    count = len(streams.flow)
    some = np.flatnonzero(marks.flags & SYN)
    of, way = marks.connection[some], marks.way[some]
    offered = offered_shifts(table, streams.rows[marks.at[some]])
    result = np.full(2 * count, NO_SCALE, np.uint8)
    has = offered != NO_SCALE
    result[(2 * of + way)[has]] = offered[has]
    declined = of[~has]
    is_odd[declined[result[(2 * of + way)[~has]] != NO_SCALE]] = True  # once with the option, once without
    result[2 * declined] = 0
    result[2 * declined + 1] = 0
    return result


def _round_trips(table: PacketTable, streams: Streams, marks: Control, is_odd: Bools) -> tuple[I8, I8]:
    """The first acknowledgement after a SYN that came later than it."""
    count = len(streams.flow)
    at = np.full(count, NEVER)
    ns = np.zeros(count, np.int64)
    opened = np.minimum(*(marks.first(SYN | ACK, SYN, way, count) for way in (0, 1)))
    todo = np.flatnonzero(opened != NEVER)
    here = opened[todo]
    syn_ns = table.time_ns[streams.rows[here]]
    for _ in range(_PATIENCE):
        here = here + 1
        inside = here < streams.bounds[todo + 1]
        todo, here, syn_ns = todo[inside], here[inside], syn_ns[inside]
        rows = streams.rows[here]
        kind, time = table.flags[rows] & (SYN | ACK), table.time_ns[rows]
        syn_ns = np.where(kind == SYN, time, syn_ns)
        is_it = (kind == ACK) & (time != syn_ns)
        at[todo[is_it]], ns[todo[is_it]] = here[is_it], (time - syn_ns)[is_it]
        todo, here, syn_ns = todo[~is_it], here[~is_it], syn_ns[~is_it]
    is_odd[todo] = True
    return at, ns
