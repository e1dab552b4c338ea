"""What waits for a person: free answers in a table that is filled in at any pace and read again by the next run."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.errors import InputError, UnreadableError
from explain.grade.pages.gradebooks import cell
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from explain.grade.rubric.records import Rubric

QUEUE = "review.csv"
COLUMNS = ("student", "question", "asked", "answer", "mentions", "frames", "max", "points", "remark")
_LARGEST = 64 << 20
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Waiting:
    """One answer for a person to read.

    Attributes:
        answer: what the student wrote, made harmless; empty where a check itself needs a person.
        mentions: which of the author's keywords are in it: a suggestion, never a mark.
        frames: what the student's own capture shows of it.
        points: what a person gave, None while it waits.
        remark: what that person says to the student.
    """

    student: str
    question: str
    asked: str
    answer: str
    mentions: tuple[str, ...]
    frames: str
    max: float
    points: float | None = None
    remark: str = ""


def waiting(rubric: Rubric, told: Mapping[str, Any]) -> list[Waiting]:
    """All answers of a class that a person has to read, student by student."""
    keywords = {one.id: one.keywords for one in rubric.questions}
    return [
        Waiting(
            form["id"], one["id"], one["title"] or one["id"], one["given"] or "",
            _mentioned(keywords.get(one["id"], ()), one["given"] or ""), _frames(one["evidence"]), one["max"],
        )
        for form in told["submissions"]
        for one in (*form["checks"], *form["answers"])
        if one["verdict"] == "manual"
    ]  # fmt: skip


def _mentioned(keywords: Sequence[str], answer: str) -> tuple[str, ...]:
    return tuple(one for one in keywords if one.casefold() in answer.casefold())


def _frames(evidence: Sequence[Mapping[str, Any]]) -> str:
    spans = [span for one in evidence for span in one["frames"]]
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans[:12])


def queue_csv(items: Sequence[Waiting]) -> str:
    """The table: one line for each answer, with room for points and a remark."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in items:
        row = (one.student, one.question, one.asked, one.answer, ", ".join(one.mentions), one.frames,
               float(one.max), one.points, one.remark)  # fmt: skip
        writer.writerow([cell(value) for value in row])
    return out.getvalue()


def read_queue(path: Path, items: Sequence[Waiting]) -> tuple[list[Waiting], list[InputError]]:
    """The answers with what a person entered for them, and complaints about entries that do not count.

    An entry counts only for the answer that was read: where a student wrote something else since, it waits again.
    """
    rows, complaints = _rows(path)
    entered: list[Waiting] = []
    for one in items:
        row = rows.get((cell(one.student), cell(one.question)))
        if row is None or not row["points"].strip():
            entered.append(one)
            continue
        where = {"path": str(path), "student": one.student, "question": one.question}
        points = _points(row["points"], one.max)
        if points is None:
            complaints.append(InputError("review.points", **where, given=row["points"], most=f"{one.max:g}"))
        elif row["answer"] != cell(one.answer):
            complaints.append(InputError("review.changed", **where))
            points = None
        remark = row["remark"][:_LONGEST] if points is not None else ""
        entered.append(Waiting(one.student, one.question, one.asked, one.answer, one.mentions, one.frames, one.max,
                               points, visible(remark, _LONGEST)))  # fmt: skip
    known = {(cell(one.student), cell(one.question)) for one in items}
    return entered + [_kept(row) for key, row in rows.items() if key not in known and row["points"]], complaints


def _kept(row: Mapping[str, str]) -> Waiting:
    """An entry about a submission that is not among those of today: it stays."""
    mentions = tuple(one for one in row["mentions"].split(", ") if one)
    return Waiting(row["student"], row["question"], row["asked"], row["answer"], mentions, row["frames"],
                   _points(row["max"], math.inf) or 0.0, _points(row["points"], math.inf), row["remark"])  # fmt: skip


def _rows(path: Path) -> tuple[dict[tuple[str, str], dict[str, str]], list[InputError]]:
    if not path.is_file():
        return {}, []
    with path.open("rb") as file:
        text = file.read(_LARGEST).decode("utf-8-sig", "backslashreplace")
    try:
        found = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        return {}, [UnreadableError(str(path), "unread.no_csv", why=str(error))]
    kept = [{name: row.get(name) or "" for name in COLUMNS} for row in found]
    return {(row["student"], row["question"]): row for row in kept}, []


def _points(text: str, most: float) -> float | None:
    try:
        points = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return points if math.isfinite(points) and 0 <= points <= most else None


def enter(told: Mapping[str, Any], items: Sequence[Waiting], language: str) -> None:
    """Write what a person gave into the verdicts, and add up the scores anew."""
    given = {(one.student, one.question): one for one in items if one.points is not None}
    for number, form in enumerate(told["submissions"] if given else ()):
        changed = [one for one in _verdicts(form) if (form["id"], one["id"]) in given]
        for one in changed:
            found = given[form["id"], one["id"]]
            points = float(found.points or 0.0)
            one["points"], one["by_hand"] = points, True
            one["verdict"] = "met" if points >= one["max"] else "partly" if points else "not-met"
            one["says"] = found.remark or say("grade.read-by-a-person", {}, language)
        if changed:
            form["score"] = max(0.0, round(sum(one["points"] for one in _verdicts(form)) + 0.0, 2))
            told["submissions"][number] = form


def _verdicts(form: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from form["checks"]
    yield from form["answers"]
