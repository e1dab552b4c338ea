"""The records of a pcap file.

Source: draft-ietf-opsawg-pcap, section 5.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from explain.capture.chains import Guess, walk_window
from explain.capture.linktype import max_captured
from explain.capture.pcap_header import PcapHeader, is_pcap, judge_record_size
from explain.capture.step import Step
from explain.capture.turned import WORD, Turner, field
from explain.capture.walk import Layout, Walk, gather
from explain.model import Damage, Interface

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explain.capture.frames import Frames
    from explain.capture.source import Window

_SECOND = 1_000_000_000


class PcapReader:
    """Reads pcap records, window after window."""

    def __init__(self, header: PcapHeader) -> None:
        self.first = header.size
        self.interfaces = [Interface(None, header.link_type, header.snaplen)]
        self.fcs = [header.fcs]
        self.comments: list[str] = []
        self.frame_comments: dict[int, tuple[str, ...]] = {}
        self._header = header
        self._turner = Turner()

    def read(self, window: Window) -> Step:
        """Reads the whole records of a window; see ``FormatReader``."""
        if not self._header.is_sure:
            size = judge_record_size(self._header, window.data.data[window.first :], window.is_last)
            self._header = dataclasses.replace(self._header, record_size=size, is_sure=True)
        found = self._walk(window)
        frames = self._frames(window, found.offsets) if len(found.offsets) else None
        return Step(frames, found.end, found.need, self._damage(window, found))

    def _walk(self, window: Window) -> Walk:
        header = self._header
        length_at = 12 if header.lengths == "swapped" else 8
        most = max_captured(header.link_type)
        layout = Layout(header.order, header.record_size, length_at, header.record_size, 0, most)
        if header.lengths == "either":
            return _walk_either(window, layout)
        return walk_window(window, layout, _guess(window, header, layout))

    def _frames(self, window: Window, offsets: npt.NDArray[np.int64]) -> Frames:
        import numpy as np

        from explain.capture.frames import HEAD, HEAD_LEAD, Frames

        header, start = self._header, offsets + self._header.record_size
        lead = -(-header.record_size // WORD) * WORD  # so that heads are whole words
        words = self._turner.turned(window.data, start - HEAD_LEAD - lead, lead + HEAD)
        at, kind = HEAD_LEAD + lead - header.record_size, header.order + "u4"
        time_ns = field(words, at, kind).astype(np.int64)
        time_ns *= _SECOND
        fraction = field(words, at + 4, kind).astype(np.int64)
        time_ns += fraction if header.is_nano else fraction * 1000
        captured, length = field(words, at + 8, kind).astype(np.uint32), field(words, at + 12, kind).astype(np.uint32)
        if header.lengths == "swapped":
            captured, length = length, captured
        elif header.lengths == "either":
            captured, length = np.minimum(captured, length), np.maximum(captured, length)
        heads, interface = words[lead // WORD :], np.zeros(len(start), np.uint16)
        return Frames(window.data, window.base, start, captured, length, time_ns, interface, heads)

    def _damage(self, window: Window, found: Walk) -> Damage | None:
        at = window.base + found.end
        left = len(window.data) - found.end
        if found.bad_length is not None:
            most = max_captured(self._header.link_type)
            before = window.data[max(0, found.end - self._header.record_size) : found.end]
            if is_pcap(before.tobytes()):  # read as a record it has no octets, and what follows it is none
                return Damage.at(at - len(before), "bad-record-length.joined")
            return Damage.at(at, "bad-record-length.record", claimed=found.bad_length, most=most)
        if window.is_last and left:
            part = "header" if left < self._header.record_size else "record"
            return Damage.at(at, f"cut-record.{part}", left=left, need=found.need)
        return None


def _guess(window: Window, header: PcapHeader, layout: Layout) -> Guess:
    """How a record may be found among octets: the high half of the seconds hardly ever changes."""
    import numpy as np

    word, is_little = np.dtype(header.order + "u4"), header.order == "<"
    second = int.from_bytes(window.data[window.first : window.first + 4].tobytes(), "little" if is_little else "big")
    fraction = _SECOND if header.is_nano else 1_000_000

    def is_plausible(data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        heads = gather(data, at, 16).view(word)
        captured, length = heads[:, layout.field // 4], heads[:, 5 - layout.field // 4]
        is_near = np.abs(heads[:, 0].astype(np.int64) - second) < 1 << 18
        return is_near & (heads[:, 1] < fraction) & (captured <= length) & (captured <= layout.most)

    # The high half of the seconds counts 18 hours.
    halves = [(second >> 16) + later & 0xFFFF for later in range(3)]
    needles = tuple(half.to_bytes(2, "little" if is_little else "big") for half in halves)
    return Guess(needles, 2 if is_little else 0, 1, is_plausible)


def _walk_either(window: Window, layout: Layout) -> Walk:
    """Walks where either length may come first: the smaller one is what was captured (version 2.3)."""
    import struct

    import numpy as np

    found: list[int] = []
    read, at = struct.Struct(layout.order + "II").unpack_from, window.first
    view, stop = window.data.data, len(window.data)
    while at + layout.size <= stop:
        length = min(read(view, at + 8))
        if length > layout.most:
            return Walk(np.array(found, np.int64), at, length, layout.size)
        then = at + layout.size + length
        if then > stop:
            return Walk(np.array(found, np.int64), at, None, then - at)
        found.append(at)
        at = then
    return Walk(np.array(found, np.int64), at, None, layout.size)
