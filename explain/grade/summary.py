"""The instructor's page: how the class did, what was hard, what was got wrong, and what a person has to look at."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

from explain.grade.page_parts import TAIL, head, label, legend, stripes, table, text
from explain.grade.summary_people import everybody, flags, ungraded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST_MISTAKES = 25
_BARS = 10


def summary_page(whole: Mapping[str, Any], language: str = "en", pages: Sequence[str] = ()) -> str:
    """The class at a glance; ``pages`` are the students' pages, as they lie beside this one."""
    title = label("class.title", language, title=whole["rubric"]["title"])
    forms = whole["submissions"]
    graded = [one for one in forms if one["status"] == "graded"]
    parts = (
        ("", _tiles(whole, graded, language)),
        ("distribution", _distribution(graded, whole["rubric"]["total"], language)),
        ("hardest", _hardest(graded, language)), ("mistakes", _mistakes(graded, language)),
        ("flags", flags(forms, language)), ("ungraded", ungraded(forms, language)),
        ("everybody", everybody(forms, language, pages)),
    )  # fmt: skip
    body = "".join(
        (f"<h2>{label(f'class.{name}', language)}</h2>\n" if name else "") + inner for name, inner in parts if inner
    )
    return f"{head(whole['rubric']['title'], language, 'wide')}<h1>{title}</h1>\n{body}{TAIL}"


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
    """Ten columns of equal width from 0 to the highest score there is; a score on a border counts upwards."""
    if not graded:
        return ""
    top = max([total, *(one["score"] for one in graded)]) or 1
    counts = Counter(min(_BARS - 1, int(_BARS * one["score"] / top)) for one in graded)
    most = max(counts.values())
    columns = []
    for at in range(_BARS):
        low, high = f"{top * at / _BARS:g}", f"{top * (at + 1) / _BARS:g}"
        told = label("class.bar", language, low=low, high=high, count=counts[at])
        height = f"{100 * counts[at] / most:.0f}%"
        number = f"<b>{counts[at]}</b>" if counts[at] else ""
        columns.append(f'<li title="{told}"><div><i style="height:{height}">{number}</i></div><span>{low}</span></li>')
    name = label("class.distribution", language)
    last = f'<p class="axis"><span>{label("class.axis", language)}</span><span>{top:g}</span></p>'
    return f'<ol class="columns" aria-label="{name}">{"".join(columns)}</ol>{last}\n'


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
        (f'{text(titles[name])} <code class="small">{text(name)}</code>',
         f"{found[name]['met']} / {sum(found[name].values())}", f"{statistics.fmean(points[name]):.2g}",
         stripes(found[name], language))
        for name in order
    ]  # fmt: skip
    return table(("check", "met", "points", "how"), rows, language, "hardest") + legend(language) if rows else ""


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
    return table(("question", "answer", "count"), rows, language) if rows else ""
