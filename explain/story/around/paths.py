"""The way that packets took: cut into fragments, there and back by different routers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import NO_MAC, mac_text
from explain.arrays import distinct
from explain.exchanges.fragments import datagrams
from explain.model import Line
from explain.places.near import NearTable, whole_of
from explain.table import FRESH_TTLS, REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.fragments import Datagrams
    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable, Rows

_MOST_TOLD = 4
_MOST_EXCHANGES = 200
_VIRTUAL = (0x00005E0001, 0x00005E0002, 0x00000C07AC)
_VIRTUAL_SHORT = (0x00000C9FF, 0x000573A00)
_GLBP = 0x0007B4
_ROUTER_ADVERTISEMENT, _ADVERTISEMENT = 134, 136
_GROUP_BIT = np.uint64(1 << 40)


_MOST_CARRIED = 65_535  # by an IP packet; one of IPv4 has 20 octets of header in that


def tell(table: PacketTable, exchanges: Exchanges) -> list[Line]:
    """Lines about fragments and about ways that differ."""
    if not isinstance(exchanges.positions, range):  # only some exchanges were asked for
        return []
    return [*_fragments(table), *_asymmetric(table, exchanges)]


def _line(table: PacketTable, message: str, rows: Rows, **values: Any) -> Line:
    return Line(f"paths.{message}", values, table.evidence(rows))


def _fragments(table: PacketTable) -> Iterator[Line]:
    if not len(table.fragments.row):
        return
    cut = datagrams(table)
    unfinished = set(cut.unfinished().tolist())
    groups: dict[tuple[int, int, bool], list[int]] = defaultdict(list)
    firsts = cut.rows[cut.bounds[:-1]]
    for index, ends in enumerate(zip(table.sources(firsts).tolist(), table.targets(firsts).tolist(), strict=True)):
        groups[*ends, index in unfinished].append(index)
    for (source, target, is_unfinished), indices in list(groups.items())[:_MOST_TOLD]:
        values = {"src": table.addresses.text(source), "dst": table.addresses.text(target), "count": len(indices)}
        yield _about(table, cut, indices, values, is_unfinished=is_unfinished)


def _about(
    table: PacketTable, cut: Datagrams, indices: list[int], values: dict[str, Any], *, is_unfinished: bool
) -> Line:
    rows = np.concatenate([cut.of(index) for index in indices])
    values |= {"fragments": len(rows), "size": int(cut.size[indices].max())}
    if values["size"] > _MOST_CARRIED:
        return _line(table, "too-long", rows, **values)
    if cut.is_laid_over[indices].any():
        return _line(table, "laid-over", rows, **values)
    if not is_unfinished:
        return _line(table, "fragments", rows, **values)
    missing = int((cut.size[indices] - cut.have[indices]).max())
    headless = sum(1 for index in indices if cut.first[index] < 0)
    message = "headless" if headless == len(indices) else "unfinished" if missing else "endless"
    return _line(table, message, rows, missing=missing, **values)


def _asymmetric(table: PacketTable, exchanges: Exchanges) -> Iterator[Line]:
    """Requests leave by one neighbour, and the answers come from another."""
    told: set[tuple[int, ...]] = set()
    for kind in ("icmp.echo", "tcp.connection", "udp.flow"):
        part = exchanges.of_kind(kind)
        for index in range(min(len(part), _MOST_EXCHANGES) if part else 0):
            crossed = _two_places(table, part.rows(index)) if part else None
            if crossed and crossed[0] not in told and len(told) < _MOST_TOLD:
                told.add(crossed[0])
                yield _crossed(table, *crossed)
            found = _two_neighbours(table, part, index) if part and not crossed else None
            if found is None or found[0] in told or len(told) >= _MOST_TOLD:
                continue
            (place, out, back), rows = found
            told.add((place, out, back))
            source, target = table.sources(rows)[0], table.targets(rows)[0]
            text = table.addresses.text
            values = {"src": text(int(source)), "dst": text(int(target)), "out": mac_text(out), "back": mac_text(back)}
            is_direct = int(table.ttl[rows[1]]) in FRESH_TTLS
            message = "direct" if is_direct else "asymmetric"
            if is_direct and (routers := _addresses_of(table, place, out, target)):
                message, values["router"] = "round", table.addresses.text(routers[0])
            if virtual := [mac for mac in (out, back) if _is_virtual(mac)]:
                message, values["virtual"] = "virtual", mac_text(virtual[0])
            yield _line(table, message, rows, **values)


def _addresses_of(table: PacketTable, place: int, mac: int, beside: Any) -> list[int]:
    """Addresses that a MAC claims by ARP, neighbour discovery or as a router; none where it claims ``beside``, too."""
    arp, icmp = table.arp, table.icmp
    by_arp = arp.sender_ip[(arp.sender_mac == mac) & (table.place[arp.row] == place)]
    is_own = icmp.is_v6 & (table.place[icmp.row] == place) & (table.links.source[table.link[icmp.row]] == mac)
    by_ndp = icmp.target[is_own & (icmp.type == _ADVERTISEMENT)]
    as_router = table.sources(icmp.row[is_own & (icmp.type == _ROUTER_ADVERTISEMENT)])
    claimed = np.concatenate((by_arp, by_ndp, as_router))
    return [] if (claimed == beside).any() else distinct(claimed[claimed > 0]).tolist()


def _is_virtual(mac: int) -> bool:
    """Whether a MAC stands for whichever of several routers is on duty: VRRP (RFC 9568, 7.3), HSRP, GLBP."""
    return mac >> 8 in _VIRTUAL or mac >> 12 in _VIRTUAL_SHORT or mac >> 24 == _GLBP


def _two_places(table: PacketTable, rows: Rows) -> tuple[tuple[int, int], Rows] | None:
    """The places of what was asked and of the answers, if these came back by another one; and a frame of each."""
    if not isinstance(table, NearTable) or table.continued is None:
        return None
    place = table.whole.place[table.origin[rows]]
    way = table.layers[rows] & REVERSED
    there, back = rows[way == way[0]], rows[way != way[0]]
    if not len(back) or not table.continued[table.flow[rows[0]]]:
        return None
    return (int(place[0]), int(place[way != way[0]][0])), np.array([there[0], back[0]])


def _crossed(table: PacketTable, places: tuple[int, int], rows: Rows) -> Line:
    src, dst = table.end_texts(int(rows[0]))
    out, back = (whole_of(table).places[place].label for place in places)
    return _line(table, "crossed", rows, src=src, dst=dst, out=out, back=back)


def _two_neighbours(table: PacketTable, part: ExchangeColumns, index: int) -> tuple[tuple[int, int, int], Rows] | None:
    """Place, the MAC to which requests went, the MAC from which answers came, if they differ; and a frame of each."""
    rows = part.rows(index)
    flow = table.flow[rows[0]]
    rows = rows[table.flow[rows] == flow]
    way = table.layers[rows] & REVERSED
    there, back = rows[way == way[0]], rows[way != way[0]]
    if not len(back):
        return None
    went, came = table.link[there], table.link[back]
    if (went != went[0]).any() or (came != came[0]).any():  # seen at several points of its way
        return None
    out, home = int(table.links.target[went[0]]), int(table.links.source[came[0]])
    own = int(table.links.source[went[0]]), int(table.links.target[came[0]])
    if out == home or max(out, home) >= NO_MAC or own[0] != own[1] or np.uint64(out) & _GROUP_BIT:
        return None
    return (int(table.place[there[0]]), out, home), np.array([there[0], back[0]])
