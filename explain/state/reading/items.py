"""One JSON value at a time, checked: what is not of the promised type is an error that names its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_ITEMS = 200_000
"""No host that a person asks about has more routes, rules or neighbours than this."""


_DEEPEST = 64
"""No tool nests its JSON deeper than this; what is deeper would only exhaust the stack."""


class MisshapenError(InputError):
    """A value is not what iproute2 or nft would have written."""


class Item:
    """A JSON object and the place where it stands, for errors that can be found."""

    __slots__ = ("fields", "place")

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise MisshapenError("state.object", place=place)
        self.fields: Mapping[str, Any] = value
        self.place = place

    def has(self, key: str) -> bool:
        """Whether the key is there, even with null."""
        return key in self.fields

    def text(self, key: str) -> str | None:
        """A string, or None where the key is absent.

        Raises:
            MisshapenError: it is neither text nor a number.
        """
        value = self.fields.get(key)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise MisshapenError("state.text", place=f"{self.place}.{key}")

    def number(self, key: str) -> int | None:
        """An integer (also written as text, also hexadecimal), or None where the key is absent.

        Raises:
            MisshapenError: it is none, or one that 64 bits do not hold.
        """
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise MisshapenError("state.number", place=f"{self.place}.{key}")
        try:
            number = int(value, 0) if isinstance(value, str) else int(value)
        except (ValueError, OverflowError):
            raise MisshapenError("state.number", place=f"{self.place}.{key}") from None
        if not -(1 << 63) <= number < 1 << 64:
            raise MisshapenError("state.range", place=f"{self.place}.{key}")
        return number

    def words(self, key: str) -> frozenset[str]:
        """A list of strings as a set; empty where the key is absent."""
        return frozenset(str(word) for word in _list(self.fields.get(key) or (), f"{self.place}.{key}"))

    def items(self, key: str) -> list[Item]:
        """A list of objects; empty where the key is absent."""
        return items_of(self.fields.get(key) or (), f"{self.place}.{key}")

    def item(self, key: str) -> Item | None:
        """An object, or None where the key is absent."""
        value = self.fields.get(key)
        return None if value is None else Item(value, f"{self.place}.{key}")


def check_depth(value: object) -> None:
    """Refuse JSON that is nested deeper than any tool writes it.

    Raises:
        MisshapenError: it is.
    """
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise MisshapenError("state.deep", most=_DEEPEST)


def _list(value: object, place: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise MisshapenError("state.list", place=place)
    if len(value) > MOST_ITEMS:
        raise MisshapenError("state.many", place=place, most=MOST_ITEMS)
    return value


def items_of(value: object, place: str) -> list[Item]:
    """The objects of a JSON list; empty objects, which iproute2 prints for filtered entries, are left out."""
    return [Item(each, f"{place}[{number}]") for number, each in enumerate(_list(value, place)) if each != {}]


def lines_of(value: object, place: str) -> tuple[str, ...]:
    """A list of lines of text; one string with newlines is taken as well.

    Raises:
        MisshapenError: something in it is no text.
    """
    listed = value.splitlines() if isinstance(value, str) else _list(value, place)
    for number, each in enumerate(listed):
        if not isinstance(each, str):
            raise MisshapenError("state.text", place=f"{place}[{number}]")
    return tuple(str(each) for each in listed)
