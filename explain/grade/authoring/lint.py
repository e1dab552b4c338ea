"""What is wrong with a rubric, and what may be: references, order, checks that nothing can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.errors import UsageError
from explain.grade.authoring import lint_questions
from explain.grade.authoring.lines import on_lines
from explain.grade.authoring.lint_paths import events_of, own_events, unknown_field
from explain.grade.events.vocabulary import complaint, nearest
from explain.grade.language.functions import FUNCTIONS
from explain.grade.language.syntax import expressions_in, names_in, placeholders
from explain.grade.rubric.reading import load
from explain.grade.rubric.shipped import rubric_path
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from explain.grade.rubric.records import Check, Pattern, Rubric
    from explain.model import Line

_ALWAYS = ("roster",)
_IN_MESSAGES = ("event", "count", "values", "first_violation", "missing")


def sound(name: str, language: str = "en") -> Rubric:
    """A rubric by path or name that nothing is wrong with.

    Raises:
        UnreadableError, UsageError: it is no rubric, or has an error.
    """
    rubric, errors, _ = lint(name, language)
    if errors:
        raise UsageError(
            "grade.lint_more" if errors[1:] else "grade.lint", rubric=name, first=errors[0], more=len(errors) - 1
        )
    return rubric


def lint(path: str, language: str = "en") -> tuple[Rubric, list[str], list[str]]:
    """A rubric by path or name, its errors and its warnings.

    Raises:
        UnreadableError, UsageError: it is no rubric at all.
    """
    rubric, errors = load(rubric_path(path), language)
    known: dict[str, tuple[str, ...]] = dict.fromkeys((*_ALWAYS, *rubric.variables), ())
    ids: set[str] = set()
    for name, value in rubric.variables.items():
        errors += _unknown(f"vars.{name}", expressions_in(value), known)
    for check in rubric.checks:
        errors += _of_check(rubric, check, known, ids)
        ids.add(check.id)
        known |= dict.fromkeys((check.id, *([check.bind] if check.bind else [])), events_of(check))
    asked: set[str] = set()
    for question in rubric.questions:
        errors += _unknown(f"answer {question.id!r}", lint_questions.asked(question), known)
        errors += lint_questions.errors(question, ids, asked)
        asked.add(question.id)
    singles = _singles(rubric)
    errors += [
        line for where, texts in _asking(rubric) for line in lint_questions.numbered_first(where, texts, singles)
    ]
    told = (on_lines(rubric.path, some) for some in (errors, [*_doubts(rubric)]))
    wrong, doubtful = ([say(one.message, one.values, language) for one in some] for some in told)
    return rubric, wrong, doubtful


def _of_check(rubric: Rubric, check: Check, known: Mapping[str, tuple[str, ...]], ids: set[str]) -> Iterator[Line]:
    where = f"check {check.id!r}"
    for need in check.needs:
        if need not in ids:
            is_later = any(one.id == need for one in rubric.checks)
            why = "needs_later" if is_later else "needs_absent"
            yield complaint(where, why, need=need, near=nearest(need, ids))
    if check.capture is not None and check.capture not in rubric.captures:
        yield complaint(where, "no_such_capture", name=check.capture, near=nearest(check.capture, rubric.captures))
    yield from _unknown(where, _asked(check), known)
    for pattern in _patterns(check):
        least, most = ({one.field: one.value for one in pattern.where if one.sign == sign} for sign in ("min", "max"))
        for field in least.keys() & most.keys():
            if (
                isinstance(least[field], (int, float))
                and isinstance(most[field], (int, float))
                and least[field] > most[field]
            ):
                yield complaint(where, "never_between", field=field, least=least[field], most=most[field])
    messages = [
        check.passed,
        check.failed,
        check.hint,
        *(row.say for row in check.credit),
        *(p.fail for p in check.parts),
    ]
    own = (check.id, *([check.bind] if check.bind else []), *_IN_MESSAGES)
    texts = [inner for text in messages if text for inner in placeholders(text)]
    yield from _unknown(where, texts, {**known, **{name: own_events(name, check) for name in own}})


def _patterns(check: Check) -> list[Pattern]:
    patterns = [check.expect, check.none, *check.sequence, *check.ways]
    patterns += [row.pattern for row in check.credit] + [one.pattern for one in check.parts]
    return [one for one in patterns if one]


def _asked(check: Check) -> list[str]:
    predicates = (one for pattern in _patterns(check) for one in pattern.where)
    texts = [text for one in predicates for text in expressions_in(one.value)]
    claims = [check.claim, *(one.claim for one in check.parts)]
    return texts + [one.event for one in check.within] + [claim for claim in claims if claim is not None]


def _unknown(where: str, expressions: Iterable[str], known: Mapping[str, tuple[str, ...]]) -> Iterator[Line]:
    for text in expressions:
        try:
            names = names_in(text)
        except UsageError as error:
            yield complaint(where, error.line)
            continue
        for path in names:
            if path[0] not in known and path[0] not in FUNCTIONS:
                yield complaint(where, "nothing_called", name=path[0], near=nearest(path[0], known))
            for what in unknown_field(path, known.get(path[0], ())):
                yield complaint(where, what)


def _doubts(rubric: Rubric) -> Iterator[Line]:
    bound = {name for check in rubric.checks for name in (check.id, check.bind) if name}
    for check in rubric.checks:
        if check.points > 0 and not check.needs and _is_passed_by_nothing(check, bound):
            yield complaint(f"check {check.id!r}", "passed_by_nothing")
        if check.credit and check.credit[0].pattern is None and len(check.credit) > 1:
            continue
        for row in check.credit:
            if row.points > check.points:
                yield complaint(f"check {check.id!r}", "credit_more")
    traces = [one for check in rubric.checks if _is_trace(check) for one in (check.id, check.bind) if one]
    for where, texts in _asking(rubric):
        yield from lint_questions.hops_by_number(where, texts, traces)
    singles = _singles(rubric)
    for question in rubric.questions:
        yield from lint_questions.doubts(question)
        yield from lint_questions.of_one(question, singles)


def _asking(rubric: Rubric) -> list[tuple[str, list[str]]]:
    """The expressions of each check and question."""
    checks = [(f"check {one.id!r}", _asked(one)) for one in rubric.checks]
    return checks + [(f"answer {one.id!r}", lint_questions.asked(one)) for one in rubric.questions]


def _is_trace(check: Check) -> bool:
    """Whether a check finds several hops, in the order of their TTLs."""
    wanted = check.expect
    return wanted is not None and wanted.event in ("traceroute", "traceroute.hop")


def _singles(rubric: Rubric) -> Mapping[str, str]:
    """The names of first events, and of the checks that stand for all of theirs."""
    return {check.bind: check.id for check in rubric.checks if check.bind and check.expect}


def _is_passed_by_nothing(check: Check, bound: set[str]) -> bool:
    """Whether a check asks only for what should not be there, and compares with nothing that was found before."""
    try:
        if any(path[0] in bound for text in _asked(check) for path in names_in(text)):
            return False
    except UsageError:
        return False  # an error is told of it already
    if check.claim is not None:
        return True
    if check.parts:
        return any(
            one.claim is not None or one.count.least == 0 for one in check.parts if one.points or not _stated(check)
        )
    return check.none is not None or (check.expect is not None and check.count.least == 0)


def _stated(check: Check) -> float:
    return sum(one.points for one in check.parts)
