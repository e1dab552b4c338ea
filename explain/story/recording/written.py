"""What people wrote into a capture: comments beside its frames, and about all of it or its interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.model import Line
from explain.story.recording.whole_file import frames_of_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import CaptureInfo, Evidence
    from explain.table import PacketTable

_MOST_TOLD = 3
"""Frames of a capture whose comments are told; the others are counted."""
_MOST_OF_FILE = 10


def about_files(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """On request, what is said about each file and its interfaces."""
    lines: list[Line] = []
    for number, capture in enumerate(captures):
        frames = frames_of_file(table.whole, number, capture)
        about = [one.text for one in capture.comments if one.frame is None][:_MOST_OF_FILE]
        lines += [_note("written.about-file", frames, path=capture.path, text=text) for text in about]
        named = [one for one in capture.interfaces if one.comment][:_MOST_OF_FILE]
        lines += [
            _note("written.about-interface", frames, name=one.name or "", text=one.comment or "") for one in named
        ]
    return lines


def _note(message: str, frames: tuple[Evidence, ...], **values: str) -> Line:
    return Line(message, values, frames, 2, None, "note")


def beside_frames(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """The first comments of each capture as they stand beside its frames, and how many frames have more.

    Source: draft-ietf-opsawg-pcapng, section 3.5 (opt_comment).
    """
    whole, lines = table.whole, list[Line]()
    for number, capture in enumerate(captures):
        texts: dict[int, list[str]] = {}
        for one in capture.comments:
            if one.frame is not None:
                texts.setdefault(one.frame, []).append(one.text)
        frames = list(texts)
        for frame in frames[:_MOST_TOLD]:
            evidence = whole.evidence(whole.rows_of_frames(number, [frame]))
            lines.append(Line("written.beside", {"text": " / ".join(texts[frame])}, evidence))
        if more := frames[_MOST_TOLD:]:
            values = {"count": len(more), "frame": more[0], "path": capture.path}
            lines.append(Line("written.more", values, whole.evidence(whole.rows_of_frames(number, more))))
    return lines
