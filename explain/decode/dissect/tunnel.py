"""What carries packets within packets: GRE, VXLAN, Geneve, GTP-U and Teredo.

Source: RFC 2784, 2890, 2637, 7348, 8926, 4380; 3GPP TS 29.281.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text
from explain.decode.dissect.field import CutError, Next
from explain.decode.dissect.link import ETHERTYPES, KINDS

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_CARRIED = KINDS | {0x6558: "eth", 0x880B: "ppp"}
_NAMES = ETHERTYPES | {0x6558: "Ethernet", 0x880B: "PPP", 0x88BE: "ERSPAN"}
_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACK = 0x8000, 0x4000, 0x2000, 0x1000, 0x80
_OF_PPTP = 1  # the version
_INSIDE = {"is_inside": True}
_GTP_USER = 1, 1  # version and protocol type
_GTP_CARRIES = 255
_GTP_MESSAGES = {
    1: "echo request", 2: "echo response", 26: "error indication", 31: "supported extension headers", 254: "end marker",
    _GTP_CARRIES: "a user's packet",
}  # fmt: skip
_MOST_EXTENSIONS = 8
_IP_VERSIONS = {4: "ip", 6: "ipv6"}
_AUTHENTICATION, _ORIGIN = 1, 0
_ORIGIN_PARTS = (0, 2), (2, 4)  # port and address: where, and how long


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


def gtp(header: Header) -> Next | None:
    """Which tunnel of a mobile network, and a user's packet in it (3GPP TS 29.281, 5.1)."""
    version = header.bits("gtp.flags.version", 0, 1, 0, 3), header.bits("gtp.flags.payload", 0, 1, 3, 1)
    if version != _GTP_USER:
        return Next("data", header.at + 1, header.said_end)
    flags = [header.bits(f"gtp.flags.{name}", 0, 1, bit, 1) for name, bit in (("e", 5), ("s", 6), ("pn", 7))]
    kind = header.number("gtp.message", 1, 1, _GTP_MESSAGES)
    end = min(header.at + 8 + header.number("gtp.length", 2, 2), header.said_end)
    header.number("gtp.teid", 4, 4)
    at = 8
    if any(flags):
        header.number("gtp.seq_number", 8, 2)
        header.number("gtp.npdu_number", 10, 1)
        at = _gtp_extensions(header, header.number("gtp.next", 11, 1) if flags[0] else 0)
    version_inside = header.octets[header.at + at : header.at + at + 1]
    carried = _IP_VERSIONS.get(version_inside[0] >> 4) if kind == _GTP_CARRIES and version_inside else None
    return Next(carried or "data", header.at + at, end, _INSIDE)


def _gtp_extensions(header: Header, kind: int) -> int:
    """Where the extension headers end; each says its length in words and what follows it."""
    at = 12
    for _ in range(_MOST_EXTENSIONS):
        if not kind:
            return at
        words = header.number("gtp.ext_hdr.length", at, 1)
        if not words:
            raise CutError
        header.raw(at, words * 4)
        at += words * 4
        kind = header.number("gtp.ext_hdr.next", at - 1, 1)
    raise CutError


def teredo(header: Header) -> Next | None:
    """Signs of a server and the address behind a NAT, if they are there, and an IPv6 packet (RFC 4380, 5.1.1)."""
    at = 0
    if _teredo_sign(header, at) == _AUTHENTICATION:
        sizes = header.number("teredo.auth.idlen", 2, 1), header.number("teredo.auth.aulen", 3, 1)
        at = 4 + sum(sizes) + 9
        header.text("teredo.auth.nonce", at - 9, 8, header.raw(at - 9, 8).hex())
        header.number("teredo.auth.conf", at - 1, 1)
    if _teredo_sign(header, at) == _ORIGIN:  # with all bits turned over, so that no NAT on the way rewrites it
        port, address = (
            bytes(octet ^ 0xFF for octet in header.raw(at + 2 + skip, size)) for skip, size in _ORIGIN_PARTS
        )
        header.note("teredo.orig.port", at + 2, 2, int.from_bytes(port, "big"), None, None)
        header.text("teredo.orig.addr", at + 4, 4, ipv4_text(address))
        at += 8
    return Next("ipv6", header.at + at, header.said_end, _INSIDE)


def _teredo_sign(header: Header, at: int) -> int:
    return int.from_bytes(header.octets[header.at + at : header.at + at + 2], "big")
