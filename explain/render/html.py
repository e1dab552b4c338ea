"""The report as one self-contained page: both languages, the ladder, every frame's fields; no network.

The page asks nobody for anything: style and script stand in it, and its content policy forbids
all the rest.  Whatever came out of a packet passes ``markup.text`` or ``markup.data``.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.render.frame_fields import frame_fields
from explain.render.ladder import place_name
from explain.render.layout import MARKS, frames_text
from explain.render.markdown import frames as frames_told
from explain.render.markup import Markup, data, joined, own, tag
from explain.render.scene import Scene, conversation, stage
from explain.render.svg import both, ladder
from explain.words import LANGUAGES, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import Evidence, Exchange, Line, Report

MOST_ARROWS, MOST_RAILS, MOST_EXCHANGES, MOST_LINES = 1500, 12, 500, 800
_MOST_RANGES = 40
_HERE = Path(__file__).parent / "page"


def render(report: Report, lines: Sequence[Line], language: str) -> str:
    """The page, at most a few megabytes whatever the capture's size.

    Args:
        report: what is shown.
        lines: the story, as deep as it is wanted.
        language: shown first; the page holds both.
    """
    scene = stage(report, MOST_ARROWS, MOST_RAILS)
    listed = _listed(report)
    style, script = (_HERE / "page.css").read_text("utf-8"), (_HERE / "page.js").read_text("utf-8")
    head = tag(
        "head", None,
        tag("meta", {"charset": "utf-8"}),
        tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("meta", {"http-equiv": "Content-Security-Policy", "content": _policy(style, script)}),
        tag("title", None, _title(lines, language)),
        tag("style", None, own(style)),
    )  # fmt: skip
    body = tag(
        "body", None,
        tag("header", None, *_verdict(lines), _controls(listed, scene)),
        tag("main", None, _story(report, lines), _packets(report, scene), _exchanges(report, listed)),
        _panel(),
        tag("script", {"type": "application/json", "id": "facts"}, own(data(_facts(report, scene)))),
        tag("script", None, own(script)),
    )  # fmt: skip
    return "<!DOCTYPE html>\n" + tag("html", {"lang": language, "data-lang": language}, head, body) + "\n"


def _policy(style: str, script: str) -> str:
    def digest(content: str) -> str:
        return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"

    allowed = f"style-src {digest(style)}; script-src {digest(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _title(lines: Sequence[Line], language: str) -> str:
    return next((say(line.message, line.values, language) for line in lines), "explain")


def _said(line: Line) -> Markup:
    return both(line.message, line.values)


def _verdict(lines: Sequence[Line]) -> Iterator[Markup]:
    for line in lines:
        if line.depth:
            continue
        if line.label in MARKS:
            yield tag("h1", {"class": line.label}, f"{MARKS[line.label]} ", _sentence(line))
        else:
            yield tag("p", {"class": line.label or "note"}, _said(line))


def _controls(listed: Sequence[tuple[Exchange, str]], scene: Scene) -> Markup:
    kinds = sorted({exchange.kind for exchange, _ in listed})
    outcomes = sorted({exchange.outcome for exchange, _ in listed})
    hosts = sorted({name for _, hosts in listed for name in hosts.split()} | {n for a in scene.arrows for n in a.names})
    return tag(
        "nav", None,
        tag("label", None, both("render.page.search", {}), tag("input", {"id": "search", "type": "search"})),
        _choice("kind", kinds), _choice("host", hosts[:200]), _choice("outcome", outcomes),
        _button("language"), _button("theme"),
    )  # fmt: skip


def _choice(name: str, options: Sequence[str]) -> Markup:
    everything = tag("option", {"value": "", **_switched("render.page.any")}, say("render.page.any", {}, "en"))
    chosen = (tag("option", {"value": one}, one) for one in options)
    return tag("label", None, both(f"render.page.{name}", {}), tag("select", {"id": name}, everything, *chosen))


def _button(name: str) -> Markup:
    return tag("button", {"id": name, "type": "button"}, both(f"render.page.{name}", {}))


def _switched(message: str) -> dict[str, str]:
    """For elements that can hold only text: the script puts the other language there."""
    return {f"data-{language}": say(message, {}, language) for language in LANGUAGES}


def _story(report: Report, lines: Sequence[Line]) -> Markup:
    parts: list[Markup] = []
    told: list[Markup] = []
    finding: list[Markup] = []
    rest = [line for line in lines if line.depth]
    for line in rest[:MOST_LINES]:
        if line.label in ("heading", "finding") or finding:
            _close(parts, told, "ol", "story")
        if line.label == "finding":
            _close(parts, finding, "section", "finding")
            finding.append(tag("h3", None, _sentence(line)))
        elif line.label == "heading":
            _close(parts, finding, "section", "finding")
            parts.append(tag("h2", None, _said(line)))
        elif finding:
            finding.append(_of_finding(line))
        elif line.label:
            _close(parts, told, "ol", "story")
            parts.append(tag("p", {"class": line.label}, _said(line)))
        else:
            where = tag(
                "span", {"title": frames_told(line.evidence, report.captures, "en")}, frames_text(line.evidence)
            )
            told.append(tag("li", None, where, tag("span", None, _sentence(line))))
    _close(parts, told, "ol", "story")
    _close(parts, finding, "section", "finding")
    if len(rest) > MOST_LINES:
        parts.append(tag("p", {"class": "note"}, both("render.page.more-lines", {"count": len(rest) - MOST_LINES})))
    return tag("section", {"id": "story"}, *parts)


def _close(parts: list[Markup], collected: list[Markup], element: str, name: str) -> None:
    """Wrap what was collected, and begin anew."""
    if collected:
        parts.append(tag(element, {"class": name}, *collected))
        collected.clear()


def _of_finding(line: Line) -> Markup:
    if line.label == "subheading":
        return tag("h4", None, _said(line))
    if line.message == "story.filter":
        return tag("p", None, tag("code", None, str(line.values["filter"])))
    return tag("p", None, _said(line))


def _sentence(line: Line) -> Markup:
    """A sentence that lights its frames when it is chosen."""
    if not line.evidence:
        return _said(line)
    return _lights(_spans(line.evidence), _said(line))


def _lights(spans: list[list[int]], words: Markup | str) -> Markup:
    """Words to choose; a span, because the text of a button cannot wrap within a line."""
    return tag("span", {"class": "says", "role": "button", "tabindex": 0, "data-frames": data(spans)}, words)


def _spans(evidence: Sequence[Evidence]) -> list[list[int]]:
    return [[one.capture, first, last] for one in evidence for first, last in one.frames[:_MOST_RANGES]]


def _packets(report: Report, scene: Scene) -> Markup:
    heading = tag("h2", None, both("render.page.ladder", {}))
    if not scene.arrows:
        return tag("section", {"id": "packets"}, heading, tag("p", None, both("render.nothing", {})))
    many = len(report.packets.places) > 1
    places = {arrow.place: "" for arrow in scene.arrows} if many else {}
    places = {place: place_name(report, place, "en") for place in places}
    views: dict[int, Exchange] = {}
    attributes = []
    for number, arrow in enumerate(scene.arrows):
        one = {"data-i": str(number), "data-hosts": " ".join(name for name in arrow.names if len(name) > 1)}
        if arrow.position is not None:
            if arrow.position not in views:
                views[arrow.position] = report.exchanges.view(arrow.position)
            exchange = views[arrow.position]
            one |= {"data-kind": exchange.kind, "data-outcome": exchange.outcome}
        attributes.append(one)
    drawing = tag("div", {"class": "scroll"}, ladder(scene, places, attributes))
    return tag(
        "section", {"id": "packets"}, heading, tag("p", {"class": "hint"}, both("render.page.hint", {})), drawing
    )


def _facts(report: Report, scene: Scene) -> list[dict[str, Any]]:
    """For each arrow: its fields, where it was seen, and what it means in each language."""
    table = report.exchanges.table
    found = []
    for arrow in scene.arrows:
        spot = table.whole.places[arrow.place]
        spots = [
            [one.capture, first] for one in arrow.seen for first, last in one.frames for first in range(first, last + 1)
        ]
        fields = list(frame_fields(table, arrow.row))
        if arrow.seen:
            fields.append(("frames", frames_told(arrow.seen, report.captures, "en")))
        means = {language: say(f"render.means.{arrow.said.meaning}", {}, language) for language in LANGUAGES}
        found.append({"f": fields, "s": spots or [[spot.capture, arrow.frame]], **means})
    return found


def _listed(report: Report) -> list[tuple[Exchange, str]]:
    """The exchanges of the table with their hosts: all, or of too many those that failed and the first others."""
    positions = report.exchanges.positions
    if len(positions) > MOST_EXCHANGES:
        failed = [name for finding in report.findings for name in finding.exchanges[:50]] + list(report.unexplained)
        chosen = dict.fromkeys([*(int(name[1:]) - 1 for name in failed), *positions[:MOST_EXCHANGES]])
        positions = sorted(list(chosen)[:MOST_EXCHANGES])
    return [(report.exchanges.view(position), " ".join(conversation(report, position))) for position in positions]


def _exchanges(report: Report, listed: Sequence[tuple[Exchange, str]]) -> Markup:
    head = tag(
        "tr",
        None,
        *(tag("th", None, both(f"render.page.{name}", {})) for name in ("kind", "outcome", "host", "frames")),
    )
    rows = []
    for exchange, hosts in listed:
        data_of = {"data-kind": exchange.kind, "data-outcome": exchange.outcome, "data-hosts": hosts}
        kind = _lights(_spans(exchange.evidence), exchange.kind)
        where = _where(report, exchange.evidence[:1])
        cells = (kind, exchange.outcome, " > ".join(hosts.split()), where)
        rows.append(tag("tr", data_of, *(tag("td", None, cell) for cell in cells)))
    more = len(report.exchanges) - len(listed)
    note = tag("p", {"class": "note"}, both("render.page.more-exchanges", {"count": more})) if more else None
    table = tag("table", None, tag("thead", None, head), tag("tbody", None, *rows))
    return tag("section", {"id": "exchanges"}, tag("h2", None, both("render.page.exchanges", {})),
               tag("div", {"class": "scroll"}, table), note)  # fmt: skip


def _where(report: Report, evidence: Sequence[Evidence]) -> Markup:
    told = (
        tag("span", {"class": "t", "lang": lang}, frames_told(evidence, report.captures, lang)) for lang in LANGUAGES
    )
    return joined(*told)


def _panel() -> Markup:
    close = tag("button", {"type": "button"}, both("render.page.close", {}))
    return tag("aside", {"id": "panel", "hidden": True, "aria-live": "polite"}, close, tag("p"), joined(tag("dl")))
