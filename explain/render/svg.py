"""The ladder as SVG: every arrow is a group that can be reached by mouse and keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.render.layout import display_width
from explain.render.markup import Markup, joined, tag
from explain.render.scene import EVERYONE, OTHERS, Arrow, Scene
from explain.words import LANGUAGES, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHAR = 7.4  # width of a character of the monospaced font, a little more than any system's
_GUTTER, _TOP, _ROW, _LEAST_PITCH = 150, 46, 40, 190
_MARGIN = 12


def ladder(scene: Scene, places: Mapping[int, str], attributes: Sequence[dict[str, str]]) -> Markup:
    """The drawing.

    Args:
        scene: rails and arrows.
        places: name of each vantage point that is worth naming.
        attributes: for each arrow, its ``data-`` attributes.
    """
    pitch = max(_LEAST_PITCH, max((len(name) for name in scene.rails), default=0) * _CHAR + 24)
    rails = [_GUTTER + pitch * (number + 0.5) for number in range(len(scene.rails))]
    widest = max((_width(arrow) for arrow in scene.arrows), default=0)
    width = max(_GUTTER + pitch * len(rails), _GUTTER + widest + 2 * _MARGIN)
    start = min((arrow.time_ns for arrow in scene.arrows), default=0)
    parts: list[Markup] = []
    y = float(_TOP)
    for arrow, attribute in zip(scene.arrows, attributes, strict=True):
        if arrow.folded:
            parts.append(_fold(arrow.folded, y))
            y += _ROW
        parts.append(_arrow(arrow, attribute, rails, y, width, (arrow.time_ns - start) / 1e9, places.get(arrow.place)))
        y += _ROW
    if scene.folded_after:
        parts.append(_fold(scene.folded_after, y))
        y += _ROW
    lines = [
        tag("line", {"class": "rail", "x1": f"{x:.0f}", "x2": f"{x:.0f}", "y1": 30, "y2": f"{y:.0f}"}) for x in rails
    ]
    heads = [_head(name, x) for name, x in zip(scene.rails, rails, strict=True)]
    box = {
        "width": f"{width:.0f}",
        "height": f"{y + 6:.0f}",
        "viewBox": f"0 0 {width:.0f} {y + 6:.0f}",
        "role": "group",
    }
    return tag("svg", box, *lines, *heads, *parts)


def both(message: str, values: Mapping[str, object], element: str = "span", **attributes: str) -> Markup:
    """A message in each language, of which the page shows one."""
    return joined(
        *(
            tag(element, {**attributes, "class": "t", "lang": language}, say(message, values, language))
            for language in LANGUAGES
        )
    )


def _head(name: str, x: float) -> Markup:
    shown = {EVERYONE: "render.everyone", OTHERS: "render.others"}.get(name)
    words = both(shown, {}, "tspan") if shown else name
    return tag("text", {"x": f"{x:.0f}", "y": 22, "text-anchor": "middle", "class": "name"}, words)


def _fold(count: int, y: float) -> Markup:
    words = both("render.folded", {"count": count}, "tspan")
    return tag("text", {"class": "dim", "x": _GUTTER + _MARGIN, "y": f"{y + _ROW / 2 + 4:.0f}"}, words)


def _remarks(arrow: Arrow, language: str) -> str:
    return "".join(f" ({say(f'render.mark.{mark}', {}, language)})" for mark in arrow.marks)


def _title(arrow: Arrow) -> str:
    """The label; where a rail stands for several hosts, with the names."""
    is_named = any(name in (EVERYONE, OTHERS) for name in arrow.names) or arrow.source == arrow.target
    who = " > ".join(arrow.names).replace(EVERYONE, "*") + ": " if is_named and arrow.source == arrow.target else ""
    return who + arrow.said.text


def _width(arrow: Arrow) -> float:
    return max(display_width(_title(arrow) + _remarks(arrow, language)) for language in LANGUAGES) * _CHAR


def _arrow(
    arrow: Arrow, attributes: dict[str, str], rails: Sequence[float], y: float, width: float, after: float,
    place: str | None,
) -> Markup:  # fmt: skip
    one, other = rails[arrow.source], rails[arrow.target]
    half = _width(arrow) / 2
    middle = min(max((one + other) / 2, _GUTTER + half + 4), width - half - 4)
    remarks = [tag("tspan", {"class": "t", "lang": lang}, _remarks(arrow, lang)) for lang in LANGUAGES if arrow.marks]
    classes = (
        "arrow"
        + " group" * arrow.is_to_group
        + " again" * arrow.is_repeated
        + " wrong" * _is_wrong(arrow)
        + " lost" * arrow.is_lost
    )
    label = f"{arrow.frame}: {' > '.join(arrow.names)}: {arrow.said.text}"
    return tag(
        "g",
        {"class": classes, "tabindex": 0, "role": "button", "aria-label": label, **attributes},
        tag("rect", {"class": "hit", "x": 1, "y": f"{y + 1:.0f}", "width": f"{width - 2:.0f}", "height": _ROW - 2}),
        tag("text", {"class": "dim", "x": 6, "y": f"{y + 16:.0f}"}, f"{arrow.frame}  {after:.6f}"),
        tag("text", {"class": "dim", "x": 6, "y": f"{y + 31:.0f}"}, place[:19]) if place else None,
        tag("text", {"class": "label", "x": f"{middle:.0f}", "y": f"{y + 16:.0f}", "text-anchor": "middle"},
            _title(arrow), *remarks),
        _broken(one, other, y + 27) if arrow.is_lost else _shaft(one, other, y + 27, 3 if arrow.is_repeated else 1),
    )  # fmt: skip


def _is_wrong(arrow: Arrow) -> bool:
    return arrow.said.meaning in ("rst", "icmp-error")


def _shaft(one: float, other: float, y: float, heads: int) -> Markup:
    """The line with its heads; a loop where both ends are one rail."""
    if one == other:
        loop = f"M{one:.0f} {y - 5:.0f}h18v10h-12"
        return joined(
            tag("path", {"class": "shaft", "d": loop, "fill": "none"}), _point(one, y + 5, -1),
        )  # fmt: skip
    way = 1 if other > one else -1
    points = [_point(other - way * 8 * number, y, way) for number in range(heads)]
    line = {"class": "shaft", "x1": f"{one:.0f}", "x2": f"{other - way * 6:.0f}", "y1": f"{y:.0f}", "y2": f"{y:.0f}"}
    return joined(tag("line", line), *points)


def _broken(one: float, other: float, y: float) -> Markup:
    """A line that ends in a cross on its way."""
    end = one + (other - one) * 2 / 3
    cross = f"M{end - 6:.0f} {y - 6:.0f}l12 12m0 -12l-12 12"
    line = {"class": "shaft", "x1": f"{one:.0f}", "x2": f"{end:.0f}", "y1": f"{y:.0f}", "y2": f"{y:.0f}"}
    return joined(tag("line", line), tag("path", {"class": "head", "d": cross, "fill": "none", "stroke-width": 2}))


def _point(x: float, y: float, way: int) -> Markup:
    tail = x - way * 9
    return tag("polygon", {"class": "head", "points": f"{x:.0f},{y:.0f} {tail:.0f},{y - 4:.0f} {tail:.0f},{y + 4:.0f}"})
