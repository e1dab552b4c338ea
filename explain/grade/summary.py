"""The instructor's page: how the class did, what was hard, what was got wrong, and what a person has to look at."""

from __future__ import annotations

import statistics
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from explain.grade.feedback import MARKS, head, label, places, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST_STUDENTS = 1000
_MOST_MISTAKES = 25
_MOST_FLAGS = 500
_BARS = 10
_WIDE, _HIGH, _LEFT, _BASE = 640, 200, 36, 160


def summary_page(whole: Mapping[str, Any], language: str = "en", pages: Sequence[str] = ()) -> str:
    """The class at a glance; ``pages`` are the students' pages, as they lie beside this one."""
    title = label("class.title", language, title=whole["rubric"]["title"])
    forms = whole["submissions"]
    graded = [one for one in forms if one["status"] == "graded"]
    parts = (
        ("", _tiles(whole, graded, language)), ("distribution", _distribution(graded, whole["rubric"]["total"], language)),
        ("hardest", _hardest(graded, language)), ("mistakes", _mistakes(graded, language)),
        ("flags", _flags(forms, language)), ("ungraded", _ungraded(forms, language)),
        ("everybody", _everybody(forms, language, pages)),
    )  # fmt: skip
    body = "".join(
        (f"<h2>{label(f'class.{name}', language)}</h2>\n" if name else "") + inner for name, inner in parts if inner
    )
    return f"{head(whole['rubric']['title'], language, 'wide')}<h1>{title}</h1>\n{body}</main></body></html>\n"


def _tiles(whole: Mapping[str, Any], graded: Sequence[Mapping[str, Any]], language: str) -> str:
    forms = whole["submissions"]
    states = Counter(one["status"] for one in forms)
    scores = [one["score"] for one in graded]
    waiting = sum(one["verdict"] == "manual" for form in graded for one in _verdicts(form))
    tiles: list[tuple[str, Any]] = [("submissions", len(forms)), ("graded", states["graded"])]
    tiles += [(name, states[name]) for name in ("missing", "could-not-be-graded") if states[name]]
    if scores:
        tiles += [("median", f"{statistics.median(scores):g}"), ("mean", f"{statistics.fmean(scores):.1f}")]
    tiles += [("waiting", waiting)] if waiting else []
    flagged = sum(bool(one["flags"]) for one in forms)
    tiles += [("flagged", flagged)] if flagged else []
    inner = "".join(
        f"<li><b>{value}</b>{label(f'class.{name}', language, max=format(whole['rubric']['total'], 'g'))}</li>"
        for name, value in tiles
    )
    return f'<ul class="tiles">{inner}</ul>\n'


def _verdicts(form: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (*form["checks"], *form["answers"])


def _distribution(graded: Sequence[Mapping[str, Any]], total: float, language: str) -> str:
    """Ten bars of equal width from 0 to the highest score there is; a score on a border counts upwards."""
    if not graded:
        return ""
    top = max([total, *(one["score"] for one in graded)]) or 1
    counts = Counter(min(_BARS - 1, int(_BARS * one["score"] / top)) for one in graded)
    most = max(counts.values())
    step = (_WIDE - _LEFT - 10) / _BARS
    drawn = [f'<line x1="{_LEFT}" y1="{_BASE}" x2="{_WIDE}" y2="{_BASE}"/>']
    for at in range(_BARS):
        low, high = f"{top * at / _BARS:g}", f"{top * (at + 1) / _BARS:g}"
        x, size = _LEFT + step * at, 130 * counts[at] / most
        told = label("class.bar", language, low=low, high=high, count=counts[at])
        drawn.append(
            f'<g><title>{told}</title><rect x="{x + 3:.1f}" y="{_BASE - size:.1f}" width="{step - 6:.1f}" height="{size:.1f}"/>'
        )
        number = f'<text x="{x + step / 2:.1f}" y="{_BASE - size - 5:.1f}" text-anchor="middle">{counts[at]}</text>'
        drawn.append(
            f'{number if counts[at] else ""}<text x="{x:.1f}" y="{_BASE + 16}" text-anchor="middle">{low}</text></g>'
        )
    drawn.append(f'<text x="{_LEFT + step * _BARS:.1f}" y="{_BASE + 16}" text-anchor="middle">{top:g}</text>')
    drawn.append(f'<text x="{_WIDE / 2}" y="{_BASE + 34}" text-anchor="middle">{label("class.axis", language)}</text>')
    name = label("class.distribution", language)
    return f'<svg viewBox="0 0 {_WIDE + 10} {_HIGH}" width="100%" style="max-width:46rem" role="img" aria-label="{name}">{"".join(drawn)}</svg>\n'


def _hardest(graded: Sequence[Mapping[str, Any]], language: str) -> str:
    found: dict[str, Counter[str]] = {}
    points: dict[str, list[float]] = {}
    titles: dict[str, str] = {}
    for form in graded:
        for one in _verdicts(form):
            found.setdefault(one["id"], Counter())[one["verdict"]] += 1
            points.setdefault(one["id"], []).append(one["points"])
            titles[one["id"]] = one["title"] or one["id"]
    order = sorted(found, key=lambda name: found[name]["met"] / sum(found[name].values()))
    rows = [
        f'<tr><td>{text(titles[name])}<br><code class="small">{text(name)}</code></td>'
        f'<td class="n">{found[name]["met"]} / {sum(found[name].values())}</td>'
        f'<td class="n">{statistics.fmean(points[name]):.2g}</td><td class="share">{_stripes(found[name], language)}</td></tr>'
        for name in order
    ]
    heads = "".join(f"<th{kind}>{label(f'class.{name}', language)}</th>"
                    for name, kind in (("check", ""), ("met", ' class="n"'), ("points", ' class="n"'), ("how", "")))  # fmt: skip
    return (
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>{_legend(language)}\n"
        if rows
        else ""
    )


def _stripes(counts: Counter[str], language: str) -> str:
    told = ", ".join(f"{counts[name]} {label(f'verdict.{name}', language)}" for name in MARKS if counts[name])
    inner = "".join(f'<i class="b-{name}" style="flex:{counts[name]}"></i>' for name in MARKS if counts[name])
    return f'<div class="bar" role="img" aria-label="{told}" title="{told}">{inner}</div>'


def _legend(language: str) -> str:
    inner = "".join(
        f'<span><i class="b-{name}"></i>{mark} {label(f"verdict.{name}", language)}</span>'
        for name, mark in MARKS.items()
    )
    return f'<p class="legend">{inner}</p>'


def _mistakes(graded: Sequence[Mapping[str, Any]], language: str) -> str:
    wrong = Counter(
        (one["title"] or one["id"], one["given"])
        for form in graded for one in form["answers"]
        if one["given"] is not None and one["verdict"] in ("not-met", "partly")
    )  # fmt: skip
    rows = [
        (text(question), f"<code>{text(given)}</code>", str(count))
        for (question, given), count in wrong.most_common(_MOST_MISTAKES)
    ]
    return _table(("question", "answer", "count"), rows, language)


def _flags(forms: Sequence[Mapping[str, Any]], language: str) -> str:
    rows = [
        (text(form["id"]), text(flag.get("with") or ""),
         f"{text(flag.get('says') or flag['kind'])} <span class=\"frames\">{text(places(form, flag['evidence']))}</span>")
        for form in forms for flag in form["flags"]
    ]  # fmt: skip
    if not rows:
        return ""
    return f'<p class="note">{label("class.flags-note", language)}</p>' + _table(
        ("student", "with", "evidence"), rows[:_MOST_FLAGS], language
    )


def _ungraded(forms: Sequence[Mapping[str, Any]], language: str) -> str:
    rows = [
        (text(one["id"]), label(f"class.{one['status']}", language), text(one["reason"] or ""))
        for one in forms if one["status"] != "graded"
    ][:_MOST_STUDENTS]  # fmt: skip
    return _table(("student", "how", "reason"), rows, language) if rows else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], language: str) -> str:
    if not rows:
        return f"<p>{label('class.none', language)}</p>\n"
    top = "".join(f"<th>{label(f'class.{name}', language)}</th>" for name in heads)
    inner = "".join("<tr>" + "".join(f"<td>{one}</td>" for one in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{inner}</tbody></table></div>\n'


def _everybody(forms: Sequence[Mapping[str, Any]], language: str, pages: Sequence[str]) -> str:
    """Each student's marks, check by check, with the way to the student's own page."""
    titles = {one["id"]: one["title"] or one["id"] for form in forms for one in _verdicts(form)}
    rows = []
    for number, form in enumerate(forms[:_MOST_STUDENTS]):
        verdicts = {one["id"]: one for one in _verdicts(form)}
        cells = "".join(_cell(verdicts.get(name), language) for name in titles)
        score = "" if form["score"] is None else f"{form['score']:g}"
        name = text(form["id"])
        linked = f'<a href="{escape(pages[number])}">{name}</a>' if number < len(pages) else name
        rows.append(f'<tr><th scope="row">{linked}</th><td class="n">{score}</td>{cells}</tr>')
    heads = "".join(f'<th title="{text(title)}">{text(name)}</th>' for name, title in titles.items())
    firsts = f'<th>{label("class.student", language)}</th><th class="n">{label("class.score", language)}</th>'
    rest = len(forms) - _MOST_STUDENTS
    more = f'<p class="note">{label("class.more", language, rest=rest)}</p>' if rest > 0 else ""
    whole = f'<table class="marks"><thead><tr>{firsts}{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="scroll">{whole}</div>{_legend(language)}{more}\n'


def _cell(one: Mapping[str, Any] | None, language: str) -> str:
    if one is None:
        return "<td></td>"
    verdict = one["verdict"]
    told = f"{one['points']:g} / {one['max']:g}, {label(f'verdict.{verdict}', language)}"
    return f'<td class="v {verdict}" title="{told}" aria-label="{told}">{MARKS[verdict]}</td>'
