"""The command or option that a file which is not there may have been meant as."""

from __future__ import annotations

import os

_GROUPS = ("lab", "grade")
_OPTIONS = ("help", "version")  # words that are commands of other tools


def meant(path: str, language: str) -> str:
    """A hint to put behind the complaint about the first word; empty where there is such a file, or no such command."""
    if os.path.lexists(path):
        return ""
    import difflib

    from explain.cli import COMMANDS
    from explain.words import say

    near = difflib.get_close_matches(path, (*COMMANDS, *_OPTIONS), 1, 0.6)
    if near and near[0] in COMMANDS:
        return say("errors.at.command", {"name": near[0]}, language)
    instead = f"--{near[0]}" if near else _instead(path)
    return say("errors.unknown.near", {"names": [instead]}, language) if instead else ""


def _instead(word: str) -> str:
    """The command that takes the word, which is below another command, an interface, or an address."""
    import socket
    from importlib import import_module

    for group in _GROUPS:
        if word in getattr(import_module(f"explain.cli.{group}"), group).commands:
            return f"explain {group} {word}"
    if any(word == name for _, name in socket.if_nameindex()):
        return f"explain -i {word}"
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in word else socket.AF_INET, word)
    except (OSError, ValueError):  # the latter for a NUL
        return ""
    return f"explain ping {word}"
