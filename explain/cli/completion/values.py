"""What may stand for each argument: files, folders, and the names of labs, causes, kinds, events and interfaces.

What an argument takes is read from its metavar, which is also what the help shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FILES = ("FILE", "CAPTURE", ".toml", ".pcapng", "PATH", "EXPECTED", "GOOD", "CSV", "NOTES")
_FOLDERS = ("DIR", "FOLDER")


class _Completed(click.types.StringParamType):
    """Text as before, that a shell can complete."""

    name = "text"

    def __init__(self, names: Callable[[], Iterable[str]] | None, paths: str | None, *, are_several: bool) -> None:
        self.names, self.paths, self.are_several = names, paths, are_several

    def shell_complete(self, _: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Names that go on from what was begun, then word that paths may stand there."""
        before = incomplete[: incomplete.rfind(",") + 1] if self.are_several else ""
        begun = incomplete[len(before) :]
        known = self.names() if self.names else ()
        items = [CompletionItem(before + name) for name in known if name.startswith(begun)]
        if items or not self.paths:
            return items  # names come first; a path is meant where no name goes on so
        return [CompletionItem(incomplete, type=self.paths)]


class _Term(click.types.StringParamType):
    """A term of the glossary, which may be several words of the line."""

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """The next word of each term that goes on so; capitals count only where they tell terms apart."""
        before = context.params.get(parameter.name or "") or ()
        terms = _terms_after([*before, incomplete])
        known = [term.split()[len(before)] for term in terms]
        exact = [word for word in known if word.startswith(incomplete)]
        return [CompletionItem(word) for word in dict.fromkeys(exact or known)]


def _terms_after(words: list[str]) -> list[str]:
    from explain.glossary import words as glossary

    begun = " ".join(words).casefold()
    return [one.term for one in glossary() if one.term.casefold().startswith(begun)]


def teach(command: click.Command, word: str) -> None:
    """Let a command and all below it know what its arguments may be.

    Args:
        command: what was asked for, a group or not.
        word: the command word that it was found by, empty for ``explain FILE...``.
    """
    for parameter in command.params:
        if isinstance(parameter.type, (click.types.StringParamType, click.Path)):
            kind = _kind(f"{word} {parameter.name}", parameter.make_metavar(click.Context(command)), parameter)
            parameter.type = kind or parameter.type
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            teach(one, f"{word} {name}")


def _kind(place: str, metavar: str, parameter: click.Parameter) -> click.types.StringParamType | None:
    if place == "word term":
        return _Term()
    if isinstance(parameter.type, click.Path) and "NAME" not in metavar:
        return None  # click knows
    names = next((find for end, find in _NAMES.items() if place == end or metavar.strip("[]") == end), None)
    paths = None
    if any(part in metavar for part in _FILES):
        paths = "file"
    elif any(part in metavar for part in _FOLDERS):
        paths = "dir"
    elif names in (_labs, _recordings):
        paths = "file"  # of one's own
    if names is None and "," in metavar and "KIND" in metavar:
        return _Completed(_kinds, None, are_several=True)
    return _Completed(names, paths, are_several=False) if names or paths else None


def _labs() -> Iterable[str]:
    from explain.lab.catalogue import everything

    return [path.parent.name for path in everything()]


def _labs_up() -> Iterable[str]:
    from explain.lab.up.known import all_live

    return [live.name for live in all_live()]


def _nodes_up() -> Iterable[str]:
    from explain.lab.up.known import all_live

    return dict.fromkeys(node for live in all_live() for node in live.nodes)


def _recordings() -> Iterable[str]:
    from explain.lab.catalogue import RECORDED

    return sorted(path.parent.name for path in RECORDED.glob("*/case.json"))


def _causes() -> Iterable[str]:
    from explain.causes.ids import IDS

    return IDS


def _kinds() -> Iterable[str]:
    from explain.exchanges.selection import KINDS

    return KINDS


def _events() -> Iterable[str]:
    from explain.grade.events.vocabulary import all_names

    return all_names()


def _interfaces() -> Iterable[str]:
    import socket

    return [name for _, name in socket.if_nameindex()]


_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "cause name": _causes,
    "grade events name": _events,
    "lab show name": _labs,
    "lab plan name": _labs,
    "lab run name": _labs,
    "lab up name": _labs,
    "lab quiz name": _recordings,
    "lab handout name": _labs,
    "lab down name": _labs_up,
    "lab shell node": _nodes_up,
    "lab exec node": _nodes_up,
    "lab state node": _nodes_up,
    "lab shell lab_name": _labs_up,
    "lab exec lab_name": _labs_up,
    "lab record lab_name": _labs_up,
    "lab state lab_name": _labs_up,
    "ping case": _recordings,
    "IFACE": _interfaces,
    "IFACE|ADDRESS": _interfaces,
}
"""By command and parameter, or by metavar."""
