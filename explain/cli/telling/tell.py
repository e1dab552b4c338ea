"""What ``explain [OPTIONS] FILE...`` does once its words are understood; needs no click."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from explain.errors import naming
from explain.model import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from explain.capture.vantage import Source
    from explain.exchanges.selection import Selection
    from explain.grade.expectation import Expected
    from explain.model import Line, Report

PLAIN: Mapping[str, Any] = {
    "as_json": False, "form": "terminal", "output": None, "verbose": False, "quiet": False, "everything": False,
    "ladder": False, "only": None, "host": None, "port": None, "between": None, "utc": False, "check": None,
    "against": (), "second_opinion": False, "checksums": False, "inside": False, "anonymise": False, "interface": None,
    "write": None,
}  # fmt: skip
"""The options where none is given, all but the language."""

_INTERRUPTED, _DEEPEST = 130, 2
_AS_JSON = ("json", "terminal")  # what --json may stand beside; the second is what nobody asked for
_FOR_OTHERS = ("markdown", "html")  # read by people who cannot ask for more depth


def tell(files: Sequence[str], options: Mapping[str, Any]) -> int:
    """Tell what happened in some captures, or what an interface carries; the exit status."""
    _keep_apart(options)
    selection = selection_of(options)
    expected = _expected(options["check"])
    if options["interface"]:
        from explain.cli.telling.live import live

        return live(options, selection)
    _keep_inputs(files, options)
    given: Sequence[str | Source] = files
    if files == ("-",):
        from explain.capture.vantage import Source
        from explain.cli.telling.live import is_told_live, live, standard_input

        if is_told_live(options):
            stream, is_live = standard_input()
            if is_live:
                return live(options, selection, stream)
            given = [Source("-", stream=stream)]
    from explain.cli.progress import ReadingProgress
    from explain.cli.telling.memory import reuse_freed_memory
    from explain.pipeline import explain

    reuse_freed_memory()
    with _inputs(given, options) as inputs, ReadingProgress() as progress:
        report = explain(
            inputs, selection, everything=options["everything"], most_lines=_most_lines(options),
            every_checksum=options["checksums"], inside=options["inside"], progress=progress,
            against=options["against"], until_interrupted=True,
        )  # fmt: skip
    warn(report, options["lang"])
    _write(report, options)
    status = _doubted(report, options, expected)
    return _INTERRUPTED if any(one.damage and one.damage.kind == INTERRUPTED for one in report.captures) else status


def _keep_apart(options: Mapping[str, Any]) -> None:
    """Refuse options that exclude each other."""
    if options["as_json"] and options["form"] not in _AS_JSON:
        from explain.errors import UsageError

        raise UsageError("usage.two_forms", form=options["form"])
    if options["inside"] and options["second_opinion"]:
        from explain.errors import UsageError

        raise UsageError("usage.inside_and_tshark")


def _keep_inputs(files: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuse to write over what is read, or a capture into the story."""
    if options["write"] == "-":
        from explain.errors import UsageError

        raise UsageError("usage.capture_into_story")
    for output in (options["output"], options["write"]):
        if output:
            from explain.cli.output import keep_inputs

            keep_inputs(output, (*files, *options["against"]), options["check"])


def _doubted(report: Report, options: Mapping[str, Any], expected: list[Expected] | None) -> int:
    """Hold the report against tshark and against what was expected, where that is asked for; the exit status."""
    if options["second_opinion"]:
        from explain.cli.telling.second_opinion import ask

        ask(report)
    if not options["check"]:
        return 0
    from explain.cli.telling.check import check

    return check(report, options["check"], expected)


def _expected(path: str | None) -> list[Expected] | None:
    """What a file of expectations holds: read first, so that nothing is told if it cannot be."""
    if not path:
        return None
    from explain.grade.expectation import load

    return load(path)


def _inputs(
    files: Sequence[str | Source], options: Mapping[str, Any]
) -> AbstractContextManager[Sequence[str | Source]]:
    """The captures, or their copies under other names."""
    if options["anonymise"] or options["write"]:
        from explain.cli.telling.anonymise import renamed

        return renamed(files, options)
    return nullcontext(files)


def selection_of(options: Mapping[str, Any]) -> Selection | None:
    """What the options choose, None if they choose nothing."""
    if all(options[name] is None for name in ("only", "host", "port", "between")):
        return None
    from explain.cli.telling.times import between
    from explain.exchanges.selection import Selection, known_kinds

    return Selection(
        known_kinds(_listed(options["only"])),
        _listed(options["host"]),
        options["port"],
        between(*options["between"], is_utc=options["utc"]) if options["between"] else None,
    )


def _listed(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    parts = tuple(part for one in text.split(",") if (part := one.strip()))
    return parts or ("",)  # an option without a value asks for what is not there, and not for everything


def warn(report: Report, language: str) -> None:
    """Name what is damaged or unreadable, on standard error."""
    for one in (*report.captures, *(report.against.captures if report.against else ())):
        if one.damage:
            from explain.cli.telling.meant import meant
            from explain.words import say

            hint = meant(one.path, language) if one is report.captures[0] else ""
            values = {"path": one.path, "offset": one.damage.offset, "what": one.damage.line}
            message = "talk.damage.file" if one.damage.kind == "unreadable" else "talk.damage.at"
            print(f"explain: {say(message, values, language)}{hint}", file=sys.stderr)


def _write(report: Report, options: Mapping[str, Any]) -> None:
    language, form, output = options["lang"], options["form"], options["output"]
    is_for_terminal = not output and sys.stdout.isatty()
    if options["as_json"] or form == "json":
        _put(report.to_json(language), output)
        return
    lines = _deep_enough(report, options)
    if form != "terminal":
        from explain.cli.telling.forms import drawn, zeek_files

        if not (form == "zeek" and output and zeek_files(report, output)):
            _put(drawn(form, report, lines, language), output)
        return
    sentences = _said(lines, language)
    if options["ladder"]:
        from explain.cli.telling.forms import ladder

        _put(ladder(report, lines, sentences, language, is_for_terminal=is_for_terminal), output)
    elif is_for_terminal:
        from explain.render.terminal import show

        show(lines, sentences, sys.stdout)
    else:
        from explain.render.plain import render

        _put(render(lines, sentences), output)


def _most_lines(options: Mapping[str, Any]) -> int | None:
    """A page shows so many lines of the story; the other forms show all."""
    if options["form"] != "html":
        return None
    from explain.render.html.story import MOST_LINES

    return MOST_LINES


def _said(lines: Sequence[Line], language: str) -> list[str]:
    from explain.words import say

    return [say(line.message, line.values, language) for line in lines]


def _deep_enough(report: Report, options: Mapping[str, Any]) -> list[Line]:
    depth = 0 if options["quiet"] else _DEEPEST if options["verbose"] else 1
    lines = [line for line in report.lines if line.depth <= depth]
    if depth < _DEEPEST and options["form"] not in _FOR_OTHERS:
        return lines
    from explain.story.troubles import in_full

    return in_full(lines)


def _put(text: str, output: str | None) -> None:
    """As ``put``, which only a file needs: what it loads costs a small run much."""
    if output is None:
        with naming("-"):
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        return
    from explain.cli.output import put

    put(text, output)
