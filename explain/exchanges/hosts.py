"""Who takes part: addresses, the MACs that carry them, and the roles that the frames show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from explain.addresses import BROADCAST, IPV6_KEY, NO_MAC, mac_text
from explain.arrays import among, distinct
from explain.model import Host
from explain.places.near import NearTable
from explain.table import FRESH_TTLS, OUTGOING

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.roles import Played
    from explain.table import U8, PacketTable, Rows

_GROUP_BIT = 1 << 40  # of the first octet of a MAC
_BOTH_ENDS = 2
_SOON_NS = 5_000_000_000  # so soon after it, an answer belongs to a question
_KEY_BITS = np.uint64(33)  # of an address key
_KEY = np.uint64((1 << 33) - 1)
_OF_TRACES = range(33)  # hop limits that say nothing: a trace counts them up from 1
_ALL_HOPS = 256
_NEAR = 8  # bits of an IPv4 address in which neighbours differ, with the usual prefix
_FORWARDED = 2  # a MAC that carries so many other networks' addresses is a router


class Hosts(Sequence[Host]):
    """The hosts of a table, made when somebody looks."""

    def __init__(self, table: PacketTable, parts: Sequence[ExchangeColumns]) -> None:
        self._table = table
        self._parts = parts
        self._hosts: list[Host] | None = None
        self._pairs: tuple[U8, U8] | None = None
        self._in_every_frame: dict[int, frozenset[int] | None] = {}
        self._routers: set[int] | None = None
        self._went_on: frozenset[int] | None = None
        self._began: frozenset[int] | None = None
        self._early: frozenset[int] | None = None
        self._elsewhere: dict[tuple[int, int], list[int]] | None = None

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, index: int) -> Host: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Host]: ...
    def __getitem__(self, index: int | slice) -> Host | Sequence[Host]:
        return self._all()[index]

    def _all(self) -> list[Host]:
        if self._hosts is None:
            self._hosts = self._make()
        return self._hosts

    def carried(self) -> tuple[U8, U8]:
        """Distinct pairs (MAC key, address key): the MAC was seen to send from the address."""
        if self._pairs is None:
            self._pairs = _carried(self._table)
        return self._pairs

    def in_every_frame(self, place: int) -> frozenset[int] | None:
        """MAC keys that took part in every frame meant for one host, at a place; None if there was no such frame.

        A capture on a host sees only its own unicast traffic, so the host's MAC is in here.
        """
        if place not in self._in_every_frame:
            table = self._table.whole
            used = table.links_at(place)
            source, target = table.links.source[used], table.links.target[used]
            is_single = (target & np.uint64(_GROUP_BIT) == 0) & (target < NO_MAC)
            pairs = zip(source[is_single].tolist(), target[is_single].tolist(), strict=True)
            common: frozenset[int] | None = None
            for pair in pairs:
                common = frozenset(pair) if common is None else common.intersection(pair)
            self._in_every_frame[place] = common
        return self._in_every_frame[place]

    def is_overheard(self, row: int, tries: int = 1) -> bool:
        """Whether the answer to an ARP request or a neighbour solicitation would not be seen here.

        It goes by unicast to the asker.  Where another host's traffic is recorded, or where one
        host talks to its router and the router is who asks, it does not pass.

        Args:
            row: the first request.
            tries: how often it was sent; who got an answer does not ask again.
        """
        table, link = self._table, self._table.link[row]
        asker, target = int(table.links.source[link]), int(table.links.target[link])
        if target == NO_MAC:  # a cooked capture says itself which frames its host sent
            return not int(table.layers[row]) & OUTGOING
        common = self.in_every_frame(int(table.whole.place[table.whole_row(row)]))
        if common is None:
            return tries == 1
        return asker not in common if len(common) < _BOTH_ENDS else asker in self.routers() or asker not in common

    def went_on(self, row: int) -> bool:
        """Whether who asked last at this row, unanswered here, then sent to whom it had asked for."""
        if self._went_on is None:
            from explain.exchanges.went_on import went_on

            self._went_on = went_on(self._table, self._parts)
        return row in self._went_on

    def began(self, row: int) -> bool:
        """Whether who asked once at this row, unanswered here, then began to send to a MAC that nobody else has."""
        return row in self._all_begun()

    def unheard(self) -> U8:
        """Address keys of those who began so, and thus had an answer, where nothing that came to them was recorded."""
        if not any(part.kind.endswith(".resolution") and len(part.where("unanswered")) for part in self._parts):
            return np.empty(0, np.uint64)
        from explain.exchanges.went_on import unheard

        return unheard(self._table, self._all_begun())

    def _all_begun(self) -> frozenset[int]:
        if self._began is None:
            from explain.exchanges.went_on import began

            self._began = began(self._table, self._parts)
        return self._began

    def had_answer(self, row: int) -> bool:
        """Whether the answer to a question at this row was recorded before it."""
        if self._early is None:
            from explain.exchanges.went_on import early

            self._early = early(self._table, self._parts)
        return row in self._early

    def answered_elsewhere(self, row: int) -> Rows:
        """Where other places recorded an answer to an ARP request at this row, rows of the whole table."""
        if self._elsewhere is None:
            from explain.exchanges.went_on import answers_elsewhere

            self._elsewhere = answers_elsewhere(self._table)
        table, arp = self._table, self._table.arp
        at = int(np.searchsorted(arp.row, row)) if self._elsewhere else len(arp.row)
        if at == len(arp.row) or arp.row[at] != row:
            return np.empty(0, np.int64)
        rows = np.array(self._elsewhere.get((int(arp.target_ip[at]), int(arp.sender_ip[at])), ()), np.int64)
        if len(rows) and isinstance(table, NearTable):
            wait_ns = table.whole_corrected_ns[rows] - table.corrected_ns[row]
            rows = rows[(np.abs(wait_ns) < _SOON_NS) & ~table.shows(rows)]
        return rows

    def routers(self) -> set[int]:
        """MAC keys that send for addresses which are not their own (proved by ARP).

        What has a fresh hop limit and is near an own address is a further one of the same host, which nobody asked for.
        ARP says nothing of IPv6, where hosts have several addresses: only what was forwarded counts.
        """
        if self._routers is None:
            self._routers = self._find_routers(self._table)
        return self._routers

    def _find_routers(self, table: PacketTable) -> set[int]:
        has_ipv6 = (table.flows.high >= IPV6_KEY).any()
        forwarded = _pairs(_carried(table, unlike=(*_OF_TRACES, *FRESH_TTLS)))
        own = set(zip(table.arp.sender_mac.tolist(), table.arp.sender_ip.tolist(), strict=True))
        own |= self._claimed() if has_ipv6 else set()
        with_own, nearby = {mac for mac, _ in own}, {(mac, address >> _NEAR) for mac, address in own}
        foreign: dict[int, int] = {}
        for mac, address in _pairs(_carried(table)) - own:
            is_further = address >= IPV6_KEY or (mac, address >> _NEAR) in nearby
            if mac >= NO_MAC or is_link_local(table, address) or (is_further and (mac, address) not in forwarded):
                continue
            foreign[mac] = foreign.get(mac, 0) + (_FORWARDED if mac in with_own else 1)
        return {mac for mac, count in foreign.items() if count >= _FORWARDED}

    def _claimed(self) -> set[tuple[int, int]]:
        """Pairs (MAC key, address key) by neighbour discovery, which does for IPv6 what ARP does for IPv4."""
        said: set[tuple[str, str]] = set()
        for part in self._parts:
            if part.kind == "ndp.resolution":
                for fields in map(part.fields, range(len(part))):
                    said.add((fields.asker_mac, fields.asker_ip))
                    said |= {(mac, fields.wanted_ip) for mac in fields.answered_macs}
        macs, addresses = self.carried()
        is_it = (macs < NO_MAC) & (addresses >= IPV6_KEY)
        text = self._table.addresses.text
        pairs = zip(macs[is_it].tolist(), addresses[is_it].tolist(), strict=True)
        return {pair for pair in pairs if (mac_text(pair[0]), text(pair[1])) in said}

    def _make(self) -> list[Host]:
        from explain.exchanges import roles

        table = self._table
        routers, whole = self.routers(), table.whole
        # Each place shows who forwards on its own link.
        everywhere = routers if whole is table else routers | self._find_routers(whole)
        own: dict[int, dict[int, None]] = {}
        for mac, address in zip(table.arp.sender_mac.tolist(), table.arp.sender_ip.tolist(), strict=True):
            if address:
                own.setdefault(mac, {})[address] = None
        sent_by: dict[int, dict[int, None]] = {}
        macs, addresses = self.carried()
        brought, aged = _brought(table) if routers else frozenset(), _aged(table)
        for mac, address in zip(macs.tolist(), addresses.tolist(), strict=True):
            if not address or (address >= IPV6_KEY and not any(table.addresses.octets(address))):
                continue  # the address that means none
            is_own = mac not in routers or (address >= IPV6_KEY and (mac, address) not in brought)
            is_own &= (mac, address) not in aged
            if mac < NO_MAC and is_own:
                own.setdefault(mac, {})[address] = None
            else:
                sent_by.setdefault(address, {})[mac] = None
        claimed = {address for held in own.values() for address in held}
        text = table.addresses.text
        people = [
            (mac_text(mac) if mac < BROADCAST else "", list(map(text, held)), mac in everywhere)
            for mac, held in own.items()
        ]
        people += [("", [text(address)], False) for address in sent_by if address not in claimed]
        return _known(people, roles.played(self._parts))


def _brought(table: PacketTable) -> frozenset[tuple[int, int]]:
    """Pairs (MAC key, address key) of IPv6 packets that had been forwarded."""
    pairs = _pairs(_carried(table, unlike=FRESH_TTLS))
    return frozenset(pair for pair in pairs if not is_link_local(table, pair[1]))


def _aged(table: PacketTable) -> set[tuple[int, int]]:
    """Pairs (MAC key, address key) of which every packet had been forwarded: the MAC is that of who did so."""
    others = [hops for hops in range(_ALL_HOPS) if hops not in FRESH_TTLS]
    forwarded = _pairs(_carried(table, unlike=(*_OF_TRACES, *FRESH_TTLS)))
    return forwarded - _pairs(_carried(table, unlike=others)) if forwarded else forwarded


def _pairs(columns: tuple[U8, U8]) -> set[tuple[int, int]]:
    return set(zip(*(one.tolist() for one in columns), strict=True))


def _carried(table: PacketTable, unlike: Sequence[int] = ()) -> tuple[U8, U8]:
    """One look per flow and direction is enough: who sent its first frame, with which MAC.

    Args:
        table: the frames.
        unlike: hop limits with which packets are passed over.
    """
    first = table.first_of_side[:-2]
    is_seen, senders = first >= 0, np.stack((table.flows.low, table.flows.high), axis=1).ravel()
    if unlike:
        is_seen &= ~among(table.ttl[first], unlike)
    senders = senders[is_seen]
    pairs = distinct(table.link[first[is_seen]].astype(np.uint64) << _KEY_BITS | senders)
    macs, addresses = table.links.source[pairs >> _KEY_BITS], pairs & _KEY
    order = np.lexsort((addresses, macs))
    macs, addresses = macs[order], addresses[order]
    is_wanted = (macs & np.uint64(_GROUP_BIT) == 0) | (macs >= NO_MAC)
    is_wanted[1:] &= (macs[1:] != macs[:-1]) | (addresses[1:] != addresses[:-1])
    return macs[is_wanted], addresses[is_wanted]


def is_link_local(table: PacketTable, address: int) -> bool:
    """Whether an address key is fe80::/10 (RFC 4291, 2.5.6), or the address that means none."""
    if address < IPV6_KEY:
        return not address
    octets = table.addresses.octets(address)
    return (octets[0] == 0xFE and octets[1] >> 6 == 2) or not any(octets)


def _known(people: list[tuple[str, list[str], bool]], shown: Played) -> list[Host]:
    """Hosts by MAC, own addresses and whether they forward, joined with what the exchanges show of them."""
    at = {mac: number for number, (mac, _, _) in enumerate(people) if mac}
    for mac, leased in shown.clients.items():  # who asks for an address sends from none
        if mac not in at:
            people.append((mac, [], False))
        own = people[at.setdefault(mac, len(people) - 1)][1]
        own += [address for address in leased if address not in own]
    hosts = []
    for number, (mac, addresses, forwards) in enumerate(people, 1):
        roles = {"router"} if forwards else set()
        roles |= {role for address in addresses for role in shown.roles.get(address, ())}
        roles |= {"client"} if mac in shown.clients else set()
        names = dict.fromkeys(name for address in addresses for name in shown.names.get(address, ()))
        order = sorted(roles, key=lambda role: (role != "router", role))
        hosts.append(Host(f"h{number}", tuple(addresses), (mac,) if mac else (), tuple(names), tuple(order)))
    return hosts
