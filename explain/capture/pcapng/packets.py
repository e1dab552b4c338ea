"""The packet blocks of a pcapng window as frames.

Source: draft-ietf-opsawg-pcapng, sections 4.3 (enhanced), 4.4 (simple) and appendix A (obsolete packet block).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.capture.chains import Guess
from explain.capture.frames import Frames
from explain.capture.pcapng.blocks import (
    ENHANCED_PACKET,
    INTERFACE,
    OBSOLETE_PACKET,
    SECTION,
    SIMPLE_PACKET,
    Blocks,
    Port,
)
from explain.capture.pcapng.clock import to_ns
from explain.capture.pcapng.options import END, comments
from explain.capture.walk import gather
from explain.model import Damage
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

_FLAGS = 2
_LEAST_OPTIONS = 8
_MOST_OPTIONS = 128 << 10  # octets of a packet's options


@dataclass(frozen=True, slots=True)
class Packets:
    """The packet blocks among some blocks, as columns of n rows.

    Attributes:
        rows: int64, which block each is.
        header: int64, octets of the block before the frame.
        interface: int64, number within the section.
        known: int64, how many interfaces the file had declared before this block.
        before: int64, how many of them are of earlier sections.
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
    before: npt.NDArray[np.int64]
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


def packets_of(blocks: Blocks, declared: int, before: int) -> Packets:
    """The packet blocks among these, read but not yet believed.

    Args:
        blocks: whole blocks with believable lengths.
        declared: interfaces that the file declared before them.
        before: those among them that were declared before the section in which these blocks begin.
    """
    import numpy as np

    kind = blocks.heads[:, 0]
    rows, heads = np.arange(len(kind)), blocks.heads
    known, earlier = np.full((2, len(kind)), ((declared,), (before,)), np.int64)
    is_plain = bool((kind == ENHANCED_PACKET).all())
    if not is_plain:
        known += np.cumsum(kind == INTERFACE)
        np.maximum.accumulate(np.where(kind == SECTION, known, earlier), out=earlier)
        rows = ((kind == ENHANCED_PACKET) | (kind == OBSOLETE_PACKET) | (kind == SIMPLE_PACKET)).nonzero()[0]
        heads, kind, known, earlier = heads[rows], kind[rows], known[rows], earlier[rows]
    stamp = heads[:, 3].astype(np.uint64)
    stamp <<= np.uint64(32)
    stamp |= heads[:, 4]
    interface, captured = heads[:, 2].astype(np.int64), heads[:, 5].astype(np.int64)
    length, total = heads[:, 6].astype(np.uint32), heads[:, 1].astype(np.int64)
    found = Packets(rows, np.full(len(rows), 28), interface, known, earlier, stamp, captured, length, total - 32, None)
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
    header, room = np.where(is_simple, 12, 28), np.where(is_simple, found.room + 16, found.room)
    known, before, stamp = found.known, found.before, found.stamp
    return Packets(found.rows, header, interface, known, before, stamp, captured, length, room, ~is_simple)


def frames_of(
    blocks: Blocks, found: Packets, ports: Sequence[Port], last_ns: int | None
) -> tuple[Frames | None, tuple[int, Damage] | None]:
    """Frames of the packets up to the first that cannot be.

    Args:
        blocks: the blocks that ``found`` was read from.
        found: their packets.
        ports: the interfaces of the file, also those declared among ``blocks``.
        last_ns: the time of the frame before them, None where there is none.

    Returns:
        The frames, or None where there are none; the row of the block that is wrong, and what is wrong with it.
    """
    import numpy as np

    if not len(found.rows):
        return None, None
    is_wrong = found.interface + found.before >= found.known
    which, first, ports = _needed(found, ports, is_wrong)
    captured = _captured(found, ports, which)
    if ports:
        is_wrong |= (captured > found.room) | (captured > _column([port.most for port in ports], which))
    wrong, count = None, len(found.rows)
    if is_wrong.any():
        count = int(is_wrong.argmax())
        wrong = int(found.rows[count]), _damage(blocks, found, captured, count)
    if not count:
        return None, wrong
    which, start = which[:count], blocks.offsets[found.rows[:count]] + found.header[:count]
    time_ns, is_timed = _times(found.stamp[:count], which, ports), None
    if found.is_timed is not None and not found.is_timed[:count].all():
        is_timed = found.is_timed[:count]
        time_ns = _as_before(time_ns, is_timed, last_ns)
    interface, kept = (which + first).astype(np.uint16), captured[:count].astype(np.uint32)
    window = blocks.window
    frames = Frames(window.data, window.base, start, kept, found.length[:count], time_ns, interface, is_timed=is_timed)
    return frames, wrong


def _needed(
    found: Packets, ports: Sequence[Port], is_wrong: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], int, Sequence[Port]]:
    """The interface of each packet, counted from the first that any of them has; its number; and those from it on."""
    import numpy as np

    which = found.interface + found.before
    if not ports:
        return which, 0, ports
    which = np.where(is_wrong, 0, which)
    first = int(which.min())
    return which - first, first, ports[first : int(which.max()) + 1]  # there may be many more in the file


def _captured(found: Packets, ports: Sequence[Port], which: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many octets of each packet are there: of a simple one as many as its interface keeps."""
    import numpy as np

    if found.is_timed is None or not ports:
        return found.captured
    snaplen = _column([port.interface.snaplen or 0xFFFFFFFF for port in ports], which)
    return np.where(found.is_timed, found.captured, np.minimum(found.captured, snaplen))


def comments_of(blocks: Blocks, found: Packets, frames: Frames, most: int) -> dict[int, tuple[str, ...]]:
    """The comments in the options of packet blocks, by the frame's index; of so many frames at most."""
    import numpy as np

    rows = found.rows[: len(frames.start)]
    at = frames.start + ((frames.captured.astype(np.int64) + 3) & ~3)
    size = blocks.offsets[rows] + blocks.heads[rows, 1] - 4 - at
    has_some = size >= _LEAST_OPTIONS
    if frames.is_timed is not None:
        has_some &= frames.is_timed  # a simple packet has none
    some = has_some.nonzero()[0]
    head = gather(frames.data, at[some], 12).view(blocks.order + "u2")
    some = some[(head[:, 0] != _FLAGS) | (head[:, 1] != 4) | (head[:, 4] != END)]  # flags alone are common
    told: dict[int, tuple[str, ...]] = {}
    for index in some.tolist():
        if len(told) >= most:
            break
        first = int(at[index])
        octets = frames.data[first : first + min(int(size[index]), _MOST_OPTIONS)].tobytes()
        if texts := comments(octets, blocks.order):
            told[index] = texts
    return told


def comments_beside(frames: Frames, index: int) -> tuple[str, ...]:
    """The comments of one packet of a pcapng, which is no simple one."""
    first, captured = int(frames.start[index]), int(frames.captured[index])
    head = frames.data[first - 28 : first].tobytes()
    order = ">" if head[0] == 0 else "<"  # the first octet of the block's type
    (length,) = struct.unpack_from(order + "I", head, 4)
    octets = frames.data[first + (captured + 3 & ~3) : first - 28 + length - 4]
    return comments(octets[:_MOST_OPTIONS].tobytes(), order)


def _as_before(
    time_ns: npt.NDArray[np.int64], is_timed: npt.NDArray[np.bool_], last_ns: int | None
) -> npt.NDArray[np.int64]:
    """The times, with that of the frame before where a frame has none; where nothing comes before, the first one."""
    import numpy as np

    first = time_ns[is_timed][0] if is_timed.any() else 0
    timed = np.where(is_timed, np.arange(1, len(time_ns) + 1), 0)
    known = np.append(first if last_ns is None else last_ns, time_ns)
    filled: npt.NDArray[np.int64] = known[np.maximum.accumulate(timed)]
    return filled


def _damage(blocks: Blocks, found: Packets, captured: npt.NDArray[np.int64], index: int) -> Damage:
    at = blocks.place(int(found.rows[index]))
    interface, known = found.interface[index], found.known[index] - found.before[index]
    if interface >= known:
        return Damage.at(at, "bad-interface", interface=int(interface), known=int(known))
    claimed, most = int(captured[index]), int(found.room[index])
    return Damage.at(at, "bad-record-length.packet", claimed=claimed, most=most)


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
