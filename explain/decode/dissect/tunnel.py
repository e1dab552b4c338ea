"""What carries packets within packets: GRE, VXLAN and Geneve (RFC 2784, 2890, 2637, 7348, 8926)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect.field import Next
from explain.decode.dissect.link import ETHERTYPES, KINDS

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_CARRIED = KINDS | {0x6558: "eth", 0x880B: "ppp"}
_NAMES = ETHERTYPES | {0x6558: "Ethernet", 0x880B: "PPP", 0x88BE: "ERSPAN"}
_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACK = 0x8000, 0x4000, 0x2000, 0x1000, 0x80
_OF_PPTP = 1  # the version
_INSIDE = {"is_inside": True}


def gre(header: Header) -> Next | None:
    """The envelope; three of its fields are there only if a flag says so."""
    flags = int.from_bytes(header.raw(0, 2), "big")
    for name, bit in (("checksum", 0), ("key", 2), ("sequence_number", 3)):
        header.bits(f"gre.flags.{name}", 0, 2, bit, 1)
    version = header.bits("gre.flags.version", 0, 2, 13, 3)
    kind = header.number("gre.proto", 2, 2, _NAMES)
    at = 4
    if flags & (_CHECKSUM | _ROUTING):
        header.number("gre.checksum", at, 2)
        at += 4
    if flags & _KEY and version == _OF_PPTP:
        header.number("gre.key.payload_length", at, 2)
        header.number("gre.key.call_id", at + 2, 2)
        at += 4
    elif flags & _KEY:
        header.number("gre.key", at, 4)
        at += 4
    if flags & _SEQUENCE:
        header.number("gre.sequence_number", at, 4)
        at += 4
    if flags & _ACK and version == _OF_PPTP:
        header.number("gre.ack_number", at, 4)
        at += 4
    header.raw(0, at)
    # Source routes were taken out of GRE again; where they are said to follow, nobody knows what does.
    carried = "data" if flags & _ROUTING else _CARRIED.get(kind, "data")
    return Next(carried, header.at + at, header.said_end, _INSIDE) if header.rest() > at else None


def vxlan(header: Header) -> Next | None:
    """The number of a virtual network, and a whole frame of it."""
    header.bits("vxlan.flag_i", 0, 2, 4, 1)
    header.number("vxlan.vni", 4, 3)
    header.raw(0, 8)
    return Next("eth", header.at + 8, header.said_end, _INSIDE)


def geneve(header: Header) -> Next | None:
    """The number of a virtual network, options, and a frame or packet of it (RFC 8926, 3.4)."""
    header.bits("geneve.version", 0, 1, 0, 2)
    words = header.raw(0, 1)[0] & 0x3F
    header.bits("geneve.options_length", 0, 1, 2, 6, None, ("header-words", {"octets": words * 4}))
    header.bits("geneve.flags.oam", 1, 1, 0, 1)
    header.bits("geneve.flags.critical", 1, 1, 1, 1)
    kind = header.number("geneve.proto_type", 2, 2, _NAMES)
    header.number("geneve.vni", 4, 3)
    header.raw(0, 8 + words * 4)
    return Next(_CARRIED.get(kind, "data"), header.at + 8 + words * 4, header.said_end, _INSIDE)
