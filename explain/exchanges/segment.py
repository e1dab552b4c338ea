"""What the frames of one link show beyond single exchanges: who claims an address, who forwards, who overhears.

Each function looks at all frames at once and at single ones only where something is odd, so that
a large capture without oddities costs a few passes over small tables.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explain.addresses import BROADCAST, NO_MAC
from explain.arrays import among
from explain.record import dataclass
from explain.table import ETHERNET, IP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import I8, U2, U4, U8, Bools, PacketTable, Rows

_GROUP_BIT = 1 << 40
_REQUEST, _REPLY = 1, 2
_ASKED_NS = 1_500_000_000  # an answer comes at once or not at all
_MOST_CONTESTS = 64
_INITIAL_TTLS = (30, 32, 60, 64, 100, 128, 255)
_MOST_HOPS = 31
_IS_FORWARDED = np.zeros(256, np.bool_)  # by TTL
for _start in (64, 128, 255):
    _IS_FORWARDED[_start - _MOST_HOPS : _start] = True
_IS_FORWARDED[list(_INITIAL_TTLS)] = False


@dataclass(slots=True)
class Contest:
    """An address that several MACs claim at one place.

    Attributes:
        rows: ARP frames that claim it, by MAC, in order.
        unasked: replies to one host that it had not asked for, by MAC.
        is_disputed: a MAC went on with it after another one had claimed it; else the address moved.
    """

    place: int
    address: int
    rows: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    unasked: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    is_disputed: bool = False


class Carrier(NamedTuple):
    """A MAC that was seen to send from an address, and the TTL that it sent with."""

    place: int
    mac: int
    address: int
    ttl: int
    row: int


class Claims(NamedTuple):
    """Addresses that somebody claims by ARP at a place, each once: the lowest MAC, and whether there are more."""

    place: U2
    address: U8
    mac: U8
    is_contested: Bools


def claims(table: PacketTable) -> Claims:
    """Who claims which address at which place."""
    arp = table.arp
    at = np.flatnonzero((arp.sender_ip > 0) & (arp.sender_mac > 0))
    place, address, mac = table.place[arp.row[at]], arp.sender_ip[at], arp.sender_mac[at]
    order = np.lexsort((mac, address, place))
    place, address, mac = place[order], address[order], mac[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (place[1:] != place[:-1]) | (address[1:] != address[:-1])
    is_another = np.zeros(len(order), np.bool_)
    is_another[1:] = ~is_first[1:] & (mac[1:] != mac[:-1])
    first = np.flatnonzero(is_first)
    is_contested = np.logical_or.reduceat(is_another, first) if len(first) else is_another
    return Claims(place[first], address[first], mac[first], is_contested)


def contests(table: PacketTable) -> list[Contest]:
    """Addresses that more than one MAC claimed by ARP, at each place by itself."""
    arp, claimed = table.arp, claims(table)
    several = np.flatnonzero(claimed.is_contested)[:_MOST_CONTESTS]
    wanted = set(zip(claimed.place[several].tolist(), claimed.address[several].tolist(), strict=True))
    if not wanted:
        return []
    places = table.place[arp.row]
    found = {key: Contest(*key) for key in wanted}
    turns: dict[tuple[int, int], list[int]] = defaultdict(list)
    asked: dict[tuple[int, int, int], _Asked] = {}
    columns = (arp.row, places, table.time_ns[arp.row], arp.operation, arp.sender_mac, arp.sender_ip, arp.target_ip)
    for row, place, time_ns, operation, mac, address, target in zip(*(one.tolist() for one in columns), strict=True):
        if operation == _REQUEST and target != address:
            _note_question(asked, (place, address, target), time_ns)
        contest = found.get((place, address))
        if contest is None:
            continue
        contest.rows[mac].append(row)
        turns[place, address].append(mac)
        if operation == _REPLY and target != address:
            contest.unasked[mac] += _is_unasked(asked.get((place, target, address)), mac, time_ns)
    for key, contest in found.items():
        contest.is_disputed = _returns(turns[key]) or _talks_on(table, contest)
    return sorted(found.values(), key=lambda one: min(rows[0] for rows in one.rows.values()))


@dataclass(slots=True)
class _Asked:
    """How often somebody asked for an address lately, and how often each MAC answered."""

    last_ns: int
    times: int = 0
    answers: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def _note_question(asked: dict[tuple[int, int, int], _Asked], key: tuple[int, int, int], time_ns: int) -> None:
    known = asked.get(key)
    if known is None or time_ns - known.last_ns > _ASKED_NS:
        known = asked[key] = _Asked(time_ns)
    known.last_ns = time_ns
    known.times += 1


def _is_unasked(asked: _Asked | None, mac: int, time_ns: int) -> bool:
    """Whether this is one answer more than there were questions."""
    if asked is None or time_ns - asked.last_ns > _ASKED_NS:
        return True
    asked.answers[mac] += 1
    return asked.answers[mac] > asked.times


def _returns(macs: list[int]) -> bool:
    """Whether a MAC claims the address again after another one did."""
    turns = [mac for number, mac in enumerate(macs) if number == 0 or macs[number - 1] != mac]
    return len(turns) > len(set(turns))


def _talks_on(table: PacketTable, contest: Contest) -> bool:
    """Whether a MAC still sends IP from the address after another one claimed it."""
    flows = (table.flows.low == contest.address) | (table.flows.high == contest.address)
    with_ip = np.flatnonzero(table.layers[: len(table)] & IP)
    rows = with_ip[flows[table.flow[with_ip]] & (table.place[with_ip] == contest.place)]
    rows = rows[table.sources(rows) == contest.address]
    senders = table.links.source[table.link[rows]]
    for mac in contest.rows:
        others = [rows_of[0] for other, rows_of in contest.rows.items() if other != mac]
        if (rows[senders == mac] > min(others)).any():
            return True
    return False


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


def is_forwarded(ttl: int) -> bool:
    """Whether a TTL shows that routers have taken from it: no system begins with it, and it is not far from one."""
    return bool(_IS_FORWARDED[ttl])


def to_itself(table: PacketTable) -> Rows:
    """Frames with IP whose sender put its own MAC as the receiver (an interface without ARP does so)."""
    links = table.links
    is_odd = (links.source == links.target) & (links.source > 0) & (links.source < NO_MAC)
    if not is_odd.any():
        return np.empty(0, np.int64)
    rows = np.flatnonzero(is_odd[table.link[: len(table)]])
    found: Rows = rows[table.layers[rows] & IP != 0]
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
    is_several[sides[table.link[: len(table)] != usual[sides]]] = True
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


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who is spoken to at one place.

    Attributes:
        to_all, to_groups: frames for everybody, and for groups.
        overheard: for pairs (from, to) of MACs, frames between others than the host that recorded.
    """

    place: int
    frames: int
    to_all: Rows
    to_groups: Rows
    overheard: dict[tuple[int, int], Rows]


def traffic(table: PacketTable, common: dict[int, frozenset[int] | None]) -> list[Traffic]:
    """Broadcasts, groups and overheard frames, place by place.

    Args:
        table: all frames.
        common: for each place, the MACs that took part in every frame meant for one host.
    """
    targets = table.links.target
    is_all = targets == BROADCAST
    is_group = (targets & np.uint64(_GROUP_BIT) != 0) & ~is_all & (targets < NO_MAC)
    found = []
    for place, macs in common.items():
        rows = np.flatnonzero((table.place[: len(table)] == place) & (table.layers[: len(table)] & ETHERNET != 0))
        link = table.link[rows]
        overheard = _overheard(table, rows) if macs is not None and not macs else {}
        found.append(Traffic(place, len(rows), rows[is_all[link]], rows[is_group[link]], overheard))
    return found


def _overheard(table: PacketTable, rows: Rows) -> dict[tuple[int, int], Rows]:
    """Frames between others, if one host took part in nearly all the rest: that is who recorded."""
    links = table.links
    link = table.link[rows]
    single = (links.target[link] & np.uint64(_GROUP_BIT) == 0) & (links.target[link] < NO_MAC)
    rows, link = rows[single], link[single]
    own = _recorder(links.source[link], links.target[link])
    if own is None:
        return {}
    foreign = (links.source[link] != own) & (links.target[link] != own)
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, one in zip(rows[foreign].tolist(), link[foreign].tolist(), strict=True):
        pairs[int(links.source[one]), int(links.target[one])].append(row)
    return {pair: np.array(found, np.int64) for pair, found in pairs.items()}


def _recorder(source: U8, target: U8) -> int | None:
    """The MAC that takes part in more than half of the frames, both ways; None if there is none."""
    macs, counts = np.unique(np.concatenate((source, target)), return_counts=True)
    if not len(macs):
        return None
    busiest = int(macs[np.argmax(counts)])
    speaks, listens = _share(source == busiest), _share(target == busiest)
    return busiest if int(counts.max()) * 2 > len(source) and speaks and listens else None


def _share(which: Bools) -> bool:
    return bool(which.any())


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
