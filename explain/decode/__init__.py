"""Frames -> PacketTable: one file per header, all frames at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import Addresses
from explain.decode import arp, beside, checksum, icmp, ipv4, ipv6, link, tcp, vlans
from explain.decode.block import Block
from explain.decode.contents import Contents
from explain.decode.intern import Interner
from explain.decode.slab import LINK, NETWORK, TRANSPORT, Slab
from explain.flows import Flows, Links, Place
from explain.side_tables import (
    ArpRows,
    BesideRows,
    FragmentRows,
    IcmpRows,
    InsideRows,
    SynRows,
    TwiceRows,
    by_row,
    stack,
)
from explain.table import IP, NO_FLOW, REVERSED, PacketTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.capture.frames import Frames
    from explain.model import Interface
    from explain.table import I8, U2, U4

_BLOCK = 1 << 16  # what costs once a block is cheap enough, and the columns in work fit into a cache
_LOOPBACK_DEVICE = 772  # ARPHRD_LOOPBACK
_OUTGOING = 4  # packet type of SLL2
_SIXTEEN = np.uint64(16)
_PLACE_SHIFT = np.uint64(49)
_PROTOCOL_SHIFT = np.uint64(56)
_MOST_PLACES = 1 << 15
MOST_SUMMED = 2 << 20
"""Octets of a file whose sums are cheap enough to be verified always: all of most small captures."""
_DEVICE_BITS = 34  # an interface index of 32 bits, whether there is one, and whether it is a loopback's echo
_DEVICE_MASK = (1 << _DEVICE_BITS) - 1


class Decoder:
    """Takes windows of frames, file after file, and fills one table.

    Args:
        most_summed: octets of a file's TCP and UDP in frames that are not small whose checksums are verified, from
            its first frame on; None for all.  Small ones are always verified.
        inside: read packets that carry others as the innermost ones.
    """

    def __init__(self, *, most_summed: int | None = MOST_SUMMED, inside: bool = False) -> None:
        self.table = PacketTable()
        self._most_summed = most_summed
        self._summed: dict[int, int] = {}
        self._addresses = Interner()
        self._links = Interner()
        self._flows = Interner()
        self._places: dict[Place, int] = {}
        self._named: dict[tuple[Place, int], int] = {}
        self._until_ns: dict[int, int] = {}
        self._frames_seen: dict[int, int] = {}
        self._arps: list[ArpRows] = []
        self._icmps: list[IcmpRows] = []
        self._syns: list[SynRows] = []
        self._twice: list[TwiceRows] = []
        self._fragments: list[FragmentRows] = []
        self._besides: list[BesideRows] = []
        self._insides: list[InsideRows] | None = [] if inside else None
        self._contents = Contents()

    def add(
        self,
        frames: Frames,
        capture: int,
        interfaces: Sequence[Interface],
        chosen: Sequence[int] = (),
        numbers: U4 | None = None,
    ) -> None:
        """Decode one window of file ``capture``, whose interfaces are known so far; or some of its interfaces only.

        Frames are numbered on from those before them, unless their numbers are given.
        """
        if numbers is None:
            first = self._frames_seen.get(capture, 0) + 1
            numbers = np.arange(first, first + len(frames.start), dtype=np.uint32)
            self._frames_seen[capture] = first - 1 + len(numbers)
        if chosen:
            keep = np.flatnonzero(np.isin(frames.interface, chosen))
            frames, numbers = _some(frames, keep), numbers[keep]
        count = len(numbers)
        self.table.reserve(count)
        if not count:
            return
        for start, stop in pairwise((*range(0, count, _BLOCK), count)):
            self._run(frames, slice(start, stop), numbers, capture, interfaces)

    def _run(self, frames: Frames, part: slice, numbers: U4, capture: int, interfaces: Sequence[Interface]) -> None:
        """Decode one block of frames."""
        table, count = self.table, part.stop - part.start
        rows = slice(table.rows, table.rows + count)
        table.frame[rows] = numbers[part]
        table.time_ns[rows] = frames.time_ns[part]
        np.add(frames.start[part], frames.base, out=table.offset[rows])
        table.captured[rows] = frames.captured[part]
        table.length[rows] = length = frames.length[part]
        captured = np.minimum(frames.captured[part], frames.length[part]).view(np.int32)
        heads = None if frames.heads is None else frames.heads[:, part]
        slab = Slab(frames.data, frames.start[part], captured, heads)
        used = frames.interface[part]
        link_types = _link_types(used, interfaces)
        fields = link.read(slab, link_types)
        table.place[rows] = self._place(fields, slab, frames.time_ns[part], capture, used, interfaces)
        if self._insides is not None:
            slab, fields = self._peel(slab, rows, link_types, fields)
            length = table.length[rows]
        table.vlan[rows] = fields.vlan
        table.link[rows] = self._links.index(fields.mac_low, fields.mac_high)
        self._decode(Block(table, rows.start, slab, length, fields), capture)
        table.rows = rows.stop

    def _peel(
        self, slab: Slab, rows: slice, link_types: int | I8, fields: link.LinkFields
    ) -> tuple[Slab, link.LinkFields]:
        """The frames as what they carry inside; where that lies, and how long it is, is entered."""
        from explain.decode import inside

        table, begun = self.table, slab.at
        slab, length, link_types, tunnels = inside.peel(slab, table.length[rows].astype(np.int64), link_types)
        some = np.flatnonzero(tunnels >= 0)
        if not len(some) or self._insides is None:
            return slab, fields
        table.offset[rows] += slab.at - begun
        table.captured[rows] = np.where(tunnels >= 0, slab.have, table.captured[rows])
        table.length[rows] = length
        self._insides.append(InsideRows(some + rows.start, tunnels[some].astype(np.uint8)))
        return slab, link.read(slab, link_types)

    def _decode(self, block: Block, capture: int) -> None:
        """Layer 3 and 4; before each the rows are shifted such that it lies in its columns."""
        slab = block.slab
        shifted = np.flatnonzero(block.network != NETWORK - LINK)
        slab.shift(shifted, block.network[shifted] - (NETWORK - LINK), NETWORK)
        ipv4.decode(block, self._fragments)
        ipv6.decode(block, self._addresses, self._fragments)
        arp.decode(block, self._arps)
        if (found := beside.decode(block)) is not None:
            self._besides.append(found)
            self._contents.copy_link(block, found)
        has_ip = block.layers & IP != 0
        offset = block.transport - block.network - (TRANSPORT - NETWORK)
        shifted = np.flatnonzero(has_ip & (offset != 0))
        slab.shift(shifted, offset[shifted], TRANSPORT)
        ports = tcp.decode(block, self._syns, self._twice)
        self._contents.copy(block, *ports)
        icmp.decode(block, self._addresses, self._icmps)
        self._flow(block, np.flatnonzero(~has_ip), *ports)
        addresses = Addresses(self._addresses.high, self._addresses.low)
        icmp.verify(block, addresses)
        summed = self._summed.get(capture, 0)
        most = None if self._most_summed is None else self._most_summed - summed
        self._summed[capture] = summed + checksum.verify_block(block, addresses, most)
        block.table.layers[block.part] = block.layers

    def _flow(self, block: Block, without_ip: I8, source_port: U2, target_port: U2) -> None:
        """Enter who spoke to whom; rows without IP have no flow, nor any column of IP."""
        source = block.source << _SIXTEEN
        source |= source_port
        target = block.target << _SIXTEEN
        target |= target_port
        block.mark(source > target, REVERSED)
        # Bits 0-15 the port, 16-48 the address key; above them the protocol, or the place.
        low, high = np.minimum(source, target), np.maximum(source, target)
        low |= block.spoken.astype(np.uint64) << _PROTOCOL_SHIFT
        high |= block.table.place[block.part].astype(np.uint64) << _PLACE_SHIFT
        table, part = block.table, block.part
        table.transport[part] = block.transport
        if len(without_ip) == len(block):
            table.flow[part] = NO_FLOW
        else:
            # Rows without IP borrow a key from one that has it: cheaper than to pick the others out of all.
            lender = np.argmax(block.layers & IP != 0)
            low[without_ip], high[without_ip] = low[lender], high[lender]
            table.flow[part] = self._flows.index(low, high)
            table.flow[part][without_ip] = NO_FLOW
        block.layers[without_ip] &= ~np.uint32(REVERSED)
        for column in (table.transport, table.payload, table.ttl, table.ip_id):
            column[part][without_ip] = 0

    def _place(
        self, fields: link.LinkFields, slab: Slab, time_ns: I8, capture: int, used: U2, interfaces: Sequence[Interface]
    ) -> int | U2:
        """The place of each row: its interface, and the device that SLL2 names."""
        if len(interfaces) == 1 and fields.device is None:
            return self._place_of(0, time_ns, capture, interfaces)
        keys = used.astype(np.int64) << _DEVICE_BITS
        if fields.device is not None:
            is_echo = (slab.u2(LINK + 8) == _LOOPBACK_DEVICE) & (slab.u1(LINK + 10) == _OUTGOING) & (fields.device >= 0)
            keys |= (fields.device + 1 << 1 | is_echo) & _DEVICE_MASK
        if keys[0] == keys[-1] and (keys == keys[0]).all():
            return self._place_of(int(keys[0]), time_ns, capture, interfaces)
        distinct, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        times = np.split(time_ns[np.argsort(inverse, kind="stable")], np.cumsum(counts)[:-1])
        found = [
            self._place_of(key, own, capture, interfaces) for key, own in zip(distinct.tolist(), times, strict=True)
        ]
        return np.array(found, np.uint16)[inverse]

    def _place_of(self, key: int, time_ns: I8, capture: int, interfaces: Sequence[Interface]) -> int:
        """The place of some rows that have a key, and these times."""
        index, device = key >> _DEVICE_BITS, (key & _DEVICE_MASK) >> 1
        name = interfaces[index].vantage or interfaces[index].name
        place = Place(capture, index, name, device - 1 if device else None, bool(key & 1))
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = self._new_place(place, interfaces[index].link_type, int(time_ns.min()))
        self._until_ns[known] = max(self._until_ns.get(known, 0), int(time_ns.max()))
        return known

    def _new_place(self, place: Place, link_type: int, start_ns: int) -> int:
        """The number of a place; it is an earlier one where a file describes an interface again, as in a later section.

        What has a name, and begins where the other of this name ended, is the same recording that goes on. Past the
        most places the last one stands for all further ones.
        """
        alike = replace(place, interface=None), link_type
        before = self._named.get(alike)
        if place.name and before is not None and start_ns >= self._until_ns[before]:
            return before
        if len(self.table.places) == _MOST_PLACES:
            return _MOST_PLACES - 1
        self._named[alike] = len(self.table.places)
        self.table.places.append(place)
        return len(self.table.places) - 1

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
        table.twice = stack(TwiceRows, self._twice)
        table.beside = stack(BesideRows, self._besides)
        table.inside = stack(InsideRows, self._insides or [])
        table.contents = self._contents.found
        table.fragments = by_row(stack(FragmentRows, self._fragments))  # those of IPv4 and IPv6 came apart
        vlans.tell_apart(table)
        return table


def _link_types(used: U2, interfaces: Sequence[Interface]) -> int | I8:
    """The link type of frames from these interfaces; one for each frame where they differ."""
    if len(interfaces) == 1:
        return interfaces[0].link_type
    first = int(used.min())
    link_types = [interface.link_type for interface in interfaces[first : int(used.max()) + 1]]
    return link_types[0] if len(set(link_types)) == 1 else np.array(link_types, np.int64)[used - first]


def _some(frames: Frames, keep: I8) -> Frames:
    return replace(
        frames,
        start=frames.start[keep],
        captured=frames.captured[keep],
        length=frames.length[keep],
        time_ns=frames.time_ns[keep],
        interface=frames.interface[keep],
        heads=None,
    )


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
