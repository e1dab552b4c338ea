"""Records as plain data for JSON: names and values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

_AS_IT_IS = frozenset((int, str, bool, float, type(None)))


def plain(value: Any) -> Any:
    """Records as dictionaries, tuples as lists; a trailing underscore of a name is dropped (``from_``)."""
    kind: Any = type(value)
    if kind in _AS_IT_IS:
        return value
    if names := _names(kind):
        return {name: plain(getattr(value, own)) for own, name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return value


@cache
def _names(kind: type) -> tuple[tuple[str, str], ...]:
    """Names of a record's fields, as they are and as they are written; nothing for what is no record."""
    return tuple((one.name, one.name.rstrip("_")) for one in fields(kind)) if is_dataclass(kind) else ()
