"""What the frames of one link show of who forwards: for others, for itself, back to where it came from, or by proxy.

Each function looks at all frames at once and at single ones only where something is odd, so that
a large capture without oddities costs a few passes over small tables.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC, is_private
from explain.arrays import among
from explain.record import NamedTuple
from explain.table import FRESH_TTLS, IP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import I8, U1, U2, U4, U8, Bools, PacketTable, Rows

_GROUP_BIT = 1 << 40
_REPLY = 2
_INITIAL_TTLS = (30, 32, 60, 64, 100, 128, 255)
_MOST_HOPS = 31
_IS_FORWARDED = np.zeros(256, np.bool_)  # by TTL
for _start in FRESH_TTLS:
    _IS_FORWARDED[_start - _MOST_HOPS : _start] = True
_IS_FORWARDED[list(_INITIAL_TTLS)] = False


class Carrier(NamedTuple):
    """A MAC that was seen to send from an address, and the TTL that it sent with."""

    place: int
    mac: int
    address: int
    ttl: int
    row: int


def carriers(
    table: PacketTable, addresses: Sequence[int] | U8 | None = None, *, only_forwarded: bool = False
) -> list[Carrier]:
    """Who sent from which address, or from some of them, or for others only: one look per flow and direction."""
    first = table.first_of_side[:-2]
    first = first[first >= 0]
    if only_forwarded:
        first = first[_IS_FORWARDED[table.ttl[first]]]
    if addresses is not None:
        first = first[among(table.sources(first), np.array(addresses, np.uint64))]
    macs = table.links.source[table.link[first]]
    first, macs = first[macs < NO_MAC], macs[macs < NO_MAC]
    columns = (table.place[first], macs, table.sources(first), table.ttl[first], first)
    return [Carrier(*values) for values in zip(*(one.tolist() for one in columns), strict=True)]


def has_answered(table: PacketTable, row: int) -> bool:
    """Whether the place of a packet saw one back from its target, which then knows a way to this source.

    Nearer to the source it may have been a translator who wrote its address into what came back to his own.
    """
    (source, target), flows = table.ends(row), table.flows
    low, high, is_here = flows.low, flows.high, flows.place == table.place[row]
    is_back = is_here & (low == target) & (high == source), is_here & (low == source) & (high == target)
    sides = table.first_of_side[:-2].reshape(-1, 2)
    return any(bool((sides[is_pair, side] >= 0).any()) for side, is_pair in enumerate(is_back))


def is_forwarded(ttl: int) -> bool:
    """Whether a TTL shows that routers have taken from it: no system begins with it, and it is not far from one."""
    return bool(_IS_FORWARDED[ttl])


def are_forwarded(ttls: U1) -> Bools:
    """The same of many."""
    found: Bools = _IS_FORWARDED[ttls]
    return found


def is_private_underway(table: PacketTable, row: int) -> bool:
    """Whether a packet to a public address passed a router before, and still has a private source (RFC 1918)."""
    source, target = table.ends(row)
    return is_private(source) and not is_private(target) and is_forwarded(int(table.ttl[row]))


def to_itself(table: PacketTable) -> Rows:
    """Frames from one address to another whose sender put its own MAC as the receiver (as without ARP)."""
    links = table.links
    is_odd = (links.source == links.target) & (links.source > 0) & (links.source < NO_MAC)
    if not is_odd.any():
        return np.empty(0, np.int64)
    rows = table.rows_on(is_odd)
    rows = rows[table.layers[rows] & IP != 0]
    found: Rows = rows[table.sources(rows) != table.targets(rows)]
    return found


def turned_back(table: PacketTable) -> tuple[Rows, Rows]:
    """The same packet twice on one link: in to a router, and out again by the same port with a TTL one lower."""
    nothing = np.empty(0, np.int64)
    rows = _of_several_links(table)
    if not len(rows):
        return nothing, nothing
    key: list[U4 | U2 | I8] = [
        table.seq[rows], table.payload[rows], table.ip_id[rows], _words(table, rows), table.sides[rows],
    ]  # fmt: skip
    order = np.lexsort((rows, *key))
    rows = rows[order]
    same = np.ones(max(len(rows) - 1, 0), np.bool_)
    for column in key:
        same &= column[order][1:] == column[order][:-1]
    first, second = rows[:-1][same], rows[1:][same]
    into, out = table.link[first], table.link[second]
    fits = (
        (table.ttl[second].astype(np.int64) + 1 == table.ttl[first])
        & (table.links.source[out] == table.links.target[into])
        & (table.links.target[out] != table.links.source[into])
        & (table.vlan[first] == table.vlan[second])
    )
    return first[fits], second[fits]


def _of_several_links(table: PacketTable) -> Rows:
    """Rows of those directions of a flow that were seen between more than one pair of MACs."""
    if not len(table):
        return np.empty(0, np.int64)
    sides, first = table.sides, table.first_of_side
    usual = table.link[: len(table)][first]  # the last row's where there is none
    is_several = np.zeros(len(first), np.bool_)
    is_several[sides[table.link[: len(table)] != usual.take(sides)]] = True
    rows = table.rows_of(is_several[:-2:2] | is_several[1:-2:2])  # the last two are without IP
    chosen: Rows = rows[is_several[sides[rows]]]
    target = table.links.target[table.link[chosen]]
    to_one: Rows = chosen[(target < NO_MAC) & (target & np.uint64(_GROUP_BIT) == 0)]
    return to_one


def _words(table: PacketTable, rows: Rows) -> I8:
    """Identifier and sequence of ICMP messages, 0 of others."""
    result = np.zeros(len(rows), np.int64)
    if len(table.icmp.row):
        at = np.minimum(np.searchsorted(table.icmp.row, rows), len(table.icmp.row) - 1)
        is_icmp = table.icmp.row[at] == rows
        result[is_icmp] = table.icmp.word[at[is_icmp]]
    return result


def proxies(table: PacketTable, resolutions: ExchangeColumns) -> list[tuple[int, Carrier]]:
    """Answered questions whose answer came from a router for somebody behind it, and the packet that shows it.

    A router that translates sends from its own address with a TTL that it has lowered, too.  Such an address is of
    the asker's own network, where a host that is asked for by mistake is not.
    """
    arp, indices = table.arp, resolutions.where("answered")
    last = resolutions.frames[resolutions.bounds[indices + 1] - 1]
    at = np.searchsorted(arp.row, last)
    is_reply = arp.operation[at] == _REPLY
    indices, last, at = indices[is_reply], last[is_reply], at[is_reply]
    some = carriers(table, arp.sender_ip[at], only_forwarded=True) if len(at) else ()
    if not some:
        return []
    answered: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    keys = zip(table.place[last].tolist(), arp.sender_mac[at].tolist(), arp.sender_ip[at].tolist(), strict=True)
    for key, index in zip(keys, indices.tolist(), strict=True):
        answered[key].append(index)
    found: dict[int, Carrier] = {}
    for one in some:
        for index in answered.get((one.place, one.mac, one.address), ()):
            fields = resolutions.fields(index)
            if index not in found and not _is_near(fields.asker_ip, fields.wanted_ip):
                found[index] = one
    return sorted(found.items())


def _is_near(one: str, other: str) -> bool:
    """Whether two IPv4 addresses differ in the last octet only: the prefix of most links."""
    return one.rpartition(".")[0] == other.rpartition(".")[0]
