"""What ladders in a terminal are drawn on: named rails, a margin with frame and time, remarks across."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.record import dataclass
from explain.render.layout import display_width, wrap
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.render.scene.stage import Arrow, Scene

INDENT = 1


@dataclass(frozen=True, slots=True)
class Strokes:
    """The characters to draw with."""

    rail: str
    line: str
    dashed: str
    routed: str
    right: str
    left: str
    loop: str
    fold: str


BOX = Strokes("│", "─", "╌", "═", ">", "<", "↩", "┊")
ASCII = Strokes("|", "-", ".", "=", ">", "<", "@", ":")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where things stand.

    Attributes:
        gutter: columns for frame number and time.
        room: columns beside them.
        at: columns of the rails within the room.
        pitch: columns from rail to rail.
        start_ns: of the first arrow.
    """

    language: str
    strokes: Strokes
    gutter: int
    room: int
    at: tuple[int, ...]
    pitch: int
    start_ns: int

    @classmethod
    def of(cls, scene: Scene, count: int, language: str, strokes: Strokes, gutter: int, room: int, most: int) -> Sheet:
        """A sheet for so many rails, at most ``most`` columns apart."""
        pitch = min(most, room // count)
        at = tuple(pitch * number + pitch // 2 for number in range(count))
        return cls(language, strokes, gutter, room, at, pitch, min(arrow.time_ns for arrow in scene.arrows))

    def heads(self, names: Sequence[str]) -> Iterator[str]:
        """Names over the rails; a long one is broken, so that it can still be read whole."""
        parts = [[name[at : at + self.pitch - 1] for at in range(0, len(name), self.pitch - 1)] for name in names]
        depth = max(map(len, parts))
        for level in range(depth):
            row = ""
            for middle, part in zip(self.at, parts, strict=True):
                piece = part[level - depth + len(part)] if level >= depth - len(part) else ""
                start = max(middle - display_width(piece) // 2, display_width(row) + bool(row))
                row += " " * (start - display_width(row)) + piece
            yield self.beside + row

    @property
    def beside(self) -> str:
        """An empty margin."""
        return " " * (self.gutter + INDENT)

    def canvas(self) -> list[str]:
        """A row with nothing but rails."""
        row = [" "] * self.room
        for middle in self.at:
            row[middle] = self.strokes.rail
        return row

    def margin(self, arrow: Arrow) -> str:
        """Frame number and seconds since the first arrow."""
        after = (arrow.time_ns - self.start_ns) / 1e9
        text = f"{arrow.frame:>{self.gutter - 12}} {after:>11.6f}"
        return text[: self.gutter].ljust(self.gutter) + " " * INDENT

    def across(self, text: str, one: int, other: int) -> str:
        """A row with a text in the middle between two columns, moved to where it can be read whole."""
        wide = display_width(text)
        start = max(0, min((one + other + 1) // 2 - wide // 2, self.room - wide))
        if wide <= other - one - 3:
            start = one + 2 + (other - one - 3 - wide) // 2
        row = self.canvas()
        for beside in (start - 1, start + wide):
            if 0 <= beside < self.room:
                row[beside] = " "  # no rail touches a word
        return over(row, start, text, self.room)

    def behind(self, text: str, column: int) -> str:
        """A row with a text that begins behind a column, or before it where there is no room."""
        start = max(0, min(column + 2, self.room - display_width(text)))
        return over(self.canvas(), start, text, self.room)

    def marks(self, arrow: Arrow) -> list[str]:
        """What is odd about a packet."""
        return [f"({say(f'render.mark.{mark}', {}, self.language)})" for mark in arrow.marks]

    def fold(self, count: int) -> str:
        """How many frames are left out here."""
        row = [self.strokes.fold if char == self.strokes.rail else char for char in self.canvas()]
        text = say("render.folded", {"count": count}, self.language)
        return self.beside + over(row, self.at[0] + 2, text, self.room)

    def legend(self, meanings: Sequence[str]) -> Iterator[str]:
        """What the frames mean, each once."""
        yield ""
        for meaning in meanings:
            yield from wrap(say(f"render.means.{meaning}", {}, self.language), self.room + self.gutter)


def over(row: list[str], start: int, text: str, room: int) -> str:
    """A row with text written over it; what does not fit is cut, by columns and not by characters."""
    kept, used = "", 0
    for char in text:
        wide = display_width(char)
        if start + used + wide > room:
            kept = kept[:-3] + "..." if len(kept) > 3 and kept[-3:].isascii() else kept
            break
        kept, used = kept + char, used + wide
    return "".join(row[:start]) + kept + "".join(row[start + display_width(kept) :])
