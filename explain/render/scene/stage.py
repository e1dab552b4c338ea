"""What a ladder shows: rails, the arrows between them, and how many frames are folded away.

The same scene is drawn in the terminal, in Mermaid and in HTML.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labels import names as label_names
from explain.exchanges.wire_words import Said
from explain.places.near import times_of
from explain.places.network import names_of_routers
from explain.record import dataclass
from explain.render.scene.choice import important, owners
from explain.render.scene.fates import labels_of, lost_rows, rewritten_rows, thrown_away_rows
from explain.render.scene.rails import OTHERS, ends, rails_of
from explain.render.wire_words import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import table as t
    from explain.model import Evidence, Report

_MOST_ROUTED = 200_000  # packets of which every way is looked at


@dataclass(frozen=True, slots=True)
class Arrow:
    """One packet as it is drawn: as the place nearest to who began it recorded it, where several did.

    Attributes:
        row: of the packet table.
        source, target: indices of rails; equal where a host talks to itself.
        is_to_group: broadcast or multicast.
        said: what it says.
        marks: names of TCP labels.
        position: of the exchange that it belongs to, None if to nothing.
        folded: frames that are left out before it.
        frame: its number in its file.
        time_ns: UTC nanoseconds; of several captures by the clock of the first.
        place: index into ``PacketTable.places`` of the table with all rows.
        seen: the same packet at all places; empty where there is only one place.
        is_lost: it vanished on its way, or was thrown away there.
        names: what its rails would be called if there were room for each host.
    """

    row: int
    source: int
    target: int
    is_to_group: bool
    said: Said
    marks: tuple[str, ...]
    position: int | None
    folded: int
    frame: int
    time_ns: int
    place: int
    seen: tuple[Evidence, ...]
    names: tuple[str, str]
    is_lost: bool

    @property
    def is_repeated(self) -> bool:
        """Whether it is a retransmission of any kind."""
        return any(mark.endswith("retransmission") for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Scene:
    """Rails from left to right, and arrows in the order of time.

    Attributes:
        rails: addresses, ``EVERYONE`` or ``OTHERS``.
        folded_after: frames that are left out behind the last arrow.
    """

    rails: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    folded_after: int


def stage(report: Report, most: int, most_rails: int) -> Scene:
    """The scene of a report.

    Args:
        report: whose exchanges are drawn; if all are told, frames outside any of them too.
        most: arrows drawn; of the others only their number is told.
        most_rails: rails drawn, at least 3.
    """
    table, owner = report.exchanges.table, owners(report)
    is_whole = len(report.exchanges) == sum(len(part) for part in report.exchanges.parts)
    rows = np.arange(len(table)) if is_whole else np.flatnonzero(owner >= 0)
    times = times_of(table)[rows]
    if report.span_ns:
        is_within = (times >= report.span_ns[0]) & (times <= report.span_ns[1])
        rows, times = rows[is_within], times[is_within]
    rows = rows[np.lexsort((rows, times))]
    is_shown = np.ones(len(rows), np.bool_)
    if len(rows) > most:
        is_shown = np.isin(rows, important(report, most, most_rails))
    at = np.flatnonzero(is_shown)
    gaps = (np.diff(at, prepend=-1) - 1).tolist()
    return _drawn(report, rows[at], owner, gaps, len(rows) - 1 - int(at[-1]) if len(at) else 0, most_rails)


def _drawn(report: Report, rows: t.Rows, owner: t.Rows, gaps: Sequence[int], after: int, most_rails: int) -> Scene:
    table = report.exchanges.table
    whole = table.whole
    pairs, times = [ends(table, row) for row in rows.tolist()], times_of(table)
    whose = _routers(report)
    rails = rails_of(
        [(whose.get(one, one), whose.get(other, other), is_all) for one, other, is_all in pairs], most_rails
    )
    index = {name: number for number, name in enumerate(rails)}
    view, labels = cache(report.exchanges.view), cache(lambda position: labels_of(report, position))
    lost, rewritten = lost_rows(report) | thrown_away_rows(table, rows), rewritten_rows(report)
    arrows = []
    for row, (source, target, is_group), gap in zip(rows.tolist(), pairs, gaps, strict=True):
        position = int(owner[row]) if owner[row] >= 0 else None
        exchange, label = (None, 0) if position is None else (view(position), labels(position).get(row, 0))
        here, there = (index.get(whose.get(name, name), index.get(OTHERS, 0)) for name in (source, target))
        arrows.append(
            Arrow(
                row=row,
                source=here,
                target=there,
                is_to_group=is_group,
                said=_with_nat(said(table, row, exchange), rewritten.get(row)),
                marks=label_names(label),
                position=position,
                folded=gap,
                frame=int(table.frame[row]),
                time_ns=int(times[row]),
                place=int(whole.place[table.whole_row(row)]),
                seen=() if whole is table else table.evidence([row]),
                names=(source, target),
                is_lost=row in lost,
            )
        )
    return Scene(rails, tuple(arrows), after)


def _routers(report: Report) -> dict[str, str]:
    """For an address of a router with several its common name; one host has one rail."""
    part = report.exchanges.of_kind("journey")
    if part is None or "paths" not in part.facts or len(report.packets) > _MOST_ROUTED:
        return {}
    paths = part.facts["paths"]
    return names_of_routers(paths.table, paths.seen, paths.topology)


def _with_nat(spoken: Said, remark: str | None) -> Said:
    return Said(spoken.meaning, f"{spoken.text} [{remark}]") if remark else spoken
