"""What a client did with the address that a name led it to: the first traffic with it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import IPV6_KEY
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.table import I8, U8, PacketTable

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}
_DNS = 53
_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True, slots=True)
class Use:
    """The first packet to an address after a name had led to it.

    Attributes:
        protocol: tcp, udp or icmp; port: of the server, None for icmp.
        frame: of that packet.
    """

    protocol: str
    address: str
    port: int | None
    frame: int


class Uses:
    """Flows by who began them and with whom."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        flows = table.flows
        first = table.first_of_side[: 2 * len(flows.low)].reshape(-1, 2)
        begins = np.where(
            (first[:, 0] < 0) | ((first[:, 1] >= 0) & (first[:, 1] < first[:, 0])), first[:, 1], first[:, 0]
        )
        known = np.isin(flows.protocol, list(_PROTOCOLS)) & (flows.low_port != _DNS) & (flows.high_port != _DNS)
        rows = np.sort(begins[known & (begins >= 0)])
        keys = _keys(table.sources(rows), table.targets(rows))
        order = np.argsort(keys, kind="stable")
        self._keys: U8 = keys[order]
        self._rows: I8 = rows[order]

    def first(self, row: int, client: int, answers: Iterable[str]) -> Use | None:
        """What ``client`` began with one of the addresses after ``row``, at the same place."""
        table = self._table
        found: list[int] = []
        for text in answers:
            target = self._key(text)
            if target is None:
                continue
            key = _keys(np.array([client], np.uint64), np.array([target], np.uint64))[0]
            some = self._rows[np.searchsorted(self._keys, key) : np.searchsorted(self._keys, key, "right")]
            some = some[(some > row) & (table.place[some] == table.place[row])]
            if len(some) and table.ends(int(some[0])) == (client, target):
                found.append(int(some[0]))
        if not found:
            return None
        at = min(found)
        protocol = _PROTOCOLS[int(table.flows.protocol[table.flow[at]])]
        return Use(protocol, table.end_texts(at)[1], table.ports(at)[1] or None, int(table.frame[at]))

    def _key(self, text: str) -> int | None:
        from ipaddress import IPv4Address, IPv6Address, ip_address

        try:
            address = ip_address(text)
        except ValueError:
            return None
        if isinstance(address, IPv4Address):
            return int(address)
        index = self._table.addresses.find(IPv6Address(address).packed)
        return None if index is None else IPV6_KEY + index


def _keys(clients: U8, targets: U8) -> U8:
    keys: U8 = (clients.astype(np.uint64) * _MIX[0]) ^ (targets.astype(np.uint64) * _MIX[1])
    return keys
