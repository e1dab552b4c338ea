"""IPv4 (RFC 791), for all frames of a block at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.block import NO_PROTOCOL
from explain.decode.checksum import fold, sum_of
from explain.decode.slab import NETWORK, octets
from explain.decode.tags import TYPE_IPV4
from explain.table import (
    BAD_IP_CHECKSUM,
    CUT,
    DONT_FRAGMENT,
    EXTENSIONS,
    FRAGMENT,
    IPV4,
    LATER_FRAGMENT,
    MALFORMED,
    FragmentRows,
)

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I8

_SHORTEST = 20


def decode(block: Block, fragments: list[FragmentRows]) -> None:
    """Fill layers, addresses, protocol and lengths of the rows that are IPv4.

    Columns of other rows are written too, and put right by whoever owns those rows: a
    strided copy of a whole column is cheaper than picking rows.
    """
    slab = block.slab
    first_octet = slab.u1(NETWORK)
    header = (first_octet & 15).astype(np.int64) << 2
    total = slab.u2(NETWORK + 2).astype(np.int64)
    room = block.length - block.network
    total[total == 0] = room[total == 0]  # a segment that the card will cut (TSO)
    is_ipv4 = block.ethertype == TYPE_IPV4
    is_cut = slab.have < NETWORK + np.maximum(header, _SHORTEST)
    is_wrong = (first_octet >> 4 != 4) | (header < _SHORTEST) | (total < header)
    block.layers[is_ipv4 & is_cut] |= CUT
    block.layers[is_ipv4 & ~is_cut & is_wrong] |= MALFORMED
    is_good = is_ipv4 & ~is_cut & ~is_wrong
    block.layers[is_good] |= IPV4
    block.layers[is_good & (total > room)] |= MALFORMED
    np.copyto(block.transport, block.network + header, where=is_good)
    np.copyto(block.payload, np.minimum(total, room) - header, where=is_good)
    np.copyto(block.source, slab.u4(NETWORK + 12), where=is_good)
    np.copyto(block.target, slab.u4(NETWORK + 16), where=is_good)
    protocol = slab.u1(NETWORK + 9)
    np.copyto(block.protocol, protocol, where=is_good)
    np.copyto(block.spoken, protocol, where=is_good)
    rows = slice(block.first, block.first + len(block))
    block.table.ttl[rows] = slab.u1(NETWORK + 8)
    block.table.ip_id[rows] = slab.u2(NETWORK + 4)
    _fragments(block, is_good, fragments)
    _verify(block, is_good, header)


def _fragments(block: Block, is_good: I8, fragments: list[FragmentRows]) -> None:
    word = block.slab.u2(NETWORK + 6)
    block.layers[is_good & (word & 0x4000 != 0)] |= DONT_FRAGMENT
    rows = np.flatnonzero(is_good & (word & 0x3FFF != 0))
    if not len(rows):
        return
    offset = (word[rows] & 0x1FFF).astype(np.uint32) << np.uint32(3)
    block.layers[rows] |= FRAGMENT
    block.layers[rows[offset > 0]] |= LATER_FRAGMENT
    ident = block.slab.u2(NETWORK + 4)[rows].astype(np.uint32)
    more = word[rows] & 0x2000 != 0
    fragments.append(FragmentRows(block.rows(rows), ident, offset, more, block.spoken[rows]))
    block.protocol[rows[offset > 0]] = NO_PROTOCOL


def _verify(block: Block, is_good: I8, header: I8) -> None:
    slab = block.slab
    words = slab.raw4(NETWORK)
    for column in range(NETWORK + 4, NETWORK + _SHORTEST, 4):
        words += slab.raw4(column)
    is_sound = fold(words) == 0xFFFF
    rows = np.flatnonzero(is_good & (header > _SHORTEST))
    if len(rows):
        block.layers[rows] |= EXTENSIONS
        at = block.frame_at[rows] + block.network[rows]
        is_sound[rows] = fold(sum_of(octets(slab.data, at, header[rows], 60))) == 0xFFFF
    block.layers[is_good & ~is_sound] |= BAD_IP_CHECKSUM
