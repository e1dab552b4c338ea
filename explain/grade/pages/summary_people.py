"""The part of the instructor's page that names people: who needs a look, who has no mark, and everybody's marks."""

from __future__ import annotations

from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from explain.grade.pages.feedback import exchanged
from explain.grade.pages.form import ids_of
from explain.grade.pages.page_parts import MARKS, label, legend, places, table, text
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MOST_STUDENTS = 1000
_MOST_FLAGS = 500
_MOST_NAMES = 12


def flags(forms: Sequence[Mapping[str, Any]], language: str) -> str:
    """What a person has to judge: first what a submission says of itself, then who shares something, in groups."""
    places_of = {form["id"]: number for number, form in enumerate(forms)}
    own: list[tuple[str, str]] = []
    pairs: dict[_Pair, dict[str, _Place]] = {}
    for number, form in enumerate(forms):
        own += [(text(form["id"]), text(one)) for one in exchanged(form, language)]
        for at, flag in enumerate(form["flags"]):
            other = places_of.get(flag.get("with"))
            if other is not None:
                pairs.setdefault((min(number, other), max(number, other)), {}).setdefault(flag["kind"], (number, at))
            elif len(own) < _MOST_FLAGS:
                own.append((text(form["id"]), _seen(form, flag)))
    if not own and not pairs:
        return ""
    parts = [f'<p class="note">{label("class.flags-note", language)}</p>']
    parts += [table(("student", "evidence"), own, language)] if own else []
    room = _MOST_FLAGS
    for group in _groups(list(pairs))[:_MOST_STUDENTS]:
        shown = group[:room]
        parts.append(_group(forms, [(pair, list(pairs[pair].values())) for pair in shown], group, language))
        room -= len(shown)
    return "".join(parts)


_Pair = tuple[int, int]
"""Two submissions, by their numbers."""
_Place = tuple[int, int]
"""A flag: the number of its submission, and which of its flags it is."""


def _groups(pairs: Sequence[_Pair]) -> list[list[_Pair]]:
    """The pairs of those who are linked with each other, over any number of others."""
    leader: dict[int, int] = {}

    def found(number: int) -> int:
        while leader.setdefault(number, number) != number:
            leader[number] = number = leader[leader[number]]
        return number

    for one, other in pairs:
        leader[found(other)] = found(one)
    groups: dict[int, list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault(found(pair[0]), []).append(pair)
    return list(groups.values())


def _group(
    forms: Sequence[Mapping[str, Any]], shown: Sequence[tuple[_Pair, list[_Place]]], group: Sequence[_Pair],
    language: str,
) -> str:  # fmt: skip
    members = sorted({number for pair in group for number in pair})
    few = [*(forms[number]["id"] for number in members[:_MOST_NAMES]), *(["..."] if len(members) > _MOST_NAMES else [])]
    title = label("class.group", language, names=few)
    rows = []
    for pair, told in shown:
        both = {number: forms[number] for number in pair}
        named = label("class.pair", language, one=both[pair[0]]["id"], other=both[pair[1]]["id"])
        for number, at in told:
            other = both[pair[0] if number == pair[1] else pair[1]]
            rows.append((named, _both(both[number], both[number]["flags"][at], other)))
    rest = len(group) - len(shown)
    more = f'<p class="note">{label("class.pairs-more", language, rest=rest)}</p>' if rest > 0 else ""
    is_open = " open" if len(group) == 1 else ""
    inner = table(("student", "evidence"), rows, language) if rows else ""
    return f"<details{is_open}><summary>{title}</summary>{inner}{more}</details>\n"


def _seen(form: Mapping[str, Any], flag: Mapping[str, Any]) -> str:
    frames = text(places(form, flag["evidence"]))
    return f'{text(flag.get("says") or flag["kind"])} <span class="frames">{frames}</span>'


def _both(form: Mapping[str, Any], flag: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What is told of one, with the frames of both."""
    frames = [(form, flag["evidence"]), (other, flag.get("with_evidence") or [])]
    told = "; ".join(f"{text(one['id'])}: {text(places(one, some))}" for one, some in frames if some)
    return f'{text(form["id"])}: {text(flag.get("says") or flag["kind"])} <span class="frames">{told}</span>'


def ungraded(forms: Sequence[Mapping[str, Any]], language: str) -> str:
    """Who has no mark, and why."""
    rows = islice((
        (text(one["id"]), label(f"class.{one['status']}", language), text(one["reason"] or ""))
        for one in forms if one["status"] != "graded"
    ), _MOST_STUDENTS)  # fmt: skip
    told = list(rows)
    return table(("student", "how", "reason"), told, language) if told else ""


def everybody(whole: Mapping[str, Any], language: str, pages: Sequence[str]) -> str:
    """Each student's marks, check by check, with the way to the student's own page."""
    titles, forms = ids_of(whole), whole["submissions"]
    heads = "".join(f'<th title="{text(title)}"><span>{text(name)}</span></th>' for name, title in titles.items())
    firsts = f'<th>{label("class.student", language)}</th><th class="n">{label("class.score", language)}</th>'
    rest = len(forms) - _MOST_STUDENTS
    more = f'<p class="note">{label("class.more", language, rest=rest)}</p>' if rest > 0 else ""
    rows = "".join(_rows(islice(forms, _MOST_STUDENTS), list(titles), pages, language))
    table_of_all = f'<table class="marks"><thead><tr>{firsts}{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll">{table_of_all}</div>{legend(language)}{more}\n'


def _rows(
    forms: Iterable[Mapping[str, Any]], names: Sequence[str], pages: Sequence[str], language: str
) -> Iterator[str]:
    words = {name: say(f"grade_page.verdict.{name}", {}, language) for name in MARKS}
    for number, form in enumerate(forms):
        verdicts = {one["id"]: one for one in (*form["checks"], *form["answers"])}
        cells = "".join(_cell(verdicts.get(name), words) for name in names)
        score = "" if form["score"] is None else f"{form['score']:g}"
        name = text(form["id"])
        linked = f'<a href="{escape(pages[number])}">{name}</a>' if number < len(pages) else name
        yield f'<tr><th scope="row">{linked}</th><td class="n">{score}</td>{cells}</tr>'


def _cell(one: Mapping[str, Any] | None, words: Mapping[str, str]) -> str:
    if one is None:
        return "<td></td>"
    verdict = one["verdict"]
    told = escape(f"{one['points']:g} / {one['max']:g}, {words[verdict]}")
    return f'<td class="v {verdict}" title="{told}" aria-label="{told}">{MARKS[verdict]}</td>'
