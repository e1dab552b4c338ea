"""The link itself: who is a router, who overhears, what goes to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import BROADCAST, mac_text
from explain.arrays import among, distinct
from explain.exchanges import segment
from explain.exchanges.claims import contests
from explain.exchanges.hosts import Hosts
from explain.exchanges.traffic import traffic
from explain.model import Line
from explain.places.near import whole_of
from explain.table import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable, Rows

_LISTENER_REPORTS = (130, 131, 132, 143)  # MLD (RFC 2710, 3810)
_MOST_TOLD = 4
_WORTH_COUNTING = 10  # frames


def tell(table: PacketTable, exchanges: Exchanges, hosts: Hosts) -> list[Line]:
    """Lines about the link; those that only complete the picture are deeper."""
    if not len(table) or not len(table.links.source):
        return []
    if not isinstance(exchanges.positions, range):  # only some exchanges were asked for
        return []
    near, table = table, whole_of(table)
    hosts = hosts if table is near else Hosts(table, ())
    lines = [*_moved(table, exchanges), *_to_itself(table), *_overheard(table, hosts), *_listeners(table)]
    lines += [*_routers(table, hosts), *_unasked(near, exchanges), *_everybody(table, hosts)]
    return lines


def _line(table: PacketTable, message: str, rows: Rows | list[int], depth: int = 1, **values: Any) -> Line:
    return Line(f"segment.{message}", values, table.evidence(rows), depth)


def _moved(table: PacketTable, exchanges: Exchanges) -> Iterator[Line]:
    found, disputed = contests(table), _disputed(exchanges)
    disputed |= {table.addresses.text(one.address) for one in found if one.is_disputed}
    for contest in [one for one in found if not one.is_disputed][:_MOST_TOLD]:
        (old, before), (new, after) = list(contest.rows.items())[:2]
        address = table.addresses.text(contest.address)
        if address in disputed:
            continue
        yield _line(table, "moved", [before[-1], after[0]], address=address, old=mac_text(old), new=mac_text(new))


def _disputed(exchanges: Exchanges) -> set[str]:
    """Addresses about which two hosts answered one question, or one of them objected."""
    resolutions, announcements = exchanges.of_kind("arp.resolution"), exchanges.of_kind("arp.announcement")
    found = (
        {resolutions.fields(index).wanted_ip for index in resolutions.where("conflicting")} if resolutions else set()
    )
    if announcements:
        found |= {announcements.fields(index).address for index in announcements.where("challenged")}
    return found


def _to_itself(table: PacketTable) -> Iterator[Line]:
    rows = segment.to_itself(table)
    for mac in distinct(table.links.source[table.link[rows]]).tolist()[:_MOST_TOLD]:
        own = rows[table.links.source[table.link[rows]] == mac]
        yield _line(table, "to-itself", own, mac=mac_text(mac), count=len(own))


def _common(table: PacketTable, hosts: Hosts) -> dict[int, frozenset[int] | None]:
    return {place: hosts.in_every_frame(place) for place in range(len(table.places))}


def _overheard(table: PacketTable, hosts: Hosts) -> Iterator[Line]:
    nobody: dict[int, frozenset[int] | None] = {}
    nobody |= {place: macs for place, macs in _common(table, hosts).items() if macs is not None and not macs}
    for one in traffic(table, nobody):
        pairs = sorted(one.overheard.items(), key=lambda item: int(item[1][0]))
        message = "flooded" if one.is_flooded else "overheard"
        for number, ((source, target), rows) in enumerate(pairs[:_MOST_TOLD]):
            name = "overheard-again" if number else message
            yield _line(table, name, rows, source=mac_text(source), target=mac_text(target), count=len(rows))


def _listeners(table: PacketTable) -> Iterator[Line]:
    icmp = table.icmp
    rows = icmp.row[icmp.is_v6 & np.isin(icmp.type, _LISTENER_REPORTS)]
    if len(rows):
        from explain.exchanges import listening

        rows = rows[~among(rows, listening.told(table))]
    if len(rows):
        yield _line(table, "listeners", rows, count=len(rows))


def _routers(table: PacketTable, hosts: Hosts) -> Iterator[Line]:
    """Who is a router: it sends packets of others, whose TTL shows that it took from it."""
    routers = hosts.routers()
    if not routers:
        return
    carried: dict[int, list[segment.Carrier]] = {}
    for one in segment.carriers(table):
        if one.mac in routers and segment.is_forwarded(one.ttl):
            carried.setdefault(one.mac, []).append(one)
    for mac, found in list(carried.items())[:_MOST_TOLD]:
        addresses = tuple(dict.fromkeys(table.addresses.text(one.address) for one in found))
        values = {"mac": mac_text(mac), "addresses": addresses[:_MOST_TOLD], "ttl": found[0].ttl}
        yield _line(table, "router", [one.row for one in found], 2, **values)


def _unasked(table: PacketTable, exchanges: Exchanges) -> Iterator[Line]:
    """Packets to one MAC before anybody asked for it: known from before, or set by hand."""
    part = exchanges.of_kind("icmp.echo")
    first_arp = int(table.arp.row[0]) if len(table.arp.row) else len(table)
    for index in range(min(len(part), _MOST_TOLD) if part else 0):
        row = part.rows(index)[:1] if part else np.empty(0, np.int64)
        link = table.link[row]
        source, target = int(table.links.source[link][0]), int(table.links.target[link][0])
        is_ipv4 = bool(table.layers[row][0] & IPV4)
        if is_ipv4 and row[0] < first_arp and target < BROADCAST and source not in (target, BROADCAST + 1):
            yield _line(table, "unasked", row, 2, mac=mac_text(target), asker=mac_text(source))


def _everybody(table: PacketTable, hosts: Hosts) -> Iterator[Line]:
    for one in traffic(table, dict.fromkeys(_common(table, hosts))):
        rows = np.concatenate((one.to_all, one.to_groups))
        if len(rows) and one.frames >= _WORTH_COUNTING:
            values = {"all": len(one.to_all), "groups": len(one.to_groups), "frames": one.frames}
            yield _line(table, "everybody", np.sort(rows), 2, **values)
