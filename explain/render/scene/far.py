"""Packets that no place near their asker saw: replies that were lost on their way back, or that went another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.places.near import NearTable
from explain.render.scene.rails import ends
from explain.render.scene.stage import Arrow
from explain.render.wire_words import said
from explain.table import IP, NO_FLOW

if TYPE_CHECKING:
    from explain.model import Report
    from explain.render.scene.stage import Scene
    from explain.table import PacketTable, Rows

_MOST_JOURNEYS = 2000  # looked into for lost packets


def far_arrows(report: Report, scene: Scene, most: int) -> list[tuple[Arrow, Rows]]:
    """Packets of the conversations that are drawn, with their rows in the table of all places; in the order of time.

    Args:
        report: whose packets they are.
        scene: what is drawn of them.
        most: packets, at most.
    """
    near = report.exchanges.table
    if not isinstance(near, NearTable) or not scene.arrows:
        return []
    whole, times = near.whole, near.whole_corrected_ns
    rows = _unseen(near, np.array([arrow.row for arrow in scene.arrows]))
    if report.span_ns:
        rows = rows[(times[rows] >= report.span_ns[0]) & (times[rows] <= report.span_ns[1])]
    if not len(rows):
        return []
    flows, packets = _lost(report, near)
    order = np.lexsort((times[rows], -whole.ttl[rows].astype(np.int64), near.packet_of(rows)))
    rows, numbers = rows[order], near.packet_of(rows[order])
    found = []
    for some in np.split(rows, np.flatnonzero(np.diff(numbers)) + 1):
        first = int(some[0])
        is_lost = int(whole.flow[first]) in flows or int(near.packet_of(some[:1])[0]) in packets
        found.append((_arrow(whole, first, int(times[first]), is_lost=is_lost), np.unique(near.copies(some))))
    return sorted(found, key=lambda one: one[0].time_ns)[:most]


def _unseen(near: NearTable, drawn: Rows) -> Rows:
    """Rows in the table of all places of packets of the drawn conversations that no place near their asker saw."""
    whole = near.whole
    shown = near.copies(near.origin[drawn])
    is_drawn = np.zeros(len(whole.flows.low) + 1, np.bool_)
    is_drawn[np.minimum(whole.flow[shown[whole.layers[shown] & IP != 0]], len(is_drawn) - 1)] = True
    is_drawn[-1] = False
    count = len(whole)
    flow = np.minimum(whole.flow[:count], len(is_drawn) - 1)
    rows = np.flatnonzero(is_drawn[flow] & (whole.layers[:count] & IP != 0) & (whole.flow[:count] != NO_FLOW))
    unseen: Rows = rows[~near.shows(rows) & (near.packet_of(rows) >= 0)]
    return unseen


def _lost(report: Report, near: NearTable) -> tuple[set[int], set[int]]:
    """Flows of which every packet vanished, and single packets that did, by what the journeys say."""
    part, whole = report.exchanges.of_kind("journey"), near.whole
    if part is None:
        return set(), set()
    is_whole_flow: dict[tuple[int, int | None, int], bool] = {}
    for index in part.where("vanished").tolist()[:_MOST_JOURNEYS]:
        journey = part.fields(index)
        for one in journey.seen:
            is_whole_flow[one.capture, one.interface, one.frame] = journey.missing == journey.packets
    frames = np.array([frame for _, _, frame in is_whole_flow], np.int64)
    flows: set[int] = set()
    packets: set[int] = set()
    for row in np.flatnonzero(np.isin(whole.frame[: len(whole)], frames)).tolist():
        place = whole.places[int(whole.place[row])]
        spot = place.capture, place.interface, int(whole.frame[row])
        if spot in is_whole_flow:
            packets.add(int(near.packet_of(np.array([row]))[0]))
            if is_whole_flow[spot]:
                flows.add(int(whole.flow[row]))
    return flows, packets


def _arrow(whole: PacketTable, row: int, time_ns: int, *, is_lost: bool) -> Arrow:
    source, target, is_group = ends(whole, row)
    return Arrow(
        row=row,
        source=0,
        target=0,
        is_to_group=is_group,
        said=said(whole, row, None),
        marks=(),
        position=None,
        folded=0,
        frame=int(whole.frame[row]),
        time_ns=time_ns,
        place=int(whole.place[row]),
        seen=(),
        names=(source, target),
        is_lost=is_lost,
    )
