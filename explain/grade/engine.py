"""Report + Rubric -> Verdict: each check held against the events that it names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade import blind, telling
from explain.grade.around import Lab
from explain.grade.cited import Recorded, evidence, rows_in, rows_of
from explain.grade.expressions import UnboundError, evaluate, fill, names_in, placeholders
from explain.grade.functions import AbsentError
from explain.grade.predicates import holds, value_of
from explain.grade.scene import Event, UnknownFieldError, numbered, part
from explain.grade.verdict import Verdict
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from explain.grade.events import Events
    from explain.grade.rubric import Check, Pattern, Rubric, Within

_MOST_ALTERNATIVES = 50
_SATISFIED = ("met", "partly")
_UNKNOWN = (UnboundError, AbsentError, UnknownFieldError)
_PHASE_FIELDS = {"dhcp.dora": ("acked",), "tcp.handshake": ("complete",)}
"""Fields that say that all phases are there; a check that credits single phases does not ask for them."""


@dataclass(slots=True)
class Seen:
    """What a check found: its events, how many that makes, and what its messages may mention."""

    events: list[Event]
    number: int
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Marker:
    """Marks one submission.

    Attributes:
        joint: events of all captures together.
        alone: makes the events of one capture by its name, as if there were no other.
        lacking: names of the captures that were not handed in.
        lab: whose traffic may be shown.
        names: what expressions know: the roster, variables, events that earlier checks bound.
        bound: all events that fitted where a name was bound.
        verdicts: so far, by id.
    """

    rubric: Rubric
    joint: Events
    alone: Callable[[str], Events]
    roster: Mapping[str, str]
    language: str = "en"
    lacking: tuple[str, ...] = ()
    lab: Lab = field(default_factory=lambda: Lab(()))
    names: dict[str, Any] = field(default_factory=dict)
    bound: dict[str, list[Event]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names["roster"] = dict(self.rubric.me) | dict(self.roster)
        self.names["course_key"] = self.rubric.variables.get("course_key", "")
        for name, value in self.rubric.variables.items():
            try:
                self.names[name] = fill(value, self.names)
            except _UNKNOWN:
                continue  # whoever asks for it is told that it has no value

    def checks(self) -> tuple[Verdict, ...]:
        """The verdicts of all checks, in their order."""
        for check in self.rubric.checks:
            self.verdicts[check.id] = self._check(check)
        return tuple(self.verdicts[check.id] for check in self.rubric.checks)

    def unmet(self, needs: Sequence[str]) -> list[str]:
        """Those of some checks that are not met, not even partly."""
        return [one for one in needs if one not in self.verdicts or not _is_satisfied(self.verdicts[one])]

    def _check(self, check: Check) -> Verdict:
        missing = self.unmet(check.needs)
        if missing:
            return self._verdict(check, "skipped", 0, self._say("skipped", needs=missing))
        try:
            return self._judge(check)
        except UnboundError as error:
            makers = [one.id for one in self.rubric.checks if str(error) in (one.bind, one.id)]
            text = self._say("skipped", needs=makers) if makers else self._say("unbound", name=str(error))
            return self._verdict(check, "skipped", 0, text)
        except AbsentError as error:
            return self._verdict(check, "skipped", 0, self._say("absent", name=str(error)))
        except UnknownFieldError as error:
            return self._verdict(check, "cannot-tell", 0, self._say("no-value", name=str(error)))
        except UsageError as error:
            return self._verdict(check, "manual", 0, self._say("no-sense", why=str(error)))

    def _judge(self, check: Check) -> Verdict:
        for pattern in (check.expect, check.none):
            self._need(pattern)
        for one in check.within:
            self._value_of(f"{{{one.event}}}")
        if check.claim is not None:
            return self._outcome(check, self._is_true(check.claim), Seen([], 0))
        if check.parts:
            return self._parts(check)
        if check.sequence:
            return self._sequence(check)
        if check.none is not None:
            found = self._matching(check, check.none)
            return self._outcome(check, not found, Seen(found, len(found)))
        seen = self._alternatives(check)
        for way in check.ways:
            seen.events += [event for event in self._matching(check, way) if event not in seen.events]
        is_met = check.count.holds(seen.number) if check.expect else bool(seen.events)
        is_met |= bool(check.ways) and bool(seen.events)
        if is_met and isinstance(check.partial, dict):
            is_met = self._has_all_phases(seen, check.partial)
        return self._outcome(check, is_met, seen)

    def _has_all_phases(self, seen: Seen, phases: Mapping[str, float]) -> bool:
        """Whether one of the events has all phases that are credited; it is then the first."""
        whole = [event for event in seen.events if all(value_of(event, name) for name in phases)]
        seen.events.sort(key=lambda event: event not in whole)
        return bool(whole)

    # -- finding events

    def source(self, check: Check) -> Events:
        """The events that a check looks at."""
        return self.alone(check.capture) if check.capture else self.joint

    def not_handed_in(self, check: Check, wanted: Pattern) -> tuple[str, ...]:
        """Captures that are missing and that the check needs: the one it names, or both sides of a translation."""
        if check.capture is not None:
            return tuple(one for one in self.lacking if one == check.capture)
        return self.lacking if wanted.event.startswith("nat.") else ()

    def _matching(self, check: Check, pattern: Pattern) -> list[Event]:
        return [
            event
            for event in self.source(check).of(pattern.event)
            if holds(event, pattern.where, self.names)
            and all(self._is_within(event, one) for one in check.within)
            and not blind.is_skewed(event, check.skew_ns)
        ]

    def _is_within(self, event: Event, within: Within) -> bool:
        late = self.lateness_ns(event, within)
        return late is not None and 0 <= late <= within.span_ns

    def lateness_ns(self, event: Event, within: Within) -> int | None:
        """Nanoseconds from the event that is bound to this one, or back for ``before``; None where it is not there."""
        told = evaluate(within.event, self.names)
        if told is None:
            return None
        moment = told.start_ns if isinstance(told, Event) else round(float(part(told, "time")) * 1e9)
        return event.start_ns - moment if within.side == "after" else moment - event.start_ns

    def _alternatives(self, check: Check) -> Seen:
        """What a check finds; where a bound event leads nowhere, the other events that fitted its name are tried."""
        seen = self._seen(check)
        if check.expect is None or check.count.holds(seen.number):
            return seen
        for name in self._asked(check):
            first = self.names.get(name)
            for other in self.bound.get(name, [])[1:_MOST_ALTERNATIVES]:
                self.names[name] = other
                again = self._seen(check)
                if check.count.holds(again.number):
                    return again
            self.names[name] = first
        return seen

    def _asked(self, check: Check) -> list[str]:
        texts = [one.value for one in check.expect.where] if check.expect else []
        asked = [inner for text in texts if isinstance(text, str) for inner in placeholders(text)]
        asked += [one.event for one in check.within]
        return [
            name for name in dict.fromkeys(path[0] for one in asked for path in names_in(one)) if name in self.bound
        ]

    def _seen(self, check: Check) -> Seen:
        if check.expect is None:
            return Seen([], 0)
        found = self._matching(check, check.expect)
        if check.distinct:
            values = list(dict.fromkeys(str(value_of(event, check.distinct)) for event in found))
            return Seen(found, len(values), {"values": values})
        if check.window_ns is not None:
            found = _busiest(found, check.window_ns)
        return Seen(found, len(found))

    # -- judging

    def _need(self, pattern: Pattern | None) -> None:
        """Ask for every value that a pattern compares with, also where no event is there to be compared."""
        for one in pattern.where if pattern else ():
            for value in one.value if isinstance(one.value, list) else [one.value]:
                self._value_of(value)

    def _value_of(self, template: Any) -> None:
        if fill(template, self.names) is None:
            raise AbsentError(str(template).strip("{}"))

    def _is_true(self, claim: str) -> bool:
        try:
            return bool(evaluate(claim, self.names))
        except AbsentError:
            return False

    def _parts(self, check: Check) -> Verdict:
        points, unmet, events, met = 0.0, [], [], 0
        rows: list[Recorded] = []
        is_lack = False
        for one in check.parts:
            found = self._matching(check, one.pattern) if one.pattern else []
            is_met = one.count.holds(len(found)) if one.claim is None else self._is_true(one.claim)
            events += found
            rows += rows_in(one.claim, self.names) if one.claim is not None else []
            met += is_met
            points += one.points if is_met else 0
            if not is_met:
                unmet.append(one)
                is_lack |= bool(telling.lacking(self, one.claim)) if one.claim else len(found) < one.count.least
        stated = sum(one.points for one in check.parts)
        points = points if stated else check.points * met / len(check.parts)
        if met == len(check.parts):
            self._bind(check, events)
            text = self._filled(check.passed, {}) if check.passed else self._say("parts-met", number=met)
            return self._verdict(check, "met", max(check.points, 0.0), text, events, rows)
        own = [self._filled(check.failed, {})] if check.failed else []
        text = telling.joined(self, own + telling.parts_not_met(self, unmet))
        word = "partly" if points > 0 else "not-met"
        told = self._verdict(check, word, max(points, 0.0) if check.points >= 0 else check.points, text, events, rows)
        reason = self._lost(check) if is_lack else None
        return self._untold(check, reason, replace(told, points=max(told.points, 0.0))) if reason else told

    def _sequence(self, check: Check) -> Verdict:
        chosen: list[Event] = []
        for pattern in check.sequence:
            found = self._matching(check, pattern)
            known = [one for one in self.names.values() if isinstance(one, Event) and one in found]
            if not found:
                return self._outcome(check, False, Seen(chosen, len(chosen), {"missing": pattern.event}))
            chosen.append((known or found)[0])
        for before, after in pairwise(chosen):
            if after.start_ns < before.start_ns:
                values = {"first_violation": after, "event": after}
                return self._outcome(check, False, Seen([after, before], 2, values))
        return self._outcome(check, True, Seen(chosen, len(chosen)))

    def _outcome(self, check: Check, is_met: bool, seen: Seen) -> Verdict:
        if check.distinct and not seen.events and check.points < 0:
            return self._verdict(check, "skipped", 0, self._say("nothing-to-judge"))
        if is_met:
            self._bind(check, seen.events)
        partial = None if is_met or check.points < 0 else self._partial(check, seen)
        reason = self._blind(check, is_met, seen)
        if partial and (reason is None or partial.verdict == "met"):
            return partial
        if reason:
            return self._untold(check, reason, partial)
        values = {"count": seen.number, "values": [], "event": seen.events[0] if seen.events else None} | seen.values
        rows = rows_in(check.claim, self.names) if check.claim is not None else []
        if is_met:
            text = self._filled(check.passed, values) if check.passed else telling.met(self, check, seen)
            return self._verdict(check, "met", max(check.points, 0.0), text, seen.events, rows)
        text, near = telling.not_met(self, check, seen)
        if check.failed and telling.is_fillable(check.failed, self.names | values):
            own = self._filled(check.failed, values)
            text = telling.joined(self, [own, text]) if near else own
        return self._verdict(check, "not-met", min(check.points, 0.0), text, seen.events, rows or near)

    def _untold(self, check: Check, reason: str, partial: Verdict | None) -> Verdict:
        """What cannot be told; what could be seen of it keeps its points."""
        why = self._say(f"blind.{reason}")
        if partial is None:
            return self._verdict(check, "cannot-tell", 0, why)
        return replace(partial, verdict="cannot-tell", says=telling.joined(self, [partial.says, why]))

    def _blind(self, check: Check, is_met: bool, seen: Seen) -> str | None:
        """Why an absence proves nothing here; None where something was seen, or would have been."""
        wanted = check.none or check.expect
        if check.sequence and "missing" in seen.values:
            wanted = next(one for one in check.sequence if one.event == seen.values["missing"])
        if wanted is None:
            return self._lost(check) if check.claim and not is_met and telling.lacking(self, check.claim) else None
        is_absence = (check.none is not None or check.count.least == 0) and is_met
        is_lack = not is_met and check.none is None and (bool(check.sequence) or seen.number < check.count.least)
        if not (is_absence or is_lack):
            return None
        scene = self.source(check).scene
        if is_lack and blind.skews(self.source(check).of(wanted.event), wanted, self.names, check.skew_ns):
            return "skewed"
        return blind.hides_absence(scene, wanted, self.names, is_lack=is_lack)

    def _lost(self, check: Check) -> str | None:
        """Why something may have been there that is not in the captures; None for one that holds no frame at all."""
        reason = self.source(check).scene.loses_frames()
        return None if reason == "missing" else reason

    def _partial(self, check: Check, seen: Seen) -> Verdict | None:
        for row in check.credit:
            found = seen.events if row.pattern is None else self._matching(check, row.pattern)
            if row.pattern is not None and found and row.points:
                word = "met" if row.points >= check.points else "partly"
                self._bind(check, found)
                text = self._filled(row.say, {"event": found[0]}) if row.say else self._nearly(found)
                return self._verdict(check, word, min(row.points, check.points), text, found)
        if check.partial == "linear" and 0 < seen.number < check.count.least:
            self._bind(check, seen.events)
            points = round(check.points * seen.number / check.count.least, 4)
            text = self._say("some", number=seen.number, wanted=check.count.least)
            return self._verdict(check, "partly", points, text, seen.events)
        if isinstance(check.partial, dict) and check.expect:
            return self._phases(check, check.partial)
        return None

    def _nearly(self, found: Sequence[Event]) -> str:
        name = telling.thing(found[0].name, self.language)
        return self._say("found", what=name, frame=numbered(found[0]))

    def _phases(self, check: Check, phases: Mapping[str, float]) -> Verdict | None:
        if check.expect is None:
            return None
        relaxed = _PHASE_FIELDS.get(check.expect.event, ())
        where = tuple(one for one in check.expect.where if one.field not in relaxed)
        best: tuple[float, list[str], Event] | None = None
        for event in self.source(check).of(check.expect.event):
            if holds(event, where, self.names):
                there = [name for name in phases if value_of(event, name)]
                points = sum(phases[name] for name in there)
                if there and (best is None or points > best[0]):
                    best = points, there, event
        if best is None:
            return None
        self._bind(check, [best[2]])
        lacking = [name for name in phases if name not in best[1]]
        text = self._say("phases", there=best[1], lacking=lacking)
        return self._verdict(check, "partly", best[0], text, [best[2]])

    def _bind(self, check: Check, events: Sequence[Event]) -> None:
        self.names[check.id] = list(events)
        if check.bind and events:
            self.names[check.bind] = events[0]
            self.bound[check.bind] = list(events)

    # -- telling

    def _say(self, message: str, **values: Any) -> str:
        return say(f"grade.{message}", values, self.language)

    def _filled(self, template: str | None, values: Mapping[str, Any]) -> str:
        return telling.filled(template or "", self.names | dict(values))

    def _verdict(
        self,
        check: Check,
        word: str,
        points: float,
        says: str,
        events: Iterable[Event] = (),
        rows: Sequence[Recorded] = (),
    ) -> Verdict:  # fmt: skip
        hint = self._filled(check.hint, {}) if check.hint and word not in ("met", "skipped") else None
        cited = [place for event in events for place in rows_of(event)] + list(rows)
        return Verdict(
            check.id, word, round(points + 0.0, 4), max(check.points, 0.0), says,
            evidence(cited, self.joint.scene.names), hint, None, check.title, check.visibility, check.is_optional,
        )  # fmt: skip


def _is_satisfied(told: Verdict) -> bool:
    return told.verdict in _SATISFIED or (told.verdict == "cannot-tell" and told.points > 0)


def _busiest(events: list[Event], window_ns: int) -> list[Event]:
    """Of all spans of that length, the events of the one that has most."""
    best: tuple[int, int] = (0, 0)
    first = 0
    for last in range(len(events)):
        while events[last].start_ns - events[first].start_ns > window_ns:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = first, last + 1
    return events[best[0] : best[1]]
