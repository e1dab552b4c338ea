"""A student's page: each check, why, the frames that show it, what happened there, and a hint."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from explain.grade.pages.page_parts import MARKS, TAIL, display_filter, head, label, legend, places, stripes, text
from explain.grade.pages.unrevealed import unrevealed
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARTS = ("checks", "answers")
_MOST_ASIDE = 6


def shown(form: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    """The checks or the answers that the student may see now."""
    return [one for one in form[part] if one["visibility"] == "now"]


def notes(form: Mapping[str, Any], language: str) -> Iterator[str]:
    """What else is to be said of a submission, as plain text."""

    def told(name: str, **values: Any) -> str:
        return say(f"grade_page.student.{name}", values, language)

    if form["files"]:
        files = [told("file", file=one["file"], capture=one["capture"]) for one in form["files"]]
        files += [told("answers-file", file=form["answers_file"])] if form.get("answers_file") else []
        yield told("graded", files=files)
    if form.get("aside"):
        left, rest = form["aside"][:_MOST_ASIDE], len(form["aside"]) - _MOST_ASIDE
        yield told("aside-many" if rest > 0 else "aside", files=left, **({"rest": rest} if rest > 0 else {}))
    yield from exchanged(form, language)
    everything = (*form["checks"], *form["answers"])
    hidden = sum(one["visibility"] != "now" for one in everything)
    waiting = sum(one["verdict"] == "manual" and one["visibility"] == "now" for one in everything)
    if hidden:
        yield told("hidden", hidden=hidden)
    if waiting:
        yield told("waiting", waiting=waiting)
    if form["outside"]:
        yield told("outside", outside=form["outside"])


def exchanged(form: Mapping[str, Any], language: str) -> Iterator[str]:
    """That two captures seem to be under each other's names, where they do."""
    if form.get("exchanged") is not None:
        values = {"files": [one["file"] for one in form["files"]], "score": f"{form['exchanged']:g}"}
        yield say("grade_page.student.exchanged", values, language)


def worth(one: Mapping[str, Any], language: str) -> str:
    """The points of a check, as plain text; of a penalty, what was taken off."""
    if not one["max"]:
        return f"{one['points']:g}"
    bonus = f" ({say('grade_page.student.bonus', {}, language)})" if one.get("bonus") else ""
    return f"{one['points']:g} / {one['max']:g}{bonus}"


def facts(form: Mapping[str, Any], one: Mapping[str, Any], *, reveals: bool) -> Iterator[tuple[str, str]]:
    """What stands beside a verdict, by the name of its label."""
    if one["given"] is not None:
        yield "given", one["given"]
    if reveals and one.get("key") is not None and one["verdict"] != "met":
        yield "key", one["key"]
    if one["evidence"]:
        yield "frames", places(form, one["evidence"])
        filtered = display_filter(one["evidence"])
        if filtered:
            yield "filter", filtered


def spans(form: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """The frames of a line of the story."""
    return places(form, [{"capture": line.get("capture", 0), "frames": line["frames"]}])


def html_page(title: str, form: Mapping[str, Any], language: str, *, reveals: bool = False) -> str:
    """One student's page; ``reveals`` is whether right answers may be seen."""
    form = form if reveals else unrevealed(form)
    parts = [head(f"{visible(form['id'])} - {visible(title)}", language), f'<header><p class="of">{text(title)}</p>']
    parts.append(f"<h1>{text(form['id'])}</h1>")
    if form["status"] != "graded":
        why = f"<p>{label('student.why', language, why=form['reason'])}</p>" if form["reason"] else ""
        name = "missing" if form["status"] == "missing" else "no-mark"
        return "".join([*parts, f"<p><b>{label(f'student.{name}', language)}</b></p>{why}</header>", TAIL])
    score = label("student.score", language, score=f"{form['score']:g}", max=f"{form['max']:g}")
    counts = Counter(one["verdict"] for part in PARTS for one in shown(form, part))
    parts.append(f'<p class="score"><b>{score}</b></p>{stripes(counts, language)}{legend(language, counts)}')
    parts += [f'<p class="small">{escape(one)}</p>' for one in notes(form, language)]
    parts.append("</header>\n")
    for part in PARTS:
        some = shown(form, part)
        parts += [f"<h2>{label(f'student.{part}', language)}</h2>\n"] if some else []
        parts += [_section(form, one, language, reveals=reveals) for one in some]
    return "".join([*parts, TAIL])


def _section(form: Mapping[str, Any], one: Mapping[str, Any], language: str, *, reveals: bool) -> str:
    verdict = one["verdict"]
    parts = [
        (f'<section class="check {verdict}"><h3><span class="name">{text(one["title"] or one["id"])}</span>'
        f'<span class="verdict {verdict}">{MARKS[verdict]} {label(f"verdict.{verdict}", language)}</span>'
        f'<span class="points">{escape(worth(one, language))}</span></h3><p>{text(one["says"])}</p>'),
    ]  # fmt: skip
    if one["hint"]:
        parts.append(f'<p class="hint">{label("student.hint", language, hint=one["hint"])}</p>')
    rows = "".join(f"<dt>{label(f'student.{name}', language)}</dt><dd><code>{text(value)}</code></dd>"
                   for name, value in facts(form, one, reveals=reveals))  # fmt: skip
    parts += [f'<dl class="facts">{rows}</dl>'] if rows else []
    return "".join([*parts, _story(form, one, language), "</section>\n"])


def _story(form: Mapping[str, Any], one: Mapping[str, Any], language: str) -> str:
    """What is told of the frames; folded away where nothing is left to be understood."""
    withheld = one.get("withheld", 0)
    more = f'<p class="small">{label("student.withheld", language, withheld=withheld)}</p>' if withheld else ""
    if not one["story"]:
        return more
    told = "".join(f'<li><span class="frames">{escape(spans(form, line))}</span><span>{text(line["text"])}</span></li>'
                   for line in one["story"])  # fmt: skip
    is_open = "" if one["verdict"] == "met" else " open"
    name = label("student.story", language)
    return f'<details{is_open}><summary>{name}</summary><ol class="story">{told}</ol>{more}</details>'
