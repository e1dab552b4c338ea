"""IPv6 (RFC 8200) and its extension headers, for the rows that are IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.block import NO_PROTOCOL
from explain.decode.slab import gather
from explain.decode.tags import TYPE_IPV6
from explain.table import CUT, EXTENSIONS, FRAGMENT, IPV6, IPV6_KEY, LATER_FRAGMENT, MALFORMED, FragmentRows

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.decode.intern import Interner
    from explain.table import I8, U1, U4, U8

_HEADER = 40
_MOST_EXTENSIONS = 16
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _NO_NEXT, _DESTINATION = 0, 43, 44, 51, 59, 60
_EXTENSIONS = (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, 135, 139, 140)


def address_keys(octets: U1, addresses: Interner) -> U8:
    """Address keys of uint8[n, 16]."""
    words = np.ascontiguousarray(octets).view(">u8").astype(np.uint64)
    return addresses.index(words[:, 1].copy(), words[:, 0].copy()).astype(np.uint64) + np.uint64(IPV6_KEY)


def decode(block: Block, addresses: Interner, fragments: list[FragmentRows]) -> None:
    """Fill layers, addresses, protocol and lengths of the rows that are IPv6."""
    rows = np.flatnonzero(block.ethertype == TYPE_IPV6)
    if not len(rows):
        return
    have = block.captured[rows] - block.network[rows]
    block.layers[rows[have < _HEADER]] |= CUT
    rows = rows[have >= _HEADER]
    head = gather(block.slab.data, block.frame_at[rows] + block.network[rows], _HEADER)
    is_wrong = head[:, 0] >> 4 != 6
    block.layers[rows[is_wrong]] |= MALFORMED
    rows, head = rows[~is_wrong], head[~is_wrong]
    if not len(rows):
        return
    block.layers[rows] |= IPV6
    block.source[rows] = address_keys(head[:, 8:24], addresses)
    block.target[rows] = address_keys(head[:, 24:40], addresses)
    block.table.ttl[block.rows(rows)] = head[:, 7]
    block.table.ip_id[block.rows(rows)] = 0
    said = head[:, 4].astype(np.int64) << 8 | head[:, 5]
    room = block.length[rows] - block.network[rows] - _HEADER
    said[said == 0] = room[said == 0]  # a jumbogram, or a segment that the card will cut
    block.layers[rows[said > room]] |= MALFORMED
    block.payload[rows] = np.minimum(said, room)
    block.transport[rows] = block.network[rows] + _HEADER
    block.protocol[rows] = block.spoken[rows] = head[:, 6]
    _follow(block, rows, fragments)


def _follow(block: Block, rows: I8, fragments: list[FragmentRows]) -> None:
    for _ in range(_MOST_EXTENSIONS):
        rows = rows[np.isin(block.protocol[rows], _EXTENSIONS)]
        if not len(rows):
            return
        is_short = block.have_transport(rows) < 8
        block.layers[rows[is_short]] |= CUT
        block.protocol[rows[is_short]] = NO_PROTOCOL
        rows = rows[~is_short]
        _step(block, rows, fragments)
    rows = rows[np.isin(block.protocol[rows], _EXTENSIONS)]
    block.layers[rows] |= MALFORMED
    block.protocol[rows] = NO_PROTOCOL


def _step(block: Block, rows: I8, fragments: list[FragmentRows]) -> None:
    """Step over one extension header of each row."""
    head = gather(block.slab.data, block.transport_at(rows), 8)
    kind = block.protocol[rows].copy()
    size = (head[:, 1].astype(np.int64) + 1) << 3
    size[kind == _AUTHENTICATION] = (head[kind == _AUTHENTICATION, 1].astype(np.int64) + 2) << 2
    size[kind == _FRAGMENT] = 8
    block.layers[rows] |= EXTENSIONS
    block.protocol[rows] = block.spoken[rows] = head[:, 0]
    is_long = size > block.payload[rows]
    block.layers[rows[is_long]] |= MALFORMED
    block.protocol[rows[is_long]] = NO_PROTOCOL
    block.transport[rows] += size
    block.payload[rows] = np.maximum(block.payload[rows] - size, 0)
    cut = kind == _FRAGMENT
    if cut.any():
        _fragment(block, rows[cut], head[cut], fragments)


def _fragment(block: Block, rows: I8, head: U1, fragments: list[FragmentRows]) -> None:
    word: U4 = head[:, 2].astype(np.uint32) << np.uint32(8) | head[:, 3]
    offset: U4 = word & np.uint32(0xFFF8)
    more = word & 1 != 0
    ident = head[:, 4:8].copy().view(">u4")[:, 0].astype(np.uint32)
    is_cut = more | (offset > 0)  # else an atomic fragment, whole in itself (RFC 6946)
    block.layers[rows[is_cut]] |= FRAGMENT
    block.layers[rows[offset > 0]] |= LATER_FRAGMENT
    fragments.append(FragmentRows(block.rows(rows), ident, offset, more, block.spoken[rows]))
    block.protocol[rows[offset > 0]] = NO_PROTOCOL
