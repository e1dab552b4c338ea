"""``explain state``: this host's state as JSON, as ``explain ping --state`` takes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from explain.cli.options import HELP, LANG
from explain.cli.output import put


@click.command("state", context_settings=HELP)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--redact", is_flag=True)
@LANG
def state(output: Path | None, redact: bool) -> int:
    """This host's addresses, routes, rules, neighbours, filters, settings and counters, as one JSON object."""
    from explain.errors import MissingError
    from explain.state.collecting.collect import collect, without_processes

    if sys.platform != "linux":
        raise MissingError("missing.state")
    found = collect()
    text = json.dumps(without_processes(found) if redact else found, indent=1) + "\n"
    put(text, output)
    return 0
