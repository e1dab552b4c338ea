"""One submission: its files, and which of them are its captures and its answers."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from explain.errors import UsageError, reason_of
from explain.grade.hand_ins.interfaces import apart, listed
from explain.grade.hand_ins.layouts import newest
from explain.grade.hand_ins.rosters import key_of_name
from explain.grade.hand_ins.taken import Taken
from explain.grade.hand_ins.unpacking import is_archive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.rubric.records import Rubric
    from explain.model import Line

_MAGIC = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a",
          b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # fmt: skip
_SUFFIXES = (".gz", ".zst", ".pcap", ".pcapng", ".cap", ".dmp")
_TEXTS = (".txt", ".json", ".csv", ".md")
_MOST_FILES = 2000
_MOST_DEPTH = 6


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


def stem_of(name: str) -> str:
    """A name without what tells the kind of file."""
    for _ in range(3):
        base, suffix = os.path.splitext(name)  # noqa: PTH122 - of a name, not of a path
        if suffix.lower() not in (*_SUFFIXES, ".zip", ".tar", ".tgz", ".toml", *_TEXTS):
            break
        name = base
    return name


def file_key(name: str) -> str:
    """A file's name as it is compared: without its kind, and without the number of one that was downloaded twice."""
    return key_of_name(re.sub(r"\s*\(\d+\)", "", stem_of(name)))


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


def why_closed(path: Path) -> Line | None:
    """Why a file or folder cannot be read; None where it can, and for a pipe or device, which may never answer."""
    try:
        if path.is_dir():
            os.listdir(path)  # noqa: PTH208 - it lists at once
        elif path.is_file():
            with path.open("rb") as file:
                file.read(1)
    except OSError as error:
        return reason_of(error, "unread.not_read")
    return None


def may_be_capture(path: Path) -> bool:
    """Whether a file is a capture, or would be one by its name."""
    return path.name.casefold().endswith(_SUFFIXES) or is_capture(path)


def closed_below(paths: Sequence[Path]) -> tuple[str, Line] | None:
    """The first file or folder below some paths that may hold a capture and cannot be read, and why."""
    inner = (Path(top, one) for path in paths if path.is_dir() for top, folders, files in os.walk(path) for one in
             (*folders, *(file for file in files if file.casefold().endswith(_SUFFIXES))))  # fmt: skip
    for path in islice((*paths, *islice(inner, _MOST_FILES)), _MOST_FILES):
        if not path.is_symlink() and (why := why_closed(path)):
            return path.name, why
    return None


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
        found += _plain_below(path, _MOST_DEPTH, _MOST_FILES)
        if len(found) > _MOST_FILES:
            raise UsageError("grade.too_many", limit=_MOST_FILES)
    return found


def _plain_below(folder: Path, depth: int, room: int) -> list[Path]:
    """Files in a folder and the folders in it; no folder is read further than there is room for."""
    try:
        with os.scandir(folder) as entries:
            some = list(islice(entries, room + 1))
    except OSError:
        return []
    if len(some) > room:
        raise UsageError("grade.too_many", limit=_MOST_FILES)
    shown = sorted((one for one in some if not one.name.startswith((".", "__MACOSX"))), key=lambda one: one.name)
    found = [Path(one.path) for one in shown if one.is_file(follow_symlinks=False)]
    for one in shown if depth else ():
        if one.is_dir(follow_symlinks=False):
            found += _plain_below(Path(one.path), depth - 1, room - len(found))
    return found


def assign(rubric: Rubric, files: Sequence[Path]) -> tuple[Taken, Path | None]:
    """Which file is which capture, and which holds the answers: by name, by likeness, or as the only one."""
    captures = [one for one in files if is_capture(one) and not is_archive(one)]
    chosen, interfaces = _chosen(rubric, captures), dict[str, str]()
    if len(chosen) < len(rubric.captures) and (len(captures) == 1 or (captures and not chosen)):
        whole = max(captures, key=newest)
        interfaces = apart(rubric, whole)
        interfaces = interfaces if len(interfaces) > max(1, len(chosen)) else {}
        chosen = dict.fromkeys(interfaces, whole) or chosen
    for name, file in chosen.items():
        if name not in interfaces and (one := listed(rubric, name, file)):
            interfaces[name] = one
    if not chosen:  # a file that has the name of a capture and is none is told as such
        chosen = {
            name: one for one in files for name, wanted in rubric.captures.items()
            if one.name.casefold() == wanted.casefold()
        }  # fmt: skip
    texts = _texts(rubric, files)
    answers = max(texts, key=newest) if texts else None
    used = {*chosen.values(), answers}
    aside = tuple(one for one in dict.fromkeys((*captures, *texts)) if one not in used)
    return Taken(chosen, answers, aside, interfaces), answers


def _chosen(rubric: Rubric, captures: Sequence[Path]) -> dict[str, Path]:
    chosen: dict[str, Path] = {}
    called = {name: (name,) for name in rubric.captures}
    for rank, words in ((_is_named, called), (_is_alike, called), (_mentions, called), (_mentions, rubric.interfaces)):
        for name, wanted in rubric.captures.items():
            left = [one for one in captures if one not in chosen.values()]
            fitting = [one for one in left if name not in chosen and rank(one.name, words.get(name, ()), wanted)]
            if fitting:
                chosen[name] = max(fitting, key=newest)
    rest = [one for one in captures if one not in chosen.values()]
    missing = [name for name in rubric.captures if name not in chosen]
    if len(rest) == 1 and len(missing) == 1:
        chosen[missing[0]] = rest[0]
    elif rest and len(rubric.captures) == 1 and missing:
        chosen[missing[0]] = max(rest, key=newest)
    return chosen


def _texts(rubric: Rubric, files: Sequence[Path]) -> list[Path]:
    """The files that may hold the answers."""
    if rubric.answers is None:
        return []
    named = [one for one in files if one.name.casefold().endswith(rubric.answers.casefold())]
    return named or [one for one in files if may_be_answers(rubric, one)]


def may_be_answers(rubric: Rubric, file: Path) -> bool:
    """Whether a name is one of answers: TOML, or the name that was asked for as that of another kind of text."""
    suffix = file.suffix.casefold()
    alike = suffix in _TEXTS and rubric.answers is not None and _is_alike(file.name, (), rubric.answers)
    return suffix == ".toml" or alike


def _is_named(file: str, words: Sequence[str], wanted: str) -> bool:
    del words
    return file == wanted


def _is_alike(file: str, words: Sequence[str], wanted: str) -> bool:
    del words
    return file_key(file).endswith(file_key(wanted))


def _mentions(file: str, words: Sequence[str], wanted: str) -> bool:
    del wanted
    said = re.split(r"[^a-z0-9]+", stem_of(file).casefold())
    return any(word.casefold() in said for word in words)
