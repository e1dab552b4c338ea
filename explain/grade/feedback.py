"""A student's page: each check, why, the frames that show it, what happened there, and a hint."""

from __future__ import annotations

from collections import Counter
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MARKS = {"met": "✓", "partly": "◐", "not-met": "✗", "cannot-tell": "?", "skipped": "–", "manual": "✎"}
_MARKDOWN = "\\`*_{}[]()<>#+-.!|~&:$@"
_MOST_SPANS = 12
_LONGEST = 4000


@cache
def style() -> str:
    """The style of all pages, which load nothing."""
    return (Path(__file__).parent / "page" / "grade.css").read_text("utf-8")


def head(title: str, language: str, kind: str = "") -> str:
    """A page up to its body; nothing in it runs, and nothing is loaded."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<title>{text(title)}</title><style>{style()}</style></head><body class="{kind}"><main>\n'
    )


def text(value: Any) -> str:
    """Text from outside: visible, and nothing that a page could obey."""
    return escape(visible(str(value), _LONGEST))


def label(name: str, language: str, **values: Any) -> str:
    """A label of the pages, to be put into HTML as it is."""
    return escape(say(f"grade_page.{name}", values, language))


def shown(form: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    """The checks or the answers that the student may see now."""
    return [one for one in form[part] if one["visibility"] == "now"]


def places(form: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]]) -> str:
    """Frames as people write them, with the name of the capture where there are several."""
    names = [one["capture"] for one in form["files"]]
    told = []
    for one in evidence:
        spans = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in one["frames"][:_MOST_SPANS])
        spans += ", ..." if len(one["frames"]) > _MOST_SPANS else ""
        told.append(f"{names[one['capture']]}: {spans}" if len(names) > 1 else spans)
    return "; ".join(told)


def display_filter(evidence: Sequence[Mapping[str, Any]]) -> str | None:
    """A display filter that shows the frames in Wireshark; None where they are in several files or too many."""
    if len(evidence) != 1 or not 0 < len(evidence[0]["frames"]) <= _MOST_SPANS:
        return None
    spans = ", ".join(str(a) if a == b else f"{a}..{b}" for a, b in evidence[0]["frames"])
    return f"frame.number in {{{spans}}}"


def notes(form: Mapping[str, Any], language: str) -> Iterator[str]:
    """What else is to be said of a submission, as plain text."""

    def told(name: str, **values: Any) -> str:
        return say(f"grade_page.student.{name}", values, language)

    if form["files"]:
        files = [told("file", file=one["file"], capture=one["capture"]) for one in form["files"]]
        yield told("graded", files=files)
    everything = (*form["checks"], *form["answers"])
    hidden = sum(one["visibility"] != "now" for one in everything)
    waiting = sum(one["verdict"] == "manual" and one["visibility"] == "now" for one in everything)
    if hidden:
        yield told("hidden", hidden=hidden)
    if waiting:
        yield told("waiting", waiting=waiting)
    if form["outside"]:
        yield told("outside", outside=form["outside"])


def worth(one: Mapping[str, Any], language: str) -> str:
    """The points of a check, as plain text."""
    if not one["max"] and one["points"] >= 0:
        return "0"
    return (
        f"{one['points']:g}"
        if not one["max"]
        else f"{one['points']:g} / {one['max']:g}"
        + (f" ({say('grade_page.student.bonus', {}, language)})" if one.get("bonus") else "")
    )


def html_page(title: str, form: Mapping[str, Any], language: str, *, reveals: bool = False) -> str:
    """One student's page; ``reveals`` is whether right answers may be seen."""
    parts = [head(f"{visible(form['id'])} - {visible(title)}", language), f'<header><p class="of">{text(title)}</p>']
    parts.append(f"<h1>{text(form['id'])}</h1>")
    if form["status"] != "graded":
        parts.append(
            f"<p><b>{label('student.missing' if form['status'] == 'missing' else 'student.no-mark', language)}"
        )
        parts.append(
            "</b></p>" + (f"<p>{label('student.why', language, why=form['reason'])}</p>" if form["reason"] else "")
        )
        return "".join([*parts, "</header></main></body></html>\n"])
    score = label("student.score", language, score=f"{form['score']:g}", max=f"{form['max']:g}")
    parts.append(f'<p class="score"><b>{score}</b></p>{_bar(form, language)}')
    parts += [f'<p class="small">{escape(one)}</p>' for one in notes(form, language)]
    parts.append("</header>\n")
    for part in ("checks", "answers"):
        some = shown(form, part)
        if some:
            parts.append(f"<h2>{label(f'student.{part}', language)}</h2>\n")
            parts += [_section(form, one, language, reveals=reveals) for one in some]
    return "".join([*parts, "</main></body></html>\n"])


def _bar(form: Mapping[str, Any], language: str) -> str:
    """How many came out how; in words below, so that nobody needs the colours."""
    counts = Counter(one["verdict"] for part in ("checks", "answers") for one in shown(form, part))
    stripes = "".join(f'<i class="b-{name}" style="flex:{counts[name]}"></i>' for name in MARKS if counts[name])
    words = "".join(
        f'<span><i class="b-{name}"></i>{counts[name]} {label(f"verdict.{name}", language)}</span>'
        for name in MARKS if counts[name]
    )  # fmt: skip
    return f'<div class="bar" aria-hidden="true">{stripes}</div><p class="legend">{words}</p>'


def _section(form: Mapping[str, Any], one: Mapping[str, Any], language: str, *, reveals: bool) -> str:
    verdict = one["verdict"]
    parts = [
        f'<section class="check {verdict}"><h3><span class="name">{text(one["title"] or one["id"])}</span>'
        f'<span class="verdict {verdict}">{MARKS[verdict]} {label(f"verdict.{verdict}", language)}</span>'
        f'<span class="points">{escape(worth(one, language))}</span></h3><p>{text(one["says"])}</p>'
    ]
    if one["hint"]:
        parts.append(f'<p class="hint">{label("student.hint", language, hint=one["hint"])}</p>')
    facts = dict(_facts(form, one, reveals=reveals))
    if facts:
        rows = "".join(f"<dt>{label(f'student.{name}', language)}</dt><dd><code>{text(value)}</code></dd>"
                       for name, value in facts.items())  # fmt: skip
        parts.append(f'<dl class="facts">{rows}</dl>')
    if one["story"]:
        told = "".join(f'<li><span class="frames">{escape(_spans(form, line))}</span><span>{text(line["text"])}</span></li>'
                       for line in one["story"])  # fmt: skip
        parts.append(
            f'<details open><summary>{label("student.story", language)}</summary><ol class="story">{told}</ol></details>'
        )
    return "".join([*parts, "</section>\n"])


def _facts(form: Mapping[str, Any], one: Mapping[str, Any], *, reveals: bool) -> Iterator[tuple[str, str]]:
    if one["given"] is not None:
        yield "given", one["given"]
    if reveals and one.get("key") is not None and one["verdict"] != "met":
        yield "key", one["key"]
    if one["evidence"]:
        yield "frames", places(form, one["evidence"])
        filtered = display_filter(one["evidence"])
        if filtered:
            yield "filter", filtered


def _spans(form: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    return places(form, [{"capture": line.get("capture", 0), "frames": line["frames"]}])


def markdown_page(title: str, form: Mapping[str, Any], language: str, *, reveals: bool = False) -> str:
    """The same as Markdown; no mark of it in a name, a packet or an answer has an effect."""

    def told(name: str, **values: Any) -> str:
        return _plain(say(f"grade_page.student.{name}", values, language))

    lines = [f"# {_plain(title)}", "", f"**{_plain(form['id'])}**", ""]
    if form["status"] != "graded":
        lines.append(told("missing" if form["status"] == "missing" else "no-mark"))
        return "\n".join([*lines, *([told("why", why=form["reason"])] if form["reason"] else [])]) + "\n"
    lines += [f"**{told('score', score=format(form['score'], 'g'), max=format(form['max'], 'g'))}**", ""]
    lines += [f"- {_plain(one)}" for one in notes(form, language)]
    for part in ("checks", "answers"):
        some = shown(form, part)
        lines += ["", f"## {told(part)}", ""] if some else []
        for one in some:
            verdict = _plain(say(f"grade_page.verdict.{one['verdict']}", {}, language))
            lines.append(
                f"- {MARKS[one['verdict']]} **{_plain(one['title'] or one['id'])}**, {verdict}, "
                f"{_plain(worth(one, language))}: {_plain(one['says'])}"
            )
            lines += [f"  - {told('hint', hint=one['hint'])}"] if one["hint"] else []
            lines += [f"  - {told(name)}: {_plain(value)}" for name, value in _facts(form, one, reveals=reveals)]
            lines += [f"  - {_plain(_spans(form, line))}: {_plain(line['text'])}" for line in one["story"]]
    return "\n".join(lines) + "\n"


def _plain(value: str) -> str:
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in visible(value, _LONGEST))
