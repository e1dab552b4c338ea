"""Addresses as numbers: the arithmetic that routing and filtering are made of.

Text is parsed once and kept, because the same few addresses are asked about again and again.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import NamedTuple

BITS = {4: 32, 6: 128}
UNSPECIFIED = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - nobody's address, RFC 1122 section 3.2.1.3; nothing is bound


class Network(NamedTuple):
    """A prefix: every address whose first ``length`` bits equal those of ``number``."""

    family: int
    number: int
    length: int

    def covers(self, address: str) -> bool:
        """Whether the address lies inside this prefix."""
        other = parse(address)
        return other is not None and other[0] == self.family and self.has(other[1])

    def has(self, number: int) -> bool:
        """Whether an address of the same family, given as a number, lies inside this prefix."""
        shift = BITS[self.family] - self.length
        return number >> shift == self.number >> shift

    def __str__(self) -> str:
        if not self.length:
            return "default"
        text = to_text(self.family, self.number)
        return text if self.length == BITS[self.family] else f"{text}/{self.length}"


@lru_cache(maxsize=16384)
def parse(text: str) -> tuple[int, int] | None:
    """Family (4 or 6) and number of an address without prefix or scope, or None if it is none.

    Source: RFC 4291 section 2.2 for the text forms of IPv6.
    """
    for family, domain in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        try:
            return family, int.from_bytes(socket.inet_pton(domain, text), "big")
        except (OSError, ValueError):
            continue
    return None


@lru_cache(maxsize=16384)
def to_text(family: int, number: int) -> str:
    """The canonical text of an address. Source: RFC 5952."""
    domain = socket.AF_INET if family == 4 else socket.AF_INET6
    return socket.inet_ntop(domain, number.to_bytes(BITS[family] // 8, "big"))


@lru_cache(maxsize=16384)
def parse_network(text: str, family: int | None = None) -> Network | None:
    """A prefix as iproute2 writes it: ``10.0.0.0/8``, a single address, ``default`` or ``all``."""
    if text in {"default", "all", "any"}:
        return None if family is None else Network(family, 0, 0)
    head, slash, tail = text.partition("/")
    address = parse(head)
    if address is None or (family is not None and address[0] != family):
        return None
    length = BITS[address[0]]
    if slash:
        mask = parse(tail) if "." in tail or ":" in tail else None
        if mask is not None and mask[0] == address[0]:
            length = mask[1].bit_count()
        elif tail.isascii() and tail.isdigit() and int(tail) <= length:
            length = int(tail)
        else:
            return None
    shift = BITS[address[0]] - length
    return Network(address[0], address[1] >> shift << shift, length)


def network_of(address: str, length: int) -> Network | None:
    """The prefix of ``length`` bits in which an address lies."""
    return parse_network(f"{address}/{length}")


def family_of(address: str) -> int:
    """4 or 6; anything that is not an IPv4 address counts as 6 if it has a colon, else as 4."""
    parsed = parse(address)
    return parsed[0] if parsed else (6 if ":" in address else 4)


def is_multicast(address: str) -> bool:
    """Whether the address names a group. Source: RFC 5771 (224/4), RFC 4291 section 2.7 (ff00::/8)."""
    parsed = parse(address)
    return parsed is not None and (parsed[1] >> 28 == 0xE if parsed[0] == 4 else parsed[1] >> 120 == 0xFF)


def is_link_local(address: str) -> bool:
    """Whether the address is valid on one link only. Source: RFC 3927 (169.254/16), RFC 4291 section 2.5.6."""
    parsed = parse(address)
    if parsed is None:
        return False
    return parsed[1] >> 16 == 0xA9FE if parsed[0] == 4 else parsed[1] >> 118 == 0x3FA


def is_loopback(address: str) -> bool:
    """Whether the address is the host itself. Source: RFC 1122 section 3.2.1.3 (127/8), RFC 4291 section 2.5.3."""
    parsed = parse(address)
    return parsed is not None and (parsed[1] >> 24 == 127 if parsed[0] == 4 else parsed[1] == 1)


_PRIVATE = tuple(
    parse_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def private_block(address: str) -> Network | None:
    """The block for use inside one site or provider that holds the address. Source: RFC 1918, RFC 6598, RFC 4193."""
    return next((network for network in _PRIVATE if network is not None and network.covers(address)), None)


def is_private(address: str) -> bool:
    """Whether the address is for use inside one site or provider."""
    return private_block(address) is not None


def in_bits(address: str) -> str:
    """The address in binary, octet by octet (IPv4) or group by group (IPv6), as a textbook writes it."""
    parsed = parse(address)
    if parsed is None:
        return ""
    family, number = parsed
    step = 8 if family == 4 else 16
    groups = range(BITS[family] - step, -1, -step)
    return ("." if family == 4 else ":").join(f"{number >> shift & (1 << step) - 1:0{step}b}" for shift in groups)


def mask_text(family: int, length: int) -> str:
    """The mask of a prefix length, as an address."""
    return to_text(family, ((1 << length) - 1) << (BITS[family] - length))
