"""The blocks of a pcapng window as columns, and those that describe interfaces.

Source: draft-ietf-opsawg-pcapng, sections 3.1, 4.2 and 4.6.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.capture.linktype import max_captured
from explain.capture.pcapng.clock import Clock, clock_of
from explain.capture.pcapng.options import COMMENT, options, text
from explain.capture.walk import gather
from explain.model import Damage, Interface
from explain.record import dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explain.capture.source import Window

INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, STATISTICS, ENHANCED_PACKET = 1, 2, 3, 5, 6
SECTION = 0x0A0D0D0A

# The smallest total length of each block that is looked into.
_LEAST = ((ENHANCED_PACKET, 32), (OBSOLETE_PACKET, 32), (SIMPLE_PACKET, 16), (INTERFACE, 20), (STATISTICS, 24))
_NAME, _RESOLUTION, _FILTER, _FCS_LENGTH, _TIME_OFFSET = 2, 9, 11, 13, 14
_DROPPED = 5


@dataclass(frozen=True, slots=True)
class Blocks:
    """Whole blocks of one window, in file order.

    Attributes:
        window: the octets.
        order: byte order of the section, ``<`` or ``>``.
        offsets: int64[n], where each begins in ``window.data``.
        heads: uint32[n, 7], the first 28 octets of each: type, total length and five words more.
    """

    window: Window
    order: str
    offsets: npt.NDArray[np.int64]
    heads: npt.NDArray[np.uint32]

    def first(self, count: int) -> Blocks:
        """The first ``count`` blocks only."""
        return Blocks(self.window, self.order, self.offsets[:count], self.heads[:count])

    def rows_of(self, *kinds: int) -> list[int]:
        """The rows of the blocks of some types."""
        import numpy as np

        is_one = self.heads[:, 0] == kinds[0]
        for kind in kinds[1:]:
            is_one |= self.heads[:, 0] == kind
        rows: list[int] = np.flatnonzero(is_one).tolist()
        return rows

    def octets(self, row: int) -> bytes:
        """One block, whole."""
        at = int(self.offsets[row])
        return bytes(self.window.data[at : at + int(self.heads[row, 1])])

    def place(self, row: int) -> int:
        """Offset of a block in the uncompressed stream."""
        return self.window.base + int(self.offsets[row])


@dataclass(frozen=True, slots=True)
class Port:
    """An interface, and what is needed to understand its packets.

    Attributes:
        fcs: octets of frame check sequence at the end of each frame, 0 where unknown.
        most: octets of a frame that a block may hold.
    """

    interface: Interface
    clock: Clock
    fcs: int
    most: int


def blocks_of(window: Window, order: str, offsets: npt.NDArray[np.int64]) -> Blocks:
    """The blocks that begin at these offsets; what a short block lacks of 28 octets is of the next one."""
    import numpy as np

    return Blocks(window, order, offsets, gather(window.data, offsets, 28).view(np.dtype(order + "u4")))


def bad_length(blocks: Blocks) -> tuple[int, Damage] | None:
    """The first block whose lengths cannot be, with its row."""
    import numpy as np

    length = blocks.heads[:, 1].astype(np.int64)
    trailer = gather(blocks.window.data, blocks.offsets + ((length + 3) & ~3) - 4, 4).view(blocks.order + "u4")[:, 0]
    is_bad = trailer != length
    for kind, least in _LEAST:
        if kind == ENHANCED_PACKET or int(length.min()) < least:
            is_bad |= (blocks.heads[:, 0] == kind) & (length < least)
    row = int(is_bad.argmax())
    if not is_bad[row]:
        return None
    if trailer[row] != length[row]:
        lengths = {"length": int(length[row]), "trailer": int(trailer[row])}
        return row, Damage.at(blocks.place(row), "trailer-mismatch.block", **lengths)
    values = {"kind": f"{blocks.heads[row, 0]:#x}", "length": int(length[row])}
    return row, Damage.at(blocks.place(row), "bad-block-length.short", **values)


def port_of(block: bytes, order: str) -> Port:
    """What an interface description block says; options that make no sense are ignored."""
    link_type, _, snaplen = struct.unpack_from(order + "HHI", block, 8)
    found = dict(reversed(list(options(block[16:-4], order))))
    offset, resolution, fcs = found.get(_TIME_OFFSET, b""), found.get(_RESOLUTION, b""), found.get(_FCS_LENGTH, b"")
    seconds = struct.unpack(order + "q", offset)[0] if len(offset) == 8 else 0
    name = text(found[_NAME]) if _NAME in found else None
    comment = text(found[COMMENT]) if COMMENT in found else None
    return Port(
        interface=Interface(name or None, link_type, snaplen, comment=comment, filter=_filter(found.get(_FILTER, b""))),
        clock=clock_of(resolution[0] if len(resolution) == 1 else 6, seconds),
        fcs=fcs[0] if len(fcs) == 1 else 0,
        most=max_captured(link_type),
    )


def _filter(value: bytes) -> str | None:
    """What if_filter holds: libpcap's words after an octet 0, else code that is told as such."""
    if not value:
        return None
    return text(value[1:]) or None if value[0] == 0 else "(code)"


def drops_of(block: bytes, order: str) -> tuple[int, int] | None:
    """Which interface of the section an interface statistics block counts, and the frames dropped there.

    Source: draft-ietf-opsawg-pcapng, section 4.6 (isb_ifdrop).
    """
    (interface,) = struct.unpack_from(order + "I", block, 8)
    for code, value in options(block[20:-4], order):
        if code == _DROPPED and len(value) == 8:
            return interface, struct.unpack(order + "Q", value)[0]
    return None
