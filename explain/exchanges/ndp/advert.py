"""What a router advertisement says: flags, lifetimes and options, from its octets (RFC 4861, 4.2)."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from explain.addresses import ipv6_text
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = 16
_MOST_OPTIONS = 64
_SOURCE_MAC, _PREFIX, _MTU, _ROUTE, _RDNSS, _DNSSL = 1, 3, 5, 24, 25, 31
_MOST_NAMES = 16
_PREFERENCES = {0: "medium", 1: "high", 3: "low"}


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix information option (RFC 4861, 4.6.2).

    Attributes:
        is_on_link: hosts may take the whole prefix for neighbours (L).
        is_autonomous: hosts make their own addresses in it (A).
        valid_s, preferred_s: seconds; 4294967295 is forever.
    """

    prefix: str
    is_on_link: bool
    is_autonomous: bool
    valid_s: int
    preferred_s: int


@dataclass(frozen=True, slots=True)
class Advert:
    """One router advertisement.

    Attributes:
        hop_limit: what hosts are to begin with, 0 if it does not say.
        is_managed: addresses come by DHCPv6 (M); is_other: other facts do (O).
        preference: of this router among several (RFC 4191).
        lifetime_s: as a default router; 0 means that it is none.
        reachable_ms, retransmit_ms: timers of neighbours, 0 if it does not say.
        mac: of the source link-layer option, else None.
        mtu: octets, None if it does not say.
        routes: more specific routes (RFC 4191).
        rdnss, dnssl: name servers and search names (RFC 8106).
        is_damaged: an option contradicts the message's length; what stands before it was read.
    """

    hop_limit: int
    is_managed: bool
    is_other: bool
    preference: str
    lifetime_s: int
    reachable_ms: int
    retransmit_ms: int
    mac: str | None = None
    mtu: int | None = None
    prefixes: tuple[Prefix, ...] = ()
    routes: tuple[str, ...] = ()
    rdnss: tuple[str, ...] = ()
    dnssl: tuple[str, ...] = ()
    is_damaged: bool = False


@dataclass(slots=True)
class _Options:
    mac: str | None = None
    mtu: int | None = None
    prefixes: list[Prefix] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    rdnss: list[str] = field(default_factory=list)
    dnssl: list[str] = field(default_factory=list)
    is_damaged: bool = False


def read(message: bytes) -> Advert | None:
    """The advertisement in an ICMPv6 message, None if its fixed part is not whole."""
    if len(message) < _HEADER:
        return None
    options = _Options()
    for kind, body in _options(message, options):
        _note(options, kind, body)
    flags = message[5]
    return Advert(
        hop_limit=message[4],
        is_managed=bool(flags & 0x80),
        is_other=bool(flags & 0x40),
        preference=_PREFERENCES.get(flags >> 3 & 3, "reserved"),
        lifetime_s=int.from_bytes(message[6:8], "big"),
        reachable_ms=int.from_bytes(message[8:12], "big"),
        retransmit_ms=int.from_bytes(message[12:16], "big"),
        mac=options.mac,
        mtu=options.mtu,
        prefixes=tuple(options.prefixes),
        routes=tuple(options.routes),
        rdnss=tuple(options.rdnss),
        dnssl=tuple(options.dnssl),
        is_damaged=options.is_damaged,
    )


def _options(message: bytes, into: _Options) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each option; an option of no length would never end."""
    at = _HEADER
    for _ in range(_MOST_OPTIONS):
        if at + 2 > len(message):
            break
        size = message[at + 1] * 8
        if not size or at + size > len(message):
            into.is_damaged = True
            return
        yield message[at], message[at + 2 : at + size]
        at += size
    into.is_damaged |= at != len(message)


def _note(into: _Options, kind: int, body: bytes) -> None:
    if kind == _SOURCE_MAC:
        into.mac = body[:6].hex(":")
    elif kind == _MTU and len(body) >= 6:
        into.mtu = int.from_bytes(body[2:6], "big")
    elif kind == _PREFIX and len(body) >= 30:
        into.prefixes.append(_prefix(body))
    elif kind == _ROUTE and len(body) >= 6:
        address = body[6:22].ljust(16, b"\0")
        into.routes.append(f"{ipv6_text(address)}/{body[0]}")
    elif kind == _RDNSS:
        into.rdnss += [ipv6_text(body[at : at + 16]) for at in range(6, len(body) - 15, 16)]
    elif kind == _DNSSL:
        into.dnssl += _names(body[6:])


def _prefix(body: bytes) -> Prefix:
    return Prefix(
        f"{ipv6_text(body[14:30])}/{body[0]}", bool(body[1] & 0x80), bool(body[1] & 0x40),
        int.from_bytes(body[2:6], "big"), int.from_bytes(body[6:10], "big"),
    )  # fmt: skip


def _names(octets: bytes) -> list[str]:
    """Names as labels with lengths, never compressed here (RFC 8106, 5.2); padding is a label of no length."""
    names: list[str] = []
    labels: list[str] = []
    at = 0
    while at < len(octets) and len(names) < _MOST_NAMES:
        size = octets[at]
        if not size:
            names += [".".join(labels)] if labels else []
            labels = []
        elif size > 63 or at + 1 + size > len(octets):
            break
        else:
            labels.append(octets[at + 1 : at + 1 + size].decode("ascii", "backslashreplace"))
        at += 1 + size
    return names
