"""Some frames while they are being decoded: what one header hands to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.decode.link import LinkFields
    from explain.decode.slab import Slab
    from explain.table import I4, I8, U1, U2, U4, U8, Bools, PacketTable

NO_PROTOCOL = 255  # reserved by IANA, so it never stands for a header
_LONGEST = (1 << 31) - 1


class Block:
    """n consecutive frames of one link type.

    Attributes:
        table: where the columns go; ``first`` is the row of the block's first frame, ``part`` all its rows.
        frame_at: int64[n], where in the slab's data each frame begins.
        captured, length: int32[n], octets recorded and on the wire, here at most 2 GiB.
        ethertype: uint16[n], what layer 3 is.
        network: int32[n], octets from the frame's start to layer 3.
        layers: uint32[n], bits of ``explain.table``.
        inner: uint16[n], the innermost of several VLAN tags, 0 without a second one; None where no frame has two.
        protocol: uint8[n], of layer 4 if its header may follow here, else NO_PROTOCOL.
        spoken: uint8[n], the protocol of layer 4 even where a fragment or a cut hides its header.

    Only rows with IP have a meaning in:
        transport: int32[n], octets from the frame's start to layer 4.
        payload: int32[n], octets after the IP headers, as IP says and the frame can hold.
        source, target: uint64[n], address keys.
    """

    protocol: U1
    spoken: U1
    transport: I4
    payload: I4
    source: U8
    target: U8

    def __init__(self, table: PacketTable, first: int, slab: Slab, length: U4, fields: LinkFields) -> None:
        count = len(slab.at)
        self.table = table
        self.first = first
        self.part = slice(first, first + count)
        self.slab = slab
        self.frame_at: I8 = slab.at.copy()
        self.captured: I4 = slab.have
        self.length: I4 = np.minimum(length, np.uint32(_LONGEST)).view(np.int32)
        self.ethertype: U2 = fields.ethertype
        self.network: I4 = fields.network
        self.layers: U4 = fields.layers
        self.inner: U2 | None = fields.inner

    def __len__(self) -> int:
        return len(self.frame_at)

    def rows(self, some: I8) -> I8:
        """Rows of the table for positions in this block."""
        return some + self.first

    def mark(self, rows: Bools, bit: int) -> None:
        """Set a bit of ``layers`` where ``rows`` holds."""
        self.layers |= np.multiply(rows, bit, dtype=np.uint32)

    def have_transport(self, rows: I8) -> I4:
        """Captured octets from layer 4 on, at most what IP says that there are."""
        have: I4 = np.minimum(self.captured[rows] - self.transport[rows], self.payload[rows])
        return have

    def transport_at(self, rows: I8) -> I8:
        """Where in the slab's data layer 4 begins."""
        return self.frame_at[rows] + self.transport[rows]
