"""``udp.flow``: datagrams between two ends (RFC 768)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import IPV6_KEY
from explain.decode.contents import COMPLAINT, QUIC
from explain.exchanges.columns import ExchangeColumns
from explain.exchanges.community_id import community_id
from explain.exchanges.fragments import datagrams
from explain.exchanges.icmp.quotes import quoted_flows
from explain.exchanges.udp.partners import asked_by
from explain.model import Endpoint
from explain.record import NamedTuple, dataclass
from explain.table import FRAGMENT, NO_FLOW, REVERSED, UDP

if TYPE_CHECKING:
    from explain.exchanges.dns.group import GroupNames, NamesTold
    from explain.exchanges.netbios import NetbiosAct, NetbiosNames
    from explain.exchanges.udp.complaints import Complaints, UdpComplaint
    from explain.exchanges.udp.quic import Quics, QuicTalk
    from explain.table import I8, U1, U4, U8, Bools, PacketTable, Rows

OUTCOMES = ("answered", "unanswered", "refused")
_WELL_KNOWN = 1024
ONE_WAY = {
    68: "DHCP clients",
    546: "DHCPv6 clients",
    138: "NetBIOS datagrams",
    162: "SNMP traps",
    514: "syslog",
    2055: "NetFlow",
    4739: "IPFIX",
    6343: "sFlow",
}
"""Ports that only listen, and for what."""
SEARCH = {
    137: "NetBIOS names",
    427: "SLP",
    1900: "SSDP",
    3702: "WS-Discovery",
    5351: "NAT-PMP",
    5355: "LLMNR",
}
"""Ports to which searches go: whoever does not have what is sought, or does not know the protocol, keeps silent."""
BOTH_SEND = {
    2152: "GTP-U",
    3784: "BFD",
    4784: "BFD",
    4789: "VXLAN",
    4790: "VXLAN-GPE",
    6081: "Geneve",
    6635: "MPLS",
    6784: "BFD",
    8472: "VXLAN",
}
"""Ports to which each side sends by itself: what comes back is another flow (RFC 7348, 5; 8926, 3.3; 5881, 4)."""
RELAYED = {67: "DHCP", 547: "DHCPv6"}
"""From this port to this port goes what relays and servers tell each other, to other addresses than answers come from
(RFC 2131, 4.1; RFC 8415, 7.2)."""
MULTICAST_DNS = 5353
"""From this port to this port of one host goes the answer to what that host had asked all (RFC 6762, 5.4)."""
_GROUP_NAMES = (MULTICAST_DNS, 5355)
"""Ports of multicast DNS and LLMNR."""
_NETBIOS_NAMES = 137
_UNREACHABLE_V4, _UNREACHABLE_V6 = 3, 1
_HEADER = 8


@dataclass(frozen=True, slots=True)
class UdpFlow:
    """All datagrams of one pair of ends at one place.

    Attributes:
        datagrams, payload_bytes: in both directions; the split by direction follows.
        needs_no_answer: sent to a group, to everybody or to a port that only listens or is searched, where silence is
            normal.
        answered_from: the port from which the server answered, where that is not the one that was asked.
        asked_at: of such an answer, or of one to a question to a group, where the question had gone.
        names: of multicast DNS and LLMNR, what was asked and told.
        netbios: likewise of the NetBIOS name service.
        complaints: what one side refused or warned of, in TFTP, NTP and SIP.
        quic: how a connection of QUIC was opened, None where none was.
    """

    client: Endpoint
    server: Endpoint
    datagrams: int
    payload_bytes: int
    datagrams_to_server: int
    datagrams_to_client: int
    needs_no_answer: bool
    community_id: str
    answered_from: Endpoint | None
    asked_at: Endpoint | None
    names: NamesTold | None
    netbios: tuple[NetbiosAct, ...]
    complaints: tuple[UdpComplaint, ...]
    quic: QuicTalk | None


def find(table: PacketTable) -> ExchangeColumns:
    """One exchange for each flow, whatever it carries.

    Facts: ``needs_no_answer``, ``datagrams``, ``payload_bytes`` as the fields, and ``opener`` (the row of the first
    frame), ``is_answer`` (bool[n]: that frame came from the server), ``client`` (address keys), ``other`` (the flow
    that alone answers this one, -1 if none), ``said`` (what datagrams say, by index).
    """
    rows, bounds = table.with_header(UDP)
    flows, first = _flows(table, rows, bounds), bounds[:-1]
    said = _Said(table, rows, bounds, flows.is_answer)
    times = table.time_ns[rows]
    return ExchangeColumns(
        "udp.flow", OUTCOMES, _outcome(table, flows), rows, bounds, times[first],
        np.maximum(times[first], times[bounds[1:] - 1]), lambda index: _fields(table, flows, index, said),
        {
            "needs_no_answer": flows.needs_no_answer, "datagrams": flows.datagrams, "payload_bytes": flows.octets,
            "opener": flows.opener, "is_answer": flows.is_answer, "other": flows.other, "said": said,
            "client": np.where(flows.is_answer, table.targets(flows.opener), table.sources(flows.opener)),
        },
    )  # fmt: skip


class _Said:
    """What datagrams themselves say, by protocol; read when the first flow is asked for that may say it."""

    def __init__(self, table: PacketTable, rows: Rows, bounds: I8, is_answer: Bools) -> None:
        self._table, self._rows, self._bounds, self._is_answer = table, rows, bounds, is_answer

    @cached_property
    def names(self) -> GroupNames:
        from explain.exchanges.dns.group import GroupNames

        return GroupNames(self._table)

    @cached_property
    def netbios(self) -> NetbiosNames:
        from explain.exchanges.netbios import NetbiosNames

        return NetbiosNames(self._table)

    @cached_property
    def complaints(self) -> Complaints | None:
        if COMPLAINT not in self._table.contents:
            return None
        from explain.exchanges.udp.complaints import Complaints

        return Complaints(self._table)

    def quic(self, index: int) -> QuicTalk | None:
        if self._quics is None:
            return None
        rows = self._rows[self._bounds[index] : self._bounds[index + 1]]
        return self._quics.of(rows, is_answer=bool(self._is_answer[index]))

    @cached_property
    def _quics(self) -> Quics | None:
        if QUIC not in self._table.contents:
            return None
        from explain.exchanges.udp.quic import Quics

        return Quics(self._table)


class _Flows(NamedTuple):
    """What is known of each flow, in columns.

    Attributes:
        opener: row of the first frame.
        is_answer: that frame came from the server.
        datagrams, octets, to_server: how many, what they carried, and how many of them the client sent.
        asked: the flow to many that this one answers, -1 if none.
        other: the first flow that alone answers this one, -1 if none.
    """

    opener: Rows
    is_answer: Bools
    datagrams: I8
    octets: I8
    to_server: I8
    asked: I8
    other: I8
    needs_no_answer: Bools


def _flows(table: PacketTable, rows: Rows, bounds: I8) -> _Flows:
    first = bounds[:-1]
    count, is_reversed = np.diff(bounds), table.layers[rows] & REVERSED != 0
    is_back = is_reversed != is_reversed[first].repeat(count)
    backward = np.add.reduceat(is_back, first, dtype=np.int64) if len(first) else count
    octets = np.add.reduceat(_carried(table, rows), first, dtype=np.int64) if len(first) else count
    opener = rows[first]
    is_to_many = _to_many(table, table.targets(opener))
    asked = asked_by(table, opener, is_to_many)
    is_answer = _is_from_service(table, opener) | (asked >= 0)  # the first frame seen may be an answer
    to_server = np.where(is_answer, backward, count - backward)
    needs_no_answer = _needs_no_answer(table, opener, is_answer, is_to_many)
    return _Flows(opener, is_answer, count, octets, to_server, asked, _answers(asked, is_to_many), needs_no_answer)


def _carried(table: PacketTable, rows: Rows) -> U4:
    """Octets of each datagram; of one in fragments, of which the first has the header, of all that came."""
    is_cut = table.layers[rows] & FRAGMENT != 0
    if not is_cut.any() or not len(cut := datagrams(table)):
        return table.payload[rows]
    order = np.argsort(cut.first)
    at = order[np.minimum(np.searchsorted(cut.first[order], rows), len(order) - 1)]
    found: U4 = np.where(is_cut & (cut.first[at] == rows), cut.have[at] - _HEADER, table.payload[rows]).astype(
        np.uint32
    )
    return found


def _outcome(table: PacketTable, flows: _Flows) -> U1:
    is_both_ways = (flows.to_server > 0) & (flows.to_server < flows.datagrams)
    is_answered = is_both_ways | (flows.is_answer & (flows.to_server == 0)) | (flows.other >= 0)
    is_refused = _refused(table, table.flow[flows.opener])
    return np.where(is_answered, 0, np.where(is_refused, 2, 1)).astype(np.uint8)


def _answers(asked: I8, is_to_many: Bools) -> I8:
    """For each flow the first other one that answers it alone; -1 where none does."""
    answers = np.full(len(asked), -1, np.int64)
    is_own = (asked >= 0) & ~is_to_many[asked]
    answers[asked[is_own][::-1]] = np.flatnonzero(is_own)[::-1]
    return answers


def _needs_no_answer(table: PacketTable, opener: Rows, is_answer: Bools, is_to_many: Bools) -> Bools:
    source, target = table.source_ports(opener), table.target_ports(opener)
    is_quiet: Bools = np.where(is_answer, _to_many(table, table.sources(opener)), is_to_many)
    is_quiet |= ~is_answer & np.isin(target, [*ONE_WAY, *SEARCH, *BOTH_SEND])
    for port in (MULTICAST_DNS, *RELAYED):
        is_quiet |= (source == port) & (target == port)
    return is_quiet


def _fields(table: PacketTable, flows: _Flows, index: int, said: _Said) -> UdpFlow:
    opener, is_answer = int(flows.opener[index]), bool(flows.is_answer[index])
    client, server = (_opener_end(table, opener, is_source) for is_source in (not is_answer, is_answer))
    octets = table.addresses.octets
    low, high = (octets(key) for key in table.ends(opener)[:: -1 if is_answer else 1])
    count, to_server, other, asked = (
        int(column[index]) for column in (flows.datagrams, flows.to_server, flows.other, flows.asked)
    )
    return UdpFlow(
        client, server, count, int(flows.octets[index]), to_server, count - to_server,
        bool(flows.needs_no_answer[index]), community_id(low, high, 17, client.port or 0, server.port or 0),
        _opener_end(table, int(flows.opener[other]), True) if other >= 0 else None,
        _opener_end(table, int(flows.opener[asked]), False) if asked >= 0 else None,
        said.names.of(opener) if {client.port, server.port}.intersection(_GROUP_NAMES) else None,
        said.netbios.of(opener) if _NETBIOS_NAMES in (client.port, server.port) else (),
        said.complaints.of(opener) if said.complaints else (),
        said.quic(index),
    )  # fmt: skip


def _opener_end(table: PacketTable, opener: int, is_source: bool) -> Endpoint:
    row, (source, target) = np.array([opener]), table.ends(opener)
    ports = table.source_ports(row) if is_source else table.target_ports(row)
    return Endpoint(table.addresses.text(source if is_source else target), int(ports[0]))


def _is_from_service(table: PacketTable, opener: Rows) -> Bools:
    """Whether the first frame comes from a port that is known to be a service's, and goes to one that is not."""
    source, target = table.source_ports(opener), table.target_ports(opener)
    is_search = np.isin(source, list(SEARCH)) & ~np.isin(target, list(SEARCH)) & (target >= _WELL_KNOWN)
    return ((source < _WELL_KNOWN) & (target >= _WELL_KNOWN)) | is_search


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
    are_many = table.addresses.are_groups(targets)
    are_many |= (targets < IPV6_KEY) & (targets & np.uint64(0xFF) == 255)
    return are_many
