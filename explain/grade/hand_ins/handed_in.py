"""Which files belong to which student: folders, archives, and the layouts that learning platforms export."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from explain.errors import UnreadableError
from explain.grade.hand_ins.class_archive import opened
from explain.grade.hand_ins.layouts import METADATA, gradescope_owners, owner
from explain.grade.hand_ins.rosters import id_of, row_of
from explain.grade.hand_ins.submissions import (
    Submission,
    file_key,
    is_plain,
    may_be_answers,
    may_be_capture,
    stem_of,
)
from explain.grade.hand_ins.unpacking import is_archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.grade.rubric.records import Rubric


def find(rubric: Rubric, paths: Sequence[str], roster: Sequence[Mapping[str, str]]) -> list[Submission]:
    """All submissions below some paths, and who is in the roster without one.

    Raises:
        UnreadableError: a path does not exist.
    """
    found: dict[str, list[Path]] = {}

    def known(name: str) -> int | None:
        return row_of(stem_of(name), roster)

    for path in paths:
        if not Path(path).exists():
            raise UnreadableError(path, "system.ENOENT")
        for name, file in _below(rubric, opened(rubric, Path(path), known) or Path(path)):
            found.setdefault(name, []).append(file)
    result = []
    for name, files in sorted(found.items()):
        number = row_of(name, roster)
        row = roster[number] if number is not None else {}
        result.append(Submission(id_of(row) or name, tuple(sorted(files)), row))
    there = {one.id for one in result} | {""}
    missing = {id_of(row): row for row in reversed(roster) if id_of(row) not in there}
    result += [Submission(name, (), row) for name, row in reversed(missing.items())]
    return _told_apart(result)


def _told_apart(found: list[Submission]) -> list[Submission]:
    """Two submissions of one student keep their marks; the second is called so."""
    seen: dict[str, int] = {}
    result = []
    for one in found:
        seen[one.id] = seen.get(one.id, 0) + 1
        name = one.id if seen[one.id] == 1 else f"{one.id}#{seen[one.id]}"
        result.append(Submission(name, one.paths, one.roster))
    return result


def _below(rubric: Rubric, path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield _name_of(path, rubric), path
        return
    own = Path(rubric.path).resolve()
    entries = sorted(
        one for one in path.iterdir() if not one.name.startswith((".", "__MACOSX")) and one.resolve() != own
    )
    loose = [one for one in entries if is_plain(one)]
    told = gradescope_owners(path)
    wanted = {file_key(name) for name in (*rubric.captures.values(), rubric.answers or "")} - {""}
    if any(file_key(one.name) in wanted for one in loose) or (not loose and not entries):
        name = path.resolve().name
        yield owner(name) or name, path
        return
    for one in entries:
        if one.is_dir() and not one.is_symlink():
            yield told.get(one.name) or owner(one.name) or one.name, one
        elif (
            is_plain(one)
            and one.name != METADATA
            and (is_archive(one) or may_be_capture(one) or may_be_answers(rubric, one))
        ):
            yield _name_of(one, rubric), one


def _name_of(path: Path, rubric: Rubric) -> str:
    """The student in a file's name: what a platform put there, else all before the name of the file asked for."""
    exported = owner(path.name)
    if exported is not None:
        return exported
    stem = re.sub(r"\s*\(\d+\)$", "", stem_of(path.name))  # downloaded twice
    for wanted in (
        *(stem_of(one) for one in rubric.captures.values()),
        stem_of(rubric.answers or ""),
        *rubric.captures,
    ):
        if wanted and stem.casefold().endswith(wanted.casefold()) and len(stem) > len(wanted):
            return stem[: -len(wanted)].rstrip("-_. ") or stem
    return stem
