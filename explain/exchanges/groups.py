"""Who asks for, joins and leaves multicast groups: IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ip_text, mac_text
from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable

JOINS, WANTS, LEAVES = "joins", "wants", "leaves"
"""What a host says of a group: that it begins to listen, that it listens, that it ceases."""

_QUERY, _REPORT, _DONE, _REPORT_2 = 130, 131, 132, 143
_IGMP_KINDS = {0x11: _QUERY, 0x12: _REPORT, 0x16: _REPORT, 0x17: _DONE, 0x22: _REPORT_2}
_IS_INCLUDE, _IS_EXCLUDE, _TO_INCLUDE, _TO_EXCLUDE, _ALLOW, _BLOCK = range(1, 7)
_HEADER, _IPV4, _IPV6 = 8, 4, 16
_MOST_RECORDS = 256
_CODED = 128  # from here on a time is an exponent and a mantissa
_CODED_MLD = 0x8000
_VERSION_1_WAIT_NS = 10_000_000_000
_SOLICITED_NODE = 0xFF02_0000_0000_0000_0000_0001_FF00_0000
NAMELESS = ("0.0.0.0", "::")  # noqa: S104  the source of who has no address
_HOUSEKEEPING = ("ff01::1", "ff02::1", "ff01::2", "ff02::2", "ff05::2", "ff02::6a", "224.0.0.1", "224.0.0.106")


@dataclass(frozen=True, slots=True)
class Membership:
    """One change that a host tells.

    Attributes:
        group: the multicast address.
        is_left: the host listens to it no more; else from now on.
    """

    group: str
    is_left: bool


class Wish(NamedTuple):
    """What a message says of one group.

    Attributes:
        verb: ``JOINS``, ``WANTS`` or ``LEAVES``.
        sources: senders that it speaks of; none stand for all.
        is_except: all senders but these.
    """

    verb: str
    group: str
    sources: tuple[str, ...] = ()
    is_except: bool = False


class Query(NamedTuple):
    """A question for members.

    Attributes:
        version: of IGMP or MLD.
        group: the one asked for, None of all.
        wait_ns: how long hosts may take to answer.
    """

    version: int
    group: str | None
    wait_ns: int


class Said(NamedTuple):
    """One message, and whose it is."""

    row: int
    time_ns: int
    place: tuple[int, int]
    speaker: str
    is_v6: bool
    says: Query | tuple[Wish, ...]


def said(table: PacketTable) -> list[Said]:
    """All messages of both families that can be read, in their order; a place is an interface and a VLAN.

    Who has no address yet is called as later on, when it has one, or else by its MAC.
    """
    import numpy as np

    read: dict[int, Query | tuple[Wish, ...]] = {}
    for name, size in (("igmp", _IPV4), ("mld", _IPV6)):
        if name in table.contents:
            kept = table.contents[name]
            read |= {
                row: one for row, octets in zip(kept.row, kept.octets, strict=True) if (one := wishes(octets, size))
            }
    rows = np.array(sorted(read), np.int64)
    addresses = list(map(table.addresses.text, table.sources(rows).tolist()))
    macs = table.links.source[table.link[rows]].tolist()
    known = {mac: address for mac, address in zip(macs, addresses, strict=True) if address not in NAMELESS}
    found = []
    for row, mac, address in zip(rows.tolist(), macs, addresses, strict=True):
        is_query = isinstance(read[row], Query)
        name = known.get(mac, mac_text(mac)) if address in NAMELESS and not is_query else address
        place = int(table.place[row]), int(table.vlan[row])
        found.append(Said(row, int(table.time_ns[row]), place, name, ":" in address, read[row]))
    return found


def wishes(octets: bytes, size: int = _IPV6) -> Query | tuple[Wish, ...]:
    """What one message says; nothing of another message, or of what is cut off.

    Args:
        octets: of ICMPv6, or of IGMP.
        size: octets of an address.
    """
    kind = octets[0] if octets else 0
    kind = _IGMP_KINDS.get(kind, 0) if size == _IPV4 else kind
    if len(octets) < _HEADER:
        return ()
    if kind == _REPORT_2:
        return tuple(_records(octets, size))
    group_at = 4 if size == _IPV4 else _HEADER
    if kind not in (_QUERY, _REPORT, _DONE) or len(octets) < group_at + size:
        return ()
    group = ip_text(octets[group_at : group_at + size])
    if kind != _QUERY:
        return (Wish(LEAVES if kind == _DONE else WANTS, group),)
    return _query(octets, group if any(octets[group_at : group_at + size]) else None, size)


def _query(octets: bytes, group: str | None, size: int) -> Query:
    """Source: RFC 3376, 4.1.1 and 7.1; RFC 3810, 5.1.3 and 8.1."""
    if size == _IPV6:
        code = int.from_bytes(octets[4:6], "big")
        wait = (code & 0xFFF | 0x1000) << (code >> 12 & 7) + 3 if code >= _CODED_MLD else code
        return Query(2 if len(octets) >= _HEADER + size + 4 else 1, group, wait * 1_000_000)
    code, version = octets[1], 3 if len(octets) >= _HEADER + 4 else 2 if octets[1] else 1
    wait = (code & 15 | 16) << (code >> 4 & 7) + 3 if version == 3 and code >= _CODED else code
    return Query(version, group, wait * 100_000_000 if version > 1 else _VERSION_1_WAIT_NS)


def _records(octets: bytes, size: int) -> Iterator[Wish]:
    """Source: RFC 3376, 4.2; RFC 3810, 5.2."""
    at = _HEADER
    for _ in range(min(int.from_bytes(octets[6:8], "big"), _MOST_RECORDS)):
        count, begin = int.from_bytes(octets[at + 2 : at + 4], "big"), at + 4 + size
        if begin > len(octets):
            return
        kind, group, at = octets[at], ip_text(octets[at + 4 : begin]), begin + size * count + 4 * octets[at + 1]
        last = min(begin + size * count, len(octets) - size + 1)
        sources = tuple(ip_text(octets[one : one + size]) for one in range(begin, last, size))
        if kind in (_IS_INCLUDE, _IS_EXCLUDE) and (sources or kind == _IS_EXCLUDE):
            yield Wish(WANTS, group, sources, kind == _IS_EXCLUDE)
        elif kind == _BLOCK or (kind == _TO_INCLUDE and not count):
            yield Wish(LEAVES, group, sources)
        elif kind in (_TO_INCLUDE, _TO_EXCLUDE, _ALLOW):
            yield Wish(JOINS, group, sources, kind == _TO_EXCLUDE)


def memberships(octets: bytes) -> tuple[Membership, ...]:
    """The changes that one ICMPv6 message tells; none of another message, or of what is cut off.

    A change to INCLUDE without sources is a departure, one to EXCLUDE an arrival.
    Source: RFC 2710 section 3; RFC 3810 sections 5.2.12 and 6.1.
    """
    found = wishes(octets)
    if isinstance(found, Query):
        return ()
    is_old = octets[:1] != bytes((_REPORT_2,))
    verbs = (WANTS, LEAVES) if is_old else (JOINS, LEAVES)
    return tuple(Membership(one.group, one.verb == LEAVES) for one in found if one.verb in verbs and not one.sources)


def is_housekeeping(group: str) -> bool:
    """Whether hosts and routers listen to a group only to be found by their neighbours."""
    return group in _HOUSEKEEPING or group.startswith("ff02::1:ff")


def solicited_node(address: str) -> str | None:
    """The group that the owner of an IPv6 address listens to; None of IPv4. Source: RFC 4291 section 2.7.1."""
    if ":" not in address:
        return None
    from ipaddress import IPv6Address

    return str(IPv6Address(_SOLICITED_NODE | int(IPv6Address(address.partition("%")[0])) & 0xFFFFFF))
