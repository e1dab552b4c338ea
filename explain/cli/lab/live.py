"""Hands-on work with a lab that stays up: its shell, its nodes, its recording, its state, and its end."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from explain.cli.lab.talk import read_lab, silent, tell_names
from explain.cli.options import HELP, LANG, Amount
from explain.cli.output import put_octets, room_for
from explain.cli.talk import complained, noted, told
from explain.errors import NotMetError

_ANYTHING = {**HELP, "ignore_unknown_options": True}


@click.command("up", context_settings=HELP)
@click.argument("name")
@click.option("--healthy", is_flag=True)
@LANG
def up(name: str, healthy: bool) -> int:
    """Build a lab with its services and its fault, and leave it up."""
    from explain.lab.up.supervisor import up as raise_lab

    found, path = read_lab(name)
    live, _ = raise_lab(found, path, not healthy, with_steps=False, hear=silent)
    tell_names(live)
    return 0


_LAB_OPTION = click.option("--lab", "lab_name")


@click.command("shell", context_settings=HELP)
@click.argument("node", required=False)
@_LAB_OPTION
@LANG
def shell(node: str | None, lab_name: str | None) -> int:
    """A shell in a node; without NODE in the lab, where `ip netns exec NODE` works for everybody."""
    from explain.lab.up.inside import run_inside
    from explain.lab.up.known import one

    live = one(lab_name)
    where = node or live.name
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    environment["PS1"] = f"{where}# "
    return run_inside(
        live, node, ["bash", "--norc", "-i"] if sys.stdin.isatty() else ["bash", "--norc"], environment, complained
    )


@click.command("exec", context_settings=_ANYTHING)
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@_LAB_OPTION
@LANG
def execute(node: str, command: tuple[str, ...], lab_name: str | None) -> int:
    """Run a command in a node; its exit status is ours."""
    from explain.lab.up.inside import run_inside
    from explain.lab.up.known import one

    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    return run_inside(one(lab_name), node, list(command), environment, complained)


@click.command("record", context_settings=HELP)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seconds", type=Amount(0, 86400))
@click.option("--at", metavar="NODE.IFACE")
@_LAB_OPTION
@LANG
def record(output: Path, seconds: float | None, at: str | None, lab_name: str | None) -> int:
    """Record every interface of a lab that is up, or one, until Ctrl-C."""
    from explain.lab.up.known import one
    from explain.lab.up.listen import record_live

    room_for(output)
    live = one(lab_name)
    data, frames, dropped = record_live(live, seconds, at, lambda: told("lab.recording", lab=live.name))
    put_octets(data, output)
    told("lab.recorded", count=frames, file=output)
    if dropped:
        noted("lab.lost", count=dropped)
        return NotMetError.exit_status
    return 0


@click.command("state", context_settings=HELP)
@click.argument("node")
@_LAB_OPTION
@LANG
def state(node: str, lab_name: str | None) -> int:
    """A node's state as JSON, as `explain ping --state` takes it."""
    from explain.lab.up.known import one
    from explain.lab.up.listen import state_of

    print(json.dumps(state_of(one(lab_name), node), indent=1))
    return 0


@click.command("down", context_settings=HELP)
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True)
@LANG
def down(name: str | None, everything: bool) -> int:
    """Take a lab down; nothing of it is left."""
    from explain.lab.up.known import all_live, one
    from explain.lab.up.supervisor import down as take_down

    for live in all_live() if everything else [one(name)]:
        take_down(live)
        told("lab.down", lab=live.name)
    return 0


HANDS_ON = (up, shell, execute, record, state, down)
