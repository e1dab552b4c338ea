"""What grading one submission gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.grade.integrity.prints import Prints
    from explain.model import Evidence


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one check or one answer came out.

    Attributes:
        verdict: ``met``, ``partly``, ``not-met``, ``cannot-tell``, ``skipped`` or ``manual``.
        points: what it gives; negative for a penalty.
        max: what it could give; 0 for a penalty.
        says: one sentence for the student.
        hint: what to look at, None where the author gave none or it was met.
        given: of an answer, what the student wrote, made harmless; None for a check.
        key: of an answer, what was right, for the instructor; None where there was no way to tell.
        story: what is told of the frames of the evidence, each sentence with its frames.
        visibility: ``now``, ``after_due`` or ``never``.
        is_bonus: not part of the total.
    """

    id: str
    verdict: str
    points: float
    max: float
    says: str
    evidence: tuple[Evidence, ...] = ()
    hint: str | None = None
    given: str | None = None
    title: str | None = None
    visibility: str = "now"
    is_bonus: bool = False
    key: str | None = None
    story: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Graded:
    """One submission with its verdicts.

    Attributes:
        status: ``graded``, ``could-not-be-graded`` or ``missing``.
        reason: why it could not be graded, None if it was.
        files: what was graded as which capture.
        outside: frames with an end outside the lab, which are counted and not shown; None where nothing tells them.
        prints: for the comparison with the rest of the class, None where there was no capture.
        answers_file: what the answers were read from, None without any.
        aside: files that might have been graded and were not, such as an earlier attempt.
        exchanged: the score that two captures would give under each other's names, where it is higher; else None.
    """

    id: str
    status: str
    score: float
    max: float
    checks: tuple[Verdict, ...] = ()
    answers: tuple[Verdict, ...] = ()
    reason: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    outside: int | None = None
    prints: Prints | None = None
    answers_file: str | None = None
    aside: tuple[str, ...] = ()
    exchanged: float | None = None


def score_of(checks: tuple[Verdict, ...], answers: tuple[Verdict, ...]) -> float:
    """All points, penalties taken off, never below 0; rounded to a hundredth."""
    return max(0.0, round(sum(one.points for one in (*checks, *answers)) + 0.0, 2))
