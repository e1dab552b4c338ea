"""Neighbour discovery as a sequence of messages, and what an address says about its MAC (RFC 4861, 4291)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.places.near import NearTable
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable, Rows

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT = 133, 134, 135, 136
_HOP_LIMIT = 255  # what crossed a router is forged (RFC 4861, 7.1)
_MIDDLE = b"\xff\xfe"
_UNIVERSAL = 0x02


class Message(NamedTuple):
    """One message of neighbour discovery.

    Attributes:
        mac: of the link-layer address option, else of the frame.
        word: octets 4 to 7: the flags of an advertisement on top.
        is_to_group: the packet went to a multicast address.
    """

    row: int
    place: int
    time_ns: int
    kind: int
    source: int
    to: int
    target: int
    mac: int
    word: int
    is_from_nobody: bool
    is_to_group: bool


def messages(table: PacketTable) -> Iterator[Message]:
    """All of them in order, but those whose target was cut off, and those whose hop limit shows that they travelled."""
    icmp = table.icmp
    is_neighbour = icmp.is_v6 & (icmp.type >= ROUTER_SOLICITATION) & (icmp.type <= ADVERTISEMENT) & (icmp.code == 0)
    at = np.flatnonzero(is_neighbour)
    at = at[(table.ttl[icmp.row[at]] == _HOP_LIMIT) & ((icmp.type[at] < SOLICITATION) | (icmp.target[at] != 0))]
    rows = icmp.row[at]
    sender = table.links.source[table.link[rows]]
    mac = np.where(icmp.mac[at] < NO_MAC, icmp.mac[at], sender)
    columns = (
        rows, _links(table, rows), table.time_ns[rows], icmp.type[at], table.sources(rows), table.targets(rows),
        icmp.target[at], mac, icmp.word[at],
    )  # fmt: skip
    octets = table.addresses.octets
    from_nobody = [not any(octets(key)) for key in columns[4].tolist()]
    to_group = [octets(key)[0] == 0xFF for key in columns[5].tolist()]
    numbers = (column.tolist() for column in columns)
    return (Message(*values) for values in zip(*numbers, from_nobody, to_group, strict=True))


def _links(table: PacketTable, rows: Rows) -> Rows:
    """Where each message was seen: its place, or its link where several places are joined."""
    if not isinstance(table, NearTable):
        return table.place[rows].astype(np.int64)
    whole = table.whole
    icmp = whole.icmp
    all_rows = icmp.row[icmp.is_v6 & (icmp.type >= ROUTER_SOLICITATION) & (icmp.type <= ADVERTISEMENT)]
    link = table.link_of(all_rows)
    return link[np.searchsorted(all_rows, table.origin[rows])]


def mac_in(address: bytes) -> str | None:
    """The MAC that an IPv6 address was made from, if it looks so.

    Modified EUI-64: ``ff:fe`` goes into the middle of the MAC, and the bit that says "universal" is flipped.

    Args:
        address: 16 octets.

    Source: RFC 4291, appendix A.
    """
    half = address[8:]
    if half[3:5] != _MIDDLE:
        return None
    return (bytes((half[0] ^ _UNIVERSAL,)) + half[1:3] + half[5:]).hex(":")
