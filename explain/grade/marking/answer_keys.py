"""The right answer to a question, made from the student's own capture, and whether an answer is it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.event import End, UnknownFieldError
from explain.grade.language.expressions import UnboundError, fill, shown
from explain.grade.language.functions import AbsentError
from explain.grade.marking.answer_values import read
from explain.words.values import duration, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.grade.marking.marker import Marker
    from explain.grade.rubric.records import Question

UNKNOWN = (UnboundError, AbsentError, UnknownFieldError, UsageError)
"""Why a capture has no answer to a question."""


def key_of(marker: Marker, question: Question, key: Any) -> Any:
    """A right or a wrong answer that an author wrote, as the value that this student's capture gives it.

    Raises:
        NoAnswerError: it is not of the type of the question.
        LookupError: one of ``UNKNOWN``; the capture does not have it.
    """
    return read(question, plain(_filled(key, marker.names)))


def told_key(marker: Marker, question: Question) -> str | None:
    """The right answer in the form that was asked for; None for a question without one.

    Raises:
        LookupError: one of ``UNKNOWN``; the capture does not have it.
    """
    if question.key is None:
        return None
    return visible(_written(question, plain(_filled(question.key, marker.names)), marker.language))


def _written(question: Question, key: Any, language: str) -> str:
    if question.type == "duration" and isinstance(key, (int, float)):
        return duration(round(key * 1e9), language)
    return f"{key:#x}" if question.type == "hex" and isinstance(key, int) else shown(key)


def _filled(key: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(key, list):
        return [_filled(one, names) for one in key]
    if isinstance(key, dict):
        return {name: _filled(one, names) for name, one in key.items()}
    value = fill(key, names)
    if value is None:
        raise AbsentError(str(key))
    return value


def plain(value: Any) -> Any:
    """A value of the capture as somebody would write it."""
    if isinstance(value, End):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def is_right(question: Question, answer: Any, key: Any) -> bool:
    """Whether an answer is the right one, within what the author allows."""
    if isinstance(answer, float) or isinstance(key, float):
        room: float = max(question.absolute, question.relative * abs(float(key)))
        return bool(abs(float(answer) - float(key)) <= room + 1e-12)
    if question.type == "frame" and question.absolute:
        return abs(int(answer) - int(key)) <= question.absolute
    same: bool = answer == key
    return same
