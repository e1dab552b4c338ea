"""Addresses as the columns hold them, and the text of each.

An *address key* is a uint64: an IPv4 address is its number, an IPv6 address is ``IPV6_KEY``
plus its index in ``Addresses``.  A *MAC key* is the 48-bit number, ``NO_MAC`` where the link
layer shows none.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.table import U8, Bools

IPV6_KEY = 1 << 32
NO_MAC = 1 << 48
BROADCAST = (1 << 48) - 1

_IPV6_WORDS, _IPV6_TEXT = struct.Struct(">8H"), ":" + "{:x}:" * 8
_ZEROS = tuple(":0" * count + ":" for count in range(8, 1, -1))  # the longest first, that an IPv6 address is short
_IPV4_OCTETS = 4


class Addresses:
    """IPv6 addresses by index, and the text of any address key.

    Attributes:
        high, low: uint64[n], the halves of each IPv6 address as numbers.
    """

    def __init__(self, high: U8, low: U8) -> None:
        self.high = high
        self.low = low
        self._text: dict[int, str] = {}

    def text(self, key: int) -> str:
        """Canonical text of an address key (RFC 5952 for IPv6)."""
        known = self._text.get(key)
        if known is None:
            known = self._text[key] = self._make_text(int(key))
        return known

    def _make_text(self, key: int) -> str:
        if key < IPV6_KEY:
            return f"{key >> 24}.{key >> 16 & 255}.{key >> 8 & 255}.{key & 255}"
        return ipv6_text(self.octets(key))

    def find(self, octets: bytes) -> int | None:
        """Index of an IPv6 address given as 16 octets; None if no frame has it."""
        high, low = int.from_bytes(octets[:8], "big"), int.from_bytes(octets[8:], "big")
        found = np.flatnonzero((self.high == high) & (self.low == low))
        return int(found[0]) if len(found) else None

    def octets(self, key: int) -> bytes:
        """The 4 or 16 octets of an address key, in network order."""
        if key < IPV6_KEY:
            return int(key).to_bytes(4, "big")
        index = key - IPV6_KEY
        return int(self.high[index]).to_bytes(8, "big") + int(self.low[index]).to_bytes(8, "big")

    def are_groups(self, keys: U8) -> Bools:
        """Which address keys are 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291) or the limited broadcast."""
        are_groups: Bools = (keys >> np.uint64(28) == 14) | (keys == 0xFFFFFFFF)
        some = np.flatnonzero(keys >= IPV6_KEY)
        are_groups[some] = self.high[keys[some] - np.uint64(IPV6_KEY)] >> np.uint64(56) == 0xFF
        return are_groups


def is_private(key: int) -> bool:
    """Whether an address key is one of the private IPv4 networks (RFC 1918, 3); keys of IPv6 are larger than these."""
    return key >> 24 == 10 or key >> 20 == 0xAC1 or key >> 16 == 0xC0A8


def ipv4_text(octets: bytes) -> str:
    """Dotted quad of 4 octets."""
    return ".".join(map(str, octets))


def ipv6_text(octets: bytes) -> str:
    """Canonical text of 16 octets; IPv4-mapped addresses end in dotted quads (RFC 5952, 4 and 5)."""
    if octets[:12] == b"\0" * 10 + b"\xff\xff":
        return "::ffff:" + ipv4_text(octets[12:])
    text = _IPV6_TEXT.format(*_IPV6_WORDS.unpack(octets))
    for zeros in _ZEROS:
        at = text.find(zeros)
        if at >= 0:
            return f"{text[1:at]}::{text[at + len(zeros) : -1]}"
    return text[1:-1]


def ip_text(octets: bytes) -> str:
    """Text of an IPv4 address of 4 octets, or of an IPv6 address of 16."""
    return ipv4_text(octets) if len(octets) == _IPV4_OCTETS else ipv6_text(octets)


def mac_text(key: int) -> str:
    """A MAC key as lower-case text with colons; empty for NO_MAC."""
    if key >= NO_MAC:
        return ""
    return int(key).to_bytes(6, "big").hex(":")
