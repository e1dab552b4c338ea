"""The ladder in the terminal: a rail for each host, an arrow for each frame, as wide as the terminal is.

``>>>`` is a retransmission, dashes are a frame to everybody, a loop is a host that
talks to itself, and ``x`` is the end of a packet that vanished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.render.layout import display_width, wrap
from explain.render.markdown import vantage
from explain.render.scene import EVERYONE, OTHERS, Arrow, Scene, stage
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.model import Report

MOST = 400
_PITCH, _NARROW_PITCH = 30, 14  # columns between two rails
_INDENT = 1


@dataclass(frozen=True, slots=True)
class Strokes:
    """The characters to draw with."""

    rail: str
    line: str
    dashed: str
    right: str
    left: str
    loop: str
    fold: str


BOX = Strokes("│", "─", "╌", ">", "<", "↩", "┊")
ASCII = Strokes("|", "-", ".", ">", "<", "@", ":")


def render(report: Report, language: str, width: int, strokes: Strokes = BOX) -> str:
    """The ladder as text that ends in a line break; no row is wider than ``width`` columns.

    Args:
        report: what is drawn.
        language: of the remarks; what the wire says is the same in all.
        width: columns of the terminal, at least 40.
        strokes: ``BOX``, or ``ASCII`` where the terminal or the encoding has no box characters.
    """
    gutter = _gutter(report)
    room = max(width, 40) - gutter - _INDENT
    scene = stage(report, MOST, max(3, room // _NARROW_PITCH))
    if not scene.arrows:
        return say("render.nothing", {}, language) + "\n"
    rows = _Ladder(report, scene, language, room, gutter, strokes).rows()
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _gutter(report: Report) -> int:
    """Columns for frame number and time."""
    return len(str(int(report.packets.frame[: len(report.packets)].max()))) + 12 if len(report.packets) else 12


class _Ladder:
    def __init__(self, report: Report, scene: Scene, language: str, room: int, gutter: int, strokes: Strokes) -> None:
        self._report, self._scene, self._language = report, scene, language
        self._gutter, self._strokes, self._room = gutter, strokes, room
        count = len(scene.rails)
        self._pitch = min(_PITCH, room // count)
        self._at = [self._pitch * number + self._pitch // 2 for number in range(count)]
        self._start = min(arrow.time_ns for arrow in scene.arrows)

    def rows(self) -> Iterator[str]:
        yield from self._heads()
        for arrow in self._scene.arrows:
            if arrow.folded:
                yield self._fold(arrow.folded)
            yield from self._arrow(arrow)
        if self._scene.folded_after:
            yield self._fold(self._scene.folded_after)
        yield from self._legend()

    def _heads(self) -> Iterator[str]:
        """Names over the rails; a long one is broken, so that it can still be read whole."""
        everyone, others = say("render.everyone", {}, self._language), say("render.others", {}, self._language)
        names = [{EVERYONE: everyone, OTHERS: others}.get(name, name) for name in self._scene.rails]
        parts = [[name[at : at + self._pitch - 1] for at in range(0, len(name), self._pitch - 1)] for name in names]
        depth = max(map(len, parts))
        for level in range(depth):
            row = ""
            for middle, part in zip(self._at, parts, strict=True):
                piece = part[level - depth + len(part)] if level >= depth - len(part) else ""
                start = max(middle - display_width(piece) // 2, display_width(row) + bool(row))
                row += " " * (start - display_width(row)) + piece
            yield " " * (self._gutter + _INDENT) + row

    def _where(self, arrow: Arrow) -> str:
        """The vantage point, for the margin, where there are several."""
        if len(self._report.packets.places) < 2:
            return " " * (self._gutter + _INDENT)
        name = place_name(self._report, arrow.place, self._language)
        return _over([" "] * (self._gutter + _INDENT), _INDENT, name, self._gutter)

    def _canvas(self) -> list[str]:
        row = [" "] * self._room
        for middle in self._at:
            row[middle] = self._strokes.rail
        return row

    def _arrow(self, arrow: Arrow) -> Iterator[str]:
        label = self._label(arrow)
        one, other = sorted((self._at[arrow.source], self._at[arrow.target]))
        row = self._canvas()
        if one == other:
            glyph = self._strokes.loop if arrow.names[0] == arrow.names[1] else self._strokes.fold
            text = f"{glyph} {label}"
            start = max(0, min(one + 2, self._room - display_width(text)))
            yield self._margin(arrow) + _over(row, start, text, self._room)
            return
        middle = (one + other + 1) // 2
        start = max(0, min(middle - display_width(label) // 2, self._room - display_width(label)))
        if display_width(label) <= other - one - 3:
            start = one + 2 + (other - one - 3 - display_width(label)) // 2
        yield self._margin(arrow) + _over(row, start, label, self._room)
        yield self._where(arrow) + "".join(self._line(arrow, one, other))

    def _line(self, arrow: Arrow, one: int, other: int) -> list[str]:
        row, strokes = self._canvas(), self._strokes
        row[one + 1 : other] = [strokes.dashed if arrow.is_to_group else strokes.line] * (other - one - 1)
        heads = 3 if arrow.is_repeated else 1
        if arrow.is_lost:
            # It stops on its way; where exactly, only the story can say.
            gone = (other - one) // 3
            row[one + 1 : other] = self._canvas()[one + 1 : other]
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
        marks = [say(f"render.mark.{mark}", {}, self._language) for mark in arrow.marks]
        rails = {self._scene.rails[arrow.source], self._scene.rails[arrow.target]}
        who = [" > ".join(arrow.names) + ":"] if OTHERS in rails else []
        return " ".join([*who, arrow.said.text, *(f"({mark})" for mark in marks)])

    def _margin(self, arrow: Arrow) -> str:
        after = (arrow.time_ns - self._start) / 1e9
        text = f"{arrow.frame:>{self._gutter - 12}} {after:>11.6f}"
        return text[: self._gutter].ljust(self._gutter) + " " * _INDENT

    def _fold(self, count: int) -> str:
        row = [self._strokes.fold if char == self._strokes.rail else char for char in self._canvas()]
        text = say("render.folded", {"count": count}, self._language)
        return " " * (self._gutter + _INDENT) + _over(row, self._at[0] + 2, text, self._room)

    def _legend(self) -> Iterator[str]:
        yield ""
        for meaning in dict.fromkeys(arrow.said.meaning for arrow in self._scene.arrows):
            yield from wrap(say(f"render.means.{meaning}", {}, self._language), self._room + self._gutter)


def place_name(report: Report, place: int, language: str) -> str:
    """How a vantage point is called, or its number where nothing names it."""
    from explain.words.values import visible

    spot = report.packets.places[place]
    name = vantage(spot.capture, spot.interface, report.captures) or spot.name
    if spot.device is not None:
        name = f"{name or ''}#{spot.device}"
    return visible(name) if name else say("render.place", {"number": place + 1}, language)


def _over(row: list[str], start: int, text: str, room: int) -> str:
    """A row with text written over it; what does not fit is cut, by columns and not by characters."""
    kept, used = "", 0
    for char in text:
        wide = display_width(char)
        if start + used + wide > room:
            kept = kept[:-3] + "..." if len(kept) > 3 and kept[-3:].isascii() else kept
            break
        kept, used = kept + char, used + wide
    return "".join(row[:start]) + kept + "".join(row[start + display_width(kept) :])
