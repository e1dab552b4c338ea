"""``explain lab``: networks to build, break, record and check.  Joins the labs with the analysis."""

from __future__ import annotations

import json
import os
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explain.cli import page
from explain.cli.handout import handout
from explain.cli.lab_extcap import lab_extcap
from explain.cli.lab_from import lab_from
from explain.cli.language import default_language
from explain.cli.quiz import quiz
from explain.errors import ExplainError, NotMetError

if TYPE_CHECKING:
    from explain.lab.live import Live
    from explain.lab.recording import Recording
    from explain.lab.records import Lab

HELP = {"help_option_names": ["-h", "--help"]}
ANYTHING = {**HELP, "ignore_unknown_options": True}


def visible(text: str) -> str:
    """Text that cannot act on a terminal."""
    from explain.words.values import visible as made_visible

    return "\n".join(made_visible(line) for line in text.split("\n"))


def told(text: str) -> None:
    """Talk, not data."""
    print(text, file=sys.stderr, flush=True)


def read_lab(name: str) -> tuple[Lab, Path]:
    """The lab of this name, and its file."""
    from explain.lab.catalogue import find
    from explain.lab.read import read

    path = find(name)
    return read(path), path


@click.group("lab", context_settings=HELP)
def lab() -> None:
    """Build a network, break it, record it, and hold the recording against what was expected."""


lab.add_command(quiz)
lab.add_command(handout)
lab.add_command(lab_from)
lab.add_command(lab_extcap)


@lab.command("list", context_settings=HELP)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--by", type=click.Choice(("chapter", "cause")), default="chapter", help="How to group them.")
@click.option("--lang", type=click.Choice(("en", "ja")), default=default_language, help="Language of the titles.")
def list_labs(as_json: bool, by: str, lang: str) -> int:
    """Every lab that can be run by name."""
    from explain.lab.catalogue import everything
    from explain.lab.read import read

    labs = [read(path) for path in everything()]
    if as_json:
        rows = [
            {"name": one.name, "chapter": one.chapter, "cause": one.cause, "title": dict(one.title)} for one in labs
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    groups: dict[str, list[Lab]] = {}
    for one in labs:
        groups.setdefault(one.chapter if by == "chapter" else one.cause, []).append(one)
    longest = max((len(one.name) for one in labs), default=0)
    columns = page.width() if sys.stdout.isatty() else sys.maxsize  # in a pipe a lab is one line
    for group in sorted(groups):
        print(visible(group))
        for one in groups[group]:
            page.give(page.block(visible(one.title[lang]), f"  {one.name:<{longest}}  ", " " * (longest + 4), columns))
    return 0


@lab.command("show", context_settings=HELP)
@click.argument("name")
@click.option("--lang", type=click.Choice(("en", "ja")), default=default_language, help="Language of the title.")
def show(name: str, lang: str) -> int:
    """Draw a lab's network and say what will be done in it."""
    import shutil

    from explain.lab.draw import draw
    from explain.lab.plan import performed, started

    found, path = read_lab(name)
    print(visible(f"{found.name}: {found.title[lang]}"))
    print(visible(f"{path}  ({found.chapter}; {found.cause})"))
    print()
    for line in draw(found, shutil.get_terminal_size((100, 24)).columns):
        print(visible(line))
    print()
    for act in (*started(found), *performed(found)):
        print(visible(f"  {act.command}"))
    return 0


@lab.command("plan", context_settings=HELP)
@click.argument("name")
@click.option("--healthy", is_flag=True, help="Leave the fault out.")
def show_plan(name: str, healthy: bool) -> int:
    """Everything that building and running a lab does, as commands.  Needs no rights and does nothing."""
    from explain.lab.plan import plan

    for act in plan(read_lab(name)[0], with_fault=not healthy):
        print(visible(act.command))
    return 0


@lab.command("run", context_settings=HELP)
@click.argument("name")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Keep the capture in this file.")
@click.option("--case", "case_folder", type=click.Path(file_okay=False, path_type=Path), help="Write a case's folder.")
@click.option("--keep", is_flag=True, help="Leave the network up afterwards, for shell, exec and down.")
@click.option("--healthy", is_flag=True, help="Leave the fault out; nothing is expected then.")
@click.option("--states/--no-states", default=True, help="Collect every node's state before and after.")
@click.option("--json", "as_json", is_flag=True, help="The report of the recording as one JSON object.")
@click.option("-v", "--verbose", is_flag=True, help="More depth.")
@click.option("-q", "--quiet", is_flag=True, help="The verdict only, and nothing of the steps.")
@click.option("--lang", type=click.Choice(("en", "ja")), default=default_language, help="Language of the story.")
def run(name: str, **options: Any) -> int:
    """Build a lab, record it, run its steps, take it down, explain the recording and check it."""
    found, path = read_lab(name)
    hear = silent if options["quiet"] else steps_aloud
    if options["keep"]:
        from explain.lab.live import up

        live, recording = up(found, path, not options["healthy"], with_steps=True, hear=hear)
        tell_names(live)
    else:
        from explain.lab.run import run as perform

        def meanwhile(kind: str, value: Any) -> None:
            if kind == "holder":
                _warm_up()
            hear(kind, value)

        recording = perform(found, not options["healthy"], options["states"], meanwhile, is_imported_first=False)
    return _finish(recording, path, options)


# What explaining any recording imports, and what a ping through a router does: half of all labs.
WARM = {
    "": ("intake", "render.plain", "render.voice", "words"),
    "places.": ("clocks", "matching", "topology", "translation"),
    "exchanges.": ("arp", "icmp_echo", "icmp_error", "journey", "losses", "nat_translation", "tcp_steps", "trails"),
    "causes.from_capture.": ("journey", "paths", "segment", "silence", "tcp_resets", "tcp_talk", "unaddressed"),
    "story.": ("arp", "icmp", "journey", "nat"),
}


def _warm_up() -> None:
    """Import the analysis while the lab is being built by another process."""
    from importlib import import_module

    for room, modules in WARM.items():
        for module in modules:
            import_module(f"explain.{room}{module}")


def silent(_kind: str, _value: Any) -> None:
    """Say nothing of the steps."""


def steps_aloud(kind: str, value: Any) -> None:
    """Each step as it is done, on standard error."""
    from explain.lab.operations import typed

    if kind == "step":
        told(visible(f"{value.on}# {typed(value.run)}"))
    elif kind == "ran":
        told(visible(value.output.rstrip("\n")))


def _finish(recording: Recording, path: Path, options: dict[str, Any]) -> int:
    """Write what was asked for, tell the story, check it; the exit status."""
    from explain.lab.recording import pcapng, sidecar, write_new

    data = pcapng(recording)
    if options["output"]:
        write_new(options["output"], data)
        write_new(options["output"].with_suffix(".lab.json"), sidecar(recording))
    if options["case_folder"]:
        from explain.lab.case import write_case

        write_case(recording, options["case_folder"])
    for complaint in recording.complaints:
        told(visible(f"explain: {complaint}"))
    for ran in recording.ran if options["quiet"] else ():  # else its output was seen when it ran
        if ran.complaint:
            told(visible(ran.output.rstrip("\n")))
    if recording.complaints and not (options["output"] or options["case_folder"]):
        kept = Path(f"{recording.lab.name}.pcapng")
        write_new(kept, data)
        told(f"explain: the recording is kept in {kept}")
    mismatches = _explain(recording, data, path.parent / "expected.toml", options)
    return NotMetError.exit_status if recording.complaints or mismatches else 0


def _explain(recording: Recording, data: bytes, expected: Path, options: dict[str, Any]) -> int:
    """Tell what the recording shows and hold it against what was expected; how many things differ."""
    try:
        from explain.cli.check import check
        from explain.pipeline import explain
        from explain.render.plain import render
        from explain.words import say
    except ImportError as e:
        told(f"explain: the recording was not explained and not checked: {e}")
        return 0
    capture = BytesIO(data)
    capture.name = f"{recording.lab.name}.pcapng"
    report = explain([capture])
    if options["as_json"]:
        sys.stdout.write(report.to_json(options["lang"]))
    else:
        depth = 0 if options["quiet"] else 2 if options["verbose"] else 1
        lines = [line for line in report.lines if line.depth <= depth]
        sys.stdout.write(render(lines, [say(line.message, line.values, options["lang"]) for line in lines]))
    if options["healthy"] or not expected.is_file():
        return 0
    return check(report, str(expected))


def tell_names(live: Live) -> None:
    """How to reach the nodes of a lab that is up."""
    told(f"{live.name} is up: {', '.join(live.nodes)}")
    if live.names:
        node, name = next(iter(live.names.items()))
        told(f"  sudo ip netns exec {name} COMMAND, or: explain lab shell {node}; explain lab down {live.name}")
    else:
        node = live.nodes[0]
        told(f"  explain lab shell {node}, explain lab exec {node} COMMAND; explain lab down {live.name}")


@lab.command("up", context_settings=HELP)
@click.argument("name")
@click.option("--healthy", is_flag=True, help="Leave the fault out.")
def up(name: str, healthy: bool) -> int:
    """Build a lab with its services and its fault, and leave it up."""
    from explain.lab.live import up as raise_lab

    found, path = read_lab(name)
    live, _ = raise_lab(found, path, not healthy, with_steps=False, hear=silent)
    tell_names(live)
    return 0


LAB_OPTION = click.option("--lab", "lab_name", help="Which lab, if several are up.")


@lab.command("shell", context_settings=HELP)
@click.argument("node", required=False)
@LAB_OPTION
def shell(node: str | None, lab_name: str | None) -> int:
    """A shell in a node; without NODE in the lab, where `ip netns exec NODE` works for everybody."""
    from explain.lab.live import one, run_inside

    live = one(lab_name)
    where = node or live.name
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    environment["PS1"] = f"{where}# "
    return run_inside(live, node, ["bash", "--norc", "-i"] if sys.stdin.isatty() else ["bash", "--norc"], environment)


@lab.command("exec", context_settings=ANYTHING)
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@LAB_OPTION
def execute(node: str, command: tuple[str, ...], lab_name: str | None) -> int:
    """Run a command in a node; its exit status is ours."""
    from explain.lab.live import one, run_inside

    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    return run_inside(one(lab_name), node, list(command), environment)


@lab.command("record", context_settings=HELP)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The capture.")
@click.option("--seconds", type=click.FloatRange(0, 86400), help="Stop after so long; else Ctrl-C.")
@LAB_OPTION
def record(output: Path, seconds: float | None, lab_name: str | None) -> int:
    """Record every interface of a lab that is up, until Ctrl-C."""
    from explain.lab.listen import record_live
    from explain.lab.live import one
    from explain.lab.recording import write_new

    live = one(lab_name)
    told(f"recording {live.name}; Ctrl-C ends it")
    data, frames, dropped = record_live(live, seconds)
    write_new(output, data)
    told(f"{frames} frames in {output}")
    if dropped:
        told(f"explain: {dropped} frames were lost; the recording is not complete")
        return NotMetError.exit_status
    return 0


@lab.command("state", context_settings=HELP)
@click.argument("node")
@LAB_OPTION
def state(node: str, lab_name: str | None) -> int:
    """A node's state as JSON, as `explain ping --state` takes it."""
    from explain.lab.listen import state_of
    from explain.lab.live import one

    print(json.dumps(state_of(one(lab_name), node), indent=1))
    return 0


@lab.command("down", context_settings=HELP)
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="All labs of yours that are up.")
def down(name: str | None, everything: bool) -> int:
    """Take a lab down; nothing of it is left."""
    from explain.lab.live import all_live, one
    from explain.lab.live import down as take_down

    for live in all_live() if everything else [one(name)]:
        take_down(live)
        told(f"{live.name} is down")
    return 0


@lab.command("doctor", context_settings=HELP)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> int:
    """What this kernel and system have for labs; each missing thing with its remedy and the labs that need it."""
    from dataclasses import asdict

    from explain.lab.catalogue import everything
    from explain.lab.doctor import needy, probes
    from explain.lab.read import read

    labs = []
    for path in everything():
        try:
            labs.append(read(path))
        except ExplainError as e:
            told(f"explain: {e}")
    found, wanting = probes(), needy(labs)
    if as_json:
        print(json.dumps({"probes": [asdict(probe) for probe in found], "labs": wanting}, indent=1))
    else:
        for probe in found:
            print(f"✓ {probe.what}" if probe.problem is None else f"✗ {probe.what}: {visible(probe.problem)}")
            if probe.problem is not None:
                print(f"    {probe.remedy}")
                if names := wanting.get(probe.what):
                    print(f"    needed by {', '.join(names)}")
    lacking = [probe for probe in found if probe.problem and (probe.what in wanting or probe.what not in _packaged())]
    return 2 if lacking else 0


def _packaged() -> set[str]:
    """Tools that only some labs need."""
    from explain.lab.services import PACKAGES

    return set(PACKAGES)
