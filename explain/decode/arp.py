"""ARP for IPv4 over Ethernet (RFC 826)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture.walk import gather
from explain.decode.slab import number
from explain.decode.tags import TYPE_ARP
from explain.side_tables import ArpRows
from explain.table import ARP, CUT, MALFORMED

if TYPE_CHECKING:
    from explain.decode.block import Block

_LENGTH = 28
_ETHERNET_IPV4 = 0x0001_0800  # hardware type, protocol type
_LENGTHS = 0x0604  # of their addresses


def decode(block: Block, arps: list[ArpRows]) -> None:
    """Enter the rows that are ARP into the side table."""
    rows = np.flatnonzero(block.ethertype == TYPE_ARP)
    if not len(rows):
        return
    have = block.captured[rows] - block.network[rows]
    block.layers[rows[have < _LENGTH]] |= CUT
    rows = rows[have >= _LENGTH]
    head = gather(block.slab.data, block.frame_at[rows] + block.network[rows], _LENGTH)
    is_known = number(head, 0, 4) == _ETHERNET_IPV4
    is_right = number(head, 4, 2) == _LENGTHS
    block.layers[rows[is_known & ~is_right]] |= MALFORMED
    rows, head = rows[is_known & is_right], head[is_known & is_right]
    block.layers[rows] |= ARP
    arps.append(
        ArpRows(
            block.rows(rows),
            number(head, 6, 2).astype(np.uint16),
            number(head, 8, 6),
            number(head, 14, 4),
            number(head, 18, 6),
            number(head, 24, 4),
        )
    )
