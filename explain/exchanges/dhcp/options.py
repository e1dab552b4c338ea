"""DHCP options by name, and their values as people write them (RFC 2132 and the registry at IANA)."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from explain.exchanges.dhcp.message import FOREVER, TYPES, octets_text
from explain.exchanges.dns.message import name_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_SHOWN = 64  # octets of a value without a form, and parts of a list


def describe(options: Mapping[int, bytes]) -> dict[str, str]:
    """Every option by name with its value as text; ``option-N`` where the code has no name."""
    return {name(code): value(code, octets) for code, octets in options.items()}


def name(code: int) -> str:
    """The name of an option code."""
    known = OPTIONS.get(code)
    return known[0] if known else f"option-{code}"


def value(code: int, octets: bytes) -> str:
    """The value as people write it; as hexadecimal octets where it has not the form that its code asks for."""
    known = OPTIONS.get(code)
    text = known[1](octets) if known else None
    return _hexadecimal(octets) if text is None else text


def _hexadecimal(octets: bytes) -> str:
    return octets[:_MOST_SHOWN].hex(":") + ("..." if len(octets) > _MOST_SHOWN else "")


def _address(octets: bytes) -> str | None:
    return str(IPv4Address(octets)) if len(octets) == 4 else None


def _addresses(octets: bytes) -> str | None:
    if not octets or len(octets) % 4:
        return None
    some = octets[: 4 * _MOST_SHOWN]
    return ", ".join(str(IPv4Address(some[at : at + 4])) for at in range(0, len(some), 4))


def _number(octets: bytes) -> str | None:
    return str(int.from_bytes(octets, "big")) if len(octets) in (1, 2, 4) else None


def _signed(octets: bytes) -> str | None:
    return str(int.from_bytes(octets, "big", signed=True)) if len(octets) == 4 else None


def _seconds(octets: bytes) -> str | None:
    if len(octets) != 4:
        return None
    number = int.from_bytes(octets, "big")
    return "infinite" if number == FOREVER else f"{number} s"


def _flag(octets: bytes) -> str | None:
    return {b"\0": "no", b"\1": "yes"}.get(octets)


def _codes(octets: bytes) -> str | None:
    return ", ".join(name(code) for code in octets[:_MOST_SHOWN]) or None


def _type(octets: bytes) -> str | None:
    return TYPES.get(octets[0]) if len(octets) == 1 else None


def _overload(octets: bytes) -> str | None:
    return {b"\1": "file", b"\2": "sname", b"\3": "file, sname"}.get(octets)


def _client_id(octets: bytes) -> str | None:
    """Hardware type 1 is an Ethernet address (RFC 2132, 9.14); 255 is an IAID and a DUID (RFC 4361, 6.1)."""
    if len(octets) == 7 and octets[0] == 1:
        return octets[1:].hex(":")
    if len(octets) > 1 and octets[0] == 0:
        return octets_text(octets[1:])
    return None


def _full_name(octets: bytes) -> str | None:
    """Flags, two unused octets, the name (RFC 4702, 2); as labels or as plain text."""
    if len(octets) < 4:
        return None
    if octets[0] & 0x04:
        labels = name_at(octets[3:] + b"\0", 0)
        return labels[0] if labels else None
    return octets_text(octets[3:])


def _search(octets: bytes) -> str | None:
    """Names in DNS form, which may point at each other (RFC 3397)."""
    names: list[str] = []
    at = 0
    while at < len(octets) and len(names) < _MOST_SHOWN:
        found = name_at(octets, at)
        if found is None:
            return None
        names.append(found[0])
        at = found[1]
    return ", ".join(names) or None


def _routes(octets: bytes) -> str | None:
    """Prefix length, the octets of the network that matter, the router (RFC 3442)."""
    routes: list[str] = []
    at = 0
    while at < len(octets) and len(routes) < _MOST_SHOWN:
        length = octets[at]
        width = (length + 7) // 8
        if length > 32 or at + 1 + width + 4 > len(octets):
            return None
        network = IPv4Address(octets[at + 1 : at + 1 + width].ljust(4, b"\0"))
        router = IPv4Address(octets[at + 1 + width : at + 5 + width])
        routes.append(f"{network}/{length} via {router}")
        at += 5 + width
    return ", ".join(routes) or None


def _pairs(octets: bytes) -> str | None:
    if not octets or len(octets) % 8:
        return None
    some = octets[: 8 * _MOST_SHOWN]
    return ", ".join(
        f"{IPv4Address(some[at : at + 4])} via {IPv4Address(some[at + 4 : at + 8])}" for at in range(0, len(some), 8)
    )


def _sub_options(octets: bytes) -> str | None:
    """Circuit and remote id of a relay (RFC 3046, 2.0)."""
    names = {1: "circuit-id", 2: "remote-id", 5: "link-selection", 6: "subscriber-id", 11: "server-override"}
    parts: list[str] = []
    at = 0
    while at + 2 <= len(octets) and len(parts) < _MOST_SHOWN:
        end = at + 2 + octets[at + 1]
        if end > len(octets):
            return None
        parts.append(f"{names.get(octets[at], f'sub-option-{octets[at]}')} {_hexadecimal(octets[at + 2 : end])}")
        at = end
    return ", ".join(parts) or None


OPTIONS: dict[int, tuple[str, Callable[[bytes], str | None]]] = {
    1: ("subnet-mask", _address),
    2: ("time-offset", _signed),
    3: ("router", _addresses),
    4: ("time-server", _addresses),
    5: ("ien-116-name-server", _addresses),
    6: ("name-server", _addresses),
    7: ("log-server", _addresses),
    9: ("print-server", _addresses),
    12: ("host-name", octets_text),
    13: ("boot-file-size", _number),
    14: ("merit-dump-file", octets_text),
    15: ("domain-name", octets_text),
    16: ("swap-server", _address),
    17: ("root-path", octets_text),
    18: ("extensions-path", octets_text),
    19: ("ip-forwarding", _flag),
    22: ("largest-reassembled", _number),
    23: ("default-ttl", _number),
    26: ("interface-mtu", _number),
    27: ("all-subnets-local", _flag),
    28: ("broadcast-address", _address),
    31: ("router-discovery", _flag),
    32: ("router-solicitation-address", _address),
    33: ("static-route", _pairs),
    35: ("arp-cache-timeout", _seconds),
    37: ("tcp-default-ttl", _number),
    38: ("tcp-keepalive-interval", _seconds),
    40: ("nis-domain", octets_text),
    41: ("nis-server", _addresses),
    42: ("ntp-server", _addresses),
    43: ("vendor-specific", lambda _: None),
    44: ("netbios-name-server", _addresses),
    45: ("netbios-datagram-server", _addresses),
    46: ("netbios-node-type", _number),
    47: ("netbios-scope", octets_text),
    48: ("x-font-server", _addresses),
    49: ("x-display-manager", _addresses),
    50: ("requested-address", _address),
    51: ("lease-time", _seconds),
    52: ("overload", _overload),
    53: ("message-type", _type),
    54: ("server-identifier", _address),
    55: ("parameter-request-list", _codes),
    56: ("message", octets_text),
    57: ("largest-message", _number),
    58: ("renewal-time", _seconds),
    59: ("rebinding-time", _seconds),
    60: ("vendor-class", octets_text),
    61: ("client-identifier", _client_id),
    64: ("nis-plus-domain", octets_text),
    65: ("nis-plus-server", _addresses),
    66: ("tftp-server-name", octets_text),
    67: ("boot-file-name", octets_text),
    69: ("smtp-server", _addresses),
    70: ("pop3-server", _addresses),
    77: ("user-class", lambda _: None),
    80: ("rapid-commit", lambda octets: None if octets else "yes"),
    81: ("client-full-name", _full_name),
    82: ("relay-agent-information", _sub_options),
    90: ("authentication", lambda _: None),
    91: ("last-transaction-time", _seconds),
    92: ("associated-address", _addresses),
    93: ("client-architecture", _number),
    94: ("client-network-interface", lambda _: None),
    97: ("client-machine-id", lambda _: None),
    100: ("posix-time-zone", octets_text),
    101: ("time-zone-name", octets_text),
    108: ("ipv6-only-preferred", _seconds),
    114: ("captive-portal", octets_text),
    116: ("auto-configuration", _number),
    118: ("subnet-selection", _address),
    119: ("domain-search", _search),
    120: ("sip-server", lambda _: None),
    121: ("classless-static-route", _routes),
    124: ("vendor-identifying-class", lambda _: None),
    125: ("vendor-identifying-information", lambda _: None),
    138: ("capwap-controller", _addresses),
    145: ("forcerenew-nonce-capable", lambda _: None),
    150: ("tftp-server-address", _addresses),
    161: ("mud-url", octets_text),
    249: ("microsoft-static-route", _routes),
    252: ("web-proxy-auto-discovery", octets_text),
}
"""Code -> name, and what makes text of a value (None where it has not the form)."""
