"""What is wrong with a question of a rubric, and what may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain.grade.events.vocabulary import complaint, nearest
from explain.grade.language.syntax import expressions_in, placeholders
from explain.grade.marking.answer_values import NoAnswerError, read
from explain.grade.rubric.records import ANSWER_TYPES
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from explain.grade.rubric.records import Question

_MIDDLE = re.compile(r"\b(median|mean)\(\s*([\w-]+)(?:\.\w+)+\s*\)")
_NUMBERED = re.compile(r"(?<![\w.])(([A-Za-z_][\w-]*)\[-?\d+\])")
_HOP = re.compile(r"(?<![\w.])(([A-Za-z_][\w-]*)(?:\.hops)?\[(\d{1,3})\])")
_MEASURED = ("number", "duration")
_SMALLER = {"_ms": 1000, "_ns": 1_000_000_000}
"""Ends of names of fields that are not in seconds, and how many of the unit a second has."""


def asked(question: Question) -> list[str]:
    """The expressions that its key and its wrong answers ask for."""
    texts = expressions_in(question.key) + [text for one in question.wrong for text in expressions_in(one.value)]
    return texts + [inner for one in question.wrong if one.say for inner in placeholders(one.say)]


def errors(question: Question, checks: Collection[str], earlier: Collection[str]) -> Iterator[Line]:
    """Complaints of what no answer could be marked by, given the ids of all checks and of the questions before."""
    where = f"answer {question.id!r}"
    if question.follow_through is not None and question.follow_through not in earlier:
        yield complaint(where, "follows_none", name=question.follow_through)
    for need in question.needs:
        if need not in checks:
            yield complaint(where, "needs_no_check", need=need, near=nearest(need, checks))
    if question.type == "table" and not question.columns:
        yield complaint(where, "columns")
    choices = [read(question, one) for one in question.choices] if question.type == "choice" else []
    for name, value in (("key", question.key), *(("wrong", one.value) for one in question.wrong)):
        if value is None or question.type not in ANSWER_TYPES or expressions_in(value):
            continue
        try:
            told = read(question, value)
        except NoAnswerError:
            form = Line(f"grade_types.{question.type}", {})
            yield complaint(where, "not_of_type", name=name, value=repr(value), type=question.type, form=form)
        else:
            if choices and told not in choices:
                yield complaint(
                    where, "no_choice", name=name, value=repr(value), near=nearest(str(value), question.choices)
                )


def doubts(question: Question) -> Iterator[Line]:
    """What its author may not have meant."""
    where, key = f"answer {question.id!r}", question.key
    is_plain = isinstance(key, (int, float, str)) and not expressions_in(key)
    if is_plain and not (question.is_manual or question.needs):
        yield complaint(where, "same_for_all")
    if question.type in _MEASURED and expressions_in(key) and not (question.relative or question.absolute):
        yield complaint(where, "no_tolerance")
    if (seconds := _in_seconds(question)) is not None:
        yield complaint(where, "seconds", seconds=seconds)


def numbered_first(where: str, texts: Collection[str], singles: Mapping[str, str]) -> Iterator[Line]:
    """Where one event is asked for a number in a list, as in ``hop[1].from``; ``singles`` as in ``of_one``."""
    for found in dict.fromkeys(one.groups() for text in texts for one in _NUMBERED.finditer(text)):
        if (every := singles.get(found[1])) not in (None, found[1]):
            yield complaint(where, "first_has_no_number", text=found[0], name=found[1], other=every)


def hops_by_number(where: str, texts: Collection[str], traces: Collection[str]) -> Iterator[Line]:
    """Where a hop is told by its place in a list, which is another one in a capture that began late."""
    for said, name, place in dict.fromkeys(one.groups() for text in texts for one in _HOP.finditer(text)):
        if name in traces:
            yield complaint(where, "hop_by_number", text=said, ttl=int(place) + 1)


def of_one(question: Question, singles: Mapping[str, str]) -> Iterator[Line]:
    """Where the middle of one event is asked for; ``singles`` are the names of the first, and of the check for all."""
    for text in asked(question):
        for found in _MIDDLE.finditer(text):
            if (every := singles.get(found[2])) is not None:
                what = found[0] if every == found[2] else found[0].replace(found[2], every)
                why = "first_of_all" if every == found[2] else "first_only"
                yield complaint(f"answer {question.id!r}", why, text=found[0], name=found[2], other=what)


def _in_seconds(question: Question) -> str | None:
    """What the key of a duration may mean that is a field in smaller units, as it stands; None for any other."""
    texts: list[Any] = expressions_in(question.key) if question.type == "duration" else []
    if len(texts) != 1 or "/" in texts[0]:
        return None
    return next(
        (f"{texts[0].strip()} / {size}" for end, size in _SMALLER.items() if texts[0].strip(" )").endswith(end)), None
    )
