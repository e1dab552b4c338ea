"""The packet blocks of a pcapng window as frames.

Source: draft-ietf-opsawg-pcapng, sections 4.3 (enhanced), 4.4 (simple) and appendix A (obsolete packet block).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.capture.blocks import ENHANCED_PACKET, INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, Blocks, Port
from explain.capture.chains import Guess
from explain.capture.clock import to_ns
from explain.capture.frames import Frames
from explain.capture.walk import gather
from explain.model import Damage
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Packets:
    """The packet blocks among some blocks, as columns of n rows.

    Attributes:
        rows: int64, which block each is.
        header: int64, octets of the block before the frame.
        interface: int64, number within the section.
        known: int64, how many interfaces the section had declared before this block.
        stamp: uint64, time in units of the interface's clock.
        captured: int64, octets of the frame that the block claims to hold.
        length: uint32, octets the frame had on the wire.
        room: int64, octets of a frame that the block can hold.
        is_timed: false for simple packets, or None where all are timed.
    """

    rows: npt.NDArray[np.int64]
    header: npt.NDArray[np.int64]
    interface: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]
    stamp: npt.NDArray[np.uint64]
    captured: npt.NDArray[np.int64]
    length: npt.NDArray[np.uint32]
    room: npt.NDArray[np.int64]
    is_timed: npt.NDArray[np.bool_] | None


def packet_guess(order: str) -> Guess:
    """How an enhanced packet block may be found among octets: its type, and the two lengths that agree."""
    import numpy as np

    word = np.dtype(order + "u4")

    def is_plausible(data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        heads = gather(data, at, 28).view(word)
        total = heads[:, 1].astype(np.int64)
        end = at + total - 4
        is_packet: npt.NDArray[np.bool_] = (
            (heads[:, 0] == ENHANCED_PACKET) & (total >= 32) & (heads[:, 5] <= total - 32)
        )
        is_packet &= (total % 4 == 0) & (end <= len(data) - 4)
        trailer = gather(data, np.where(is_packet, end, 0), 4).view(word)[:, 0]
        is_packet &= trailer == total
        return is_packet

    needle = ENHANCED_PACKET.to_bytes(4, "little" if order == "<" else "big")
    return Guess((needle,), 0, 4, is_plausible)


def packets_of(blocks: Blocks, declared: int) -> Packets:
    """The packet blocks among these, read but not yet believed.

    Args:
        blocks: whole blocks of one section with believable lengths.
        declared: interfaces that the section declared before them.
    """
    import numpy as np

    kind = blocks.heads[:, 0]
    is_plain = bool((kind == ENHANCED_PACKET).all())
    known = np.full(len(kind), declared, np.int64) if is_plain else declared + np.cumsum(kind == INTERFACE)
    rows = np.arange(len(kind))
    heads = blocks.heads
    if not is_plain:
        rows = ((kind == ENHANCED_PACKET) | (kind == OBSOLETE_PACKET) | (kind == SIMPLE_PACKET)).nonzero()[0]
        heads, kind, known = heads[rows], kind[rows], known[rows]
    stamp = heads[:, 3].astype(np.uint64)
    stamp <<= np.uint64(32)
    stamp |= heads[:, 4]
    interface, captured = heads[:, 2].astype(np.int64), heads[:, 5].astype(np.int64)
    length, total = heads[:, 6].astype(np.uint32), heads[:, 1].astype(np.int64)
    found = Packets(rows, np.full(len(rows), 28), interface, known, stamp, captured, length, total - 32, None)
    return found if is_plain else _with_rare(found, blocks, kind, heads)


def _with_rare(found: Packets, blocks: Blocks, kind: npt.NDArray[np.uint32], heads: npt.NDArray[np.uint32]) -> Packets:
    """Corrects the rows that are obsolete or simple packets."""
    import numpy as np

    is_simple, is_obsolete = kind == SIMPLE_PACKET, kind == OBSOLETE_PACKET
    shift = 0 if blocks.order == "<" else 16
    interface = np.where(is_obsolete, found.interface >> shift & 0xFFFF, np.where(is_simple, 0, found.interface))
    length = np.where(is_simple, heads[:, 2], found.length).astype(np.uint32)
    # How much a simple packet holds is not written in it: the rest of the block, at most its length (and the snaplen).
    captured = np.where(is_simple, length, found.captured)
    stamp = np.where(is_simple, 0, found.stamp).astype(np.uint64)
    header, room = np.where(is_simple, 12, 28), np.where(is_simple, found.room + 16, found.room)
    return Packets(found.rows, header, interface, found.known, stamp, captured, length, room, ~is_simple)


def frames_of(
    blocks: Blocks, found: Packets, ports: Sequence[Port], before: int
) -> tuple[Frames | None, tuple[int, Damage] | None]:
    """Frames of the packets up to the first that cannot be.

    Args:
        blocks: the blocks that ``found`` was read from.
        found: their packets.
        ports: the interfaces of the section, also those declared among ``blocks``.
        before: interfaces of the sections before.

    Returns:
        The frames, or None where there are none; the row of the block that is wrong, and what is wrong with it.
    """
    import numpy as np

    if not len(found.rows):
        return None, None
    captured, is_wrong = found.captured, found.interface >= found.known
    if ports:
        which = np.where(is_wrong, 0, found.interface)
        if found.is_timed is not None:
            snaplen = ports[0].interface.snaplen or 0xFFFFFFFF
            captured = np.where(found.is_timed, captured, np.minimum(captured, snaplen))
        most = _column([port.most for port in ports], which)
        is_wrong |= (captured > found.room) | (captured > most)
    wrong, count = None, len(found.rows)
    if is_wrong.any():
        count = int(is_wrong.argmax())
        wrong = int(found.rows[count]), _damage(blocks, found, captured, count)
    if not count:
        return None, wrong
    which, start = found.interface[:count], blocks.offsets[found.rows[:count]] + found.header[:count]
    time_ns = _times(found.stamp[:count], which, ports)
    if found.is_timed is not None:
        time_ns[~found.is_timed[:count]] = 0
    interface, kept = (which + before).astype(np.uint16), captured[:count].astype(np.uint32)
    window = blocks.window
    return Frames(window.data, window.base, start, kept, found.length[:count], time_ns, interface), wrong


def _damage(blocks: Blocks, found: Packets, captured: npt.NDArray[np.int64], index: int) -> Damage:
    at = blocks.place(int(found.rows[index]))
    interface, known = found.interface[index], found.known[index]
    if interface >= known:
        return Damage("bad-interface", at, f"a packet of interface {interface}, where {known} are declared")
    words = f"a packet that claims {captured[index]} octets, where {found.room[index]} can be"
    return Damage("bad-record-length", at, words)


def _column(values: Sequence[int], which: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    import numpy as np

    if len(set(values)) == 1:
        return np.broadcast_to(np.int64(values[0]), which.shape)
    return np.array(values, np.int64)[which]


def _times(
    stamps: npt.NDArray[np.uint64], which: npt.NDArray[np.int64], ports: Sequence[Port]
) -> npt.NDArray[np.int64]:
    """Nanoseconds of each packet, by the clock of its interface."""
    import numpy as np

    clocks = list(dict.fromkeys(port.clock for port in ports))
    if len(clocks) == 1:
        return to_ns(stamps, clocks[0])
    number = {clock: index for index, clock in enumerate(clocks)}
    clock_of_row = np.array([number[port.clock] for port in ports])[which]
    time_ns = np.empty(len(stamps), np.int64)
    by_clock = clock_of_row.argsort(kind="stable")
    edges = clock_of_row[by_clock].searchsorted(np.arange(len(clocks) + 1))
    for index in np.flatnonzero(np.diff(edges)).tolist():
        rows = by_clock[edges[index] : edges[index + 1]]
        time_ns[rows] = to_ns(stamps[rows], clocks[index])
    return time_ns
