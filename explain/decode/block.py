"""Some frames while they are being decoded: what one header hands to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.decode.slab import Slab
    from explain.table import I8, U1, U2, U4, U8, PacketTable

NO_PROTOCOL = 255  # reserved by IANA, so it never stands for a header


@dataclass(slots=True)
class Block:
    """n consecutive frames of one link type.

    Attributes:
        table: where the columns go; ``first`` is the row of the block's first frame.
        frame_at: int64[n], where in the slab's data each frame begins.
        captured, length: int64[n], octets recorded and on the wire.
        network: int64[n], octets from the frame's start to layer 3.
        layers: uint32[n], bits of ``explain.table``.
        protocol: uint8[n], of layer 4 if its header may follow here, else NO_PROTOCOL.
        spoken: uint8[n], the protocol of layer 4 even where a fragment or a cut hides its header.
        transport: int64[n], octets from the frame's start to layer 4.
        payload: int64[n], octets after the IP headers, as IP says and the frame can hold.
        source, target: uint64[n], address keys.
    """

    table: PacketTable
    first: int
    slab: Slab
    frame_at: I8
    captured: I8
    length: I8
    ethertype: U2
    network: I8
    layers: U4
    protocol: U1
    spoken: U1
    transport: I8
    payload: I8
    source: U8
    target: U8

    def __len__(self) -> int:
        return len(self.frame_at)

    def rows(self, some: I8) -> I8:
        """Rows of the table for positions in this block."""
        return some + self.first

    def have_transport(self, rows: I8) -> I8:
        """Captured octets from layer 4 on, at most what IP says that there are."""
        have: I8 = np.minimum(self.captured[rows] - self.transport[rows], self.payload[rows])
        return have

    def transport_at(self, rows: I8) -> I8:
        """Where in the slab's data layer 4 begins."""
        return self.frame_at[rows] + self.transport[rows]
