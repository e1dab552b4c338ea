"""Link layers, and what stands between them and layer 3 (IEEE 802.3, 802.1Q; RFC 1042, 1661, 2516, 3032)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text
from explain.decode.dissect.field import Means, Next

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

ETHERTYPES = {
    0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6", 0x8100: "802.1Q", 0x88A8: "802.1ad", 0x8847: "MPLS",
    0x8864: "PPPoE session", 0x8863: "PPPoE discovery", 0x88CC: "LLDP", 0x888E: "EAPOL", 0x9000: "loopback test",
}  # fmt: skip
KINDS = {
    0x0800: "ip", 0x86DD: "ipv6", 0x0806: "arp", 0x8847: "mpls", 0x8848: "mpls", 0x8864: "pppoe", 0x888E: "eapol",
    0x88CC: "lldp",
}  # fmt: skip
KINDS |= dict.fromkeys((0x8100, 0x9100, 0x9200), "vlan") | {0x88A8: "ieee8021ad"}
_SMALLEST_TYPE = 0x0600
_FAMILIES = {2: "ip", 10: "ipv6", 24: "ipv6", 28: "ipv6", 30: "ipv6"}
_PPP = {0x0021: "ip", 0x0057: "ipv6", 0x0281: "mpls"}
_PPP_NAMES = {0x0021: "IPv4", 0x0057: "IPv6", 0x0281: "MPLS", 0xC021: "LCP", 0x8021: "IPCP"}
_PACKET_KINDS = {0: "to this host", 1: "broadcast", 2: "multicast", 3: "to another host", 4: "sent by this host"}
_DEVICES = {1: "Ethernet", 772: "loopback", 65534: "none", 778: "GRE", 776: "SIT tunnel", 768: "IPIP tunnel"}
_ACCESS_POINTS = {
    0x06: "IP", 0x42: "spanning tree", 0xAA: "SNAP", 0xE0: "IPX", 0xF0: "NetBIOS", 0xFE: "IS-IS",
}  # fmt: skip
_CISCO_OUI = 0x00000C
_CISCO = {0x010B: "spanning tree per VLAN", 0x2000: "CDP", 0x2003: "VTP", 0x2004: "DTP", 0x0111: "UDLD", 0x0104: "PAgP"}
_BROADCAST = b"\xff" * 6


def _mac_means(mac: bytes) -> Means | None:
    """What kind of MAC it is (IEEE 802, 8.2)."""
    if mac == _BROADCAST:
        return "mac-broadcast", {}
    if mac[:2] == b"\x33\x33":
        return "mac-ipv6-group", {}
    if mac[:3] == b"\x01\x00\x5e":
        return "mac-ipv4-group", {}
    if mac[0] & 1:
        return "mac-group", {}
    if mac[:5] in (b"\x00\x00\x5e\x00\x01", b"\x00\x00\x5e\x00\x02"):
        return "mac-vrrp", {}
    if mac[:5] == b"\x00\x00\x5e\x00\x53":
        return "mac-documentation", {}
    return ("mac-local", {}) if mac[0] & 2 else None


def ethernet(header: Header) -> Next | None:
    """Ethernet II, or 802.3 with a length."""
    for name, at in (("eth.dst", 0), ("eth.src", 6)):
        mac = header.raw(at, 6)
        header.text(name, at, 6, mac.hex(":"), _mac_means(mac))
    kind = int.from_bytes(header.raw(12, 2), "big")
    if kind < _SMALLEST_TYPE:
        header.number("eth.len", 12, 2)
        return Next("llc", header.at + 14, min(header.at + 14 + kind, header.end))
    return _by_type(header, "eth.type", 12, 14)


def _by_type(header: Header, name: str, at: int, size: int) -> Next:
    kind = header.number(name, at, 2, ETHERTYPES)
    return Next(KINDS.get(kind, "data"), header.at + size, header.said_end, header.context)


def vlan(header: Header) -> Next | None:
    """A tag of 802.1Q."""
    return _tag(header, "vlan")


def service_tag(header: Header) -> Next | None:
    """A provider's tag around that of the customer (802.1ad)."""
    return _tag(header, "ieee8021ad")


def _tag(header: Header, prefix: str) -> Next | None:
    header.bits(f"{prefix}.priority", 0, 2, 0, 3)
    header.bits(f"{prefix}.dei", 0, 2, 3, 1)
    header.bits(f"{prefix}.id", 0, 2, 4, 12)
    size = int.from_bytes(header.raw(2, 2), "big")
    if size < _SMALLEST_TYPE:
        header.number("vlan.len", 2, 2)
        return Next("llc", header.at + 4, min(header.at + 4 + size, header.end))
    return _by_type(header, "vlan.etype", 2, 4)


def llc(header: Header) -> Next | None:
    """802.2, and SNAP where it says so."""
    header.number("llc.dsap", 0, 1, _ACCESS_POINTS)
    header.number("llc.ssap", 1, 1, _ACCESS_POINTS)
    size = 1 if header.raw(2, 1)[0] & 3 == 3 else 2  # numbered frames have two octets, the low one first
    header.note("llc.control", 2, size, int.from_bytes(header.raw(2, size), "little"), None, None)
    if header.raw(0, 3) != b"\xaa\xaa\x03":
        is_tree = header.raw(0, 3) == b"\x42\x42\x03"
        return Next("stp" if is_tree else "data", header.at + 2 + size, header.said_end)
    maker = header.number("llc.oui", 3, 3)
    if maker:
        is_cisco = maker == _CISCO_OUI
        header.number("llc.cisco_pid" if is_cisco else "llc.pid", 6, 2, _CISCO if is_cisco else None)
        return Next("data", header.at + 8, header.said_end)
    return _by_type(header, "llc.type", 6, 8)


def cooked(header: Header) -> Next | None:
    """Linux cooked capture (SLL)."""
    header.number("sll.pkttype", 0, 2, _PACKET_KINDS)
    header.number("sll.hatype", 2, 2, _DEVICES)
    size = header.number("sll.halen", 4, 2)
    if 0 < size <= 8:
        header.text("sll.src.eth" if size == 6 else "sll.src.other", 6, size, header.raw(6, size).hex(":"))
    return _by_type(header, "sll.etype", 14, 16)


def cooked_second(header: Header) -> Next | None:
    """Linux cooked capture, version 2 (SLL2)."""
    header.number("sll.etype", 0, 2, ETHERTYPES)
    header.number("sll.ifindex", 4, 4, None, ("interface-index", {}))
    header.number("sll.hatype", 8, 2, _DEVICES)
    header.number("sll.pkttype", 10, 1, _PACKET_KINDS)
    size = header.number("sll.halen", 11, 1)
    if 0 < size <= 8:
        header.text("sll.src.eth" if size == 6 else "sll.src.other", 12, size, header.raw(12, size).hex(":"))
    header.raw(0, 20)
    kind = int.from_bytes(header.raw(0, 2), "big")
    return Next(KINDS.get(kind, "data"), header.at + 20, header.said_end)


def loopback(header: Header) -> Next | None:
    """BSD loopback: the family in the byte order of who recorded."""
    raw = header.raw(0, 4)
    family = min(int.from_bytes(raw, "big"), int.from_bytes(raw, "little"))
    kind = _FAMILIES.get(family, "data")
    header.note("null.family", 0, 4, family, {"ip": "IPv4", "ipv6": "IPv6"}.get(kind), None)
    return Next(kind, header.at + 4, header.said_end)


def ppp(header: Header) -> Next | None:
    """PPP, with or without the address and control octets of HDLC."""
    at = 0
    if header.raw(0, 2) == b"\xff\x03":
        header.number("ppp.address", 0, 1)
        header.number("ppp.control", 1, 1)
        at = 2
    size = 1 if header.raw(at, 1)[0] & 1 else 2  # a compressed field is odd (RFC 1661, 6.5)
    protocol = header.number("ppp.protocol", at, size, _PPP_NAMES)
    return Next(_PPP.get(protocol, "data"), header.at + at + size, header.said_end)


def cisco(header: Header) -> Next | None:
    """Cisco's HDLC."""
    header.number("chdlc.address", 0, 1)
    header.number("chdlc.control", 1, 1)
    return _by_type(header, "chdlc.protocol", 2, 4)


def pppoe(header: Header) -> Next | None:
    """PPP over Ethernet, session stage."""
    header.bits("pppoe.version", 0, 1, 0, 4)
    header.bits("pppoe.type", 0, 1, 4, 4)
    header.number("pppoe.code", 1, 1)
    header.number("pppoe.session_id", 2, 2)
    header.number("pppoe.payload_length", 4, 2)
    return Next("ppp", header.at + 6, header.said_end)


def mpls(header: Header) -> Next | None:
    """One label."""
    header.bits("mpls.label", 0, 4, 0, 20)
    header.bits("mpls.exp", 0, 4, 20, 3)
    is_last = header.bits("mpls.bottom", 0, 4, 23, 1)
    header.bits("mpls.ttl", 0, 4, 24, 8)
    if not is_last:
        return Next("mpls", header.at + 4, header.said_end)
    version = header.octets[header.at + 4] >> 4 if header.at + 4 < header.end else 0
    return Next({4: "ip", 6: "ipv6"}.get(version, "data"), header.at + 4, header.said_end)


def bare(header: Header) -> Next | None:
    """IP without a link layer: its first four bits say which."""
    version = header.octets[header.at] >> 4 if header.at < header.end else 0
    return Next({4: "ip", 6: "ipv6"}.get(version, "data"), header.at, header.said_end)


def arp(header: Header) -> Next | None:
    """ARP; addresses only where it is for IPv4 over Ethernet (RFC 826)."""
    hardware = header.number("arp.hw.type", 0, 2, {1: "Ethernet"})
    protocol = header.number("arp.proto.type", 2, 2, ETHERTYPES)
    sizes = header.number("arp.hw.size", 4, 1), header.number("arp.proto.size", 5, 1)
    operation = int.from_bytes(header.raw(6, 2), "big")
    names = {1: "request", 2: "reply", 3: "RARP request", 4: "RARP reply"}
    header.number("arp.opcode", 6, 2, names)
    if (hardware, protocol, sizes) != (1, 0x0800, (6, 4)):
        return None
    sender, target = header.raw(14, 4), header.raw(24, 4)
    header.text("arp.src.hw_mac", 8, 6, header.raw(8, 6).hex(":"))
    header.text("arp.src.proto_ipv4", 14, 4, ipv4_text(sender), _arp_means(operation, sender, target))
    empty: Means | None = ("arp-unknown-mac", {}) if operation == 1 and not any(header.raw(18, 6)) else None
    header.text("arp.dst.hw_mac", 18, 6, header.raw(18, 6).hex(":"), empty)
    header.text("arp.dst.proto_ipv4", 24, 4, ipv4_text(target))
    return Next("padding", header.at + 28, header.end) if header.rest() > 28 else None


def _arp_means(operation: int, sender: bytes, target: bytes) -> Means | None:
    values = {"sender": ipv4_text(sender), "target": ipv4_text(target)}
    if sender == target:
        return "arp-gratuitous", values
    if not any(sender):
        return "arp-probe", values
    return {1: ("arp-request", values), 2: ("arp-reply", values)}.get(operation)
