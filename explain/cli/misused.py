"""What click says of arguments that it cannot take, in the language that was asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from click.exceptions import NoArgsIsHelpError

from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Sequence


_RANGES = (click.IntRange, click.FloatRange)


def show(error: click.ClickException, language: str) -> None:
    """Tell it with the usage of the command, on standard error."""
    if isinstance(error, NoArgsIsHelpError) or (language == "en" and not _is_about_a_number(error)):
        error.show()
        return
    from explain.words import say

    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        usage = context.get_usage().partition(": ")[2]
        print(say("errors.misused.usage", {"usage": usage, "command": context.command_path}, language), file=sys.stderr)
    print(say("errors.misused.error", {"what": _line(error)}, language), file=sys.stderr)


def _line(error: click.ClickException) -> Line:
    match error:
        case click.NoSuchCommand():
            return Line("errors.misused.command", {"name": error.command_name, "near": _near(error.possibilities)})
        case click.NoSuchOption():
            return Line("errors.misused.option", {"name": error.option_name, "near": _near(error.possibilities)})
        case click.BadOptionUsage():
            return Line("errors.misused.value", {"name": error.option_name})
        case click.BadParameter(param=click.Parameter() as param):
            name = param.get_error_hint(error.ctx) if error.ctx else param.name
            if isinstance(error, click.MissingParameter):
                return Line("errors.misused.missing", {"name": name})
            if isinstance(param.type, click.Choice):
                return Line("errors.misused.choice", {"name": name, "choices": list(param.type.choices)})
            if isinstance(param.type, _RANGES):
                forms = ("count", "number") if isinstance(param.type, click.IntRange) else ("least", "range")
                form = forms[param.type.max is not None]
                return Line(f"errors.misused.{form}", {"name": name, "least": param.type.min, "most": param.type.max})
            return Line("errors.misused.bad", {"name": name, "message": error.message.rstrip(".")})
    return Line("errors.misused.other", {"message": error.format_message()})


def _near(names: Sequence[str] | None) -> Line | str:
    return Line("errors.unknown.near", {"names": names}) if names else ""


def _is_about_a_number(error: click.ClickException) -> bool:
    """Whether click would call a word that is no number, or one out of range, "not a valid integer range"."""
    return (
        isinstance(error, click.BadParameter)
        and not isinstance(error, click.MissingParameter)
        and isinstance(error.param, click.Parameter)
        and isinstance(error.param.type, _RANGES)
    )
