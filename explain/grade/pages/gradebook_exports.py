"""The gradebook that an instructor exported from Canvas or Moodle, given back with the marks in it.

Whatever a mark does not change stays as it came: names, identifiers, the order of the rows, the marks of everybody who
has none here.  Only the columns that an import needs are given back, so that it can change nothing else.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError, UsageError
from explain.grade.hand_ins.rosters import reading_csv
from explain.grade.pages.gradebooks import cell, line, lost_points
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LARGEST = 16 << 20
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_CANVAS_KEYS = ("SIS Login ID", "SIS User ID", "ID", "Student")
_CANVAS_ASSIGNMENT = re.compile(r"(.+) \(\d+\)")
_NO_STUDENTS = ("Points Possible", "Student, Test")
_MOODLE_KEYS = ("Email address", "ID number", "Username", "Full name", "Identifier")
_MOODLE_PEOPLE = ("First name", "Surname", "Last name", "ID number", "Username", "Email address")
_MOODLE_GRADE = re.compile(r"(?:.+?: )?(.+?) \((?:Real|実データ)\)")
_NAMES = ("Student", "Full name", "First name", "Surname", "Last name")
_ROSTER_KEYS = (*_CANVAS_KEYS, *_MOODLE_KEYS, "student", "sid", "id", "email", "login", "name", "idnumber")


@dataclass(frozen=True, slots=True)
class Export:
    """A gradebook as it was exported.

    Attributes:
        columns: those that are given back.
        mark, feedback: which of them are written; ``feedback`` None where there is none.
        keys: columns that say who a row is.
        rows: of everybody, and of what Canvas adds to them.
        possible: points that the gradebook gives for it, None where it does not say.
    """

    columns: tuple[str, ...]
    mark: str
    feedback: str | None
    keys: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    possible: str | None


def read_export(path: str, titles: Sequence[str]) -> Export:
    """Read what Canvas or Moodle exported.

    Args:
        path: of the file.
        titles: what the assignment may be called there.

    Raises:
        UnreadableError: it is no CSV, or none of the forms that are known.
        UsageError: no column is called so, or several.
    """
    header, rows = _table(path)
    if {"Student", "ID"} <= set(header):
        mark = _column(path, header, titles, _CANVAS_ASSIGNMENT)
        possible = next((row[mark] for row in rows if row["Student"].strip() == "Points Possible"), None)
        columns = (*(one for one in header if one in _CANVAS), mark)
        return Export(columns, mark, None, _CANVAS_KEYS, rows, possible)
    if {"Identifier", "Grade"} <= set(header):  # the worksheet of one assignment
        possible = next((row["Maximum Grade"] for row in rows if row.get("Maximum Grade")), None)
        feedback = "Feedback comments" if "Feedback comments" in header else None
        return Export(header, "Grade", feedback, _MOODLE_KEYS, rows, possible)
    if "Email address" in header:
        mark = _column(path, header, titles, _MOODLE_GRADE)
        feedback = f"{_called(mark, _MOODLE_GRADE)} (Feedback)"
        columns = (*(one for one in header if one in _MOODLE_PEOPLE), mark, feedback)
        return Export(columns, mark, feedback, _MOODLE_KEYS, rows, None)
    raise UnreadableError(path, "unread.no_gradebook")


def _table(path: str) -> tuple[tuple[str, ...], tuple[Mapping[str, str], ...]]:
    with reading_csv(path):
        if Path(path).stat().st_size > _LARGEST:
            raise UnreadableError(path, "unread.large_gradebook")
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            first, *rows = [one for one in csv.reader(file) if one] or [[]]
    return tuple(first), tuple(dict(zip(first, [*row, *[""] * len(first)], strict=False)) for row in rows)


def _called(column: str, form: re.Pattern[str]) -> str:
    found = form.fullmatch(column)
    return found[1] if found else column


def _column(path: str, header: Sequence[str], titles: Sequence[str], form: re.Pattern[str]) -> str:
    wanted = {title.strip().casefold() for title in titles}
    found = [one for one in header if wanted & {_called(one, form).strip().casefold(), one.strip().casefold()}]
    if len(found) != 1:
        there = ", ".join(repr(visible(one)) for one in header if form.fullmatch(one)) or "no assignment"
        raise UsageError("usage.two_columns", path=visible(path), count=len(found), title=titles[0], there=there)
    return found[0]


def roster_of(export: Export) -> list[dict[str, str]]:
    """The people of a gradebook, as a roster."""
    return [dict(row) for row in export.rows if row.get("Student", "").strip() not in _NO_STUDENTS]


def filled(
    export: Export, whole: Mapping[str, Any], rosters: Mapping[str, Mapping[str, str]]
) -> tuple[Iterator[str], list[str]]:
    """The gradebook with the marks, line by line, and whose submission is in no row of it.

    Args:
        export: as it came.
        whole: all submissions, as JSON has them.
        rosters: the roster's row of each submission, by its id.
    """
    places = {one["id"]: at for at, one in enumerate(whole["submissions"]) if one["status"] == "graded"}
    owners = _owners(export, {name: rosters.get(name, {}) for name in places})
    marked = {number: places[name] for number, name in owners.items()}
    return _lines(export, whole["submissions"], marked), sorted(set(places) - set(owners.values()))


def _lines(export: Export, forms: Sequence[Mapping[str, Any]], marked: Mapping[int, int]) -> Iterator[str]:
    yield line(export.columns)
    for number, row in enumerate(export.rows):
        changed = dict(row)
        if number in marked:  # both, because Moodle takes feedback without a mark for no mark
            form = forms[marked[number]]
            changed[export.mark] = cell(form["score"])
            changed |= {export.feedback: cell(lost_points(form))} if export.feedback else {}
        yield line(_safe(one, changed.get(one, "")) for one in export.columns)


def _safe(column: str, value: str) -> str:
    """Names are not what an import goes by, so they may not act in a spreadsheet; all else stays as it came."""
    return cell(value) if column in _NAMES and value.strip() not in _NO_STUDENTS else value


def _owners(export: Export, rosters: Mapping[str, Mapping[str, str]]) -> dict[int, str]:
    """Whose submission each row is about: the first key by which a row and a submission are the only ones alike."""
    people = [n for n, row in enumerate(export.rows) if row.get("Student", "").strip() not in _NO_STUDENTS]
    found: dict[int, str] = {}
    for key in export.keys:
        values = Counter(_plain(export.rows[number].get(key, "")) for number in people)
        known: dict[str, set[str]] = {}
        for name, row in rosters.items():
            for one in {_plain(name), *(_plain(row.get(column, "")) for column in _ROSTER_KEYS)} - {""}:
                known.setdefault(one, set()).add(name)
        for number in people:
            value = _plain(export.rows[number].get(key, ""))
            names = known.get(value, set()) - set(found.values())
            if number not in found and len(names) == 1 and values[value] == 1:
                found[number] = names.pop()
    return found


def _plain(text: str) -> str:
    """A value as it is compared: Moodle calls a submission after the last word of "Participant 123"."""
    return re.sub(r"^participant ", "", " ".join(text.split()).casefold())
