"""A rail for each place that recorded: a packet is one line over all the places that saw it.

The number at a rail is the frame there.  A double line leads through a router, what a NAT rewrote
stands between the rails where it did, and ``x`` is the end of a packet that no further place saw.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from explain.render.layout import wrap
from explain.render.scene.rails import EVERYONE
from explain.render.scene.ways import sides
from explain.words import say

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from explain.render.ladder.sheet import Sheet
    from explain.render.scene.stage import Arrow
    from explain.render.scene.ways import Stop, Way, Ways

_LEAST_PITCH = 7  # columns between two rails: a frame number and the head of an arrow
_RIGHT, _LEFT = 1, -1


def fits(over: Ways, room: int) -> bool:
    """Whether some packet was seen at several places, and there is room for all of them."""
    return room // len(over.places) >= _LEAST_PITCH and any(len(way.stops) > 1 for way in over.ways)


def rows(sheet: Sheet, over: Ways, folded_after: int, names: Sequence[str]) -> Iterator[str]:
    """The ladder, row by row.

    Args:
        sheet: with a rail for each place.
        over: the packets and their ways.
        folded_after: frames left out behind the last one.
        names: of the places.
    """
    yield from sheet.heads(names)
    side = sides(over)
    for way in over.ways:
        if way.folded:
            yield sheet.fold(way.folded)
        yield from _way(sheet, way, side)
    if folded_after:
        yield sheet.fold(folded_after)
    yield from sheet.legend(list(dict.fromkeys(way.arrow.said.meaning for way in over.ways)))
    for name, is_drawn in (
        ("routed", any(any(way.is_routed) for way in over.ways)),
        ("lost", any(way.arrow.is_lost for way in over.ways)),
    ):
        if is_drawn:
            text = say(f"render.way.{name}", {"line": sheet.strokes.routed * 2}, sheet.language)
            yield from wrap(text, sheet.room + sheet.gutter)


def _way(sheet: Sheet, way: Way, side: Counter[str]) -> Iterator[str]:
    arrow = way.arrow
    label = _label(sheet, arrow, is_bare=way.rewritten is not None)
    columns = [sheet.at[stop.rail] for stop in way.stops]
    if len(way.stops) == 1 and not arrow.is_lost:
        yield sheet.margin(arrow) + sheet.behind(label, columns[0])
        return
    yield sheet.margin(arrow) + sheet.across(label, min(columns), max(columns))
    heading = _RIGHT if side[arrow.names[0]] >= 0 else _LEFT
    if arrow.is_to_group:
        yield sheet.beside + "".join(_flood(sheet, way))
    else:
        runs = _runs(way)
        for number, (stops, routed) in enumerate(runs):
            is_last = number == len(runs) - 1
            yield sheet.beside + "".join(_line(sheet, arrow, stops, routed, heading, is_last=is_last))
    if way.rewritten:
        one, other, text = way.rewritten
        low, high = sorted((sheet.at[one], sheet.at[other]))
        yield sheet.beside + sheet.across(text, low, high)


def _label(sheet: Sheet, arrow: Arrow, *, is_bare: bool) -> str:
    text = arrow.said.text.partition(" [NAT ")[0] if is_bare else arrow.said.text
    who = " > ".join("*" if name == EVERYONE else name for name in arrow.names)
    return " ".join([f"{who}:", text, *sheet.marks(arrow)])


def _runs(way: Way) -> list[tuple[list[Stop], list[bool]]]:
    """The stops in pieces that go one way each: a row cannot be drawn over itself."""
    found: list[tuple[list[Stop], list[bool]]] = [([way.stops[0]], [])]
    heading = 0
    for (before, stop), is_routed in zip(pairwise(way.stops), way.is_routed, strict=True):
        if stop.rail == before.rail:  # a router sends it out where it came in
            found.append(([stop], []))
            heading = 0
            continue
        now = _RIGHT if stop.rail > before.rail else _LEFT
        if heading not in (0, now):
            found.append(([before], []))
        heading = now
        found[-1][0].append(stop)
        found[-1][1].append(is_routed)
    return found


def _flood(sheet: Sheet, way: Way) -> list[str]:
    """What is for everybody goes both ways at once."""
    row, origin = sheet.canvas(), way.stops[0]
    for heading in (_LEFT, _RIGHT):
        reached = {stop.rail: stop for stop in way.stops if (stop.rail - origin.rail) * heading > 0}
        stops = [origin, *(reached[rail] for rail in sorted(reached, key=lambda rail: rail * heading))]
        if len(stops) > 1 or (heading == _RIGHT and len(way.stops) == 1):
            _line(sheet, way.arrow, stops, [False] * (len(stops) - 1), heading, is_last=True, row=row)
    return row


def _line(
    sheet: Sheet,
    arrow: Arrow,
    stops: Sequence[Stop],
    routed: Sequence[bool],
    heading: int,
    *,
    is_last: bool,
    row: list[str] | None = None,
) -> list[str]:
    """A row with the packet from stop to stop, and with its end if nobody saw it further on."""
    row, strokes = row or sheet.canvas(), sheet.strokes
    if len(stops) > 1:
        heading = _RIGHT if stops[1].rail > stops[0].rail else _LEFT
    head = strokes.right if heading == _RIGHT else strokes.left
    for (one, other), is_routed in zip(pairwise(stops), routed, strict=True):
        stroke = strokes.routed if is_routed else strokes.dashed if arrow.is_to_group else strokes.line
        _draw(row, sheet.at[one.rail], sheet.at[other.rail], heading, stroke)
        end = sheet.at[other.rail] - heading
        for at in range(3 if arrow.is_repeated else 1):
            row[end - heading * at] = head
    last = sheet.at[stops[-1].rail]
    if is_last and arrow.is_lost:
        gone = max(0, min(sheet.room - 1, last + heading * (2 * sheet.pitch // 3)))
        _draw(row, last, gone, heading, strokes.line)
        row[gone] = "x"
    for number, stop in enumerate(stops):
        is_end = number == len(stops) - 1 and not arrow.is_lost
        _number(sheet, row, stop, heading, is_end=is_end)
    return row


def _draw(row: list[str], start: int, end: int, heading: int, stroke: str) -> None:
    for at in range(start + heading, end, heading):
        row[at] = stroke


def _number(sheet: Sheet, row: list[str], stop: Stop, heading: int, *, is_end: bool) -> None:
    """The frame at a rail, on the side to which the packet goes on; left out where there is no room."""
    text, rail = str(stop.frame), sheet.at[stop.rail]
    if heading == _RIGHT:
        start, room = rail + 1, min(sheet.room - rail - 1, sheet.pitch - 2)
    else:
        start, room = rail - len(text), min(rail, sheet.pitch - 2)
    if len(text) <= room - (not is_end):
        row[start : start + len(text)] = text
