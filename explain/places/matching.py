"""Which frames show the same packet: through switches, routers and NAT, without knowing the network.

Frames are brought together by what a router leaves alone: both ends, the identification of
IPv4, lengths, the numbers of TCP and ICMP.  One sort of hashes finds them, exact comparison
confirms them.  What is the same several times over is told apart by its order; where the counts
of two places differ, nobody knows which is which, and the frames stay unmatched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.record import dataclass
from explain.table import ICMP, ICMPV6, IP, LATER_FRAGMENT, NO_MAC, PARTIAL_CHECKSUM, REVERSED, UDP

if TYPE_CHECKING:
    from explain.table import U4, U8, Bools, PacketTable, Rows

NONE = -1
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD), np.uint64(32))
_BLOCK = 32_768
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
    side = found.of_flow[table.flow[rows]] * 2 + (table.layers[rows] & REVERSED != 0)
    words = [*invariants(table, rows), side.astype(np.uint64), *_same_link(table, rows)]
    order, bucket = group(words)
    ambiguous = _number(table, rows[order], bucket, packet)
    if len(table.arp.row):
        arp = table.arp
        words = [
            arp.sender_mac, arp.sender_ip << np.uint64(32) | arp.target_ip,
            table.link[arp.row].astype(np.uint64) << np.uint64(16) | arp.operation,
        ]  # fmt: skip
        order, bucket = group(words)
        ambiguous += _number(table, arp.row[order], bucket, packet)
    return Matched(packet, ambiguous, found)


def invariants(table: PacketTable, rows: Rows) -> list[U8]:
    """What neither a router nor a NAT changes, as words; rows of IP."""
    layers = table.layers[rows]
    first = table.seq[rows].astype(np.uint64) << np.uint64(32) | table.ack[rows]
    second = table.payload[rows].astype(np.uint64) << np.uint64(32)
    second |= table.ip_id[rows].astype(np.uint64) << np.uint64(16) | table.window[rows]
    third = table.flags[rows].astype(np.uint64) << np.uint64(8) | table.flows.protocol[table.flow[rows]]
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
    is_datagram = layers & UDP != 0
    if is_datagram.any() and not (layers[is_datagram] & PARTIAL_CHECKSUM).any():
        at = np.flatnonzero(is_datagram & (table.checksum[rows] != 0))
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


def _same_link(table: PacketTable, rows: Rows) -> list[U8]:
    """What is meant for one link is the same packet only between the same MACs."""
    stays = stays_on_link(table, rows)
    if not stays.any():
        return []
    return [np.where(stays, table.link[rows].astype(np.uint64) + np.uint64(1), np.uint64(0))]


def stays_on_link(table: PacketTable, rows: Rows) -> Bools:
    """Frames to a group of MACs, and neighbour discovery: no router takes them further; rows of IP."""
    target = table.links.target[table.link[rows]]
    stays: Bools = (target & _GROUP_BIT != 0) & (target < np.uint64(NO_MAC))
    v6 = np.flatnonzero(table.layers[rows] & ICMPV6)
    if len(v6):
        stays[v6] |= np.isin(table.icmp.type[np.searchsorted(table.icmp.row, rows[v6])], _NEIGHBOURS)
    return stays


def group(words: list[U8]) -> tuple[Rows, Rows]:
    """Positions in an order in which equal ones stand together, each group in the old order, and the group of each."""
    count = len(words[0])
    mixed = np.zeros(count, np.uint64)
    for start in range(0, count, _BLOCK):  # what fits the cache is mixed several times faster
        some = mixed[start : start + _BLOCK]
        for word in words:
            some ^= word[start : start + _BLOCK]
            some *= _MIX[0]
            some ^= some >> _MIX[2]
            some *= _MIX[1]
    # The number takes the place of the hash's last bits: sorting values is far cheaper than sorting indices.
    bits = np.uint64(max(1, count).bit_length())
    mixed >>= bits
    mixed <<= bits
    mixed |= np.arange(count, dtype=np.uint64)
    mixed.sort()
    order = (mixed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    mixed >>= bits
    is_new = np.ones(count, np.bool_)
    same = np.flatnonzero(mixed[1:] == mixed[:-1])
    is_equal = np.ones(len(same), np.bool_)
    for word in words:
        is_equal &= word[order[same]] == word[order[same + 1]]
    is_new[same[is_equal] + 1] = False
    return order, np.cumsum(is_new) - 1


def by_packet(packet: Rows) -> Rows:
    """Rows of which the packet is known, packet after packet and each in the order of the table."""
    rows = np.flatnonzero(packet != NONE)
    bits = np.int64(max(1, len(packet)).bit_length())
    keys = packet[rows] << bits | rows  # sorting values is far cheaper than sorting indices
    keys.sort()
    order: Rows = keys & ((np.int64(1) << bits) - 1)
    return order


def _number(table: PacketTable, rows: Rows, bucket: Rows, packet: Rows) -> int:
    """Give the rows of each bucket their packet numbers; how many rows cannot be told apart."""
    if not len(rows):
        return 0
    size = np.bincount(bucket)
    place = table.place[rows]
    many = np.zeros(len(size), np.bool_)
    again = np.flatnonzero((bucket[1:] == bucket[:-1]) & (place[1:] == place[:-1])) + 1
    many[bucket[again]] = True
    many |= size > 2
    packet[rows] = rows[np.cumsum(size) - size].repeat(size)
    hard = np.flatnonzero(many[bucket])
    return _number_repeated(table, rows[hard], bucket[hard], packet) if len(hard) else 0


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
