"""A packet as tcpdump told it, written as octets again, so that text is decoded by the same code as captures.

What the line does not show is zero here; ``listing`` says which zeros mean that nothing is known.

Source: RFC 791, 8200, 9293, 768, 792, 4443, 4861, 826.
"""

# ruff: noqa: E501 - one row of a header reads better than its pieces

from __future__ import annotations

import re
import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.symptoms.tcpdump.packets import Told

_ROUTER_ADVERTISEMENT = 134
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128}
PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmp6": 58, "ospf": 89,
             "pim": 103, "vrrp": 112, "sctp": 132}  # fmt: skip
SERVICES = {"ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68, "http": 80, "ntp": 123,
            "https": 443, "mdns": 5353, "ftp": 21, "snmp": 161, "syslog": 514, "echo": 7, "discard": 9}  # fmt: skip
_TCP_OPTION = re.compile(
    r"mss (?P<mss>\d+)|wscale (?P<wscale>\d+)|(?P<sack>sackOK)|(?P<nop>\bnop\b)"
    r"|TS val (?P<val>\d+) ecr (?P<ecr>\d+)"
)


def network_octets(
    told: Told, src: str, dst: str, seq: int, ack: int, macs: tuple[bytes, bytes], message: bytes
) -> bytes:
    """The packet from its network layer on.

    Args:
        told: the fields of the line.
        src: the sender's address, or a placeholder where the line has a name.
        dst: the receiver's, likewise.
        seq: absolute, of TCP.
        ack: absolute, of TCP.
        macs: of the sender and of the receiver that an ARP packet names; zeros where nobody told them.
        message: what it carries, as far as it is told; no more than its length is written.
    """
    if told.network == "arp":
        return _arp(told, src, dst, macs)
    body, size = _transport(told, src, dst, seq, ack)
    fixed = body[:4] if told.icmp_type == _ROUTER_ADVERTISEMENT and message else body
    body = (fixed + message)[: max(size, len(body))]
    number = PROTOCOLS.get(told.protocol or "", 0)
    source, target = ip_address(src).packed, ip_address(dst).packed
    if told.network == "ip6":
        length = told.ip_length if told.ip_length is not None else size
        return struct.pack(">IHBB", 6 << 28, length & 0xFFFF, number or 59, told.ttl or 0) + source + target + body
    marks = (0x4000 if told.dont_fragment else 0) | (0x2000 if told.more_fragments else 0)
    length = told.ip_length if told.ip_length is not None else size + 20
    head = struct.pack(
        ">BBHHHBBH", 0x45, 0, length & 0xFFFF, told.ip_id or 0, marks | (told.fragment_offset or 0) // 8 & 0x1FFF,
        told.ttl or 0, number or 255, 0,
    )  # fmt: skip
    return head + source + target + body


def _arp(told: Told, src: str, dst: str, macs: tuple[bytes, bytes]) -> bytes:
    wanted = ip_address(dst).packed if told.dst else bytes(4)
    head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, told.arp_op or 0)
    return head + macs[0] + ip_address(src).packed + macs[1] + wanted


def _transport(told: Told, src: str, dst: str, seq: int, ack: int) -> tuple[bytes, int]:
    """Layer 4 as far as it is told, and its whole size with the payload."""
    if told.fragment_offset:
        return b"", told.length or 0
    if told.protocol == "tcp":
        options = _options(told.rest or "")
        if (
            told.ip_length is not None and not told.more_fragments
        ):  # options that are not read here, such as SACK blocks
            room = told.ip_length - (20 if told.network == "ip" else 0) - 20 - (told.length or 0)
            options = options.ljust(max(0, min(room // 4 * 4, 40)), b"\1")
        flags = sum(FLAGS.get(letter, 0) for letter in told.flags or "")
        head = struct.pack(">HHIIBBHHH", port(told.src_port), port(told.dst_port), seq, ack, (5 + len(options) // 4) << 4,
                           flags, told.window or 0, 0, 0)  # fmt: skip
        return head + options, len(head) + len(options) + (told.length or 0)
    if told.protocol == "udp":
        size = 8 + (told.length if told.length is not None else _udp_payload(told))
        return struct.pack(">HHHH", port(told.src_port), port(told.dst_port), size & 0xFFFF, 0), size
    if told.protocol in ("icmp", "icmp6") and told.icmp_type is not None:
        body = _icmp(told, src, dst)
        return body, max(told.length or 0, len(body) if not told.length else 0)
    return b"", told.length or 0


def _udp_payload(told: Told) -> int:
    """By the length in the IP header, where the line shows that alone."""
    if told.ip_length is None or told.more_fragments:
        return 0
    return max(0, told.ip_length - (20 if told.network == "ip" else 0) - 8)


def port(shown: int | str | None) -> int:
    """The number of a port, also of the few services that everybody has; 0 where it is not known."""
    number = SERVICES.get(shown, 0) if isinstance(shown, str) else shown or 0
    return number & 0xFFFF


def _options(rest: str) -> bytes:
    """The options of TCP that decode cares for (RFC 9293, 3.1; 7323; 2018)."""
    found = re.search(r"options \[([^\]]{0,200})\]", rest)
    octets = b""
    for match in _TCP_OPTION.finditer(found.group(1)) if found else ():
        groups = match.groupdict()
        if groups["mss"]:
            octets += struct.pack(">BBH", 2, 4, int(groups["mss"]) & 0xFFFF)
        elif groups["wscale"]:
            octets += bytes((3, 3, int(groups["wscale"]) & 0xFF))
        elif groups["sack"]:
            octets += bytes((4, 2))
        elif groups["nop"]:
            octets += b"\1"
        else:
            clocks = int(groups["val"]) & 0xFFFFFFFF, int(groups["ecr"]) & 0xFFFFFFFF
            octets += bytes((8, 10)) + struct.pack(">II", *clocks)
    return octets[:40].ljust(-(-len(octets[:40]) // 4) * 4, b"\1")


def _icmp(told: Told, src: str, dst: str) -> bytes:
    kind, code = told.icmp_type or 0, told.icmp_code or 0
    if told.icmp_id is not None:
        return struct.pack(">BBHHH", kind, code, 0, told.icmp_id & 0xFFFF, (told.icmp_seq or 0) & 0xFFFF)
    if told.protocol == "icmp6" and kind in (135, 136) and told.about:
        return struct.pack(">BBHI", kind, code, 0, 0x60000000 if kind == 136 else 0) + _packed(told.about, 16)
    word = told.mtu or 0
    if told.gateway:
        word = int.from_bytes(_packed(told.gateway, 4), "big")
    head = struct.pack(">BBHI", kind, code, 0, word & 0xFFFFFFFF)
    is_error = kind in (3, 4, 5, 11, 12) if told.protocol == "icmp" else kind in (1, 2, 3, 4)
    return head + _quote(told, src, dst) if is_error and told.about else head


def _quote(told: Told, src: str, dst: str) -> bytes:
    """The head of the packet that an error is about: who sent it, whom it was for, as far as the line says."""
    del src
    asked = re.search(r" (udp|tcp) port (\S+) unreachable|unreachable port, \S+ (udp|tcp) port (\w+)", told.rest or "")
    name, to = (asked.group(1) or asked.group(3), asked.group(2) or asked.group(4)) if asked else (None, None)
    number = PROTOCOLS.get(name or "", 255 if told.network == "ip" else 59)
    shown = int(to) if to and to.isdigit() and len(to) < 6 else to
    ports = struct.pack(">HHHH", 0, port(shown), 0, 0)
    if told.network == "ip6":
        return (
            struct.pack(">IHBB", 6 << 28, 8, number, 0) + ip_address(dst).packed + _packed(told.about or "", 16) + ports
        )
    head = struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 0, number, 0)
    return head + ip_address(dst).packed + _packed(told.about or "", 4) + ports


def _packed(text: str, size: int) -> bytes:
    try:
        octets = ip_address(text.partition("%")[0]).packed
    except ValueError:
        return bytes(size)
    return octets if len(octets) == size else bytes(size)
