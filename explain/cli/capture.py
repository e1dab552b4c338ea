"""``explain [OPTIONS] FILE...``: tell what happened in captures."""

from __future__ import annotations

from typing import Any

import click

from explain.cli.options import HELP, json_option, language_option
from explain.cli.tell import tell
from explain.words import say

_EPILOG = (
    "Commands: ping, path, grade, lab, cause, word, packet, table, annotate, state; each has its own --help. "
    "A file that is named like a command is given as ./ping."
)
_FORMATS = ("terminal", "json", "markdown", "mermaid", "html", "zeek")


@click.command("capture", epilog=_EPILOG, context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[NAME[:IFACE]=]FILE...")
@json_option("The report as one JSON object.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="terminal", help="The form of the output.")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, whole or not at all.")
@language_option("Language of the story.")
@click.option("-v", "--verbose", is_flag=True, help="More depth.")
@click.option("-q", "--quiet", is_flag=True, help="The verdict only.")
@click.option("--all", "everything", is_flag=True, help="Tell every exchange, shorten nothing.")
@click.option("--ladder", is_flag=True, help="The verdict, and every packet as an arrow between the hosts.")
@click.option("--only", metavar="KIND[,KIND]", help="Only these kinds, such as tcp or icmp.echo.")
@click.option("--host", metavar="A[,B]", help="Only what these addresses took part in.")
@click.option("--port", type=click.IntRange(0, 65535), help="Only what used this port.")
@click.option("--between", nargs=2, metavar="T1 T2", help="Only from T1 to T2: wall clock, or seconds from the start.")
@click.option("--utc", is_flag=True, help="Wall clock times are UTC.")
@click.option("--against", multiple=True, metavar="GOOD", help="A run that went well: tell where this one differs.")
@click.option("--check", metavar="EXPECTED", help="Hold the report against expected outcomes; 1 if they are not met.")
@click.option("--second-opinion", is_flag=True, help="Compare every packet with tshark.")
@click.option("--checksums", is_flag=True, help="Verify the checksums of all payloads.")
@click.option("--anonymise", is_flag=True, help="Other addresses, MACs and names; payloads cut off.")
@click.option("-i", "--interface", metavar="IFACE", help="Hear an interface (or any), and tell what happens there.")
@click.option("-w", "--write", metavar="FILE", help="Keep what -i hears; or, with --anonymise, the renamed capture.")
@click.option(
    "--completion", type=click.Choice(("bash", "zsh", "fish")), is_eager=True, expose_value=False,
    callback=lambda context, _, shell: _print_completion(context, shell),
    help="Print what makes this shell complete explain's words; its head says where it belongs.",
)  # fmt: skip
@click.version_option(package_name="explain-pcap", prog_name="explain")
def capture(files: tuple[str, ...], **options: Any) -> int:
    """Tell what happened in a capture, with the frames that prove it.

    Several FILEs are several vantage points; - is standard input.  What a file is, is
    recognised by its content: pcap, pcapng, plain or packed with gzip or zstd.
    """
    if bool(options["interface"]) == bool(files):
        raise click.UsageError(say("errors.usage.file_or_interface", {}, options["lang"]))
    if options["against"] and (options["interface"] or files == ("-",)):
        raise click.UsageError(say("errors.usage.against_live", {}, options["lang"]))
    return tell(files, options)


def _print_completion(context: click.Context, shell: str | None) -> None:
    if shell and not context.resilient_parsing:
        from explain.cli.completion import script

        print(script(shell), end="")
        context.exit()
