"""Records as plain data for JSON, and JSON as text: names and values, no behaviour."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

_OBEYED = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
"""What a terminal or an eye obeys: escapes of eight bits, marks that turn the reading direction, lone surrogates."""
MOST_READ = 1000
"""Items of a list that people read through."""
_AS_IT_IS = frozenset((int, str, bool, float, type(None)))


def plain(value: Any) -> Any:
    """Records as dictionaries, tuples as lists; a trailing underscore of a name is dropped (``from_``)."""
    kind: Any = type(value)
    if kind in _AS_IT_IS:
        return value
    if names := _names(kind):
        return {name: plain(getattr(value, own)) for own, name in names}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [one if type(one) in _AS_IT_IS else plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    return value


def json_text(value: Any, indent: int = 1) -> str:
    """The text of a JSON value: letters of every script as they are, what could be obeyed as JSON's own escapes.

    It is indented for people; of what holds a list that nobody reads through, each item is a line. Such a list may
    be an iterator: then no more than one of its items is held beside the text.
    """
    is_long = isinstance(value, dict) and any(map(_is_long, value.values()))
    text = _in_lines(value) if is_long else json.dumps(value, ensure_ascii=False, indent=indent)
    return text if text.isascii() and "\x7f" not in text else _OBEYED.sub(_escaped, text)


def _is_long(value: Any) -> bool:
    return isinstance(value, Iterator) or (isinstance(value, list) and len(value) > MOST_READ)


def _in_lines(value: dict[str, Any]) -> str:
    """Several times quicker: Python's own encoder is slow where it indents."""
    write = json.JSONEncoder(ensure_ascii=False).encode
    shown = (
        f"[\n  {body}\n ]"
        if isinstance(one, (list, Iterator)) and (body := ",\n  ".join(map(write, one)))
        else write(one)
        for one in value.values()
    )
    pairs = (f" {write(str(name))}: {text}" for name, text in zip(value, shown, strict=True))
    return "{\n" + ",\n".join(pairs) + "\n}"


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1].replace("\x7f", "\\u007f")


@cache
def _names(kind: type) -> tuple[tuple[str, str], ...]:
    """Names of a record's fields, as they are and as they are written; nothing for what is no record."""
    return tuple((one.name, one.name.rstrip("_")) for one in fields(kind)) if is_dataclass(kind) else ()
