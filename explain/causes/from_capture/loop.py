"""Packets that come by again and again: a loop, also where nobody says that their time is up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.arrays import distinct, ragged
from explain.causes.from_capture.icmp.expired import seen_again
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.together import CONVERSATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import PacketTable, Rows

_MANY_VISITS = 6  # more routers in a row would hardly be recorded in one file
_FEWEST_STEPS = 2  # by which the TTL falls while a packet goes round


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for all that circles between the same two hosts, one packet of each as the proof."""
    groups: dict[tuple[str, str], list[Member]] = defaultdict(list)
    proof: dict[tuple[str, str], list[int]] = defaultdict(list)
    table = scene.table
    for kind in CONVERSATIONS:
        part = scene.part(kind)
        for index in _suspects(scene, part).tolist():
            again = seen_again(table, part.rows(index))
            if again and _returns(table, again):
                ends = table.end_texts(again[0])
                groups[ends].append((part, index))
                proof[ends] += again
    for (source, target), members in groups.items():
        values = {
            "case": "seen", "src": source, "dst": target, "from": target, "count": len(members),
            "ttl": int(table.ttl[proof[source, target][0]]), "visits": len(proof[source, target]),
        }  # fmt: skip
        yield Seen("routing-loop", "proved", members, proof[source, target], (), values)


def _returns(table: PacketTable, rows: list[int]) -> bool:
    """Whether the packet passed one link again; along a way of several routers it passes each link once."""
    sources = table.links.source[table.link[rows]]
    known = sources[sources < NO_MAC]
    return len(distinct(known)) < len(known) if len(known) else len(rows) >= _MANY_VISITS


def _suspects(scene: Scene, part: ExchangeColumns) -> Rows:
    """Exchanges without an answer whose packets came with several TTLs."""
    silent = np.array(scene.open(part, "unanswered"), np.int64)
    if not len(silent):
        return silent
    sizes = part.bounds[silent + 1] - part.bounds[silent]
    ttl = scene.table.ttl[ragged(part.frames, part.bounds[silent], sizes)]
    starts = np.cumsum(sizes) - sizes
    return silent[np.maximum.reduceat(ttl, starts) - np.minimum.reduceat(ttl, starts) >= _FEWEST_STEPS]
