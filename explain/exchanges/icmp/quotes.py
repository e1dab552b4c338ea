"""Which flow does an ICMP error speak about?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from explain.decode.intern import Interner
from explain.table import ICMP, ICMPV6, NO_FLOW, TCP, UDP

if TYPE_CHECKING:
    from explain.table import U1, U2, U4, U8, Bools, PacketTable, Rows

_SIXTEEN = np.uint64(16)
_TCP, _UDP, _UDP_HEADER = 6, 17, 8
_NUMBERED = (1, 58, _TCP, _UDP)  # protocols


_KNOWN: WeakKeyDictionary[PacketTable, U4] = WeakKeyDictionary()
"""What was found before: several finders and rules ask."""


def quoted_flows(table: PacketTable) -> U4:
    """For each row of ``table.icmp`` the flow of the packet that it quotes; NO_FLOW if none was seen.

    A flow is looked for at the place where the error was recorded; ICMP flows have no ports.
    """
    found = _KNOWN.get(table)
    if found is None:
        found = _KNOWN[table] = _find(table)
    return found


def quoted_row(table: PacketTable, row: int) -> int | None:
    """The packet that an error at this row quotes, if it was recorded in the same capture before it."""
    at = int(np.searchsorted(table.icmp.row, row))
    flow = int(quoted_flows(table)[at])
    if flow == NO_FLOW:
        return None
    own = np.flatnonzero(table.flow[: min(row, len(table))] == flow)
    ident = table.icmp.quote_ip_id[at]
    found = own[table.ip_id[own] == ident] if ident else own[_carry(table, own, at)]
    heads = found[table.layers[found] & (ICMP | ICMPV6 | TCP | UDP) != 0]  # of fragments, no error is about a later one
    found = heads if len(heads) else found
    return int(found[-1]) if len(found) else None


def _carry(table: PacketTable, rows: Rows, at: int) -> Bools:
    """Which rows have the number that a quotation without an IP identification shows: of IPv6, or a 0 of IPv4.

    That is the sequence number of a segment, identifier and sequence of an echo, or the length of a datagram, if no
    other one of its flow is as long.
    """
    icmp, word = table.icmp, table.icmp.quote_word[at]
    if not word or icmp.quote_protocol[at] not in _NUMBERED:
        return np.zeros(len(rows), np.bool_)
    if icmp.quote_protocol[at] == _TCP:
        found: Bools = (table.layers[rows] & TCP != 0) & (table.seq[rows] == word)
        return found
    if icmp.quote_protocol[at] == _UDP:
        found = (table.layers[rows] & UDP != 0) & (table.sources(rows) == icmp.quote_src[at])
        found &= table.payload[rows] + _UDP_HEADER == word >> 16
        found &= np.count_nonzero(found) == 1
        return found
    own = np.minimum(np.searchsorted(icmp.row, rows), len(icmp.row) - 1)
    found = icmp.row[own] == rows
    found &= (icmp.word[own] == word) & (icmp.type[own] == icmp.quote_kind[at] >> 8)
    return found


def _find(table: PacketTable) -> U4:
    icmp, flows = table.icmp, table.flows
    found = np.full(len(icmp.row), NO_FLOW, np.uint32)
    some = np.flatnonzero(icmp.quote > 0)
    if not len(some):
        return found
    known = Interner()
    # Flows differ in protocol and place, too: those go above the 49 bits of address and port.
    index = known.index(*_words(flows.low, flows.low_port, flows.high, flows.high_port, flows.protocol, flows.place))
    flow_of, count = np.argsort(index).astype(np.uint32), len(flows.low)
    rows, target = icmp.row[some], icmp.quote_dst[some]
    place, protocol = table.place[rows].astype(np.uint64), icmp.quote_protocol[some].astype(np.uint64)
    # A NAT may forget to translate the quotation back; the error still goes to whoever sent the packet.
    for source in (icmp.quote_src[some], table.targets(rows)):
        ends = source << _SIXTEEN | icmp.quote_sport[some], target << _SIXTEEN | icmp.quote_dport[some]
        low, high = np.minimum(*ends), np.maximum(*ends)
        flow = known.index(low | protocol << np.uint64(56), high | place << np.uint64(49))
        is_new = (found[some] == NO_FLOW) & (flow < count)
        found[some[is_new]] = flow_of[flow[is_new]]
    return found


def _words(low: U8, low_port: U2, high: U8, high_port: U2, protocol: U1, place: U2) -> tuple[U8, U8]:
    return (
        low << _SIXTEEN | low_port | protocol.astype(np.uint64) << np.uint64(56),
        high << _SIXTEEN | high_port | place.astype(np.uint64) << np.uint64(49),
    )
