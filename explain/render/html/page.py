"""The report as one self-contained page: both languages, ladders, plots, every frame's fields; no network.

The page asks nobody for anything: style and script stand in it, and its content policy forbids
all the rest.  Whatever came out of a packet passes ``markup.text`` or ``markup.data``.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from explain.model import LANGUAGES
from explain.render.html.facts import arrow_attributes, arrow_facts
from explain.render.html.ladder import both, hosts_ladder, places_ladder, rules
from explain.render.html.plot import plots
from explain.render.html.story import story, verdict
from explain.render.html.talk import listing, pairs, trips
from explain.render.ladder.drawing import place_name
from explain.render.markup import Markup, data, own, tag
from explain.render.scene.rails import conversation
from explain.render.scene.stage import Scene, stage
from explain.render.scene.ways import Ways, ways
from explain.words import has, say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Exchange, Line, Report

MOST_ARROWS, MOST_RAILS, MOST_EXCHANGES = 1000, 12, 400
_MOST_HOSTS = 200
_HERE = Path(__file__).parent


def render(report: Report, lines: Sequence[Line], language: str) -> str:
    """The page, at most a few megabytes whatever the capture's size.

    Args:
        report: what is shown.
        lines: the story, as deep as it is wanted.
        language: shown first; the page holds both.
    """
    scene = stage(report, MOST_ARROWS, MOST_RAILS)
    over = ways(report, scene) if len(report.packets.places) > 1 else None
    listed = _listed(report)
    style = (_HERE / "page.css").read_text("utf-8")
    style += rules([len(scene.rails), *([len(over.places)] if over else [])])
    script = (_HERE / "page.js").read_text("utf-8")
    policy = tag("meta", {"http-equiv": "Content-Security-Policy", "content": _policy(style, script)})
    head = tag(
        "head", None,
        tag("meta", {"charset": "utf-8"}),
        tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        policy, tag("title", None, _title(lines, language)), tag("style", None, own(style)),
    )  # fmt: skip
    told = tag("div", {"id": "story", "tabindex": -1}, *story(report, lines))
    both_sides = tag("div", {"class": "sides"}, told, _packets(report, scene, over, listed))
    body = tag(
        "body", None,
        tag("header", None, _bar(report), *verdict(lines)),
        tag("main", None, both_sides, *_connections(report), *_talk(report), _exchanges(report, listed)),
        _panel(),
        tag("script", {"type": "application/json", "id": "facts"}, own(data(arrow_facts(report, scene, over)))),
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


def _bar(report: Report) -> Markup:
    """What the page is about, in small letters, and the switches."""
    names = ", ".join(visible(PurePath(one.path).name or one.path) for one in report.captures[:4])
    times = [time for one in report.captures for time in (one.first_ns, one.last_ns) if time is not None]
    values: dict[str, object] = {"count": sum(one.packets for one in report.captures),
              "span": max(times) - min(times) if times else 0}  # fmt: skip
    about = tag("span", {"class": "about"}, tag("b", None, "explain"), f" {names} ", both("render.page.about", values))
    return tag("div", {"class": "bar"}, about, _button("language"), _button("theme"))


def _button(name: str, **attributes: Any) -> Markup:
    return tag("button", {"id": name, "type": "button", **attributes}, both(f"render.page.{name}", {}))


def _packets(report: Report, scene: Scene, over: Ways | None, listed: Sequence[tuple[Exchange, str]]) -> Markup:
    heading = tag("h2", None, both("render.page.ladder", {}))
    if not scene.arrows:
        return tag("section", {"id": "packets"}, heading, tag("p", None, both("render.nothing", {})))
    attributes = arrow_attributes(report, scene, over)
    roles = {address: host.roles for host in report.hosts if host.roles for address in host.addresses} \
        if len(report.packets) <= 10 * MOST_ARROWS else {}  # fmt: skip
    ladders = [hosts_ladder(scene, attributes[: len(scene.arrows)], roles)]
    if over:
        named = {place: place_name(report, place, "en") for place in over.places}
        ladders.insert(0, places_ladder(scene, attributes, over, named.__getitem__))
    switches = [_switch("scale", ("even", "true"))]
    if over:
        switches.insert(0, _switch("rails", ("places", "hosts")))
    shows = "places" if over else "hosts"
    return tag(
        "section", {"id": "packets", "data-rails": shows}, heading,
        tag("p", {"class": "hint"}, both(f"render.page.hint-{shows}", {})),
        _controls(listed, scene), tag("div", {"class": "switches"}, *switches), *ladders,
        tag("p", {"class": "note", "id": "none", "hidden": True, "role": "status"}, both("render.page.none", {})),
    )  # fmt: skip


def _switch(name: str, options: Sequence[str]) -> Markup:
    """Buttons of which one is pressed."""
    buttons = (
        tag("button", {"type": "button", "data-set": name, "data-to": one, "aria-pressed": str(not at).lower()},
            both(f"render.page.{name}-{one}", {}))
        for at, one in enumerate(options)
    )  # fmt: skip
    return tag("span", {"class": "switch", "role": "group"}, *buttons)


def _controls(listed: Sequence[tuple[Exchange, str]], scene: Scene) -> Markup:
    kinds = sorted({exchange.kind for exchange, _ in listed})
    outcomes = sorted({exchange.outcome for exchange, _ in listed})
    hosts = sorted({name for _, names in listed for name in names.split()} | {n for a in scene.arrows for n in a.names})
    search = tag("input", {"id": "search", "type": "search"})
    return tag(
        "div", {"class": "controls", "role": "search"},
        tag("label", None, both("render.page.search", {}), search),
        _choice("kind", kinds), _choice("host", [one for one in hosts if len(one) > 1][:_MOST_HOSTS]),
        _choice("outcome", outcomes),
    )  # fmt: skip


def _choice(name: str, options: Sequence[str]) -> Markup:
    chosen = (_option(one, f"exchange.outcome.{one}" if name == "outcome" else "") for one in options)
    choice = tag("select", {"id": name}, _option("", "render.page.any"), *chosen)
    return tag("label", None, both(f"render.page.{name}", {}), choice)


def _option(value: str, message: str) -> Markup:
    """What may be chosen, by the words for it in each language where there are any."""
    if not has(message):
        return tag("option", {"value": value}, value)
    switched = {f"data-{language}": say(message, {}, language) for language in LANGUAGES}
    return tag("option", {"value": value, **switched}, switched["data-en"])


def _listed(report: Report) -> list[tuple[Exchange, str]]:
    """The exchanges of the table with their hosts: all, or of too many those that failed and the first others."""
    positions = report.exchanges.positions
    if len(positions) > MOST_EXCHANGES:
        failed = [name for finding in report.findings for name in finding.exchanges[:50]] + list(report.unexplained)
        chosen = dict.fromkeys([*(int(name[1:]) - 1 for name in failed), *positions[:MOST_EXCHANGES]])
        positions = sorted(list(chosen)[:MOST_EXCHANGES])
    return [(report.exchanges.view(position), " ".join(conversation(report, position))) for position in positions]


def _section(name: str, *children: Markup | None) -> Markup:
    heading = both(f"render.page.{name}", {})
    note = (
        tag("p", {"class": "hint"}, both(f"render.page.hint-{name}", {})) if has(f"render.page.hint-{name}") else None
    )
    return tag("section", {"id": name}, tag("h2", None, heading), note, *children)


def _connections(report: Report) -> list[Markup]:
    drawn, more = plots(report)
    note = tag("p", {"class": "note"}, both("render.page.more-plots", {"count": more})) if more else None
    return [_section("connections", *drawn, note)] if drawn else []


def _talk(report: Report) -> list[Markup]:
    measured = (("trips", trips(report)), ("pairs", pairs(report)))
    return [_section(name, markup) for name, markup in measured if markup is not None]


def _exchanges(report: Report, listed: Sequence[tuple[Exchange, str]]) -> Markup:
    more = len(report.exchanges) - len(listed)
    note = tag("p", {"class": "note"}, both("render.page.more-exchanges", {"count": more})) if more else None
    return _section("exchanges", listing(report, listed), note)


def _panel() -> Markup:
    close = tag("button", {"type": "button"}, both("render.page.close", {}))
    title = tag("h2", {"id": "panel-title"})
    return tag("aside", {"id": "panel", "hidden": True, "aria-labelledby": "panel-title"},
               close, title, tag("p"), tag("dl"))  # fmt: skip
