"""How learning platforms lay out what a class handed in, and whose a file or folder is by its name.

Canvas puts all files into one folder and the student before each name; Moodle does so or makes a folder each;
Blackboard adds the attempt; Gradescope makes a folder each and tells in a file beside whose it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

METADATA = "submission_metadata.yml"
_CANVAS = re.compile(r"([^\W_][\w-]*?)(?:_LATE)?_(\d+)_(\d+)_(.+)")
_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_[a-z]+(?:_(.*))?")
_BLACKBOARD = re.compile(r".+_([^_]+)_attempt_\d{4}(?:-\d\d){5}(?:_.*|\.txt)?")
_GRADESCOPE = re.compile(r"submission_(\d+)")
_SUBMISSION = re.compile(r"(submission_\d+|\d+):\s*")
_FIELD = re.compile(r"\s*(?:-\s+)?:?(sid|email|name):\s*(.*?)\s*")
_ATTEMPT = re.compile(r"attempt[ _-]*(\d{4}(?:-\d\d){5}|\d{1,9})", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")
_LARGEST = 16 << 20


def owner(name: str) -> str | None:
    """The student in the name of a file or folder of an export; None for any other name."""
    for pattern in (_MOODLE, _BLACKBOARD, _CANVAS, _GRADESCOPE):
        found = pattern.fullmatch(name)
        if found:
            return found[1]
    return None


def gradescope_owners(folder: Path) -> Mapping[str, str]:
    """By the folder of a submission whose it is, as Gradescope tells; empty where nothing does."""
    try:
        with (folder / METADATA).open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_LARGEST).splitlines()
    except OSError:
        return {}
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in lines:
        if submission := _SUBMISSION.fullmatch(line):
            current = found.setdefault(submission[1], {})
        elif (told := _FIELD.fullmatch(line)) and told[2].strip("'\""):
            current.setdefault(told[1], told[2].strip("'\""))
    return {name: told.get("sid") or told.get("email") or told["name"] for name, told in found.items() if told}


def newest(path: Path) -> tuple[list[int], int, list[tuple[int, str]]]:
    """What puts several attempts in order, the newest last: the attempt in a name, the time of the file, the name."""
    attempts = [[int(one) for one in found.split("-")] for found in _ATTEMPT.findall("/".join(path.parts[-4:]))]
    pieces = [(int(one), "") if one.isdigit() else (-1, one) for one in _DIGITS.split(str(path))]
    return max(attempts, default=[]), path.stat().st_mtime_ns, pieces
