"""The way of each packet over the places that recorded it: places are rails here, and not hosts.

Between two rails a NAT may rewrite the packet; behind the last one it may vanish.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import Report
    from explain.render.scene import Arrow, Scene
    from explain.table import PacketTable


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
        number: of its arrow in the scene.
        stops: in the order in which it passed them, at least one.
        is_routed: for each stop but the first, whether the TTL fell since the one before.
        rewritten: what a NAT changed and between which two rails, None if nothing.
        folded: frames that are left out before it.
    """

    number: int
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
    """Each packet of a scene once, with all the places that saw it, clocks corrected."""
    whole = report.exchanges.table.whole
    skews = {int(clock["capture"]): int(clock["skew_ns"] or 0) for clock in report.clocks}
    rows = {key: row for row, key in zip(*_spots(whole), strict=True)} if scene.arrows else {}
    chains: list[tuple[int, list[int], int]] = []
    done: set[int] = set()
    folded = 0
    for number, arrow in enumerate(scene.arrows):
        folded += arrow.folded
        own = report.exchanges.table.whole_row(arrow.row)
        if own in done:
            continue
        found = _rows(arrow, rows) or [own]
        done.update(found)
        chains.append((number, _in_order(whole, found, skews), folded))
        folded = 0
    order = _places(whole, [chain for _, chain, _ in chains])
    rail = {place: at for at, place in enumerate(order)}
    return Ways(order, tuple(_way(whole, one, rail) for one in chains))


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


def _in_order(whole: PacketTable, rows: Sequence[int], skews: dict[int, int]) -> list[int]:
    """Rows of one packet along its way: a TTL only falls; between places of one link, time decides."""

    def key(row: int) -> tuple[int, int]:
        capture = whole.places[int(whole.place[row])].capture
        return -int(whole.ttl[row]), int(whole.time_ns[row]) - skews.get(capture, 0)

    return sorted(rows, key=key)


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


def _way(whole: PacketTable, chain: tuple[int, list[int], int], rail: dict[int, int]) -> Way:
    number, rows, folded = chain
    # One device may record a packet twice, coming and going: a stop is a place, and its first frame.
    kept = list({int(whole.place[row]): row for row in reversed(rows)}.values())[::-1]
    stops = tuple(Stop(rail[int(whole.place[row])], int(whole.frame[row])) for row in kept)
    routed = tuple(bool(whole.ttl[one] != whole.ttl[other]) for one, other in pairwise(kept))
    return Way(number, stops, routed, _rewritten(whole, kept, stops), folded)


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
