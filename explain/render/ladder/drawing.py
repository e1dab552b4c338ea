"""The ladder in the terminal: an arrow for each packet, as wide as the terminal is.

Its rails are hosts, or the places that recorded where several saw the same packets.
``>>>`` is a retransmission, dashes are a frame to everybody, a loop is a host that
talks to itself, and ``x`` is the end of a packet that vanished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.render.ladder import places
from explain.render.ladder.sheet import BOX, INDENT, Sheet, Strokes, over
from explain.render.layout import wrap
from explain.render.markdown import vantage
from explain.render.scene.rails import EVERYONE, OTHERS
from explain.render.scene.stage import Arrow, Scene, stage
from explain.render.scene.ways import ways
from explain.words import say
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.model import Report

MOST = 400
_PITCH, _NARROW_PITCH = 30, 14  # columns between two rails


def render(report: Report, language: str, width: int, strokes: Strokes = BOX) -> str:
    """The ladder as text that ends in a line break; no row is wider than ``width`` columns.

    Args:
        report: what is drawn.
        language: of the remarks; what the wire says is the same in all.
        width: columns of the terminal, at least 40.
        strokes: ``BOX``, or ``ASCII`` where the terminal or the encoding has no box characters.
    """
    gutter = _gutter(report)
    room = max(width, 40) - gutter - INDENT
    scene = stage(report, MOST, max(3, room // _NARROW_PITCH))
    if not scene.arrows:
        return say("render.nothing", {}, language) + "\n"
    rows = [*_rows(report, scene, language, room, gutter, strokes), *_clock(report, language, room + gutter)]
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _clock(report: Report, language: str, room: int) -> list[str]:
    """By which clock the times are, where several differ."""
    is_off = any(clock["skew_ns"] and abs(clock["skew_ns"]) > (clock["bound_ns"] or 0) for clock in report.clocks)
    reference = next((clock["capture"] for clock in report.clocks if clock["skew_ns"] == 0), None)
    if not is_off or reference is None:
        return []
    capture = report.captures[reference]
    return wrap(say("render.way.clock", {"name": visible(capture.vantage or capture.path)}, language), room)


def _rows(report: Report, scene: Scene, language: str, room: int, gutter: int, strokes: Strokes) -> Iterator[str]:
    over_places = ways(report, scene) if len(report.packets.places) > 1 else None
    if over_places and places.fits(over_places, room):
        count = len(over_places.places)
        sheet = Sheet.of(scene, count, language, strokes, gutter, room, _PITCH)
        names = [place_name(report, place, language) for place in over_places.places]
        return places.rows(sheet, over_places, scene.folded_after, names)
    return _Ladder(report, scene, Sheet.of(scene, len(scene.rails), language, strokes, gutter, room, _PITCH)).rows()


def _gutter(report: Report) -> int:
    """Columns for frame number and time."""
    return len(str(int(report.packets.frame[: len(report.packets)].max()))) + 12 if len(report.packets) else 12


class _Ladder:
    """A rail for each host."""

    def __init__(self, report: Report, scene: Scene, sheet: Sheet) -> None:
        self._report, self._scene, self._sheet = report, scene, sheet

    def rows(self) -> Iterator[str]:
        sheet, scene = self._sheet, self._scene
        everyone, others = (say(f"render.{name}", {}, sheet.language) for name in ("everyone", "others"))
        yield from sheet.heads([{EVERYONE: everyone, OTHERS: others}.get(name, name) for name in scene.rails])
        for arrow in scene.arrows:
            if arrow.folded:
                yield sheet.fold(arrow.folded)
            yield from self._arrow(arrow)
        if scene.folded_after:
            yield sheet.fold(scene.folded_after)
        yield from sheet.legend(list(dict.fromkeys(arrow.said.meaning for arrow in scene.arrows)))

    def _where(self, arrow: Arrow) -> str:
        """The vantage point, for the margin, where there are several."""
        if len(self._report.packets.places) < 2:
            return self._sheet.beside
        name = place_name(self._report, arrow.place, self._sheet.language)
        return over(list(self._sheet.beside), INDENT, name, self._sheet.gutter)

    def _arrow(self, arrow: Arrow) -> Iterator[str]:
        sheet, label = self._sheet, self._label(arrow)
        one, other = sorted((sheet.at[arrow.source], sheet.at[arrow.target]))
        if one == other:
            glyph = sheet.strokes.loop if arrow.names[0] == arrow.names[1] else sheet.strokes.fold
            yield sheet.margin(arrow) + sheet.behind(f"{glyph} {label}", one)
            return
        yield sheet.margin(arrow) + sheet.across(label, one, other)
        yield self._where(arrow) + "".join(self._line(arrow, one, other))

    def _line(self, arrow: Arrow, one: int, other: int) -> list[str]:
        row, strokes = self._sheet.canvas(), self._sheet.strokes
        row[one + 1 : other] = [strokes.dashed if arrow.is_to_group else strokes.line] * (other - one - 1)
        heads = 3 if arrow.is_repeated else 1
        if arrow.is_lost:
            # It stops on its way; where exactly, only the story can say.
            gone = (other - one) // 3
            row[one + 1 : other] = self._sheet.canvas()[one + 1 : other]
            if arrow.source < arrow.target:
                row[one + 1 : other - gone] = [strokes.line] * (other - gone - one - 2) + ["x"]
            else:
                row[one + gone + 1 : other] = ["x"] + [strokes.line] * (other - gone - one - 2)
            return row
        if arrow.source < arrow.target:
            row[other - heads : other] = strokes.right * heads
        else:
            row[one + 1 : one + 1 + heads] = strokes.left * heads
        return row

    def _label(self, arrow: Arrow) -> str:
        rails = {self._scene.rails[arrow.source], self._scene.rails[arrow.target]}
        who = [" > ".join(arrow.names) + ":"] if OTHERS in rails else []
        return " ".join([*who, arrow.said.text, *self._sheet.marks(arrow)])


def place_name(report: Report, place: int, language: str) -> str:
    """How a vantage point is called, or its number where nothing names it."""
    spot = report.packets.places[place]
    is_told = spot.name or spot.file or spot.device is not None
    name = spot.label if is_told else vantage(spot.capture, spot.interface, report.captures)
    return visible(name) if name else say("render.place", {"number": place + 1}, language)
