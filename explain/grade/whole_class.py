"""A whole class: every submission graded by itself, then all of them held against each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import InputError
from explain.grade.integrity import compare
from explain.grade.integrity.prints import Prints
from explain.grade.integrity.taking import take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.grade.rubric import Rubric
    from explain.grade.submissions import Submission


def add_flags(
    rubric: Rubric, submissions: Sequence[Submission], forms: Sequence[dict[str, Any]], language: str
) -> None:
    """Take the prints out of the forms of a class, and put in what they tell.

    ``review`` says that the rubric asks for a person's look before the mark counts; the mark itself never changes.

    Tells on standard error which handout could not be read; whatever was copied from it is then flagged.
    """
    prints = [None if (form := one.pop("prints", None)) is None else Prints.of(form) for one in forms]
    found = compare.flags(rubric, submissions, prints, _handouts(rubric), language)
    for form, flags in zip(forms, found, strict=True):
        form["flags"] = flags
        form["review"] = bool(flags) and rubric.integrity.get("policy") == "require-review"


def _handouts(rubric: Rubric) -> list[Prints]:
    from explain.grade.grading import scene_of_files

    folder, found = Path(rubric.path).parent, []
    for name in rubric.integrity.get("handouts", ()):
        try:
            found.append(take(scene_of_files({"handout": folder / str(name)}), {}, ["handout"]))
        except InputError as error:
            print(f"explain: a handout is left out: {error}", file=sys.stderr)
    return found
