"""What a student wrote into the file of answers; nothing in it is ever looked at as anything but a value."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from explain.errors import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 256 << 10


def read_answers(path: Path) -> dict[str, Any]:
    """The answers by question; nothing in them is ever looked at as anything but a value.

    Raises:
        UnreadableError: it is too large or no TOML.
    """
    with path.open("rb") as file:
        octets = file.read(_LARGEST + 1)
    if len(octets) > _LARGEST:
        raise UnreadableError(str(path), "unread.large_answers")
    try:
        table = tomllib.loads(octets.decode("utf-8"))
    except MemoryError:
        raise UnreadableError(str(path), "grade.memory") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UnreadableError(str(path), "unread.not_toml", why=str(error)) from None
    inner = table.get("answers", table.get("answer"))
    return dict(inner) if isinstance(inner, dict) else table


def as_text(given: Any) -> str:
    """What a student wrote, as a person reads it; lists and rows without the marks of TOML."""
    if isinstance(given, dict):
        return ", ".join(f"{name} {value}" for name, value in given.items())
    if isinstance(given, list):
        is_rows = any(isinstance(one, dict) for one in given)
        return ("; " if is_rows else ", ").join(as_text(one) if isinstance(one, dict) else str(one) for one in given)
    return str(given)
