"""``explain grade``: mark captures by a rubric."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explain.cli import page
from explain.cli.grade import gradebook, running, writing
from explain.cli.grade.output import BOTH, tell, tell_verdict
from explain.cli.grade.review import review_answers
from explain.cli.language import default_language
from explain.cli.options import HELP, LANG, Amount, json_option, language_option
from explain.cli.talk import noted, noted_shared, sentence
from explain.errors import NotMetError, UsageError
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.pages.gradebook_exports import Export
    from explain.grade.rubric.records import Rubric

_MOST_NAMED = 5
_MOST_VALUES = 24


class _Grade(click.Group):
    """A group whose first word may be left out: then it is ``run``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in HELP["help_option_names"]:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group("grade", cls=_Grade, context_settings=HELP)
def grade() -> None:
    """Mark captures by a rubric: explain grade RUBRIC.toml PATH..."""


@grade.command("run", context_settings=HELP)
@click.argument("rubric", metavar="RUBRIC.toml")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--roster", metavar="CSV")
@click.option("-o", "--output", metavar="DIR")
@click.option("--gradebook", metavar="CSV")
@click.option("--column", metavar="NAME")
@running.how_to_run
@click.option("--fail-under", type=Amount(0), metavar="POINTS")
@json_option()
@language_option(BOTH)
def run(rubric: str, paths: tuple[str, ...], **options: Any) -> int:
    """Grade every submission below the PATHs: folders, archives, captures."""
    from explain.grade.authoring.lint import sound
    from explain.grade.hand_ins.handed_in import find

    first, other = _languages(options)
    read = sound(rubric, first)
    export = gradebook.export_of(read, options)
    roster = _roster(read, options["roster"]) or gradebook.roster(export)
    found = find(read, paths, roster)
    if not found:
        raise UsageError("grade.no_submission")
    status = _run_in(first, read, found, export, options)
    if other is not None:
        _run_in(other, sound(rubric, other), found, None, options | {"is_other": True})
    return status


def _run_in(
    language: str, rubric: Rubric, found: Sequence[Submission], export: Export | None, options: Mapping[str, Any]
) -> int:
    from explain.grade.running.whole_class import Gathered

    chosen = {**options, "lang": language}
    with Gathered(len(found)) as gathered:
        running.grade_class(rubric, found, chosen, gathered)
        gathered.add_flags(rubric, found, language)
        return tell(rubric, gathered.forms, {one.id: one.roster for one in found}, export, chosen)


def _languages(options: Mapping[str, Any]) -> tuple[str, str | None]:
    """The language of everything, and the one in which the pages are written once more."""
    if options["lang"] != BOTH:
        return options["lang"], None
    if not options["output"]:
        raise UsageError("usage.both_languages")
    first = default_language()
    return first, "en" if first == "ja" else "ja"


def _roster(rubric: Rubric, given: str | None) -> list[dict[str, str]]:
    from explain.grade.hand_ins.rosters import read_roster, twice

    beside = Path(rubric.path).parent / rubric.roster if rubric.roster else None
    if given is None and (beside is None or not beside.is_file()):
        if beside is not None:
            noted("grade.no_roster", path=rubric.roster)
        return []
    rows = read_roster(given or str(beside))
    for name in twice(rows)[:_MOST_NAMED]:
        noted("grade.roster_twice", name=name)
    noted_shared(rows)
    return rows


@grade.command("lint", context_settings=HELP)
@click.argument("rubrics", nargs=-1, required=True, metavar="RUBRIC.toml...")
@language_option()
def lint_rubrics(rubrics: tuple[str, ...], lang: str) -> int:
    """Say what is wrong with a rubric, and what may be; 1 if something is wrong."""
    from explain.grade.authoring.lint import lint

    is_wrong = False
    for path in rubrics:
        _, errors, warnings = lint(path, lang)
        for kind, texts in (("error", errors), ("warning", warnings), ("ok", [] if errors else [""])):
            for text in texts:
                print(f"{visible(path)}: {sentence(f'grade.{kind}', text=text)}")
        is_wrong |= bool(errors)
    return NotMetError.exit_status if is_wrong else 0


@grade.command("test", context_settings=HELP)
@click.argument("rubric", metavar="RUBRIC.toml")
@language_option()
def test_rubric(rubric: str, lang: str) -> int:
    """Hold a rubric against its own good and bad captures ([[test]]); 1 if a mark is not as stated."""
    from explain.grade.authoring.lint import sound
    from explain.grade.authoring.trials import run_trials

    read = sound(rubric, lang)
    if not read.trials:
        raise UsageError("grade.no_test", rubric=rubric)
    complaints = 0
    for name, wrong in run_trials(read, lang):
        for text in wrong:
            print(f"{visible(name)}: {visible(text)}")
        if not wrong:
            print(f"{visible(name)}: {sentence('grade.ok')}")
        complaints += len(wrong)
    return NotMetError.exit_status if complaints else 0


@grade.command("events", context_settings=HELP)
@click.argument("name", required=False)
@json_option()
@language_option()
def list_events(name: str | None, as_json: bool, lang: str) -> int:
    """The events that a rubric may name, their fields, and what each means."""
    from explain.errors import UnknownNameError
    from explain.grade.events.vocabulary import all_names, fields_of, meaning, members, values_of

    if name and not members(name):
        from difflib import get_close_matches

        raise UnknownNameError("event", name, tuple(get_close_matches(name, all_names(), 3)))
    chosen = members(name) if name else all_names()
    if as_json:
        listed = [{"event": one, "means": meaning(one, lang), "fields": dict(fields_of(one, lang))} for one in chosen]
        page.give(listed)
        return 0
    columns, longest = page.list_width(), max(len(field) for one in chosen for field in fields_of(one, lang))
    for one in chosen:
        page.give(page.block(f"{one}: {meaning(one, lang)}", "", "  ", columns))
        for field, text in fields_of(one, lang).items():
            said = values_of(one, field)
            told = f"{text}: {', '.join(said)}" if 0 < len(said) <= _MOST_VALUES else text
            page.give(page.entry(field, told, longest, columns))
    return 0


@grade.command("diff", context_settings=HELP)
@click.argument("old", metavar="OLD.toml")
@click.argument("new", metavar="NEW.toml")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--roster", metavar="CSV")
@click.option("--jobs", type=click.IntRange(1, 256))
@LANG
def diff(old: str, new: str, paths: tuple[str, ...], roster: str | None, jobs: int | None) -> int:
    """Who gains or loses by a changed rubric, check by check."""
    before, after = (_points(path, paths, roster, jobs) for path in (old, new))
    for name in sorted({*before, *after}):
        one, other = before.get(name, {}), after.get(name, {})
        changed = [key for key in dict.fromkeys((*one, *other)) if one.get(key) != other.get(key)]
        for key in changed:
            print(f"{visible(name)}\t{visible(key)}\t{_number(one.get(key))} -> {_number(other.get(key))}")
    return 0


def _points(
    path: str, paths: tuple[str, ...], roster: str | None, jobs: int | None
) -> dict[str, dict[str, float | None]]:
    """By submission the points of each check and answer, and the score."""
    from explain.grade.authoring.lint import sound
    from explain.grade.hand_ins.handed_in import find
    from explain.grade.running.executors import grade_all

    rubric = sound(path)
    found = find(rubric, paths, _roster(rubric, roster))
    return {
        form["id"]: {one["id"]: one["points"] for one in (*form["checks"], *form["answers"])} | {"score": form["score"]}
        for _, form in grade_all(rubric, found, jobs or os.cpu_count() or 1, "en")
    }


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


@grade.command("why", context_settings=HELP)
@click.argument("name", metavar="ID")
@click.argument("check")
@click.option("--grades", default="grades.json", show_default=True, metavar="FILE")
@language_option()
def why(name: str, check: str, grades: str, lang: str) -> int:
    """Answer a complaint: what this check gave this student, why, and which frames show it."""
    from explain.errors import UnknownNameError, UnreadableError
    from explain.grade.pages.form import forms_in

    try:
        form = next((one for one in forms_in(grades) if one["id"] == name), None)
        if form is None:
            raise UnknownNameError("submission", name)
        verdicts = {one["id"]: one for one in (*form["checks"], *form["answers"])}
    except (KeyError, TypeError):
        raise UnreadableError(grades, "unread.no_grades") from None
    if check not in verdicts:
        raise UnknownNameError("check", check, tuple(verdicts)[:5])
    one = verdicts[check]
    tell_verdict(f"{name}, {check}", one, lang, "")
    files = [file["file"] for file in form["files"]]
    for evidence in one["evidence"]:
        number = evidence["capture"]
        file = files[number] if number < len(files) else str(number)
        values = {"file": file, "frames": [str(a) if a == b else f"{a}-{b}" for a, b in evidence["frames"]]}
        print(f"  {say('grade_page.student.at', values, lang)}")
    return 0


for _command in (writing.draft, writing.mutate, writing.pack, review_answers):
    grade.add_command(_command)
