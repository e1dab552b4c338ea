"""Report + Rubric -> Verdict: each check held against the events that it names."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from explain.errors import UsageError
from explain.grade.events.event import Event, UnknownFieldError
from explain.grade.language.cited import Recorded, rows_in
from explain.grade.language.expressions import UnboundError
from explain.grade.language.functions import AbsentError
from explain.grade.marking import telling
from explain.grade.marking.credit import has_all_phases, partial_credit
from explain.grade.marking.finding import Seen, alternatives, counted, matching
from explain.grade.marking.unseen import claim_untold, part_untold, untold, why_untold

if TYPE_CHECKING:
    from explain.grade.marking.marker import Marker
    from explain.grade.marking.verdict import Verdict
    from explain.grade.rubric.records import Check


def mark_checks(marker: Marker) -> tuple[Verdict, ...]:
    """The verdicts of all checks, in their order."""
    for check in marker.rubric.checks:
        marker.verdicts[check.id] = _check(marker, check)
    return tuple(marker.verdicts[check.id] for check in marker.rubric.checks)


def _check(marker: Marker, check: Check) -> Verdict:
    missing = marker.unmet(check.needs)
    if missing:
        return marker.verdict(check, "skipped", 0, marker.say("skipped", needs=marker.titles(missing)))
    try:
        return _judge(marker, check)
    except UnboundError as error:
        makers = [one.id for one in marker.rubric.checks if str(error) in (one.bind, one.id)]
        text = marker.say("skipped", needs=marker.titles(makers)) if makers else marker.say("unbound", name=str(error))
        return marker.verdict(check, "skipped", 0, text)
    except AbsentError as error:
        text = marker.say("absent" if str(error) else "absent-value", name=str(error))
        return marker.verdict(check, "skipped", 0, text)
    except UnknownFieldError as error:
        return marker.verdict(check, "cannot-tell", 0, marker.say("no-value", name=str(error)))
    except UsageError as error:
        return marker.verdict(check, "manual", 0, marker.say("no-sense", why=error.line))


def _judge(marker: Marker, check: Check) -> Verdict:
    for pattern in (check.expect, check.none):
        marker.need(pattern)
    for one in check.within:
        marker.value_of(f"{{{one.event}}}")
    if check.claim is not None:
        return _outcome(marker, check, marker.is_true(check.claim), Seen([], 0))
    if check.parts:
        return _parts(marker, check)
    if check.sequence:
        return _sequence(marker, check)
    if check.none is not None:
        found = matching(marker, check, check.none)
        return _outcome(marker, check, not found, Seen(found, len(found)))
    seen = alternatives(marker, check)
    for way in check.ways:
        seen.events += [event for event in matching(marker, check, way) if event not in seen.events]
    is_met = check.count.holds(seen.number) if check.expect else bool(seen.events)
    is_met |= bool(check.ways) and bool(seen.events)
    if is_met and isinstance(check.partial, dict):
        is_met = has_all_phases(seen, check.partial)
    return _outcome(marker, check, is_met, seen)


def _parts(marker: Marker, check: Check) -> Verdict:
    points, unmet, events, met = 0.0, [], [], 0
    rows: list[Recorded] = []
    doubts = []
    for one in check.parts:
        found = counted(matching(marker, check, one.pattern), one.count) if one.pattern else []
        is_met = one.count.holds(len(found)) if one.claim is None else marker.is_true(one.claim)
        events += found
        rows += rows_in(one.claim, marker.names) if one.claim is not None else []
        met += is_met
        points += one.points if is_met else 0
        if not is_met:
            unmet.append(one)
            if one.claim is not None:
                doubts.append(claim_untold(marker, check, one.claim))
            elif one.pattern is not None and len(found) < one.count.least:
                doubts.append(part_untold(marker, check, one.pattern))
    stated = sum(one.points for one in check.parts)
    points = points if stated else check.points * met / len(check.parts)
    if met == len(check.parts):
        marker.bind(check, events)
        text = marker.filled(check.passed, {}) if check.passed else marker.say("parts-met", number=met)
        return marker.verdict(check, "met", max(check.points, 0.0), text, events, rows)
    own = [marker.filled(check.failed, {})] if check.failed else []
    text = telling.joined(marker, own + telling.parts_not_met(marker, unmet))
    word = "partly" if points > 0 else "not-met"
    told = marker.verdict(check, word, max(points, 0.0) if check.points >= 0 else check.points, text, events, rows)
    doubt = next(filter(None, doubts), None)
    return untold(marker, check, doubt, replace(told, points=max(told.points, 0.0))) if doubt else told


def _sequence(marker: Marker, check: Check) -> Verdict:
    chosen: list[Event] = []
    for pattern in check.sequence:
        found = matching(marker, check, pattern)
        known = [one for one in marker.names.values() if isinstance(one, Event) and one in found]
        if not found:
            return _outcome(marker, check, False, Seen(chosen, len(chosen), {"missing": pattern.event}))
        chosen.append((known or found)[0])
    for before, after in pairwise(chosen):
        if after.start_ns < before.start_ns:
            values = {"first_violation": after, "event": after}
            return _outcome(marker, check, False, Seen([after, before], 2, values))
    return _outcome(marker, check, True, Seen(chosen, len(chosen)))


def _outcome(marker: Marker, check: Check, is_met: bool, seen: Seen) -> Verdict:
    if check.distinct and not seen.events and check.points < 0:
        return marker.verdict(check, "skipped", 0, marker.say("nothing-to-judge"))
    if is_met:
        marker.bind(check, seen.events)
    partial = None if is_met or check.points < 0 else partial_credit(marker, check, seen)
    doubt = why_untold(marker, check, seen, is_met=is_met)
    if partial and (doubt is None or partial.verdict == "met"):
        return partial
    if doubt:
        return untold(marker, check, doubt, partial)
    values = {"count": seen.number, "values": [], "event": seen.events[0] if seen.events else None} | seen.values
    rows = rows_in(check.claim, marker.names) if check.claim is not None else []
    if is_met:
        text = marker.filled(check.passed, values) if check.passed else telling.met(marker, check, seen)
        return marker.verdict(check, "met", max(check.points, 0.0), text, seen.events, rows)
    text, near = telling.not_met(marker, check, seen)
    if check.failed and telling.is_fillable(check.failed, marker.names | values):
        own = marker.filled(check.failed, values)
        text = telling.joined(marker, [own, text]) if near else own
    text = telling.joined(marker, [text, *telling.copies(marker, seen)])
    return marker.verdict(check, "not-met", min(check.points, 0.0), text, seen.events, rows or near)
