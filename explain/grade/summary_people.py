"""The part of the instructor's page that names people: who needs a look, who has no mark, and everybody's marks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from explain.grade.page_parts import MARKS, label, legend, places, table, text
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST_STUDENTS = 1000
_MOST_FLAGS = 500
_MOST_NAMES = 12


def flags(forms: Sequence[Mapping[str, Any]], language: str) -> str:
    """What a person has to judge: first what a submission says of itself, then who shares something, in groups."""
    known = {form["id"]: form for form in forms}
    own = [
        (text(form["id"]), _seen(form, flag))
        for form in forms for flag in form["flags"] if flag.get("with") not in known
    ]  # fmt: skip
    pairs = _pairs(forms, known)
    if not own and not pairs:
        return ""
    parts = [f'<p class="note">{label("class.flags-note", language)}</p>']
    parts += [table(("student", "evidence"), own[:_MOST_FLAGS], language)] if own else []
    for group in _groups(list(pairs))[:_MOST_STUDENTS]:
        parts.append(_group([(pair, pairs[pair]) for pair in group], known, language))
    return "".join(parts)


_Pair = tuple[str, str]


def _pairs(
    forms: Sequence[Mapping[str, Any]], known: Mapping[str, Any]
) -> dict[_Pair, list[tuple[str, Mapping[str, Any]]]]:
    """By two submissions what is told of both, once for each kind."""
    found: dict[_Pair, dict[str, tuple[str, Mapping[str, Any]]]] = {}
    for form in forms:
        for flag in form["flags"]:
            if flag.get("with") in known:
                names = sorted((form["id"], flag["with"]))
                found.setdefault((names[0], names[1]), {}).setdefault(flag["kind"], (form["id"], flag))
    return {pair: list(kinds.values()) for pair, kinds in found.items()}


def _groups(pairs: Sequence[_Pair]) -> list[list[_Pair]]:
    """The pairs of those who are linked with each other, over any number of others."""
    leader: dict[str, str] = {}

    def found(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    for one, other in pairs:
        leader[found(other)] = found(one)
    groups: dict[str, list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault(found(pair[0]), []).append(pair)
    return list(groups.values())


def _group(
    group: Sequence[tuple[_Pair, list[tuple[str, Mapping[str, Any]]]]], known: Mapping[str, Any], language: str
) -> str:
    names = list(dict.fromkeys(name for pair, _ in group for name in pair))
    few = [*sorted(names)[:_MOST_NAMES], *(["..."] if len(names) > _MOST_NAMES else [])]
    title = label("class.group", language, names=few)
    rows = [
        (label("class.pair", language, one=pair[0], other=pair[1]), _both(known[name], flag, known[flag["with"]]))
        for pair, told in group[:_MOST_FLAGS] for name, flag in told
    ]  # fmt: skip
    rest = len(group) - _MOST_FLAGS
    more = f'<p class="note">{label("class.pairs-more", language, rest=rest)}</p>' if rest > 0 else ""
    is_open = " open" if len(group) == 1 else ""
    inner = table(("student", "evidence"), rows, language)
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
    rows = [
        (text(one["id"]), label(f"class.{one['status']}", language), text(one["reason"] or ""))
        for one in forms if one["status"] != "graded"
    ][:_MOST_STUDENTS]  # fmt: skip
    return table(("student", "how", "reason"), rows, language) if rows else ""


def everybody(forms: Sequence[Mapping[str, Any]], language: str, pages: Sequence[str]) -> str:
    """Each student's marks, check by check, with the way to the student's own page."""
    titles = {one["id"]: one["title"] or one["id"] for form in forms for one in (*form["checks"], *form["answers"])}
    heads = "".join(f'<th title="{text(title)}"><span>{text(name)}</span></th>' for name, title in titles.items())
    firsts = f'<th>{label("class.student", language)}</th><th class="n">{label("class.score", language)}</th>'
    rest = len(forms) - _MOST_STUDENTS
    more = f'<p class="note">{label("class.more", language, rest=rest)}</p>' if rest > 0 else ""
    rows = "".join(_rows(forms[:_MOST_STUDENTS], list(titles), pages, language))
    whole = f'<table class="marks"><thead><tr>{firsts}{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll">{whole}</div>{legend(language)}{more}\n'


def _rows(
    forms: Sequence[Mapping[str, Any]], names: Sequence[str], pages: Sequence[str], language: str
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
