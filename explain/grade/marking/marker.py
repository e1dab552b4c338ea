"""What is known while one submission is marked: its events, the names that are bound, the verdicts so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explain.grade.events.event import Event, UnknownFieldError
from explain.grade.language.cited import Recorded, evidence, rows_of
from explain.grade.language.expressions import UnboundError, evaluate, fill
from explain.grade.language.functions import AbsentError
from explain.grade.marking import telling
from explain.grade.marking.around import LabNetworks
from explain.grade.marking.verdict import Verdict
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from explain.grade.events.of_report import Events
    from explain.grade.rubric.records import Check, Pattern, Rubric

_SATISFIED = ("met", "partly")
_UNKNOWN = (UnboundError, AbsentError, UnknownFieldError)


@dataclass(slots=True)
class Marker:
    """One submission while it is marked.

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
    lab: LabNetworks = field(default_factory=lambda: LabNetworks(()))
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

    def unmet(self, needs: Sequence[str]) -> list[str]:
        """Those of some checks that are not met, not even partly."""
        return [one for one in needs if one not in self.verdicts or not _is_satisfied(self.verdicts[one])]

    def titles(self, ids: Sequence[str]) -> list[str]:
        """What checks are called where a student reads of them; one that is not shown, and a question, keeps its id."""
        shown = {one.id: one.title for one in self.rubric.checks if one.title and one.visibility == "now"}
        return [shown.get(one, one) for one in ids]

    def source(self, check: Check) -> Events:
        """The events that a check looks at."""
        return self.alone(check.capture) if check.capture else self.joint

    def bind(self, check: Check, events: Sequence[Event]) -> None:
        """Give what a check found the names under which later ones speak of it."""
        self.names[check.id] = list(events)
        if check.bind and events:
            self.names[check.bind] = events[0]
            self.bound[check.bind] = list(events)

    def need(self, pattern: Pattern | None) -> None:
        """Ask for every value that a pattern compares with, also where no event is there to be compared."""
        for one in pattern.where if pattern else ():
            for value in one.value if isinstance(one.value, list) else [one.value]:
                self.value_of(value)

    def value_of(self, template: Any) -> None:
        """Ask for one value.

        Raises:
            AbsentError: the packets do not have it.
        """
        if fill(template, self.names) is None:
            raise AbsentError(str(template).strip("{}"))

    def is_true(self, claim: str) -> bool:
        """Whether a claim holds; one about what is not there does not."""
        try:
            return bool(evaluate(claim, self.names))
        except AbsentError:
            return False

    def say(self, message: str, **values: Any) -> str:
        """A sentence of the table ``grade``."""
        return say(f"grade.{message}", values, self.language)

    def filled(self, template: str | None, values: Mapping[str, Any]) -> str:
        """An author's message with what it mentions."""
        return telling.filled(template or "", self.names | dict(values))

    def verdict(
        self,
        check: Check,
        word: str,
        points: float,
        says: str,
        events: Iterable[Event] = (),
        rows: Sequence[Recorded] = (),
    ) -> Verdict:  # fmt: skip
        """How a check came out, with the frames of some events and rows."""
        hint = self.filled(check.hint, {}) if check.hint and word not in ("met", "skipped") else None
        cited = [place for event in events for place in rows_of(event)] + list(rows)
        return Verdict(
            id=check.id,
            verdict=word,
            points=round(points + 0.0, 4),
            max=max(check.points, 0.0),
            says=says,
            evidence=evidence(cited, self.joint.scene.names),
            hint=hint,
            given=None,
            title=check.title,
            visibility=check.visibility,
            is_bonus=check.is_optional,
        )


def _is_satisfied(told: Verdict) -> bool:
    return told.verdict in _SATISFIED or (told.verdict == "cannot-tell" and told.points > 0)
