"""Answers of a student, marked against the student's own capture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.grade.language.cited import evidence, rows_in_value
from explain.grade.marking.answer_file import as_text
from explain.grade.marking.answer_keys import UNKNOWN, is_right, key_of, told_key
from explain.grade.marking.answer_values import NoAnswerError, read
from explain.grade.marking.follow_through import is_consistent
from explain.grade.marking.telling import filled
from explain.grade.marking.verdict import Verdict
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from explain.grade.marking.marker import Marker
    from explain.grade.rubric.records import Question
    from explain.model import Line

_LONGEST_SHOWN, _LONGEST_READ = 200, 4000  # what a person has to read is there as a whole


def mark_answers(marker: Marker, given: Mapping[str, Any], trouble: Line | None) -> tuple[Verdict, ...]:
    """The verdicts of all questions, in their order; ``trouble`` is why the file could not be read."""
    marked: list[Verdict] = []
    given = _by_question(given, [one.id for one in marker.rubric.questions])
    for question in marker.rubric.questions:
        told = _mark(marker, question, given, trouble)
        marked.append(told if told.evidence or not question.is_manual else _beside(marker, question, told, marked))
    return tuple(marked)


def _by_question(given: Mapping[str, Any], asked: Sequence[str]) -> Mapping[str, Any]:
    """Answers under the names of the questions, whose capitals are nobody's concern."""
    small = {name.casefold(): name for name in given}
    return dict(given) | {
        one: given[small[one.casefold()]] for one in asked if one not in given and one.casefold() in small
    }


def _beside(marker: Marker, question: Question, told: Verdict, before: Sequence[Verdict]) -> Verdict:
    """A free answer with the frames that it is about: those of what it needs, else of the question before it."""
    needed = [marker.verdicts[one].evidence for one in question.needs if one in marker.verdicts]
    near = [*needed, *(one.evidence for one in reversed(before)), *(one.evidence for one in marker.verdicts.values())]
    return replace(told, evidence=next((one for one in near if one), ()))


def _mark(marker: Marker, question: Question, given: Mapping[str, Any], trouble: Line | None) -> Verdict:
    """A verdict with the frames that the key was read from, and with the key for the instructor."""
    judged = _judged(marker, question, given, trouble)
    try:
        key = told_key(marker, question)
    except UNKNOWN:
        return judged
    cited = evidence(rows_in_value(question.key, marker.names), marker.joint.scene.names)
    return replace(judged, evidence=cited, key=key)


def _judged(marker: Marker, question: Question, given: Mapping[str, Any], trouble: Line | None) -> Verdict:
    def told(word: str, points: float, message: str, **values: Any) -> Verdict:
        return _verdict(question, word, points, say(f"grade.{message}", values, marker.language), given)

    missing = marker.unmet(question.needs)
    if missing:
        return told("skipped", 0, "skipped", needs=marker.titles(missing))
    if question.id not in given:
        return told("not-met", 0, "answers-unreadable" if trouble else "no-answer", why=trouble or "")
    if question.is_manual:
        is_empty = isinstance(given[question.id], str) and not given[question.id].strip()
        return told("not-met", 0, "no-answer") if is_empty else told("manual", 0, "manual")
    if marker.rubric.is_packed and question.key is None:
        return _formed(marker, question, given, told)
    try:
        key = key_of(marker, question, question.key)
    except UNKNOWN:
        return told("skipped", 0, "no-key")
    except NoAnswerError:
        return told("manual", 0, "key-not-of-type", type=_form(question, marker.language))
    return _compared(marker, question, key, given, told)


def _compared(
    marker: Marker, question: Question, key: Any, given: Mapping[str, Any], told: Callable[..., Verdict]
) -> Verdict:
    try:
        answer = read(question, given[question.id])
    except NoAnswerError:
        return told("not-met", 0, "not-of-type", type=_form(question, marker.language))
    choices = [read(question, one) for one in question.choices]
    if choices and answer not in choices:
        return told("not-met", 0, "no-choice", choices=list(question.choices))
    if is_right(question, answer, key):
        return told("met", question.points, "right")
    return _wrong(marker, question, answer, key, given) or told("not-met", 0, "wrong")


def _form(question: Question, language: str) -> str:
    """The form that was asked for, in words; of a table with its columns."""
    form = say(f"grade_types.{question.type}", {}, language)
    columns = ", ".join(f"{name} ({say(f'grade_types.{kind}', {}, language)})"
                        for name, kind in (question.columns or {}).items())  # fmt: skip
    return f"{form}: {columns}" if columns else form


def _formed(marker: Marker, question: Question, given: Mapping[str, Any], told: Callable[..., Verdict]) -> Verdict:
    """Without a key, only whether the answer is of the form that was asked for."""
    try:
        read(question, given[question.id])
    except NoAnswerError:
        return told("not-met", 0, "not-of-type", type=_form(question, marker.language))
    return told("manual", 0, "well-formed", type=_form(question, marker.language))


def _wrong(
    marker: Marker, question: Question, answer: Any, key: Any, given: Mapping[str, Any]
) -> Verdict | None:  # fmt: skip
    for one in question.wrong:
        try:
            value = key_of(marker, question, one.value)
        except (*UNKNOWN, NoAnswerError):
            continue
        if is_right(question, answer, value):
            text = filled(one.say, marker.names) if one.say else say("grade.wrong", {}, marker.language)
            word = "partly" if one.points > 0 else "not-met"
            return _verdict(question, word, min(one.points, question.points), text, given)
    if question.follow_through and is_consistent(marker, question, answer, given):
        return _verdict(question, "met", question.points, say("grade.follows", {}, marker.language), given)
    if question.partial == "jaccard" and isinstance(answer, frozenset) and answer & key:
        share = len(answer & key) / len(answer | key)
        text = _overlap(len(answer & key), len(key), len(answer - key), marker.language)
        return _verdict(question, "partly", round(question.points * share, 4), text, given)
    if question.partial == "linear" and isinstance(answer, tuple) and key:
        right = sum(1 for one in answer if one in key)
        extra = max(0, len(answer) - len(key))
        share = max(0.0, (right - extra) / len(key))
        if share:
            text = _overlap(right, len(key), extra, marker.language)
            return _verdict(question, "partly", round(question.points * share, 4), text, given)
    return None


def _overlap(right: int, wanted: int, extra: int, language: str) -> str:
    """How much of a list is right, and what it holds that cost points beside that."""
    values = {"right": right, "wanted": wanted, "extra": extra}
    return say("grade.overlap-and-more" if extra else "grade.overlap", values, language)


def _verdict(question: Question, word: str, points: float, says: str, given: Mapping[str, Any]) -> Verdict:
    longest = _LONGEST_READ if question.is_manual else _LONGEST_SHOWN
    written = visible(as_text(given[question.id]), longest) if question.id in given else None
    hint = question.hint if word in ("not-met", "partly") else None
    return Verdict(
        id=question.id,
        verdict=word,
        points=round(points + 0.0, 4),
        max=question.points,
        says=says,
        evidence=(),
        hint=hint,
        given=written,
        title=question.ask,
        visibility=question.visibility,
    )
