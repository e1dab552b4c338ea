"""``explain lab run``: a lab from its file to the story of its recording, held against what was expected."""

from __future__ import annotations

import os
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explain.cli.lab.talk import read_lab, silent, tell_names, told, visible
from explain.cli.options import HELP, json_option, language_option
from explain.cli.output import STANDARD_OUTPUT, keep_inputs, put_octets, room_for
from explain.cli.talk import complained, noted
from explain.errors import NotMetError, UsageError

if TYPE_CHECKING:
    from explain.lab.recording import Recording

_MOST_KEPT = 1000


@click.command("run", context_settings=HELP)
@click.argument("name")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--case", "case_folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--keep", is_flag=True)
@click.option("--healthy", is_flag=True)
@click.option("--states/--no-states", default=True)
@json_option()
@click.option("-v", "--verbose", is_flag=True)
@click.option("-q", "--quiet", is_flag=True)
@language_option()
def lab_run(name: str, **options: Any) -> int:
    """Build a lab, record it, run its steps, take it down, explain the recording and check it."""
    found, path = read_lab(name)
    if options["output"]:
        _keep_safe(options["output"], path)
    hear = silent if options["quiet"] else _steps_aloud
    if options["keep"]:
        from explain.lab.up.supervisor import up

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


def _keep_safe(output: Path, lab: Path) -> None:
    """Refuse, before anything is built, to write where nothing can be written or where the lab file is."""
    if str(output) in STANDARD_OUTPUT:
        raise UsageError("usage.recording_into_story")
    room_for(output)
    keep_inputs(str(output), [], str(lab))


# What explaining any recording imports, and what a ping through a router does: half of all labs.
WARM = {
    "": ("intake", "render.plain", "render.voice", "words"),
    "places.": ("clocks", "matching", "topology", "translation"),
    "exchanges.": ("arp", "icmp.echo", "icmp.error", "losses", "tcp.labelling.steps"),
    "exchanges.over_places.": ("journey", "nat_translation", "trails"),
    "causes.from_capture.": ("link.segment", "over_places.journey", "paths", "silence", "unaddressed"),
    "causes.from_capture.tcp.": ("connections",),
    "story.exchanges.": ("arp", "icmp", "journey", "nat"),
}


def _warm_up() -> None:
    """Import the analysis while the lab is being built by another process."""
    from importlib import import_module

    for room, modules in WARM.items():
        for module in modules:
            import_module(f"explain.{room}{module}")


def _steps_aloud(kind: str, value: Any) -> None:
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
        put_octets(data, options["output"])
        write_new(options["output"].with_suffix(".lab.json"), sidecar(recording))
    if options["case_folder"]:
        from explain.lab.case import write_case

        write_case(recording, options["case_folder"])
    for complaint in recording.complaints:
        complained(complaint)
    for ran in recording.ran if options["quiet"] else ():  # else its output was seen when it ran
        if ran.complaint:
            told(visible(ran.output.rstrip("\n")))
    if recording.complaints and not (options["output"] or options["case_folder"]):
        kept = _free(recording.lab.name)
        write_new(kept, data)
        noted("lab.kept", file=kept)
    mismatches = _explain(recording, data, path.parent / "expected.toml", options)
    return NotMetError.exit_status if recording.complaints or mismatches else 0


def _free(name: str) -> Path:
    """A file beside which nothing of somebody else's is lost."""
    names = (f"{name}{end}.pcapng" for end in ("", *(f"-{number}" for number in range(2, _MOST_KEPT))))
    return next((Path(one) for one in names if not os.path.lexists(one)), Path(f"{name}.pcapng"))


def _explain(recording: Recording, data: bytes, expected: Path, options: dict[str, Any]) -> int:
    """Tell what the recording shows and hold it against what was expected; how many things differ."""
    try:
        from explain.cli.telling.check import check
        from explain.pipeline import explain
        from explain.render.plain import render
        from explain.story.troubles import in_full
        from explain.words import say
    except ImportError as e:
        noted("lab.not_explained", why=str(e))
        return 0
    capture = BytesIO(data)
    capture.name = f"{recording.lab.name}.pcapng"
    report = explain([capture])
    if options["as_json"]:
        sys.stdout.write(report.to_json(options["lang"]))
    else:
        depth = 0 if options["quiet"] else 2 if options["verbose"] else 1
        lines = [line for line in report.lines if line.depth <= depth]
        lines = in_full(lines) if options["verbose"] else lines
        sys.stdout.write(render(lines, [say(line.message, line.values, options["lang"]) for line in lines]))
    if options["healthy"] or not expected.is_file():
        return 0
    return check(report, str(expected))
