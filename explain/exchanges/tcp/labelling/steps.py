"""The labels of one connection's segments, segment after segment.

The whole rule book, with all that is rare: sequence numbers that jump, acknowledgements of
what was not captured, windows that close.  ``blocks`` gives the same labels to many
ordinary connections at once, and leaves the others to this.

Source: Wireshark User's Guide, 7.5 "TCP Analysis"; the precedence is that of version 4.0.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from explain.exchanges.tcp.labels import (
    ACKED_UNSEEN,
    DUPLICATE_ACK,
    FAST_RETRANSMISSION,
    GAP,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    OUT_OF_ORDER,
    PORTS_REUSED,
    RETRANSMISSION,
    SPURIOUS_RETRANSMISSION,
    WINDOW_FULL,
    WINDOW_UPDATE,
    ZERO_WINDOW,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
)
from explain.record import NamedTuple, dataclass
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CONTROL = FIN | SYN | RST
_WRAP = 0xFFFFFFFF
_HALF = 0x80000000
_NO_WINDOW = -1
_MANY = _WRAP
_UNKNOWN, _UNSCALED = -1, -2
FAST_NS = 20_000_000
"""A fast retransmission comes at most so long after the last duplicate acknowledgement."""
REORDERED_NS = 3_000_000
"""What comes later than this is not reordered, where the handshake did not show the round-trip time."""


class Segment(NamedTuple):
    """What of a segment its label depends on; ``length`` in octets, ``window`` not scaled yet, ``way`` 0 or 1."""

    time_ns: int
    seq: int
    ack: int
    length: int
    flags: int
    window: int
    way: int


@dataclass(slots=True)
class _Side:
    """What one side has sent so far; 0 stands for a number that is not known, as in Wireshark."""

    initial: int | None = None
    following: int = 0  # the number after the highest octet seen
    following_ns: int = 0
    unbroken: int = 0  # the number after the last octet before the first hole
    acked: int = 0
    acked_ns: int = 0
    repeats: int = 0  # duplicate acknowledgements in a row
    window: int = _NO_WINDOW
    shift: int = _UNKNOWN
    is_window_unscaled: bool = False
    last: int = 0  # labels of its last segment


@dataclass(slots=True)
class _Connection:
    sides: tuple[_Side, _Side] = field(default_factory=lambda: (_Side(), _Side()))
    syn_ns: int | None = None
    round_trip_ns: int = 0


def _is_after(one: int, other: int) -> bool:
    """Whether a sequence number comes after another (RFC 9293, 3.4)."""
    return 0 < (one - other) & _WRAP < _HALF


def label_steps(
    segments: Iterable[Segment], shifts: Mapping[int, int], is_reuse: bool
) -> tuple[list[int], dict[int, int]]:
    """The labels of one connection.

    Args:
        segments: all of them, in the order of the capture.
        shifts: by the position of a SYN, the window scale that it offers; 255 for none.
        is_reuse: an earlier connection had the same ports.

    Returns:
        The mask of each segment, and by position the number of each duplicate acknowledgement.
    """
    connection = _Connection()
    masks: list[int] = []
    numbers: dict[int, int] = {}
    for position, segment in enumerate(segments):
        near, far = connection.sides[segment.way], connection.sides[1 - segment.way]
        mask = PORTS_REUSED if is_reuse and position == 0 else 0
        if segment.flags & SYN:
            mask |= _syn_again(segment, near)
        _number_initially(segment, near, far)
        mask = _label(segment, near, far, mask)
        if mask & DUPLICATE_ACK:
            numbers[position] = near.repeats
        mask = _acknowledge(segment, far, mask)
        if segment.length or segment.flags & (SYN | FIN):
            mask |= _resent(segment, near, far, mask, connection.round_trip_ns)
        _advance(segment, near, mask)
        _remember(segment, connection, near, mask)
        if segment.flags & SYN:
            _scale(near, far, shifts.get(position, 255), bool(segment.flags & ACK))
        masks.append(mask)
    return masks, numbers


def _syn_again(segment: Segment, near: _Side) -> int:
    """A SYN from a side that is known: the first one again, or one that does not fit."""
    if near.initial is None:
        return 0
    if segment.flags & ACK:
        if segment.seq == near.initial:
            return 0
        near.initial = segment.seq
        return PORTS_REUSED
    near.following = near.unbroken
    return 0


def _number_initially(segment: Segment, near: _Side, far: _Side) -> None:
    if near.initial is None:
        near.initial = segment.seq if segment.flags & SYN else (segment.seq - 1) & _WRAP
    if far.initial is None and segment.flags & ACK:
        far.initial = (segment.ack - 1) & _WRAP


def _label(segment: Segment, near: _Side, far: _Side, mask: int) -> int:
    """All labels but those of repeated octets."""
    _, seq, ack, length, flags, window, _ = segment
    is_next = seq == near.following
    if length == 1 and is_next and far.window == 0:
        return _forget_repeats(segment, near, mask | ZERO_WINDOW_PROBE)
    is_plain = not flags & _CONTROL
    if window == 0 and is_plain:
        mask |= ZERO_WINDOW
    if near.following and _is_after(seq, near.following) and not flags & RST:
        mask |= GAP
    if length <= 1 and seq == (near.following - 1) & _WRAP and is_plain:
        mask |= KEEP_ALIVE
    if length and is_plain and far.shift != _UNKNOWN and _fills_window(segment, far):
        mask |= WINDOW_FULL
    if length == 0 and is_next and ack == near.acked and is_plain:
        mask |= _unchanged(window, near, far)
    return _forget_repeats(segment, near, mask)


def _unchanged(window: int, near: _Side, far: _Side) -> int:
    """An empty segment whose numbers are those of the one before."""
    if window != near.window:
        return WINDOW_UPDATE if window else 0
    if not window:
        return ZERO_WINDOW_PROBE_ACK if far.last & ZERO_WINDOW_PROBE else 0
    if far.last & KEEP_ALIVE:
        return KEEP_ALIVE_ACK
    near.repeats = 1 if near.repeats == _MANY else near.repeats + 1
    return DUPLICATE_ACK


def _forget_repeats(segment: Segment, near: _Side, mask: int) -> int:
    if segment.ack != near.acked:
        near.repeats = 0
    return mask


def _fills_window(segment: Segment, far: _Side) -> bool:
    if far.window == _NO_WINDOW:
        return False
    shift = 0 if far.is_window_unscaled or far.shift == _UNSCALED else far.shift
    return (segment.seq + segment.length) & _WRAP == (far.acked + (far.window << shift)) & _WRAP


def _acknowledge(segment: Segment, far: _Side, mask: int) -> int:
    """Whether the segment acknowledges octets that were not captured."""
    if not (far.unbroken and segment.flags & ACK and _is_after(segment.ack, far.unbroken)):
        return mask
    if far.unbroken != far.following:
        far.unbroken = far.following  # so that one loss is told once
        return mask | ACKED_UNSEEN
    is_told = far.repeats != 0
    far.repeats = _MANY
    return mask if is_told else mask | ACKED_UNSEEN


def _resent(segment: Segment, near: _Side, far: _Side, mask: int, round_trip_ns: int) -> int:
    """Which kind of repetition a segment is that takes up sequence numbers, if it is one."""
    time_ns, seq, _, length, flags, _, _ = segment
    if mask & KEEP_ALIVE:
        return 0
    is_back = bool(near.following) and _is_after(near.following, seq)
    if length > 1 and seq == (near.following - 1) & _WRAP:
        is_back = False  # new octets after a probe
    if length and far.acked and not _is_after(seq + length, far.acked):
        return SPURIOUS_RETRANSMISSION
    if not is_back:
        return 0
    if far.repeats >= 2 and far.acked == seq and 0 <= time_ns - far.acked_ns < FAST_NS:
        return FAST_RETRANSMISSION
    end = seq + length + (1 if flags & (SYN | FIN) else 0)
    since = time_ns - near.following_ns
    limit = round_trip_ns or REORDERED_NS
    if since >= 0 and (since < limit or limit < 0) and near.following != end & _WRAP:
        return OUT_OF_ORDER
    return RETRANSMISSION


def _advance(segment: Segment, near: _Side, mask: int) -> None:
    """Moves what is expected next."""
    end = (segment.seq + segment.length + (1 if segment.flags & (SYN | FIN) else 0)) & _WRAP
    if mask & ZERO_WINDOW_PROBE:
        return
    if not near.following or _is_after(end, near.following):
        near.following, near.following_ns = end, segment.time_ns
    if not near.unbroken or segment.seq == near.unbroken:
        near.unbroken = near.following


def _remember(segment: Segment, connection: _Connection, near: _Side, mask: int) -> None:
    near.window = segment.window
    near.acked, near.acked_ns = segment.ack, segment.time_ns
    near.last = mask
    kind = segment.flags & (SYN | ACK)
    if kind & SYN:
        near.is_window_unscaled = True
        if kind == SYN:
            connection.syn_ns = segment.time_ns
    elif kind == ACK:
        near.is_window_unscaled = False
        if connection.syn_ns is not None and connection.round_trip_ns == 0:
            connection.round_trip_ns = segment.time_ns - connection.syn_ns


def _scale(near: _Side, far: _Side, shift: int, is_answer: bool) -> None:
    """Windows are scaled only if both sides offered it (RFC 7323, 2.2)."""
    if shift != 255:
        near.shift = shift
    if near.shift == _UNKNOWN:
        near.shift = far.shift = _UNSCALED
    elif is_answer and far.shift == _UNSCALED:
        near.shift = _UNSCALED
