"""``explain [OPTIONS] FILE...``: tell what happened in captures."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from explain.cli.helping import Main
from explain.cli.options import HELP, json_option, language_option
from explain.cli.telling.tell import selection_of, tell
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMATS = ("terminal", "json", "markdown", "mermaid", "html", "zeek")
_BY_NAME = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".mmd": "mermaid"}


@click.command("capture", cls=Main, context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[NAME[:IFACE]=]FILE...")
@json_option()
@click.option("--format", "form", type=click.Choice(_FORMATS))
@click.option("-o", "--output", metavar="FILE")
@language_option()
@click.option("-v", "--verbose", is_flag=True)
@click.option("-q", "--quiet", is_flag=True)
@click.option("--all", "everything", is_flag=True)
@click.option("--ladder", is_flag=True)
@click.option("--only", metavar="KIND[,KIND]")
@click.option("--host", metavar="A[,B]")
@click.option("--port", type=click.IntRange(0, 65535))
@click.option("--between", nargs=2, metavar="T1 T2")
@click.option("--utc", is_flag=True)
@click.option("--against", multiple=True, metavar="GOOD")
@click.option("--check", metavar="EXPECTED")
@click.option("--second-opinion", is_flag=True)
@click.option("--checksums", is_flag=True)
@click.option("--inside", is_flag=True)
@click.option("--anonymise", is_flag=True)
@click.option("-i", "--interface", metavar="IFACE")
@click.option("-w", "--write", metavar="FILE")
@click.option(
    "--completion", type=click.Choice(("bash", "zsh", "fish")), is_eager=True, expose_value=False,
    callback=lambda context, _, shell: _print_completion(context, shell),
)  # fmt: skip
@click.version_option(package_name="explain-pcap", prog_name="explain")
def capture(files: tuple[str, ...], **options: Any) -> int:
    """Tell what happened in a capture, with the frames that prove it."""
    options["form"] = options["form"] or _named_form(options)
    if options["between"] and not files:
        selection_of(options)  # the only FILE was taken for the second moment, and that is said
    if bool(options["interface"]) == bool(files):
        raise click.UsageError(say("errors.usage.file_or_interface", {}, options["lang"]))
    if options["against"] and options["interface"]:
        raise click.UsageError(say("errors.usage.against_live", {}, options["lang"]))
    return tell(files, options)


def _named_form(options: Mapping[str, Any]) -> str:
    """The form that the name of the output means, where no other was asked for."""
    if options["as_json"] or options["ladder"]:
        return "terminal"
    return _BY_NAME.get(PurePath(options["output"] or "").suffix.lower(), "terminal")


def _print_completion(context: click.Context, shell: str | None) -> None:
    if shell and not context.resilient_parsing:
        from explain.cli.completion import script

        print(script(shell), end="")
        context.exit()
