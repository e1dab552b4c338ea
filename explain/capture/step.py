"""What a format's reader makes of one window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from explain.record import dataclass

if TYPE_CHECKING:
    from explain.capture.frames import Frames
    from explain.capture.source import Window
    from explain.model import Damage, Interface


@dataclass(frozen=True, slots=True)
class Step:
    """What one window gave.

    Attributes:
        frames: the frames found, or None.
        end: index into the window's data of the first octet not consumed.
        need: octets from there on without which nothing more can be read.
        damage: why reading ends here, or None.
        is_restart: what follows may look unlike what went before; begin with a small window.
    """

    frames: Frames | None
    end: int
    need: int
    damage: Damage | None = None
    is_restart: bool = False


class FormatReader(Protocol):
    """Reads one format, window after window.

    Attributes:
        interfaces: the interfaces known so far.
        fcs: octets of frame check sequence that each of them keeps, 0 where unknown.
        comments: what the writers of the file say about it.
        frame_comments: and about some frames of it, by their numbers.
        first: offset of the first record.
    """

    interfaces: list[Interface]
    fcs: list[int]
    comments: list[str]
    frame_comments: dict[int, tuple[str, ...]]
    first: int

    def read(self, window: Window) -> Step:
        """Reads the whole records of a window."""
