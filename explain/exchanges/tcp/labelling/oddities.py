"""Connections of a block that only ``steps`` can judge: impossible steps, octets never seen, odd SYNs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.labelling.blocks import Block
    from explain.table import I8, U4

FAR = 1 << 30
"""A step of the sequence number that no window allows (RFC 7323, 2.3)."""
_CONTROL = FIN | SYN | RST
_LOOK = 64
_LAST_NUMBER = 0xFFFFFFFF


def mark_odd(block: Block, away: I8) -> None:
    """Leaves such connections to the steps; ``away`` are the segments that do not begin where they are expected."""
    block.give_up(away[np.abs(block.behind(away)) >= FAR])
    following = block.reach.astype(np.uint32)
    if not following.all():  # Wireshark takes the number 0 for none
        none = np.flatnonzero(following == 0)
        block.give_up(none[~block.is_head[none + 1]])
    unbroken = _unbroken(block, away, following)
    beyond = np.flatnonzero((block.ack - unbroken.take(block.far, mode="clip")).view(np.int32) > 0)
    beyond = beyond[(block.flags[beyond] & ACK != 0) & block.has_far(beyond)]
    block.give_up(beyond)
    unset = np.flatnonzero(block.flags & ACK == 0)
    block.give_up(unset[block.ack[unset] != 0])
    _check_syns(block, following, unbroken, unset)
    seq = block.seq[block.heads]
    may_seem_next = (block.flags[block.heads] & _CONTROL == 0) | (block.length[block.heads] == 1)
    block.give_up(block.heads[may_seem_next & ((seq == 0) | (seq == _LAST_NUMBER))])
    # What was acknowledged before any of it was captured is spurious when it comes.
    heads = block.heads[block.has_far(block.heads)]
    acked = block.ack[block.far[heads]]
    block.give_up(heads[(acked != 0) & ((block.seq[heads] - acked).view(np.int32) < 0)])


def _unbroken(block: Block, away: I8, following: U4) -> U4:
    """The number after the last octet before the first hole, after each segment."""
    unbroken = following.copy()
    holes = away[block.reach[away] > block.reach[away - 1]]
    wanted, piece = following[holes - 1], block.piece[holes]
    ends = block.starts[piece] + block.sizes[piece]
    fills = _find_soon(block, wanted, holes, ends)
    filled = 0
    for hole, number, fill, end in zip(*(one.tolist() for one in (holes, wanted, fills, ends)), strict=True):
        if hole < filled:
            continue
        filled = _find(block, number, hole + _LOOK, end) if fill < 0 else fill
        unbroken[hole:filled] = number
    return unbroken


def _find_soon(block: Block, wanted: U4, starts: I8, ends: I8) -> I8:
    """For each number the first of the next ``_LOOK`` segments that begins at it, else -1."""
    at = np.minimum(starts[:, None] + np.arange(_LOOK), ends[:, None] - 1)
    is_it = block.seq[at] == wanted[:, None]
    return np.where(is_it.any(axis=1), starts + is_it.argmax(axis=1), -1)


def _find(block: Block, wanted: int, start: int, end: int) -> int:
    """The first segment from ``start`` on that begins at a number, else ``end``."""
    width = _LOOK * 4
    while start < end:
        found = np.flatnonzero(block.seq[start : min(start + width, end)] == wanted)
        if len(found):
            return start + int(found[0])
        start += width
        width *= 4
    return end


def _check_syns(block: Block, following: U4, unbroken: U4, unset: I8) -> None:
    some = np.flatnonzero(block.flags & SYN != 0)
    is_answer = block.flags[some] & ACK != 0
    is_head = block.is_head[some]
    has_far = block.has_far(some)
    far, twin = block.far[some], block.far_starts[block.piece[some]]
    silent = np.searchsorted(unset, far, side="right") - np.searchsorted(unset, twin)
    knows = has_far & (silent < far - twin + 1)  # an acknowledgement came before the SYN-ACK
    block.give_up(some[is_head & (knows | (has_far & ~is_answer))])
    again = some[~is_head]
    block.give_up(again[unbroken[again - 1] != following[again - 1]])
    heads = block.starts[block.piece[again]]
    block.give_up(again[(block.seq[again] != block.seq[heads]) | (block.flags[heads] & SYN == 0)])
