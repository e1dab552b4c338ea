"""What the checksums of packets on both sides of a translator prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.places.matching import address_sums, rest_sums
from explain.table import BAD_IP_CHECKSUM, GOOD_CHECKSUM, ICMP, ICMPV6, IPV4, PARTIAL_CHECKSUM, TCP, UDP

if TYPE_CHECKING:
    from explain.table import I8, PacketTable, Rows


def checksum_proof(table: PacketTable, pairs: list[tuple[int, int]]) -> str | None:
    """What the checksums say of the packets that were seen on both sides."""
    if not pairs:
        return None
    one, other = (np.array(rows) for rows in zip(*pairs, strict=True))
    layers, far = table.layers[one], table.layers[other]
    if not (layers & (TCP | UDP | ICMP | ICMPV6)).all():
        return None
    if (layers & ICMP).all() and (table.checksum[one] == table.checksum[other]).all():
        return "unchanged" if table.checksum[one].any() else None  # lines of text show none
    is_partial, is_far_partial = layers & PARTIAL_CHECKSUM != 0, far & PARTIAL_CHECKSUM != 0
    both = layers & far & GOOD_CHECKSUM != 0  # a damaged frame proves nothing about the translator
    if both.any() and (rest_sums(table, one[both]) != rest_sums(table, other[both])).any():
        return "differs"
    if is_partial.all() and is_far_partial.all():
        same = _partial_rest(table, one) == _partial_rest(table, other)
        return "partial" if same.all() else "differs"
    return "full" if both.any() else "recomputed" if (is_partial != is_far_partial).any() else None


def _partial_rest(table: PacketTable, rows: Rows) -> I8:
    """A partial sum less the addresses in it: protocol and length, which no NAT changes."""
    ends = address_sums(table, table.sources(rows)) + address_sums(table, table.targets(rows))
    rest: I8 = (table.checksum[rows].astype(np.int64) - ends) % 0xFFFF
    return rest


def ip_checksums_are_right(table: PacketTable, rows: Rows) -> bool | None:
    """Whether all frames have right header checksums; None where some are not IPv4, or there are none."""
    layers = table.layers[rows.astype(np.int64)]
    if not len(rows) or not (layers & IPV4).all():
        return None
    return not (layers & BAD_IP_CHECKSUM).any()
