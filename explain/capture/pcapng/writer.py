"""Writes one pcapng section: comments, named interfaces, frames with nanoseconds and directions, statistics.

Interface blocks stand before everything else: editcap, mergecap and reordercap refuse a file in which another
block comes first.

Source: draft-ietf-opsawg-pcapng, sections 4.1 (section header), 4.2 (interface), 4.3 (enhanced packet) and
4.6 (statistics).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SECTION_HEADER, INTERFACE, ENHANCED_PACKET, STATISTICS = 0x0A0D0D0A, 1, 6, 5
_LARGEST_OPTION = 65_535

# Bits of epb_flags. Source: section 4.3.1.
INBOUND, OUTBOUND = 1, 2
UNICAST, MULTICAST, BROADCAST, PROMISCUOUS = 1 << 2, 2 << 2, 3 << 2, 4 << 2


@dataclass(frozen=True, slots=True)
class InterfaceBlock:
    """One place where frames were recorded.

    Attributes:
        name: shown by Wireshark; the vantage point's name in explain.
        mac: with colons, or None.
        link_type: LINKTYPE number; 1 is Ethernet.
        snaplen: octets kept at most, 0 for no limit.
    """

    name: str
    description: str | None = None
    mac: str | None = None
    link_type: int = 1
    snaplen: int = 0
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class PacketBlock:
    """One frame.

    Attributes:
        interface: index into the section's interfaces.
        time_ns: UTC nanoseconds since 1970.
        data: what was kept of it.
        length: octets on the wire.
        flags: epb_flags, 0 for none.
    """

    interface: int
    time_ns: int
    data: bytes
    length: int
    flags: int = 0
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much an interface saw: ``received`` and ``dropped`` in frames, times in UTC nanoseconds."""

    interface: int
    start_ns: int
    end_ns: int
    received: int
    dropped: int


def option(code: int, value: bytes) -> bytes:
    """One option, padded to four octets.

    Raises:
        ValueError: the value is longer than the format can say.
    """
    if len(value) > _LARGEST_OPTION:
        raise ValueError(f"an option of pcapng has at most {_LARGEST_OPTION} octets, this has {len(value)}")
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def block(kind: int, fixed: bytes, options: bytes) -> bytes:
    """One block: kind, length, contents, length."""
    body = fixed + (options + b"\0\0\0\0" if options else b"")
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _clock(time_ns: int) -> bytes:
    return struct.pack("<II", time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF)


def header_block(
    comments: Sequence[str] = (), operating_system: str | None = None, application: str | None = None
) -> bytes:
    """The section header; its section may have any length."""
    options = b"".join(option(1, comment.encode()) for comment in comments)
    options += option(3, operating_system.encode()) if operating_system else b""
    options += option(4, application.encode()) if application else b""
    return block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1), options)


def interface_block(described: InterfaceBlock) -> bytes:
    """The description of one interface, which counts nanoseconds."""
    options = option(1, described.comment.encode()) if described.comment else b""
    options += option(2, described.name.encode())
    options += option(3, described.description.encode()) if described.description else b""
    options += option(6, bytes.fromhex(described.mac.replace(":", ""))) if described.mac else b""
    options += option(9, b"\x09")
    return block(INTERFACE, struct.pack("<HHI", described.link_type, 0, described.snaplen), options)


def packet_block(frame: PacketBlock) -> bytes:
    """One enhanced packet block."""
    data = frame.data + b"\0" * (-len(frame.data) % 4)
    fixed = struct.pack("<I", frame.interface) + _clock(frame.time_ns)
    fixed += struct.pack("<II", len(frame.data), frame.length) + data
    options = b"".join(option(1, comment.encode()) for comment in frame.comments)
    options += option(2, struct.pack("<I", frame.flags)) if frame.flags else b""
    return block(ENHANCED_PACKET, fixed, options)


def _statistics(counted: Statistics) -> bytes:
    options = option(2, _clock(counted.start_ns)) + option(3, _clock(counted.end_ns))
    options += option(4, struct.pack("<Q", counted.received)) + option(5, struct.pack("<Q", counted.dropped))
    return block(STATISTICS, struct.pack("<I", counted.interface) + _clock(counted.end_ns), options)


def section(
    interfaces: Sequence[InterfaceBlock],
    packets: Iterable[PacketBlock],
    statistics: Iterable[Statistics] = (),
    comments: Sequence[str] = (),
    operating_system: str | None = None,
    application: str | None = None,
) -> Iterator[bytes]:
    """The blocks of one section, in the order in which they have to be written.

    Args:
        interfaces: all of them; packets refer to them by index.
        packets: in the order in which they are to stand.
        statistics: at most one of each interface.
        comments: of the section, each at most 65,535 octets of UTF-8.
        operating_system: on which it was recorded.
        application: which recorded it.

    Raises:
        ValueError: a comment that is too long.
    """
    yield header_block(comments, operating_system, application)
    for described in interfaces:
        yield interface_block(described)
    for frame in packets:
        yield packet_block(frame)
    for counted in statistics:
        yield _statistics(counted)
