"""Marks in the forms that gradebooks import: CSV, Gradescope, PrairieLearn, Canvas, Moodle.

A spreadsheet runs a cell that begins like a formula, so no text from outside may begin so.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from explain.grade.pages.form import ids_of
from explain.grade.pages.unrevealed import unrevealed
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LONGEST = 4000  # a cell of a spreadsheet holds 32767 characters
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_VISIBILITY = {"now": "visible", "after_due": "after_due_date", "never": "hidden"}


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = visible(str(value), _LONGEST)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text


def line(values: Iterable[str]) -> str:
    """One line of a table, of cells that are text already."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue()


def _line(values: Iterable[Any]) -> str:
    return line(map(cell, values))


def grades_csv(whole: Mapping[str, Any]) -> Iterator[str]:
    """One line for each submission, one column for each check and answer."""
    ids = list(ids_of(whole))
    yield _line(["student", "status", "score", "max", *ids, "reason"])
    for form in whole["submissions"]:
        points = {one["id"]: one["points"] for one in (*form["checks"], *form["answers"])}
        yield _line([form["id"], form["status"], form["score"], form["max"], *(points.get(one) for one in ids),
                     form["reason"]])  # fmt: skip


def gradescope(form: Mapping[str, Any]) -> dict[str, Any]:
    """``results.json`` of one submission.

    Source: Gradescope, "Autograder Specifications", output format.
    """
    if form["status"] != "graded":
        # Without a score for the whole or a test, nothing is entered as a mark.
        return {
            "output": f"could not be graded: {form['reason'] or form['status']}",
            "output_format": "text",
            "tests": [],
        }
    tests = [
        {
            "name": visible(one["id"]), "score": one["points"], "max_score": one["max"], "output": _told(one),
            "output_format": "text", "visibility": _VISIBILITY[one["visibility"]],
            "status": "passed" if one["verdict"] == "met" else "failed",
        }
        for one in _for_students(form)
    ]  # fmt: skip
    return {"score": form["score"], "output_format": "text", "visibility": "visible", "tests": tests}


def prairielearn(form: Mapping[str, Any]) -> dict[str, Any]:
    """What PrairieLearn takes from an external grader; a broken submission is not gradable, and costs no attempt.

    Source: PrairieLearn, "External grading", grading results.
    """
    if form["status"] != "graded":
        return {"gradable": False, "format_errors": [form["reason"] or form["status"]]}
    shown = [one for one in _for_students(form) if one["visibility"] == "now"]
    tests = [
        {"name": visible(one["id"]), "points": one["points"], "max_points": one["max"], "output": _told(one)}
        for one in shown
    ]
    share = form["score"] / form["max"] if form["max"] else 0.0
    return {"gradable": True, "score": min(1.0, max(0.0, share)), "tests": tests}


def lost_points(form: Mapping[str, Any]) -> str:
    """What a student may read now of each check and answer that is not met."""
    return " ".join(
        f"{visible(one['title'] or one['id'])}: {_told(one)}"
        for one in _for_students(form) if one["verdict"] != "met" and one["visibility"] == "now"
    )  # fmt: skip


def _for_students(form: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Checks and answers in words that name no right answer that is still to be found."""
    safe = unrevealed(form)
    return (*safe["checks"], *safe["answers"])


def _told(one: Mapping[str, Any]) -> str:
    return f"{one['says']} {visible(one['hint'], _LONGEST)}" if one["hint"] else str(one["says"])


def canvas_csv(whole: Mapping[str, Any], roster: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Canvas's gradebook import; the roster's own columns are given back as they came.

    A submission without a mark has an empty cell: Canvas leaves such a mark as it is.
    """
    columns = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    yield _line([*columns, whole["rubric"]["title"]])
    yield _line(["    Points Possible", *[""] * (len(columns) - 1), whole["rubric"]["total"]])
    for form in whole["submissions"]:
        row = roster.get(form["id"], {})
        known = {
            "Student": row.get("Student") or row.get("name") or form["id"], "SIS User ID": row.get("sid"),
            "SIS Login ID": row.get("student") or form["id"],
        }  # fmt: skip
        yield _line([*(row.get(one) or known.get(one) for one in columns), form["score"]])


def moodle_csv(whole: Mapping[str, Any], roster: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Moodle's grade import: the mark and the feedback together, because feedback alone would erase the mark."""
    title = whole["rubric"]["title"]
    yield _line(["email", "idnumber", title, f"{title} (feedback)"])
    for form in whole["submissions"]:
        if form["status"] == "graded":
            row = roster.get(form["id"], {})
            yield _line([row.get("email"), row.get("sid") or form["id"], form["score"], lost_points(form)])
