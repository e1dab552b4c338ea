"""``explain [OPTIONS] FILE...``: tell what happened in captures."""

from __future__ import annotations

from typing import Any

import click

from explain.cli.helping import Main
from explain.cli.options import HELP, json_option, language_option
from explain.cli.telling.tell import tell
from explain.words import say

_FORMATS = ("terminal", "json", "markdown", "mermaid", "html", "zeek")


@click.command("capture", cls=Main, context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[NAME[:IFACE]=]FILE...")
@json_option()
@click.option("--format", "form", type=click.Choice(_FORMATS), default="terminal")
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
    if bool(options["interface"]) == bool(files):
        raise click.UsageError(say("errors.usage.file_or_interface", {}, options["lang"]))
    if options["against"] and options["interface"]:
        raise click.UsageError(say("errors.usage.against_live", {}, options["lang"]))
    return tell(files, options)


def _print_completion(context: click.Context, shell: str | None) -> None:
    if shell and not context.resilient_parsing:
        from explain.cli.completion import script

        print(script(shell), end="")
        context.exit()
