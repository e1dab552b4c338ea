#!/usr/bin/env python3
"""Write the manual page from the help of every command.

    .venv/bin/python scripts/manual.py          docs/explain.1 anew; man -l docs/explain.1 shows it
    .venv/bin/python scripts/manual.py --check  exit status 1 if it is not what the commands say now

The date in its head is that of the day on which the rest of it changed last.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import re
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

import explain
from explain.cli import choose, place, present
from explain.cli.helping import put_into_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explain.1"
HEAD = re.compile(r'^\.TH EXPLAIN 1 "([^"]*)"')

SUMMARY = "tell what happened in a network capture, with the frames that prove it"
STATUS = (
    ("0", "It was explained, also when the network in it failed."),
    ("1", "An expectation was not met: --check, lab run, grade lint, grade test, grade --fail-under."),
    ("2", "It cannot be read, was asked wrongly, or a right, a tool or a feature of the kernel is missing."),
    ("130", "Interrupted; live capture then tells its summary and ends with 0."),
    ("141", "Whoever read the output went away."),
)
ENVIRONMENT = (
    ("LC_ALL, LC_MESSAGES, LANG", "Japanese where they begin with ja, else English."),
    ("NO_COLOR", "No colour, whatever its value. Off a terminal there is none anyway."),
    ("COLUMNS", "How wide to write."),
    ("EXPLAIN_DEBUG", "Show where in the program an error came from."),
)
EXAMPLES = (
    ("explain capture.pcap", "The verdict, the story, and what to look at next."),
    ("explain client=a.pcap server=b.pcap", "The same network, watched at two places."),
    ("tcpdump -U -w - | explain -", "While it happens."),
    ("explain ping --text what-i-saw.txt --capture sender.pcap", "Why a ping failed."),
    ("explain lab run no-route-on-router", "Build a broken network, record it and explain the recording."),
)


def roff(text: str) -> str:
    """Text that roff shows as it is, on one line."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{plain}" if plain.startswith(".") else plain


def filled(text: str) -> str:
    """Text in lines that roff joins again, none of them a request."""
    lines = textwrap.wrap(roff(text), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in lines)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text as roff."""
    for number, part in enumerate(inspect.cleandoc(text).split("\n\n")):
        yield from ([".PP"] if number else [])
        yield filled(part)


def listed(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A tag and a text under it, for each."""
    for tag, text in items:
        yield from (".TP", f"\\fB{roff(tag)}\\fR", filled(text))


def described(command: click.Command, name: str) -> Iterator[str]:
    """How a command is called, what it does, its options, and the commands below it."""
    with click.Context(command, info_name=name, resilient_parsing=True) as context:
        yield f"\\fB{roff(name)}\\fR {roff(' '.join(command.collect_usage_pieces(context)))}"
        yield ".PP"
        yield from paragraphs(command.help or "")
        options = [
            one for one in command.get_params(context) if isinstance(one, click.Option) and "--help" not in one.opts
        ]
        records = (option.get_help_record(context) for option in options)
        yield from listed((used.replace(" INTEGER RANGE", " N"), told) for used, told in filter(None, records))
    if isinstance(command, click.Group):
        for below, one in sorted(command.commands.items()):
            yield f'.SS "{roff(f"{name} {below}")}"'
            yield from described(one, f"{name} {below}")


def body() -> str:
    """The page without its head."""
    whole, *others = commands = [choose([name])[0] for name in ("", *present())]
    for command in commands:
        put_into_words(command, place(command), "en")
    lines = [".SH NAME", filled(f"explain - {SUMMARY}"), ".SH SYNOPSIS"]
    with click.Context(whole, info_name="explain") as context:
        lines += [f"\\fBexplain\\fR {roff(' '.join(whole.collect_usage_pieces(context)))}"]
    names = present()
    lines += [f".br\n\\fBexplain\\fR {name} ..." for name in names]
    _, _, rest = "\n".join(described(whole, "explain")).partition(".PP\n")
    text, mark, options = rest.partition(".TP\n")
    lines += [".SH DESCRIPTION", text.rstrip("\n"), ".SH OPTIONS", mark + options, ".SH COMMANDS"]
    lines += [filled("Each also has --help. A file that is named like a command is given as ./ping.")]
    for name, command in zip(names, others, strict=True):
        lines += [f'.SS "explain {name}"', *described(command, f"explain {name}")]
    lines += [".SH EXIT STATUS", *listed(STATUS), ".SH ENVIRONMENT", *listed(ENVIRONMENT)]
    lines += [".SH EXAMPLES", *listed(EXAMPLES)]
    lines += [".SH SEE ALSO", *(f".BR {name}" for name in ("tcpdump (8),", "tshark (1),", "wireshark (1),", "ip (8)"))]
    return "\n".join(lines) + "\n"


def page(date: str) -> str:
    """The whole page.

    Args:
        date: of the last change, as 2026-01-31.
    """
    return f'.TH EXPLAIN 1 "{date}" "explain {explain.__version__}" "User Commands"\n{body()}'


def main() -> int:
    """Write or check the page; the exit status says whether it was in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    asked = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    date = HEAD.match(old)
    same = page(date[1]) if date else ""
    if old == same and old:
        return 0
    if asked.check:
        new = same or page("")
        lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
        sys.stdout.writelines(difflib.unified_diff(*lines, str(PAGE), "as it is"))
        return 1
    PAGE.write_text(page(time.strftime("%Y-%m-%d", time.gmtime())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
