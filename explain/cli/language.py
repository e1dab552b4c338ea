"""Which language to speak: what the command line asks for, else that of the locale."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from explain.model import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence


def default_language() -> str:
    """``ja`` where the locale of messages is Japanese, else ``en`` (POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "ja" if value.startswith("ja") else "en"
    return "en"


def spoken(words: Sequence[str]) -> str:
    """What these words of a command line ask for with ``--lang``, wherever it stands, else the default."""
    for number, word in enumerate(words):
        name, _, told = word.partition("=")
        if name == "--lang" and (asked := told or "".join(words[number + 1 : number + 2])) in LANGUAGES:
            return asked
    return default_language()
