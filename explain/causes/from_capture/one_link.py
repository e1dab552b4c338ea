"""Packets that crossed no router: they went from the very MAC of who asked to the very MAC of who was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.hosts import is_link_local
from explain.table import NO_MAC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import PacketTable

_SOLICITATION, _ADVERTISEMENT = 135, 136


def is_one_link(table: PacketTable, rows: Sequence[int]) -> bool:
    """Whether ARP or neighbour discovery gave both MACs of every row as those of its two addresses.

    A MAC that claims a further address may answer for somebody else (proxy ARP, RFC 1027), and says nothing here.
    """
    at = np.array(rows, np.int64)
    links = table.link[at]
    ends = zip(
        table.links.source[links].tolist(), table.sources(at).tolist(),
        table.links.target[links].tolist(), table.targets(at).tolist(), strict=True,
    )  # fmt: skip
    return len(at) > 0 and all(
        asker in _claimed(table, from_mac) and _alone(table, to_mac, asked)
        for from_mac, asker, to_mac, asked in set(ends)
    )


def _alone(table: PacketTable, mac: int, address: int) -> bool:
    claimed = _claimed(table, mac)
    return address in claimed and all(one == address or is_link_local(table, one) for one in claimed)


def _claimed(table: PacketTable, mac: int) -> set[int]:
    """Address keys that a MAC called its own."""
    if mac >= NO_MAC:
        return set()
    arp, icmp = table.arp, table.icmp
    found = set(arp.sender_ip[arp.sender_mac == mac].tolist())
    is_neighbour = icmp.is_v6 & (icmp.mac == mac)
    found.update(icmp.target[is_neighbour & (icmp.type == _ADVERTISEMENT)].tolist())
    found.update(table.sources(icmp.row[is_neighbour & (icmp.type == _SOLICITATION)]).tolist())
    return found
