"""What a student's page may not say: the right answers to questions that the student may still try again."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPEN = ("not-met", "partly", "manual")
_WORD = re.compile(r"[^\s,;()\[\]{}'\"=]+")
_SHORTEST = 4
_NUMBER = re.compile(r"0x[0-9a-f]{1,32}|[0-9]{4,38}")


def unrevealed(form: Mapping[str, Any]) -> dict[str, Any]:
    """A submission without the frames, sentences and hints that would name an answer that is not right yet.

    ``withheld`` of each check and answer is how many sentences of the story are left out.  What is told around such a
    question itself is left out whole.
    """
    keys = {one["id"]: _keys(one) for one in form["answers"] if one["verdict"] in _OPEN and one.get("key") is not None}
    told = {key for some in keys.values() for key in some if _is_telling(key)}
    near = [(_frames(one), _short(keys[one["id"]])) for one in form["answers"] if one["id"] in keys]
    return {
        **form,
        "checks": [_without(one, told, near) for one in form["checks"]],
        "answers": [_without(_apart(one, keys.get(one["id"])), told, near) for one in form["answers"]],
    }


_Frames = set[tuple[int, int]]


def _frames(one: Mapping[str, Any]) -> _Frames:
    """The first and last frames of what is cited, with their captures."""
    return {(place["capture"], number) for place in one["evidence"] for span in place["frames"] for number in span}


def _short(keys: set[str]) -> set[str]:
    """Numbers that any sentence may have by chance, but not one of the very frames that the answer is read from."""
    return {key for key in keys if key.isdigit() and not _is_telling(key)}


def _keys(one: Mapping[str, Any]) -> set[str]:
    """What names the right answer: all of it or one of its items, and numbers in either of their usual forms."""
    words = {word.casefold() for word in (*_WORD.findall(one["key"]), one["key"]) if word}
    numbers = {int(word, 0) for word in words if _NUMBER.fullmatch(word) and (word[0] != "0" or "x" in word)}
    return words | {str(number) for number in numbers} | {f"{number:#x}" for number in numbers}


def _is_telling(key: str) -> bool:
    """Whether a key is not found in any sentence by chance, as a short number is."""
    return any(map(str.isdigit, key)) and (len(key) >= _SHORTEST or not key.isdigit())


def _apart(one: Mapping[str, Any], keys: set[str] | None) -> Mapping[str, Any]:
    """A question without what is told around it where it is open, and without the frames that were asked for."""
    if keys is None:
        return one
    numbers = {str(number) for place in one["evidence"] for span in place["frames"] for number in span}
    hint = _masked(one.get("hint"), _own(one))
    return {**one, "hint": hint, "story": [], "evidence": [] if numbers & keys else one["evidence"]}


def _own(one: Mapping[str, Any]) -> set[str]:
    """What a question's own hint may not name: the answer, each of its items, and its numbers, however short."""
    whole = one["key"].strip(" ()[]{}").casefold()
    items = {item.strip(" ()[]{}'\"") for item in whole.split(",")}
    return {whole, *items, *(key for key in _keys(one) if any(map(str.isdigit, key)))} - {""}


def _without(one: Mapping[str, Any], keys: set[str], near: Sequence[tuple[_Frames, set[str]]] = ()) -> dict[str, Any]:
    def is_secret(line: Mapping[str, Any]) -> bool:
        here = {(line.get("capture"), number) for span in line.get("frames", ()) for number in span}
        own = {key for frames, short in near if frames & here for key in short}
        return any(_place(key).search(line["text"]) for key in keys | own)

    story = [line for line in one["story"] if not is_secret(line)]
    masked = {name: _masked(one[name], keys) for name in ("says", "hint") if name in one}
    return {**one, **masked, "story": story, "withheld": len(one["story"]) - len(story)}


def _masked(text: str | None, keys: set[str]) -> str | None:
    for key in sorted(keys, key=len, reverse=True):
        text = text and _place(key).sub("...", text)
    return text


@lru_cache(4096)
def _place(key: str) -> re.Pattern[str]:
    """Where a text has the key as a word of its own, as an address has one before its port."""
    return re.compile(rf"(?<![\w.]){re.escape(key)}(?!\w|\.\w)", re.IGNORECASE | re.ASCII)
