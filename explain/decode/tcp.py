"""TCP and UDP (RFC 9293, 768), for all frames of a block at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture.walk import gather
from explain.decode.slab import TRANSPORT, octets
from explain.side_tables import FAR_BLOCK, NO_SCALE, SynRows, TwiceRows
from explain.table import CUT, FRAGMENT, IPV6, MALFORMED, SYN, TCP, UDP

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.decode.slab import Slab
    from explain.table import I4, I8, U1, U2, U4, U8, Bools

_PROTOCOL_TCP = 6
_PROTOCOL_UDP = 17
_TCP_HEADER = 20
_UDP_HEADER = 8
_LONGEST_HEADER = 60
_BEHIND = 4  # zeros that end the options where nothing else does
_LARGEST_SCALE = 14  # RFC 7323, 2.3

_END, _NOP, _MSS, _WINDOW_SCALE, _SACK_PERMITTED, _SACK, _TIMESTAMPS = 0, 1, 2, 3, 4, 5, 8
_MULTIPATH, _MULTIPATH_AT = 30, 9  # RFC 8684; and where it is found among those below
_SIGNED, _SIGNED_AT = (19, 29), 10  # MD5 (RFC 2385) and TCP-AO (RFC 5925)
_KINDS = 11  # kinds of options from here on are of no interest
_SACK_HEADER = _TCP_HEADER + 12  # with two NOPs before one block, as everybody writes it
_SACK_AT = _TCP_HEADER + 2
_STAMPED_HEADER = _SACK_HEADER + 12  # with a timestamp before that
_BLOCK, _ONE_BLOCK, _TWO_BLOCKS = 8, 10, 18  # octets: of a block, and of an option with one or two of them
_KEY_AT, _JOINS, _SUBTYPES = 4, 12, 2  # MP_CAPABLE and MP_JOIN; of its three forms the one in a SYN
_PLACES = np.array([kind if kind < _MULTIPATH_AT else _KINDS for kind in range(256)])
_PLACES[_MULTIPATH], _PLACES[[*_SIGNED]] = _MULTIPATH_AT, _SIGNED_AT
_MOST_OPTIONS = _LONGEST_HEADER - _TCP_HEADER  # of one octet each


def decode(block: Block, syns: list[SynRows], twice: list[TwiceRows]) -> tuple[U2, U2]:
    """Fill the columns of layer 4; returns source and target ports, 0 where there are none.

    ``payload`` of the block becomes what UDP says, where UDP says less than IP.
    """
    slab, table, part = block.slab, block.table, block.part
    have = np.minimum(block.captured - block.transport, block.payload)
    header = (slab.u1(TRANSPORT + 12) >> 4).astype(np.int32) << 2
    is_tcp = _tcp_rows(block, have, header)
    is_udp = _udp_rows(block, have)
    header *= is_tcp
    not_tcp = np.flatnonzero(~is_tcp)
    for column, at in (("seq", 4), ("ack", 8), ("flags", 13), ("window", 14), ("checksum", 16)):
        target = getattr(table, column)[part]
        slab.copy_into(target, TRANSPORT + at)
        target[not_tcp] = 0
    table.payload[part] = block.payload - header
    udp = np.flatnonzero(is_udp)
    if len(udp):
        _udp(block, udp)
    is_syn = table.flags[part] & SYN != 0
    _syns(block, np.flatnonzero(is_tcp & is_syn), header, syns)
    _twice(block, np.flatnonzero(_may_have_sack(slab, header) & ~is_syn), header, twice)
    source, target = slab.u2(TRANSPORT), slab.u2(TRANSPORT + 2)
    neither = not_tcp[~is_udp[not_tcp]]
    source[neither] = target[neither] = 0
    return source, target


def _tcp_rows(block: Block, have: I4, header: I4) -> Bools:
    """Rows with the fixed part of a TCP header; what is wrong with the header of any is marked."""
    is_tcp = block.protocol == _PROTOCOL_TCP
    is_good: Bools = is_tcp & (have >= _TCP_HEADER) & (header >= _TCP_HEADER) & (header <= block.payload)
    block.mark(is_good, TCP)
    odd = np.flatnonzero(is_tcp & ~(is_good & (have >= header)))
    if len(odd):
        is_wrong = ~is_good[odd] & ((block.payload[odd] < _TCP_HEADER) | (have[odd] >= _TCP_HEADER))
        block.layers[odd] |= np.where(is_wrong, np.uint32(MALFORMED), np.uint32(CUT))
    return is_good


def _udp_rows(block: Block, have: I4) -> Bools:
    is_udp = block.protocol == _PROTOCOL_UDP
    is_good: Bools = is_udp & (have >= _UDP_HEADER)
    block.mark(is_good, UDP)
    rows = np.flatnonzero(is_udp & ~is_good)
    if len(rows):
        is_wrong = block.payload[rows] < _UDP_HEADER
        block.layers[rows] |= np.where(is_wrong, np.uint32(MALFORMED), np.uint32(CUT))
    return is_good


def _udp(block: Block, rows: I8) -> None:
    """Checksum and length of UDP; octets that IP carries beyond the datagram are no payload."""
    block.table.checksum[block.rows(rows)] = block.slab.u2(TRANSPORT + 6)[rows]
    length, room = block.slab.wide2(TRANSPORT + 4)[rows], block.payload[rows]
    layers = block.layers[rows]
    is_jumbo = (length == 0) & (layers & IPV6 != 0)  # RFC 2675, 4
    length[is_jumbo] = room[is_jumbo]
    is_wrong = (length < _UDP_HEADER) | ((length > room) & (layers & FRAGMENT == 0))
    block.layers[rows[is_wrong]] |= MALFORMED
    block.payload[rows] = np.clip(length, _UDP_HEADER, room)
    block.table.payload[block.rows(rows)] = block.payload[rows] - _UDP_HEADER


def _syns(block: Block, rows: I8, header: I4, syns: list[SynRows]) -> None:
    if not len(rows):
        return
    have = np.minimum(header[rows], block.have_transport(rows))
    head = octets(block.slab.data, block.transport_at(rows), have, _LONGEST_HEADER + _BEHIND + _BLOCK)
    found = _options(head, have)
    mss_at, scale_at = found[_MSS], found[_WINDOW_SCALE]
    index = np.arange(len(rows))
    mss = head[index, mss_at + 2].astype(np.uint16) << 8 | head[index, mss_at + 3]
    scale = np.minimum(head[index, scale_at + 2], _LARGEST_SCALE)
    syns.append(
        SynRows(
            block.rows(rows),
            np.where((mss_at > 0) & (head[index, mss_at + 1] == 4), mss, 0).astype(np.uint16),
            np.where((scale_at > 0) & (head[index, scale_at + 1] == 3), scale, NO_SCALE).astype(np.uint8),
            found[_SACK_PERMITTED] > 0,
            found[_TIMESTAMPS] > 0,
            *_multipath(head, found[_MULTIPATH_AT]),
            found[_SIGNED_AT] > 0,
        )
    )


def _multipath(head: U1, at: I8) -> tuple[U1, U8]:
    """What a SYN says of MPTCP, one more than the subtype, and the key or the token with it; 0 where nothing."""
    index = np.arange(len(head))
    size = head[index, at + 1] * (at > 0)
    subtype = head[index, at + 2] >> 4
    words = np.zeros((len(head), 8), np.uint8)
    spots = at[:, None] + np.arange(_KEY_AT, _KEY_AT + 8)
    has_key, has_token = (subtype == 0) & (size >= _KEY_AT + 8), (subtype == 1) & (size == _JOINS)
    words[has_key] = np.take_along_axis(head, spots, axis=1)[has_key]
    words[has_token, 4:] = np.take_along_axis(head, spots[:, :4], axis=1)[has_token]
    kind = np.where((size > 0) & (subtype < _SUBTYPES), subtype + np.uint8(1), np.uint8(0))
    return kind.astype(np.uint8), words.view(">u8")[:, 0].astype(np.uint64)


def _may_have_sack(slab: Slab, header: I4) -> Bools:
    """Segments with options beyond a timestamp, or with one of its size that is none."""
    is_one: Bools = (header == _SACK_HEADER) & (slab.u1(TRANSPORT + _SACK_AT) == _SACK)
    return is_one | (header > _SACK_HEADER)


def _twice(block: Block, rows: I8, header: I4, twice: list[TwiceRows]) -> None:
    """A first block below what is confirmed, within the second one, or far away does not tell of what is missing."""
    rows = rows[~_tell_of_a_gap(block, rows, header[rows])]
    if not len(rows):
        return
    have = np.minimum(header[rows], block.have_transport(rows))
    head = octets(block.slab.data, block.transport_at(rows), have, _LONGEST_HEADER + _BEHIND + 2 * _BLOCK)
    at = _options(head, have)[_SACK]
    some = np.flatnonzero(at)
    rows, head, at = rows[some], head[some], at[some]
    size = head[np.arange(len(some)), at + 1]
    spots = at[:, None] + np.arange(2, 2 + 2 * _BLOCK)
    start, end, outer, outer_end = np.ascontiguousarray(np.take_along_axis(head, spots, axis=1)).view(">u4").T
    confirmed = block.table.ack[block.rows(rows)]
    is_within = (size >= _TWO_BLOCKS) & (_step(outer, start) >= 0) & (_step(end, outer_end) >= 0)
    is_told = is_within | (_step(end, confirmed) >= 0) | (_step(confirmed, start) >= FAR_BLOCK)
    keep = np.flatnonzero((size >= 2 + _BLOCK) & (_step(start, end) > 0) & is_told)
    if len(keep):
        twice.append(TwiceRows(block.rows(rows[keep]), start[keep].astype(np.uint32), end[keep].astype(np.uint32)))


def _tell_of_a_gap(block: Block, rows: I8, header: I4) -> Bools:
    """Segments with a timestamp and one block, above what is confirmed: nearly all that have a block are such."""
    is_it: Bools = (header == _STAMPED_HEADER) & (block.have_transport(rows) >= _STAMPED_HEADER)
    some = np.flatnonzero(is_it)
    if not len(some):
        return is_it
    option = gather(block.slab.data, block.transport_at(rows[some]) + _STAMPED_HEADER - _ONE_BLOCK, _ONE_BLOCK)
    is_one: Bools = (option[:, 0] == _SACK) & (option[:, 1] == _ONE_BLOCK)
    end = np.ascontiguousarray(option[:, _ONE_BLOCK - 4 :]).view(">u4")[:, 0]
    beyond = _step(block.table.ack[block.rows(rows[some])], end)
    is_it[some] = is_one & (beyond > 0) & (beyond < FAR_BLOCK)
    return is_it


def _step(one: U4, other: U4) -> I4:
    """By how much one sequence number comes before another."""
    return (other - one).astype(np.uint32).view(np.int32)


def _options(head: U1, have: I4) -> I8:
    """Where each kind of option begins in a header of ``have`` octets and zeros; int64[kinds, n], 0 where absent.

    Source: RFC 9293, 3.1.
    """
    found = np.zeros((_KINDS + 1, len(head)), np.int64)
    todo = np.arange(len(head))
    at = np.full(len(head), _TCP_HEADER)
    for _ in range(_MOST_OPTIONS):
        kind = head[todo, at]
        size = np.where(kind == _NOP, 1, head[todo, at + 1])
        fits = (kind != _END) & (size > 0) & (at + size <= have[todo])
        todo, at, kind, size = todo[fits], at[fits], kind[fits], size[fits]
        if not len(todo):
            break
        found[_PLACES[kind], todo] = at
        at = at + size
    return found[:_KINDS]
