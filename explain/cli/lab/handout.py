"""``explain lab handout``: a lab for each student, with addresses and a marker that are the student's own."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import click

from explain.cli.options import HELP, LANG
from explain.cli.talk import noted_shared, told
from explain.errors import ExplainError, InputError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from explain.lab.handout import Handout

_MOST_STUDENTS = 10_000


@click.command("handout", context_settings=HELP)
@click.argument("name")
@click.option("--roster", required=True, metavar="CSV")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--key", default="")
@LANG
def handout(name: str, roster: str, output: Path, key: str) -> int:
    """Write each student's own lab into a folder of its own, and the roster with what is the student's own in it."""
    from explain.grade.hand_ins.rosters import read_roster
    from explain.lab.catalogue import find
    from explain.lab.recording import write_new

    path = find(name)
    rows = read_roster(roster)
    made = handouts(path, rows, roster, key)
    noted_shared(rows)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ExplainError("lab.not_empty", folder=output)
    try:
        for student, (_, own) in made.items():
            folder = output / student
            folder.mkdir(parents=True)
            write_new(folder / "lab.toml", own.text.encode())
        write_new(output / "roster.csv", _table([{**row, **own.columns} for row, own in made.values()]).encode())
    except BaseException:  # half a class is of no use, and in the way of the next try
        for student in made:
            rmtree(output / student, ignore_errors=True)
        raise
    told("grade.handouts", count=len(made), folder=output)
    return 0


def handouts(
    lab: Path, rows: Sequence[Mapping[str, str]], roster: str, key: str
) -> dict[str, tuple[Mapping[str, str], Handout]]:
    """Student -> row of the roster and lab, in the order of the roster.

    Raises:
        UnreadableError: the roster names nobody, somebody twice, or lacks what the lab asks for, or has a value that
            cannot stand in a lab.
    """
    from explain.grade.hand_ins.rosters import id_of
    from explain.grade.language.functions import FUNCTIONS
    from explain.lab.handout import MissingColumnError
    from explain.lab.handout import handout as made_for
    from explain.lab.read import text_of

    text = text_of(lab)
    found: dict[str, tuple[Mapping[str, str], Handout]] = {}
    taken: set[IPv4Network | IPv6Network] = set()
    for number, row in enumerate(rows[:_MOST_STUDENTS], 2):
        student = id_of(row)
        folder = _folder_of(student, roster, number)
        if folder in found:
            raise UnreadableError(roster, "unread.student_twice", number=number, student=student)
        marker = FUNCTIONS["hmac"](key, row.get("sid") or student)
        try:
            own = made_for(text, f"{lab} for {student}", row, f"{key}\0{student}", marker, taken)
        except MissingColumnError as e:
            raise UnreadableError(roster, "unread.no_such_column", column=e.args[0], columns=[*row]) from None
        except InputError as e:
            raise UnreadableError(roster, "at.line", number=number, reason=e.line) from None
        found[folder] = (row, own)
    if not found:
        raise UnreadableError(roster, "unread.no_student")
    return found


def _folder_of(student: str, roster: str, number: int) -> str:
    folder = re.sub(r"[^\w.@+-]", "_", student).strip(".")
    if not folder:
        raise UnreadableError(roster, "unread.no_student_in_line", number=number)
    return folder


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """The roster with the new columns behind the old ones."""
    out = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
