"""Verdicts as the JSON of the contract (``explain-grade/1``)."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError, reason_of
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.grade.marking.verdict import Graded, Verdict
    from explain.grade.rubric.records import Rubric

SCHEMA = "explain-grade/1"


def graded_form(graded: Graded) -> dict[str, Any]:
    """One submission; its ``prints`` are for the comparison of the class, which takes them out and adds ``flags``."""
    return {
        "id": graded.id,
        "status": graded.status,
        "score": graded.score,
        "max": graded.max,
        "checks": [_verdict(one) for one in graded.checks],
        "answers": [_verdict(one) for one in graded.answers],
        "flags": [],
        "reason": graded.reason,
        "files": [{"capture": name, "file": visible(file)} for name, file in graded.files],
        "answers_file": None if graded.answers_file is None else visible(graded.answers_file),
        "aside": [visible(file) for file in graded.aside],
        "outside": graded.outside,
        "exchanged": graded.exchanged,
        "prints": None if graded.prints is None else graded.prints.form(),
    }


def failed_form(rubric: Rubric, name: str, status: str, reason: str | None) -> dict[str, Any]:
    """A submission without marks: missing, or one that could not be graded, which is not 0."""
    return {
        "id": name, "status": status, "score": None, "max": rubric.total, "checks": [], "answers": [], "flags": [],
        "reason": None if reason is None else visible(reason), "files": [], "answers_file": None, "aside": [],
        "outside": None, "exchanged": None, "prints": None,
    }  # fmt: skip


def whole(rubric: Rubric, forms: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All submissions of a rubric; the forms may be on disk, and are read whenever somebody goes through them."""
    described = {"title": rubric.title, "total": rubric.total, "reveal": rubric.reveals}
    return {"schema": SCHEMA, "rubric": described, "submissions": forms}


def json_of(told: Mapping[str, Any]) -> Iterator[str]:
    """All submissions as one JSON object, piece by piece: never the whole class as one text."""
    head = json.dumps({name: value for name, value in told.items() if name != "submissions"}, indent=1)
    yield head.removesuffix("\n}") + ',\n "submissions": ['
    for number, form in enumerate(told["submissions"]):
        yield (",\n  " if number else "\n  ") + json.dumps(form, indent=1).replace("\n", "\n  ")
    yield "\n ]\n}\n"


def forms_in(path: str) -> Iterator[dict[str, Any]]:
    """The submissions of a file that ``json_of`` made, one by one: never the whole class at once.

    Raises:
        UnreadableError: it cannot be read, or is another file.
    """
    own: list[str] = []
    is_empty = True
    try:
        with Path(path).open(encoding="utf-8") as file:
            for line in file:
                if line.startswith("  {"):
                    own = []
                own.append(line)
                if line.startswith("  }"):
                    yield json.loads("".join(own).rstrip().removesuffix(","))
                    is_empty = False
    except OSError as error:
        raise UnreadableError(path, reason_of(error, "unread.not_read")) from None
    except ValueError:
        is_empty = True
    if is_empty:
        raise UnreadableError(path, "unread.no_grades")


def ids_of(told: Mapping[str, Any]) -> dict[str, str]:
    """What each check and answer is called, by its id: those of the first that has any, as everybody has the same."""
    for form in told["submissions"]:
        if form["checks"] or form["answers"]:
            return {one["id"]: one["title"] or one["id"] for one in (*form["checks"], *form["answers"])}
    return {}


def _verdict(one: Verdict) -> dict[str, Any]:
    plain = {name: value for name, value in _plain(one).items() if name != "is_bonus"}
    return plain | {"bonus": one.is_bonus, "story": [dict(line) for line in one.story]}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name.rstrip("_"): _plain(getattr(value, one.name)) for one in fields(value)}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
