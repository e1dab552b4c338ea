"""A rubric as checked records: what an instructor asks of a capture, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.grade.language.predicates import Predicate

ANSWER_TYPES = (
    "int", "uint32", "hex", "number", "duration", "mac", "ip", "ip:port", "set", "table", "choice", "text", "frame",
    "offset", "string",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """How many are asked for, both bounds included; ``most`` None is any number."""

    least: int = 1
    most: int | None = None

    def holds(self, number: int) -> bool:
        """Whether a number is within the bounds."""
        return number >= self.least and (self.most is None or number <= self.most)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Events of a name for which all predicates hold."""

    event: str
    where: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Within:
    """A time against an event that is bound: ``after`` or ``before`` it, at most so many nanoseconds."""

    span_ns: int
    side: str
    event: str


@dataclass(frozen=True, slots=True)
class Credit:
    """A row of points for what was nearly right; the first that matches counts.

    Attributes:
        pattern: None for the whole check as it stands.
        points: as many as the row is worth.
        say: what the student is told.
    """

    pattern: Pattern | None
    points: float
    say: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts of ``all_of``: an assertion or a pattern with points of its own."""

    claim: str | None
    pattern: Pattern | None
    count: Count
    points: float
    fail: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a capture should show.

    Attributes:
        points: negative for a penalty, taken off when the check fails.
        expect: events that must be there, ``count`` of them.
        none: events that must not be there.
        sequence: events that must come in this order.
        claim: an expression that must be true.
        parts: of ``all_of``, each with its points.
        ways: of ``any_of``, one of which is enough.
        skew_ns: how far the clocks of the two places of a translated packet may be apart.
        bind: the name under which later checks know the first event.
        needs: ids of checks without which this one is skipped.
        partial: ``linear``, or phases with their points.
        is_optional: a bonus, which is not part of the total.
        visibility: ``now``, ``after_due`` or ``never``.
    """

    id: str
    points: float
    title: str | None = None
    capture: str | None = None
    expect: Pattern | None = None
    none: Pattern | None = None
    sequence: tuple[Pattern, ...] = ()
    claim: str | None = None
    parts: tuple[Part, ...] = ()
    ways: tuple[Pattern, ...] = ()
    count: Count = field(default_factory=Count)
    distinct: str | None = None
    within: tuple[Within, ...] = ()
    window_ns: int | None = None
    skew_ns: int | None = None
    bind: str | None = None
    needs: tuple[str, ...] = ()
    partial: str | Mapping[str, float] | None = None
    credit: tuple[Credit, ...] = ()
    is_optional: bool = False
    passed: str | None = None
    failed: str | None = None
    hint: str | None = None
    visibility: str = "now"


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A known mistake: its value, what it is worth, what the student is told."""

    value: Any
    points: float
    say: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer follows from the student's own capture.

    Attributes:
        type: one of ``ANSWER_TYPES``.
        key: the right answer, text in braces filled from the capture.
        follow_through: the id of an earlier question: the same step from its wrong answer is right here.
        columns: of a table, the type of each.
    """

    id: str
    ask: str
    type: str
    points: float
    key: Any
    wrong: tuple[WrongAnswer, ...] = ()
    relative: float = 0.0
    absolute: float = 0.0
    partial: str | None = None
    follow_through: str | None = None
    columns: Mapping[str, str] | None = None
    choices: tuple[str, ...] = ()
    is_manual: bool = False
    keywords: tuple[str, ...] = ()
    hint: str | None = None
    needs: tuple[str, ...] = ()
    visibility: str = "now"


@dataclass(frozen=True, slots=True)
class Limits:
    """What grading one submission may take."""

    octets: int = 200_000_000
    packets: int = 2_000_000
    seconds: float = 60.0
    memory: int = 1_500_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """A capture of the author with the marks that it must get (``grade test``).

    Attributes:
        files: paths relative to the rubric, by the names of the captures.
        score: None for full marks.
        checks: verdicts that these checks must get.
    """

    name: str
    files: Mapping[str, str]
    answers: str | None
    roster: Mapping[str, str]
    score: float | None
    checks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rubric:
    """All checks and questions of a lab.

    Attributes:
        captures: by name the file that a student hands in.
        interfaces: by name what the interface of a capture may be called, where one file has several.
        answers: the file with the answers, None if there are no questions.
        roster: a CSV beside the rubric, None without one.
        variables: expressions by name.
        total: all points but bonus and penalties.
        me: the row of the roster for a submission of whom there is none.
        networks: of the lab; what leaves them is counted and not shown. Empty where nothing says which they are.
        reveals: whether students may see right answers.
        is_packed: a student's rubric, without keys.
    """

    path: str
    title: str
    captures: Mapping[str, str]
    answers: str | None
    roster: str | None
    variables: Mapping[str, Any]
    limits: Limits
    checks: tuple[Check, ...]
    questions: tuple[Question, ...]
    total: float
    integrity: Mapping[str, Any]
    trials: tuple[Trial, ...]
    me: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    reveals: bool = False
    is_packed: bool = False
    interfaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def worth(checks: tuple[Check, ...], questions: tuple[Question, ...]) -> float:
    """The points of all but bonus and penalties."""
    positive = [max(0.0, one.points) for one in checks if not one.is_optional]
    return sum(positive) + sum(max(0.0, one.points) for one in questions)
