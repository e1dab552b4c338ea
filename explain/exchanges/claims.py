"""Who claims which address of a link by ARP, and which addresses several claim."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.segment import are_forwarded
from explain.record import NamedTuple, dataclass
from explain.table import IP

if TYPE_CHECKING:
    from explain.table import U2, U8, Bools, PacketTable

_REQUEST, _REPLY = 1, 2
_ASKED_NS = 1_500_000_000  # an answer comes at once or not at all
_MOST_CONTESTS = 64
INSISTS = 3
"""Answers to one host that had not asked, by which somebody presses an address upon it."""


@dataclass(slots=True)
class Contest:
    """An address that several MACs claim at one place.

    Attributes:
        rows: ARP frames that claim it, by MAC, in order.
        unasked: replies to one host that it had not asked for, by MAC.
        is_disputed: a MAC went on with it after another one had claimed it, or one presses it upon a host that does not
            ask; else the address moved.
    """

    place: int
    address: int
    rows: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    unasked: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    is_disputed: bool = False


class ClaimedAddresses(NamedTuple):
    """Addresses that somebody claims by ARP at a place, each once: the lowest MAC, and whether there are more."""

    place: U2
    address: U8
    mac: U8
    is_contested: Bools


def claims(table: PacketTable) -> ClaimedAddresses:
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
    return ClaimedAddresses(place[first], address[first], mac[first], is_contested)


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
        insists = max(contest.unasked.values(), default=0) >= INSISTS
        contest.is_disputed = insists or _returns(turns[key]) or talks_on(table, contest)
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


def talks_on(table: PacketTable, contest: Contest) -> bool:
    """Whether two are there at once: the first still sends IP from the address after the second one claimed it, the
    second did before it was silent, or the second only hands on what comes from there.
    """
    flows = (table.flows.low == contest.address) | (table.flows.high == contest.address)
    with_ip = np.flatnonzero(table.layers[: len(table)] & IP)
    rows = with_ip[flows[table.flow[with_ip]] & (table.place[with_ip] == contest.place)]
    rows = rows[table.sources(rows) == contest.address]
    senders = table.links.source[table.link[rows]]
    turns = sorted(contest.rows.items(), key=lambda claimed: claimed[1][0])
    for (old, before), (new, after) in pairwise(turns):
        of_old, of_new = rows[senders == old], rows[senders == new]
        last = max(before[-1], *of_old[-1:].tolist(), -1)
        if last > after[0] or (of_new < last).any() or are_forwarded(table.ttl[of_new]).any():
            return True
    return False
