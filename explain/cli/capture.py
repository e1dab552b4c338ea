"""``explain [OPTIONS] FILE...``: tell what happened in captures."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from explain.cli.language import default_language

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from explain.capture.vantage import Source
    from explain.exchanges.selection import Selection
    from explain.model import Line, Report

_EPILOG = (
    "Commands: ping, path, grade, lab, cause, packet, table, annotate, state; each has its own --help. "
    "A file that is named like a command is given as ./ping."
)
_FORMATS = ("terminal", "json", "markdown", "mermaid", "html", "zeek")


@click.command("capture", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, metavar="[NAME[:IFACE]=]FILE...")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="terminal", help="The form of the output.")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, whole or not at all.")
@click.option("--lang", type=click.Choice(("en", "ja")), default=default_language, help="Language of the story.")
@click.option("-v", "--verbose", is_flag=True, help="More depth.")
@click.option("-q", "--quiet", is_flag=True, help="The verdict only.")
@click.option("--all", "everything", is_flag=True, help="Tell every exchange, shorten nothing.")
@click.option("--ladder", is_flag=True, help="The verdict, and every packet as an arrow between the hosts.")
@click.option("--only", metavar="KIND[,KIND]", help="Only these kinds, such as tcp or icmp.echo.")
@click.option("--host", metavar="A[,B]", help="Only what these addresses took part in.")
@click.option("--port", type=click.IntRange(0, 65535), help="Only what used this port.")
@click.option("--between", nargs=2, metavar="T1 T2", help="Only from T1 to T2: wall clock, or seconds from the start.")
@click.option("--utc", is_flag=True, help="Wall clock times are UTC.")
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
    from explain.cli.live import is_told_live, live, standard_input

    if bool(options["interface"]) == bool(files):
        raise click.UsageError("Give either a FILE or -i IFACE.")
    selection = selection_of(options)
    if options["interface"]:
        return live(options, selection)
    given: Sequence[str | BinaryIO] = files
    if files == ("-",) and is_told_live(options):
        stream, is_live = standard_input()
        if is_live:
            return live(options, selection, stream)
        given = [stream]
    from explain.cli.memory import reuse_freed_memory
    from explain.cli.progress import Progress
    from explain.pipeline import explain

    reuse_freed_memory()
    with _inputs(given, options) as inputs, Progress() as progress:
        report = explain(
            inputs, selection, everything=options["everything"], every_checksum=options["checksums"],
            progress=progress,
        )  # fmt: skip
    warn(report)
    _write(report, options)
    if options["second_opinion"]:
        from explain.cli.second_opinion import ask

        ask(report)
    if options["check"]:
        from explain.cli.check import check

        return check(report, options["check"])
    return 0


def _print_completion(context: click.Context, shell: str | None) -> None:
    if shell and not context.resilient_parsing:
        from explain.cli.completion import script

        print(script(shell), end="")
        context.exit()


def _inputs(
    files: Sequence[str | BinaryIO], options: dict[str, Any]
) -> AbstractContextManager[Sequence[str | BinaryIO | Source]]:
    """The captures, or their copies under other names."""
    if options["anonymise"] or options["write"]:
        from explain.cli.anonymise import renamed

        return renamed(files, options)
    return nullcontext(files)


def selection_of(options: dict[str, Any]) -> Selection | None:
    """What the options choose, None if they choose nothing."""
    if not (options["only"] or options["host"] or options["port"] is not None or options["between"]):
        return None
    from explain.cli.times import moments
    from explain.exchanges.selection import Selection, known_kinds

    return Selection(
        known_kinds(_listed(options["only"])),
        _listed(options["host"]),
        options["port"],
        moments(*options["between"], is_utc=options["utc"]) if options["between"] else None,
    )


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()


def warn(report: Report) -> None:
    """Name what is damaged or unreadable, on standard error."""
    from explain.words.values import visible

    for one in report.captures:
        if one.damage:
            where = f" at byte {one.damage.offset}" if one.damage.kind != "unreadable" else ""
            print(f"explain: {visible(one.path)}{where}: {visible(one.damage.message)}", file=sys.stderr)


def _write(report: Report, options: dict[str, Any]) -> None:
    language = options["lang"]
    if options["as_json"] or options["form"] == "json":
        text = report.to_json(language)
    else:
        lines = _deep_enough(report, options)
        from explain.words import say

        sentences = [say(line.message, line.values, language) for line in lines]
        if options["form"] == "zeek" and options["output"] and Path(options["output"]).is_dir():
            from explain.cli.forms import zeek_files

            zeek_files(report, options["output"])
            return
        if options["form"] != "terminal":
            from explain.cli.forms import drawn

            _put(drawn(options["form"], report, lines, sentences, language), options["output"])
            return
        if options["ladder"]:
            from explain.cli.forms import ladder

            is_for_terminal = not options["output"] and sys.stdout.isatty()
            _put(ladder(report, lines, sentences, language, is_for_terminal=is_for_terminal), options["output"])
            return
        if not options["output"] and sys.stdout.isatty():
            from explain.render.terminal import show

            show(lines, sentences, sys.stdout)
            return
        from explain.render.plain import render

        text = render(lines, sentences)
    _put(text, options["output"])


def _deep_enough(report: Report, options: dict[str, Any]) -> list[Line]:
    depth = 0 if options["quiet"] else 2 if options["verbose"] else 1
    return [line for line in report.lines if line.depth <= depth]


def _put(text: str, output: str | None) -> None:
    """To standard output, or to a file that appears under its name only when it is whole."""
    if output is None:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        return
    from explain.cli.output import whole_file

    with whole_file(output) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
