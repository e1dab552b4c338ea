"""Hosts that answer something else of the same asker in the meantime: then the way there and back is not at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.table import ACK, TCP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import PacketTable, Rows

_PATIENCE_NS = 1_000_000_000
_HITS_ALL = frozenset((
    "forwarding-disabled", "no-return-route-on-target", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "no-return-route-on-router", "reject-route-on-router", "no-route-on-router", "rp-filter-strict",
    "masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net", "snat-to-unowned-address",
    "wrong-gateway-address", "wrong-static-neighbour", "arp-spoofed", "arp-disabled", "wrong-static-fdb-entry",
    "wrong-source-address-selected", "destination-host-absent-behind-router", "name-resolves-to-wrong-address",
    "target-interface-down", "wrong-nexthop-on-router", "router-interface-down", "routing-loop",
    "sender-address-in-wrong-subnet",
))  # fmt: skip
"""Causes that lose every packet between two hosts, whatever it carries."""


def acknowledgements(table: PacketTable, pings: Sequence[int]) -> Rows:
    """Segments by which the target confirmed something to the asker while these pings were under way.

    Args:
        table: the rows nearest to the askers.
        pings: rows of requests from one host to one other, none answered.
    """
    rows = np.sort(np.array(pings, np.int64))
    asker, asked = table.ends(int(rows[0]))
    found = table.rows_from(asked, asker)
    if not len(found):
        return found
    found = found[(table.layers[found] & TCP != 0) & (table.flags[found] & ACK != 0)]
    times = table.time_ns[rows]
    during = (table.time_ns[found] >= times.min()) & (table.time_ns[found] <= times.max() + _PATIENCE_NS)
    theirs: Rows = found[during & (table.place[found] == table.place[rows[0]])]
    return theirs


def possible(rivals: tuple[str, ...], but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The rivals that can strike one kind of packets alone, and some others."""
    return tuple(one for one in rivals if one not in _HITS_ALL or one in but)
