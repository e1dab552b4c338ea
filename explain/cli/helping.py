"""What ``--help`` shows of a command, in a language and no wider than the terminal; says ``words/help.toml``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from explain.cli.language import default_language
from explain.words import has, say

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDEST_NAME = 30
_ROOM = 20  # columns behind the name of a command for what it takes; with less, that has rows of its own


def put_into_words(command: click.Command, place: str, language: str) -> None:
    """Give a command, its options and all commands below it what their help says.

    Args:
        command: a group or not.
        place: the command words with points between them, ``explain`` for the one that has none.
        language: of the help.
    """
    command.context_class = _CONTEXTS[language]
    command.help = _said(place, "is", language)
    command.short_help = short(place, language)
    command.epilog = _said(place, "after", language)
    for option in command.get_params(click.Context(command, **command.context_settings)):
        if isinstance(option, click.Option):
            key = option.opts[-1].lstrip("-")
            option.help = _said(place, key, language) or _said("shared", key, language)
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            put_into_words(one, f"{place}.{below}", language)


def short(place: str, language: str) -> str:
    """What a command is, as a list of commands says it."""
    return _said(place, "short", language) or _said(place, "is", language).partition("\n")[0]


def _said(place: str, key: str, language: str) -> str:
    message = f"help.{place}.{key}"
    return say(message, {}, language) if has(message) else ""


class Main(click.Command):
    """A command that other commands stand beside, which its help lists."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, then the commands."""
        from explain.cli import present

        super().format_options(ctx, formatter)
        language = formatter.language if isinstance(formatter, _Formatter) else default_language()
        with formatter.section("Commands"):
            formatter.write_dl([(name, short(name, language)) for name in present()])


class _Formatter(click.HelpFormatter):
    """Rows as wide as the terminal's, broken as the language asks for."""

    language = "en"

    def __init__(self, **_: object) -> None:
        from explain.cli.page import width

        super().__init__(width=width())

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        from explain.cli.page import block
        from explain.render.layout import display_width

        first = f"{prefix or say('help.frame.usage', {}, self.language)}{prog} "
        wide = display_width(first)
        if self.width - wide < _ROOM:
            self._rows([first])
            first, wide = "    ", 4
        self._rows(block(args, first, " " * wide, self.width))

    def write_heading(self, heading: str) -> None:
        message = f"help.frame.{heading}"
        super().write_heading(say(message, {}, self.language) if has(message) else heading)

    def write_text(self, text: str) -> None:
        from explain.cli.page import block

        indent = " " * self.current_indent
        for number, part in enumerate(text.split("\n\n")):
            self._rows([""] if number else [])
            self._rows(block(" ".join(part.split()), indent, indent, self.width))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _WIDEST_NAME, col_spacing: int = 2) -> None:  # noqa: ARG002
        from explain.cli.page import entry

        shown = [(name.replace(" INTEGER RANGE", " N").replace(" INTEGER", " N"), text) for name, text in rows]
        longest = max((len(name) for name, _ in shown if len(name) <= col_max), default=0)
        for name, text in shown:
            *above, last = self._split(name)
            self._rows(f"  {row}" for row in above)
            self._rows(entry(last, self._limited(text), longest, self.width))

    def _split(self, name: str) -> list[str]:
        """A name in rows: the choices of an option that are too many for one go on below the first."""
        option, bracket, choices = name.partition("[")
        rows = [option + bracket]
        for choice in re.findall(r"[^|]+\|?", choices):
            if len(rows[-1] + choice) + 2 > self.width and rows[-1].strip() != option + bracket:
                rows.append(" " * len(option + bracket))
            rows[-1] += choice
        return rows

    def _limited(self, text: str) -> str:
        """What an option is for, and in brackets what it takes, in the words of the language."""
        what, bracket, limits = text.rpartition("  [")
        if not bracket:
            return text
        told = [self._limit(one) for one in limits.rstrip("]").split("; ")]
        return f"{what} [{'; '.join(told)}]"

    def _limit(self, text: str) -> str:
        name, _, value = text.partition(": ")
        message = f"help.frame.{name}"
        return say(message, {"value": value}, self.language) if has(message) else text

    def _rows(self, rows: Iterable[str]) -> None:
        self.write("".join(f"{row.rstrip()}\n" for row in rows))


class _JapaneseFormatter(_Formatter):
    language = "ja"


class _Context(click.Context):
    formatter_class = _Formatter


class _JapaneseContext(click.Context):
    formatter_class = _JapaneseFormatter


_CONTEXTS = {"en": _Context, "ja": _JapaneseContext}
