"""Octets that are needed later: names, messages and heads, copied while they are at hand.

Only what is recognised is copied, so much of each frame and so much in all; the rest of a
capture's payload is never kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.slab import gather
from explain.table import LATER_FRAGMENT, TCP, UDP, ContentRows

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I8, U2, U4

_MOST_OF_A_FRAME = {"dns": 4096, "dhcp": 2048, "dhcpv6": 2048, "http": 1024, "tls": 2048}
_MOST_IN_ALL = 48 << 20
_TCP_HEADER = 20
_UDP_HEADER = 8
_PORTS = {"dns": (53, 5353, 5355), "dhcp": (67, 68), "dhcpv6": (546, 547)}
_HTTP_HEADS = np.array(
    [
        int.from_bytes(word, "little")
        for word in (b"GET ", b"POST", b"HEAD", b"PUT ", b"DELE", b"OPTI", b"PATC", b"HTTP")
    ],
    np.uint32,
)
_TLS_ALERT, _TLS_HANDSHAKE, _TLS_MAJOR = 0x15, 0x16, 0x03


class Contents:
    """What was copied so far, by protocol.

    Attributes:
        found: protocol -> rows and octets; TCP and UDP payloads from their first octet.
    """

    def __init__(self) -> None:
        self.found: dict[str, ContentRows] = {}
        self._room = _MOST_IN_ALL

    def copy(self, block: Block, source_port: U2, target_port: U2) -> None:
        """Copy what some rows of a block carry."""
        is_udp = (block.layers & UDP != 0) & (block.layers & LATER_FRAGMENT == 0)
        for name, ports in _PORTS.items():
            fits = np.zeros(len(block), np.bool_)
            for port in ports:
                fits |= (source_port == port) | (target_port == port)
            rows = np.flatnonzero(fits & is_udp)
            if len(rows):
                self._keep(name, block, rows, np.full(len(rows), _UDP_HEADER, np.int64))
        self._copy_tcp(block, source_port, target_port)

    def _copy_tcp(self, block: Block, source_port: U2, target_port: U2) -> None:
        table_rows = slice(block.first, block.first + len(block))
        has_data = (block.layers & TCP != 0) & (block.table.payload[table_rows] > 3)
        rows = np.flatnonzero(has_data)
        if not len(rows):
            return
        header = block.payload[rows] - block.table.payload[table_rows][rows]
        fits = block.have_transport(rows) >= header + 4
        rows, header = rows[fits], header[fits]
        word: U4 = gather(block.slab.data, block.transport_at(rows) + header, 4).view("<u4")[:, 0]
        is_http = np.isin(word, _HTTP_HEADS)
        kind = word & 0xFF
        is_tls = ((kind == _TLS_HANDSHAKE) | (kind == _TLS_ALERT)) & (word >> 8 & 0xFF == _TLS_MAJOR)
        is_dns = (source_port[rows] == _PORTS["dns"][0]) | (target_port[rows] == _PORTS["dns"][0])
        for name, chosen in (("http", is_http), ("tls", is_tls & ~is_dns), ("dns-tcp", is_dns)):
            if chosen.any():
                self._keep(name, block, rows[chosen], header[chosen])

    def _keep(self, name: str, block: Block, rows: I8, header: I8) -> None:
        into = self.found.setdefault(name, ContentRows([], []))
        limit = _MOST_OF_A_FRAME.get(name, 4096)
        start = block.transport_at(rows) + header
        size = np.clip(block.have_transport(rows) - header, 0, limit)
        data = block.slab.data
        for row, first, count in zip(block.rows(rows).tolist(), start.tolist(), size.tolist(), strict=True):
            if self._room < count:
                return
            self._room -= count
            into.row.append(row)
            into.octets.append(data[first : first + count].tobytes())
