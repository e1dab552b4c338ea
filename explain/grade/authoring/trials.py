"""``grade test``: a rubric's own captures must get the marks that it says (R24)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explain.errors import InputError, reason_of
from explain.grade.running.grading import grade_files
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.grade.rubric.records import Rubric, Trial


def run_trials(rubric: Rubric, language: str = "en") -> Iterator[tuple[str, list[str]]]:
    """Each trial's name and what is not as stated."""
    for trial in rubric.trials:
        yield trial.name, _trial(rubric, trial, language)


def _trial(rubric: Rubric, trial: Trial, language: str) -> list[str]:
    here = Path(rubric.path).resolve().parent
    first = next(iter(rubric.captures))
    files = {name or first: here / file for name, file in trial.files.items()}
    answers = here / trial.answers if trial.answers else None
    try:
        graded = grade_files(rubric, trial.name, files, answers, trial.roster, language)
    except InputError as error:
        return [error.told(language)]
    except OSError as error:
        return [say("errors.at.reason", {"path": error.filename, "reason": reason_of(error)}, language)]

    def told(message: str, **values: object) -> str:
        return say(f"talk.trial.{message}", values, language)

    wanted = rubric.total if trial.score is None else trial.score
    wrong = (
        [] if abs(graded.score - wanted) < 0.005 else [told("points", points=f"{graded.score:g}", wanted=f"{wanted:g}")]
    )
    verdicts = {one.id: one for one in (*graded.checks, *graded.answers)}
    for name, verdict in trial.checks.items():
        if name not in verdicts:
            wrong.append(told("no_check", name=name))
        elif verdicts[name].verdict != verdict:
            seen = verdicts[name]
            wrong.append(told("verdict", name=name, seen=seen.verdict, wanted=verdict, says=seen.says))
    if wrong and trial.score is None:
        wrong += [f"{one.id}: {one.says}" for one in verdicts.values() if one.points < one.max and not one.is_bonus]
    return wrong
