"""What client and server offered in their SYNs, and so agreed on (RFC 9293, 3.2; 7323; 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from explain.record import NamedTuple
from explain.side_tables import NO_SCALE
from explain.table import SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.connection import TcpConnection
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import U1, PacketTable, Rows

T = TypeVar("T")
Pair = tuple[T | None, T | None]
_CAPABLE, _JOINS, _MOST_KEYS = 1, 2, 1000
_FAR_NS, _MUCH, _FULL, _NEARLY, _AT_MOST = 20_000_000, 500_000, 32_768, 0.6, 1.3
_TURNS = 20  # windows: so many one after another are much, however small they are
_LITERAL, _SMALL, _SMALLEST_WHOLE = 10, 16, 536  # segments; octets: of a window, and of a segment (RFC 9293, 3.7.1)


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
    if NO_SCALE in shifts:
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


def offered_shifts(table: PacketTable, syns: Rows) -> U1:
    """The window scale that each of these SYNs offers; ``NO_SCALE`` for none."""
    return table.syn.window_scale[np.searchsorted(table.syn.row, syns)]


def window_limit(fields: TcpConnection, moments: TcpMoments, index: int) -> dict[str, Any] | None:
    """The window and what it lets through, where that sets the pace, and whether it is as large as the SYNs allow.

    Without a scale no more than 65,535 octets are under way at a time (RFC 7323, 1.1).  What is faster than the
    window allows was not bound by it: something behind this place had changed the SYNs.
    """
    rtt_ns, sent = fields.handshake_rtt_ns, max(fields.bytes_to_client, fields.bytes_to_server)
    role = int(fields.bytes_to_client > fields.bytes_to_server)
    shift = fields.window_scale[1 - role]
    if shift is None or not rtt_ns or rtt_ns < _FAR_NS or not sent:
        return None
    talk = moments.talk(index)
    at = talk.time_ns[(talk.role == role) & (talk.length > 0)]
    window = int(talk.window[(talk.role != role) & (talk.flags & SYN == 0)].max(initial=0)) << shift
    rate, took_ns = window * 1_000_000_000 // rtt_ns, int(at[-1] - at[0])
    if took_ns <= 0 or sent < min(_MUCH, _TURNS * window):
        return None
    if not rate * _NEARLY <= sent * 1_000_000_000 // took_ns <= rate * _AT_MOST:
        return None
    is_largest = fields.window_scale == (0, 0) and window >= _FULL
    return {"window": window, "rtt_ns": rtt_ns, "rate": rate, "is_largest": is_largest}


def literal_windows(fields: TcpConnection, talk: Talk) -> tuple[Rows, int]:
    """Segments as long as the bare number in the window field, though a whole one were longer, and that number.

    Nobody offers so little: the other side means it with a scale of which the sender does not know.
    """
    sent, none = max(fields.bytes_to_client, fields.bytes_to_server), talk.rows[:0]
    role = int(fields.bytes_to_client > fields.bytes_to_server)
    segments = (fields.segments_to_server, fields.segments_to_client)[role]
    if sent < _LITERAL * _SMALL or sent > segments * _SMALLEST_WHOLE or not fields.mss[1 - role]:
        return none, 0
    own = np.flatnonzero((talk.role == role) & (talk.length > 0))
    told = np.flatnonzero((talk.role != role) & (talk.flags & SYN == 0))
    own = own[own > told[0]] if len(told) else own[:0]
    window = talk.window[told[np.searchsorted(told, own) - 1]]
    is_it = (talk.length[own] == window) & (window < min(fields.mss[1 - role] or 0, _SMALLEST_WHOLE))
    if np.count_nonzero(is_it) < _LITERAL or 2 * np.count_nonzero(is_it) < len(own):
        return none, 0
    found: Rows = talk.rows[own[is_it]]
    return found, int(np.median(window[is_it]))


def joined(table: PacketTable, talk: Talk) -> int | None:
    """The SYN-ACK of the connection that this one joins as a further way of MPTCP, if it was recorded.

    The token is the beginning of the hash of the key that the server gave there (RFC 8684, 3.2).
    """
    syn = table.syn
    at = int(np.searchsorted(syn.row, talk.rows[0]))
    if at >= len(syn.row) or syn.row[at] != talk.rows[0] or syn.multipath[at] != _JOINS or not syn.key[at]:
        return None
    from hashlib import sha256

    for one in np.flatnonzero((syn.multipath == _CAPABLE) & (syn.key > 0))[:_MOST_KEYS].tolist():
        token = sha256(int(syn.key[one]).to_bytes(8, "big")).digest()[:4]
        if int.from_bytes(token, "big") == int(syn.key[at]):
            return int(syn.row[one])
    return None


def _at(column: np.ndarray[tuple[int], np.dtype[np.unsignedinteger]], spot: int | None) -> int | None:
    return None if spot is None else int(column[spot])
