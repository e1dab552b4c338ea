"""Which events a check finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explain.grade.events.event import Event, part
from explain.grade.events.recorded_again import once
from explain.grade.language.expressions import evaluate
from explain.grade.language.predicates import holds, value_of
from explain.grade.language.syntax import names_in, placeholders
from explain.grade.marking import blind

if TYPE_CHECKING:
    from explain.grade.marking.marker import Marker
    from explain.grade.rubric.records import Check, Count, Pattern, Within

_MOST_ALTERNATIVES = 50


@dataclass(slots=True)
class Seen:
    """What a check found.

    Attributes:
        number: how many events that makes.
        values: what its messages may mention.
        copies: events that do not count, because their frames came before.
    """

    events: list[Event]
    number: int
    values: dict[str, Any] = field(default_factory=dict)
    copies: int = 0


def not_handed_in(marker: Marker, check: Check, wanted: Pattern) -> tuple[str, ...]:
    """Captures that are missing and that the check needs: the one it names, or both sides of a translation."""
    if check.capture is not None:
        return tuple(one for one in marker.lacking if one == check.capture)
    return marker.lacking if wanted.event.startswith("nat.") else ()


def matching(marker: Marker, check: Check, pattern: Pattern) -> list[Event]:
    """The events that fit a pattern of a check, at the time that it allows."""
    return [
        event
        for event in marker.source(check).of(pattern.event)
        if holds(event, pattern.where, marker.names)
        and all(_is_within(marker, event, one) for one in check.within)
        and not blind.is_skewed(event, check.skew_ns)
    ]


def _is_within(marker: Marker, event: Event, within: Within) -> bool:
    late = lateness_ns(marker, event, within)
    return late is not None and 0 <= late <= within.span_ns


def lateness_ns(marker: Marker, event: Event, within: Within) -> int | None:
    """Nanoseconds from the event that is bound to this one, or back for ``before``; None where it is not there."""
    told = evaluate(within.event, marker.names)
    if told is None:
        return None
    moment = told.start_ns if isinstance(told, Event) else round(float(part(told, "time")) * 1e9)
    return event.start_ns - moment if within.side == "after" else moment - event.start_ns


def alternatives(marker: Marker, check: Check) -> Seen:
    """What a check finds; where a bound event leads nowhere, the other events that fitted its name are tried."""
    seen = _seen(marker, check)
    if check.expect is None or check.count.holds(seen.number):
        return seen
    for name in _asked(marker, check):
        first = marker.names.get(name)
        for other in marker.bound.get(name, [])[1:_MOST_ALTERNATIVES]:
            marker.names[name] = other
            again = _seen(marker, check)
            if check.count.holds(again.number):
                return again
        marker.names[name] = first
    return seen


def _asked(marker: Marker, check: Check) -> list[str]:
    texts = [one.value for one in check.expect.where] if check.expect else []
    asked = [inner for text in texts if isinstance(text, str) for inner in placeholders(text)]
    asked += [one.event for one in check.within]
    return [name for name in dict.fromkeys(path[0] for one in asked for path in names_in(one)) if name in marker.bound]


def _seen(marker: Marker, check: Check) -> Seen:
    if check.expect is None:
        return Seen([], 0)
    found = matching(marker, check, check.expect)
    if check.distinct:
        values = list(dict.fromkeys(str(value_of(event, check.distinct)) for event in found))
        return Seen(found, len(values), {"values": values})
    own = counted(found, check.count, check.window_ns)
    return Seen(own, len(own), copies=0 if check.window_ns else len(found) - len(own))


def counted(events: list[Event], count: Count, window_ns: int | None = None) -> list[Event]:
    """The events that count: copies never make up for what lacks, and are too many where few are allowed."""
    found = _busiest(events, window_ns)
    is_wanted = count.least > 0 and (count.most is None or len(found) <= count.most)
    return _busiest(once(events), window_ns) if is_wanted else found


def _busiest(events: list[Event], window_ns: int | None) -> list[Event]:
    """Of all spans of that length, the events of the one that has most; all, where no length is asked for."""
    if window_ns is None:
        return events
    best: tuple[int, int] = (0, 0)
    first = 0
    for last in range(len(events)):
        while events[last].start_ns - events[first].start_ns > window_ns:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = first, last + 1
    return events[best[0] : best[1]]
