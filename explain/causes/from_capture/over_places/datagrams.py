"""Flows of UDP of which places show that datagrams were lost between two of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.over_places.lost_datagrams import LostDatagrams, lost_datagrams
from explain.places.near import rows_near, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.paths import Paths

_MOST_LOOKED_AT = 100  # flows
_FEWEST = 2  # datagrams; a single one may only be missing in a recording


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each stretch on which datagrams were lost that others passed."""
    part = scene.part("journey")
    alike: dict[tuple[Any, ...], list[tuple[int, LostDatagrams]]] = defaultdict(list)
    for index in _uneven(part)[:_MOST_LOOKED_AT]:
        paths: Paths = part.facts["paths"]
        legs = paths.legs(int(part.facts["trail"][index]))
        for gone in lost_datagrams(paths.table, paths.seen, paths.topology, legs, paths.listened):
            alike[gone.capture, gone.interface, gone.next_capture, gone.next_interface].append((index, gone))
    for some in alike.values():
        if sum(gone.datagrams for _, gone in some) >= _FEWEST:
            yield _finding(scene, part, some)


def _uneven(part: ExchangeColumns) -> list[int]:
    """Delivered journeys of UDP that not all places saw equally often."""
    if not len(part):
        return []
    trails = part.facts["paths"].trails
    least, most = np.full(len(trails), np.iinfo(np.int64).max), np.zeros(len(trails), np.int64)
    for one, start in zip(trails.parts, trails.starts.tolist(), strict=False):
        if one.kind == "udp.flow":
            trail = trails.trail[start : start + len(one)]
            np.minimum.at(least, trail, np.diff(one.bounds))
            np.maximum.at(most, trail, np.diff(one.bounds))
    own = part.facts["trail"]
    found: list[int] = np.flatnonzero((least < most)[own] & (part.outcome == part.outcomes.index("delivered"))).tolist()
    return found


def _finding(scene: Scene, part: ExchangeColumns, some: list[tuple[int, LostDatagrams]]) -> Seen:
    table = whole_of(scene.table)
    labels = {(place.capture, place.interface): place.label for place in reversed(table.places)}
    _, worst = max(some, key=lambda one: one[1].datagrams)
    rows = np.concatenate([_rows(scene, gone) for _, gone in some])
    source, target = table.ends(int(_rows(scene, worst)[0]))
    members: list[Member] = [(part, index) for index in dict.fromkeys(index for index, _ in some)]
    values = {
        "case": "datagrams", "src": table.addresses.text(source), "dst": table.addresses.text(target),
        "lost": sum(gone.datagrams for _, gone in some), "passed": sum(gone.passed for _, gone in some),
        "flows": len(members), "last": labels[worst.capture, worst.interface],
        "next": labels[worst.next_capture, worst.next_interface],
    }  # fmt: skip
    rivals = ("corrupted-packets", *(("filter-on-router-forward",) if worst.routers else ()))
    near = rows_near(scene.table, rows)
    return Seen("partial-loss", "likely", members, near.tolist(), rivals, values, beyond=rows.tolist())


def _rows(scene: Scene, gone: LostDatagrams) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of the whole table, at the last place."""
    table = whole_of(scene.table)
    at = [
        number for number, place in enumerate(table.places)
        if (place.capture, place.interface) == (gone.capture, gone.interface)
    ]  # fmt: skip
    own = np.isin(table.place[: len(table)], at) & np.isin(table.frame[: len(table)], gone.frames)
    return np.flatnonzero(own)
