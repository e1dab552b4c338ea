"""Packets that crossed no router: from the very MAC of who asked to the very MAC of who was asked, or not even that."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.exchanges.hosts import is_link_local

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import PacketTable

_SOLICITATION, _ADVERTISEMENT = 135, 136
_LOOPBACK = 127  # the first octet
_ROUTERS_DO = frozenset((
    "no-route-on-router", "no-return-route-on-router", "reject-route-on-router",
    "destination-host-absent-behind-router", "masquerade-missing", "masquerade-wrong-interface",
    "nat-wrong-source-net", "masquerade-bypassed-by-notrack", "snat-to-unowned-address", "hairpin-nat-missing",
    "icmp-errors-filtered-on-router", "reply-ttl-too-low", "stateful-filter-asymmetric-path", "wrong-gateway-address",
    "pmtu-blackhole", "wrong-nexthop-on-router", "router-interface-down", "routing-loop", "conntrack-table-full",
))  # fmt: skip
_AT_HOME = frozenset((
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output", "filter-on-sender-input",
    "tcp-accept-queue-full", "tcp-bound-to-loopback", "dnat-missing", "echo-ignored-by-target",
    "conntrack-table-full", "name-resolves-to-wrong-address", "tcp-half-open", "tcp-application-closes",
    "tcp-application-hangs",
))  # fmt: skip
_WHO_HANDS_ON_DOES = ("forwarding-disabled", "filter-on-router-forward")  # destination NAT at the host that was asked


class OneLink:
    """Which hosts ARP and neighbour discovery show to stand on one link."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._claims: dict[int, set[int]] | None = None

    def holds(self, rows: Sequence[int]) -> bool:
        """Whether ARP or neighbour discovery gave both MACs of every row as those of its two addresses.

        A MAC that claims a further address may answer for somebody else (proxy ARP, RFC 1027), and says nothing here.
        """
        if not len(rows) or not self._is_direct(int(rows[0])):  # what is not is told by its first row, nearly always
            return False
        table, at = self._table, np.array(rows, np.int64)
        _, once = np.unique(table.link[at].astype(np.int64) << 32 | table.sides[at], return_index=True)
        at = at[once]
        links = table.link[at]
        ends = zip(
            table.links.source[links].tolist(), table.sources(at).tolist(),
            table.links.target[links].tolist(), table.targets(at).tolist(), strict=True,
        )  # fmt: skip
        return all(
            asker in self._claimed(from_mac) and self._is_alone(to_mac, asked)
            for from_mac, asker, to_mac, asked in ends
        )

    def stays_home(self, rows: Sequence[int]) -> bool:
        """Whether a host asked itself, by its own address or a loopback one: what it sent never left it.

        Source: RFC 1122, 3.2.1.3 (127.0.0.0/8) and RFC 4291, 2.5.3 (::1).
        """
        if not len(rows):
            return False
        asker, asked = self._table.ends(int(rows[0]))
        return asker == asked or asker >> 24 == asked >> 24 == _LOOPBACK

    def possible(self, rows: Sequence[int], rivals: tuple[str, ...], *, may_hand_on: bool = True) -> tuple[str, ...]:
        """The rivals without what only a router can do, where none stands between who asked and who was asked.

        Of a host that asked itself, only those that can be within it.

        The host that was asked may itself hand packets on to another one (destination NAT); that comes last.

        Args:
            rows: what was sent, towards who was asked.
            rivals: causes that could explain the silence if there were routers.
            may_hand_on: whether the host that was asked may do so.
        """
        if self.stays_home(rows):
            return tuple(one for one in rivals if one in _AT_HOME)
        if not self.holds(rows):
            return rivals
        near = [one for one in rivals if one not in _ROUTERS_DO and one not in _WHO_HANDS_ON_DOES]
        return (*near, *(one for one in _WHO_HANDS_ON_DOES if may_hand_on and one in rivals))

    def _is_direct(self, row: int) -> bool:
        link = self._table.link[row]
        asker, asked = self._table.ends(row)
        links = self._table.links
        return asker in self._claimed(int(links.source[link])) and self._is_alone(int(links.target[link]), asked)

    def _is_alone(self, mac: int, address: int) -> bool:
        claimed = self._claimed(mac)
        return address in claimed and all(one == address or is_link_local(self._table, one) for one in claimed)

    def _claimed(self, mac: int) -> set[int]:
        """Address keys that a MAC called its own."""
        if self._claims is None:
            self._claims = _claims(self._table)
        return self._claims.get(mac, set())


def _claims(table: PacketTable) -> dict[int, set[int]]:
    arp, icmp = table.arp, table.icmp
    is_told, is_asked = (icmp.is_v6 & (icmp.type == kind) for kind in (_ADVERTISEMENT, _SOLICITATION))
    macs = np.concatenate([arp.sender_mac, icmp.mac[is_told], icmp.mac[is_asked]])
    held = np.concatenate([arp.sender_ip, icmp.target[is_told], table.sources(icmp.row[is_asked])]).astype(np.uint64)
    found: dict[int, set[int]] = defaultdict(set)
    is_mac = macs < NO_MAC
    order = np.lexsort((held[is_mac], macs[is_mac]))
    macs, held = macs[is_mac][order], held[is_mac][order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (macs[1:] != macs[:-1]) | (held[1:] != held[:-1])
    for mac, address in zip(macs[is_new].tolist(), held[is_new].tolist(), strict=True):
        found[mac].add(address)
    return dict(found)
