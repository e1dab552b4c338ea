"""Pages for people: what each check saw, for the student; how the class did, for the instructor."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MARKS = {"met": "✓", "partly": "◐", "not-met": "✗", "cannot-tell": "?", "skipped": "–", "manual": "✎"}
_MARKDOWN = "\\`*_{}[]()<>#+-.!|~&:$@"
_HEAD = (
    '<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    "<title>{title}</title><style>body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}"
    "table{{border-collapse:collapse;width:100%}}td,th{{border-bottom:1px solid #ccc;padding:.3em .6em;"
    "text-align:left;vertical-align:top}}</style></head><body>"
)


def _shown(form: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in (*form["checks"], *form["answers"]) if one["visibility"] == "now"]


def _frames(evidence: Sequence[Mapping[str, Any]]) -> str:
    if not evidence:
        return ""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in evidence[0]["frames"][:12])


def _total(form: Mapping[str, Any], language: str) -> str:
    if form["status"] != "graded":
        return say("grade.not-graded", {"why": form["reason"] or form["status"]}, language)
    return say("grade.summary", {"score": f"{form['score']:g}", "max": f"{form['max']:g}"}, language)


def html_page(title: str, form: Mapping[str, Any], language: str) -> str:
    """One student's page; everything from outside is escaped, nothing is loaded, nothing runs."""
    rows = []
    for one in _shown(form):
        hint = f"<br><em>{escape(visible(one['hint']))}</em>" if one["hint"] else ""
        given = f"<br><code>{escape(one['given'])}</code>" if one["given"] is not None else ""
        rows.append(
            f"<tr><td>{_MARKS[one['verdict']]}</td><td>{escape(visible(one['title'] or one['id']))}</td>"
            f"<td>{one['points']:g} / {one['max']:g}</td><td>{escape(one['says'])}{given}{hint}</td>"
            f"<td>{_frames(one['evidence'])}</td></tr>"
        )
    head = _HEAD.format(lang=escape(language), title=escape(visible(title)))
    total = escape(_total(form, language))
    body = f"<h1>{escape(visible(title))}</h1><p><b>{escape(visible(form['id']))}</b>: {total}</p>"
    return f"{head}{body}<table>{''.join(rows)}</table></body></html>\n"


def markdown_page(title: str, form: Mapping[str, Any], language: str) -> str:
    """The same as Markdown; no mark of it in a name or an answer has an effect."""
    lines = [f"# {_plain(title)}", "", f"**{_plain(form['id'])}**: {_plain(_total(form, language))}", ""]
    for one in _shown(form):
        frames = _frames(one["evidence"])
        tail = f" ({frames})" if frames else ""
        lines.append(
            f"- {_MARKS[one['verdict']]} **{_plain(one['title'] or one['id'])}** {one['points']:g}/{one['max']:g}: "
            f"{_plain(one['says'])}{tail}"
        )
        if one["given"] is not None:
            lines.append(f"  - {_plain(one['given'])}")
        if one["hint"]:
            lines.append(f"  - {_plain(one['hint'])}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in visible(text))


def summary_page(whole: Mapping[str, Any]) -> str:
    """The instructor's page: the class at a glance, the hardest checks, common wrong answers, who needs a look."""
    forms = whole["submissions"]
    graded = [one for one in forms if one["status"] == "graded"]
    title = visible(whole["rubric"]["title"])
    parts = [_HEAD.format(lang="en", title=escape(title)), f"<h1>{escape(title)}</h1>"]
    states = Counter(one["status"] for one in forms)
    parts.append("<p>" + escape(", ".join(f"{name}: {count}" for name, count in sorted(states.items()))) + "</p>")
    parts.append("<h2>Distribution</h2>" + _bars(graded, whole["rubric"]["total"]))
    parts.append("<h2>Hardest checks</h2>" + _hardest(graded))
    parts.append("<h2>Common wrong answers</h2>" + _mistakes(graded))
    rows = "".join(
        f"<tr><td>{escape(visible(one['id']))}</td><td>{one['status']}</td>"
        f"<td>{'' if one['score'] is None else format(one['score'], 'g')}</td>"
        f"<td>{escape(one['reason'] or '')}</td></tr>"
        for one in forms
    )
    parts.append(f"<h2>Submissions</h2><table>{rows}</table></body></html>\n")
    return "".join(parts)


def _bars(graded: Sequence[Mapping[str, Any]], total: float) -> str:
    tenths = Counter(min(9, int(10 * one["score"] / total)) if total else 0 for one in graded)
    most = max(tenths.values(), default=1)
    bars = [
        f'<rect x="{30 * at}" y="{100 - 100 * tenths[at] / most:.0f}" width="26" '
        f'height="{100 * tenths[at] / most:.0f}"/>'
        f'<text x="{30 * at + 4}" y="115" font-size="10">{at * 10}%</text>'
        for at in range(10)
    ]
    return f'<svg width="310" height="120" role="img">{"".join(bars)}</svg>'


def _hardest(graded: Sequence[Mapping[str, Any]]) -> str:
    met: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for form in graded:
        for one in (*form["checks"], *form["answers"]):
            asked[one["id"]] += 1
            met[one["id"]] += one["verdict"] == "met"
    order = sorted(asked, key=lambda name: met[name] / asked[name])
    rows = (f"<tr><td>{escape(visible(name))}</td><td>{met[name]} of {asked[name]}</td></tr>" for name in order)
    return f"<table>{''.join(rows)}</table>"


def _mistakes(graded: Sequence[Mapping[str, Any]]) -> str:
    wrong = Counter(
        (one["id"], one["given"])
        for form in graded
        for one in form["answers"]
        if one["given"] is not None and one["verdict"] in ("not-met", "partly")
    )
    rows = (
        f"<tr><td>{escape(visible(name))}</td><td><code>{escape(given)}</code></td><td>{count}</td></tr>"
        for (name, given), count in wrong.most_common(20)
    )
    return f"<table>{''.join(rows)}</table>"
