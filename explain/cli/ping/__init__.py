"""``explain ping``: diagnose a ping, traceroute, TCP connect or DHCP client that failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from explain.cli.options import HELP, json_option, language_option
from explain.errors import UsageError

if TYPE_CHECKING:
    from explain.causes.diagnosis import Diagnosis, Witnesses


@click.command("ping", context_settings=HELP)
@click.argument("target", required=False)
@click.option("--text", "text", metavar="FILE|-")
@click.option("--capture", "captures", multiple=True, metavar="[NAME[:IFACE]=]FILE")
@click.option("--state", "states", multiple=True, metavar="[NAME=]FILE")
@click.option("--command", "command", metavar="TEXT|@FILE")
@click.option("--exit-status", type=int)
@click.option("--sender", metavar="NAME")
@click.option("--case", "case", type=click.Path(path_type=Path), metavar="DIR|NAME")
@click.option("--probe", is_flag=True)
@click.option("-c", "--count", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("-4", "family", flag_value=4, type=int)
@click.option("-6", "family", flag_value=6, type=int)
@click.option("-I", "bound", metavar="IFACE|ADDRESS")
@click.option("-s", "--size", type=click.IntRange(0, 65000))
@json_option()
@click.option("-v", "--verbose", is_flag=True)
@click.option("-q", "--quiet", is_flag=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@language_option()
def ping(  # one option, one argument
    *,
    target: str | None,
    text: str | None,
    captures: tuple[str, ...],
    states: tuple[str, ...],
    command: str | None,
    exit_status: int | None,
    sender: str | None,
    case: Path | None,
    probe: bool,
    count: int,
    family: int | None,
    bound: str | None,
    size: int | None,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    output: Path | None,
    lang: str,
) -> int:
    """Say why a command failed, what proves it, what it cannot be, and what to look at next."""
    from explain.causes.diagnose import diagnose
    from explain.cli.output import keep_inputs
    from explain.cli.ping.witnesses import Given, gather

    given = Given(text, captures, states, command, exit_status, sender, _found(case))
    if output is not None:
        keep_inputs(str(output), (*captures, *states), text)
    if target is not None:
        from explain.cli.ping.live_ping import Asked, observe

        if given != Given():
            raise UsageError("usage.target_and_text")
        witnesses = observe(Asked(target, count, family, bound, size, probe))
    else:
        witnesses = gather(given)
    _tell(diagnose(witnesses), witnesses, lang, output, as_json=as_json, verbose=verbose, quiet=quiet)
    return 0


def _found(case: Path | None) -> Path | None:
    """The folder of a case; a name stands for a recording of a lab."""
    if case is None or case.exists():
        return case
    from explain.lab.catalogue import find_recording

    return find_recording(str(case))


def _json(diagnosis: Diagnosis, witnesses: Witnesses, lang: str) -> str:
    from explain.causes.mending import mending
    from explain.causes.report import diagnosis_report
    from explain.plain_data import json_text
    from explain.words import say

    report = diagnosis_report(
        diagnosis, lambda message, values: say(message, values, lang), lambda each: mending(each, witnesses, lang)[0]
    )
    return f"{json_text(report)}\n"


def _tell(
    diagnosis: Diagnosis,
    witnesses: Witnesses,
    lang: str,
    output: Path | None,
    *,
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    import sys

    from explain.cli.output import put
    from explain.cli.ping.telling import lines_of, plain_text

    if not as_json and output is None and sys.stdout.isatty():
        from explain.render.terminal import show

        show(*lines_of(diagnosis, witnesses, lang, verbose=verbose, quiet=quiet), sys.stdout)
        return
    told = (
        _json(diagnosis, witnesses, lang)
        if as_json
        else plain_text(diagnosis, witnesses, lang, verbose=verbose, quiet=quiet)
    )
    put(told, output)
