"""IGMP: which groups hosts of a link listen to (RFC 1112, 2236, 3376)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text
from explain.decode.dissect import groups, sums

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_QUERY, _REPORT_V3 = 0x11, 0x22
_TYPES = {
    _QUERY: "membership query", 0x12: "IGMPv1 report", 0x16: "IGMPv2 report", 0x17: "leave group",
    _REPORT_V3: "IGMPv3 report",
}  # fmt: skip
_OTHERS = {0x13: "DVMRP", 0x14: "PIMv1", 0x1E: "multicast traceroute response", 0x1F: "multicast traceroute"}
_SIZE_V3 = 12  # a query of version 3 is longer (RFC 3376, 7.1)
_RECORD = groups.Names("igmp.record_type", "igmp.aux_data_len", "igmp.num_src", "igmp.maddr", "igmp.saddr")


def igmp(header: Header) -> None:
    """A query of a router, or what a host says of its groups."""
    kind = header.number("igmp.type", 0, 1, _TYPES | _OTHERS)
    is_query_v3 = kind == _QUERY and header.rest() >= _SIZE_V3
    if kind in _TYPES and kind != _REPORT_V3:
        _time(header, "igmp.max_resp", 1, is_coded=is_query_v3)
    header.number("igmp.checksum", 2, 2)
    sums.plain(header, "igmp.checksum", 2, header.octets[header.at : header.end])
    if kind == _REPORT_V3:
        groups.records(header, header.number("igmp.num_grp_recs", 6, 2), _RECORD, 4)
        return
    if kind not in _TYPES:
        return
    group = header.raw(4, 4)
    header.text("igmp.maddr", 4, 4, ipv4_text(group), None if any(group) else ("igmp-all", {}))
    if is_query_v3:
        header.bits("igmp.s", 8, 1, 4, 1)
        header.bits("igmp.qrv", 8, 1, 5, 3)
        _time(header, "igmp.qqic", 9, is_coded=True)
        groups.sources(header, 12, header.number("igmp.num_src", 10, 2), "igmp.saddr", 4)


def _time(header: Header, name: str, at: int, *, is_coded: bool) -> None:
    """A length of time; from 128 on as exponent and mantissa (RFC 3376, 4.1.1)."""
    octet = header.raw(at, 1)[0]
    value = (octet & 15 | 16) << (octet >> 4 & 7) + 3 if is_coded and octet >> 7 else octet
    header.note(name, at, 1, value, None, None)
