"""Regular expressions in time that grows only with the text: no backtracking, so no pattern can hang.

Python's parser reads the pattern; all ways to match are followed side by side (Thompson's construction).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from explain.errors import UsageError

_MOST_STEPS = 400
_MOST_TEXT = 16_384


@dataclass(frozen=True, slots=True)
class _Step:
    """One instruction: ``char`` takes a character, ``split`` goes two ways, ``at`` asks for a place, ``match`` ends."""

    what: str
    value: Any = None
    first: int = 0
    second: int = 0


def search(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the first 16,384 characters.

    Raises:
        UsageError: it is no pattern, or one that needs to remember what it matched.
    """
    program = _compiled(pattern)
    text = text[:_MOST_TEXT]
    alive: dict[int, None] = {}
    for at in range(len(text) + 1):
        _follow(program, 0, at, text, alive)
        if any(program[number].what == "match" for number in alive):
            return True
        if at == len(text):
            return False
        following: dict[int, None] = {}
        for number in alive:
            step = program[number]
            if step.what == "char" and _fits(step.value, text[at]):
                _follow(program, number + 1, at + 1, text, following)
        alive = following
    return False


def _follow(program: list[_Step], start: int, at: int, text: str, into: dict[int, None]) -> None:
    waiting = [start]
    seen: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        step = program[number]
        if step.what == "split":
            waiting += [step.first, step.second]
        elif step.what == "at":
            is_there = at == 0 if step.value == "start" else at == len(text)
            if is_there:
                waiting.append(number + 1)
        else:
            into[number] = None


def _fits(wanted: Any, char: str) -> bool:
    kind, value = wanted
    if kind == "any":
        return char != "\n"
    if kind == "literal":
        return str(value) == char
    is_negated, items = value
    return any(_in(item, char) for item in items) is not bool(is_negated)


def _in(item: tuple[str, Any], char: str) -> bool:
    name, value = item
    if name == "LITERAL":
        return ord(char) == int(value)
    if name == "RANGE":
        low, high = int(value[0]), int(value[1])
        return low <= ord(char) <= high
    what = str(value)
    is_member = {"DIGIT": char.isdigit(), "WORD": char.isalnum() or char == "_", "SPACE": char.isspace()}.get(
        what.rpartition("_")[2], False
    )
    return is_member != ("NOT_" in what)


@cache
def _compiled(pattern: str) -> list[_Step]:
    from re import _parser  # type: ignore[attr-defined]

    try:
        tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError("rubric.no_pattern", pattern=pattern, why=str(error)) from None
    program: list[_Step] = []
    _emit(program, list(tree), pattern)
    program.append(_Step("match"))
    return program


def _emit(  # noqa: C901 - one case for each code of the parser
    program: list[_Step], tree: list[Any], pattern: str
) -> None:
    for code, value in tree:
        if len(program) > _MOST_STEPS:
            raise UsageError("rubric.large_pattern", pattern=pattern)
        name = str(code)
        if name == "LITERAL":
            program.append(_Step("char", ("literal", chr(value))))
        elif name == "NOT_LITERAL":
            program.append(_Step("char", ("set", (True, [("LITERAL", value)]))))
        elif name == "ANY":
            program.append(_Step("char", ("any", None)))
        elif name == "IN":
            items = [(str(one), what) for one, what in value if str(one) != "NEGATE"]
            program.append(_Step("char", ("set", (len(items) != len(value), items))))
        elif name == "AT" and str(value) in ("AT_BEGINNING", "AT_BEGINNING_STRING", "AT_END", "AT_END_STRING"):
            program.append(_Step("at", "start" if "BEGINNING" in str(value) else "end"))
        elif name == "SUBPATTERN":
            _emit(program, list(value[3]), pattern)
        elif name == "BRANCH":
            _branch(program, [list(one) for one in value[1]], pattern)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            _repeat(program, value[0], value[1], (list(value[2]), pattern))
        else:
            raise UsageError("rubric.pattern_memory", pattern=pattern, what=name.lower())


def _branch(program: list[_Step], ways: list[list[Any]], pattern: str) -> None:
    ends = []
    for way in ways[:-1]:
        fork = len(program)
        program.append(_Step("split"))
        _emit(program, way, pattern)
        ends.append(len(program))
        program.append(_Step("split"))
        program[fork] = _Step("split", None, fork + 1, len(program))
    _emit(program, ways[-1], pattern)
    for one in ends:
        program[one] = _Step("split", None, len(program), len(program))


def _repeat(program: list[_Step], least: int, most: Any, inner: tuple[list[Any], str]) -> None:
    if int(least) > _MOST_STEPS or (str(most) != "MAXREPEAT" and int(most) > _MOST_STEPS):
        raise UsageError("rubric.repeats", pattern=inner[1])
    for _ in range(int(least)):
        _emit(program, *inner)
        _limit(program, inner[1])
    if str(most) == "MAXREPEAT":
        fork = len(program)
        program.append(_Step("split"))
        _emit(program, *inner)
        program.append(_Step("split", None, fork, fork))
        program[fork] = _Step("split", None, fork + 1, len(program))
        return
    forks = []
    for _ in range(int(most) - int(least)):
        forks.append(len(program))
        program.append(_Step("split"))
        _emit(program, *inner)
        _limit(program, inner[1])
    for fork in forks:
        program[fork] = _Step("split", None, fork + 1, len(program))


def _limit(program: list[_Step], pattern: str) -> None:
    if len(program) > _MOST_STEPS:
        raise UsageError("rubric.large_pattern", pattern=pattern)
