"""Recordings of several places in one list: both sides of a router merged, or every frame twice.

A file need not say that its frames come from different places: mergecap and some taps write them
as one.  Two groups of stations that never speak to each other's MACs, and between which the same
packets pass with a lower TTL, are two links with a router between them.  Frames that nearly all
come twice at once were recorded twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.arrays import distinct
from explain.flows import Place
from explain.places.equal import group
from explain.places.matching import invariants
from explain.record import NamedTuple
from explain.table import IP, NO_FLOW, PARTIAL_CHECKSUM, REVERSED, UDP, VLAN

if TYPE_CHECKING:
    from explain.table import I8, U8, Bools, PacketTable, Rows

_SAMPLE = 4096  # frames that are looked at before anything is done
_AT_ONCE_NS = 1_000_000  # the same frame recorded twice; nothing is sent again so soon
_SAME_ID_NS = 150_000_000  # who sends again gives a new identification, and waits 200 ms or more (RFC 6298, 2.4)
_FEWEST = 3  # packets
_SHARED = 0.25  # of a link's packets, for two links to be two sides of a router
_DOUBLED = 0.8  # of the frames
_MOST_COPIES = 4
_GROUP_BIT = np.uint64(1 << 40)
_VLAN_ID, _VLAN_BITS = 0xFFF, 13


def unravel(table: PacketTable) -> None:
    """Give each place that is several a place for each; a table where none is stays as it is."""
    for place in range(len(table.places)):
        if table.places[place].device is None and not table.places[place].is_echo:
            _unravel(table, place)


def _unravel(table: PacketTable, place: int) -> None:
    is_here = table.place[: len(table)] == place
    sample = np.flatnonzero(is_here[: 2 * _SAMPLE])[:_SAMPLE]
    if len(sample) < _SAMPLE:
        sample = np.flatnonzero(is_here)[:_SAMPLE]
    if not len(sample):
        return
    links = _links(table, sample)
    told = sample[_is_unicast(table, sample)]
    has_doubles = _has_doubles(table, told)
    has_sides = _has_sides(table, told, links)
    if not (has_sides or has_doubles):
        turning = _turning(table, told) if len(table.places) == 1 else None
        if turning:  # where other places saw it too, they show what became of what
            rows = np.flatnonzero(is_here)
            _split(table, place, rows, _behind(table, rows, *turning))
        return
    rows = np.flatnonzero(is_here)
    if len(rows) > len(sample):  # later frames may join the links
        links = _links(table, rows)
        has_sides = has_sides and _has_sides(table, told, links)
    label = links.of(table, rows) * _MOST_COPIES if has_sides else np.zeros(len(rows), np.int64)
    if has_doubles:
        label += _occurrence(table, rows)
    _split(table, place, rows, label)


def _is_unicast(table: PacketTable, rows: Rows) -> Bools:
    target = table.links.target[table.link[rows]]
    is_single: Bools = (target & _GROUP_BIT == 0) & (target < NO_MAC) & (table.layers[rows] & IP != 0)
    return is_single


class _Links(NamedTuple):
    """Groups of stations that speak with one another; on a trunk, each VLAN keeps its own.

    Attributes:
        keys: pairs of MACs with their VLAN, sorted.
        numbers: the group of each, from 0; 0 too where nothing says.
    """

    keys: I8
    numbers: I8

    def of(self, table: PacketTable, rows: Rows) -> Rows:
        """The group of each row."""
        found: Rows = np.append(self.numbers, 0)[np.searchsorted(self.keys, _with_vlan(table, rows))]
        return found


def _with_vlan(table: PacketTable, rows: Rows) -> I8:
    """The pair of MACs and the VLAN of each row as one number."""
    vlan = np.where(table.layers[rows] & VLAN != 0, (table.vlan[rows] & _VLAN_ID) + 1, 0)
    return table.link[rows].astype(np.int64) << _VLAN_BITS | vlan


def _links(table: PacketTable, rows: Rows) -> _Links:
    keys = distinct(_with_vlan(table, rows))
    keys = keys[keys >> _VLAN_BITS < len(table.links.source)]
    link, vlan = keys >> _VLAN_BITS, keys & (1 << _VLAN_BITS) - 1
    source, target = table.links.source[link], table.links.target[link]
    is_single = (target & _GROUP_BIT == 0) & (target < NO_MAC) & (source < NO_MAC)
    root: dict[tuple[int, int], tuple[int, int]] = {}

    def find(mac: tuple[int, int]) -> tuple[int, int]:
        while root.setdefault(mac, mac) != mac:
            root[mac] = mac = root[root[mac]]  # the next time the way is half as long
        return mac

    senders = list(zip(source.tolist(), vlan.tolist(), strict=True))
    for one, other, tag, is_told in zip(*(some.tolist() for some in (source, target, vlan, is_single)), strict=True):
        if is_told:
            root[find((other, tag))] = find((one, tag))
    groups: dict[tuple[int, int], int] = {}
    numbers = [groups.setdefault(find(one), len(groups)) if one in root else 0 for one in senders]
    return _Links(keys, np.array(numbers, np.int64))


def _has_sides(table: PacketTable, rows: Rows, links: _Links) -> bool:
    """Whether the same packets are seen on two links, with another TTL on each."""
    if len(rows) < _FEWEST or not links.numbers.any():
        return False
    order, bucket = group(invariants(table, rows))
    rows = rows[order]
    number, ttl = links.of(table, rows), table.ttl[rows]
    crossing = np.flatnonzero(
        (bucket[1:] == bucket[:-1]) & (number[1:] != number[:-1]) & (ttl[1:] != ttl[:-1])
        & (np.abs(table.time_ns[rows[1:]] - table.time_ns[rows[:-1]]) < _AT_ONCE_NS * 1000)
    )  # fmt: skip
    fewest = min(np.bincount(number)[distinct(number)])
    return len(crossing) >= max(_FEWEST, int(_SHARED * fewest))


def _turning(table: PacketTable, rows: Rows) -> tuple[int, U8] | None:
    """Who sends packets back, with other ends, to the link on which they came: his MAC, and those whom they reach."""
    if len(rows) < 2 * _FEWEST:
        return None
    order, bucket = group(invariants(table, rows))
    rows = rows[order]
    before, after, ttl = rows[:-1], rows[1:], table.ttl[rows].astype(np.int64)
    came_to, left_from = table.links.target[table.link[before]], table.links.source[table.link[after]]
    is_turned = (
        (bucket[1:] == bucket[:-1]) & (came_to == left_from)
        & (table.sources(before) != table.sources(after)) & (table.targets(before) != table.targets(after))
        & (ttl[:-1] == ttl[1:] + 1)
        & (np.abs(table.time_ns[after] - table.time_ns[before]) < _AT_ONCE_NS * 1000)
    )  # fmt: skip
    macs, counts = np.unique(came_to[is_turned], return_counts=True)
    if not len(macs) or counts.max() < _FEWEST:
        return None
    mac = macs[np.argmax(counts)]
    some = np.flatnonzero(is_turned & (came_to == mac))
    some = some[np.argsort(before[some])]
    askers, first_asked = np.unique(table.links.source[table.link[before[some]]], return_index=True)
    reached, first_reached = np.unique(table.links.target[table.link[after[some]]], return_index=True)
    began = dict(zip(askers.tolist(), first_asked.tolist(), strict=True))
    is_server = [
        began.get(one, len(some)) > at for one, at in zip(reached.tolist(), first_reached.tolist(), strict=True)
    ]
    return int(mac), reached[is_server].astype(np.uint64)


def _behind(table: PacketTable, rows: Rows, turning: int, reached: U8) -> Rows:
    """1 for each row between who turns packets round and those whom they reach, his who-has too; 0 for the rest."""
    source, target = table.links.source[table.link[rows]], table.links.target[table.link[rows]]
    partner = np.where(source == turning, target, source)
    arp = table.arp
    owners = dict(zip(arp.sender_ip.tolist(), arp.sender_mac.tolist(), strict=True))
    own = np.flatnonzero(np.isin(arp.row, rows) & (arp.sender_mac == turning))
    wanted = [owners.get(address, 0) for address in arp.target_ip[own].tolist()]
    partner[np.searchsorted(rows, arp.row[own])] = np.array(wanted, np.uint64)
    return np.isin(partner, reached).astype(np.int64)


def _identical(table: PacketTable, rows: Rows) -> tuple[Rows, Rows]:
    """Rows of IP so that frames which are the same octet for octet, as far as is known, stand together; their group."""
    side = table.flow[rows].astype(np.uint64) << np.uint64(1) | (table.layers[rows] & REVERSED != 0)
    frame = table.link[rows].astype(np.uint64) << np.uint64(8) | table.ttl[rows]
    order, bucket = group([*invariants(table, rows), side, frame])
    return rows[order], bucket


def _has_doubles(table: PacketTable, rows: Rows) -> bool:
    """Whether nearly all frames come several times at once, in both directions."""
    rows = _distinct_by_nature(table, rows)
    if len(rows) < 2 * _FEWEST:
        return False
    ordered, bucket = _identical(table, rows)
    is_again = (bucket[1:] == bucket[:-1]) & _is_at_once(table, ordered)
    is_double = np.zeros(len(ordered), np.bool_)
    is_double[1:] |= is_again
    is_double[:-1] |= is_again
    is_back = table.layers[ordered] & REVERSED != 0
    return all(
        np.count_nonzero(is_double & way) >= max(_FEWEST, _DOUBLED * np.count_nonzero(way))
        for way in (is_back, ~is_back)
    )


def _distinct_by_nature(table: PacketTable, rows: Rows) -> Rows:
    """Without datagrams that neither an identification nor a whole checksum tells from the next of the same size."""
    layers = table.layers[rows]
    is_bare = (layers & UDP != 0) & (table.ip_id[rows] == 0)
    if not (layers[is_bare] & PARTIAL_CHECKSUM).any():  # where one is partial, none is compared
        is_bare &= table.checksum[rows] == 0
    told: Rows = rows[~is_bare]
    return told


def _is_at_once(table: PacketTable, ordered: Rows) -> Bools:
    """Of frames that are the same as the one before them, which came too soon to have been sent again."""
    has_id = table.ip_id[ordered[1:]] != 0
    soon: Bools = np.diff(table.time_ns[ordered]) <= np.where(has_id, _SAME_ID_NS, _AT_ONCE_NS)
    return soon


def _occurrence(table: PacketTable, rows: Rows) -> Rows:
    """How many frames at once were the same before each, at most one less than the copies that are told apart."""
    found = np.zeros(len(rows), np.int64)
    at_ip = np.flatnonzero(table.layers[rows] & IP != 0)
    ordered, bucket = _identical(table, rows[at_ip])
    found[np.searchsorted(rows, ordered)] = _in_run(table, ordered, bucket)
    arp = table.arp
    own = np.flatnonzero(np.isin(arp.row, rows))
    if len(own):
        ends = arp.sender_ip[own] << np.uint64(32) | arp.target_ip[own]
        kind = table.link[arp.row[own]].astype(np.uint64) << np.uint64(16) | arp.operation[own]
        order, bucket = group([arp.sender_mac[own], ends, kind])
        ordered = arp.row[own][order]
        found[np.searchsorted(rows, ordered)] = _in_run(table, ordered, bucket)
    return found


def _in_run(table: PacketTable, ordered: Rows, bucket: Rows) -> Rows:
    is_new = np.ones(len(ordered), np.bool_)
    is_new[1:] = (bucket[1:] != bucket[:-1]) | ~_is_at_once(table, ordered)
    at = np.arange(len(ordered))
    run: Rows = np.minimum(at - np.maximum.accumulate(np.where(is_new, at, 0)), _MOST_COPIES - 1)
    return run


def _split(table: PacketTable, place: int, rows: Rows, label: Rows) -> None:
    """Write the places into the table, and a flow for each of its places."""
    labels, number = np.unique(label, return_inverse=True)
    if len(labels) < 2:
        return
    home = table.places[place]
    first = len(table.places)
    named = [
        Place(home.capture, home.interface, f"{home.name or ''}#{part}", part=part, file=home.file)
        for part in range(1, len(labels) + 1)
    ]
    table.places[place] = named[0]
    table.places.extend(named[1:])
    new_place = np.where(number == 0, place, first + number - 1)
    table.place[rows] = new_place
    flow = table.flow[rows]
    with_flow = np.flatnonzero((flow != NO_FLOW) & (number > 0))
    if not len(with_flow):
        return
    key = flow[with_flow].astype(np.int64) * len(table.places) + new_place[with_flow]
    known, index = np.unique(key, return_inverse=True)
    old, there = known // len(table.places), known % len(table.places)
    flows, count = table.flows, len(table.flows.low)
    table.flow[rows[with_flow]] = count + index
    table.flows = replace(
        flows, low=np.append(flows.low, flows.low[old]), high=np.append(flows.high, flows.high[old]),
        low_port=np.append(flows.low_port, flows.low_port[old]),
        high_port=np.append(flows.high_port, flows.high_port[old]),
        protocol=np.append(flows.protocol, flows.protocol[old]),
        place=np.append(flows.place, there.astype(flows.place.dtype)),
    )  # fmt: skip
