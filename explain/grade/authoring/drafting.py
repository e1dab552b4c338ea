"""A first rubric from one good capture: the checks that this capture meets, and an empty one does not."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.authoring.drafted_checks import draft
from explain.grade.rubric.reading import load
from explain.grade.rubric.toml_text import toml_text
from explain.grade.running.grading import grade_files, scene_of_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_EMPTY = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")


def write(files: Mapping[str, Path], title: str, folder: Path) -> dict[str, Any]:
    """The table of a first rubric that gives this capture full marks; ``folder`` is where the rubric will lie.

    A check that the capture does not meet after all is left out, and so is one that an empty capture meets.

    Raises:
        UsageError: the capture shows nothing that a check could ask for.
        NotGradableError, UnreadableError: it cannot be read.
    """
    made = draft(scene_of_files(files))
    captures = {name: path.name for name, path in files.items()}
    trial = {"name": "good", "captures": {name: _beside(path, folder) for name, path in files.items()}}
    checks = made.checks
    while checks:
        used = {name: value for name, value in made.variables.items() if _is_used(name, checks)}
        table = {
            "rubric": 1, "title": title, "submission": {"captures": captures}, "vars": used, "check": checks,
            "test": [trial],
        }  # fmt: skip
        kept = _holding(table, files)
        if len(kept) == len(checks):
            return table
        checks = [one for one in checks if one["id"] in kept and not set(one.get("needs", ())) - kept]
    raise UsageError("grade.shows_nothing")


def _holding(table: Mapping[str, Any], files: Mapping[str, Path]) -> set[str]:
    """Ids of the checks that the capture meets and an empty one does not."""
    with tempfile.TemporaryDirectory(prefix="explain-draft-") as folder:
        path = Path(folder) / "rubric.toml"
        path.write_text(toml_text(table), "utf-8")
        rubric, complaints = load(str(path))
        if complaints:
            raise AssertionError(complaints)
        empty = {name: Path(folder) / f"{number}.pcap" for number, name in enumerate(files)}
        for one in empty.values():
            one.write_bytes(_EMPTY)
        good, none = (grade_files(rubric, "good", some, None, {}).checks for some in (files, empty))
    return {one.id for one, other in zip(good, none, strict=True) if one.verdict == "met" != other.verdict}


def _beside(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())


def _is_used(name: str, checks: Sequence[dict[str, Any]]) -> bool:
    return any(re.search(rf"\b{name}\b", str(one)) for one in checks)
