"""The way of each packet over the places that recorded it: places are rails here, and not hosts.

Between two rails a NAT may rewrite the packet; behind the last one it may vanish.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.places.near import whole_times_of
from explain.record import NamedTuple, dataclass
from explain.render.scene.far import far_arrows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from explain.model import Report
    from explain.render.scene.stage import Arrow, Scene
    from explain.table import I8, PacketTable

_MOST_FAR = 400  # packets drawn in all; what only far places saw comes after what the askers saw


@dataclass(frozen=True, slots=True)
class Stop:
    """A packet at one place.

    Attributes:
        rail: index into ``Ways.places``.
        frame: its number there.
    """

    rail: int
    frame: int


@dataclass(frozen=True, slots=True)
class Way:
    """One packet over the places.

    Attributes:
        arrow: what it says.
        number: of its arrow in the scene, None if no place near its asker saw it.
        stops: in the order in which it passed them, at least one; a place may be passed twice.
        is_routed: for each stop but the first, whether the TTL fell since the one before.
        rewritten: what a NAT changed and between which two rails, None if nothing.
        folded: frames that are left out before it.
    """

    arrow: Arrow
    number: int | None
    stops: tuple[Stop, ...]
    is_routed: tuple[bool, ...]
    rewritten: tuple[int, int, str] | None
    folded: int


@dataclass(frozen=True, slots=True)
class Ways:
    """All packets of a scene over the places, left to right as most of them pass."""

    places: tuple[int, ...]
    ways: tuple[Way, ...]


def ways(report: Report, scene: Scene) -> Ways:
    """Each packet of a scene once, with all the places that saw it, clocks corrected; also what only far places saw."""
    whole = report.exchanges.table.whole
    times = whole_times_of(report.exchanges.table)
    rows = {key: row for row, key in zip(*_spots(whole), strict=True)} if scene.arrows else {}
    along = _order(report, whole, times)
    chains: list[_Chain] = []
    done: set[int] = set()
    folded = 0
    for number, arrow in enumerate(scene.arrows):
        folded += arrow.folded
        own = report.exchanges.table.whole_row(arrow.row)
        if own in done:
            continue
        found = _rows(arrow, rows) or [own]
        done.update(found)
        chains.append(_Chain(arrow, number, along(found), folded))
        folded = 0
    for arrow, far in far_arrows(report, scene, max(0, _MOST_FAR - len(chains))):
        chains.append(_Chain(arrow, None, along(far.tolist()), 0))
    chains.sort(key=lambda chain: int(times[chain.rows[0]]))
    order = _places(whole, [chain.rows for chain in chains])
    rail = {place: at for at, place in enumerate(order)}
    return Ways(order, tuple(_way(whole, one, rail) for one in chains))


def sides(over: Ways) -> Counter[str]:
    """For each host whether what it sends goes to the right (0 and above) or to the left, over all packets."""
    side: Counter[str] = Counter()
    for way in over.ways:
        step = way.stops[-1].rail - way.stops[0].rail
        source, target = way.arrow.names
        side[source] += step
        side[target] -= step
    return side


class _Chain(NamedTuple):
    arrow: Arrow
    number: int | None
    rows: list[int]
    folded: int


def _spots(whole: PacketTable) -> tuple[range, Iterator[tuple[int, int | None, int]]]:
    count = len(whole)
    spots = [(place.capture, place.interface) for place in whole.places]
    keys = (
        (*spots[place], frame)
        for place, frame in zip(whole.place[:count].tolist(), whole.frame[:count].tolist(), strict=True)
    )
    return range(count), keys


def _rows(arrow: Arrow, rows: dict[tuple[int, int | None, int], int]) -> list[int]:
    found = []
    for one in arrow.seen:
        for first, last in one.frames:
            found += [rows[one.capture, one.interface, frame] for frame in range(first, last + 1)]
    return found


def _order(report: Report, whole: PacketTable, times: I8) -> Callable[[Sequence[int]], list[int]]:
    """What puts rows of one packet along its way: what all packets show of the network, where there is that."""
    part = report.exchanges.of_kind("journey")
    if part is None or "paths" not in part.facts:
        return lambda rows: _in_order(whole, rows, times)
    topology = part.facts["paths"].topology

    def along(rows: Sequence[int]) -> list[int]:
        ordered: list[int] = topology.in_order(np.array(rows, np.int64)).tolist()
        return ordered

    return along


def _in_order(whole: PacketTable, rows: Sequence[int], times: I8) -> list[int]:
    """Rows of one packet along its way: a TTL only falls; between places of one link, time decides."""
    return sorted(rows, key=lambda row: (-int(whole.ttl[row]), int(times[row])))


def _places(whole: PacketTable, chains: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Places so that neighbours on the way of packets are neighbours here, as far as that goes."""
    ordered: list[int] = []
    found = [list(dict.fromkeys(int(whole.place[row]) for row in chain)) for chain in chains]
    for chain in sorted(found, key=len, reverse=True):  # sorting keeps the order of time among the equally long
        for at, place in enumerate(chain):
            if place in ordered:
                continue
            after = next((ordered.index(one) for one in chain[at + 1 :] if one in ordered), None)
            if at:
                ordered.insert(ordered.index(chain[at - 1]) + 1, place)
            elif after is not None:
                ordered.insert(after, place)
            else:
                ordered.append(place)
    return tuple(ordered)


def _way(whole: PacketTable, chain: _Chain, rail: dict[int, int]) -> Way:
    rows = chain.rows
    stops = tuple(Stop(rail[int(whole.place[row])], int(whole.frame[row])) for row in rows)
    routed = tuple(bool(whole.ttl[one] != whole.ttl[other]) for one, other in pairwise(rows))
    return Way(chain.arrow, chain.number, stops, routed, _rewritten(whole, rows, stops), chain.folded)


def _rewritten(whole: PacketTable, rows: Sequence[int], stops: Sequence[Stop]) -> tuple[int, int, str] | None:
    """Where a NAT changed an end, and how."""
    for at in range(1, len(rows)):
        before, after = np.array([rows[at - 1]]), np.array([rows[at]])
        told = [
            f"{end} {one} > {other}"
            for end, one, other in (
                ("src", _end(whole, before, is_source=True), _end(whole, after, is_source=True)),
                ("dst", _end(whole, before, is_source=False), _end(whole, after, is_source=False)),
            )
            if one != other
        ]
        if told:
            return stops[at - 1].rail, stops[at].rail, f"NAT {', '.join(told)}"
    return None


def _end(whole: PacketTable, row: np.ndarray[tuple[int], np.dtype[np.int64]], *, is_source: bool) -> str:
    from explain.table import IP, TCP, UDP

    layers = int(whole.layers[row[0]])
    if not layers & IP:
        return ""
    address = whole.addresses.text(int((whole.sources if is_source else whole.targets)(row)[0]))
    if not layers & (TCP | UDP):
        return address
    return f"{address} {int((whole.source_ports if is_source else whole.target_ports)(row)[0])}"
