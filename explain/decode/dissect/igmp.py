"""IGMP: which groups hosts of a link listen to (RFC 1112, 2236, 3376)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text
from explain.decode.dissect import sums

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_QUERY, _REPORT_V3 = 0x11, 0x22
_TYPES = {
    _QUERY: "membership query", 0x12: "IGMPv1 report", 0x16: "IGMPv2 report", 0x17: "leave group",
    _REPORT_V3: "IGMPv3 report",
}  # fmt: skip
_RECORDS = {
    1: "include", 2: "exclude", 3: "change to include", 4: "change to exclude", 5: "allow new sources",
    6: "block old sources",
}  # fmt: skip
_SIZE_V3 = 12  # a query of version 3 is longer (RFC 3376, 7.1)
_MOST = 32  # groups or sources


def igmp(header: Header) -> None:
    """A query of a router, or what a host says of its groups."""
    kind = header.number("igmp.type", 0, 1, _TYPES)
    is_query_v3 = kind == _QUERY and header.rest() >= _SIZE_V3
    if kind != _REPORT_V3:
        _time(header, "igmp.max_resp", 1, is_coded=is_query_v3)
    header.number("igmp.checksum", 2, 2)
    sums.plain(header, "igmp.checksum", 2, header.octets[header.at : header.end])
    if kind == _REPORT_V3:
        _records(header, header.number("igmp.num_grp_recs", 6, 2))
        return
    group = header.raw(4, 4)
    header.text("igmp.maddr", 4, 4, ipv4_text(group), None if any(group) else ("igmp-all", {}))
    if is_query_v3:
        header.bits("igmp.s", 8, 1, 4, 1)
        header.bits("igmp.qrv", 8, 1, 5, 3)
        _time(header, "igmp.qqic", 9, is_coded=True)
        _sources(header, 12, header.number("igmp.num_src", 10, 2))


def _time(header: Header, name: str, at: int, *, is_coded: bool) -> None:
    """A length of time; from 128 on as exponent and mantissa (RFC 3376, 4.1.1)."""
    octet = header.raw(at, 1)[0]
    value = (octet & 15 | 16) << (octet >> 4 & 7) + 3 if is_coded and octet >> 7 else octet
    header.note(name, at, 1, value, None, None)


def _records(header: Header, count: int) -> None:
    """What a report of version 3 says of each group (RFC 3376, 4.2)."""
    at = 8
    for _ in range(min(count, _MOST)):
        header.number("igmp.record_type", at, 1, _RECORDS)
        aside = header.number("igmp.aux_data_len", at + 1, 1)
        sources = header.number("igmp.num_src", at + 2, 2)
        header.text("igmp.maddr", at + 4, 4, ipv4_text(header.raw(at + 4, 4)))
        _sources(header, at + 8, sources)
        at += 8 + sources * 4 + aside * 4
        header.raw(0, at)


def _sources(header: Header, at: int, count: int) -> None:
    for number in range(min(count, _MOST)):
        header.text("igmp.saddr", at + number * 4, 4, ipv4_text(header.raw(at + number * 4, 4)))
