"""Frames made by hand, so that a test says itself what is on the wire."""

from __future__ import annotations

import io
import struct
from ipaddress import ip_address

A, B, R = "00:00:5e:00:53:01", "00:00:5e:00:53:02", "00:00:5e:00:53:fe"
EVERYONE = "ff:ff:ff:ff:ff:ff"
NOBODY = "00:00:00:00:00:00"

EPOCH = 1_700_000_000
"""When captures made here begin, unless a frame says its own time; UTC seconds."""


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def packed(address: str) -> bytes:
    return ip_address(address).packed


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def eth(source: str, target: str, kind: int, payload: bytes, vlan: int | None = None) -> bytes:
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return octets(target) + octets(source) + tag + struct.pack(">H", kind) + payload


def arp(operation: int, sender: tuple[str, str], target: tuple[str, str], to: str = EVERYONE) -> bytes:
    """``sender`` and ``target`` are (MAC, address)."""
    body = struct.pack(">HHBBH", 1, 0x800, 6, 4, operation)
    body += octets(sender[0]) + packed(sender[1]) + octets(target[0]) + packed(target[1])
    return eth(sender[0], to, 0x806, body)


def who_has(asker: tuple[str, str], wanted: str, to: str = EVERYONE) -> bytes:
    return arp(1, asker, (NOBODY, wanted), to)


def is_at(owner: tuple[str, str], asker: tuple[str, str]) -> bytes:
    return arp(2, owner, asker, asker[0])


def ip(source: str, target: str, protocol: int, payload: bytes, ttl: int = 64, ident: int = 1, flags: int = 0) -> bytes:
    """An IPv4 or IPv6 packet, by the family of the addresses."""
    ends = packed(source) + packed(target)
    if len(ends) == 32:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + ends + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, flags, ttl, protocol, 0) + ends
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def with_sum(source: str, target: str, protocol: int, segment: bytes, at: int) -> bytes:
    """The segment with the checksum over it and the pseudo-header written at ``at``."""
    pseudo = packed(source) + packed(target) + struct.pack(">IHBB", len(segment), 0, 0, protocol)
    value = checksum(pseudo + segment)
    return segment[:at] + struct.pack(">H", value) + segment[at + 2 :]


def icmp(kind: int, code: int, word: int, data: bytes = b"") -> bytes:
    body = struct.pack(">BBHI", kind, code, 0, word) + data
    return body[:2] + struct.pack(">H", checksum(body)) + body[4:]


def icmp6(source: str, target: str, kind: int, code: int, word: int, data: bytes = b"") -> bytes:
    return with_sum(source, target, 58, struct.pack(">BBHI", kind, code, 0, word) + data, 2)


def udp(source: str, target: str, sport: int, dport: int, data: bytes = b"") -> bytes:
    return with_sum(source, target, 17, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data, 6)


def tcp(
    source: str, target: str, sport: int, dport: int, flags: int, seq: int = 0, ack: int = 0, data: bytes = b"",
    window: int = 64240, options: bytes = b"",
) -> bytes:  # fmt: skip
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, offset, flags, window, 0, 0)
    return with_sum(source, target, 6, head + options + data, 16)


def ping(source: str, target: str, seq: int, ident: int = 7, ttl: int = 64, macs: tuple[str, str] = (A, B)) -> bytes:
    word = ident << 16 | seq
    if ":" in source:
        return eth(*macs, 0x86DD, ip(source, target, 58, icmp6(source, target, 128, 0, word, b"x" * 56), ttl))
    return eth(*macs, 0x800, ip(source, target, 1, icmp(8, 0, word, b"x" * 56), ttl))


def pong(source: str, target: str, seq: int, ident: int = 7, ttl: int = 64, macs: tuple[str, str] = (B, A)) -> bytes:
    word = ident << 16 | seq
    if ":" in source:
        return eth(*macs, 0x86DD, ip(source, target, 58, icmp6(source, target, 129, 0, word, b"x" * 56), ttl))
    return eth(*macs, 0x800, ip(source, target, 1, icmp(0, 0, word, b"x" * 56), ttl))


def error(speaker: str, kind: int, code: int, about: bytes, word: int = 0, macs: tuple[str, str] = (R, A)) -> bytes:
    """An ICMP error to the sender of ``about`` (a whole Ethernet frame), quoting its packet."""
    quoted = about[14:]
    if quoted[0] >> 4 == 6:
        asker = str(ip_address(quoted[8:24]))
        body = icmp6(speaker, asker, kind, code, word, quoted[:512])
        return eth(*macs, 0x86DD, ip(speaker, asker, 58, body))
    asker = str(ip_address(quoted[12:16]))
    return eth(*macs, 0x800, ip(speaker, asker, 1, icmp(kind, code, word, quoted[:28])))


def segment(
    source: tuple[str, int], target: tuple[str, int], flags: int, macs: tuple[str, str] = (A, B), ttl: int = 64, **more
) -> bytes:
    body = tcp(source[0], target[0], source[1], target[1], flags, **more)
    return eth(*macs, 0x86DD if ":" in source[0] else 0x800, ip(source[0], target[0], 6, body, ttl))


def datagram(
    source: tuple[str, int], target: tuple[str, int], data: bytes = b"", macs: tuple[str, str] = (A, B), ttl: int = 64
) -> bytes:
    body = udp(source[0], target[0], source[1], target[1], data)
    return eth(*macs, 0x86DD if ":" in source[0] else 0x800, ip(source[0], target[0], 17, body, ttl))


def pcap(
    *frames: bytes | tuple[float, bytes], link_type: int = 1, gap_s: float = 0.001, snaplen: int = 262144
) -> io.BytesIO:
    """A capture with one frame each ``gap_s``, cut to ``snaplen``; a pair says its own time in seconds."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, link_type)]
    now = 0.0
    for one in frames:
        when, frame = one if isinstance(one, tuple) else (now, one)
        now = when + gap_s
        ns = EPOCH * 10**9 + round(when * 1e9)
        kept = frame[:snaplen]
        out.append(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(kept), len(frame)) + kept)
    return io.BytesIO(b"".join(out))
