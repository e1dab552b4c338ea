"""IPv4 (RFC 791), for all frames of a block at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.block import NO_PROTOCOL
from explain.decode.checksum import is_sound, sum_of
from explain.decode.slab import NETWORK, octets
from explain.decode.tags import TYPE_IPV4
from explain.side_tables import FragmentRows
from explain.table import BAD_IP_CHECKSUM, CUT, DONT_FRAGMENT, EXTENSIONS, FRAGMENT, IPV4, LATER_FRAGMENT, MALFORMED

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I4, U1, Bools

_SHORTEST = 20
_LONGEST = 60
_DONT_FRAGMENT, _MORE, _OFFSET = 0x4000, 0x2000, 0x1FFF


def decode(block: Block, fragments: list[FragmentRows]) -> None:
    """Fill layers, addresses, protocol and lengths of the rows that are IPv4.

    Columns of other rows are written too, and put right by whoever owns those rows: to copy a
    whole column is cheaper than to pick rows.
    """
    slab, table = block.slab, block.table
    first_octet = slab.u1(NETWORK)
    header = (first_octet & 15).astype(np.int32) << 2
    total = slab.wide2(NETWORK + 2)
    room = block.length - block.network
    unsaid = np.flatnonzero(total == 0)  # segments that the card will cut (TSO)
    total[unsaid] = room[unsaid]
    block.transport = block.network + header
    block.payload = np.minimum(total, room) - header
    block.source = slab.wide4(NETWORK + 12)
    block.target = slab.wide4(NETWORK + 16)
    block.spoken = slab.u1(NETWORK + 9)
    slab.copy_into(table.ttl[block.part], NETWORK + 8)
    slab.copy_into(table.ip_id[block.part], NETWORK + 4)
    is_good = _sound_headers(block, first_octet, header, total)
    block.protocol = block.spoken | (is_good - np.uint8(1))  # NO_PROTOCOL where it is not good
    block.mark(is_good, IPV4)
    is_long = is_good & (total > room)
    if is_long.any():
        block.mark(is_long, MALFORMED)
    _fragments(block, is_good, fragments)
    _verify(block, is_good, header)


def _sound_headers(block: Block, first_octet: U1, header: I4, total: I4) -> Bools:
    """Rows whose header is there and makes sense; what is wrong with others is marked."""
    is_ipv4 = block.ethertype == TYPE_IPV4
    is_whole = block.captured - block.network >= np.maximum(header, _SHORTEST)
    is_right = (first_octet >> 4 == 4) & (header >= _SHORTEST) & (total >= header)
    is_good: Bools = is_ipv4 & is_whole & is_right
    rows = np.flatnonzero(is_ipv4 & ~is_good)
    block.layers[rows] |= np.where(is_whole[rows], np.uint32(MALFORMED), np.uint32(CUT))
    return is_good


def _fragments(block: Block, is_good: Bools, fragments: list[FragmentRows]) -> None:
    word = block.slab.u2(NETWORK + 6)
    block.mark(is_good & (word & _DONT_FRAGMENT != 0), DONT_FRAGMENT)
    rows = np.flatnonzero(is_good & (word & (_MORE | _OFFSET) != 0))
    if not len(rows):
        return
    offset = (word[rows] & _OFFSET).astype(np.uint32) << np.uint32(3)
    block.layers[rows] |= FRAGMENT
    block.layers[rows[offset > 0]] |= LATER_FRAGMENT
    ident = block.slab.u2(NETWORK + 4)[rows].astype(np.uint32)
    more = word[rows] & _MORE != 0
    fragments.append(FragmentRows(block.rows(rows), ident, offset, more, block.spoken[rows]))
    block.protocol[rows[offset > 0]] = NO_PROTOCOL


def _verify(block: Block, is_good: Bools, header: I4) -> None:
    slab = block.slab
    total = slab.raw4(NETWORK)
    for column in range(NETWORK + 4, NETWORK + _SHORTEST, 4):
        total += slab.raw4(column)
    is_right = is_sound(total)
    rows = np.flatnonzero(is_good & (header > _SHORTEST))
    if len(rows):
        block.layers[rows] |= EXTENSIONS
        at = block.frame_at[rows] + block.network[rows]
        is_right[rows] = is_sound(sum_of(octets(slab.data, at, header[rows], _LONGEST)))
    is_bad = is_good & ~is_right
    if is_bad.any():
        block.mark(is_bad, BAD_IP_CHECKSUM)
