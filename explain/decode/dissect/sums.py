"""The Internet checksum of one header, with its arithmetic (RFC 1071)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.decode.dissect.field import Sum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.decode.dissect.field import Header


def words(octets: bytes) -> int:
    """The plain sum of the 16-bit words; an odd last octet is padded with zero."""
    padded = octets + b"\0" * (len(octets) % 2)
    return sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))


def fold(total: int) -> int:
    """Carries added back in until the sum fits into 16 bits."""
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def plain(header: Header, name: str, at: int, covered: bytes) -> Sum:
    """A checksum over ``covered`` octets, in which its own field stands at ``at``."""
    found = int.from_bytes(covered[at : at + 2], "big")
    total = words(covered[:at] + b"\0\0" + covered[at + 2 :])
    expected = fold(total) ^ 0xFFFF
    result = Sum(name, found, expected, (("words", total),), "right" if _same(found, expected) else "wrong")
    header.sums.append(result)
    return result


def with_pseudo_header(header: Header, name: str, at: int, context: Mapping[str, Any], size: int) -> None:
    """A checksum of TCP, UDP or ICMPv6, which also covers addresses, length and protocol (RFC 9293, 3.1; 8200, 8.1)."""
    covered = header.octets[header.at : min(header.at + size, len(header.octets))]
    found = int.from_bytes(covered[at : at + 2], "big")
    ends: bytes = context.get("src", b"") + context.get("dst", b"")
    protocol = int(context.get("protocol", 0))
    pseudo = words(ends) + protocol + (size >> 16) + (size & 0xFFFF)
    parts = (("pseudo", pseudo), ("words", words(covered[:at] + b"\0\0" + covered[at + 2 :])))
    if name == "udp.checksum" and not found and len(ends) == 8:
        header.sums.append(Sum(name, found, None, (), "none"))
        return
    if len(covered) < size or context.get("is_fragment") or not ends or context.get("is_quoted"):
        header.sums.append(Sum(name, found, None, (), "unknown"))
        return
    expected = fold(parts[0][1] + parts[1][1]) ^ 0xFFFF
    if name == "udp.checksum" and not expected:
        expected = 0xFFFF  # 0 would say that there is none (RFC 768)
    verdict = "right" if _same(found, expected) else "partial" if found == fold(pseudo) else "wrong"
    header.sums.append(Sum(name, found, expected, parts, verdict))


def _same(one: int, other: int) -> bool:
    """Both forms of zero are one (RFC 1071, 1)."""
    return one % 0xFFFF == other % 0xFFFF
