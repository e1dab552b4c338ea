"""IPv6 (RFC 8200) and its extension headers, for the rows that are IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import IPV6_KEY
from explain.arrays import among
from explain.capture.walk import gather
from explain.decode.block import NO_PROTOCOL
from explain.decode.slab import members, number
from explain.decode.tags import TYPE_IPV6
from explain.side_tables import FragmentRows
from explain.table import CUT, EXTENSIONS, FRAGMENT, IPV6, LATER_FRAGMENT, MALFORMED, ROUTED

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.decode.intern import Interner
    from explain.table import I8, U1, U8, Bools

_HEADER = 40
_MOST_EXTENSIONS = 16
_HOP_BY_HOP, _TCP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 6, 43, 44, 51, 60
_IS_EXTENSION = members(_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, 135, 139, 140)
"""Of IANA's list: 135 mobility, 139 HIP, 140 Shim6.  What ESP (50) carries cannot be read."""

_MAY_SAY_NOTHING = members(_HOP_BY_HOP, _TCP)
"""Length 0: a jumbogram says its own in an option (RFC 2675, 3), and TCP that the card will cut has none yet."""


def address_keys(octets: U1, addresses: Interner) -> U8:
    """Address keys of uint8[n, 16]."""
    keys = addresses.index(number(octets, 8, 8), number(octets, 0, 8)).view(np.uint64)
    keys += np.uint64(IPV6_KEY)
    return keys


def decode(block: Block, addresses: Interner, fragments: list[FragmentRows]) -> None:
    """Fill layers, addresses, protocol and lengths of the rows that are IPv6."""
    rows = np.flatnonzero(block.ethertype == TYPE_IPV6)
    if not len(rows):
        return
    network = block.network[rows]
    head = gather(block.slab.data, block.frame_at[rows] + network, _HEADER)
    is_whole, is_right = block.captured[rows] - network >= _HEADER, head[:, 0] >> 4 == 6
    is_good = is_whole & is_right
    if not is_good.all():
        block.layers[rows[~is_good]] |= np.where(is_whole, np.uint32(MALFORMED), np.uint32(CUT))[~is_good]
        rows, head, network = rows[is_good], head[is_good], network[is_good]
    if not len(rows):
        return
    block.layers[rows] |= IPV6
    ends = address_keys(head[:, 8:40].reshape(-1, 16), addresses)
    block.source[rows], block.target[rows] = ends[::2], ends[1::2]
    block.table.ttl[block.rows(rows)] = head[:, 7]
    block.table.ip_id[block.rows(rows)] = 0
    said = number(head, 4, 2).astype(np.int32)
    room = block.length[rows] - network - _HEADER
    np.copyto(said, room, where=(said == 0) & _MAY_SAY_NOTHING[head[:, 6]])
    is_long = said > room
    if is_long.any():
        block.layers[rows[is_long]] |= MALFORMED
    block.payload[rows] = np.minimum(said, room)
    block.transport[rows] = network + _HEADER
    block.protocol[rows] = block.spoken[rows] = head[:, 6]
    _follow(block, rows, fragments)


def _follow(block: Block, rows: I8, fragments: list[FragmentRows]) -> None:
    since = len(fragments)
    for _ in range(_MOST_EXTENSIONS):
        rows = rows[_IS_EXTENSION[block.protocol[rows]]]
        if not len(rows):
            return
        rows = _hide(block, rows, block.have_transport(rows) < 8, CUT)
        _step(block, rows, fragments, since)
    rows = rows[_IS_EXTENSION[block.protocol[rows]]]
    _hide(block, rows, np.ones(len(rows), np.bool_), MALFORMED)


def _hide(block: Block, rows: I8, is_lost: Bools, bit: int) -> I8:
    """Rows without those whose layer 4 is lost, and why it is."""
    block.layers[rows[is_lost]] |= bit
    block.protocol[rows[is_lost]] = NO_PROTOCOL
    return rows[~is_lost]


def _step(block: Block, rows: I8, fragments: list[FragmentRows], since: int) -> None:
    """Step over one extension header of each row; of several fragment headers, the first is the one that counts."""
    head = gather(block.slab.data, block.transport_at(rows), 8)
    kind = block.protocol[rows]
    size = (head[:, 1].astype(np.int32) + 1) << 3
    size[kind == _AUTHENTICATION] = (head[kind == _AUTHENTICATION, 1].astype(np.int32) + 2) << 2
    size[kind == _FRAGMENT] = 8
    block.layers[rows] |= EXTENSIONS
    block.layers[rows[(kind == _ROUTING) & (head[:, 3] > 0)]] |= ROUTED  # segments are left (4.4)
    block.protocol[rows] = block.spoken[rows] = head[:, 0]
    _hide(block, rows, size > block.payload[rows], MALFORMED)
    block.transport[rows] += np.minimum(size, block.payload[rows])
    block.payload[rows] = np.maximum(block.payload[rows] - size, 0)
    is_fragment = kind == _FRAGMENT
    if is_fragment.any():
        for known in fragments[since:]:
            is_fragment &= ~among(block.rows(rows), known.row)
        _fragment(block, rows[is_fragment], head[is_fragment], fragments)


def _fragment(block: Block, rows: I8, head: U1, fragments: list[FragmentRows]) -> None:
    word = number(head, 2, 2).astype(np.uint32)
    offset = word & np.uint32(0xFFF8)
    more = word & 1 != 0
    is_part = more | (offset > 0)  # else an atomic fragment, whole in itself (RFC 6946)
    block.layers[rows[is_part]] |= FRAGMENT
    block.layers[rows[offset > 0]] |= LATER_FRAGMENT
    ident = number(head, 4, 4).astype(np.uint32)
    fragments.append(FragmentRows(block.rows(rows), ident, offset, more, block.spoken[rows]))
    block.protocol[rows[offset > 0]] = NO_PROTOCOL
