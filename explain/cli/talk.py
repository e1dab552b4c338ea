"""What a command says beside its answer, on standard error, in the language of its run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from explain.cli.language import default_language
from explain.model import LANGUAGES
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.errors import ExplainError

_MOST_NAMED = 5


def language() -> str:
    """What ``--lang`` asks for of the command that runs, else the default."""
    context = click.get_current_context(silent=True)
    asked = context.meta.get("lang") if context else None
    return asked if asked in LANGUAGES else default_language()


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


def noted_shared(rows: Sequence[Mapping[str, str]]) -> None:
    """Say which addresses of a roster several students have."""
    from explain.grade.hand_ins.rosters import shared_addresses

    for column, address, people in shared_addresses(rows)[:_MOST_NAMED]:
        noted("grade.roster_shared", address=address, column=column, people=people)
