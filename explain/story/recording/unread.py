"""What is in a capture beside the exchanges: links that nobody decodes here, other protocols, frames without IP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct, first_and_last
from explain.capture.linktype import medium_of, name_of
from explain.decode.contents import TUNNEL, TUNNELS
from explain.decode.slab import members
from explain.model import Line
from explain.table import ARP, CUT, IP, MALFORMED, UNKNOWN_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.together import Exchanges
    from explain.model import CaptureInfo
    from explain.table import PacketTable, Rows

_MOST_CITED = 1000
_MOST_PROTOCOLS = 8
_NAMED = (2, 4, 33, 41, 46, 47, 50, 51, 88, 89, 103, 112, 115, 132, 136)
_IGMP = 2
_TOLD_ELSEWHERE = (1, 6, 17, 58)  # ICMP, TCP, UDP, ICMPv6
_ICMP_TOLD = members(0, 3, 4, 5, 8, 11, 12)  # echo and errors (RFC 792)
_ICMP_NAMED = {
    9: "router", 10: "routers-sought", 13: "clock-asked", 14: "clock-told", 17: "mask-asked", 18: "mask-told",
    42: "interface-asked", 43: "interface-told", 1 << 8 | 139: "node-asked", 1 << 8 | 140: "node-told",
    1 << 8 | 155: "rpl", 1 << 8 | 160: "interface-asked", 1 << 8 | 161: "interface-told",
}  # fmt: skip
"""By type, of ICMPv6 with a bit more (RFC 1256, 792, 950, 8335, 4620, 6550)."""
_ICMPV6_TOLD = members(1, 2, 3, 4, *range(128, 138), 143)  # errors, echo, MLD, neighbours (RFC 4443, 4861, 3810)


def tell(table: PacketTable, captures: Sequence[CaptureInfo], exchanges: Exchanges) -> list[Line]:
    """One line for each unknown link type, other protocol of IP, and for what carries neither IP nor ARP, or no DNS.

    Source: IANA's Protocol Numbers; the LINKTYPE_ values of draft-ietf-opsawg-pcaplinktype.
    """
    layers = table.layers[: len(table)]
    lines = [*_links(table, captures, np.flatnonzero(layers & UNKNOWN_LINK))]
    if TUNNEL in table.contents:
        from explain.story.recording import tunnels

        lines += tunnels.tell(table)
    lines += [*_protocols(table), *_messages(table), *_names(table, exchanges)]
    odd = np.flatnonzero((layers & (IP | ARP) == 0) | (layers & MALFORMED != 0))
    rest = odd[layers[odd] & (IP | ARP | UNKNOWN_LINK | CUT | MALFORMED) == 0]
    broken = odd[layers[odd] & MALFORMED != 0]
    short = odd[(layers[odd] & CUT != 0) & (table.captured[odd] >= table.length[odd])]
    if len(rest):
        from explain.story.recording import without_ip

        lines += [_line(table, message, rows, **values) for message, rows, values in without_ip.tell(table, rest)]
    ends = ("malformed", broken), ("short", short)
    return [*lines, *(_line(table, message, some) for message, some in ends if len(some))]


def _line(table: PacketTable, message: str, rows: Rows, **values: Any) -> Line:
    return Line(f"unread.{message}", {"count": len(rows), **values}, table.evidence(first_and_last(rows, _MOST_CITED)))


def _links(table: PacketTable, captures: Sequence[CaptureInfo], rows: Rows) -> Iterator[Line]:
    if not len(rows):
        return
    types = np.array([_link_type(captures, place.capture, place.interface) for place in table.places])
    of = types[table.place[rows]]
    for number in distinct(of).tolist():
        medium = medium_of(number)
        message = f"link-{medium}" if medium else "link"
        yield _line(table, message, rows[of == number], link=name_of(number), number=number)


def _link_type(captures: Sequence[CaptureInfo], capture: int, interface: int | None) -> int:
    return captures[capture].interfaces[interface or 0].link_type


def _protocols(table: PacketTable) -> Iterator[Line]:
    protocols = table.flows.protocol
    told = {*_TOLD_ELSEWHERE, *(TUNNELS if TUNNEL in table.contents else ())}
    others = [number for number in distinct(protocols).tolist() if number not in told]
    if not others:
        return
    for number in others[:_MOST_PROTOCOLS]:
        message = f"protocol-{number}" if number in _NAMED else "protocol"
        rows = table.rows_of(protocols == number)
        if number == _IGMP:
            from explain.exchanges import listening

            rows = rows[~among(rows, listening.told(table))]
        if len(rows):
            yield _line(table, message, rows, number=number)


def _names(table: PacketTable, exchanges: Exchanges) -> Iterator[Line]:
    """What came from or went to a port of DNS, and is no look-up (RFC 1035, 4.1; 2136 UPDATE; 1996 NOTIFY)."""
    part, traces = exchanges.of_kind("dns.lookup"), exchanges.of_kind("traceroute")
    if part is None:
        return
    for message, fact in (("dns", "unread"), ("dns-in-pieces", "in_pieces"), ("dns-other", "others")):
        rows: Rows = part.facts[fact]
        if traces is not None and len(rows):
            rows = rows[~among(rows, traces.frames)]  # probes may go to any port, and mean nothing
        if len(rows):
            yield _line(table, message, rows)


def _messages(table: PacketTable) -> Iterator[Line]:
    """ICMP that is neither echo nor error: time stamps, address masks, router discovery, or nothing that is known."""
    icmp = table.icmp
    is_told = np.where(icmp.is_v6, _ICMPV6_TOLD[icmp.type], _ICMP_TOLD[icmp.type])
    rest = np.flatnonzero(~is_told)
    kinds = icmp.type[rest].astype(np.int64) + (icmp.is_v6[rest] << 8)
    for kind in distinct(kinds)[:_MOST_PROTOCOLS].tolist():
        message = f"icmp-{_ICMP_NAMED[kind]}" if kind in _ICMP_NAMED else "icmp"
        yield _line(table, message, icmp.row[rest[kinds == kind]], type=kind & 0xFF)
