"""Completion in bash, zsh and fish: click's own way, for commands that are loaded only when they are asked for.

A shell asks by running ``explain`` with ``_EXPLAIN_COMPLETE`` set; what may stand next is printed, one item a line.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from explain.cli import place
from explain.cli.completion.scripts import SCRIPTS
from explain.cli.completion.values import teach
from explain.cli.helping import put_into_words, short
from explain.cli.language import default_language

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.shell_completion import ShellComplete

    Choose = Callable[[list[str]], tuple[click.Command, list[str]]]

_VARIABLE = "_EXPLAIN_COMPLETE"
SHELLS = tuple(SCRIPTS)


def script(shell: str) -> str:
    """What a shell has to read so that it completes; see ``explain --completion``."""
    return SCRIPTS[shell]


def answer(commands: Sequence[str], choose: Choose) -> str:
    """What may stand where the cursor is.

    Args:
        commands: the command words.
        choose: the command that the words mean, and what is left of them for it.
    """
    shell, _, asked = os.environ[_VARIABLE].partition("_")
    kind = get_completion_class(shell)
    if shell not in SHELLS or asked != "complete" or kind is None:
        return ""
    completer = kind(click.Command("explain"), {}, "explain", _VARIABLE)
    words, begun = _apart(*completer.get_completion_args())
    items = _items(completer, words, begun, commands, choose)
    return "".join(f"{completer.format_completion(item)}\n" for item in items)


def _apart(words: list[str], begun: str) -> tuple[list[str], str]:
    """An option and its value, which bash parts into three words (``--format=html``), as if with a space."""
    if begun == "=" and words[-1:] and words[-1].startswith("--"):
        return words, ""
    if words[-1:] == ["="] and words[-2:-1] and words[-2].startswith("--"):
        return words[:-1], begun
    return words, begun


def _items(
    completer: ShellComplete, words: list[str], begun: str, commands: Sequence[str], choose: Choose
) -> list[CompletionItem[str]]:
    command, rest = choose(words)
    put_into_words(command, place(command), default_language())
    teach(command, words[0] if len(rest) < len(words) else "")
    completer.cli = command
    items = completer.get_completions(rest, begun)
    if begun.startswith("--") and "=" in begun:  # the shell puts what it is given in the place of the whole word
        option = begun[: begun.index("=") + 1]
        return [CompletionItem(f"{option}{item.value}", item.type, item.help) for item in items]
    if not words:
        items += [_told(name) for name in commands if name.startswith(begun)]
    elif words == ["grade"] and not begun.startswith("-"):
        items.append(CompletionItem(begun, type="file"))  # the first word of `grade` may be left out
    return items


def _told(name: str) -> CompletionItem[str]:
    """A command word, with what the command is for."""
    return CompletionItem(name, help=short(name, default_language()))
