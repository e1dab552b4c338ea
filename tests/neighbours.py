"""Neighbour discovery made by hand (RFC 4861)."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from packets import A, eth, icmp6, ip, octets, packed

NODES, ROUTERS = "ff02::1", "ff02::2"
SOLICITED, OVERRIDE, ROUTER = 1 << 30, 1 << 29, 1 << 31


def group_of(address: str) -> str:
    return str(ip_address(b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + packed(address)[13:]))


def group_mac(address: str) -> str:
    return "33:33:" + packed(address)[12:].hex(":")


def sent(mac: str, source: str, to: str, kind: int, word: int, data: bytes, to_mac: str | None = None, ttl=255):
    body = icmp6(source, to, kind, 0, word, data)
    return eth(mac, to_mac or group_mac(to), 0x86DD, ip(source, to, 58, body, ttl=ttl))


def solicit(mac: str, source: str, wanted: str, to: tuple[str, str] | None = None, **more) -> bytes:
    """``to`` is (MAC, address) of a unicast check."""
    option = b"" if source == "::" else b"\x01\x01" + octets(mac)
    to_mac, target = to or (None, group_of(wanted))
    return sent(mac, source, target, 135, 0, packed(wanted) + option, to_mac, **more)


def advertise(mac: str, address: str, to: str = NODES, flags: int = SOLICITED | OVERRIDE, to_mac: str = A) -> bytes:
    data = packed(address) + b"\x02\x01" + octets(mac)
    return sent(mac, address, to, 136, flags, data, None if to == NODES else to_mac)


def seek_router(mac: str, source: str) -> bytes:
    return sent(mac, source, ROUTERS, 133, 0, b"" if source == "::" else b"\x01\x01" + octets(mac))


def option(kind: int, body: bytes) -> bytes:
    body += b"\0" * (-(len(body) + 2) % 8)
    return bytes((kind, (len(body) + 2) // 8)) + body


def prefix(address: str, length: int, flags: int = 0xC0, valid: int = 86400, preferred: int = 14400) -> bytes:
    return option(3, struct.pack(">BBIII", length, flags, valid, preferred, 0) + packed(address))


def router(mac: str, source: str, *options: bytes, lifetime=1800, flags=0, to: str = NODES, to_mac=None) -> bytes:
    word = 64 << 24 | flags << 16 | lifetime
    data = struct.pack(">II", 0, 0) + b"\x01\x01" + octets(mac) + b"".join(options)
    return sent(mac, source, to, 134, word, data, to_mac)
