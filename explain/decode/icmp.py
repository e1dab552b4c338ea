"""ICMP and ICMPv6 with the packet that an error quotes (RFC 792, 4443, 4861)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.checksum import fold, sum_of
from explain.decode.ipv6 import address_keys
from explain.decode.slab import number, octets
from explain.table import (
    BAD_CHECKSUM,
    CUT,
    FRAGMENT,
    GOOD_CHECKSUM,
    ICMP,
    ICMPV6,
    IPV6,
    NO_MAC,
    IcmpRows,
)

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.decode.intern import Interner
    from explain.table import I8, U1, U8, Bools

PROTOCOL_ICMP = 1
PROTOCOL_ICMPV6 = 58
_HEADER = 8
_PEEK = 128  # header, a quoted IPv6 header with one extension, and the start of what it carried
_ERRORS_V4 = (3, 4, 5, 11, 12)
_REDIRECT_V6 = 137
_TARGETS = (135, 136, _REDIRECT_V6)
_WIDTHS = (64, 128, 256, 512, 1536, 4096, 16384, 65536)


def decode(block: Block, addresses: Interner, icmps: list[IcmpRows]) -> None:
    """Enter the rows that are ICMP or ICMPv6 into the side table."""
    is_v6 = block.layers & IPV6 != 0
    rows = np.flatnonzero(block.protocol == np.where(is_v6, PROTOCOL_ICMPV6, PROTOCOL_ICMP))
    if not len(rows):
        return
    have = block.have_transport(rows)
    block.layers[rows[have < _HEADER]] |= CUT
    rows, have = rows[have >= _HEADER], have[have >= _HEADER]
    v6 = is_v6[rows]
    block.layers[rows] |= np.where(v6, ICMPV6, ICMP).astype(np.uint32)
    block.table.payload[block.rows(rows)] = block.payload[rows] - _HEADER
    head = octets(block.slab.data, block.transport_at(rows), have, _PEEK)
    _verify(block, rows, have, v6)
    icmps.append(_read(block.rows(rows), head, have, v6, addresses))


def _read(rows: I8, head: U1, have: I8, v6: Bools, addresses: Interner) -> IcmpRows:
    count, kind = len(rows), head[:, 0]
    result = IcmpRows(
        rows, v6, kind.copy(), head[:, 1].copy(), number(head, 4, 4).astype(np.uint32),
        np.zeros(count, np.uint64), np.full(count, NO_MAC, np.uint64), np.zeros(count, np.uint8),
        np.zeros(count, np.uint64), np.zeros(count, np.uint64), np.zeros(count, np.uint8),
        np.zeros(count, np.uint16), np.zeros(count, np.uint16), np.zeros(count, np.uint32),
        np.zeros(count, np.uint16), np.zeros(count, np.uint8), np.zeros(count, np.uint16), np.zeros(count, np.uint16),
    )  # fmt: skip
    named = np.flatnonzero(v6 & np.isin(kind, _TARGETS) & (have >= 24))
    if len(named):
        result.target[named] = address_keys(head[named, 8:24], addresses)
    _link_layer_option(result, head, have)
    quoting = np.where(v6, kind < 128, np.isin(kind, _ERRORS_V4))
    version = head[:, 8] >> 4
    _quote_v4(result, np.flatnonzero(quoting & ~v6 & (version == 4) & (have >= 28)), head, have)
    _quote_v6(result, np.flatnonzero(quoting & v6 & (version == 6) & (have >= 48)), head, have, addresses)
    return result


def _link_layer_option(result: IcmpRows, head: U1, have: I8) -> None:
    """Source or target link-layer address, where it is the first option, as it is in practice."""
    at = np.select([result.type == 133, result.type == 134, np.isin(result.type, (135, 136))], [8, 16, 24], 0)
    rows = np.flatnonzero(result.is_v6 & (at > 0) & (have >= at + 8))
    for place in (8, 16, 24):
        some = rows[at[rows] == place]
        some = some[np.isin(head[some, place], (1, 2)) & (head[some, place + 1] == 1)]
        result.mac[some] = number(head[some], place + 2, 6)


def _quote_v4(result: IcmpRows, rows: I8, head: U1, have: I8) -> None:
    if not len(rows):
        return
    quoted = head[rows]
    result.quote[rows] = 4
    result.quote_length[rows] = number(quoted, 10, 2)
    result.quote_ip_id[rows] = number(quoted, 12, 2)
    result.quote_ttl[rows] = quoted[:, 16]
    result.quote_protocol[rows] = quoted[:, 17]
    result.quote_src[rows] = number(quoted, 20, 4)
    result.quote_dst[rows] = number(quoted, 24, 4)
    is_first = number(quoted, 14, 2) & np.uint64(0x1FFF) == 0
    start = _HEADER + ((quoted[:, 8] & 15).astype(np.int64) << 2)
    _quote_transport(result, rows[is_first], quoted[is_first], start[is_first], have[rows][is_first])


def _quote_v6(result: IcmpRows, rows: I8, head: U1, have: I8, addresses: Interner) -> None:
    if not len(rows):
        return
    quoted = head[rows]
    result.quote[rows] = 6
    result.quote_length[rows] = np.minimum(number(quoted, 12, 2) + np.uint64(40), np.uint64(65535))
    result.quote_ttl[rows] = quoted[:, 15]
    result.quote_protocol[rows] = quoted[:, 14]
    result.quote_src[rows] = address_keys(quoted[:, 16:32], addresses)
    result.quote_dst[rows] = address_keys(quoted[:, 32:48], addresses)
    start = np.full(len(rows), 48, np.int64)
    fragmented = np.flatnonzero((quoted[:, 14] == 44) & (have[rows] >= 56))
    result.quote_protocol[rows[fragmented]] = quoted[fragmented, 48]
    start[fragmented] += 8
    is_first = np.ones(len(rows), np.bool_)
    is_first[fragmented] = number(quoted[fragmented], 50, 2) & np.uint64(0xFFF8) == 0
    _quote_transport(result, rows[is_first], quoted[is_first], start[is_first], have[rows][is_first])


def _quote_transport(result: IcmpRows, rows: I8, quoted: U1, start: I8, have: I8) -> None:
    fits = (start + 8 <= have) & (start + 8 <= _PEEK)
    rows, quoted, start = rows[fits], quoted[fits], start[fits]
    if not len(rows):
        return
    eight = quoted[np.arange(len(rows))[:, None], start[:, None] + np.arange(8)]
    is_icmp = np.isin(result.quote_protocol[rows], (PROTOCOL_ICMP, PROTOCOL_ICMPV6))
    has_ports = np.isin(result.quote_protocol[rows], (6, 17, 33, 132, 136))
    result.quote_kind[rows] = np.where(is_icmp, number(eight, 0, 2), 0)
    result.quote_sport[rows] = np.where(has_ports, number(eight, 0, 2), 0)
    result.quote_dport[rows] = np.where(has_ports, number(eight, 2, 2), 0)
    result.quote_word[rows] = number(eight, 4, 4)


def _verify(block: Block, rows: I8, have: I8, v6: Bools) -> None:
    """Checksum over the whole message; not of fragments, nor where the end was not captured."""
    whole = np.flatnonzero((have == block.payload[rows]) & (block.layers[rows] & FRAGMENT == 0))
    narrow = 0
    for width in _WIDTHS:
        some = whole[(have[whole] <= width) & (have[whole] > narrow)]
        narrow = width
        for first in range(0, len(some), 1 << 12):
            _verify_width(block, rows, have, v6, some[first : first + (1 << 12)], width)


def _verify_width(block: Block, rows: I8, have: I8, v6: Bools, some: I8, width: int) -> None:
    spots = rows[some]
    total = sum_of(octets(block.slab.data, block.transport_at(spots), have[some], width))
    total += np.where(v6[some], _pseudo_v6(block, spots, have[some]), np.uint64(0))
    is_sound = fold(total) == 0xFFFF
    block.layers[spots[is_sound]] |= GOOD_CHECKSUM
    block.layers[spots[~is_sound]] |= BAD_CHECKSUM


def _pseudo_v6(block: Block, spots: I8, have: I8) -> U8:
    """Sum of the pseudo-header as little-endian words (RFC 8200, 8.1)."""
    ends = octets(block.slab.data, block.frame_at[spots] + block.network[spots] + 8, np.full(len(spots), 32), 32)
    total = sum_of(ends)
    total += have.astype(np.uint16).byteswap().astype(np.uint64)
    return total + np.uint64(PROTOCOL_ICMPV6 << 8)
