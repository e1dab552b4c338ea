"""What the page knows of each arrow beside its drawing: attributes to sift by, fields to open, frames to light.

Arrows are numbered: those of the scene first, then the packets that only far places saw, as the
ladder by places draws them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.model import LANGUAGES
from explain.places.near import NearTable
from explain.render.frame_fields import frame_fields
from explain.render.markdown import frames as frames_told
from explain.words import has, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.model import Exchange, Report
    from explain.render.scene.stage import Arrow, Scene
    from explain.render.scene.ways import Way, Ways

    _Seen = tuple[Arrow, list[list[int]], list[tuple[str, str]]]


def arrow_attributes(report: Report, scene: Scene, over: Ways | None) -> list[dict[str, str]]:
    """The ``data-`` attributes of each arrow, by its number."""
    views: dict[int, Exchange] = {}
    start = min(arrow.time_ns for arrow in scene.arrows)
    arrows = [(arrow, arrow.position) for arrow in scene.arrows]
    found = []
    for number, (arrow, position) in enumerate([*arrows, *_far_positions(report, scene, over)]):
        one = {"data-i": str(number), "data-t": f"{(arrow.time_ns - start) / 1e9:.6f}",
               "data-hosts": " ".join(name for name in arrow.names if len(name) > 1)}  # fmt: skip
        if position is not None:
            if position not in views:
                views[position] = report.exchanges.view(position)
            one |= {"data-kind": views[position].kind, "data-outcome": views[position].outcome}
        found.append(one)
    return found


def _far(over: Ways | None) -> Iterator[Way]:
    return (way for way in (over.ways if over else ()) if way.number is None)


def _far_positions(report: Report, scene: Scene, over: Ways | None) -> Iterator[tuple[Arrow, int | None]]:
    """What only far places saw, each with the exchange to which the rest of its flow there belongs."""
    far, table = [way.arrow for way in _far(over)], report.exchanges.table
    known: dict[int, int] = {}
    if far and isinstance(table, NearTable):
        for arrow in scene.arrows:
            if arrow.position is not None:
                for flow in table.whole.flow[table.copies(table.origin[[arrow.row]])].tolist():
                    known.setdefault(flow, arrow.position)
    return ((arrow, known.get(int(table.whole.flow[arrow.row]))) for arrow in far)


def arrow_facts(report: Report, scene: Scene, over: Ways | None) -> dict[str, Any]:
    """For each arrow its fields and where it was seen; and once what fields and messages mean in each language."""
    told: list[list[Any]] = []
    names: dict[str, int] = {}
    meanings: dict[str, int] = {}
    for arrow, spots, fields in (*_near_seen(report, scene), *_far_seen(report, over)):
        told.append([
            meanings.setdefault(arrow.said.meaning, len(meanings)), spots,
            [[names.setdefault(name, len(names)), value] for name, value in fields], arrow.said.text,
        ])  # fmt: skip
    return {
        "arrows": told,
        "names": [[name, *_in_both(f"packet.for.{name.replace('.', '-').replace('_', '-')}")] for name in names],
        "means": [_in_both(f"render.means.{meaning}") for meaning in meanings],
    }


def _near_seen(report: Report, scene: Scene) -> Iterator[_Seen]:
    """Each arrow of the scene, with capture, first and last frame of where it was seen, and its fields."""
    table = report.exchanges.table
    for arrow in scene.arrows:
        spot = table.whole.places[arrow.place]
        spots = [[one.capture, *span] for one in arrow.seen for span in one.frames]
        fields = list(frame_fields(table, arrow.row))
        if arrow.seen:
            fields.append(("frames", frames_told(arrow.seen, report.captures, "en")))
        yield arrow, spots or [[spot.capture, arrow.frame, arrow.frame]], fields


def _far_seen(report: Report, over: Ways | None) -> Iterator[_Seen]:
    whole = report.exchanges.table.whole
    for way in _far(over):
        seen = [(whole.places[over.places[stop.rail]], stop.frame) for stop in way.stops] if over else []
        yield way.arrow, [[spot.capture, frame, frame] for spot, frame in seen], [*frame_fields(whole, way.arrow.row)]


def _in_both(message: str) -> list[str]:
    return [say(message, {}, language) for language in LANGUAGES] if has(message) else ["", ""]
