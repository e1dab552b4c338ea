"""``explain lab from NOTES``: the network that notes build, as a lab file that can be run, broken and mended."""

from __future__ import annotations

from pathlib import Path

import click

from explain.cli.options import HELP, LANG
from explain.cli.talk import noted, told
from explain.errors import UsageError


@click.command("from", context_settings=HELP)
@click.argument("notes", metavar="NOTES|-")
@click.option("-o", "--output", metavar="FOLDER")
@click.option("--title")
@LANG
def lab_from(notes: str, output: str | None, title: str | None) -> int:
    """Write the network that NOTES build as a lab file."""
    from explain.causes.notes.plan import lab_table
    from explain.causes.notes.study import study
    from explain.cli.reading import octets_of
    from explain.lab.write import checked
    from explain.model import LANGUAGES
    from explain.symptoms.notes import read_notes
    from explain.words import sentence

    titles = {lang: title or sentence("notes.lab-title", lang) for lang in LANGUAGES}
    table = lab_table(study(read_notes(octets_of(notes), path=notes, otherwise="unread.not_text")), titles)
    if not table["nodes"]:
        raise UsageError("lab.no_network", path=notes)
    text, complaints = checked(table, notes)
    for complaint in complaints:
        noted("lab.left_out", what=complaint.line)
    if output is None:
        print(text, end="")
        return 0
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lab.toml").write_text(text, "utf-8")
    told("lab.written", file=folder / "lab.toml", folder=folder)
    return 0
