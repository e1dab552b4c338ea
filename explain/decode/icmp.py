"""ICMP and ICMPv6 with the packet that an error quotes (RFC 792, 4443, 4861)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.decode.checksum import is_sound, pseudo_sums, segment_sums
from explain.decode.ipv6 import address_keys
from explain.decode.slab import members, number, octets
from explain.side_tables import IcmpRows
from explain.table import BAD_CHECKSUM, CUT, FRAGMENT, GOOD_CHECKSUM, ICMP, ICMPV6, IPV6, MALFORMED, ROUTED

if TYPE_CHECKING:
    from explain.addresses import Addresses
    from explain.decode.block import Block
    from explain.decode.intern import Interner
    from explain.table import I4, I8, U1, Bools

_PROTOCOL_ICMP = 1
_PROTOCOL_ICMPV6 = 58
_HEADER = 8
_PEEK = 128  # header, a quoted IPv6 header with some extensions, and the start of what it carried
_IPV4_HEADER, _IPV6_HEADER, _FRAGMENT_HEADER = 20, 40, 8
_QUOTED = 8  # octets of layer 4 that an error quotes at least (RFC 792)
_QUOTED_PORTS = 4  # of them; a frame may be cut behind these
_NEXT_IS_FRAGMENT = 44
_MOST_EXTENSIONS = 4
_REDIRECT, _REDIRECTED_HEADER = 137, 4
_REDIRECT_OPTIONS, _OPTION_UNIT = 40, 8

_IS_ERROR_V4 = members(3, 4, 5, 11, 12)
_IS_EXTENSION = members(0, 43, _NEXT_IS_FRAGMENT, 60)  # options for each hop, routing, and for the target
_IS_ICMP = members(_PROTOCOL_ICMP, _PROTOCOL_ICMPV6)
_HAS_PORTS = members(6, 17, 33, 132, 136)  # TCP, UDP, DCCP, SCTP, UDP-Lite
_HAS_TARGET = members(135, 136, 137)  # neighbour solicitation and advertisement, redirect
_OPTION_AT = np.zeros(256, np.int32)  # where the options of router and neighbour messages begin
_OPTION_AT[[133, 134, 135, 136]] = 8, 16, 24, 24
_IS_LINK_LAYER_ADDRESS = members(1, 2)  # of the source, of the target (RFC 4861, 4.6.1)


def decode(block: Block, addresses: Interner, icmps: list[IcmpRows]) -> None:
    """Enter the rows that are ICMP or ICMPv6 into the side table."""
    rows = np.flatnonzero((block.protocol == _PROTOCOL_ICMP) | (block.protocol == _PROTOCOL_ICMPV6))
    v6 = block.layers[rows] & IPV6 != 0
    is_own = block.protocol[rows] == np.where(v6, _PROTOCOL_ICMPV6, _PROTOCOL_ICMP)
    rows, v6 = rows[is_own], v6[is_own]
    if not len(rows):
        return
    have = block.have_transport(rows)
    fits = have >= _HEADER
    is_wrong = block.payload[rows] < _HEADER
    block.layers[rows[~fits]] |= np.where(is_wrong, np.uint32(MALFORMED), np.uint32(CUT))[~fits]
    rows, have, v6 = rows[fits], have[fits], v6[fits]
    block.layers[rows] |= np.where(v6, np.uint32(ICMPV6), np.uint32(ICMP))
    block.table.payload[block.rows(rows)] = block.payload[rows] - _HEADER
    head = octets(block.slab.data, block.transport_at(rows), have, _PEEK)
    block.table.checksum[block.rows(rows)] = number(head, 2, 2)
    icmps.append(_read(block.rows(rows), head, have, v6, addresses))


def _read(rows: I8, head: U1, have: I4, v6: Bools, addresses: Interner) -> IcmpRows:
    count, kind = len(rows), head[:, 0].copy()
    result = IcmpRows(
        row=rows,
        is_v6=v6,
        type=kind,
        code=head[:, 1].copy(),
        word=number(head, 4, 4).astype(np.uint32),
        target=np.zeros(count, np.uint64),
        mac=np.full(count, NO_MAC, np.uint64),
        quote=np.zeros(count, np.uint8),
        quote_src=np.zeros(count, np.uint64),
        quote_dst=np.zeros(count, np.uint64),
        quote_protocol=np.zeros(count, np.uint8),
        quote_sport=np.zeros(count, np.uint16),
        quote_dport=np.zeros(count, np.uint16),
        quote_word=np.zeros(count, np.uint32),
        quote_kind=np.zeros(count, np.uint16),
        quote_ttl=np.zeros(count, np.uint8),
        quote_ip_id=np.zeros(count, np.uint16),
        quote_length=np.zeros(count, np.uint16),
    )
    version = head[:, _HEADER] >> 4
    is_quoting = ~v6 & _IS_ERROR_V4[kind] & (version == 4) & (have >= _HEADER + _IPV4_HEADER)
    _quote_v4(result, np.flatnonzero(is_quoting), head, have)
    if v6.any():
        _neighbours(result, np.flatnonzero(v6), head, have, addresses)
        is_quoting = v6 & (kind < 128) & (version == 6) & (have >= _HEADER + _IPV6_HEADER)
        _quote_v6(result, np.flatnonzero(is_quoting), head, have, addresses)
        _quote_redirected(result, np.flatnonzero(v6 & (kind == _REDIRECT)), head, have, addresses)
    return result


def _neighbours(result: IcmpRows, rows: I8, head: U1, have: I4, addresses: Interner) -> None:
    """The target of neighbour discovery, and the link-layer address where it is the first option."""
    named = rows[_HAS_TARGET[result.type[rows]] & (have[rows] >= 24)]
    if len(named):
        result.target[named] = address_keys(head[named, 8:24], addresses)
    at = _OPTION_AT[result.type]
    for place in (8, 16, 24):
        some = rows[(at[rows] == place) & (have[rows] >= place + 8)]
        some = some[_IS_LINK_LAYER_ADDRESS[head[some, place]] & (head[some, place + 1] == 1)]
        result.mac[some] = number(head[some], place + 2, 6)


def _quote_v4(result: IcmpRows, rows: I8, head: U1, have: I4) -> None:
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
    start = _HEADER + ((quoted[:, 8] & 15).astype(np.int32) << 2)
    is_first &= start >= _HEADER + _IPV4_HEADER
    _quote_transport(result, rows[is_first], quoted[is_first], start[is_first], have[rows][is_first])


def _quote_v6(result: IcmpRows, rows: I8, head: U1, have: I4, addresses: Interner) -> None:
    if not len(rows):
        return
    quoted = head[rows]
    result.quote[rows] = 6
    result.quote_length[rows] = np.minimum(number(quoted, 12, 2) + np.uint64(_IPV6_HEADER), np.uint64(0xFFFF))
    result.quote_ttl[rows] = quoted[:, 15]
    ends = address_keys(quoted[:, 16:48].reshape(-1, 16), addresses)
    result.quote_src[rows], result.quote_dst[rows] = ends[::2], ends[1::2]
    protocol, start, is_first = _behind_extensions(quoted, have[rows])
    result.quote_protocol[rows] = protocol
    _quote_transport(result, rows[is_first], quoted[is_first], start[is_first], have[rows][is_first])


def _behind_extensions(quoted: U1, have: I4) -> tuple[U1, I4, Bools]:
    """What a quoted IPv6 packet carries behind its extension headers, where that begins, and whether it begins there.

    Source: RFC 8200, section 4.
    """
    protocol, start = quoted[:, 14].copy(), np.full(len(quoted), _HEADER + _IPV6_HEADER, np.int32)
    is_first = np.ones(len(quoted), np.bool_)
    for _ in range(_MOST_EXTENSIONS):
        some = np.flatnonzero(_IS_EXTENSION[protocol] & is_first & (start + _QUOTED <= np.minimum(have, _PEEK)))
        if not len(some):
            break
        at, kind = start[some], protocol[some]
        is_fragment = kind == _NEXT_IS_FRAGMENT
        size = np.where(is_fragment, 0, quoted[some, at + 1]).astype(np.int32)
        is_first[some] = ~is_fragment | (quoted[some, at + 2] == 0) & (quoted[some, at + 3] & 0xF8 == 0)
        protocol[some] = quoted[some, at]
        start[some] += (size + 1) << 3
    return protocol, start, is_first


def _quote_redirected(result: IcmpRows, rows: I8, head: U1, have: I4, addresses: Interner) -> None:
    """A redirect quotes the packet in an option, behind the router's link-layer address if it gives that.

    Source: RFC 4861, 4.5 and 4.6.3.
    """
    for at in (_REDIRECT_OPTIONS, _REDIRECT_OPTIONS + _OPTION_UNIT):
        some = rows[have[rows] >= at + _OPTION_UNIT + _IPV6_HEADER]
        some = some[(head[some, at] == _REDIRECTED_HEADER) & (head[some, at + _OPTION_UNIT] >> 4 == 6)]
        if at > _REDIRECT_OPTIONS:  # behind one option of eight octets
            some = some[head[some, _REDIRECT_OPTIONS + 1] == 1]
        if len(some):
            shifted = np.zeros_like(head)
            shifted[:, :-at] = head[:, at:]
            _quote_v6(result, some, shifted, have - at, addresses)


def _quote_transport(result: IcmpRows, rows: I8, quoted: U1, start: I4, have: I4) -> None:
    fits = (start + _QUOTED_PORTS <= have) & (start + _QUOTED <= _PEEK)
    rows, quoted, start, have = rows[fits], quoted[fits], start[fits], have[fits]
    if not len(rows):
        return
    eight = quoted[np.arange(len(rows))[:, None], start[:, None] + np.arange(_QUOTED)]
    protocol = result.quote_protocol[rows]
    has_ports = _HAS_PORTS[protocol]
    result.quote_kind[rows] = np.where(_IS_ICMP[protocol], number(eight, 0, 2), 0)
    result.quote_sport[rows] = np.where(has_ports, number(eight, 0, 2), 0)
    result.quote_dport[rows] = np.where(has_ports, number(eight, 2, 2), 0)
    result.quote_word[rows] = np.where(start + _QUOTED <= have, number(eight, 4, 4), 0)


def verify(block: Block, addresses: Addresses) -> None:
    """Verify the checksum of every whole message; ICMPv6 covers addresses, ICMP does not (RFC 4443, 2.3)."""
    rows = np.flatnonzero(block.layers & (ICMP | ICMPV6) != 0)
    size = block.payload[rows]
    is_fit = (block.have_transport(rows) == size) & (block.layers[rows] & (FRAGMENT | ROUTED | MALFORMED) == 0)
    rows, size = rows[is_fit], size[is_fit]
    if not len(rows):
        return
    pseudo = pseudo_sums(addresses, block.source[rows], block.target[rows], block.protocol[rows], size)
    pseudo[block.layers[rows] & ICMP != 0] = 0
    total = segment_sums(block.slab.data, block.transport_at(rows), size) + pseudo
    block.layers[rows] |= np.where(is_sound(total), np.uint32(GOOD_CHECKSUM), np.uint32(BAD_CHECKSUM))
