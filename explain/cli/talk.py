"""What a command says beside its answer, on standard error, in the language of its run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from explain.cli.language import default_language
from explain.words import LANGUAGES, say

if TYPE_CHECKING:
    from explain.errors import ExplainError


def language() -> str:
    """What ``--lang`` asks for of the command that runs, or of one above it; else the default."""
    import click

    context = click.get_current_context(silent=True)
    while context is not None:
        if (asked := context.params.get("lang")) in LANGUAGES:
            return str(asked)
        context = context.parent
    return default_language()


def sentence(message: str, **values: object) -> str:
    """A sentence of the table ``talk``."""
    return say(f"talk.{message}", values, language())


def told(message: str, **values: object) -> None:
    """Say how it goes."""
    print(sentence(message, **values), file=sys.stderr, flush=True)


def noted(message: str, **values: object) -> None:
    """Say what somebody should know who reads the answer."""
    print(f"explain: {sentence(message, **values)}", file=sys.stderr, flush=True)


def complained(error: ExplainError) -> None:
    """Tell an error that ends nothing."""
    print(f"explain: {error.told(language())}", file=sys.stderr, flush=True)
