"""Report + Rubric -> Verdict: each check held against the events that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.expressions import UnboundError, evaluate, fill, names_in, placeholders, shown
from explain.grade.functions import AbsentError
from explain.grade.predicates import holds, value_of
from explain.grade.scene import Event, UnknownFieldError, part
from explain.grade.verdict import Verdict
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from explain.grade.events import Events
    from explain.grade.rubric import Check, Pattern, Rubric, Within
    from explain.model import Evidence

_MOST_ALTERNATIVES = 50
_MOST_CITED = 200
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
        names: what expressions know: the roster, variables, events that earlier checks bound.
        bound: all events that fitted where a name was bound.
        verdicts: so far, by id.
    """

    rubric: Rubric
    joint: Events
    alone: Callable[[str], Events]
    roster: Mapping[str, str]
    language: str = "en"
    names: dict[str, Any] = field(default_factory=dict)
    bound: dict[str, list[Event]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names["roster"] = dict(self.roster)
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

    def _check(self, check: Check) -> Verdict:
        missing = [
            one for one in check.needs if one not in self.verdicts or self.verdicts[one].verdict not in _SATISFIED
        ]
        if missing:
            return self._verdict(check, "skipped", 0, self._say("skipped", needs=missing))
        try:
            return self._judge(check)
        except UnboundError as error:
            return self._verdict(check, "skipped", 0, self._say("unbound", name=str(error)))
        except UnknownFieldError as error:
            return self._verdict(check, "cannot-tell", 0, self._say("no-value", name=str(error)))
        except UsageError as error:
            return self._verdict(check, "manual", 0, self._say("no-sense", why=str(error)))

    def _judge(self, check: Check) -> Verdict:
        for pattern in (check.expect, check.none):
            self._need(pattern)
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
        return self._outcome(check, is_met, seen)

    # -- finding events

    def _source(self, check: Check) -> Events:
        return self.alone(check.capture) if check.capture else self.joint

    def _matching(self, check: Check, pattern: Pattern) -> list[Event]:
        return [
            event
            for event in self._source(check).of(pattern.event)
            if holds(event, pattern.where, self.names) and all(self._is_within(event, one) for one in check.within)
        ]

    def _is_within(self, event: Event, within: Within) -> bool:
        told = evaluate(within.event, self.names)
        if told is None:
            return False
        moment = told.start_ns if isinstance(told, Event) else round(float(part(told, "time")) * 1e9)
        late = event.start_ns - moment if within.side == "after" else moment - event.start_ns
        return 0 <= late <= within.span_ns

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
                fill(value, self.names)

    def _is_true(self, claim: str) -> bool:
        try:
            return bool(evaluate(claim, self.names))
        except AbsentError:
            return False

    def _parts(self, check: Check) -> Verdict:
        points, said, events, met = 0.0, [], [], 0
        for one in check.parts:
            found = self._matching(check, one.pattern) if one.pattern else []
            is_met, is_there = one.count.holds(len(found)), True
            if one.claim is not None:
                try:
                    is_met = bool(evaluate(one.claim, self.names))
                except AbsentError:
                    is_met = is_there = False
            events += found
            met += is_met
            points += one.points if is_met else 0
            if not is_met:
                said.append(
                    self._filled(one.fail, {})
                    if one.fail and is_there
                    else self._say("part", what=_what(one.claim, one.pattern))
                )
        stated = sum(one.points for one in check.parts)
        points = points if stated else check.points * met / len(check.parts)
        if met == len(check.parts):
            return self._outcome(check, True, Seen(events, len(events)))
        text = " ".join(([self._filled(check.failed, {})] if check.failed else []) + said)
        word = "partly" if points > 0 else "not-met"
        return self._verdict(check, word, max(points, 0.0) if check.points >= 0 else check.points, text, events)

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
        blind = self._blind(check, is_met, seen)
        if is_met:
            self._bind(check, seen.events)
        if blind:
            return self._verdict(check, "cannot-tell", 0, self._say(f"blind.{blind}"))
        values = {"count": seen.number, "values": [], "event": seen.events[0] if seen.events else None} | seen.values
        if is_met:
            text = self._filled(check.passed, values) if check.passed else self._default(check, "met", seen)
            return self._verdict(check, "met", max(check.points, 0.0), text, seen.events)
        if check.points < 0:
            return self._verdict(check, "not-met", check.points, self._failed(check, values, seen), seen.events)
        return self._partial(check, seen) or self._verdict(
            check, "not-met", 0, self._failed(check, values, seen), seen.events
        )

    def _blind(self, check: Check, is_met: bool, seen: Seen) -> str | None:
        """Why an absence proves nothing here; None where something was seen, or would have been."""
        wanted = check.none or check.expect
        if wanted is None:
            return None
        is_absence = (check.none is not None or check.count.least == 0) and is_met
        is_lack = not is_met and check.none is None and seen.number < check.count.least and not check.ways
        if not (is_absence or is_lack):
            return None
        scene = self._source(check).scene
        reason = scene.loses_frames()
        if is_lack:
            return reason if reason in ("dropped", "cut") and not seen.events and not check.credit else None
        if reason is None and wanted.event.startswith("tcp.") and not any(one.field == "flow" for one in wanted.where):
            columns = scene.report.exchanges.of_kind("tcp.connection")
            reason = "midstream" if columns is not None and len(columns.where("midstream")) else None
        return reason

    def _partial(self, check: Check, seen: Seen) -> Verdict | None:
        for row in check.credit:
            found = seen.events if row.pattern is None else self._matching(check, row.pattern)
            if row.pattern is not None and found and row.points:
                word = "met" if row.points >= check.points else "partly"
                self._bind(check, found)
                text = self._filled(row.say, {"event": found[0]}) if row.say else self._default(check, word, seen)
                return self._verdict(check, word, min(row.points, check.points), text, found)
        if check.partial == "linear" and 0 < seen.number < check.count.least:
            self._bind(check, seen.events)
            points = round(check.points * seen.number / check.count.least, 4)
            text = self._say("some", number=seen.number, wanted=check.count.least)
            return self._verdict(check, "partly", points, text, seen.events)
        if isinstance(check.partial, dict) and check.expect:
            return self._phases(check, check.partial)
        return None

    def _phases(self, check: Check, phases: Mapping[str, float]) -> Verdict | None:
        if check.expect is None:
            return None
        relaxed = _PHASE_FIELDS.get(check.expect.event, ())
        where = tuple(one for one in check.expect.where if one.field not in relaxed)
        best: tuple[float, list[str], Event] | None = None
        for event in self._source(check).of(check.expect.event):
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

    def _failed(self, check: Check, values: Mapping[str, Any], seen: Seen) -> str:
        return self._filled(check.failed, values) if check.failed else self._default(check, "not-met", seen)

    def _default(self, check: Check, word: str, seen: Seen) -> str:
        what = _what(check.claim, check.expect or check.none) or check.title or check.id
        if check.sequence:
            what = ", ".join(one.event for one in check.sequence)
        if seen.events and (check.none is not None or word == "met"):
            frame = seen.events[0].fields["frame"]
            return self._say("found" if word == "met" else "unwanted", what=what, frame=frame)
        if word == "met":
            return self._say("met", what=what)
        return self._say("too-many" if check.expect and seen.number > check.count.least else "lacking", what=what,
                         number=seen.number)  # fmt: skip

    def _say(self, message: str, **values: Any) -> str:
        return say(f"grade.{message}", values, self.language)

    def _filled(self, template: str | None, values: Mapping[str, Any]) -> str:
        return filled(template or "", self.names | dict(values))

    def _verdict(self, check: Check, word: str, points: float, says: str, events: Iterable[Event] = ()) -> Verdict:
        hint = self._filled(check.hint, {}) if check.hint and word not in ("met", "skipped") else None
        return Verdict(
            check.id, word, round(points + 0.0, 4), max(check.points, 0.0), says, self.evidence(check, events), hint,
            None, check.title, check.visibility, check.is_optional,
        )  # fmt: skip

    def evidence(self, check: Check | None, events: Iterable[Event]) -> tuple[Evidence, ...]:
        """The frames of some events."""
        rows = [row for event in events for row in event.rows][:_MOST_CITED]
        events_of = self._source(check) if check else self.joint
        found = events_of.scene.report.packets.evidence(rows) if rows else ()
        if check and check.capture:
            number = list(self.rubric.captures).index(check.capture)
            return tuple(type(one)(number, one.interface, one.frames) for one in found)
        return found


def filled(template: str, names: Mapping[str, Any]) -> str:
    """An author's message with its braces filled; a value that is not there reads as such, and none can act."""
    text = template
    pieces = []
    for inner in placeholders(template):
        before, _, text = text.partition("{" + inner + "}")
        try:
            value = shown(evaluate(inner, names))
        except (UnboundError, AbsentError, UnknownFieldError, UsageError):
            value = "?"
        pieces += [before, visible(value)]
    return "".join([*pieces, text])


def _what(claim: str | None, pattern: Pattern | None) -> str:
    if claim is not None:
        return claim
    return pattern.event if pattern else ""


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
