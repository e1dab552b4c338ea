"""The instructor's page: how the class did, what was hard, what was got wrong, and what a person has to look at."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

from explain.grade.pages.page_parts import TAIL, head, label, legend, stripes, table, text
from explain.grade.pages.summary_people import everybody, flags, ungraded
from explain.grade.pages.tally import Tally, tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_MISTAKES = 25
_BARS = 10


def summary_page(whole: Mapping[str, Any], language: str = "en", pages: Sequence[str] = ()) -> str:
    """The class at a glance; ``pages`` are the students' pages, as they lie beside this one."""
    title = label("class.title", language, title=whole["rubric"]["title"])
    forms, total = whole["submissions"], whole["rubric"]["total"]
    counted = tally(forms)
    parts = (
        ("", _tiles(counted, total, language)),
        ("distribution", _distribution(counted, total, language)),
        ("hardest", _hardest(counted, language)), ("mistakes", _mistakes(counted, language)),
        ("flags", flags(forms, language)), ("ungraded", ungraded(forms, language)),
        ("everybody", everybody(whole, language, pages)),
    )  # fmt: skip
    body = "".join(
        (f"<h2>{label(f'class.{name}', language)}</h2>\n" if name else "") + inner for name, inner in parts if inner
    )
    return f"{head(whole['rubric']['title'], language, 'wide')}<h1>{title}</h1>\n{body}{TAIL}"


def _tiles(counted: Tally, total: float, language: str) -> str:
    states, scores = counted.states, counted.scores
    tiles: list[tuple[str, Any]] = [("submissions", states.total()), ("graded", states["graded"])]
    tiles += [(name, states[name]) for name in ("missing", "could-not-be-graded") if states[name]]
    if scores:
        tiles += [("median", f"{statistics.median(scores):g}"), ("mean", f"{statistics.fmean(scores):.1f}")]
    tiles += [(name, number) for name, number in (("waiting", counted.waiting), ("flagged", counted.flagged)) if number]
    inner = "".join(
        f"<li><b>{value}</b>{label(f'class.{name}', language, max=format(total, 'g'))}</li>" for name, value in tiles
    )
    return f'<ul class="tiles">{inner}</ul>\n'


def _distribution(counted: Tally, total: float, language: str) -> str:
    """Ten columns of equal width from 0 to the highest score there is; a score on a border counts upwards."""
    if not counted.scores:
        return ""
    top = max([total, *counted.scores]) or 1
    counts = Counter(min(_BARS - 1, int(_BARS * score / top)) for score in counted.scores)
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


def _hardest(counted: Tally, language: str) -> str:
    order = sorted(counted.asked.items(), key=lambda item: item[1].verdicts["met"] / item[1].verdicts.total())
    rows = [
        (f'{text(one.title)} <code class="small">{text(name)}</code>',
         f"{one.verdicts['met']} / {one.verdicts.total()}", f"{one.points / one.verdicts.total():.2g}",
         stripes(one.verdicts, language))
        for name, one in order
    ]  # fmt: skip
    return table(("check", "met", "points", "how"), rows, language, "hardest") + legend(language) if rows else ""


def _mistakes(counted: Tally, language: str) -> str:
    rows = [
        (text(question), f"<code>{text(given)}</code>", str(count))
        for (question, given), count in counted.mistakes.most_common(_MOST_MISTAKES)
    ]
    return table(("question", "answer", "count"), rows, language) if rows else ""
