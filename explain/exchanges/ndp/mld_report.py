"""Which multicast groups a host joins or leaves, as its MLD messages say (RFC 2710, RFC 3810)."""

from __future__ import annotations

from ipaddress import IPv6Address

from explain.record import dataclass

_REPORT, _DONE, _REPORT_2 = 131, 132, 143
_TO_INCLUDE, _TO_EXCLUDE = 3, 4
_HEADER, _GROUP = 8, 16
_RECORD = 4 + _GROUP
_MOST_RECORDS = 256
_SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))


@dataclass(frozen=True, slots=True)
class Membership:
    """One change that a host tells.

    Attributes:
        group: the multicast address.
        is_left: the host listens to it no more; else from now on.
    """

    group: str
    is_left: bool


def memberships(octets: bytes) -> tuple[Membership, ...]:
    """The changes that one ICMPv6 message tells; none of another message, or of what is cut off.

    A change to INCLUDE without sources is a departure, one to EXCLUDE an arrival.
    Source: RFC 2710 section 3; RFC 3810 sections 5.2.12 and 6.1.
    """
    kind = octets[0] if octets else 0
    if kind in {_REPORT, _DONE} and len(octets) >= _HEADER + _GROUP:
        return (Membership(_text(octets, _HEADER), kind == _DONE),)
    if kind != _REPORT_2 or len(octets) < _HEADER:
        return ()
    found, at = [], _HEADER
    for _ in range(min(int.from_bytes(octets[6:8], "big"), _MOST_RECORDS)):
        if at + _RECORD > len(octets):
            break
        sources = int.from_bytes(octets[at + 2 : at + 4], "big")
        if not sources and octets[at] in {_TO_INCLUDE, _TO_EXCLUDE}:
            found.append(Membership(_text(octets, at + 4), octets[at] == _TO_INCLUDE))
        at += _RECORD + _GROUP * sources + 4 * octets[at + 1]
    return tuple(found)


def solicited_node(address: str) -> str | None:
    """The group that the owner of an IPv6 address listens to; None of IPv4. Source: RFC 4291 section 2.7.1."""
    if ":" not in address:
        return None
    return str(IPv6Address(_SOLICITED_NODE | int(IPv6Address(address.partition("%")[0])) & 0xFFFFFF))


def _text(octets: bytes, at: int) -> str:
    return str(IPv6Address(octets[at : at + _GROUP]))
