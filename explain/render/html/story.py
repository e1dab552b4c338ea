"""Verdict, story and reasons of the page, from the same lines as every other form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.render.html.ladder import both
from explain.render.html.talk import lights, spans
from explain.render.layout import MARKS, frames_of
from explain.render.markdown import frames as frames_told
from explain.render.markup import Markup, breakable, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import CaptureInfo, Line, Report

MOST_LINES = 800
_COMMANDS = ("story.page", "story.filter")


def verdict(lines: Sequence[Line]) -> Iterator[Markup]:
    """What stands above everything else."""
    for line in lines:
        if line.depth:
            continue
        if line.label in MARKS:
            mark = tag("span", {"class": "mark", "aria-hidden": "true"}, MARKS[line.label])
            yield tag("h1", {"class": line.label}, mark, tag("span", None, _sentence(line)))
        else:
            yield tag("p", {"class": line.label or "note"}, _said(line))


def story(report: Report, lines: Sequence[Line]) -> list[Markup]:
    """The story under its headings; each reason in a card of its own."""
    rest = [line for line in lines if line.depth]
    parts: list[Markup] = []
    for heading, block in _blocks(rest[:MOST_LINES]):
        inner = list(_block(block, report.captures))
        if heading is not None and heading.label == "finding":
            parts.append(tag("section", {"class": "finding"}, tag("h2", None, _sentence(heading)), *inner))
            continue
        title = tag("h2", None, _said(heading)) if heading is not None else None
        is_why = heading is not None and heading.message == "story.heading.why"
        parts.append(tag("section", {"class": "why" if is_why else None}, title, *inner))
    if len(rest) > MOST_LINES:
        parts.append(tag("p", {"class": "note"}, both("render.page.more-lines", {})))
    return parts


def _blocks(lines: Sequence[Line]) -> list[tuple[Line | None, list[Line]]]:
    """Lines under the heading before them."""
    found: list[tuple[Line | None, list[Line]]] = []
    for line in lines:
        if line.label in ("heading", "finding"):
            found.append((line, []))
            continue
        if not found:
            found.append((None, []))
        found[-1][1].append(line)
    return found


def _block(lines: Sequence[Line], captures: Sequence[CaptureInfo]) -> Iterator[Markup]:
    told: list[Markup] = []
    items: list[Markup] = []
    for line in lines:
        is_told = not line.label or line.label == "detail"
        if told and not is_told:
            yield _list(told, "story")
        if items and line.label not in ("item", "field"):
            yield _list(items, "items")
        if is_told:
            told.append(_told(line, captures))
        elif line.label in ("item", "field"):
            items.append(tag("li", None, _item(line)))
        elif line.label == "subheading":
            yield tag("h3", {"class": "sub"}, _said(line))
        else:
            yield tag("p", {"class": line.label}, _said(line))
    if told:
        yield _list(told, "story")
    if items:
        yield _list(items, "items")


def _list(collected: list[Markup], name: str) -> Markup:
    """Wrap what was collected, and begin anew."""
    markup = tag("ol" if name == "story" else "ul", {"class": name}, *collected)
    collected.clear()
    return markup


def _told(line: Line, captures: Sequence[CaptureInfo]) -> Markup:
    about = {"class": "where", "title": frames_told(line.evidence, captures, "en")}
    where = tag("span", about, breakable(frames_of(line)))
    return tag("li", {"class": line.label}, where, tag("span", {"class": "sentence"}, _sentence(line)))


def _item(line: Line) -> Markup:
    if line.message == "story.filter":
        return tag("code", None, str(line.values["filter"]))
    return tag("code", None, _said(line)) if line.message in _COMMANDS else _said(line)


def _said(line: Line) -> Markup:
    return both(line.message, dict(line.values))


def _sentence(line: Line) -> Markup:
    """A sentence that lights its frames when it is chosen."""
    return lights(spans(line.evidence), _said(line)) if line.evidence else _said(line)
