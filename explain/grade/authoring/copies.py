"""The frames of captures as they were recorded, to be changed and written again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from explain.capture.pcapng.writer import InterfaceBlock

_MOST_FRAMES = 5000
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One frame.

    Attributes:
        time_ns: UTC nanoseconds.
        octets: what was captured of it.
        length: octets on the wire.
        interface: index into the interfaces of its file.
    """

    time_ns: int
    octets: bytes
    length: int
    interface: int

    def later(self, span_ns: int) -> Kept:
        """The same frame at another time."""
        return replace(self, time_ns=self.time_ns + span_ns)

    def other(self, octets: bytes) -> Kept:
        """A frame with other octets at the same time."""
        return replace(self, octets=octets, length=self.length + len(octets) - len(self.octets))


@dataclass(frozen=True, slots=True)
class Copy:
    """One capture: its frames in order, frame 1 first, and what they were recorded on."""

    frames: tuple[Kept, ...]
    interfaces: tuple[InterfaceBlock, ...]

    def of(self, frames: Sequence[Kept]) -> Copy:
        """A capture at the same place with other frames, in the order of their times."""
        return replace(self, frames=tuple(sorted(frames, key=lambda one: one.time_ns)))

    def link_type(self, frame: Kept) -> int:
        """LINKTYPE number of the interface that recorded a frame."""
        return self.interfaces[frame.interface].link_type


def read_copy(path: Path) -> Copy:
    """All frames of a capture.

    Raises:
        UnreadableError: it is no capture.
        UsageError: it has more frames than are changed one by one.
    """
    from explain.capture import open_capture
    from explain.capture.pcapng.writer import InterfaceBlock

    frames: list[Kept] = []
    with open_capture(str(path)) as reader:
        for window in reader.frames():
            columns = (window.start, window.captured, window.length, window.time_ns, window.interface)
            for start, captured, length, time_ns, at in zip(*(one.tolist() for one in columns), strict=True):
                frames.append(Kept(time_ns, window.data[start : start + captured].tobytes(), length, at))
            if len(frames) > _MOST_FRAMES:
                raise UsageError("grade.many_frames", path=path, limit=_MOST_FRAMES)
        interfaces = tuple(InterfaceBlock(one.name or "", None, None, one.link_type) for one in reader.interfaces)
    return Copy(tuple(frames), interfaces)


def write_copies(copies: Mapping[str, Copy | None], folder: Path, stem: str) -> dict[str, Path]:
    """Write captures as pcapng; by name where each stands. One that is None was not handed in."""
    from explain.capture.pcapng.writer import PacketBlock, section

    written = {}
    for name, copy in copies.items():
        if copy is None:
            continue
        plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in name)
        path = folder / (f"{stem}-{plain}.pcapng" if len(copies) > 1 else f"{stem}.pcapng")
        blocks = (PacketBlock(one.interface, one.time_ns, one.octets, one.length) for one in copy.frames)
        path.write_bytes(b"".join(section(copy.interfaces, blocks)))
        written[name] = path
    return written
