"""Line -> sentence: the only room that knows that there are languages.

Sentences stand in TOML tables, English and Japanese side by side, under the name that the
code uses: the message ``arp.asked.again`` is the entry ``[asked.again]`` of ``arp.toml``.  A table is
parsed when the first of its messages is said.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.words.values import Speaker

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "ja")
_HERE = Path(__file__).parent


@cache
def table(name: str) -> dict[str, Any]:
    """The word table ``name``, parsed once."""
    return tomllib.loads((_HERE / f"{name}.toml").read_text("utf-8"))


@cache
def sentence(message: str, language: str) -> str:
    """The sentence with its placeholders.

    Raises:
        KeyError: there is no such message; the tests make sure that there is.
    """
    name, _, rest = message.partition(".")
    entry = table(name)
    for key in rest.split("."):
        entry = entry[key]
    found: str = entry[language]
    return found


def has(message: str) -> bool:
    """Whether there is a sentence for this message."""
    try:
        sentence(message, "en")
    except (KeyError, TypeError, FileNotFoundError):
        return False
    return True


def say(message: str, values: Mapping[str, Any], language: str) -> str:
    """The message as a sentence; text from packets in it is made visible, never obeyed."""
    return Speaker(language).vformat(sentence(message, language), (), values)
