"""``[[answer]]`` -> Question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.events.vocabulary import nearest
from explain.grade.rubric.records import ANSWER_TYPES, Question, WrongAnswer
from explain.grade.rubric.values import VISIBLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.grade.rubric.values import Reader


def read_question(reader: Reader, table: Mapping[str, Any]) -> Question:
    """What is asked of the student."""
    name, where = reader.named("answer", table)
    kind = table.get("type", "text")
    if kind not in ANSWER_TYPES:
        reader.say(where, "no_type", name=repr(kind), near=nearest(str(kind), ANSWER_TYPES))
    is_manual = table.get("mark") == "manual" or kind == "text"
    for key, words in (("mark", ("manual",)), ("partial", ("jaccard", "linear")), ("visibility", VISIBLE)):
        reader.word(where, table, key, words)
    if "key" not in table and not is_manual and not reader.is_packed:
        reader.say(where, "no_key")
    tolerance = _tolerance(reader, where, table)
    wrong = tuple(_wrong(reader, where, one) for one in reader.tables(where, table, "wrong"))
    columns = _columns(reader, where, table)
    return Question(
        id=name,
        ask=reader.words(where, table, "ask") or "",
        type=str(kind),
        points=reader.number(where, table, "points"),
        key=table.get("key"),
        wrong=wrong,
        relative=reader.number(where, tolerance, "relative"),
        absolute=reader.number(where, tolerance, "absolute"),
        partial=reader.text(where, table, "partial"),
        follow_through=reader.text(where, table, "follow_through"),
        columns=columns,
        choices=reader.texts(where, table, "choices"),
        is_manual=is_manual,
        keywords=reader.texts(where, table, "keywords"),
        hint=reader.words(where, table, "hint"),
        needs=reader.texts(where, table, "needs"),
        visibility=reader.text(where, table, "visibility") or "now",
    )


def _tolerance(reader: Reader, where: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """How far off an answer may be; a mere number is absolute."""
    stated = table.get("tolerance")
    tolerance = {"absolute": stated} if isinstance(stated, (int, float)) else reader.table(where, table, "tolerance")
    reader.known(where, "tolerance", tolerance)
    return tolerance


def _columns(reader: Reader, where: str, table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What each column of a table holds that a student fills in."""
    columns = reader.table(where, table, "columns") or None
    for column in (columns or {}).values():
        if column not in ANSWER_TYPES:
            reader.say(where, "no_type", name=repr(column), near=nearest(str(column), ANSWER_TYPES))
    return columns


def _wrong(reader: Reader, where: str, table: Mapping[str, Any]) -> WrongAnswer:
    """An answer that is wrong in a known way."""
    reader.known(where, "wrong", table)
    if "value" not in table:
        reader.say(where, "wrong_value")
    return WrongAnswer(table.get("value"), reader.number(where, table, "points"), reader.words(where, table, "say"))
