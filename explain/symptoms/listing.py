"""tcpdump's lines as frames for the decoder, and what of the decoded rows is not known.

Relative sequence numbers become absolute as tcpdump made them: counted from the first number of each connection that
it printed in full.

Source: tcpdump(1); print-tcp.c of tcpdump 4.99 for when numbers are relative.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.symptoms.addresses import canonical
from explain.symptoms.tcpdump.lines import place_told
from explain.symptoms.tcpdump.messages import Messages
from explain.symptoms.tcpdump.octets import network_octets, port

if TYPE_CHECKING:
    from explain.capture.frames import Frames
    from explain.model import Interface
    from explain.symptoms.notes import NoteBlock, Notes
    from explain.symptoms.tcpdump.lines import PacketText
    from explain.symptoms.tcpdump.packets import Told
    from explain.table import PacketTable

ETHERNET, COOKED = 1, 113
_DAY_NS = 86_400 * 10**9
_IS_AT, _EVERYBODY = 2, "ff:ff:ff:ff:ff:ff"
_TYPES = {"ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806}
_KINDS = {"In": 0, "B": 1, "M": 2, "P": 3, "Out": 4}
_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Listing:
    """All packets of a text, ready to be decoded.

    Attributes:
        interfaces: one for each place that the text tells apart.
        octets: of each packet, from its link layer on.
        lengths: octets on the wire, as told or as the headers have it.
        places: index into interfaces of each packet.
        has_link: the line shows MACs or the direction.
        sums: what the line says of the checksum: True is bad, False is good, None is nothing.
        is_timed: every line has a time.
    """

    interfaces: tuple[Interface, ...]
    octets: tuple[bytes, ...]
    lengths: tuple[int, ...]
    times_ns: tuple[int, ...]
    places: tuple[int, ...]
    has_link: tuple[bool, ...]
    sums: tuple[bool | None, ...]
    is_timed: bool

    def frames(self) -> Frames:
        """The packets as one window."""
        import numpy as np

        from explain.capture.frames import Frames

        data = b"".join(bytes(16) + each for each in self.octets)
        sizes = np.array([len(each) for each in self.octets], np.int64)
        start = np.cumsum(sizes + 16) - sizes
        return Frames(
            np.frombuffer(data, np.uint8), 0, start, sizes.astype(np.uint32), np.array(self.lengths, np.uint32),
            np.array(self.times_ns, np.int64), np.array(self.places, np.uint16),
        )  # fmt: skip

    def mark(self, table: PacketTable, first: int) -> None:
        """Takes from the decoded rows what only the writing down put there."""
        import numpy as np

        from explain import table as t

        rows = slice(first, first + len(self.octets))
        unsaid = np.array([each is None for each in self.sums])
        bad = np.array([each is True for each in self.sums])
        good = np.array([each is False for each in self.sums])
        sums = t.BAD_IP_CHECKSUM | t.BAD_CHECKSUM | t.PARTIAL_CHECKSUM | t.GOOD_CHECKSUM
        layers = table.layers[rows]
        layers &= ~np.uint32(sums)
        layers |= np.where(bad & ~unsaid, t.BAD_CHECKSUM, 0).astype(np.uint32)
        layers |= np.where(good, t.GOOD_CHECKSUM, 0).astype(np.uint32)
        layers &= np.where(np.array(self.has_link), _WORD, ~t.ETHERNET & _WORD).astype(np.uint32)


def listing_of(notes: Notes) -> Listing | None:
    """The packets of all listings of a text, in its order; None where it has none."""
    from explain.model import Interface

    names: dict[tuple[str | None, int], int] = {}
    rows: list[tuple[bytes, int, int, int, bool, bool | None]] = []
    is_timed = True
    for block in notes.blocks:
        if not block.packets:
            continue
        numbers, heard = _Numbers(block), _heard(block)
        clock = _Clock()
        for packet, told in block.packets:
            octets, link_type = _frame(packet, told, numbers)
            place = names.setdefault((_place(block, packet, heard), link_type), len(names))
            is_timed &= packet.time_ns is not None
            has_link = packet.src_mac is not None or packet.direction is not None
            length = max(packet.link_length or 0, _length(octets, told, link_type))
            rows.append((octets, length, clock.read(packet), place, has_link, told.is_checksum_bad))
    if not rows:
        return None
    interfaces = tuple(Interface(name, link, 0, name) for name, link in names)
    columns = [tuple(row[at] for row in rows) for at in range(6)]
    return Listing(interfaces, *columns, is_timed)  # type: ignore[call-arg, arg-type] # the columns are those of the rows


def _heard(block: NoteBlock) -> str | None:
    """The interface of a listing: what was asked for, else what tcpdump says itself."""
    if block.command is not None and block.command.interface:
        return block.command.interface
    return next((place for line in block.lines[:20] if (place := place_told(line.text))), None)


def _place(block: NoteBlock, packet: PacketText, heard: str | None) -> str | None:
    interface = packet.interface or heard
    interface = None if interface == "any" else interface
    return ":".join(part for part in (block.node, interface) if part) or None


def _length(octets: bytes, told: Told, link_type: int) -> int:
    """What the headers say that the frame had on the wire."""
    head = 14 if link_type == ETHERNET else 16
    inner = 0
    if told.network == "ip" and len(octets) >= head + 4:
        inner = int.from_bytes(octets[head + 2 : head + 4], "big")
    elif told.network == "ip6" and len(octets) >= head + 6:
        inner = int.from_bytes(octets[head + 4 : head + 6], "big") + 40
    return max(len(octets), head + inner)


class _Clock:
    """Times as nanoseconds that never run back by a day; without a time, zero."""

    def __init__(self) -> None:
        self._sum = 0
        self._last = 0

    def read(self, packet: PacketText) -> int:
        if packet.time_ns is None:
            return 0
        if packet.time_form == "delta":
            self._sum += packet.time_ns
            return self._sum
        time_ns = packet.time_ns + self._sum
        if packet.time_form == "clock" and self._last - time_ns > _DAY_NS // 2:
            self._sum += _DAY_NS
            time_ns += _DAY_NS
        self._last = time_ns
        return time_ns


class _Numbers:
    """Sequence numbers of one listing as they stood on the wire."""

    def __init__(self, block: NoteBlock) -> None:
        self._base: dict[tuple[str, int, str, int], tuple[int, int]] = {}
        self._is_absolute = _is_absolute(block)
        self._next: dict[tuple[str, int, str, int], int] = {}
        self._names: dict[str, int] = {}
        self._asked: dict[str, str] = {}
        self.messages = Messages()

    def address(self, shown: str | None, network: str | None) -> str:
        """The address, or a placeholder of its own for a name."""
        known = canonical((shown or "").partition("%")[0])
        if known is not None and (":" in known) == (network == "ip6"):
            return known
        if not shown:
            return "::" if network == "ip6" else "0.0.0.0"  # noqa: S104 - the unspecified address, not a socket
        index = self._names.setdefault(shown, len(self._names) + 1)
        return f"100::{index:x}" if network == "ip6" else f"0.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"

    def asker(self, told: Told) -> str | None:
        """Whom an ARP answer is for: who asked last, for the line does not say it."""
        if told.arp_op == 1 and told.dst and told.src:
            self._asked[told.dst] = told.src
        return told.dst or self._asked.get(told.src or "")

    def resolve(self, told: Told, src: str, dst: str) -> tuple[int, int]:
        """Absolute sequence and acknowledgement numbers of one segment."""
        here = (src, port(told.src_port), dst, port(told.dst_port))
        there = (dst, port(told.dst_port), src, port(told.src_port))
        flags, ack = told.flags or "", told.ack or 0
        seq = told.seq if told.seq is not None else None
        if "." in flags and not self._is_absolute:
            if here not in self._base or "S" in flags:
                base = seq if seq is not None else 0
                is_relative = seq is None and ack <= 1
                self._base[here] = (base, 0 if is_relative else (ack - 1) & _WORD)
                self._base[there] = (self._base[here][1], self._base[here][0])
            else:
                own, other = self._base[here]
                seq = (seq + own) & _WORD if seq is not None else None
                ack = (ack + other) & _WORD
        if seq is None:
            seq = self._next.get(here, 0)
        took = (told.length or 0) + ("S" in flags) + ("F" in flags)
        self._next[here] = (seq + took) & _WORD
        self._next.setdefault(there, ack)
        return seq & _WORD, ack & _WORD


def _is_absolute(block: NoteBlock) -> bool:
    """Whether the numbers are those of the wire (``-S``): as the command says, else as they look."""
    if block.command is not None and block.command.program == "tcpdump":
        return "S" in block.command.options or "absolute-tcp-sequence-numbers" in block.command.options
    seen: set[frozenset[tuple[str | None, int | str | None]]] = set()
    for _, told in block.packets:
        if told.protocol != "tcp" or "." not in (told.flags or ""):
            continue
        ends = frozenset(((told.src, told.src_port), (told.dst, told.dst_port)))
        if ends in seen and "S" not in (told.flags or ""):
            return max(told.seq or 0, told.ack or 0) > 1 << 26
        seen.add(ends)
    return False


def _frame(packet: PacketText, told: Told, numbers: _Numbers) -> tuple[bytes, int]:
    """The packet from its link layer on: Ethernet where both MACs are shown, else the cooked form."""
    source, target = _mac(packet.src_mac), _mac(packet.dst_mac)
    ethertype = packet.ethertype or _TYPES.get(told.network or "", 0)
    inner = _shown_octets(packet, ethertype)
    if inner is None:
        inner = _written(packet, told, numbers)
    if packet.src_mac and packet.dst_mac:
        tags = b"".join(struct.pack(">HH", 0x8100, vlan & 0xFFF) for vlan in packet.vlans)
        return target + source + tags + struct.pack(">H", ethertype) + inner, ETHERNET
    kind = _KINDS.get(packet.direction or "", 3)
    size = 6 if packet.src_mac else 0
    return struct.pack(">HHH", kind, 1, size) + source + bytes(2) + struct.pack(">H", ethertype) + inner, COOKED


def _mac(text: str | None) -> bytes:
    return bytes.fromhex(text.replace(":", "").zfill(12)) if text and len(text.replace(":", "")) <= 12 else bytes(6)


def _shown_octets(packet: PacketText, ethertype: int) -> bytes | None:
    """What ``-x`` shows, from the network layer on; None where it shows none."""
    octets = packet.octets
    if not octets:
        return None
    version, least = (4, 20) if ethertype == _TYPES["ip"] else (6, 40)
    if ethertype in (_TYPES["ip"], _TYPES["ip6"]) and octets[0] >> 4 == version and len(octets) >= least:
        return octets
    if octets[12:14] == struct.pack(">H", ethertype):
        return octets[14:]
    return octets if ethertype == _TYPES["arp"] and octets[:2] == bytes((0, 1)) else None  # the dump of an option


def _written(packet: PacketText, told: Told, numbers: _Numbers) -> bytes:
    if told.network is None or (told.src is None and told.dst is None):
        return b""
    target = numbers.asker(told) if told.network == "arp" else told.dst
    told = replace(told, dst=target)
    src, dst = (numbers.address(shown, told.network) for shown in (told.src, told.dst))
    seq, ack = numbers.resolve(told, src, dst) if told.protocol == "tcp" else (0, 0)
    asker = packet.dst_mac if told.arp_op == _IS_AT and packet.dst_mac != _EVERYBODY else None
    macs = _mac(told.arp_mac or packet.src_mac), _mac(asker)
    return network_octets(told, src, dst, seq, ack, macs, numbers.messages.octets(packet, told))
