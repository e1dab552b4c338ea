"""``explain table CAPTURE...``: packets or exchanges as rows for other programs."""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from explain.cli.options import HELP, language_option
from explain.errors import UsageError, naming

if TYPE_CHECKING:
    from explain.exchanges.selection import Selection
    from explain.model import Report
    from explain.table import Bools

_FORMS = ("csv", "jsonl", "parquet")
_BY_NAME = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@click.command("table", context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[NAME[:IFACE]=]FILE...")
@click.option("--of", "what", type=click.Choice(("packets", "exchanges")), default="packets")
@click.option("--format", "form", type=click.Choice(_FORMS))
@click.option("-o", "--output", metavar="FILE")
@click.option("--columns", "only_columns", is_flag=True)
@language_option()
@click.option("--only", metavar="KIND[,KIND]")
@click.option("--host", metavar="A[,B]")
@click.option("--port", type=click.IntRange(0, 65535))
@click.option("--between", nargs=2, metavar="T1 T2")
@click.option("--utc", is_flag=True)
@click.option("--inside", is_flag=True)
def table(files: tuple[str, ...], what: str, form: str | None, output: str | None, **options: Any) -> int:
    """Write the packets or the exchanges of captures as CSV, JSON Lines or Parquet."""
    if options["only_columns"]:
        _list_columns(what, options["lang"])
        return 0
    if not files:
        raise UsageError("usage.table_capture")
    from explain.cli.telling.tell import selection_of, warn
    from explain.dataframe import exchanges
    from explain.pipeline import explain
    from explain.render import table as render

    form = form or _BY_NAME.get(PurePath(output or "").suffix.lower(), "csv")
    render.check(form)
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("usage.parquet_text")
    if output:
        from explain.cli.output import keep_inputs

        keep_inputs(output, files)
    selection = selection_of(options)
    report = explain(files, selection, inside=options["inside"])
    warn(report, options["lang"])
    if what == "packets":
        frame = render.packets_of(report, _wanted(report, selection))
    else:
        frame = exchanges(report.exchanges, are_lists_text=form != "jsonl")
    if output is None:
        with naming("-"):
            render.write(frame, form, sys.stdout.buffer)
        return 0
    from explain.cli.output import whole_file

    with whole_file(output) as file:
        render.write(frame, form, file)
    return 0


def _wanted(report: Report, selection: Selection | None) -> Bools | None:
    """Which frames to write: those that fit host, port and time, and belong to an exchange of the kinds."""
    if selection is None:
        return None
    import numpy as np

    fits = selection.frames(report.packets)
    if fits is None:
        fits = np.ones(len(report.packets), np.bool_)
    if selection.kinds:
        chosen = np.zeros(len(report.packets), np.bool_)
        for position in report.exchanges.positions:
            part, index = report.exchanges.at(position)
            chosen[part.rows(index)] = True
        fits &= chosen
    return fits


def _list_columns(what: str, language: str) -> None:
    from explain.cli import page
    from explain.words import say, table

    keys = table("columns")[what]
    for key in keys:
        meaning = say(f"columns.{what}.{key}", {}, language)
        page.give(page.entry(key, meaning, max(map(len, keys)), page.list_width()))
