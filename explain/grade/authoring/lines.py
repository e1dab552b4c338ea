"""On which line of a rubric's file a complaint has its cause."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEAD = re.compile(r"\s*(\[\[?[\w.-]+\]?\])\s*(?:#.*)?")
_ID = re.compile(r"\s*id\s*=")
_NAMED = re.compile(r"(check|answer|test|id) (['\"])(.*)\2", re.DOTALL)
_SAYS = ("text", "value", "field", "key", "name", "need", "event", "network", "total")
"""Values of a complaint that stand on the line itself, the longest first."""
_ABOUT = {"within": "within", "where_is_table": "where", "partial": "partial", "phases": "partial", "parts": "points",
          "sequence": "sequence", "captures_names": "captures", "no_count": "count", "never_count": "count",
          "total": "total", "used_twice": "id"}  # fmt: skip
"""Keys that a complaint is about without naming them as a value."""


def on_lines(path: str, complaints: Sequence[Line]) -> list[Line]:
    """Complaints about a rubric, with the numbers of the lines that they are about."""
    lines = Path(path).read_text("utf-8", "replace").splitlines() if complaints else []
    return [_on_line(one, _line(lines, one)) for one in complaints]


def _on_line(told: Line, number: int | None) -> Line:
    return told if number is None else Line("errors.rubric.on_line", {**told.values, "line": number})


def _line(lines: Sequence[str], told: Line) -> int | None:
    where, what = str(told.values.get("where", "")), told.values.get("what")
    name = what.message.rpartition(".")[2] if isinstance(what, Line) else ""
    values: Mapping[str, Any] = what.values if isinstance(what, Line) else {}
    blocks = _blocks(lines, where)
    if name == "used_twice":
        blocks = blocks[1:]
    if name == "id_missing":
        blocks = [one for one in blocks if not any(_ID.match(line) for line in lines[slice(*one)])]
    for word in (*_words(where, values), _ABOUT.get(name, "")):
        for at in (at for one in blocks for at in range(*one)):
            if word and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", lines[at].partition(" # ")[0]):
                return at + 1
    return blocks[0][0] + 1 if blocks and where != "the rubric" else None


def _words(where: str, values: Mapping[str, Any]) -> Iterator[str]:
    """What may stand on the line, the most telling first."""
    yield from reversed(values.get("kinds", ()))
    for said in _SAYS:
        if isinstance(values.get(said), (str, int, float)) and (word := str(values[said]).strip("'\"")):
            yield word
            yield word.rpartition(".")[2] or word
    if where.startswith("vars."):
        yield where.removeprefix("vars.")


def _blocks(lines: Sequence[str], where: str) -> list[tuple[int, int]]:
    """The lines of the tables that a place of a rubric names: the first one, and the one behind its last."""
    heads = [(at, found[1]) for at, line in enumerate(lines) if (found := _HEAD.fullmatch(line))]
    ends = [*(at for at, _ in heads[1:]), len(lines)]
    told = _NAMED.fullmatch(where)
    section = f"[[{told[1]}]]" if told else "[vars]" if where.startswith("vars.") else where.partition(" ")[0]
    if told and told[1] == "id":
        section = ""
    named = [
        (at, end)
        for (at, head), end in zip(heads, ends, strict=True)
        if section in ("", head) and (told is None or _is_called(lines[at:end], told[3]))
    ]
    return named or ([(0, heads[0][0] if heads else len(lines))] if where == "the rubric" else [])


def _is_called(lines: Sequence[str], name: str) -> bool:
    return any(re.match(rf"\s*(?:id|name)\s*=\s*(['\"]){re.escape(name)}\1", line) for line in lines)
