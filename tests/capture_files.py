"""Capture files written octet by octet, as the formats' documents say, and the frames read back from them."""

from __future__ import annotations

import gzip
import io
import os
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard

from explain.capture import CaptureReader, open_capture
from explain.model import Damage, Interface

MICRO, NANO, MODIFIED, IXIA_NANO, IXIA_MICRO = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34, 0x1C0001AC, 0x1C0001AB
SECOND = 1_000_000_000


def pcap(*records: bytes, order="<", magic=MICRO, version=(2, 4), snaplen=65535, link_type=1, extra=b"") -> bytes:
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link_type) + extra + b"".join(records)


def record(
    frame=b"frame", seconds=1_700_000_000, fraction=0, length=None, captured=None, order="<", extra=b""
) -> bytes:
    captured = len(frame) if captured is None else captured
    length = captured if length is None else length
    return struct.pack(order + "IIII", seconds, fraction, captured, length) + extra + frame


def block(kind: int, body: bytes, order="<", total=None, trailer=None) -> bytes:
    body += bytes(-len(body) % 4)
    total = len(body) + 12 if total is None else total
    return (
        struct.pack(order + "II", kind, total) + body + struct.pack(order + "I", total if trailer is None else trailer)
    )


def option(code: int, value: bytes, order="<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(*options: bytes, order="<", version=(1, 0)) -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1) + b"".join(options), order)


def interface(*options: bytes, link_type=1, snaplen=0, order="<") -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + b"".join(options), order)


def enhanced(frame=b"frame", stamp=0, port=0, length=None, captured=None, order="<", options=b"") -> bytes:
    captured = len(frame) if captured is None else captured
    length = len(frame) if length is None else length
    words = struct.pack(order + "IIIII", port, stamp >> 32, stamp & 0xFFFFFFFF, captured, length)
    return block(6, words + frame + bytes(-len(frame) % 4) + options, order)


def obsolete(frame=b"frame", stamp=0, port=0, order="<") -> bytes:
    words = struct.pack(order + "HHIIII", port, 7, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return block(2, words + frame, order)


def simple(frame=b"frame", length=None, order="<") -> bytes:
    return block(3, struct.pack(order + "I", len(frame) if length is None else length) + frame, order)


def statistics(dropped: int, port=0, order="<") -> bytes:
    return block(5, struct.pack(order + "III", port, 0, 0) + option(5, struct.pack(order + "Q", dropped), order), order)


def mixed_pcapng() -> bytes:
    """Two sections of different byte order with every kind of block that matters."""
    first = section(option(1, b"one")) + interface(option(2, b"eth0")) + interface(link_type=101, snaplen=6)
    first += enhanced(b"a" * 7, 1_000_000) + simple(b"bb") + statistics(3, 1) + block(0x0BAD, b"unknown")
    first += enhanced(b"c" * 6, 2_000_000, 1, length=99) + obsolete(b"dd", 3_000_000) + block(4, bytes(4))
    second = section(order=">") + interface(option(9, b"\x09", ">"), order=">") + enhanced(b"e", 5 * SECOND, order=">")
    return first + second


@dataclass(frozen=True)
class Whole:
    """All that one file gave."""

    frames: list[bytes]
    start: list[int]
    length: list[int]
    time_ns: list[int]
    interface: list[int]
    interfaces: list[Interface]
    comments: list[str]
    damage: Damage | None

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return list(zip(self.frames, self.start, self.length, self.time_ns, self.interface, strict=True))


def read_all(reader: CaptureReader) -> Whole:
    rows: tuple[list, ...] = ([], [], [], [], [])
    with reader:
        for window in reader.frames():
            assert window.start.dtype == window.time_ns.dtype == np.int64
            assert window.captured.dtype == window.length.dtype == np.uint32
            assert window.interface.dtype == np.uint16
            assert (window.start >= 14).all()
            assert (window.start + window.captured <= len(window.data)).all()
            ends = (window.start + window.captured).tolist()
            rows[0].extend(window.data[a:b].tobytes() for a, b in zip(window.start.tolist(), ends, strict=True))
            rows[1].extend((window.base + window.start).tolist())
            rows[2].extend(window.length.tolist())
            rows[3].extend(window.time_ns.tolist())
            rows[4].extend(window.interface.tolist())
        return Whole(*rows, list(reader.interfaces), list(reader.comments), reader.damage)


def read_bytes(octets: bytes) -> Whole:
    return read_all(open_capture("given", io.BytesIO(octets)))


def read_file(path: Path, octets: bytes) -> Whole:
    path.write_bytes(octets)
    return read_all(open_capture(str(path)))


def read_pipe(octets: bytes) -> Whole:
    """Reads through a real pipe, in whatever pieces it comes."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(octets)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with os.fdopen(reading, "rb") as file:
            return read_all(open_capture("-", file))
    finally:
        writer.join()


def zstd(octets: bytes, *, checksum: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(octets)


def gz(octets: bytes) -> bytes:
    return gzip.compress(octets, mtime=0)
