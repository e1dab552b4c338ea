"""A whole class: every submission graded by itself, then all of them held against each other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from explain.errors import InputError
from explain.grade.integrity import compare
from explain.grade.integrity.prints import Prints
from explain.grade.integrity.taking import take
from explain.grade.running.on_disk import OnDisk
from explain.words import say

if TYPE_CHECKING:
    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.rubric.records import Rubric


class Gathered:
    """The forms of a class, and beside them the prints by which it is compared; on disk, until it is closed.

    Attributes:
        forms: of each submission.
    """

    def __init__(self, number: int) -> None:
        self._open = ExitStack()
        self.forms, self._prints = (self._open.enter_context(OnDisk(number)) for _ in range(2))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def put(self, number: int, form: dict[str, Any]) -> None:
        """Keep the form of one submission, which nothing was flagged in yet."""
        self._prints[number] = form.pop("prints", None)
        self.forms[number] = form | {"review": False}

    def add_flags(self, rubric: Rubric, submissions: Sequence[Submission], language: str) -> None:
        """Hold all of them against each other, and put in what that tells.

        ``review`` says that the rubric asks for a person's look before the mark counts; the mark itself never changes.

        Tells on standard error which handout could not be read; whatever was copied from it is then flagged.
        """
        found = compare.flags(rubric, submissions, _Prints(self._prints), _handouts(rubric, language), language)
        needs_review = rubric.integrity.get("policy") == "require-review"
        for number, flags in enumerate(found):
            if flags:
                self.forms[number] = self.forms[number] | {"flags": flags, "review": needs_review}


class _Prints(Sequence[Prints | None]):
    """Prints as they are on disk, each made when it is asked for."""

    def __init__(self, kept: OnDisk) -> None:
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, number: Any) -> Any:
        form = self._kept[number]
        return None if form is None else Prints.of(form)


def _handouts(rubric: Rubric, language: str) -> list[Prints]:
    from explain.grade.running.grading import scene_of_files

    folder, found = Path(rubric.path).parent, []
    for name in rubric.integrity.get("handouts", ()):
        try:
            found.append(take(scene_of_files({"handout": folder / str(name)}), {}, ["handout"]))
        except InputError as error:
            print(f"explain: {say('talk.grade.handout_left', {'why': error.line}, language)}", file=sys.stderr)
    return found
