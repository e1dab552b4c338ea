"""The values of a rubric's file: each of its type, or a complaint that says where and what it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.vocabulary import all_names, complaint, members, nearest
from explain.grade.language import predicates
from explain.grade.rubric.records import Count, Pattern
from explain.model import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.model import Line

_KEYS = {
    "the rubric": (
        "rubric", "title", "lab", "roster", "total", "submission", "vars", "check", "answer", "integrity", "test",
        "description", "visibility", "due", "course_key", "me", "reveal", "packed",
    ),
    "[submission]": ("captures", "answers", "limits", "optional", "networks", "interfaces"),
    "limits": ("bytes", "packets", "seconds", "memory"),
    "[[check]]": (
        "id", "title", "points", "expect", "none", "sequence", "assert", "all_of", "any_of", "where", "count",
        "distinct", "as", "needs", "within", "window",
        "capture", "credit", "partial", "optional", "bonus", "pass", "fail", "hint",
        "skew", "visibility",
    ),
    "[[answer]]": (
        "id", "ask", "type", "points", "key", "wrong", "tolerance", "partial", "follow_through", "columns", "choices",
        "mark", "keywords", "hint", "needs", "visibility", "title",
    ),
    "[integrity]": ("policy", "same_run", "nonce_share", "allow_groups", "handouts", "marker"),
    "marker": ("where", "value", "port"),
    "[[test]]": ("name", "captures", "capture", "answers", "roster", "score", "checks"),
    "all_of": ("assert", "expect", "event", "where", "count", "points", "fail"),
    "any_of": ("event", "expect", "where"),
    "credit": ("points", "where", "event", "say"),
    "wrong": ("value", "points", "say"),
    "tolerance": ("relative", "absolute"),
}  # fmt: skip
_UNITS_NS = {"ns": 1, "us": 1_000, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|min|m|h)\s*")
_COUNT = re.compile(r"\s*(>=|<=|==|=|>|<)?\s*(\d{1,9})\s*(?:(?:-|\.\.)\s*(\d{1,9}))?\s*")


VISIBLE = ("now", "after_due", "never")
"""When a student may see how a check or a question came out."""


@dataclass(slots=True)
class Reader:
    """Collects what is wrong while a rubric is read.

    Attributes:
        complaints: each with the place in the file that it is about.
        language: of the author's words, where there are several.
        is_packed: a student's rubric, whose questions have no keys.
    """

    complaints: list[Line] = field(default_factory=list)
    language: str = "en"
    is_packed: bool = False

    def say(self, where: str, what: str | Line, **values: object) -> None:
        """Note a complaint."""
        self.complaints.append(complaint(where, what, **values))

    def named(self, kind: str, table: Mapping[str, Any]) -> tuple[str, str]:
        """The id of a table, empty where it is missing, and how complaints name the table; unknown keys are told.

        Args:
            kind: check or answer, as in ``[[check]]``.
            table: what stands under it.
        """
        section, name = f"[[{kind}]]", table.get("id")
        where = f"{kind} {name!r}"
        if not isinstance(name, str) or not name:
            self.say(section, "id_missing")
            name = ""
        self.known(where, section, table)
        return name, where

    def known(self, where: str, section: str, table: Mapping[str, Any]) -> None:
        """Complain of keys that the section does not have."""
        for key in table:
            if key not in _KEYS[section]:
                self.say(where, "unknown_key", key=key, near=nearest(key, _KEYS[section]))

    def text(self, where: str, table: Mapping[str, Any], key: str) -> str | None:
        """A text, or None where it is missing."""
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            self.say(where, "is_text", key=key)
            return None
        return value

    def word(self, where: str, table: Mapping[str, Any], key: str, known: Sequence[str]) -> str | None:
        """One of some words, or None where it is missing."""
        value = table.get(key)
        if value is not None and value not in known:
            self.say(where, "none_of", key=key, value=repr(value), known=[*known], near=nearest(str(value), known))
            return None
        return value

    def words(self, where: str, table: Mapping[str, Any], key: str) -> str | None:
        """What a person reads: a text, or one for each language, of which the asked one or else the first counts."""
        value = table.get(key)
        if not isinstance(value, dict):
            return self.text(where, table, key)
        if not value or not set(value) <= set(LANGUAGES) or not all(isinstance(one, str) for one in value.values()):
            self.say(where, "is_words", key=key)
            return None
        return str(value.get(self.language) or next(iter(value.values())))

    def number(self, where: str, table: Mapping[str, Any], key: str, default: float = 0.0) -> float:
        """A finite number."""
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 10**9:
            self.say(where, "is_a_number", key=key, value=repr(value))
            return default
        return float(value)

    def flag(self, where: str, table: Mapping[str, Any], key: str) -> bool:
        """True or false; false where it is missing."""
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.say(where, "is_flag", key=key)
        return value is True

    def texts(self, where: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A list of texts, empty where it is missing."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.say(where, "is_texts", key=key)
            return ()
        return tuple(value)

    def table(self, where: str, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """A table, empty where it is missing."""
        value = table.get(key, {})
        if not isinstance(value, dict):
            self.say(where, "is_table", key=key)
            return {}
        return value

    def tables(self, where: str, table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        """A list of tables, empty where it is missing."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.say(where, "is_tables", key=key)
            return []
        return value

    def pattern(self, where: str, name: Any, table: Any) -> Pattern | None:
        """An event with its predicates; None, with a complaint, where it makes no sense."""
        if not isinstance(name, str) or not members(name):
            self.say(where, "no_event", name=repr(name), near=nearest(str(name), all_names()))
            return None
        if not isinstance(table, dict):
            self.say(where, "where_is_table")
            return None
        try:
            return Pattern(name, predicates.read(name, table))
        except UsageError as error:
            self.say(where, error.line)
            return None

    def span(self, where: str, text: Any) -> int | None:
        """A length of time in nanoseconds."""
        found = _SPAN.fullmatch(text) if isinstance(text, str) else None
        if not found:
            self.say(where, "no_span", text=repr(text))
            return None
        return round(float(found[1]) * _UNITS_NS[found[2]])

    def count(self, where: str, value: Any, default: Count) -> Count:
        """How many."""
        if value is None:
            return default
        found = _COUNT.fullmatch(str(value)) if not isinstance(value, bool) else None
        if not found:
            self.say(where, "no_count", value=repr(value))
            return default
        number = int(found[2])
        if (found[3] and int(found[3]) < number) or (found[1] == "<" and number == 0):
            self.say(where, "never_count", value=repr(value))
        if found[3]:
            return Count(number, int(found[3]))
        return {
            ">=": Count(number), ">": Count(number + 1), "<=": Count(0, number), "<": Count(0, max(0, number - 1)),
        }.get(found[1] or "==", Count(number, number))  # fmt: skip

    def size(self, where: str, value: Any, default: int) -> int:
        """A number of octets, as a number or with a unit."""
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        found = re.fullmatch(r"\s*(\d{1,9})\s*([kKMG]i?B|B)?\s*", value) if isinstance(value, str) else None
        if not found:
            self.say(where, "no_size", value=repr(value))
            return default
        return int(found[1]) * _SIZES.get(found[2] or "B", 1)
