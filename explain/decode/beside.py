"""What the link layer carries beside IP and ARP, by its type; and the inner one of two VLAN tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture.walk import gather
from explain.decode.slab import number
from explain.decode.tags import TYPE_ARP, TYPE_IPV4, TYPE_IPV6
from explain.side_tables import BesideRows
from explain.table import ETHERNET

if TYPE_CHECKING:
    from explain.decode.block import Block

_HEAD = 8
_BITS = np.uint64(8 * _HEAD)


def decode(block: Block, besides: list[BesideRows]) -> None:
    """Enter the rows whose link layer says more than the columns hold into the side table."""
    kind = block.ethertype
    is_other = (kind != TYPE_IPV4) & (kind != TYPE_IPV6) & (kind != TYPE_ARP) & (block.layers & ETHERNET != 0)
    if block.inner is not None:
        is_other |= block.inner > 0
    rows = np.flatnonzero(is_other)
    if not len(rows):
        return
    at = block.network[rows]
    head = number(gather(block.slab.data, block.frame_at[rows] + at, _HEAD), 0, _HEAD)
    missing = np.clip(_HEAD - (block.captured[rows] - at), 0, _HEAD)
    some = np.flatnonzero(missing)
    unknown = (missing[some] << 3).astype(np.uint64)
    head[some] = np.where(missing[some] < _HEAD, head[some] >> unknown % _BITS << unknown % _BITS, np.uint64(0))
    inner = np.zeros(len(rows), np.uint16) if block.inner is None else block.inner[rows]
    besides.append(BesideRows(block.rows(rows), kind[rows], inner, head))
