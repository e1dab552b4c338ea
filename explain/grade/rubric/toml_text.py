"""Tables of a rubric as TOML; tomllib reads back what was given, a key with dots as the tables that it leads to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from explain.model import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_WIDEST = 116


def toml_text(table: Mapping[str, Any]) -> str:
    """A rubric as a file: plain keys first, then its tables, then its lists of tables."""
    plain = {key: value for key, value in table.items() if not _is_section(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, dict) and _is_section(value):
            lines += ["", f"[{_key(key)}]", *_rows(value)]
    for key, value in table.items():
        if isinstance(value, list) and _is_section(value):
            for one in value:
                lines += ["", f"[[{_key(key)}]]", *_rows(one)]
    return "\n".join(lines) + "\n"


def _is_section(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, dict) for one in value)
    return isinstance(value, dict) and not set(value) <= {*LANGUAGES}


def _rows(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        line = f"{_key(key)} = {_value(value)}"
        if len(line) > _WIDEST and isinstance(value, list):
            yield f"{_key(key)} = ["
            yield from (f"  {_value(one)}," for one in value)
            yield "]"
        else:
            yield line


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) and value == int(value) and abs(value) < 1e6 else repr(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    # A basic string of TOML escapes as JSON does, but for DEL and what is beyond the first 65,536 characters.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
