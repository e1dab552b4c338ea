"""Small packets get through, large ones do not: a link on the way is too narrow, and nobody is heard to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.causes.from_capture import ping_sizes
from explain.causes.from_capture.ping_sizes import LARGE, TOO_LARGE_RIVALS
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.many import with_copies
from explain.places.near import NearTable
from explain.table import ACK, DONT_FRAGMENT, REVERSED, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable, Rows

_COPIES = 3
_MOST_SEGMENTS = 5000
_MOST_FLOWS = 100


def look(scene: Scene) -> Iterator[Seen]:
    """Pings, then connections."""
    yield from ping_sizes.look(scene)
    yield from _too_large_for_segments(scene)
    yield from _too_large_elsewhere(scene)


def _too_large_for_segments(scene: Scene) -> Iterator[Seen]:
    """A connection whose large segments are sent again and again while smaller ones get through."""
    part = scene.part("tcp.connection")
    if not len(part):
        return
    moments = part.facts["moments"]
    at, bounds = moments.segments.where(label.REPEATED)
    large = np.append(0, np.cumsum(scene.table.payload[moments.streams.rows[at]] >= LARGE))[bounds]
    is_resent = moments.segments.counts(label.RESENT) >= _COPIES - 1
    resent = np.flatnonzero(is_resent & (np.diff(large) >= _COPIES - 1))
    done = scene.accounted[part.kind]
    for index in with_copies(moments, resent, LARGE, _COPIES).tolist():
        if index in done or part.outcomes[part.outcome[index]] in ("unanswered", "refused", "rejected"):
            continue
        rows = part.rows(index)
        stuck = _stuck(scene.table, rows[scene.table.layers[rows] & TCP != 0][:_MOST_SEGMENTS])
        if stuck is None:
            continue
        certainty, values = _told(scene.table, *stuck)
        yield Seen("pmtu-blackhole", certainty, [(part, index)], stuck[0].tolist(), TOO_LARGE_RIVALS, values)


def _told(table: PacketTable, copies: Rows, passed: int) -> tuple[str, dict[str, object]]:
    """How certain it is, and what the sentences mention."""
    one = copies[:1]
    source, target = table.end_texts(int(one[0]))
    values: dict[str, object] = {
        "src": source, "dst": target,
        "size": int(table.payload[one][0]), "passed": passed, "count": len(copies),
    }  # fmt: skip
    values |= {} if passed else {"case": "data"}
    return "likely" if passed and bool(table.layers[one][0] & DONT_FRAGMENT) else "possible", values


def _too_large_elsewhere(scene: Scene) -> Iterator[Seen]:
    """The same where the asker's place saw none of the large segments: what another place saw of the connection."""
    near = scene.table
    if not isinstance(near, NearTable):
        return
    table, part = near.whole, scene.part("tcp.connection")
    tcp = np.flatnonzero(table.layers[: len(table)] & TCP != 0)
    hidden = tcp[table.payload[tcp] >= LARGE]
    flows, counts = np.unique(table.flow[hidden[~near.shows(hidden)]], return_counts=True)
    flows = flows[counts >= _COPIES][:_MOST_FLOWS]
    if not len(flows):
        return
    order = tcp[np.argsort(table.flow[tcp], kind="stable")]
    first, last = (np.searchsorted(table.flow[order], flows, side).tolist() for side in ("left", "right"))
    owner = np.full(len(near), -1, np.int64)
    for index in range(len(part)):
        owner[part.rows(index)] = index
    for own in (order[low:high][:_MOST_SEGMENTS] for low, high in zip(first, last, strict=True)):
        owners = owner[near.of_whole(own)]
        stuck = _stuck(table, own)
        if stuck is None or owners.max(initial=-1) < 0 or (index := int(owners.max())) in scene.accounted[part.kind]:
            continue
        certainty, values = _told(table, *stuck)
        copies = distinct(near.copies(stuck[0])).tolist()
        seen = Seen("pmtu-blackhole", certainty, [(part, index)], (), TOO_LARGE_RIVALS, values, copies)
        scene.account(seen)
        yield seen


def _stuck(table: PacketTable, rows: Rows) -> tuple[Rows, int] | None:
    """The copies of a large segment that was never acknowledged as sent, and the largest that was."""
    for way in (0, REVERSED):
        is_own = table.layers[rows] & REVERSED == way
        acks = table.flags[rows] & ACK != 0  # a SYN confirms nothing; what stands in its field is no number
        sent, heard = rows[is_own & (table.payload[rows] > 0)], rows[~is_own & acks]
        if len(sent) < _COPIES or not len(heard):
            continue
        _, inverse, counts = np.unique(table.seq[sent], return_inverse=True, return_counts=True)
        for which in np.flatnonzero(counts >= _COPIES).tolist():
            copies = sent[inverse == which]
            size = int(table.payload[copies].max())
            full = copies[table.payload[copies] == size]
            if size < LARGE or len(full) < _COPIES or _is_acked_whole(table, copies, full, heard):
                continue
            if copies[0] < full[0]:  # a smaller segment with the same octets had not arrived, either
                continue
            passed = _largest_passed(table, np.setdiff1d(sent, full), heard)
            if passed < size:
                return full, passed
    return None


def _is_acked_whole(table: PacketTable, copies: Rows, full: Rows, heard: Rows) -> bool:
    """Whether the segment was acknowledged before a smaller one took its place."""
    end = table.seq[full[:1]] + table.payload[full[:1]]
    later = heard[heard > full[0]]
    acked = later[(table.ack[later] - end).view(np.int32) >= 0]
    smaller = copies[table.payload[copies] < table.payload[full[0]]]
    return len(acked) > 0 and not (smaller < acked[0]).any()


def _largest_passed(table: PacketTable, sent: Rows, heard: Rows) -> int:
    """The largest segment of the same sender whose last octet was acknowledged, 0 if none was."""
    acked = int(np.argmax((table.ack[heard] - table.ack[heard[:1]]).view(np.int32)))
    reach = table.ack[heard[acked]]
    ends = table.seq[sent] + table.payload[sent]
    fits = (reach - ends).view(np.int32) >= 0
    return int(table.payload[sent][fits].max()) if fits.any() else 0
