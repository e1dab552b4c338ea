"""A student's rubric: the same checks in the same words, without keys, hidden checks and what only graders need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.language.syntax import names_in, placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEPT = ("rubric", "title", "description", "lab", "submission", "vars")
_QUESTION = ("id", "title", "ask", "type", "points", "columns", "choices", "mark", "needs")
_CLAIMS = ("assert",)


def pack(table: Mapping[str, Any], row: Mapping[str, str] | None) -> tuple[dict[str, Any], list[str]]:
    """What a student may have of a rubric, and ids of visible checks that build on hidden ones and are left out.

    ``row`` is the student's of the roster; without it, the columns that the checks ask for are left to be filled in.
    """
    made = {key: value for key, value in table.items() if key in _KEPT} | {"packed": True}
    shown, left_out = _visible(table)
    ids = {str(one["id"]) for one in shown}
    made["check"] = [_check(one, ids) for one in shown]
    made["answer"] = [
        {key: value for key, value in one.items() if key in _QUESTION}
        for one in table.get("answer", []) if one.get("visibility", "now") == "now"
    ]  # fmt: skip
    made["vars"] = {
        name: value for name, value in table.get("vars", {}).items()
        if name != "course_key" and not any(path[0] == "course_key" for path in _names(value))
    }  # fmt: skip
    columns = dict.fromkeys(path[1] for path in _names([made["vars"], made["check"]])
                            if path[0] == "roster" and len(path) > 1)  # fmt: skip
    made["me"] = {name: (row or {}).get(name, "") for name in columns}
    return {key: value for key, value in made.items() if value not in ({}, [])}, left_out


def columns(table: Mapping[str, Any]) -> list[str]:
    """The columns of the roster that a student's rubric asks for."""
    return list(pack(table, None)[0].get("me", ()))


def _visible(table: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The visible checks that do not compare with what only a hidden one binds."""
    shown: list[Mapping[str, Any]] = []
    left_out: list[str] = []
    lost: set[str] = set()
    for one in table.get("check", []):
        bound = {str(one.get("id")), str(one.get("as", one.get("id")))}
        is_hidden = one.get("visibility", "now") != "now"
        rest = {key: value for key, value in one.items() if key not in ("needs", "pass", "fail", "hint")}
        if is_hidden or {path[0] for path in _names(rest)} & lost:
            lost |= bound
            left_out += [] if is_hidden else [str(one.get("id"))]
        else:
            shown.append(one)
    return shown, left_out


def _check(one: Mapping[str, Any], ids: set[str]) -> dict[str, Any]:
    made = dict(one)
    if "needs" in made:
        made["needs"] = [name for name in made["needs"] if name in ids]
    return {key: value for key, value in made.items() if value != []}


def _names(value: Any, key: str = "") -> Iterator[tuple[str, ...]]:
    """Every name that an author's value asks for, in braces or in an assertion."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _names(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner, key)
    elif isinstance(value, str):
        texts = [value] if key in _CLAIMS else placeholders(value)
        if key == "within":
            texts = placeholders(value)
        for text in texts:
            try:
                yield from names_in(text)
            except UsageError:
                continue
