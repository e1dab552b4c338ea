"""``explain grade draft``, ``mutate`` and ``pack``: rubrics made, tried and given away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explain.errors import UnknownNameError, UnreadableError, UsageError
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = {"help_option_names": ["-h", "--help"]}


def _captures(given: Sequence[str]) -> dict[str, Path]:
    """``[NAME=]FILE``; without a name the file's stem."""
    found: dict[str, Path] = {}
    for one in given:
        name, sign, file = one.partition("=")
        if not sign or "/" in name or not name:
            name, file = Path(one).name.partition(".")[0] or "capture", one
        path = Path(file)
        if not path.is_file():
            raise UnreadableError(file, "no such file")
        if name in found:
            raise UsageError(f"two captures are called {name}")
        found[name] = path
    return found


def _put(text: str, output: str | None) -> None:
    if output is None:
        print(text, end="")
        return
    try:
        Path(output).write_text(text, "utf-8")
    except OSError as error:
        raise UnreadableError(output, (error.strerror or "it cannot be written").lower()) from None


@click.command("draft", context_settings=HELP)
@click.argument("captures", nargs=-1, required=True, metavar="[NAME=]FILE...")
@click.option("--title", default="A lab", show_default=True, help="What the rubric is called.")
@click.option("-o", "--output", metavar="RUBRIC.toml", help="Where to write it; standard output by default.")
def draft(captures: tuple[str, ...], title: str, output: str | None) -> int:
    """Write a first rubric from one good capture (several: one for each place), to be changed by hand."""
    from explain.grade.drafting import write
    from explain.grade.toml_text import toml_text

    folder = Path(output).parent if output else Path()
    table = write(_captures(captures), title, folder)
    _put(toml_text(table), output)
    total = sum(one["points"] for one in table["check"])
    print(f"{len(table['check'])} checks, {total:g} points", file=sys.stderr)
    return 0


@click.command("pack", context_settings=HELP)
@click.argument("rubric", metavar="RUBRIC.toml")
@click.option("--roster", metavar="CSV", help="Who the students are, and what is theirs.")
@click.option("--student", metavar="ID", help="Fill in what the roster says of this student.")
@click.option("-o", "--output", metavar="FILE", help="Where to write it; standard output by default.")
def pack(rubric: str, roster: str | None, student: str | None, output: str | None) -> int:
    """Write a student's rubric, to check oneself before handing in: the same checks, no keys, nothing hidden."""
    from explain.grade import packing
    from explain.grade.lint import sound
    from explain.grade.reading import read_table
    from explain.grade.toml_text import toml_text

    read = sound(rubric)
    packed, left_out = packing.pack(read_table(read.path), _row(read, roster, student))
    _put(toml_text(packed), output)
    for name in left_out:
        print(f"explain: {visible(name)} is left out: it builds on a hidden check", file=sys.stderr)
    return 0


def _row(rubric: Any, roster: str | None, student: str | None) -> dict[str, str] | None:
    if student is None:
        return None
    from explain.grade.submissions import read_roster

    beside = Path(rubric.path).parent / rubric.roster if rubric.roster else None
    given = roster or (str(beside) if beside else None)
    if given is None:
        raise UsageError("--student needs a roster")
    for row in read_roster(given):
        if student in row.values():
            return row
    raise UnknownNameError("student", student)
