"""What several commands have: how they are asked for help, for another language, and for JSON.

What the help says of each option stands in ``words/help.toml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from explain.cli.language import default_language
from explain.model import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")


class Amount(click.FloatRange):
    """A number within limits; *nan* is none, though no comparison tells."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or what click raises for a value that cannot be used."""
        number = super().convert(value, param, ctx)
        if number != number:  # noqa: PLR0124 - nan alone differs from itself
            self.fail(f"{value!r} is no number", param, ctx)
        return number


HELP = {"help_option_names": ["-h", "--help"]}
"""The settings of each command."""


def language_option(*others: str, is_argument: bool = True) -> Callable[[Decorated], Decorated]:
    """``--lang``; without it the language is that of the locale.

    Args:
        others: what may be asked for beside the languages.
        is_argument: whether the command gets it as ``lang``; ``talk`` hears of it anyway.
    """
    return click.option(
        "--lang", type=click.Choice((*LANGUAGES, *others)), default=default_language, expose_value=is_argument,
        callback=_remember,
    )  # fmt: skip


def _remember(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    context.meta["lang"] = value
    return value


LANG = language_option(is_argument=False)
"""``--lang`` of a command that has no answer of its own in words."""


def json_option() -> Callable[[Decorated], Decorated]:
    """``--json``, which the command gets as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True)
