"""``explain grade draft``, ``mutate`` and ``pack``: rubrics made, tried and given away."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explain.capture.vantage import named
from explain.cli.options import HELP, LANG, json_option, language_option
from explain.cli.output import put
from explain.cli.talk import language, noted, told
from explain.errors import UnknownNameError, UnreadableError, UsageError, reason_of
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.authoring.mutating import Tried
    from explain.grade.rubric.records import Rubric


def _captures(given: Sequence[str]) -> dict[str, Path]:
    """``[NAME=]FILE``; without a name the file's stem."""
    found: dict[str, Path] = {}
    for one in given:
        name, file = named(one)
        path = Path(file)
        name = name or path.name.partition(".")[0] or "capture"
        if not path.is_file():
            raise UnreadableError(file, "unread.no_such_file")
        if name in found:
            raise UsageError("usage.captures_twice", name=name)
        found[name] = path
    return found


@click.command("draft", context_settings=HELP)
@click.argument("captures", nargs=-1, required=True, metavar="[NAME=]FILE...")
@click.option("--title", default="A lab", show_default=True)
@click.option("-o", "--output", metavar="RUBRIC.toml")
@LANG
def draft(captures: tuple[str, ...], title: str, output: str | None) -> int:
    """Write a first rubric from one good capture (several: one for each place), to be changed by hand."""
    from explain.grade.authoring.drafting import write
    from explain.grade.rubric.toml_text import toml_text

    folder = Path(output).parent if output else Path()
    table = write(_captures(captures), title, folder)
    put(toml_text(table), output)
    total = sum(one["points"] for one in table["check"])
    told("grade.drafted", count=len(table["check"]), total=f"{total:g}")
    return 0


@click.command("pack", context_settings=HELP)
@click.argument("rubric", metavar="RUBRIC.toml")
@click.option("--roster", metavar="CSV")
@click.option("--student", metavar="ID")
@click.option("-o", "--output", metavar="FILE")
@LANG
def pack(rubric: str, roster: str | None, student: str | None, output: str | None) -> int:
    """Write a student's rubric, to check oneself before handing in: the same checks, no keys, nothing hidden."""
    from explain.grade.authoring.lint import sound
    from explain.grade.rubric import packing
    from explain.grade.rubric.reading import read_table
    from explain.grade.rubric.toml_text import toml_text

    read = sound(rubric, language())
    table = read_table(read.path)
    packed, left_out = packing.pack(table, _row(read, roster, student, packing.columns(table)))
    put(toml_text(packed), output)
    for name in left_out:
        noted("grade.builds_on_hidden", name=name)
    return 0


@click.command("mutate", context_settings=HELP)
@click.argument("rubric", metavar="RUBRIC.toml")
@click.argument("captures", nargs=-1, metavar="[NAME=]FILE...")
@click.option("--roster", metavar="CSV")
@click.option("--student", metavar="ID")
@click.option("-o", "--output", metavar="DIR")
@click.option("--all", "shows_all", is_flag=True)
@json_option()
@language_option()
def mutate(rubric: str, captures: tuple[str, ...], **options: Any) -> int:
    """Damage a good capture in many ways and show which damages the rubric misses."""
    from explain.grade.authoring import mutating
    from explain.grade.authoring.lint import sound
    from explain.grade.rubric import packing
    from explain.grade.rubric.reading import read_table

    read = sound(rubric, options["lang"])
    files, row = mutating.good_captures(read) if not captures else (_named(read, captures), {})
    if captures:
        columns = packing.columns(read_table(read.path))
        row = _row(read, options["roster"], options["student"], columns) or _first_row(read, options["roster"])
    keep = Path(options["output"]) if options["output"] else None
    if keep is not None:
        _folder(keep)
    tried = []
    for one in mutating.mutate(read, files, row, options["lang"], keep):
        tried.append(one)
        if sys.stderr.isatty():
            print(f"\r{one.number}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    _tell(tried, options)
    return 0


def _named(rubric: Rubric, captures: Sequence[str]) -> dict[str, Path]:
    """Captures under the names that the rubric has for them."""
    given = _captures(captures)
    if len(given) == len(rubric.captures) == 1:
        return dict(zip(rubric.captures, given.values(), strict=True))
    for name in given:
        if name not in rubric.captures:
            raise UnknownNameError("capture", name, tuple(rubric.captures))
    return given


def _first_row(rubric: Rubric, roster: str | None) -> dict[str, str]:
    from explain.grade.hand_ins.rosters import read_roster

    beside = Path(rubric.path).parent / rubric.roster if rubric.roster else None
    if roster is None and (beside is None or not beside.is_file()):
        return {}
    rows = read_roster(roster or str(beside))
    return rows[0] if rows else {}


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableError(str(path), reason_of(error, "unread.not_made")) from None


def _tell(tried: Sequence[Tried], options: Mapping[str, Any]) -> None:
    from explain.words import say

    missed = [one for one in tried if not one.is_harmless and not one.is_noticed]
    unfair = [one for one in tried if one.is_harmless and one.is_noticed]
    noticed = [one for one in tried if not one.is_harmless and one.is_noticed]
    harmless = sum(one.is_harmless for one in tried)
    counts = {"damages": len(tried) - harmless, "noticed": len(noticed), "missed": len(missed),
              "harmless": harmless, "unfair": len(unfair)}  # fmt: skip
    if options["as_json"]:
        print(json.dumps(counts | {"tried": [asdict(one) | {"checks": dict(one.checks)} for one in tried]}, indent=1))
        return
    print(say("grade_damages.said.summary", counts, options["lang"]))
    from explain.grade.authoring.mutating import gathered

    if missed:
        print("\n" + say("grade_damages.said.missed", {}, options["lang"]))
    for numbers, text in gathered(missed, options["lang"]):
        print(f"  {numbers[0]:>3}  {text}")
    for name, some in (("unfair", unfair), ("noticed", noticed if options["shows_all"] else [])):
        if some:
            print("\n" + say(f"grade_damages.said.{name}", {}, options["lang"]))
        for one in some:
            print(f"  {one.number:>3}  {one.text}{_effect(one, options['lang'])}")


def _effect(one: Tried, language: str) -> str:
    from explain.words import say

    if one.score is None:
        return f" ({say('grade_damages.said.not-graded', {}, language)})"
    told = ", ".join(f"{visible(name)}: {verdict}" for name, verdict in one.checks.items())
    return f" ({told})" if told else ""


def _row(rubric: Rubric, roster: str | None, student: str | None, columns: Sequence[str]) -> Mapping[str, str] | None:
    """The student's row of the roster; None for nobody, and where the rubric asks for nothing of it."""
    if student is None:
        return None
    from explain.grade.hand_ins.rosters import read_roster, row_of

    beside = Path(rubric.path).parent / rubric.roster if rubric.roster else None
    given = roster or (str(beside) if beside and beside.is_file() else None)
    if given is None and not columns:
        noted("grade.same_for_all")
        return None
    if given is None:
        raise UsageError("usage.student_roster", columns=[*("student", *columns)])
    rows = read_roster(given)
    number = row_of(student, rows)
    if number is None:
        raise UnknownNameError("student", student)
    return rows[number]
