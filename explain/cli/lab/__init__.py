"""``explain lab``: networks to build, break, record and check.  Joins the labs with the analysis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from explain.cli import page
from explain.cli.lab.extcap import lab_extcap
from explain.cli.lab.from_notes import lab_from
from explain.cli.lab.handout import handout
from explain.cli.lab.live import HANDS_ON
from explain.cli.lab.quiz import quiz
from explain.cli.lab.run import lab_run
from explain.cli.lab.talk import read_lab, told, visible
from explain.cli.options import HELP, LANG, json_option, language_option
from explain.errors import ExplainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.lab.doctor import Probe
    from explain.lab.records import Lab


@click.group("lab", context_settings=HELP)
def lab() -> None:
    """Build a network, break it, record it, and hold the recording against what was expected."""


for command in (lab_run, *HANDS_ON, quiz, handout, lab_from, lab_extcap):
    lab.add_command(command)


@lab.command("list", context_settings=HELP)
@json_option()
@click.option("--by", type=click.Choice(("chapter", "cause")), default="chapter")
@language_option()
def list_labs(as_json: bool, by: str, lang: str) -> int:
    """Every lab that can be run by name."""
    from explain.lab.catalogue import everything
    from explain.lab.read import read

    labs = [read(path) for path in everything()]
    if as_json:
        rows = [
            {"name": one.name, "chapter": one.chapter, "cause": one.cause, "title": dict(one.title)} for one in labs
        ]
        page.give(rows)
        return 0
    groups: dict[str, list[Lab]] = {}
    for one in labs:
        groups.setdefault(one.chapter if by == "chapter" else one.cause, []).append(one)
    longest = max((len(one.name) for one in labs), default=0)
    columns = page.list_width()
    for group in sorted(groups):
        print(visible(_chapter(group, lang) if by == "chapter" else group))
        for one in groups[group]:
            page.give(page.entry(one.name, visible(one.title[lang]), longest, columns))
    return 0


def _chapter(name: str, lang: str) -> str:
    """The name of a chapter in the reader's language, for the chapters of the shipped labs."""
    from explain.words import has, say

    message = f"talk.chapter.{name.replace(' ', '-')}"
    return say(message, {}, lang) if has(message) else name


@lab.command("show", context_settings=HELP)
@click.argument("name")
@language_option()
def show(name: str, lang: str) -> int:
    """Draw a lab's network and say what will be done in it."""
    import shutil

    from explain.lab.draw import draw
    from explain.lab.plan import performed, started

    found, path = read_lab(name)
    print(visible(f"{found.name}: {found.title[lang]}"))
    print(visible(f"{path}  ({_chapter(found.chapter, lang)}; {found.cause})"))
    print()
    for line in draw(found, shutil.get_terminal_size((100, 24)).columns):
        print(visible(line))
    print()
    for act in (*started(found), *performed(found)):
        print(visible(f"  {act.command}"))
    return 0


@lab.command("plan", context_settings=HELP)
@click.argument("name")
@click.option("--healthy", is_flag=True)
@LANG
def show_plan(name: str, healthy: bool) -> int:
    """Everything that building and running a lab does, as commands.  Needs no rights and does nothing."""
    from explain.lab.plan import plan

    for act in plan(read_lab(name)[0], with_fault=not healthy):
        print(visible(act.command))
    return 0


@lab.command("doctor", context_settings=HELP)
@json_option()
@language_option()
def doctor(as_json: bool, lang: str) -> int:
    """What this kernel and system have for labs; each missing thing with its remedy and the labs that need it."""
    from explain.lab.catalogue import everything
    from explain.lab.doctor import needy, probes
    from explain.lab.read import read

    labs = []
    for path in everything():
        try:
            labs.append(read(path))
        except ExplainError as e:
            told(f"explain: {e.told(lang)}")
    found, wanting = probes(), needy(labs)
    if as_json:
        rows = [
            {"what": one.what, "problem": str(one.problem) if one.problem else None, "remedy": one.remedy}
            for one in found
        ]
        print(json.dumps({"probes": rows, "labs": wanting}, indent=1))
    else:
        for probe in found:
            for line in _in_words(probe, wanting.get(probe.what, []), lang):
                print(visible(line))
    lacking = [probe for probe in found if probe.problem and (probe.what in wanting or probe.what not in _packaged())]
    return 2 if lacking else 0


def _in_words(probe: Probe, labs: list[str], lang: str) -> Iterator[str]:
    """What was found of one thing, and where it is missing, how to get it and which labs need it."""
    from explain.words import has, say

    message = f"doctor.what.{probe.what}"
    what = say(message, {}, lang) if has(message) else probe.what
    if probe.problem is None:
        yield f"✓ {what}"
        return
    yield f"✗ {what}: {probe.problem.told(lang).splitlines()[0]}"
    if probe.remedy:
        yield f"    {probe.remedy}"
    if labs:
        yield f"    {say('doctor.needed-by', {'labs': ', '.join(labs)}, lang)}"


def _packaged() -> set[str]:
    """Tools that only some labs need."""
    from explain.lab.services import PACKAGES

    return set(PACKAGES)
