"""What several commands have: how they are asked for help, for another language, and for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from explain.cli.language import default_language

if TYPE_CHECKING:
    from collections.abc import Callable

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")

HELP = {"help_option_names": ["-h", "--help"]}
"""The settings of each command."""


def language_option(what: str = "Language.") -> Callable[[Decorated], Decorated]:
    """``--lang``; without it the language is that of the locale."""
    return click.option("--lang", type=click.Choice(("en", "ja")), default=default_language, help=what)


def json_option(what: str) -> Callable[[Decorated], Decorated]:
    """``--json``, which the command gets as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help=what)
