"""IPv4 and IPv6 with options and extension headers (RFC 791, 3168, 8200, 4302)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.addresses import ipv4_text, ipv6_text
from explain.decode.dissect import sums
from explain.decode.dissect.field import CutError, Means, Next
from explain.table import FRESH_TTLS

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

PROTOCOLS = {
    0: "hop-by-hop options", 1: "ICMP", 2: "IGMP", 4: "IPv4", 6: "TCP", 17: "UDP", 41: "IPv6", 43: "routing header",
    44: "fragment header", 47: "GRE", 50: "ESP", 51: "AH", 58: "ICMPv6", 59: "nothing", 60: "destination options",
    88: "EIGRP", 89: "OSPF", 103: "PIM", 112: "VRRP", 132: "SCTP", 135: "mobility header", 139: "HIP", 140: "Shim6",
    143: "Ethernet",
}  # fmt: skip
_KINDS_V4 = {1: "icmp", 2: "igmp", 4: "ip", 6: "tcp", 17: "udp", 41: "ipv6", 47: "gre", 89: "ospf"}
_KINDS_V6 = {
    0: "ipv6.hopopts", 4: "ip", 6: "tcp", 17: "udp", 41: "ipv6", 43: "ipv6.routing", 44: "ipv6.fraghdr", 47: "gre",
    51: "ah", 58: "icmpv6", 60: "ipv6.dstopts", 89: "ospf", 135: "ipv6.dstopts", 139: "ipv6.dstopts",
    140: "ipv6.dstopts",
}  # fmt: skip
_ECN = {0: "Not-ECT", 1: "ECT(1)", 2: "ECT(0)", 3: "CE"}
_DSCP = {0: "CS0", 8: "CS1", 16: "CS2", 24: "CS3", 32: "CS4", 40: "CS5", 46: "EF", 48: "CS6", 56: "CS7", 34: "AF41"}
_OPTIONS = {
    0: "end", 1: "no operation", 7: "record route", 68: "timestamp", 130: "security", 131: "loose source route",
    136: "stream id", 137: "strict source route", 148: "router alert",
}  # fmt: skip
_RECORD_ROUTE, _TIMESTAMP, _SOURCE_ROUTES = 7, 68, (131, 137)
_ROUTE, _TIMES = 3, 4  # octets before what these options hold; the third points behind what is filled in
_TIME_FLAGS = {0: "times only", 1: "addresses and times", 3: "times of the addresses given"}
_DAY_MS = 86_400_000
_HOP_BY_HOP, _DESTINATION = 0, 60
_OPTIONS_V6 = {
    0: "Pad1", 1: "PadN", 5: "router alert", 0x26: "quick start", 0x63: "RPL", 0xC2: "jumbo payload",
    0xC9: "home address",
}  # fmt: skip
_SEGMENTS = 4
_ROUTINGS = {0: "source route", 2: "mobility", 3: "RPL", _SEGMENTS: "segment routing"}
_STATIONS = {
    0: "ipv6.routing.src.addr", 2: "ipv6.routing.mipv6.home_address", _SEGMENTS: "ipv6.routing.srh.addr",
}  # fmt: skip
_MOST_HOPS = 31
_MOST_OPTIONS = 40


def _ttl_means(header: Header, at: int) -> Means | None:
    """How far the packet has come, if it began as systems do; of a quoted one, what was left at who reports it."""
    ttl = header.raw(at, 1)[0]
    if header.context.get("is_quoted"):
        return "ttl-quoted", {"ttl": ttl}
    if ttl <= 1:
        return "ttl-last", {}
    if ttl in FRESH_TTLS:
        is_inside = "src" in header.context or "is_inside" in header.context
        return "ttl-full-inside" if is_inside else "ttl-full", {"ttl": ttl}
    start = next((one for one in FRESH_TTLS if one - _MOST_HOPS <= ttl < one), None)
    return ("ttl-lowered", {"start": start, "routers": start - ttl}) if start else None


def _version_means(header: Header, version: int) -> Means | None:
    """That the frame says otherwise; nothing of a version that is right."""
    return None if header.raw(0, 1)[0] >> 4 == version else ("version-other", {"version": version})


def _address_means(octets: bytes) -> Means | None:
    """What kind of address it is (RFC 6890; 4291)."""
    v4 = (
        (octets == b"\xff" * 4, "address-everyone"),
        (octets == b"\0" * 4, "address-none"),
        (octets[:1] == b"\x7f", "address-loopback"),
        (octets[:2] == b"\xa9\xfe", "address-link-local"),
        (0xE0 <= octets[0] <= 0xEF, "address-group"),
        (octets[:3] in (b"\xc0\x00\x02", b"\xc6\x33\x64", b"\xcb\x00\x71"), "address-documentation"),
        (octets[0] == 10 or octets[:2] == b"\xc0\xa8" or (octets[0] == 172 and octets[1] >> 4 == 1), "address-private"),
    )
    v6 = (
        (not any(octets), "address-none"),
        (octets[:-1] == b"\0" * 15 and octets[-1] == 1, "address-loopback"),
        (octets[:11] == b"\xff\x02" + b"\0" * 9, "address-group"),
        (octets[0] == 0xFF, "address-group"),
        (octets[0] == 0xFE and octets[1] >> 6 == 2, "address-link-local"),
        (octets[0] >> 1 == 0x7E, "address-private"),
        (octets[:4] == b"\x20\x01\x0d\xb8", "address-documentation"),
    )
    name = next((name for fits, name in (v4 if len(octets) == 4 else v6) if fits), None)
    return (name, {}) if name else None


def ipv4(header: Header) -> Next | None:
    """The header of IPv4 and its options."""
    header.bits("ip.version", 0, 1, 0, 4, None, _version_means(header, 4))
    words = header.bits("ip.hdr_len", 0, 1, 4, 4, None, ("header-words", {"octets": (header.raw(0, 1)[0] & 15) * 4}))
    header.bits("ip.dsfield.dscp", 1, 1, 0, 6, _DSCP)
    header.bits("ip.dsfield.ecn", 1, 1, 6, 2, _ECN)
    total = header.number("ip.len", 2, 2)
    header.number("ip.id", 4, 2)
    header.bits("ip.flags.rb", 6, 2, 0, 1)
    header.bits("ip.flags.df", 6, 2, 1, 1, None, (f"df-{header.raw(6, 1)[0] >> 6 & 1}", {}))
    more = header.bits("ip.flags.mf", 6, 2, 2, 1, None, (f"mf-{header.raw(6, 1)[0] >> 5 & 1}", {}))
    blocks = header.bits("ip.frag_offset", 6, 2, 3, 13, None, _fragment(int.from_bytes(header.raw(6, 2), "big")))
    header.number("ip.ttl", 8, 1, None, _ttl_means(header, 8))
    protocol = header.number("ip.proto", 9, 1, PROTOCOLS)
    header.number("ip.checksum", 10, 2)
    source, target = header.raw(12, 4), header.raw(16, 4)
    header.text("ip.src", 12, 4, ipv4_text(source), _address_means(source))
    header.text("ip.dst", 16, 4, ipv4_text(target), _address_means(target))
    size = max(words * 4, 20)
    _options(header, size)
    sums.plain(header, "ip.checksum", 10, header.raw(0, size))
    # A length of 0 is a segment that the card will cut.
    end = header.at + total if total >= size else header.said_end
    context = {
        "src": source, "dst": target, "protocol": protocol, "is_fragment": bool(more or blocks), "family": 4,
    }  # fmt: skip
    kind = "data" if blocks else _KINDS_V4.get(protocol, "data")
    return Next(kind, header.at + size, min(end, header.said_end), context)


def _fragment(word: int) -> Means | None:
    offset = (word & 0x1FFF) * 8
    return ("fragment-later", {"offset": offset}) if offset else ("fragment-first", {}) if word & 0x2000 else None


def _options(header: Header, size: int) -> None:
    at = 20
    for _ in range(_MOST_OPTIONS):
        if at >= size:
            return
        kind = header.raw(at, 1)[0]
        length = 1 if kind < 2 else header.raw(at + 1, 1)[0]
        if length < (1 if kind < 2 else 2) or at + length > size:
            raise CutError
        header.text("ip.opt.type", at, length, _OPTIONS.get(kind, str(kind)))
        if kind in (_RECORD_ROUTE, *_SOURCE_ROUTES) and length >= _ROUTE:
            _route(header, at, length, is_wanted=kind != _RECORD_ROUTE)
        if kind == _TIMESTAMP and length >= _TIMES:
            _times(header, at, length)
        at += length
        if kind == 0:
            return


def _route(header: Header, at: int, length: int, *, is_wanted: bool) -> None:
    """The addresses of a route: those that filled it in, and of a source route those still to pass (RFC 791, 3.1)."""
    next_one = at + header.raw(at + 2, 1)[0] - 1
    for spot in range(at + _ROUTE, at + length - 3, 4):
        is_past = spot + 4 <= next_one
        if is_past or is_wanted:
            header.text("ip.rec_rt" if is_past else "ip.src_rt", spot, 4, ipv4_text(header.raw(spot, 4)))


def _times(header: Header, at: int, length: int) -> None:
    """When hosts and routers passed the packet on, each alone or behind its address (RFC 791, 3.1; 781)."""
    next_one = at + header.raw(at + 2, 1)[0] - 1
    header.bits("ip.opt.overflow", at + 3, 1, 0, 4)
    with_address = header.bits("ip.opt.flag", at + 3, 1, 4, 4, _TIME_FLAGS) != 0
    for spot in range(at + _TIMES, at + length - (7 if with_address else 3), 8 if with_address else 4):
        if with_address:
            header.text("ip.opt.time_stamp_addr", spot, 4, ipv4_text(header.raw(spot, 4)))
        time = spot + 4 * with_address
        if time + 4 <= next_one:
            ms = int.from_bytes(header.raw(time, 4), "big")
            header.number("ip.opt.time_stamp", time, 4, None, time_of_day(ms))


def time_of_day(ms: int) -> Means:
    """The time that milliseconds since midnight tell; those of more than a day count something else."""
    if ms >= _DAY_MS:
        return "time-not-of-day", {}
    minutes, rest = divmod(ms, 60_000)
    return "time-of-day", {"time": f"{minutes // 60:02}:{minutes % 60:02}:{rest / 1000:06.3f}"}


def ipv6(header: Header) -> Next | None:
    """The fixed header of IPv6."""
    header.bits("ipv6.version", 0, 4, 0, 4, None, _version_means(header, 6))
    header.bits("ipv6.tclass.dscp", 0, 4, 4, 6, _DSCP)
    header.bits("ipv6.tclass.ecn", 0, 4, 10, 2, _ECN)
    header.bits("ipv6.flow", 1, 3, 4, 20)
    size = header.number("ipv6.plen", 4, 2)
    protocol = header.number("ipv6.nxt", 6, 1, PROTOCOLS)
    header.number("ipv6.hlim", 7, 1, None, _ttl_means(header, 7))
    source, target = header.raw(8, 16), header.raw(24, 16)
    header.text("ipv6.src", 8, 16, ipv6_text(source), _address_means(source))
    header.text("ipv6.dst", 24, 16, ipv6_text(target), _address_means(target))
    end = header.at + 40 + size if size else header.said_end
    return _behind(header, 40, protocol, end, {"src": source, "dst": target, "family": 6, "is_fragment": False})


def _behind(header: Header, size: int, protocol: int, end: int, context: dict[str, Any]) -> Next:
    merged = {**header.context, **context, "protocol": protocol}
    kind = _KINDS_V6.get(protocol, "data")
    return Next(kind, header.at + size, min(end, header.said_end), merged)


def extension(header: Header) -> Next | None:
    """Hop-by-hop and destination options, and others of their form."""
    protocol = header.number("ipv6.opt.nxt", 0, 1, PROTOCOLS)
    size = (header.number("ipv6.opt.length", 1, 1) + 1) * 8
    header.raw(0, size)
    if header.context.get("protocol") in (_HOP_BY_HOP, _DESTINATION):
        _options_v6(header, size)
    return _behind(header, size, protocol, header.said_end, {})


def _options_v6(header: Header, size: int) -> None:
    at = 2
    for _ in range(_MOST_OPTIONS):
        if at >= size:
            return
        kind = header.raw(at, 1)[0]
        length = 1 if kind == 0 else 2 + header.raw(at + 1, 1)[0]
        if at + length > size:
            return
        header.note("ipv6.opt.type", at, length, kind, _OPTIONS_V6, None)
        at += length


def routing(header: Header) -> Next | None:
    """A routing header with its stations (RFC 5095, 6275, 8754)."""
    protocol = header.number("ipv6.routing.nxt", 0, 1, PROTOCOLS)
    size = (header.number("ipv6.routing.len", 1, 1) + 1) * 8
    kind = header.number("ipv6.routing.type", 2, 1, _ROUTINGS)
    left = header.number("ipv6.routing.segleft", 3, 1)
    header.raw(0, size)
    stations = _stations(header, kind, size) if kind in _STATIONS else []
    # With stations left, the checksum is about the last one's address and not about that in the header (RFC 8200, 8.1).
    known: dict[str, Any] = {"dst": stations[0 if kind == _SEGMENTS else -1]} if stations else {"is_fragment": True}
    return _behind(header, size, protocol, header.said_end, known if left else {})


def _stations(header: Header, kind: int, size: int) -> list[bytes]:
    """The addresses of a routing header, in its order; a list of segments begins with the last one."""
    end = size
    if kind == _SEGMENTS:
        end = min(size, 8 + 16 * (header.number("ipv6.routing.srh.last_segment", 4, 1) + 1))
        header.number("ipv6.routing.srh.flags", 5, 1)
        header.number("ipv6.routing.srh.tag", 6, 2)
    spots = range(8, end - 15, 16)
    for spot in spots:
        header.text(_STATIONS[kind], spot, 16, ipv6_text(header.raw(spot, 16)))
    return [header.raw(spot, 16) for spot in spots]


def fragment(header: Header) -> Next | None:
    """A fragment header."""
    protocol = header.number("ipv6.fraghdr.nxt", 0, 1, PROTOCOLS)
    header.number("ipv6.fraghdr.reserved_octet", 1, 1)
    word = int.from_bytes(header.raw(2, 2), "big")
    means = _fragment((word >> 3) | (word & 1) << 13)
    blocks = header.bits("ipv6.fraghdr.offset", 2, 2, 0, 13, None, means)
    more = header.bits("ipv6.fraghdr.more", 2, 2, 15, 1, None, (f"mf-{word & 1}", {}))
    header.number("ipv6.fraghdr.ident", 4, 4)
    following = _behind(header, 8, protocol, header.said_end, {"is_fragment": bool(more or blocks)})
    return Next("data", following.at, following.end, following.context) if blocks else following


def authentication(header: Header) -> Next | None:
    """An authentication header, which hides nothing."""
    protocol = header.number("ah.next_header", 0, 1, PROTOCOLS)
    size = (header.number("ah.length", 1, 1) + 2) * 4
    header.number("ah.spi", 4, 4)
    header.number("ah.sequence", 8, 4)
    header.raw(0, size)
    return _behind(header, size, protocol, header.said_end, {})
