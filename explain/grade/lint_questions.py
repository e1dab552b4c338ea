"""What is wrong with a question of a rubric, and what may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.answer_values import NoAnswerError, read
from explain.grade.expression_syntax import expressions_in, placeholders
from explain.grade.vocabulary import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from explain.grade.rubric import Question

_MEASURED = ("number", "duration")
_SMALLER = {"_ms": 1000, "_ns": 1_000_000_000}
"""Ends of names of fields that are not in seconds, and how many of the unit a second has."""


def asked(question: Question) -> list[str]:
    """The expressions that its key and its wrong answers ask for."""
    texts = expressions_in(question.key) + [text for one in question.wrong for text in expressions_in(one.value)]
    return texts + [inner for one in question.wrong if one.say for inner in placeholders(one.say)]


def errors(question: Question, checks: Collection[str], earlier: Collection[str]) -> Iterator[str]:
    """Complaints of what no answer could be marked by, given the ids of all checks and of the questions before."""
    where = f"answer {question.id!r}"
    if question.follow_through is not None and question.follow_through not in earlier:
        yield f"{where}: follow_through names {question.follow_through!r}, which is no earlier question"
    for need in question.needs:
        if need not in checks:
            yield f"{where}: needs {need!r}, which is no check{nearest(need, checks)}"
    if question.type == "table" and not question.columns:
        yield f'{where}: a table has columns, such as {{ inside = "ip:port", outside = "ip:port" }}'
    choices = [read(question, one) for one in question.choices] if question.type == "choice" else []
    for name, value in (("key", question.key), *(("wrong", one.value) for one in question.wrong)):
        if value is None or expressions_in(value):
            continue
        try:
            told = read(question, value)
        except NoAnswerError as error:
            yield f"{where}: {name} = {value!r} is not of type {question.type}: {error}"
        else:
            if choices and told not in choices:
                yield f"{where}: {name} = {value!r} is none of the choices{nearest(str(value), question.choices)}"


def doubts(question: Question) -> Iterator[str]:
    """What its author may not have meant."""
    where, key = f"answer {question.id!r}", question.key
    is_plain = isinstance(key, (int, float, str)) and not expressions_in(key)
    if is_plain and not (question.is_manual or question.needs):
        yield f"{where}: its key is the same for everybody"
    if question.type in _MEASURED and expressions_in(key) and not (question.relative or question.absolute):
        yield f"{where}: it is measured and has no tolerance, so only the exact value is right"
    if (seconds := _in_seconds(question)) is not None:
        yield f'{where}: the key of a duration is in seconds; key = "{{{seconds}}}" may be meant'


def _in_seconds(question: Question) -> str | None:
    """What the key of a duration may mean that is a field in smaller units, as it stands; None for any other."""
    texts: list[Any] = expressions_in(question.key) if question.type == "duration" else []
    if len(texts) != 1 or "/" in texts[0]:
        return None
    return next(
        (f"{texts[0].strip()} / {size}" for end, size in _SMALLER.items() if texts[0].strip(" )").endswith(end)), None
    )
