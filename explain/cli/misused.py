"""What click says of arguments that it cannot take, in the language that was asked for."""

from __future__ import annotations

import sys

import click
from click.exceptions import NoArgsIsHelpError

from explain.model import Line


def show(error: click.ClickException, language: str) -> None:
    """Tell it with the usage of the command, on standard error."""
    if language == "en" or isinstance(error, NoArgsIsHelpError):
        error.show()
        return
    from explain.words import say

    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        usage = context.get_usage().partition(": ")[2]
        print(say("errors.misused.usage", {"usage": usage, "command": context.command_path}, language), file=sys.stderr)
    print(say("errors.misused.error", {"what": _line(error)}, language), file=sys.stderr)


def _line(error: click.ClickException) -> Line:
    if command := getattr(error, "command_name", None):
        return Line("errors.misused.command", {"name": command})
    match error:
        case click.NoSuchOption():
            near = Line("errors.unknown.near", {"names": error.possibilities}) if error.possibilities else ""
            return Line("errors.misused.option", {"name": error.option_name, "near": near})
        case click.BadOptionUsage():
            return Line("errors.misused.value", {"name": error.option_name})
        case click.BadParameter(param=click.Parameter() as param):
            name = param.get_error_hint(error.ctx) if error.ctx else param.name
            if isinstance(error, click.MissingParameter):
                return Line("errors.misused.missing", {"name": name})
            if isinstance(param.type, click.Choice):
                return Line("errors.misused.choice", {"name": name, "choices": list(param.type.choices)})
            if isinstance(param.type, click.IntRange) and None not in (param.type.min, param.type.max):
                limits = {"least": param.type.min, "most": param.type.max}
                return Line("errors.misused.number", {"name": name, **limits})
            return Line("errors.misused.bad", {"name": name, "message": error.message.rstrip(".")})
    return Line("errors.misused.other", {"message": error.format_message()})
