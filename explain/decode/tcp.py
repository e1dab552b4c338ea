"""TCP and UDP (RFC 9293, 768), for all frames of a block at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.slab import TRANSPORT, octets
from explain.table import CUT, FRAGMENT, MALFORMED, TCP, UDP, SynRows

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I8, U1, U2, Bools

PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
_TCP_HEADER = 20
_UDP_HEADER = 8
_SYN = 2
_END, _NOP, _MSS, _WINDOW_SCALE, _SACK_PERMITTED, _TIMESTAMPS = 0, 1, 2, 3, 4, 8


def decode(block: Block, syns: list[SynRows]) -> tuple[U2, U2]:
    """Fill the columns of layer 4; returns source and target ports, 0 where there are none."""
    slab, table = block.slab, block.table
    rows = slice(block.first, block.first + len(block))
    source, target = slab.u2(TRANSPORT), slab.u2(TRANSPORT + 2)
    have = np.minimum(slab.have - TRANSPORT, block.payload)
    is_tcp, is_udp = block.protocol == PROTOCOL_TCP, block.protocol == PROTOCOL_UDP
    header = (slab.u1(TRANSPORT + 12) >> 4).astype(np.int64) << 2
    tcp_fits, udp_fits = have >= _TCP_HEADER, have >= _UDP_HEADER
    is_odd = is_tcp & tcp_fits & ((header < _TCP_HEADER) | (header > block.payload))
    block.layers[(is_tcp & ~tcp_fits) | (is_udp & ~udp_fits)] |= CUT
    block.layers[is_odd] |= MALFORMED
    is_tcp &= tcp_fits & ~is_odd
    is_udp &= udp_fits
    block.layers[is_tcp] |= TCP
    block.layers[is_udp] |= UDP
    table.seq[rows] = np.where(is_tcp, slab.u4(TRANSPORT + 4), 0)
    table.ack[rows] = np.where(is_tcp, slab.u4(TRANSPORT + 8), 0)
    table.flags[rows] = np.where(is_tcp, slab.u1(TRANSPORT + 13), 0)
    table.window[rows] = np.where(is_tcp, slab.u2(TRANSPORT + 14), 0)
    table.checksum[rows] = np.where(is_tcp, slab.u2(TRANSPORT + 16), np.where(is_udp, slab.u2(TRANSPORT + 6), 0))
    payload = block.payload - np.where(is_tcp, header, 0)
    udp_rows = np.flatnonzero(is_udp)
    if len(udp_rows):
        payload[udp_rows] = _udp_payload(block, udp_rows, slab.u2(TRANSPORT + 4)[udp_rows])
    table.payload[rows] = payload
    _syns(block, np.flatnonzero(is_tcp & (table.flags[rows] & _SYN != 0)), header, syns)
    has_ports = is_tcp | is_udp
    return np.where(has_ports, source, 0), np.where(has_ports, target, 0)


def _udp_payload(block: Block, rows: I8, said: U2) -> I8:
    room = block.payload[rows]
    length = said.astype(np.int64)
    length[length == 0] = room[length == 0]  # RFC 2675, and segments left to the card
    is_short = length < _UDP_HEADER
    block.layers[rows[is_short]] |= MALFORMED
    is_long = (length > room) & (block.layers[rows] & FRAGMENT == 0)
    block.layers[rows[is_long]] |= MALFORMED
    return np.maximum(np.minimum(length, room), _UDP_HEADER) - _UDP_HEADER


def _syns(block: Block, rows: I8, header: I8, syns: list[SynRows]) -> None:
    if not len(rows):
        return
    have = np.minimum(header[rows], block.have_transport(rows))
    head = octets(block.slab.data, block.transport_at(rows), have, 60)
    mss = np.zeros(len(rows), np.uint16)
    scale = np.full(len(rows), 255, np.uint8)
    sack, stamps = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    at = np.full(len(rows), _TCP_HEADER, np.int64)
    todo = np.flatnonzero(at < have)
    for _ in range(40):  # forty octets of options hold forty at most
        if not len(todo):
            break
        here = at[todo]
        kind = head[todo, here]
        size = np.where(kind <= _NOP, 1, head[todo, np.minimum(here + 1, 59)]).astype(np.int64)
        fits = (size > 0) & (here + size <= have[todo])
        _note(head, todo[fits], here[fits], kind[fits], (mss, scale, sack, stamps))
        at[todo] += size
        todo = todo[fits & (kind != _END) & (at[todo] < have[todo])]
    syns.append(SynRows(block.rows(rows), mss, scale, sack, stamps))


def _note(head: U1, rows: I8, here: I8, kind: U1, fields: tuple[U2, U1, Bools, Bools]) -> None:
    """Enter one option of each row; a length too short for its kind leaves it absent."""
    mss, scale, sack, stamps = fields
    some, at = rows[(kind == _MSS) & (here < 57)], here[(kind == _MSS) & (here < 57)]
    mss[some] = head[some, at + 2].astype(np.uint16) << 8 | head[some, at + 3]
    some, at = rows[(kind == _WINDOW_SCALE) & (here < 58)], here[(kind == _WINDOW_SCALE) & (here < 58)]
    scale[some] = np.minimum(head[some, at + 2], 14)  # RFC 7323, 2.3
    sack[rows[kind == _SACK_PERMITTED]] = True
    stamps[rows[kind == _TIMESTAMPS]] = True
