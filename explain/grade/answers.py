"""Answers of a student, marked against the student's own capture."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.answer_values import NoAnswerError, read
from explain.grade.cited import evidence, rows_in_value
from explain.grade.expressions import UnboundError, evaluate, fill, parse, shown
from explain.grade.functions import AbsentError
from explain.grade.scene import End, UnknownFieldError
from explain.grade.verdict import Verdict
from explain.words import say
from explain.words.values import duration, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from explain.grade.engine import Marker
    from explain.grade.rubric import Question

_LARGEST = 256 << 10
_LONGEST_SHOWN, _LONGEST_READ = 200, 4000  # what a person has to read is there as a whole
_UNKNOWN = (UnboundError, AbsentError, UnknownFieldError, UsageError)


class BadAnswersError(ValueError):
    """The file with the answers cannot be read; the text says why."""


def read_answers(path: Path) -> dict[str, Any]:
    """The answers by question; nothing in them is ever looked at as anything but a value.

    Raises:
        BadAnswersError: it is too large or no TOML.
    """
    with path.open("rb") as file:
        octets = file.read(_LARGEST + 1)
    if len(octets) > _LARGEST:
        raise BadAnswersError("it is too large")
    try:
        table = tomllib.loads(octets.decode("utf-8"))
    except MemoryError:
        raise BadAnswersError("it takes too much memory") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadAnswersError(visible(str(error))) from None
    inner = table.get("answers", table.get("answer"))
    return dict(inner) if isinstance(inner, dict) else table


def mark_answers(marker: Marker, given: Mapping[str, Any], trouble: str | None) -> tuple[Verdict, ...]:
    """The verdicts of all questions, in their order; ``trouble`` is why the file could not be read."""
    marked: list[Verdict] = []
    for question in marker.rubric.questions:
        told = _mark(marker, question, given, trouble)
        marked.append(told if told.evidence or not question.is_manual else _beside(marker, question, told, marked))
    return tuple(marked)


def _beside(marker: Marker, question: Question, told: Verdict, before: Sequence[Verdict]) -> Verdict:
    """A free answer with the frames that it is about: those of what it needs, else of the question before it."""
    needed = [marker.verdicts[one].evidence for one in question.needs if one in marker.verdicts]
    near = [*needed, *(one.evidence for one in reversed(before)), *(one.evidence for one in marker.verdicts.values())]
    return replace(told, evidence=next((one for one in near if one), ()))


def _mark(marker: Marker, question: Question, given: Mapping[str, Any], trouble: str | None) -> Verdict:
    """A verdict with the frames that the key was read from, and with the key for the instructor."""
    judged = _judged(marker, question, given, trouble)
    try:
        key = (
            None
            if question.key is None
            else visible(_written(question, plain(_filled(question.key, marker.names)), marker.language))
        )
    except _UNKNOWN:
        return judged
    cited = evidence(rows_in_value(question.key, marker.names), marker.joint.scene.names)
    return replace(judged, evidence=cited, key=key)


def _written(question: Question, key: Any, language: str) -> str:
    """The right answer in the form that was asked for."""
    if question.type == "duration" and isinstance(key, (int, float)):
        return duration(round(key * 1e9), language)
    return f"{key:#x}" if question.type == "hex" and isinstance(key, int) else shown(key)


def _judged(marker: Marker, question: Question, given: Mapping[str, Any], trouble: str | None) -> Verdict:
    def told(word: str, points: float, message: str, **values: Any) -> Verdict:
        return _verdict(question, word, points, say(f"grade.{message}", values, marker.language), given)

    missing = marker.unmet(question.needs)
    if missing:
        return told("skipped", 0, "skipped", needs=missing)
    if question.id not in given:
        return told("not-met", 0, "answers-unreadable" if trouble else "no-answer", why=trouble or "")
    if question.is_manual:
        return told("manual", 0, "manual")
    if marker.rubric.is_packed and question.key is None:
        return _formed(marker, question, given, told)
    try:
        key = read(question, plain(_filled(question.key, marker.names)))
    except _UNKNOWN:
        return told("skipped", 0, "no-key")
    except NoAnswerError as error:
        return told("manual", 0, "no-sense", why=str(error))
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
    if _is_right(question, answer, key):
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


def _is_right(question: Question, answer: Any, key: Any) -> bool:
    if isinstance(answer, float) or isinstance(key, float):
        room: float = max(question.absolute, question.relative * abs(float(key)))
        return bool(abs(float(answer) - float(key)) <= room + 1e-12)
    if question.type == "frame" and question.absolute:
        return abs(int(answer) - int(key)) <= question.absolute
    same: bool = answer == key
    return same


def _wrong(
    marker: Marker, question: Question, answer: Any, key: Any, given: Mapping[str, Any]
) -> Verdict | None:  # fmt: skip
    for one in question.wrong:
        try:
            value = read(question, plain(_filled(one.value, marker.names)))
        except (*_UNKNOWN, NoAnswerError):
            continue
        if _is_right(question, answer, value):
            from explain.grade.telling import filled

            text = filled(one.say, marker.names) if one.say else say("grade.wrong", {}, marker.language)
            word = "partly" if one.points > 0 else "not-met"
            return _verdict(question, word, min(one.points, question.points), text, given)
    if question.follow_through and _is_consistent(marker, question, answer, given):
        return _verdict(question, "met", question.points, say("grade.follows", {}, marker.language), given)
    if question.partial == "jaccard" and isinstance(answer, frozenset) and answer & key:
        share = len(answer & key) / len(answer | key)
        text = say("grade.overlap", {"right": len(answer & key), "wanted": len(key)}, marker.language)
        return _verdict(question, "partly", round(question.points * share, 4), text, given)
    if question.partial == "linear" and isinstance(answer, tuple) and key:
        right = sum(1 for one in answer if one in key)
        extra = max(0, len(answer) - len(key))
        share = max(0.0, (right - extra) / len(key))
        if share:
            text = say("grade.overlap", {"right": right, "wanted": len(key)}, marker.language)
            return _verdict(question, "partly", round(question.points * share, 4), text, given)
    return None


def _is_consistent(marker: Marker, question: Question, answer: Any, given: Mapping[str, Any]) -> bool:
    """Whether the same step, taken from the student's own earlier answer, leads to this one."""
    earlier = next((one for one in marker.rubric.questions if one.id == question.follow_through), None)
    if earlier is None or earlier.id not in given:
        return False
    texts = [_inner(question.key), _inner(earlier.key)]
    if None in texts:
        return False
    try:
        before = read(earlier, given[earlier.id])
        tree, replaced = _replaced(parse(str(texts[0])), ast.dump(parse(str(texts[1]))), before)
        if not replaced:
            return False
        key = read(question, plain(evaluate(ast.unparse(tree), marker.names)))
    except (*_UNKNOWN, NoAnswerError):
        return False
    return _is_right(question, answer, key)


def _inner(key: Any) -> str | None:
    is_whole = isinstance(key, str) and key.startswith("{") and key.endswith("}") and key.count("{") == 1
    return key[1:-1] if is_whole else None


def _replaced(tree: ast.expr, wanted: str, value: Any) -> tuple[ast.AST, bool]:
    """The tree with the earlier question's expression replaced by a number; only numbers are ever put in."""
    done = False
    if not isinstance(value, (int, float)):
        return tree, False

    class Exchange(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            nonlocal done
            if ast.dump(node) == wanted:
                done = True
                return ast.Constant(value)
            return self.generic_visit(node)

    found = Exchange().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return found, done


def _verdict(question: Question, word: str, points: float, says: str, given: Mapping[str, Any]) -> Verdict:
    longest = _LONGEST_READ if question.is_manual else _LONGEST_SHOWN
    written = visible(_as_text(given[question.id]), longest) if question.id in given else None
    hint = question.hint if word in ("not-met", "partly") else None
    return Verdict(
        question.id, word, round(points + 0.0, 4), question.points, says, (), hint, written, question.ask,
        question.visibility,
    )  # fmt: skip


def _as_text(given: Any) -> str:
    """What a student wrote, as a person reads it; lists and rows without the marks of TOML."""
    if isinstance(given, dict):
        return ", ".join(f"{name} {value}" for name, value in given.items())
    if isinstance(given, list):
        is_rows = any(isinstance(one, dict) for one in given)
        return ("; " if is_rows else ", ").join(_as_text(one) if isinstance(one, dict) else str(one) for one in given)
    return str(given)
