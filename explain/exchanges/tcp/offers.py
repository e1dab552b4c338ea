"""What client and server offered in their SYNs, and so agreed on (RFC 9293, 3.2; 7323; 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from explain.record import NamedTuple
from explain.table import SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk
    from explain.table import PacketTable

T = TypeVar("T")
Pair = tuple[T | None, T | None]
_NO_SHIFT = 255


class Offers(NamedTuple):
    """Pairs are the client's and the server's; None where the SYN was not seen or lacks the option.

    Attributes:
        initial_seq: sequence numbers of the SYNs.
        initial_window: windows of the SYNs, octets, never scaled.
        mss: maximum segment sizes, octets.
        window_scale: shift counts in use: 0 unless both offered it, None where a SYN was not seen.
        has_sack, has_timestamps: offered by both; None where a SYN was not seen.
    """

    initial_seq: Pair[int]
    initial_window: Pair[int]
    mss: Pair[int]
    window_scale: Pair[int]
    has_sack: bool | None
    has_timestamps: bool | None


def offers(table: PacketTable, talk: Talk) -> Offers:
    """The offers of a connection's SYN and SYN-ACK."""
    spots: list[int | None] = [next(iter(talk.where(SYN, role).tolist()), None) for role in (0, 1)]
    syn = table.syn
    found = [None if spot is None else int(np.searchsorted(syn.row, talk.rows[spot])) for spot in spots]
    mss = [None if at is None else int(syn.mss[at]) or None for at in found]
    shifts = [None if at is None else int(syn.window_scale[at]) for at in found]
    if _NO_SHIFT in shifts:
        shifts = [0, 0]
    known = [at for at in found if at is not None]
    is_whole = len(known) == 2
    return Offers(
        (_at(talk.seq, spots[0]), _at(talk.seq, spots[1])),
        (_at(talk.window, spots[0]), _at(talk.window, spots[1])),
        (mss[0], mss[1]),
        (shifts[0], shifts[1]),
        bool(syn.sack_permitted[known].all()) if is_whole else None,
        bool(syn.has_timestamps[known].all()) if is_whole else None,
    )


def _at(column: np.ndarray[tuple[int], np.dtype[np.unsignedinteger]], spot: int | None) -> int | None:
    return None if spot is None else int(column[spot])
