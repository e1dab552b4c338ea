"""Segments that came after later ones: delayed on the way, or sent again?

A sender that counts its packets gives one that it sends again a new number (IP identification); one that was
delayed, or recorded out of its turn, has the number that it should have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labels import OUT_OF_ORDER, REPEATED, SPURIOUS_RETRANSMISSION

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk
    from explain.table import I8, Bools, PacketTable, Rows

_COUNTS, _AT_MOST = 4, 64  # of a side's own packets; whose numbers spread more does not count, or others, too
_UNKNOWN = 2
_FEWEST_MIXED, _SHARE_MIXED = 2, 8  # segments, and one in so many


def late(table: PacketTable, talk: Talk) -> tuple[Rows, Rows]:
    """Segments labelled as repeated that came late: those that were delayed, and those that were sent again at once.

    What was delayed was sent before others that were recorded ahead of it. What was sent again so soon Wireshark
    calls out of order; where a side does not count its packets, it is what has its octets in the capture before.
    """
    turns, is_late = _turns(table, talk), talk.labels & np.uint16(OUT_OF_ORDER) != 0
    is_again, is_unknown = is_late & (turns > 0), is_late & (turns == _UNKNOWN)
    if is_unknown.any():
        is_again &= ~is_unknown | _was_here(talk)
    return talk.rows[turns < 0], talk.rows[is_again]


def mixed(talk: Talk) -> Rows:
    """Segments that first come when they were confirmed already, if so many are that the recording mixed its frames.

    A receiver confirms nothing that was not sent; what a capture missed and what was sent again needlessly is rarer.
    """
    is_early = talk.labels & np.uint16(SPURIOUS_RETRANSMISSION) != 0
    if np.count_nonzero(is_early) < _FEWEST_MIXED:
        return talk.rows[:0]
    is_early &= ~_was_here(talk)
    count = int(np.count_nonzero(is_early))
    is_mixed = count >= _FEWEST_MIXED and count * _SHARE_MIXED >= np.count_nonzero(talk.length > 0)
    found: Rows = talk.rows[is_early if is_mixed else slice(0)]
    return found


def _turns(table: PacketTable, talk: Talk) -> I8:
    """1 what was sent after all that stands before it here of its side, -1 what was not, 0 a copy of the last.

    Only of sides of which some came again or late.
    """
    turns = np.full(len(talk.rows), _UNKNOWN)
    numbers = table.ip_id[talk.rows]
    for side in set(talk.role[talk.labels & np.uint16(REPEATED) != 0].tolist()):
        own = np.flatnonzero((talk.role == side) & (numbers != 0))
        if not len(own):
            continue
        steps = np.diff(numbers[own]).view(np.int16)
        number = np.concatenate(([0], np.cumsum(steps, dtype=np.int64)))
        if number.max() - number.min() <= _COUNTS * len(own) + _AT_MOST:
            highest = np.maximum.accumulate(np.concatenate(([-1], number[:-1])))
            turns[own] = np.sign(number - highest)
    return turns


def _was_here(talk: Talk) -> Bools:
    """Whether a segment with the same octets of the same side stands before each."""
    key = talk.seq.astype(np.uint64) << np.uint64(32) | talk.length.astype(np.uint64) << np.uint64(1)
    _, first, which = np.unique(key | talk.role.astype(np.uint64), return_index=True, return_inverse=True)
    found: Bools = first[which] < np.arange(len(key))
    return found
