"""A student's page as Markdown; no mark of it in a name, a packet or an answer has an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.pages.feedback import PARTS, facts, notes, shown, spans, worth
from explain.grade.pages.page_parts import LONGEST, MARKS
from explain.grade.pages.unrevealed import unrevealed
from explain.render.markdown import code, inert
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Mapping


def markdown_page(title: str, form: Mapping[str, Any], language: str, *, reveals: bool = False) -> str:
    """One student's page; ``reveals`` is whether right answers may be seen."""
    form = form if reveals else unrevealed(form)

    def told(name: str, **values: Any) -> str:
        return _plain(say(f"grade_page.student.{name}", values, language))

    lines = [f"# {_plain(title)}", "", f"**{_plain(form['id'])}**", ""]
    if form["status"] != "graded":
        why = [told("why", why=form["reason"])] if form["reason"] else []
        return "\n".join([*lines, told("missing" if form["status"] == "missing" else "no-mark"), "", *why]) + "\n"
    lines += [f"**{told('score', score=format(form['score'], 'g'), max=format(form['max'], 'g'))}**", ""]
    lines += [f"- {_plain(one)}" for one in notes(form, language)]
    for part in PARTS:
        some = shown(form, part)
        lines += ["", f"## {told(part)}", ""] if some else []
        for one in some:
            lines += _check(form, one, language, reveals=reveals)
    return "\n".join(lines) + "\n"


def _check(form: Mapping[str, Any], one: Mapping[str, Any], language: str, *, reveals: bool) -> list[str]:
    def told(name: str, **values: Any) -> str:
        return _plain(say(f"grade_page.student.{name}", values, language))

    verdict = say(f"grade_page.verdict.{one['verdict']}", {}, language)
    how = told("how", verdict=verdict, points=worth(one, language), says=one["says"])
    lines = [f"- {MARKS[one['verdict']]} **{_plain(one['title'] or one['id'])}**: {how}"]
    lines += [f"  - {told('hint', hint=one['hint'])}"] if one["hint"] else []
    for name, value in facts(form, one, reveals=reveals):
        lines.append(f"  - {told(name)}: {code(value) if name == 'filter' else _plain(value)}")
    lines += [f"  - {_plain(spans(form, line))}: {_plain(line['text'])}" for line in one["story"]]
    withheld = one.get("withheld", 0)
    return [*lines, *([f"  - {told('withheld', withheld=withheld)}"] if withheld else [])]


def _plain(value: str) -> str:
    return inert(visible(value, LONGEST))
