"""Which flow does an ICMP error speak about?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from explain.decode.intern import Interner
from explain.table import NO_FLOW

if TYPE_CHECKING:
    from explain.table import U1, U2, U4, U8, PacketTable

_SIXTEEN = np.uint64(16)


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
    if flow == NO_FLOW or not int(table.icmp.quote_ip_id[at]):
        return None
    count = min(row, len(table))
    found = np.flatnonzero((table.flow[:count] == flow) & (table.ip_id[:count] == table.icmp.quote_ip_id[at]))
    return int(found[-1]) if len(found) else None


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
