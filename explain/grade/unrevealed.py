"""What a student's page may not say: the right answers to questions that the student may still try again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPEN = ("not-met", "partly", "manual")
_WORD = re.compile(r"[^\s,;()\[\]{}'\"=]+")
_SHORTEST = 4
"""A shorter number stands in any sentence by chance; it is looked for only in what is told of its own question."""


def unrevealed(form: Mapping[str, Any]) -> dict[str, Any]:
    """A submission without the frames and sentences that would name an answer that is not right yet.

    ``withheld`` of each check and answer is how many sentences are left out.
    """
    keys = {one["id"]: _keys(one) for one in form["answers"] if one["verdict"] in _OPEN and one.get("key") is not None}
    told = {word for words in keys.values() for word in words if len(word) >= _SHORTEST and any(map(str.isdigit, word))}
    return {
        **form,
        "checks": [_without(one, told) for one in form["checks"]],
        "answers": [
            _without(_placeless(one, keys.get(one["id"], set())), told | keys.get(one["id"], set()))
            for one in form["answers"]
        ],
    }


def _keys(one: Mapping[str, Any]) -> set[str]:
    """What names the right answer: all of it, or one of its items."""
    return {word.casefold() for word in (*_WORD.findall(one["key"]), one["key"]) if word}


def _without(one: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    story = [line for line in one["story"] if not any(_names(line["text"].casefold(), key) for key in keys)]
    return {**one, "story": story, "withheld": len(one["story"]) - len(story)}


def _names(text: str, key: str) -> bool:
    """Whether a text has the key as a word of its own, as an address has one before its port."""
    return key in text and re.search(rf"(?<![\w.]){re.escape(key)}(?!\w|\.\w)", text) is not None


def _placeless(one: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    """Without its frames where their numbers are what was asked for."""
    numbers = {str(number) for place in one["evidence"] for span in place["frames"] for number in span}
    return {**one, "evidence": [], "story": []} if numbers & keys else one
