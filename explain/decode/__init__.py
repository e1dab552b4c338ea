"""Frames -> PacketTable: one file per header, all frames at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode import arp, icmp, ipv4, ipv6, link, tcp
from explain.decode.block import NO_PROTOCOL, Block
from explain.decode.contents import Contents
from explain.decode.intern import Interner
from explain.decode.slab import NETWORK, TRANSPORT, Slab
from explain.table import (
    IP,
    IPV6,
    NO_FLOW,
    REVERSED,
    Addresses,
    ArpRows,
    Flows,
    FragmentRows,
    IcmpRows,
    Links,
    PacketTable,
    Place,
    SynRows,
    stack,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.capture.frames import Frames
    from explain.model import Interface
    from explain.table import U2

_BLOCK = 1 << 15  # 72 octets of so many frames stay in the second-level cache
_LOOPBACK_DEVICE = 772  # ARPHRD_LOOPBACK
_SIXTEEN = np.uint64(16)
_PLACE_SHIFT = np.uint64(49)
_PROTOCOL_SHIFT = np.uint64(56)
_MOST_PLACES = 1 << 15


class Decoder:
    """Takes windows of frames, file after file, and fills one table."""

    def __init__(self) -> None:
        self.table = PacketTable()
        self._addresses = Interner()
        self._links = Interner()
        self._flows = Interner()
        self._places: dict[Place, int] = {}
        self._frames_seen: dict[int, int] = {}
        self._arps: list[ArpRows] = []
        self._icmps: list[IcmpRows] = []
        self._syns: list[SynRows] = []
        self._fragments: list[FragmentRows] = []
        self._contents = Contents()

    def add(self, frames: Frames, capture: int, interfaces: Sequence[Interface]) -> None:
        """Decode one window of file ``capture``, whose interfaces are known so far."""
        count = len(frames.start)
        self.table.reserve(count)
        for first in range(0, count, _BLOCK):
            last = min(first + _BLOCK, count)
            used = frames.interface[first:last]
            if count and used.min() == used.max():
                self._runs(frames, capture, interfaces, first, last)
                continue
            cuts = np.flatnonzero(np.diff(used)) + 1 + first
            for start, end in zip([first, *cuts.tolist()], [*cuts.tolist(), last], strict=True):
                self._runs(frames, capture, interfaces, start, end)

    def _runs(self, frames: Frames, capture: int, interfaces: Sequence[Interface], first: int, last: int) -> None:
        """Decode frames of one interface."""
        index = int(frames.interface[first])
        part = slice(first, last)
        table, row = self.table, self.table.rows
        rows = slice(row, row + last - first)
        number = self._frames_seen.get(capture, 0)
        self._frames_seen[capture] = number + last - first
        table.time_ns[rows] = frames.time_ns[part]
        table.offset[rows] = frames.start[part] + frames.base
        table.frame[rows] = np.arange(number + 1, number + 1 + last - first)
        table.captured[rows] = frames.captured[part]
        table.length[rows] = frames.length[part]
        table.rows += last - first
        self._decode(frames, part, row, capture, index, interfaces[index])

    def _decode(self, frames: Frames, part: slice, row: int, capture: int, index: int, interface: Interface) -> None:
        captured = np.minimum(frames.captured[part], frames.length[part]).astype(np.int64)
        slab = Slab(frames.data, frames.start[part], captured)
        fields = link.read(slab, interface.link_type)
        count = len(captured)
        zeros = np.zeros(count, np.int64)
        block = Block(
            self.table, row, slab, frames.start[part], captured, frames.length[part].astype(np.int64),
            fields.ethertype, fields.network, fields.layers, np.full(count, NO_PROTOCOL, np.uint8),
            np.full(count, NO_PROTOCOL, np.uint8), zeros, np.zeros(count, np.int64),
            np.zeros(count, np.uint64), np.zeros(count, np.uint64),
        )  # fmt: skip
        rows = slice(row, row + count)
        self.table.vlan[rows] = fields.vlan
        self.table.link[rows] = self._links.index(fields.mac_low, fields.mac_high)
        places = self._place(fields, slab, capture, index, interface)
        self.table.place[rows] = places
        shifted = np.flatnonzero(fields.network != NETWORK)
        if len(shifted):
            slab.shift(shifted, fields.network[shifted] - NETWORK)
        self._network(block)
        ports = tcp.decode(block, self._syns)
        self._flow(block, places, *ports)
        self._contents.copy(block, *ports)
        icmp.decode(block, self._addresses, self._icmps)
        self.table.layers[rows] |= block.layers

    def _network(self, block: Block) -> None:
        """Layer 3, and then every row shifted so that layer 4 lies in its column."""
        slab = block.slab
        rows = slice(block.first, block.first + len(block))
        ipv4.decode(block, self._fragments)
        ipv6.decode(block, self._addresses, self._fragments)
        arp.decode(block, self._arps)
        has_ip = block.layers & IP != 0
        if not has_ip.all():
            self.table.ttl[rows][~has_ip] = 0
            self.table.ip_id[rows][~has_ip] = 0
        else:
            self.table.ip_id[rows][block.layers & IPV6 != 0] = 0
        offset = block.transport - block.network - (TRANSPORT - NETWORK)
        shifted = np.flatnonzero(has_ip & (offset != 0))
        if len(shifted):
            slab.shift(shifted, offset[shifted])

    def _flow(self, block: Block, places: U2, source_port: U2, target_port: U2) -> None:
        rows = slice(block.first, block.first + len(block))
        has_ip = block.layers & IP != 0
        source = block.source << _SIXTEEN | source_port
        target = block.target << _SIXTEEN | target_port
        # Bits 0-15 the port, 16-48 the address key; above them the protocol, or the place.
        low, high = np.minimum(source, target), np.maximum(source, target)
        low |= block.spoken.astype(np.uint64) << _PROTOCOL_SHIFT
        high |= places.astype(np.uint64) << _PLACE_SHIFT
        self.table.layers[rows] = np.where(has_ip & (source > target), np.uint32(REVERSED), np.uint32(0))
        if has_ip.all():
            self.table.flow[rows] = self._flows.index(low, high)
        else:
            flow = np.full(len(block), NO_FLOW, np.uint32)
            flow[has_ip] = self._flows.index(low[has_ip], high[has_ip])
            self.table.flow[rows] = flow

    def _place(self, fields: link.LinkFields, slab: Slab, capture: int, index: int, interface: Interface) -> U2:
        """The place of each row: the interface, or the device that SLL2 names."""
        name = interface.vantage or interface.name
        if interface.link_type != link.SLL2_LINK:
            return np.full(len(slab.at), self._place_index(Place(capture, index, name)), np.uint16)
        is_echo = (slab.u2(8) == _LOOPBACK_DEVICE) & (slab.u1(10) == 4)
        keys = fields.device << 1 | is_echo
        distinct, inverse = np.unique(keys, return_inverse=True)
        known = [self._place_index(Place(capture, index, name, key >> 1, bool(key & 1))) for key in distinct.tolist()]
        return np.array(known, np.uint16)[inverse]

    def _place_index(self, place: Place) -> int:
        """Past the most places the last one stands for all further ones."""
        known = self._places.get(place)
        if known is None:
            if len(self.table.places) == _MOST_PLACES:
                return _MOST_PLACES - 1
            known = self._places[place] = len(self.table.places)
            self.table.places.append(place)
        return known

    def finish(self) -> PacketTable:
        """The table of all that was added."""
        table = self.table
        table.trim()
        table.addresses = Addresses(
            self._addresses.high[: len(self._addresses)], self._addresses.low[: len(self._addresses)]
        )
        links = slice(0, len(self._links))
        table.links = Links(*link.mac_keys(self._links.low[links], self._links.high[links]))
        table.flows = _flows(self._flows)
        table.arp = stack(ArpRows, self._arps)
        table.icmp = stack(IcmpRows, self._icmps)
        table.syn = stack(SynRows, self._syns)
        table.contents = self._contents.found
        table.fragments = stack(FragmentRows, self._fragments)
        return table


def _flows(keys: Interner) -> Flows:
    low, high = keys.low[: len(keys)], keys.high[: len(keys)]
    address = np.uint64((1 << 33) - 1)
    port = np.uint64(0xFFFF)
    return Flows(
        low >> _SIXTEEN & address,
        high >> _SIXTEEN & address,
        (low & port).astype(np.uint16),
        (high & port).astype(np.uint16),
        (low >> _PROTOCOL_SHIFT).astype(np.uint8),
        (high >> _PLACE_SHIFT).astype(np.uint16),
    )
