"""The ladder as elements of the page: it bends to any width, and each arrow is reached by mouse and keyboard.

A row is a grid of frame, time and lanes; where an arrow begins and ends is a class of the style
sheet (``f0t2``: from rail 0 to rail 2), because the page's policy allows no style beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.model import LANGUAGES
from explain.render.markup import Markup, breakable, joined, tag, unbroken
from explain.render.scene.rails import EVERYONE, OTHERS
from explain.render.scene.ways import sides
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from explain.render.scene.stage import Arrow, Scene
    from explain.render.scene.ways import Way, Ways


_MOST_DIGITS, _MOST_PLACES = 9, 15  # of frame numbers, and of times, for which there is room
_LEAST_LABEL = 0.3  # of the lanes' width


def both(message: str, values: dict[str, object], element: str = "span", **attributes: str) -> Markup:
    """A message in each language, of which the page shows one."""
    return joined(
        *(
            tag(element, {**attributes, "class": "t", "lang": language}, unbroken(say(message, values, language)))
            for language in LANGUAGES
        )
    )


def hosts_ladder(scene: Scene, attributes: Sequence[dict[str, str]], roles: Mapping[str, Sequence[str]]) -> Markup:
    """A rail for each host, an arrow for each packet.

    Args:
        scene: rails and arrows.
        attributes: for each arrow, its ``data-`` attributes.
        roles: of hosts, by address, as far as they are known.
    """
    heads = [_host_head(name, roles.get(name, ())) for name in scene.rails]
    rows: list[Markup] = []
    for arrow, attribute in zip(scene.arrows, attributes, strict=True):
        rows += _fold(arrow.folded)
        rows.append(_row(arrow, attribute, str(arrow.frame), _host_lane(arrow, scene)))
    return _ladder("hosts", heads, [*rows, *_fold(scene.folded_after)], _widths(scene.arrows, attributes))


def places_ladder(
    scene: Scene, attributes: Sequence[dict[str, str]], over: Ways, name_of: Callable[[int], str]
) -> Markup:
    """A rail for each place that recorded; a packet is one line over all places that saw it.

    Args:
        scene: rails and arrows.
        attributes: for each arrow, then for each packet that only far places saw, its ``data-`` attributes.
        over: the packets and their ways.
        name_of: a place.
    """
    heads = [tag("span", None, name_of(place)) for place in over.places]
    rows: list[Markup] = []
    side, further = sides(over), iter(range(len(scene.arrows), len(attributes)))
    for way in over.ways:
        rows += _fold(way.folded)
        number = next(further) if way.number is None else way.number
        arrow = way.arrow
        frames = list(dict.fromkeys(str(stop.frame) for stop in way.stops))
        shown = frames[0] if len(frames) == 1 else f"{frames[0]}\N{HORIZONTAL ELLIPSIS}{frames[-1]}"
        lane = _way_lane(arrow, way, len(over.places), is_right=side[arrow.names[0]] >= 0)
        rows.append(_row(arrow, attributes[number], shown, lane))
    return _ladder(
        "places", heads, [*rows, *_fold(scene.folded_after)], _widths([way.arrow for way in over.ways], attributes)
    )


def rules(counts: Iterable[int]) -> str:
    """The part of the style sheet that says where rails are, for ladders with these numbers of rails."""
    written = []
    for count in sorted(set(counts)):
        name = f".n{count}"
        written.append(f"{name}{{--n:{count}}}")
        for one in range(count):
            written.append(f"{name} .d{one}{{left:{_percent(one + 0.5, count)}}}")
            for other in range(one, count):
                written += _spans(name, one, other, count)
    return "\n".join(written)


def _spans(name: str, one: int, other: int, count: int) -> Iterator[str]:
    """Where the line from rail to rail lies, and a box for its label: centred on it, unless that would be narrow."""
    yield f"{name} .s{one}-{other}{{left:{_percent(one + 0.5, count)};width:{_percent(other - one, count)}}}"
    middle = (one + other + 1) / 2
    half = min(middle, count - middle)
    box = f"{name} .w{one}-{other}"
    if 2 * half >= _LEAST_LABEL * count:
        yield f"{box}{{margin-left:{_percent(middle - half, count)};width:{_percent(2 * half, count)}}}"
    elif middle <= count / 2:
        yield f"{box}{{margin-left:{_percent(one, count)};width:{_percent(count - one, count)};text-align:left}}"
    else:
        yield f"{box}{{margin-left:0;width:{_percent(other + 1, count)};text-align:right}}"


def _percent(share: float, count: int) -> str:
    return f"{100 * share / count:.3f}%"


def _widths(arrows: Sequence[Arrow], attributes: Sequence[dict[str, str]]) -> str:
    """Classes that leave room for the longest frame number and the longest time."""
    digits = max((len(str(arrow.frame)) for arrow in arrows), default=0)
    places = max((len(one["data-t"]) for one in attributes), default=0)
    return f"digits{min(digits, _MOST_DIGITS)} places{min(places, _MOST_PLACES)}"


def _ladder(name: str, heads: Sequence[Markup], rows: Sequence[Markup], widths: str) -> Markup:
    head = tag("div", {"class": "heads"}, tag("div", {"class": "names"}, *heads))
    inner = tag("div", {"class": f"ladder n{len(heads)} {widths}"}, head, *rows)
    return tag("div", {"class": f"scroll {name}"}, inner)


def _host_head(name: str, roles: Sequence[str]) -> Markup:
    special = {EVERYONE: "render.everyone", OTHERS: "render.others"}.get(name)
    told = [both(f"render.role.{role}", {}, "small") for role in roles]
    return tag("span", None, both(special, {}) if special else breakable(name), *told)


def _fold(count: int) -> Iterator[Markup]:
    if count:
        yield tag("div", {"class": "fold"}, both("render.folded", {"count": count}))


def _row(arrow: Arrow, attributes: dict[str, str], frames: str, lane: Markup) -> Markup:
    classes = " ".join(
        name
        for name, is_so in (
            ("arrow", True), ("group", arrow.is_to_group), ("again", arrow.is_repeated),
            ("wrong", arrow.said.meaning in ("rst", "icmp-error")), ("lost", arrow.is_lost),
        )
        if is_so
    )  # fmt: skip
    return tag(
        "div", {"class": classes, "tabindex": -1, "role": "button", **attributes},
        tag("span", {"class": "no"}, breakable(frames)), tag("span", {"class": "at"}, attributes["data-t"]), lane,
    )  # fmt: skip


def _host_lane(arrow: Arrow, scene: Scene) -> Markup:
    low, high = sorted((arrow.source, arrow.target))
    is_shared = {scene.rails[low], scene.rails[high]} & {OTHERS}
    who = tag("span", {"class": None if is_shared or low == high else "who"}, f"{_who(arrow)}: ")
    shaft = _shaft(low, high, "loop" if low == high else "right" if arrow.source < arrow.target else "left")
    return _lane(arrow, low, high, who, shaft)


def _who(arrow: Arrow) -> str:
    return " > ".join("*" if name == EVERYONE else name for name in arrow.names)


def _way_lane(arrow: Arrow, way: Way, count: int, *, is_right: bool) -> Markup:
    rails = [stop.rail for stop in way.stops]
    ends, start = [min(rails), max(rails)], rails[0]
    tip = " plain" if arrow.is_lost else ""
    parts = []
    if ends[1] > start:
        parts.append(_shaft(start, ends[1], f"right{tip}"))
    if ends[0] < start:
        parts.append(_shaft(ends[0], start, f"left{tip}"))
    if arrow.is_lost:
        last, ahead = rails[-1], _ahead(rails, is_right=is_right)
        name = "right" if ahead > last else "left"
        if 0 <= ahead < count and ahead not in rails:  # it went on, and the next place did not see it
            parts.append(_shaft(min(last, ahead), max(last, ahead), name))
            ends = [min(ends[0], ahead), max(ends[1], ahead)]
        else:  # nobody recorded behind the place that saw it last
            parts.append(_shaft(last, last, f"{name} gone"))
    who = tag("span", {"class": "ends"}, f"{_who(arrow)} ")
    note = None
    if way.rewritten:
        one, other, text = way.rewritten
        box = f"w{min(one, other)}-{max(one, other)}"
        note = tag("span", {"class": f"nat {box}"}, tag("span", None, text))
    return _lane(arrow, ends[0], ends[1], who, joined(*parts, *_stops(way)), note, is_bare=way.rewritten is not None)


def _ahead(rails: Sequence[int], *, is_right: bool) -> int:
    """The rail that comes next on the way; of a packet seen at one rail only, by where its sender's packets go."""
    before = next((rail for rail in reversed(rails) if rail != rails[-1]), None)
    if before is not None:
        is_right = rails[-1] > before
    return rails[-1] + (1 if is_right else -1)


def _stops(way: Way) -> Iterator[Markup]:
    """A dot at each rail that saw the packet, and under it the frame there."""
    frames: dict[int, list[str]] = {}
    for stop in way.stops:
        frames.setdefault(stop.rail, []).append(str(stop.frame))
    for rail, numbers in frames.items():
        yield tag("i", {"class": f"dot d{rail}" + " first" * (rail == way.stops[0].rail)})
        yield tag("i", {"class": f"seen d{rail}", "aria-hidden": "true"}, breakable(",".join(numbers)))


def _shaft(low: int, high: int, way: str) -> Markup:
    return tag("i", {"class": f"shaft {way} s{low}-{high}"})


def _lane(
    arrow: Arrow, low: int, high: int, who: Markup, drawn: Markup, note: Markup | None = None, *, is_bare: bool = False
) -> Markup:
    text = arrow.said.text.partition(" [NAT ")[0] if is_bare else arrow.said.text
    marks = [both(f"render.mark.{mark}", {}, "em") for mark in arrow.marks]
    lost = both("render.lost", {}, "em") if arrow.is_lost else None
    words = tag("span", None, who, text, *marks, lost)
    return tag("span", {"class": "lane"}, tag("span", {"class": f"what w{low}-{high}"}, words), note, drawn)
