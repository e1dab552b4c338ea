"""Some of the points: the first row of credit that fits, a share of the number, single phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.grade.events.event import Event, numbered
from explain.grade.language.predicates import holds, value_of
from explain.grade.marking import telling
from explain.grade.marking.finding import matching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.marking.finding import Seen
    from explain.grade.marking.marker import Marker
    from explain.grade.marking.verdict import Verdict
    from explain.grade.rubric.records import Check

_PHASE_FIELDS = {"dhcp.dora": ("acked",), "tcp.handshake": ("complete",)}
"""Fields that say that all phases are there; a check that credits single phases does not ask for them."""


def has_all_phases(seen: Seen, phases: Mapping[str, float]) -> bool:
    """Whether one of the events has all phases that are credited; it is then the first."""
    whole = [event for event in seen.events if all(value_of(event, name) for name in phases)]
    seen.events.sort(key=lambda event: event not in whole)
    return bool(whole)


def partial_credit(marker: Marker, check: Check, seen: Seen) -> Verdict | None:
    """What a check that is not met gives all the same; None where its author gives nothing for less than all."""
    for row in check.credit:
        found = seen.events if row.pattern is None else matching(marker, check, row.pattern)
        if row.pattern is not None and found and row.points:
            word = "met" if row.points >= check.points else "partly"
            marker.bind(check, found)
            text = marker.filled(row.say, {"event": found[0]}) if row.say else _nearly(marker, found)
            return marker.verdict(check, word, min(row.points, check.points), text, found)
    if check.partial == "linear" and 0 < seen.number < check.count.least:
        marker.bind(check, seen.events)
        points = round(check.points * seen.number / check.count.least, 4)
        text = marker.say("some", number=seen.number, wanted=check.count.least)
        told = telling.joined(marker, [text, *telling.copies(marker, seen)])
        return marker.verdict(check, "partly", points, told, seen.events)
    if isinstance(check.partial, dict) and check.expect:
        return _phases(marker, check, check.partial)
    return None


def _nearly(marker: Marker, found: Sequence[Event]) -> str:
    name = telling.thing(found[0].name, marker.language)
    return marker.say("found", what=name, frame=numbered(found[0]))


def _phases(marker: Marker, check: Check, phases: Mapping[str, float]) -> Verdict | None:
    if check.expect is None:
        return None
    relaxed = _PHASE_FIELDS.get(check.expect.event, ())
    where = tuple(one for one in check.expect.where if one.field not in relaxed)
    best: tuple[float, list[str], Event] | None = None
    for event in marker.source(check).of(check.expect.event):
        if holds(event, where, marker.names):
            there = [name for name in phases if value_of(event, name)]
            points = sum(phases[name] for name in there)
            if there and (best is None or points > best[0]):
                best = points, there, event
    if best is None:
        return None
    marker.bind(check, [best[2]])
    lacking = [name for name in phases if name not in best[1]]
    text = marker.say("phases", there=best[1], lacking=lacking)
    return marker.verdict(check, "partly", best[0], text, [best[2]])
