"""A lab's recording as separate captures: a file for each interface, each with a clock of its own, one with gaps."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from explain.capture.vantage import Source
from explain.pipeline import explain

if TYPE_CHECKING:
    from pathlib import Path

    from explain.model import Report

_INTERFACE, _PACKET = 1, 6  # pcapng blocks, little-endian as the recorder writes them
_NAME = 2


@dataclass(frozen=True)
class Place:
    """What one interface recorded: (time in ns, octets, original length)."""

    name: str
    link_type: int
    frames: list[tuple[int, bytes, int]]

    def source(self) -> Source:
        """As an input; a plain pcap with nanoseconds."""
        out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, self.link_type)]
        for when, octets, size in self.frames:
            out.append(struct.pack("<IIII", when // 10**9, when % 10**9, len(octets), size) + octets)
        return Source(f"{self.name}.pcap", name=self.name, stream=io.BytesIO(b"".join(out)))


def split(path: Path) -> list[Place]:
    """The interfaces of a recording that saw anything."""
    data, at, places = path.read_bytes(), 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + size - 4]
        if kind == _INTERFACE:
            places.append(Place(_name(body[8:]), struct.unpack_from("<H", body)[0], []))
        elif kind == _PACKET:
            number, high, low, kept, original = struct.unpack_from("<IIIII", body)
            places[number].frames.append((high << 32 | low, body[20 : 20 + kept], original))
        at += size
    return [place for place in places if place.frames]


def _name(options: bytes) -> str:
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, at)
        if code == _NAME:
            return options[at + 4 : at + 4 + size].decode()
        at += 4 + (size + 3) // 4 * 4
    raise AssertionError("an interface without a name")


def skewed(places: list[Place], random: Random) -> list[Place]:
    """Clocks up to 5 s off, that drift by up to 100 ppm."""
    start = min(place.frames[0][0] for place in places)
    found = []
    for place in places:
        skew, ppm = random.randint(-5 * 10**9, 5 * 10**9), random.uniform(-100, 100)
        shifted = [(when + skew + int(ppm * 1e-6 * (when - start)), *rest) for when, *rest in place.frames]
        found.append(Place(place.name, place.link_type, shifted))
    return found


def thinned(places: list[Place], random: Random) -> list[Place]:
    """A fifth of the frames of one capture is gone."""
    poor = random.choice(places)
    kept = [frame for frame in poor.frames if random.random() >= 0.2]
    return [Place(one.name, one.link_type, kept if one is poor else one.frames) for one in places]


def told(places: list[Place]) -> Report:
    """The explanation of what is left."""
    return explain([place.source() for place in places if place.frames])
