"""A reset instead of a connection that a router wrote, and not the host that was asked."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import NO_MAC
from explain.arrays import among, ragged
from explain.causes.from_capture.scene import Seen
from explain.exchanges.tcp.course import NEVER
from explain.places.near import copies_of, whole_of
from explain.table import FRESH_TTLS, ICMP, ICMPV6, IP, RST, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Scene
    from explain.exchanges.columns import ExchangeColumns
    from explain.table import PacketTable, Rows

_ADVERTISEMENT = 136
_MOST_LOOKED_AT = 200  # connections
_OTHERS = ("rst-by-middlebox", "filter-on-target-input", "dnat-to-wrong-port")
_ITS_OWN = ("tcp-no-listener", "dnat-missing", "tcp-bound-to-loopback")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each router and service: who forwards for others sent a reset that nobody had sent to it.

    A packet that crossed a router has lost at least one of its TTL.  A RST that comes from a router's MAC with the
    whole TTL was written by that router, whatever source address it bears.
    """
    part = scene.part("tcp.connection")
    refused = scene.open(part, "refused")
    if not refused or not scene.hosts.routers():
        return
    routers = _Routers(whole_of(scene.table))
    births: dict[tuple[int, ...], int | None] = {}
    groups: dict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
    for index, (row, *alike) in zip(refused, _resets(scene, part, refused), strict=True):
        key = tuple(alike)
        if key not in births:
            births[key] = routers.written(_birth(scene, row))
        born = births[key]
        if born is not None:
            groups[routers.mac(born), key[0], key[1]].append((index, born))
    for key, some in groups.items():
        yield _finding(scene, part, routers, key, some)


def _resets(scene: Scene, part: ExchangeColumns, refused: list[int]) -> Iterator[tuple[int, ...]]:
    """The refusal of each connection: its row, and what makes it like others: who, port, place, link, TTL."""
    table = scene.table
    some = np.asarray(refused, np.int64)
    sizes = part.bounds[some + 1] - part.bounds[some]
    frames = ragged(part.frames, part.bounds[some], sizes)
    at = np.flatnonzero((table.layers[frames] & TCP != 0) & (table.flags[frames] & RST != 0))
    rows = frames[at[np.searchsorted(at, np.cumsum(sizes) - sizes)]]
    columns = (
        rows, table.sources(rows), table.source_ports(rows), table.place[rows], table.link[rows], table.ttl[rows],
    )  # fmt: skip
    return zip(*(column.tolist() for column in columns), strict=True)


def _finding(
    scene: Scene, part: ExchangeColumns, routers: _Routers, key: tuple[int, int, int], some: list[tuple[int, int]]
) -> Seen:
    mac, server, port = key
    text = scene.table.addresses.text
    is_elsewhere = routers.is_elsewhere(server, some[0][1])
    rows = np.concatenate([part.rows(index) for index, _ in some])
    values = {
        "case": "reset", "from": text(routers.address(mac)), "dst": text(server), "port": port, "count": len(some),
        "ttl": int(routers.table.ttl[some[0][1]]),
    }  # fmt: skip
    rivals = _OTHERS if is_elsewhere else _ITS_OWN + _OTHERS
    members = [(part, index) for index, _ in some]
    return Seen(
        "filter-on-router-forward", "likely" if is_elsewhere else "possible", members, rows.tolist(), rivals, values
    )


def _birth(scene: Scene, row: int) -> int:
    """A packet where it was nearest to who wrote it, a row of the whole table."""
    if scene.table.whole is scene.table:
        return row
    copies = copies_of(scene.table, np.array([row]))
    return int(copies[np.argmax(whole_of(scene.table).ttl[copies])])


def passed_on(scene: Scene, part: ExchangeColumns, refused: list[int]) -> dict[str, Any]:
    """Who really refused connections to one service, where another place shows that their target was rewritten.

    Nothing is said where nobody was seen to do it, or where the one that was asked refused itself.
    """
    if scene.table.whole is scene.table:
        return {}
    asked, sent = _first_answers(part, refused[:_MOST_LOOKED_AT]), part.outcomes.index("refused")
    real = {_end(whole_of(scene.table), _birth(scene, row)) for row in asked}
    service = part.facts["moments"].ends(refused[0])[1]
    if not real or service in real:
        return {}
    others = np.flatnonzero((part.outcome != sent) & (part.facts["course"].syn_ack != NEVER))[:_MOST_LOOKED_AT]
    alike = [index for index in others.tolist() if part.facts["moments"].ends(index)[1] == service]
    taking = {_end(whole_of(scene.table), _birth(scene, row)) for row in _first_answers(part, alike)} - real
    text = scene.table.addresses.text
    shown, willing = ([text(address) for address, _ in sorted(ends)] for ends in (real, taking))
    values = {"case": "passed-on-some" if willing else "passed-on", "real": shown, "real_port": min(real)[1]}
    return values | ({"others": willing} if willing else {})


def who_answered(scene: Scene, part: ExchangeColumns, indices: list[int]) -> tuple[int, int] | None:
    """Address key and port of who wrote the first answer of connections, as the place nearest to that one shows it."""
    return next((_end(whole_of(scene.table), _birth(scene, row)) for row in _first_answers(part, indices)), None)


def _first_answers(part: ExchangeColumns, indices: list[int]) -> list[int]:
    """Of each connection the first segment of the server."""
    found = []
    for index in indices:
        talk = part.facts["moments"].talk(index)
        found += talk.rows[np.flatnonzero(talk.role == 1)[:1]].tolist()
    return found


def _end(table: PacketTable, row: int) -> tuple[int, int]:
    """Address key and port of who sent a packet."""
    return table.ends(row)[0], table.ports(row)[0]


class _Routers:
    """Who speaks for others, and what else came from there."""

    def __init__(self, table: PacketTable) -> None:
        self.table = table
        self._passed: dict[tuple[int, int], Rows] = {}
        self._own: dict[int, list[int]] = defaultdict(list)
        for mac, address in zip(table.arp.sender_mac.tolist(), table.arp.sender_ip.tolist(), strict=True):
            if address and address not in self._own[mac]:
                self._own[mac].append(address)
        for at in np.flatnonzero((table.icmp.type == _ADVERTISEMENT) & table.icmp.is_v6).tolist():
            mac, address = self.mac(int(table.icmp.row[at])), int(table.icmp.target[at])
            if address not in self._own[mac]:
                self._own[mac].append(address)

    def mac(self, row: int) -> int:
        """Who put a frame on the link."""
        return int(self.table.links.source[self.table.link[row]])

    def address(self, mac: int) -> int:
        """The first address that a MAC claimed."""
        return self._own[mac][0]

    def written(self, row: int) -> int | None:
        """The frame, if its sender wrote the packet in it, although the source is another's address."""
        table, mac, place = self.table, self.mac(row), int(self.table.place[row])
        server, _ = table.ends(row)
        if int(table.ttl[row]) not in FRESH_TTLS or mac >= NO_MAC or server in self._own.get(mac, (server,)):
            return None
        # Where what is forwarded keeps its TTL, a whole one says nothing; who answers from there lives there.
        passed = self._from(mac, place)
        passed = passed[among(table.ttl[passed], FRESH_TTLS)]
        is_icmp = table.layers[passed] & (ICMP | ICMPV6) != 0
        return None if (~is_icmp | (table.sources(passed) == server)).any() else row

    def is_elsewhere(self, address: int, row: int) -> bool:
        """Whether the host with this address was seen, and is not the router."""
        table, mac = self.table, self.mac(row)
        if any(address in own for other, own in self._own.items() if other != mac):
            return True
        passed = self._from(mac, int(table.place[row]))
        return bool((table.sources(passed) == np.uint64(address)).any())

    def _from(self, mac: int, place: int) -> Rows:
        """Packets that a router put on the link for others, refusals left out."""
        if (mac, place) not in self._passed:
            table = self.table
            is_own_link = np.append(table.links.source == np.uint64(mac), False)
            layers = table.layers[: len(table)]
            rows = table.rows_on(is_own_link)
            rows = rows[table.place[rows] == place]
            is_refusal = (layers[rows] & TCP != 0) & (table.flags[rows] & RST != 0)
            rows = rows[(layers[rows] & IP != 0) & ~is_refusal]
            own = np.array(self._own.get(mac, []), np.uint64)
            self._passed[mac, place] = rows[~among(table.sources(rows), own)]
        return self._passed[mac, place]
