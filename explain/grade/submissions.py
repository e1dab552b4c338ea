"""Which files belong to which student: folders, archives, and the layouts that learning platforms export."""

from __future__ import annotations

import csv
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explain.errors import UnreadableError, UsageError
from explain.grade.class_archive import opened
from explain.grade.layouts import METADATA, gradescope_owners, newest, owner
from explain.grade.unpacking import is_archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.grade.rubric import Rubric

_MAGIC = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a",
          b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # fmt: skip
_SUFFIXES = (".gz", ".zst", ".pcap", ".pcapng", ".cap", ".dmp")
_MOST_FILES = 2000
_MOST_DEPTH = 6
_LARGEST_ROSTER = 16 << 20
_ID_COLUMNS = ("student", "sid", "id", "email", "login", "name", "SIS User ID", "SIS Login ID", "ID",
               "Email address", "ID number", "Username", "Full name", "Student")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Submission:
    """What one student handed in.

    Attributes:
        id: the roster's, where it is known there, else what the folder or file is called.
        paths: files and folders that belong to it; empty where nothing was handed in.
        roster: the student's row.
    """

    id: str
    paths: tuple[Path, ...]
    roster: Mapping[str, str]


def read_roster(path: str) -> list[dict[str, str]]:
    """The rows of a roster.

    Raises:
        UnreadableError: it cannot be read as CSV with a header.
    """
    try:
        if Path(path).stat().st_size > _LARGEST_ROSTER:
            raise UnreadableError(path, "it is too large for a roster")
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [{str(key): value or "" for key, value in row.items() if key} for row in csv.DictReader(file)]
    except OSError as error:
        raise UnreadableError(path, (error.strerror or "it cannot be read").lower()) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(path, f"it is no CSV: {error}") from None
    return rows


def find(rubric: Rubric, paths: Sequence[str], roster: Sequence[Mapping[str, str]]) -> list[Submission]:
    """All submissions below some paths, and who is in the roster without one.

    Raises:
        UnreadableError: a path does not exist.
    """
    found: dict[str, list[Path]] = {}

    def row_of(name: str) -> int | None:
        return _row_of(_stem(name), roster)

    for path in paths:
        if not Path(path).exists():
            raise UnreadableError(path, "no such file or directory")
        for name, file in _below(rubric, opened(rubric, Path(path), row_of) or Path(path)):
            found.setdefault(name, []).append(file)
    result, used = [], set()
    for name, files in sorted(found.items()):
        number = _row_of(name, roster)
        row = roster[number] if number is not None else {}
        used.add(number)
        result.append(Submission(id_of(row) or name, tuple(sorted(files)), row))
    result += [
        Submission(id_of(row), (), row) for number, row in enumerate(roster) if number not in used and id_of(row)
    ]
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
    entries = sorted(one for one in path.iterdir() if not one.name.startswith((".", "__MACOSX")))
    loose = [one for one in entries if is_plain(one)]
    told = gradescope_owners(path)
    wanted = {name.casefold() for name in (*rubric.captures.values(), rubric.answers or "")}
    if any(one.name.casefold() in wanted for one in loose) or (not loose and not entries):
        name = path.resolve().name
        yield owner(name) or name, path
        return
    for one in entries:
        if one.is_dir() and not one.is_symlink():
            yield told.get(one.name) or owner(one.name) or one.name, one
        elif is_plain(one) and one.name != METADATA and (is_archive(one) or is_capture(one) or one.suffix == ".toml"):
            yield _name_of(one, rubric), one


def _name_of(path: Path, rubric: Rubric) -> str:
    """The student in a file's name: what a platform put there, else all before the name of the file asked for."""
    exported = owner(path.name)
    if exported is not None:
        return exported
    stem = _stem(path.name)
    for wanted in (*(_stem(one) for one in rubric.captures.values()), _stem(rubric.answers or ""), *rubric.captures):
        if wanted and stem.casefold().endswith(wanted.casefold()) and len(stem) > len(wanted):
            return stem[: -len(wanted)].rstrip("-_. ") or stem
    return stem


def _stem(name: str) -> str:
    for _ in range(3):
        base, suffix = os.path.splitext(name)  # noqa: PTH122 - of a name, not of a path
        if suffix.lower() not in (*_SUFFIXES, ".zip", ".tar", ".tgz", ".toml"):
            break
        name = base
    return name


def _row_of(name: str, roster: Sequence[Mapping[str, str]]) -> int | None:
    """Whose row a name is about: as it stands, as people write it, or by a word of it; None if that is not sure."""
    key = _key(name)
    tokens = set(re.split(r"[^a-z0-9@.]+", name.casefold()))

    def stands_there(row: Mapping[str, str]) -> bool:
        return any(row.get(column) == name for column in _ID_COLUMNS)

    def is_alike(row: Mapping[str, str]) -> bool:
        values = {_key(row[column]) for column in _ID_COLUMNS if row.get(column)}
        values |= {_key(row["email"].partition("@")[0])} if row.get("email") else set()
        return key in values - {""}

    def is_mentioned(row: Mapping[str, str]) -> bool:
        exact = {row[column].casefold() for column in ("student", "sid", "id", "login") if row.get(column)}
        return bool(exact & tokens)

    for fits in (stands_there, is_alike, is_mentioned):
        found = [number for number, row in enumerate(roster) if fits(row)]
        if found:  # of two people, neither; somebody who is there twice is one
            return found[0] if len({id_of(roster[number]) for number in found}) == 1 else None
    return None


def _key(text: str) -> str:
    return re.sub(r"[^\w@.]", "", text.casefold()).replace("_", "")


def id_of(row: Mapping[str, str]) -> str:
    """Whom a row of the roster is about; empty if it does not say."""
    return next((row[column] for column in _ID_COLUMNS if row.get(column)), "")


def is_plain(path: Path) -> bool:
    """Whether a path is a regular file and no link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_capture(path: Path) -> bool:
    """Whether a file begins like a capture, plain or packed."""
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_MAGIC)
    except OSError:
        return False


def files_below(paths: Sequence[Path]) -> list[Path]:
    """All plain files below some paths; links are never followed.

    Raises:
        UsageError: there are too many.
    """
    found: list[Path] = []
    for path in paths:
        if is_plain(path):
            found.append(path)
            continue
        base = len(path.parts)
        for folder, folders, names in os.walk(path, followlinks=False):
            here = Path(folder)
            folders[:] = [one for one in sorted(folders) if not one.startswith((".", "__MACOSX"))]
            if len(here.parts) - base >= _MOST_DEPTH:
                folders.clear()
            found += [here / one for one in sorted(names) if not one.startswith(".") and is_plain(here / one)]
            if len(found) > _MOST_FILES:
                raise UsageError(f"a submission has more than {_MOST_FILES} files")
    return found


def assign(rubric: Rubric, files: Sequence[Path]) -> tuple[dict[str, Path], Path | None]:
    """Which file is which capture, and which holds the answers: by name, by likeness, or as the only one."""
    captures = [one for one in files if is_capture(one) and not is_archive(one)]
    chosen: dict[str, Path] = {}
    for rank in (_is_named, _is_alike, _mentions):
        for name, wanted in rubric.captures.items():
            left = [one for one in captures if one not in chosen.values()]
            fitting = [one for one in left if name not in chosen and rank(one.name, name, wanted)]
            if fitting:
                chosen[name] = max(fitting, key=newest)
    rest = [one for one in captures if one not in chosen.values()]
    missing = [name for name in rubric.captures if name not in chosen]
    if len(rest) == 1 and len(missing) == 1:
        chosen[missing[0]] = rest[0]
    elif rest and len(rubric.captures) == 1 and missing:
        chosen[missing[0]] = max(rest, key=newest)
    if not chosen:  # a file that has the name of a capture and is none is told as such
        chosen = {
            name: one for one in files for name, wanted in rubric.captures.items()
            if one.name.casefold() == wanted.casefold()
        }  # fmt: skip
    return chosen, _answers(rubric, files)


def _answers(rubric: Rubric, files: Sequence[Path]) -> Path | None:
    if rubric.answers is None:
        return None
    named = [one for one in files if one.name.casefold().endswith(rubric.answers.casefold())]
    texts = named or [one for one in files if one.suffix.casefold() == ".toml"]
    return max(texts, key=newest) if texts else None


def _is_named(file: str, name: str, wanted: str) -> bool:
    del name
    return file == wanted


def _is_alike(file: str, name: str, wanted: str) -> bool:
    del name
    return _key(re.sub(r"\s*\(\d+\)", "", _stem(file))).endswith(_key(_stem(wanted)))


def _mentions(file: str, name: str, wanted: str) -> bool:
    del wanted
    return name.casefold() in re.split(r"[^a-z0-9]+", _stem(file).casefold())
