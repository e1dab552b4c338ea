"""A DHCPv6 message field by field, for whoever looks at one frame (RFC 8415)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv6_text
from explain.decode.dissect.field import CutError, Means, Next
from explain.exchanges.dhcp.message import octets_text
from explain.exchanges.dhcpv6.message import STATUS, TYPES, mac_of
from explain.exchanges.dns.message import name_at
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.decode.dissect.field import Header

OPTIONS = {
    1: "client identifier", 2: "server identifier", 3: "identity association, addresses",
    4: "identity association, temporary addresses", 5: "address", 6: "options wanted", 7: "preference",
    8: "elapsed time", 9: "relayed message", 11: "authentication", 12: "server unicast", 13: "status code",
    14: "rapid commit", 15: "user class", 16: "vendor class", 17: "vendor options", 18: "interface id",
    19: "reconfigure message", 20: "reconfigure accept", 21: "SIP names", 22: "SIP servers", 23: "name servers",
    24: "domain search list", 25: "identity association, prefixes", 26: "prefix", 31: "SNTP servers",
    32: "refresh time", 37: "remote id", 38: "subscriber id", 39: "client's full name", 41: "time zone",
    42: "time zone by name", 56: "NTP servers", 59: "boot file", 60: "boot file parameters",
    61: "client architecture", 62: "client network interface", 64: "AFTR name", 79: "client link-layer address",
    82: "longest SOLICIT interval", 83: "longest INFORMATION-REQUEST interval",
}  # fmt: skip
"""Options that people meet (RFC 8415, 21; the registry at IANA)."""

_RELAYED = (12, 13)
_RELAY_HEADER, _OPTION_HEADER = 34, 4
_MOST_DEPTH, _MOST_OPTIONS, _MOST_PARTS = 8, 256, 64
_DUID_TYPES = {1: "link-layer address and time", 2: "enterprise number", 3: "link-layer address", 4: "UUID"}
_FOREVER = 0xFFFFFFFF
_SECOND_NS = 1_000_000_000


class _Walk:
    """How many options were read of a message, whatever their nesting."""

    def __init__(self) -> None:
        self.options = 0


class _Part(NamedTuple):
    """Octets within a header."""

    at: int
    end: int


def read(header: Header) -> Next | None:
    """A message, with those that relays put into theirs."""
    _message(header, _Part(0, header.rest()), _Walk(), 0)
    return None


def _message(header: Header, part: _Part, walk: _Walk, depth: int) -> None:
    at = part.at
    if header.number("dhcpv6.msgtype", at, 1, TYPES) in _RELAYED:
        header.number("dhcpv6.hopcount", at + 1, 1)
        header.text("dhcpv6.linkaddr", at + 2, 16, ipv6_text(header.raw(at + 2, 16)))
        header.text("dhcpv6.peeraddr", at + 18, 16, ipv6_text(header.raw(at + 18, 16)))
        at += _RELAY_HEADER
    else:
        header.number("dhcpv6.xid", at + 1, 3)
        at += 4
    _options(header, _Part(at, part.end), walk, depth)


def _options(header: Header, part: _Part, walk: _Walk, depth: int) -> None:
    at = part.at
    while at < part.end and walk.options < _MOST_OPTIONS:
        walk.options += 1
        code = header.number("dhcpv6.option.type", at, 2, OPTIONS)
        size = header.number("dhcpv6.option.length", at + 2, 2)
        value = _Part(at + _OPTION_HEADER, at + _OPTION_HEADER + size)
        if value.end > part.end:
            raise CutError
        header.raw(value.at, size)
        _value(header, code, value, walk, depth)
        at = value.end


def _value(header: Header, code: int, part: _Part, walk: _Walk, depth: int) -> None:
    size = part.end - part.at
    fixed = _FIXED.get(code)
    if code == 9 and depth < _MOST_DEPTH:
        _message(header, part, walk, depth + 1)
    elif code in _READERS and size >= _READERS[code][0]:
        _READERS[code][1](header, part)
    elif fixed and size >= fixed[0]:
        fixed[1](header, part)
        if depth < _MOST_DEPTH:
            _options(header, _Part(part.at + fixed[0], part.end), walk, depth + 1)
    elif size:
        header.text("dhcpv6.option.value", part.at, size, header.raw(part.at, size).hex())


def _duid(header: Header, part: _Part) -> None:
    duid = header.raw(part.at, part.end - part.at)
    mac = mac_of(duid)
    header.text("dhcpv6.duid.bytes", part.at, len(duid), duid.hex(), ("duid-of-mac", {"mac": mac}) if mac else None)
    header.number("dhcpv6.duid.type", part.at, 2, _DUID_TYPES)


def _seconds(header: Header, name: str, at: int) -> None:
    value = int.from_bytes(header.raw(at, 4), "big")
    lasting: Means | None = ("seconds", {"lasting_ns": value * _SECOND_NS}) if value else None
    lasting = ("forever", {}) if value == _FOREVER else lasting
    header.number(name, at, 4, None, lasting)


def _identity(header: Header, part: _Part) -> None:
    header.text("dhcpv6.iaid", part.at, 4, header.raw(part.at, 4).hex())
    _seconds(header, "dhcpv6.iaid.t1", part.at + 4)
    _seconds(header, "dhcpv6.iaid.t2", part.at + 8)


def _temporary(header: Header, part: _Part) -> None:
    header.text("dhcpv6.iata", part.at, 4, header.raw(part.at, 4).hex())


def _address(header: Header, part: _Part) -> None:
    header.text("dhcpv6.iaaddr.ip", part.at, 16, ipv6_text(header.raw(part.at, 16)))
    _seconds(header, "dhcpv6.iaaddr.pref_lifetime", part.at + 16)
    _seconds(header, "dhcpv6.iaaddr.valid_lifetime", part.at + 20)


def _prefix(header: Header, part: _Part) -> None:
    _seconds(header, "dhcpv6.iaprefix.pref_lifetime", part.at)
    _seconds(header, "dhcpv6.iaprefix.valid_lifetime", part.at + 4)
    header.number("dhcpv6.iaprefix.pref_len", part.at + 8, 1)
    header.text("dhcpv6.iaprefix.pref_addr", part.at + 9, 16, ipv6_text(header.raw(part.at + 9, 16)))


def _wanted(header: Header, part: _Part) -> None:
    for at in range(part.at, min(part.end - 1, part.at + 2 * _MOST_PARTS), 2):
        header.number("dhcpv6.requested_option_code", at, 2, OPTIONS)


def _elapsed(header: Header, part: _Part) -> None:
    hundredths = int.from_bytes(header.raw(part.at, 2), "big")
    lasting = {"lasting_ns": hundredths * _SECOND_NS // 100}
    header.number("dhcpv6.elapsed_time", part.at, 2, None, ("seconds", lasting) if hundredths else None)


def _status(header: Header, part: _Part) -> None:
    code = int.from_bytes(header.raw(part.at, 2), "big")
    means: Means | None = (f"dhcpv6-status-{code}", {}) if code in range(7) else None
    header.number("dhcpv6.status_code", part.at, 2, STATUS, means)
    if size := part.end - part.at - 2:
        header.text("dhcpv6.status_msg", part.at + 2, size, octets_text(header.raw(part.at + 2, size)))


def _addresses(name: str) -> Callable[[Header, _Part], None]:
    def each(header: Header, part: _Part) -> None:
        for at in range(part.at, min(part.end - 15, part.at + 16 * _MOST_PARTS), 16):
            header.text(name, at, 16, ipv6_text(header.raw(at, 16)))

    return each


def _names(header: Header, part: _Part) -> None:
    octets = header.raw(part.at, part.end - part.at)
    at = 0
    for _ in range(_MOST_PARTS):
        found = name_at(octets, at) if at < len(octets) else None
        if found is None:
            return
        header.text("dhcpv6.search_list_entry", part.at + at, found[1] - at, found[0])
        at = found[1]


def _full_name(header: Header, part: _Part) -> None:
    """Flags, then labels that need not be complete (RFC 4704, 4)."""
    header.number("dhcpv6.client_fqdn_flags", part.at, 1)
    size = part.end - part.at - 1
    octets = header.raw(part.at + 1, size)
    found = name_at(octets, 0) or name_at(octets + b"\0", 0)
    if found:
        header.text("dhcpv6.client_domain", part.at + 1, size, found[0])


def _link_address(header: Header, part: _Part) -> None:
    header.number("dhcpv6.client_link_layer_addr.hwtype", part.at, 2, {1: "Ethernet"})
    size = part.end - part.at - 2
    header.text("dhcpv6.client_link_layer_addr", part.at + 2, size, header.raw(part.at + 2, size).hex(":"))


def _preference(header: Header, part: _Part) -> None:
    header.number("dhcpv6.option_preference", part.at, 1)


# Code -> octets that it takes at least, and who reads it; of the second table, options follow the fixed octets.
_READERS: dict[int, tuple[int, Callable[[Header, _Part], None]]] = {
    1: (2, _duid), 2: (2, _duid), 6: (2, _wanted), 7: (1, _preference), 8: (2, _elapsed), 13: (2, _status),
    23: (16, _addresses("dhcpv6.dns_server")), 24: (1, _names), 31: (16, _addresses("dhcpv6.sntp_server")),
    39: (2, _full_name), 79: (3, _link_address),
}  # fmt: skip
_FIXED: dict[int, tuple[int, Callable[[Header, _Part], None]]] = {
    3: (12, _identity), 4: (4, _temporary), 5: (24, _address), 25: (12, _identity), 26: (25, _prefix),
}  # fmt: skip
