"""``grade mutate``: which damages a rubric notices, which it misses, and what it takes for damage that is none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import InputError, UsageError
from explain.grade.authoring.copies import read_copy, write_copies
from explain.grade.authoring.damages import Good, damages
from explain.grade.events.of_report import Events
from explain.grade.marking.telling import thing
from explain.grade.running.grading import grade_files, scene_of_files
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.grade.authoring.damages import Damage
    from explain.grade.marking.verdict import Graded
    from explain.grade.rubric.records import Rubric

SENT = ("what",)


@dataclass(frozen=True, slots=True)
class Tried:
    """One damage held against the rubric.

    Attributes:
        number: from 1, also in the names of the files that are kept.
        text: what was done, in the reader's language.
        score: None where it could not be graded.
        checks: by id the verdicts that are no longer what they were.
        is_harmless: it should have cost nothing.
        is_noticed: it cost points or a verdict.
    """

    number: int
    text: str
    message: str
    values: Mapping[str, Any]
    score: float | None
    checks: Mapping[str, str]
    is_harmless: bool
    is_noticed: bool


def good_captures(rubric: Rubric) -> tuple[dict[str, Path], Mapping[str, str]]:
    """The captures and the row of the rubric's own first test with full marks.

    Raises:
        UsageError: there is none.
    """
    here = Path(rubric.path).resolve().parent
    best = [one for one in rubric.trials if one.score is None] or sorted(
        rubric.trials, key=lambda one: -(one.score or 0)
    )
    if not best:
        raise UsageError("grade.no_good_capture")
    first = next(iter(rubric.captures))
    return {name or first: here / file for name, file in best[0].files.items()}, best[0].roster


def mutate(
    rubric: Rubric, files: Mapping[str, Path], roster: Mapping[str, str], language: str, keep: Path | None = None
) -> Iterator[Tried]:
    """Damage good captures and grade each; the damaged ones are written to ``keep``.

    Raises:
        UsageError: a capture is too large to be changed frame by frame, or has no frame.
        NotGradableError: one of them cannot be read.
    """
    scene = scene_of_files(files)
    good = Good(scene, Events(scene), {name: read_copy(path) for name, path in files.items()})
    if not any(copy.frames for copy in good.copies.values()):
        raise UsageError("grade.good_is_empty")
    before = grade_files(rubric, "good", files, None, roster, language)
    with tempfile.TemporaryDirectory(prefix="explain-mutate-") as folder:
        for number, damage in enumerate(damages(good), 1):
            stem = f"{number:03}-{damage.message}"
            written = write_copies(damage.copies, keep or Path(folder), stem)
            yield _tried(number, damage, _graded(rubric, written, roster, language), before, language)
            for path in () if keep else written.values():
                path.unlink()


def _graded(rubric: Rubric, files: Mapping[str, Path], roster: Mapping[str, str], language: str) -> Graded | None:
    try:
        return grade_files(rubric, "damaged", files, None, roster, language)
    except InputError:
        return None


def _tried(number: int, damage: Damage, after: Graded | None, before: Graded, language: str) -> Tried:
    text = say(f"grade_damages.{damage.message}", _said(damage.values, language), language)
    if after is None:
        return Tried(number, text, damage.message, damage.values, None, {}, damage.is_harmless, True)
    pairs = zip(before.checks, after.checks, strict=True)
    changed = {
        one.id: other.verdict for one, other in pairs if (one.verdict, one.points) != (other.verdict, other.points)
    }
    return Tried(number, text, damage.message, damage.values, after.score, changed, damage.is_harmless, bool(changed))


def _said(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {name: thing(value, language) if name in SENT else value for name, value in values.items()}


def gathered(tried: Sequence[Tried], language: str) -> list[tuple[list[int], str]]:
    """What was done, line by line with its numbers; several fields of one event on one line."""
    lines: list[tuple[list[int], str]] = []
    fields: dict[str, list[Tried]] = {}
    for one in tried:
        if one.message == "field":
            fields.setdefault(str(one.values["what"]), []).append(one)
        else:
            lines.append(([one.number], one.text))
    for what, some in fields.items():
        names = [one.values["field"] for one in some]
        message = "fields" if len(names) > 1 else "field"
        text = say(f"grade_damages.{message}", {"what": thing(what, language), "field": names}, language)
        lines.append(([one.number for one in some], text))
    return sorted(lines)
