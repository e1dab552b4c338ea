"""ICMP and ICMPv6 with what they quote and their options (RFC 792, 4443, 4861, 3810)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text, ipv6_text
from explain.decode.dissect import groups, sums
from explain.decode.dissect.field import CutError, Means, Next
from explain.decode.dissect.ip import time_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.decode.dissect.field import Header

TYPES = {
    0: "echo reply", 3: "destination unreachable", 4: "source quench", 5: "redirect", 8: "echo request",
    9: "router advertisement", 10: "router solicitation", 11: "time exceeded", 12: "parameter problem",
    13: "timestamp request", 14: "timestamp reply", 17: "address mask request", 18: "address mask reply",
    30: "traceroute", 42: "extended echo request", 43: "extended echo reply",
}  # fmt: skip
_TYPES_V6 = {
    1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem", 128: "echo request",
    129: "echo reply", 130: "MLD query", 131: "MLD report", 132: "MLD done", 133: "router solicitation",
    134: "router advertisement", 135: "neighbour solicitation", 136: "neighbour advertisement", 137: "redirect",
    139: "node information query", 140: "node information reply", 143: "MLDv2 report",
}  # fmt: skip
_CODES = {
    3: {0: "net unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
        4: "fragmentation needed", 5: "source route failed", 6: "net unknown", 7: "host unknown",
        8: "source host isolated", 9: "net prohibited", 10: "host prohibited", 11: "net unreachable for service",
        12: "host unreachable for service", 13: "administratively prohibited", 14: "host precedence violation",
        15: "precedence cut off"},
    5: {0: "for the network", 1: "for the host", 2: "for service and network", 3: "for service and host"},
    11: {0: "TTL exceeded in transit", 1: "reassembly time exceeded"},
    12: {0: "pointer shows the error", 1: "option missing", 2: "bad length"},
}  # fmt: skip
_CODES_V6 = {
    1: {0: "no route", 1: "administratively prohibited", 2: "beyond scope of source", 3: "address unreachable",
        4: "port unreachable", 5: "source address failed policy", 6: "reject route"},
    3: {0: "hop limit exceeded in transit", 1: "reassembly time exceeded"},
    4: {0: "erroneous header field", 1: "unknown next header", 2: "unknown option", 3: "headers beyond first fragment",
        4: "refused by upper layer", 5: "unknown next header on the way", 6: "extension header too big",
        7: "extension headers too long", 8: "too many extension headers", 9: "too many options", 10: "option too big"},
}  # fmt: skip
_OPTIONS_V6 = {
    1: "source link-layer address", 2: "target link-layer address", 3: "prefix information", 4: "redirected header",
    5: "MTU", 7: "advertisement interval", 8: "home agent information", 14: "nonce", 24: "route information",
    25: "RDNSS", 26: "RA flags extension", 31: "DNSSL", 37: "captive portal", 38: "PREF64",
}  # fmt: skip
_PROBLEM, _PROBLEM_V6 = 12, 4
_SIZE = 8  # of the header, in octets (RFC 792; RFC 4443, 2.1)
_MLD_QUERY, _SIZE_MLD_V2 = 130, 28
_RECORD = groups.Names(
    "icmpv6.mldr.mar.record_type", "icmpv6.mldr.mar.aux_data_len", "icmpv6.mldr.mar.nb_sources",
    "icmpv6.mldr.mar.multicast_address", None,
)  # fmt: skip
_TIMES = (13, 14)
_ROUTE, _NAME_SERVERS, _SEARCH_LIST, _PORTAL, _PREF64 = 24, 25, 31, 37, 38
_SIZE_PREF64 = 16
_PREF64_SIZES = (96, 64, 56, 48, 40, 32)  # bits, by the prefix length code (RFC 8781, 4)
_QUOTED_AT_LEAST, _EXTENSION_VERSION = 128, 2  # octets before an extension (RFC 4884, 3 and 7)
_MPLS = (1, 1)  # class and type of an object (RFC 4950, 3)
_INTERFACE = 2  # the class of objects about interfaces (RFC 5837, 4)
_OBJECTS = {1: "MPLS label stack", _INTERFACE: "interface information", 3: "interface identification"}
_MOST_OBJECTS = 16
_PREFERENCES = {0: "medium", 1: "high", 3: "low"}  # RFC 4191, 2.1
_EXTENDED, _EXTENDED_V6 = (3, 11, 12), (1, 3)  # errors that an extension may follow
_ERRORS, _ERRORS_V6 = (3, 4, 5, 11, 12), (1, 2, 3, 4)
_OPTIONS_AT = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}
_MOST_OPTIONS = 32


def _code(codes: dict[int, dict[int, str]], kind: int) -> dict[int, str] | None:
    return codes.get(kind)


def icmp(header: Header) -> Next | None:
    """ICMP for IPv4."""
    kind = header.raw(0, 1)[0]
    header.number("icmp.type", 0, 1, TYPES)
    code = header.number("icmp.code", 1, 1, _code(_CODES, kind))
    header.number("icmp.checksum", 2, 2)
    whole = header.octets[header.at : header.end]
    is_whole = header.end >= header.said_end and not header.context.get("is_fragment")
    if is_whole and not header.context.get("is_quoted"):
        sums.plain(header, "icmp.checksum", 2, whole)
    if kind in (0, 8, 13, 14, 17, 18):
        header.number("icmp.ident", 4, 2)
        header.number("icmp.seq", 6, 2)
        if kind in _TIMES:
            _timestamps(header)
            return None
    elif kind == 5:
        header.text("icmp.redir_gw", 4, 4, ipv4_text(header.raw(4, 4)))
    elif (kind, code) == (3, 4):
        header.number("icmp.mtu", 6, 2)
    elif kind == _PROBLEM:
        header.number("icmp.pointer", 4, 1)
    elif kind in (3, 4, 11):
        header.number("icmp.unused", 4, 4)
    header.raw(0, 8)
    following = "ip" if kind in _ERRORS else "data"
    return _then(header, following, is_quoted=kind in _ERRORS)


def _timestamps(header: Header) -> None:
    """When each of the two sent and received, what nobody filled in yet being 0 (RFC 792)."""
    for at, name in ((8, "originate"), (12, "receive"), (16, "transmit")):
        ms = int.from_bytes(header.raw(at, 4), "big")
        header.number(f"icmp.{name}_timestamp", at, 4, None, time_of_day(ms) if ms else None)


def _then(header: Header, kind: str, *, is_quoted: bool) -> Next | None:
    if header.at + _SIZE >= header.end:
        return None
    if not is_quoted:
        return Next(kind, header.at + _SIZE, header.said_end)
    end = extension_at(header.octets[: header.end], header.at, is_v6=kind == "ipv6") or header.said_end
    return Next(kind, header.at + _SIZE, end, {"is_quoted": True})


def icmpv6(header: Header) -> Next | None:
    """ICMPv6, neighbour discovery and MLD."""
    kind = header.raw(0, 1)[0]
    header.number("icmpv6.type", 0, 1, _TYPES_V6)
    header.number("icmpv6.code", 1, 1, _code(_CODES_V6, kind))
    header.number("icmpv6.checksum", 2, 2)
    sums.with_pseudo_header(
        header, "icmpv6.checksum", 2, {**header.context, "protocol": 58}, header.said_end - header.at
    )
    if kind in (128, 129):
        header.number("icmpv6.echo.identifier", 4, 2)
        header.number("icmpv6.echo.sequence_number", 6, 2)
    elif kind == 2:
        header.number("icmpv6.mtu", 4, 4)
    elif kind == _PROBLEM_V6:
        header.number("icmpv6.pointer", 4, 4)
    elif kind == 134:
        _router(header)
    elif kind in (135, 136, 137):
        _neighbour(header, kind)
    elif kind in (130, 131, 132):
        _listener(header)
        return None
    elif kind == 143:
        groups.records(header, header.number("icmpv6.mldr.nb_mcast_records", 6, 2), _RECORD, 16)
        return None
    header.raw(0, min(8, header.rest()))
    if kind in _OPTIONS_AT:
        _options(header, _OPTIONS_AT[kind])
        return None
    return _then(header, "ipv6" if kind in _ERRORS_V6 else "data", is_quoted=kind in _ERRORS_V6)


def _listener(header: Header) -> None:
    """A query or report of MLD; a query of version 2 is longer (RFC 2710, 3; 3810, 5.1 and 8.1)."""
    is_query_v2 = header.raw(0, 1)[0] == _MLD_QUERY and header.rest() >= _SIZE_MLD_V2
    header.number(f"icmpv6.mld.maximum_response_{'code' if is_query_v2 else 'delay'}", 4, 2)
    group = header.raw(8, 16)
    header.text("icmpv6.mld.multicast_address", 8, 16, ipv6_text(group), None if any(group) else ("igmp-all", {}))
    if is_query_v2:
        header.bits("icmpv6.mld.flag.s", 24, 1, 4, 1)
        header.bits("icmpv6.mld.flag.qrv", 24, 1, 5, 3)
        header.number("icmpv6.mld.qqi", 25, 1)
        groups.sources(header, 28, header.number("icmpv6.mld.nb_sources", 26, 2), "icmpv6.mld.source_address", 16)


def _router(header: Header) -> None:
    header.number("icmpv6.nd.ra.cur_hop_limit", 4, 1)
    header.bits("icmpv6.nd.ra.flag.m", 5, 1, 0, 1)
    header.bits("icmpv6.nd.ra.flag.o", 5, 1, 1, 1)
    header.bits("icmpv6.nd.ra.flag.prf", 5, 1, 3, 2, _PREFERENCES)
    lifetime = int.from_bytes(header.raw(6, 2), "big")
    header.number("icmpv6.nd.ra.router_lifetime", 6, 2, None, None if lifetime else ("no-default-router", {}))
    header.number("icmpv6.nd.ra.reachable_time", 8, 4)
    header.number("icmpv6.nd.ra.retrans_timer", 12, 4)


def _neighbour(header: Header, kind: int) -> None:
    prefix = {135: "icmpv6.nd.ns", 136: "icmpv6.nd.na", 137: "icmpv6.nd.rd"}[kind]
    if kind == 136:
        for name, bit in (("r", 0), ("s", 1), ("o", 2)):
            header.bits(f"icmpv6.nd.na.flag.{name}", 4, 4, bit, 1)
    header.text(f"{prefix}.target_address", 8, 16, ipv6_text(header.raw(8, 16)))
    if kind == 137:
        header.text("icmpv6.rd.na.destination_address", 24, 16, ipv6_text(header.raw(24, 16)))


def _options(header: Header, at: int) -> None:
    for _ in range(_MOST_OPTIONS):
        if at + 2 > header.rest():
            return
        size = header.raw(at + 1, 1)[0] * 8
        if not size:
            raise CutError
        _option(header, at, size)
        at += size


def _option(header: Header, at: int, size: int) -> None:
    octets = header.raw(at, size)
    kind = octets[0]
    header.note("icmpv6.opt.type", at, 1, kind, _OPTIONS_V6, None)
    header.number("icmpv6.opt.length", at + 1, 1)
    if kind in (1, 2) and size >= 8:
        header.text("icmpv6.opt.linkaddr", at + 2, 6, octets[2:8].hex(":"))
    elif kind == 3 and size >= 32:
        header.number("icmpv6.opt.prefix.length", at + 2, 1)
        header.bits("icmpv6.opt.prefix.flag.l", at + 3, 1, 0, 1)
        header.bits("icmpv6.opt.prefix.flag.a", at + 3, 1, 1, 1)
        header.number("icmpv6.opt.prefix.valid_lifetime", at + 4, 4, None, _lasting(octets[4:8]))
        header.number("icmpv6.opt.prefix.preferred_lifetime", at + 8, 4, None, _lasting(octets[8:12]))
        header.text("icmpv6.opt.prefix", at + 16, 16, ipv6_text(octets[16:32]))
    elif kind == 5 and size >= 8:
        header.number("icmpv6.opt.mtu", at + 4, 4)
    else:
        _later_option(header, at, octets)


def _later_option(header: Header, at: int, octets: bytes) -> None:
    """Those that came after RFC 4861 (RFC 4191, 8106, 8781, 8910)."""
    kind, size = octets[0], len(octets)
    if kind == _ROUTE:
        header.number("icmpv6.opt.prefix.length", at + 2, 1)
        header.bits("icmpv6.opt.route_info.flag.route_preference", at + 3, 1, 3, 2, _PREFERENCES)
        header.number("icmpv6.opt.route_lifetime", at + 4, 4, None, _lasting(octets[4:8]))
        header.text("icmpv6.opt.prefix", at + 8, size - 8, ipv6_text(octets[8:24].ljust(16, b"\0")))
    elif kind == _NAME_SERVERS:
        header.number("icmpv6.opt.rdnss.lifetime", at + 4, 4, None, _lasting(octets[4:8]))
        for place in range(8, size - 15, 16):
            header.text("icmpv6.opt.rdnss", at + place, 16, ipv6_text(octets[place : place + 16]))
    elif kind == _SEARCH_LIST:
        header.number("icmpv6.opt.dnssl.lifetime", at + 4, 4, None, _lasting(octets[4:8]))
        for place, end, name in _names(octets):
            header.text("icmpv6.opt.dnssl", at + place, end - place, name)
    elif kind == _PORTAL:
        uri = octets[2:].rstrip(b"\0").decode("utf-8", "backslashreplace")
        header.text("icmpv6.opt.captive_portal", at + 2, size - 2, uri)
    elif kind == _PREF64 and size >= _SIZE_PREF64:
        _nat64(header, at, octets)


def _nat64(header: Header, at: int, octets: bytes) -> None:
    """The prefix before IPv4 addresses (RFC 8781, 4)."""
    lasting = _lasting(bytes((octets[2], octets[3] & 0xF8)))
    header.bits("icmpv6.opt.pref64.scaled_lifetime", at + 2, 2, 0, 13, None, lasting)
    code = octets[3] & 7
    means = ("prefix-bits", {"bits": _PREF64_SIZES[code]}) if code < len(_PREF64_SIZES) else None
    header.bits("icmpv6.opt.pref64.plc", at + 2, 2, 13, 3, None, means)
    header.text("icmpv6.opt.pref64.prefix", at + 4, 12, ipv6_text(octets[4:16].ljust(16, b"\0")))


def _names(octets: bytes) -> Iterator[tuple[int, int, str]]:
    """Where the names of a search list stand, and the names; zeros fill up the option (RFC 8106, 5.2)."""
    first = at = _SIZE
    labels: list[str] = []
    while at < len(octets) and at + octets[at] < len(octets):
        labels.append(octets[at + 1 : at + 1 + octets[at]].decode("utf-8", "backslashreplace"))
        at += 1 + octets[at]
        if not labels[-1]:
            if first + 1 < at:
                yield first, at, ".".join(labels[:-1])
            first, labels = at, []


def _lasting(octets: bytes) -> Means | None:
    seconds = int.from_bytes(octets, "big")
    if seconds == 0xFFFFFFFF:
        return "forever", {}
    return "seconds", {"lasting_ns": seconds * 1_000_000_000}


def extension_at(octets: bytes, first: int, *, is_v6: bool) -> int:
    """Where behind its quote an ICMP error goes on with an extension; 0 where it has none (RFC 4884, 4, 5 and 5.5)."""
    if octets[first] not in (_EXTENDED_V6 if is_v6 else _EXTENDED):
        return 0
    said = octets[first + 4] * 8 if is_v6 else octets[first + 5] * 4
    at = first + _SIZE + max(said, _QUOTED_AT_LEAST)
    return at if at + 4 <= len(octets) and octets[at] >> 4 == _EXTENSION_VERSION else 0


def extension(header: Header) -> Next | None:
    """What a router adds to an error: by which label, or interface, the packet came (RFC 4884, 7; 4950; 5837)."""
    fill = header.context["fill"]
    if fill:
        header.text("icmp.ext.fill", 0, fill, "")
    header.bits("icmp.ext.version", fill, 1, 0, 4)
    header.number("icmp.ext.checksum", fill + 2, 2)
    at = fill + 4
    for _ in range(_MOST_OBJECTS):
        if at + 4 > header.rest():
            break
        size = header.number("icmp.ext.length", at, 2)
        kind = header.number("icmp.ext.class", at + 2, 1, _OBJECTS), header.number("icmp.ext.ctype", at + 3, 1)
        if size < 4:
            raise CutError
        header.raw(at, size)
        for label in range(at + 4, at + size - 3, 4) if kind == _MPLS else ():
            header.bits("icmp.mpls.label", label, 4, 0, 20)
            header.bits("icmp.mpls.exp", label, 4, 20, 3)
            header.bits("icmp.mpls.s", label, 4, 23, 1)
            header.number("icmp.mpls.ttl", label + 3, 1)
        at += size
    return None
