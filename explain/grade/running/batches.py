"""Some submissions graded one after the other in one process, each in a child of its own: what an executor runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.hand_ins.submissions import files_below
from explain.grade.pages.form import failed_form
from explain.grade.running.isolation import grade_apart, load_all
from explain.grade.running.kept import Kept, content_of, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.rubric.records import Rubric

Batch = list[tuple[int, "Submission"]]
Forms = list[tuple[int, dict[str, Any]]]

_MOST = 50  # submissions in a batch


@dataclass(frozen=True, slots=True)
class Work:
    """What every batch of a run has in common.

    Attributes:
        folder: for what is unpacked; each submission has a folder in it, by its number, while it is graded.
        kept: what was found out before.
    """

    rubric: Rubric
    language: str
    folder: Path
    kept: Kept


def grade_batch(work: Work, batch: Batch) -> Forms:
    """Grade one submission after the other."""
    load_all()
    return [(number, _grade(work, number, submission)) for number, submission in batch]


def in_batches(submissions: Sequence[Submission], workers: int, least: int = 1) -> list[Batch]:
    """Batches of a size that leaves each worker several; who handed in nothing is in none.

    Args:
        submissions: of a class.
        workers: how many batches are graded at a time.
        least: in a batch, as long as that leaves no worker without one.
    """
    numbered = [(number, one) for number, one in enumerate(submissions) if one.paths]
    several, one_each = (-(-len(numbered) // (workers * times)) for times in (8, 1))
    size = max(1, min(_MOST, max(several, min(least, one_each))))
    return [numbered[at : at + size] for at in range(0, len(numbered), size)]


def _grade(work: Work, number: int, submission: Submission) -> dict[str, Any]:
    key = _key(work, submission) if work.kept.folder is not None else None
    known = work.kept.marks(key) if key is not None else None
    if known is not None:
        return known | {"id": submission.id, "analysed": 0}
    folder = work.folder / str(number)
    folder.mkdir(mode=0o700, exist_ok=True)  # if this process dies, it tells at what
    form, is_lasting = grade_apart(work.rubric, submission, folder, work.language, work.kept)
    if key is not None and is_lasting:
        work.kept.keep_marks(key, form)
    return form


def _key(work: Work, submission: Submission) -> str | None:
    """The key of a submission's marks; None where it cannot be told what it holds."""
    rubric = work.rubric
    try:
        files = files_below(submission.paths)
    except UsageError:
        return None
    most = rubric.limits.octets * (len(rubric.captures) + 1)
    names = [(_name(file, submission), file) for file in files]
    content = content_of(names, most)
    if content is None:
        return None
    times = sorted(range(len(files)), key=lambda at: files[at].stat().st_mtime_ns)  # of several, the last one counts
    return key_of("marks", asdict(replace(rubric, path="")), dict(submission.roster), work.language, content, times)


def _name(file: Path, submission: Submission) -> str:
    for at, path in enumerate(submission.paths):
        if file.is_relative_to(path):
            return f"{at}/{path.name}/{file.relative_to(path)}"
    return file.name


def gave_up(work: Work, submission: Submission) -> dict[str, Any]:
    """The form of a submission whose whole process was killed, again and again."""
    return failed_form(work.rubric, submission.id, "could-not-be-graded", "the process that graded it was killed")
