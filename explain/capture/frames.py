"""What the reader hands on: frames in windows, still bytes, not yet understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


HEAD_LEAD = 6
"""Octets of a head before the frame's first one."""
HEAD = 88
"""Octets of a head in all: what a decoder looks at of nearly every frame."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Some consecutive frames of one file, with the bytes that hold them.

    The bytes belong to the reader and are overwritten by the next window (standard input,
    gzip) or unmapped at the end: copy out what is needed later.

    Attributes:
        data: the bytes, uint8; at least 8 octets of record header lie before each frame.
        base: offset of ``data[0]`` in the uncompressed stream, octets.
        start: int64[n], index into ``data`` of each frame's first octet.
        captured: uint32[n], octets of the frame that are in ``data`` (all inside it).
        length: uint32[n], octets the frame had on the wire.
        time_ns: int64[n], UTC nanoseconds since 1970.
        interface: uint16[n], index into the file's interfaces.
        heads: uint64[HEAD / 8, n], octets of each frame from ``HEAD_LEAD`` before it on, the first one lowest in each
            word; overwritten like the bytes, and whoever decodes may write there.  None where they were not at hand.
        is_timed: bool[n], false where the file has no time for a frame; None where it has one for each.
    """

    data: npt.NDArray[np.uint8]
    base: int
    start: npt.NDArray[np.int64]
    captured: npt.NDArray[np.uint32]
    length: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    interface: npt.NDArray[np.uint16]
    heads: npt.NDArray[np.uint64] | None = None
    is_timed: npt.NDArray[np.bool_] | None = None
