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

_WORD = 8


def decode(block: Block) -> BesideRows | None:
    """The rows whose link layer says more than the columns hold; None without any."""
    kind = block.ethertype
    is_other = (kind != TYPE_IPV4) & (kind != TYPE_IPV6) & (kind != TYPE_ARP) & (block.layers & ETHERNET != 0)
    if block.inner is not None:
        is_other |= block.inner > 0
    rows = np.flatnonzero(is_other)
    if not len(rows):
        return None
    at = block.network[rows]
    octets = gather(block.slab.data, block.frame_at[rows] + at, 2 * _WORD)
    octets[np.arange(2 * _WORD) >= (block.captured[rows] - at)[:, np.newaxis]] = 0
    head, after = number(octets, 0, _WORD), number(octets, _WORD, _WORD)
    inner = np.zeros(len(rows), np.uint16) if block.inner is None else block.inner[rows]
    return BesideRows(block.rows(rows), kind[rows], inner, head, after)
