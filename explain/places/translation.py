"""Which flows are one flow with rewritten ends: NAT, by what it must leave alone.

A pair of flows is believed only if what their packets share cannot be chance: each kept field
adds the bits that a stranger would have to guess.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.places.equal import group
from explain.places.matching import NONE, Matched, invariants, rest_sums, stays_on_link
from explain.record import dataclass
from explain.table import GOOD_CHECKSUM, ICMP, ICMPV6, REVERSED, TCP, UDP

if TYPE_CHECKING:
    from explain.table import U2, U8, Bools, PacketTable, Rows

_MOST_ALIKE = 4  # packets that look the same; more are a crowd, not a path
_ENOUGH = 36  # bits
_ENOUGH_WITH_NEW_ENDS = 60  # where neither address was kept
_IP_ID, _LENGTH, _NUMBER, _SUM, _CONTENTS = 16, 4, 24, 16, 32
_KEPT_ADDRESS, _KEPT_PORT = 4, 8
_MOMENT = 12  # bits of a moment within a second, at the most
_BETWEEN_PINGS_NS, _FORWARDING_NS = 1_000_000_000, 10_000_000
_NOT_ROUTED = 24  # who translates forwards, and takes from the TTL; a bridge that does not is rare


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Two pairs of ends that are one flow.

    Attributes:
        one, other: pairs (see ``Tuples``).
    """

    one: int
    other: int


@dataclass(slots=True)
class _Votes:
    """What speaks for two directions; ``lead`` is above 0 where packets of the one were seen first."""

    bits: int = 0
    pairs: list[tuple[int, int]] | None = None
    lead: int = 0


def translations(table: PacketTable, matched: Matched) -> tuple[list[Rewritten], Rows]:
    """Flows that were rewritten, and the packet numbers with both sides under one number."""
    rows, words = _candidates(table, matched)
    if len(rows) < 2:
        return [], matched.packet
    order, bucket = group(words)
    one, other = _alike(table, matched, rows[order], bucket)
    if not len(one):
        return [], matched.packet
    votes = _votes(table, matched, one, other)
    chosen = _choose(table, matched, votes)
    packet = _join(matched.packet, [pair for key in chosen for pair in votes[key].pairs or ()])
    return [Rewritten(a, b) for a, b in sorted({(a >> 1, b >> 1) for a, b in chosen})], packet


def _candidates(table: PacketTable, matched: Matched) -> tuple[Rows, list[U8]]:
    """One frame of each packet that was not seen everywhere, and what a NAT leaves of it."""
    is_one = table.layers[: len(table)] & (TCP | UDP | ICMP | ICMPV6) != 0
    rows = np.flatnonzero(is_one & (matched.packet != NONE))
    rows = rows[~stays_on_link(table, rows)]
    rows = rows[_is_missing(table, matched.packet[rows], table.place[rows]) | _is_turned_back(table, rows)]
    first = np.full(len(table), NONE, np.int64)
    first[matched.packet[rows[::-1]]] = rows[::-1]
    rows = np.sort(first[first != NONE])
    words = invariants(table, rows) if len(rows) else []
    extra = _contents(table, rows)
    return rows, [*words, extra] if extra is not None and words else words


def _is_missing(table: PacketTable, packet: Rows, place: U2) -> Bools:
    """Frames of packets that some place did not see, given the packet and the place of each."""
    places = distinct(place)
    elsewhere = np.bincount(packet[place != table.place[packet]], minlength=len(table))
    missing: Bools = elsewhere < max(len(places), 2) - 1
    if len(places) > 2:  # then as many frames need not be as many places
        seen_at = distinct(packet * len(table.places) + place) // len(table.places)
        missing |= np.bincount(seen_at, minlength=len(table)) < len(places)
    return missing[packet]


def _is_turned_back(table: PacketTable, rows: Rows) -> Bools:
    """Packets of hosts to which something came from their own address: a NAT sent it back to them, past every place."""
    low, high = table.flows.low, table.flows.high
    same = distinct(low[low == high])
    with_same: Bools = (np.isin(low, same) | np.isin(high, same))[table.flow[rows]]
    return with_same


def _contents(table: PacketTable, rows: Rows) -> U8 | None:
    """What is known of the data itself: a name asked for is not asked for by chance."""
    kept = table.contents.get("dns")
    if kept is None:
        return None
    sums = np.zeros(len(table), np.uint64)
    sums[np.array(kept.row, np.int64)] = [zlib.crc32(octets) | 1 << 32 for octets in kept.octets]
    return sums[rows]


def _alike(table: PacketTable, matched: Matched, rows: Rows, bucket: Rows) -> tuple[Rows, Rows]:
    """Pairs of frames with other ends and all else alike, that may be one packet."""
    size = np.bincount(bucket)
    place, ttl = table.place[rows], table.ttl[rows]
    side = _sides(table, matched, rows)
    few = (size[bucket] > 1) & (size[bucket] <= _MOST_ALIKE)
    ones, others = [], []
    for step in range(1, _MOST_ALIKE):
        at = (
            np.flatnonzero(few[:-step] & (bucket[step:] == bucket[:-step]))
            if step < len(rows)
            else few[:0].nonzero()[0]
        )
        far = at + step
        is_possible = (side[at] != side[far]) & ((place[at] != place[far]) | (ttl[at] != ttl[far]))
        ones.append(rows[at[is_possible]])
        others.append(rows[far[is_possible]])
    return np.concatenate(ones), np.concatenate(others)


def _sides(table: PacketTable, matched: Matched, rows: Rows) -> Rows:
    side: Rows = matched.tuples.of_flow[table.flow[rows]] * 2 + (table.layers[rows] & REVERSED != 0)
    return side


def _votes(table: PacketTable, matched: Matched, one: Rows, other: Rows) -> dict[tuple[int, int], _Votes]:
    """For each pair of directions what speaks for it, and its packets."""
    told, lead = _told_in_text(table, one, other)
    bits = _bits(table, one, other) + told
    votes: dict[tuple[int, int], _Votes] = defaultdict(_Votes)
    columns = (
        _sides(table, matched, one), _sides(table, matched, other), bits, matched.packet[one], matched.packet[other],
        lead,
    )  # fmt: skip
    for side, far, weight, packet, same, ahead in zip(*(column.tolist() for column in columns), strict=True):
        key, pair = ((side, far), (packet, same)) if side < far else ((far, side), (same, packet))
        vote = votes[key]
        vote.bits += weight
        vote.lead += ahead if side < far else -ahead
        vote.pairs = vote.pairs or []
        vote.pairs.append(pair)
    return votes


def _bits(table: PacketTable, one: Rows, other: Rows) -> Rows:
    """How much a stranger would have had to guess, for each pair of frames; negative where they contradict."""
    layers = table.layers[one]
    bits = np.where(table.ip_id[one] > 0, _IP_ID, 0) + np.where(table.payload[one] > 0, _LENGTH, 0)
    is_tcp = layers & TCP != 0
    bits += np.where(is_tcp & (table.seq[one] > 0), _NUMBER, 0) + np.where(is_tcp & (table.ack[one] > 0), _NUMBER, 0)
    is_whole = (layers & table.layers[other] & GOOD_CHECKSUM) != 0
    is_same = rest_sums(table, one) == rest_sums(table, other)
    bits += np.where(is_whole & is_same, _SUM, 0)
    bits[is_whole & ~is_same & (layers & TCP == 0) & (layers & UDP != 0)] = -_ENOUGH
    kept = table.contents.get("dns")
    if kept is not None:
        bits += np.where(np.isin(one, kept.row), _CONTENTS, 0)
    same_ends = (
        (table.sources(one) == table.sources(other)) | (table.targets(one) == table.targets(other)),
        (table.source_ports(one) == table.source_ports(other)) & (layers & (TCP | UDP) != 0),
        (table.target_ports(one) == table.target_ports(other)) & (layers & (TCP | UDP) != 0),
    )
    bits -= np.where((table.ttl[one] == table.ttl[other]) & ~_is_bare(table, one, other), _NOT_ROUTED, 0)
    # What belongs to the flow counts once for a packet, but packets that repeat it prove little more.
    total: Rows = bits + same_ends[0] * _KEPT_ADDRESS + same_ends[1] * _KEPT_PORT + same_ends[2] * _KEPT_PORT
    return total


def _is_bare(table: PacketTable, one: Rows, other: Rows) -> Bools:
    """Pairs of echoes of which lines of text tell neither TTL nor checksum."""
    bare: Bools = (table.layers[one] & (ICMP | ICMPV6)) != 0
    for rows in (one, other):
        bare &= (table.ttl[rows] == 0) & (table.checksum[rows] == 0)
    return bare


def _told_in_text(table: PacketTable, one: Rows, other: Rows) -> tuple[Rows, Rows]:
    """Bits for the id and the moment of echoes that text alone tells of, and which of two was first (1, -1, 0).

    An id of many digits is not met by chance, and a router takes far less than the second between two pings.
    """
    bits, lead = np.zeros(len(one), np.int64), np.zeros(len(one), np.int64)
    at = np.flatnonzero(_is_bare(table, one, other))
    if not len(at):
        return bits, lead
    one, other = one[at], other[at]
    ids = [table.icmp.word[np.searchsorted(table.icmp.row, rows)] >> 16 for rows in (one, other)]
    is_kept = ids[0] == ids[1]
    capture = np.array([place.capture for place in table.places])
    apart = table.time_ns[other] - table.time_ns[one]
    is_near = (np.abs(apart) <= _FORWARDING_NS) & (capture[table.place[one]] == capture[table.place[other]])
    is_near &= (table.time_ns[one] > 0) & (table.time_ns[other] > 0)
    moment = np.log2(_BETWEEN_PINGS_NS / np.maximum(np.abs(apart), _BETWEEN_PINGS_NS >> _MOMENT))
    of_id = np.where(is_kept, np.ceil(np.log2(ids[0] + 1.0)), np.where(is_near, 0, -_NOT_ROUTED))
    bits[at] = of_id.astype(np.int64) + np.where(is_near, moment, 0).astype(np.int64)
    lead[at] = np.where(is_near, np.sign(apart), 0)
    return bits, lead


def _turns_round(votes: dict[tuple[int, int], _Votes], key: tuple[int, int]) -> bool:
    """Whether the side that sees requests first sees replies last, as on two sides of one router."""
    one, other = key
    back = votes.get((one ^ 1, other ^ 1))
    return back is None or votes[key].lead * back.lead <= 0


def _choose(table: PacketTable, matched: Matched, votes: dict[tuple[int, int], _Votes]) -> list[tuple[int, int]]:
    """The pairs of directions that are believed: enough bits, and no better partner for either.

    A direction may have two partners, where two NATs follow each other or a packet comes back.
    """
    flow_bits: dict[tuple[int, int, int], int] = defaultdict(int)
    for (one, other), vote in votes.items():
        flow_bits[one >> 1, other >> 1, (one ^ other) & 1] += vote.bits
    chosen = []
    for key, vote in votes.items():
        one, other = key
        enough = _ENOUGH if _keeps_an_address(table, matched, one, other) else _ENOUGH_WITH_NEW_ENDS
        if flow_bits[one >> 1, other >> 1, (one ^ other) & 1] < enough or vote.bits <= 0:
            continue
        if _turns_round(votes, key):
            chosen.append(key)
    return chosen


def ends(table: PacketTable, matched: Matched, side: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Address key and port of source and target of a direction."""
    flows, flow = table.flows, int(matched.tuples.first[side >> 1])
    low = int(flows.low[flow]), int(flows.low_port[flow])
    high = int(flows.high[flow]), int(flows.high_port[flow])
    return (high, low) if side & 1 else (low, high)


def _keeps_an_address(table: PacketTable, matched: Matched, one: int, other: int) -> bool:
    (source, target), (far_source, far_target) = ends(table, matched, one), ends(table, matched, other)
    return source[0] == far_source[0] or target[0] == far_target[0]


def _join(packet: Rows, pairs: list[tuple[int, int]]) -> Rows:
    """Packets that are the same under one number, the smallest."""
    root: dict[int, int] = {}

    def find(number: int) -> int:
        while root.get(number, number) != number:
            root[number] = root.get(root[number], root[number])
            number = root[number]
        return number

    for one, other in pairs:
        a, b = sorted((find(one), find(other)))
        root[b] = a
    if not root:
        return packet
    label = np.arange(int(packet.max()) + 1)
    for number in list(root):
        label[number] = find(number)
    return np.where(packet == NONE, NONE, label[np.maximum(packet, 0)])
