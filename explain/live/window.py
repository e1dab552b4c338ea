"""The frames that are still needed, of traffic that does not end; how many they are is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.capture.frames import Frames
from explain.table import ACK, IP, SYN, TCP, PacketTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explain.model import Interface

MOST_FRAMES = 20_000
"""Frames kept when the oldest begin to be let go before their time."""

MOST_OF_A_FLOW = 2_000
"""Frames of one flow that are looked at; a longer one is told as it stands and then only counted."""

_MOST_LONG_FLOWS = 10_000
_LEAD = 16  # octets before each frame, where a reader finds room for a record header
_LARGEST = 2_048  # octets kept of a frame: what a link carries, but not what an offload made of it

FlowKey = tuple[str, int, str, int, int, int]
"""Both ends, the protocol and the place of a flow, as text and numbers that outlive a table."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One frame: its time in UTC nanoseconds, the index of its interface, its length and its first octets."""

    time_ns: int
    interface: int
    length: int
    octets: bytes


def copied(frames: Frames) -> list[Copy]:
    """The frames of a reader's window, which the reader may overwrite afterwards."""
    data = frames.data.data
    return [
        Copy(time_ns, interface, length, bytes(data[start : start + min(captured, _LARGEST)]))
        for start, captured, length, time_ns, interface in zip(
            frames.start.tolist(), frames.captured.tolist(), frames.length.tolist(), frames.time_ns.tolist(),
            frames.interface.tolist(), strict=True,
        )
    ]  # fmt: skip


class Window:
    """What was heard and is not over yet.

    Attributes:
        packets: frames heard so far, whether they are still kept or not.
        first_ns, last_ns: UTC nanoseconds of the first and the latest frame.
    """

    def __init__(self) -> None:
        self.packets = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self._kept: dict[int, Copy] = {}
        self._fresh: dict[int, Copy] = {}
        self._long: dict[FlowKey, None] = {}

    def __len__(self) -> int:
        return len(self._kept) + len(self._fresh)

    def add(self, frames: Sequence[Copy]) -> None:
        """Number some frames and keep them."""
        for one in frames:
            self.packets += 1
            self._fresh[self.packets] = one
            self.first_ns = one.time_ns if self.first_ns is None else self.first_ns
            self.last_ns = one.time_ns if self.last_ns is None else max(self.last_ns, one.time_ns)

    def table(self, interfaces: Sequence[Interface]) -> PacketTable:
        """All that is kept, as rows, with the numbers that the frames had when they were heard."""
        self._kept |= self._without_long(interfaces) if self._long and self._fresh else self._fresh
        self._fresh = {}
        return _decoded(self._kept, interfaces)

    def forget(self, numbers: Iterable[int]) -> None:
        """Let go of some frames."""
        for number in numbers:
            self._kept.pop(number, None)

    def until_when_if_full(self) -> int | None:
        """If too much is kept, the UTC nanoseconds before which all should go; else None."""
        if len(self._kept) <= MOST_FRAMES:
            return None
        return sorted(one.time_ns for one in self._kept.values())[len(self._kept) // 2]

    def follow_no_further(self, flows: Iterable[FlowKey]) -> None:
        """Only count what these flows carry, until one of them begins anew."""
        self._long.update(dict.fromkeys(flows))
        while len(self._long) > _MOST_LONG_FLOWS:
            self._long.pop(next(iter(self._long)))

    def _without_long(self, interfaces: Sequence[Interface]) -> dict[int, Copy]:
        table = _decoded(self._fresh, interfaces)
        keys = flow_keys(table)
        is_syn = (table.layers & TCP != 0) & (table.flags & (SYN | ACK) == SYN)
        kept = {}
        rows = zip(self._fresh.items(), table.flow.tolist(), (table.layers & IP != 0).tolist(), is_syn.tolist(),
                   strict=True)  # fmt: skip
        for (number, one), flow, has_ip, begins in rows:
            if has_ip and begins:
                self._long.pop(keys[flow], None)
            if not (has_ip and keys[flow] in self._long):
                kept[number] = one
        return kept


def flow_keys(table: PacketTable) -> list[FlowKey]:
    """The key of each flow of a table, by its index."""
    flows, text = table.flows, table.addresses.text
    return [
        (text(low), low_port, text(high), high_port, protocol, place)
        for low, low_port, high, high_port, protocol, place in zip(
            flows.low.tolist(), flows.low_port.tolist(), flows.high.tolist(), flows.high_port.tolist(),
            flows.protocol.tolist(), flows.place.tolist(), strict=True,
        )
    ]  # fmt: skip


def _decoded(kept: Mapping[int, Copy], interfaces: Sequence[Interface]) -> PacketTable:
    from explain.decode import Decoder

    frames = list(kept.values())
    captured = np.array([len(one.octets) for one in frames], np.uint32)
    ends = np.cumsum(captured.astype(np.int64) + _LEAD)
    decoder = Decoder()
    window = Frames(
        np.frombuffer(b"".join(bytes(_LEAD) + one.octets for one in frames), np.uint8),
        0,
        ends - captured,
        captured,
        np.array([one.length for one in frames], np.uint32),
        np.array([one.time_ns for one in frames], np.int64),
        np.array([one.interface for one in frames], np.uint16),
    )
    decoder.add(window, 0, interfaces, numbers=np.array(list(kept), np.uint32))
    return decoder.finish()
