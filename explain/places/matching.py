"""Which frames show the same packet: through switches, routers and NAT, without knowing the network.

Frames are brought together by what a router leaves alone: both ends, the identification of
IPv4, lengths, the numbers of TCP and ICMP.  What is the same several times over is told apart by
its order; where the counts of two places differ, nobody knows which is which, and the frames stay
unmatched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.places.equal import first_equal, in_order
from explain.record import dataclass
from explain.table import ICMP, ICMPV6, IP, LATER_FRAGMENT, PARTIAL_CHECKSUM, REVERSED, UDP

if TYPE_CHECKING:
    from explain.table import U4, U8, Bools, PacketTable, Rows

NONE = -1
_GROUP_BIT = np.uint64(1 << 40)
_COPY_NS = 1_000_000  # the same frame recorded twice by one device; nothing is sent again so soon
_MOST_TIMED = 100_000
_ONE_WAY_NS = 200_000_000  # SYN and SYN-ACK are sent again after a second, ARP too
_NEIGHBOURS = (133, 134, 135, 136, 137)


@dataclass(frozen=True, slots=True)
class Tuples:
    """Both ends of flows, whatever the place: ``2 * pair + is_reversed`` is a direction.

    Attributes:
        of_flow: int64[flows], the pair of each flow.
        first: int64[pairs], a flow with these ends.
    """

    of_flow: Rows
    first: Rows


@dataclass(frozen=True, slots=True)
class Matched:
    """Frames of one packet share a number.

    Attributes:
        packet: int64[n], one of the packet's rows; NONE where nothing can be said.
        ambiguous: frames that look like others, and that no order tells apart.
        tuples: the ends of flows.
    """

    packet: Rows
    ambiguous: int
    tuples: Tuples


def tuples(table: PacketTable) -> Tuples:
    """Number the pairs of ends; those of one flow at several places have one number."""
    flows = table.flows
    low = flows.low << np.uint64(16) | flows.low_port | flows.protocol.astype(np.uint64) << np.uint64(56)
    high = flows.high << np.uint64(16) | flows.high_port
    order = np.lexsort((high, low))
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])
    of_flow = np.empty(len(order), np.int64)
    of_flow[order] = np.cumsum(is_new) - 1
    return Tuples(of_flow, order[is_new])


def match(table: PacketTable) -> Matched:
    """The same packet by its ends and all that is left alone on the way."""
    found = tuples(table)
    packet = np.full(len(table), NONE, np.int64)
    rows = np.flatnonzero(table.layers & IP)
    side = (found.of_flow.astype(np.uint32) << np.uint32(1)).take(table.flow[rows])
    side |= table.layers[rows] & REVERSED != 0
    words = [*invariants(table, rows), side, *_same_link(table, rows)]
    ambiguous = _number(table, rows, first_equal(words), packet)
    if len(table.arp.row):
        arp = table.arp
        words = [
            arp.sender_mac, arp.sender_ip << np.uint64(32) | arp.target_ip,
            table.link[arp.row].astype(np.uint64) << np.uint64(16) | arp.operation,
        ]  # fmt: skip
        ambiguous += _number(table, arp.row, first_equal(words), packet)
    return Matched(packet, ambiguous, found)


def invariants(table: PacketTable, rows: Rows) -> list[U8]:
    """What neither a router nor a NAT changes, as words; rows of IP."""
    layers = table.layers[rows]
    first = table.seq[rows].astype(np.uint64)
    first <<= np.uint64(32)
    first |= table.ack[rows]
    second = table.payload[rows].astype(np.uint64)
    second <<= np.uint64(16)
    second |= table.ip_id[rows]
    second <<= np.uint64(16)
    second |= table.window[rows]
    third = table.flags[rows].astype(np.uint64)
    third <<= np.uint64(8)
    third |= table.flows.protocol.take(table.flow[rows])
    _of_icmp(table, rows, layers, third)
    _of_fragments(table, rows, layers, third)
    _of_datagrams(table, rows, layers, third)
    return [first, second, third]


def _of_icmp(table: PacketTable, rows: Rows, layers: U4, word: U8) -> None:
    """Type, code, sequence number, and the sum over all but the id and, in ICMPv6, the addresses."""
    at = np.flatnonzero(layers & (ICMP | ICMPV6))
    if len(at):
        icmp, index = table.icmp, np.searchsorted(table.icmp.row, rows[at])
        kind = icmp.type[index].astype(np.uint64) << np.uint64(8) | icmp.code[index]
        sequence = icmp.word[index].astype(np.uint64) & np.uint64(0xFFFF)
        is_unknown = (icmp.quote[index] > 0) | (table.checksum[rows[at]] == 0)  # a line of text tells no checksum
        rest = np.where(is_unknown, 0, rest_sums(table, rows[at]))
        word[at] |= kind << np.uint64(16) | sequence << np.uint64(32) | rest.astype(np.uint64) << np.uint64(48)


def _of_fragments(table: PacketTable, rows: Rows, layers: U4, word: U8) -> None:
    if len(table.fragments.row) and (layers & LATER_FRAGMENT).any():
        at = np.flatnonzero(layers & LATER_FRAGMENT)
        index = np.minimum(np.searchsorted(table.fragments.row, rows[at]), len(table.fragments.row) - 1)
        word[at] |= (table.fragments.offset[index].astype(np.uint64) + np.uint64(1)) << np.uint64(16)


def _of_datagrams(table: PacketTable, rows: Rows, layers: U4, word: U8) -> None:
    """Datagrams have no numbers: where every checksum is whole, what it says of the data."""
    at = np.flatnonzero(layers & UDP)
    if not (layers[at] & PARTIAL_CHECKSUM).any():
        at = at[table.checksum[rows[at]] != 0]
        word[at] |= rest_sums(table, rows[at]).astype(np.uint64) << np.uint64(48)


def rest_sums(table: PacketTable, rows: Rows) -> Rows:
    """Sum of all that a whole checksum covers but addresses, ports and ICMP id, modulo 65,535 (RFC 1624, 3).

    Meaningless where the checksum is partial or damaged.
    """
    total = 0xFFFF - table.checksum[rows].astype(np.int64)
    layers = table.layers[rows]
    is_icmp = layers & (ICMP | ICMPV6) != 0
    ports = table.source_ports(rows).astype(np.int64) + table.target_ports(rows)
    total -= np.where(is_icmp, 0, ports)
    ends = address_sums(table, table.sources(rows)) + address_sums(table, table.targets(rows))
    total -= np.where(layers & ICMP != 0, 0, ends)
    at = np.flatnonzero(is_icmp)
    if len(at):
        index = np.searchsorted(table.icmp.row, rows[at])
        total[at] -= np.where(np.isin(table.icmp.type[index], (0, 8, 128, 129)), table.icmp.word[index] >> 16, 0)
    rest: Rows = total % 0xFFFF
    return rest


def address_sums(table: PacketTable, keys: U8) -> Rows:
    """Sums of the 16-bit words of addresses."""
    sums = (keys >> np.uint64(16) & np.uint64(0xFFFF)) + (keys & np.uint64(0xFFFF))
    is_v6 = np.flatnonzero(keys >= np.uint64(1 << 32))
    if len(is_v6):
        index = (keys[is_v6] - np.uint64(1 << 32)).astype(np.int64)
        wide = np.zeros(len(is_v6), np.uint64)
        for half in (table.addresses.high[index], table.addresses.low[index]):
            for shift in (0, 16, 32, 48):
                wide += half >> np.uint64(shift) & np.uint64(0xFFFF)
        sums[is_v6] = wide
    signed: Rows = sums.astype(np.int64)
    return signed


def _same_link(table: PacketTable, rows: Rows) -> list[U4]:
    """What is meant for one link is the same packet only between the same MACs."""
    stays = stays_on_link(table, rows)
    if not stays.any():
        return []
    return [np.where(stays, table.link[rows] + np.uint32(1), np.uint32(0))]


def stays_on_link(table: PacketTable, rows: Rows) -> Bools:
    """Frames to a group of MACs, and neighbour discovery: no router takes them further; rows of IP."""
    target = table.links.target
    is_to_group = (target & _GROUP_BIT != 0) & (target < np.uint64(NO_MAC))
    stays: Bools = is_to_group[table.link[rows]]
    v6 = np.flatnonzero(table.layers[rows] & ICMPV6)
    if len(v6):
        stays[v6] |= np.isin(table.icmp.type[np.searchsorted(table.icmp.row, rows[v6])], _NEIGHBOURS)
    return stays


def by_packet(packet: Rows) -> Rows:
    """Rows of which the packet is known, packet after packet and each in the order of the table."""
    rows = np.flatnonzero(packet != NONE)
    return in_order(packet[rows], rows)


def firsts(sorted_numbers: Rows) -> Bools:
    """Which of some sorted numbers differ from the one before them."""
    is_first = np.ones(len(sorted_numbers), np.bool_)
    np.not_equal(sorted_numbers[1:], sorted_numbers[:-1], out=is_first[1:])
    return is_first


def _number(table: PacketTable, rows: Rows, first: Rows, packet: Rows) -> int:
    """Give rows their packet numbers, by the first one that is like each; how many rows cannot be told apart."""
    packet[rows] = rows[first]
    place = table.place[rows]
    is_many = np.bincount(first, minlength=len(rows)) > 2
    again = np.flatnonzero(first != np.arange(len(rows)))
    is_many[first[again[place[again] == place[first[again]]]]] = True
    hard = np.flatnonzero(is_many[first])
    return _number_repeated(table, rows[hard], first[hard], packet) if len(hard) else 0


def _number_repeated(table: PacketTable, rows: Rows, bucket: Rows, packet: Rows) -> int:
    """Buckets with several frames at one place: sent again, or the same packet passing with another TTL."""
    ttl, place = table.ttl[rows].astype(np.int64), table.place[rows].astype(np.int64)
    order = np.lexsort((ttl, place, bucket))  # stable: the order of recording stays
    rows, bucket, ttl, place = rows[order], bucket[order], ttl[order], place[order]
    head = np.ones(len(rows), np.bool_)
    head[1:] = (bucket[1:] != bucket[:-1]) | (ttl[1:] != ttl[:-1]) | (place[1:] != place[:-1])
    is_copy = np.zeros(len(rows), np.bool_)
    is_copy[1:] = ~head[1:] & (np.abs(np.diff(table.time_ns[rows])) <= _COPY_NS)
    step = np.cumsum(~is_copy)
    first = np.flatnonzero(head)
    run = np.cumsum(head) - 1
    occurrence = step - step[first[run]]
    last = np.append(first[1:], len(rows)) - 1
    count = occurrence[last] + 1
    # All runs of a bucket must be equally long, else their members cannot be paired by order.
    of = bucket[first]
    edges = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
    is_even = np.minimum.reduceat(count, edges) == np.maximum.reduceat(count, edges)
    is_sure: Bools = np.repeat(is_even, np.diff(np.append(edges, len(of))))[run]
    width = int(occurrence.max()) + 1
    own = rows[is_sure]
    _, first_of, number = np.unique(
        bucket[is_sure] * width + occurrence[is_sure], return_index=True, return_inverse=True
    )
    packet[own] = own[first_of][number]
    packet[rows[~is_sure]] = NONE
    return _number_by_time(table, rows[~is_sure], bucket[~is_sure], packet)


def _number_by_time(table: PacketTable, rows: Rows, bucket: Rows, packet: Rows) -> int:
    """What one file recorded has one clock: a packet ends where a place sees the next one."""
    if len({place.capture for place in table.places}) > 1 or len(rows) > _MOST_TIMED:
        return len(rows)
    number = NONE
    order = np.lexsort((rows, table.time_ns[rows], bucket))
    columns = (rows[order], bucket[order], table.time_ns[rows][order], table.place[rows][order], table.ttl[rows][order])
    seen: dict[tuple[int, int], int] = {}
    last_bucket, last_ns = NONE, 0
    for row, of, time_ns, place, ttl in zip(*(column.tolist() for column in columns), strict=True):
        again = seen.get((place, ttl))
        is_next = again is not None and time_ns - again > _COPY_NS
        if of != last_bucket or is_next or time_ns - last_ns > _ONE_WAY_NS:
            number = row
            seen = {}
        seen[place, ttl] = last_ns = time_ns
        last_bucket = of
        packet[row] = number
    return 0
