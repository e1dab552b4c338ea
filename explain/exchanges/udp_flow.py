"""``udp.flow``: datagrams between two ends (RFC 768)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.columns import ExchangeColumns
from explain.exchanges.community_id import community_id
from explain.exchanges.quotes import quoted_flows
from explain.model import Endpoint
from explain.record import dataclass
from explain.table import IPV6_KEY, NO_FLOW, REVERSED, UDP, distinct

if TYPE_CHECKING:
    from explain.table import U4, U8, Bools, PacketTable

OUTCOMES = ("answered", "unanswered", "refused")
_WELL_KNOWN = 1024
ONE_WAY = {
    68: "DHCP clients",
    546: "DHCPv6 clients",
    162: "SNMP traps",
    514: "syslog",
    2055: "NetFlow",
    4739: "IPFIX",
    6343: "sFlow",
}
"""Ports that only listen, and for what."""
MULTICAST_DNS = 5353
"""From this port to this port of one host goes the answer to what that host had asked all (RFC 6762, 5.4)."""
_UNREACHABLE_V4, _UNREACHABLE_V6 = 3, 1


@dataclass(frozen=True, slots=True)
class UdpFlow:
    """All datagrams of one pair of ends at one place.

    Attributes:
        datagrams, payload_bytes: in both directions; the split by direction follows.
        needs_no_answer: sent to a group, to everybody or to a port that only listens, where silence is normal.
    """

    client: Endpoint
    server: Endpoint
    datagrams: int
    payload_bytes: int
    datagrams_to_server: int
    datagrams_to_client: int
    needs_no_answer: bool
    community_id: str


def find(table: PacketTable) -> ExchangeColumns:
    """One exchange for each flow, whatever it carries.

    Facts: ``needs_no_answer``, ``datagrams``, ``payload_bytes`` as the fields, and ``opener`` (the row of the first
    frame), ``is_answer`` (bool[n]: that frame came from the server).
    """
    rows, bounds = table.with_header(UDP)
    first = bounds[:-1]
    is_back = (table.layers[rows] & REVERSED != 0) != (table.layers[rows[first]] & REVERSED != 0).repeat(
        np.diff(bounds)
    )
    count = np.diff(bounds)
    backward = np.add.reduceat(is_back, first, dtype=np.int64) if len(first) else count
    octets = np.add.reduceat(table.payload[rows], first, dtype=np.int64) if len(first) else count
    opener = rows[first]
    # The first frame seen may be an answer: a well-known port that speaks to a high one is the server.
    is_answer = (table.source_ports(opener) < _WELL_KNOWN) & (table.target_ports(opener) >= _WELL_KNOWN)
    to_server = np.where(is_answer, backward, count - backward)
    is_refused = _refused(table, table.flow[opener])
    outcome = np.where((backward > 0) & (backward < count), 0, np.where(is_refused, 2, 1)).astype(np.uint8)
    outcome[is_answer & (backward == 0)] = 0
    needs_no_answer = _to_many(table, np.where(is_answer, table.sources(opener), table.targets(opener)))
    needs_no_answer |= ~is_answer & np.isin(table.target_ports(opener), list(ONE_WAY))
    needs_no_answer |= (table.source_ports(opener) == MULTICAST_DNS) & (table.target_ports(opener) == MULTICAST_DNS)

    def fields(index: int) -> UdpFlow:
        return _fields(table, int(opener[index]), bool(is_answer[index]), (
            int(count[index]), int(octets[index]), int(to_server[index]), int(count[index] - to_server[index]),
        ), bool(needs_no_answer[index]))  # fmt: skip

    times = table.time_ns[rows]
    return ExchangeColumns(
        "udp.flow", OUTCOMES, outcome, rows, bounds, times[first],
        np.maximum(times[first], times[bounds[1:] - 1]), fields,
        {
            "needs_no_answer": needs_no_answer, "datagrams": count, "payload_bytes": octets, "opener": opener,
            "is_answer": is_answer,
        },
    )  # fmt: skip


def _fields(
    table: PacketTable, opener: int, is_answer: bool, counts: tuple[int, int, int, int], needs_no_answer: bool
) -> UdpFlow:
    row = np.array([opener])
    ends = [
        (int(table.sources(row)[0]), int(table.source_ports(row)[0])),
        (int(table.targets(row)[0]), int(table.target_ports(row)[0])),
    ]
    client, server = reversed(ends) if is_answer else ends
    text, octets = table.addresses.text, table.addresses.octets
    return UdpFlow(
        Endpoint(text(client[0]), client[1]),
        Endpoint(text(server[0]), server[1]),
        *counts,
        needs_no_answer,
        community_id(octets(client[0]), octets(server[0]), 17, client[1], server[1]),
    )


def _refused(table: PacketTable, flows: U4) -> Bools:
    """Whether an ICMP unreachable quotes a datagram of the flow."""
    icmp = table.icmp
    says_unreachable = icmp.type == np.where(icmp.is_v6, _UNREACHABLE_V6, _UNREACHABLE_V4)
    told = quoted_flows(table)[says_unreachable]
    is_told = np.zeros(len(table.flows.low), np.bool_)
    is_told[told[told != NO_FLOW]] = True
    refused: Bools = is_told[flows]
    return refused


def _to_many(table: PacketTable, targets: U8) -> Bools:
    """Multicast and broadcast, as far as the address tells (RFC 5771, 4291, 919)."""
    is_v6 = targets >= IPV6_KEY
    groups = np.array(
        [key for key in distinct(targets[is_v6]).tolist() if table.addresses.octets(key)[0] == 0xFF], np.uint64
    )
    host = targets & np.uint64(0xFF)
    v4 = (targets >> np.uint64(28) == 14) | (host == 255)
    return np.where(is_v6, np.isin(targets, groups), v4)
