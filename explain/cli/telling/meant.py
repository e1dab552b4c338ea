"""The command or option that a file which is not there may have been meant as."""

from __future__ import annotations

import os

_OPTIONS = ("help", "version")  # words that are commands of other tools


def meant(path: str, language: str) -> str:
    """A hint to put behind the complaint about the first word; empty where there is such a file, or no such command."""
    if os.path.lexists(path):
        return ""
    import difflib

    from explain.cli import COMMANDS
    from explain.words import say

    near = difflib.get_close_matches(path, (*COMMANDS, *_OPTIONS), 1, 0.6)
    if near and near[0] in _OPTIONS:
        return say("errors.unknown.near", {"names": [f"--{near[0]}"]}, language)
    return say("errors.at.command", {"name": near[0]}, language) if near else ""
