"""The header of a pcap file, and which of its historical relatives it is.

Source: draft-ietf-opsawg-pcap, sections 4 and 5.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.capture.linktype import max_captured
from explain.errors import UnreadableError
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDARD, _NANO, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_IXIA_NANO, _IXIA_MICRO = 0x1C0001AC, 0x1C0001AB
_MAGICS = (_STANDARD, _NANO, _MODIFIED, _IXIA_NANO, _IXIA_MICRO)

# AIX wrote interface types of RFC 1573 into version 2.2 files, and nanoseconds.
_AIX_LINK_TYPES = {6: 1, 9: 6, 15: 10, 24: 0}


@dataclass(frozen=True, slots=True)
class PcapHeader:
    """What the first octets of a pcap file say.

    Attributes:
        order: ``<`` or ``>``, as in ``struct``.
        size: octets of this header.
        record_size: octets of each record's header.
        is_nano: fractions of seconds are nanoseconds, else microseconds.
        lengths: ``kept``, ``swapped`` (captured and original length exchanged, before version 2.3) or ``either`` (2.3).
        fcs: octets of frame check sequence at the end of each frame, 0 where unknown.
        is_sure: false where the layout of the records must be judged by the first of them.
    """

    order: str
    size: int
    record_size: int
    is_nano: bool
    lengths: str
    snaplen: int
    link_type: int
    fcs: int
    is_sure: bool


def is_pcap(head: bytes) -> bool:
    """Whether these octets begin a pcap file of any kind."""
    return len(head) >= 4 and any(int.from_bytes(head[:4], order) in _MAGICS for order in ("little", "big"))


def parse_header(path: str, head: bytes) -> PcapHeader:
    """Parses the header of a pcap file.

    Args:
        path: the file as it was named by the user.
        head: the first octets; ``is_pcap`` of them is true.

    Raises:
        UnreadableError: the header is cut, or of a version that nobody can read.
    """
    order = "<" if int.from_bytes(head[:4], "little") in _MAGICS else ">"
    magic = struct.unpack_from(order + "I", head)[0]
    size = 28 if magic in (_IXIA_NANO, _IXIA_MICRO) else 24
    if len(head) < size:
        raise UnreadableError(path, "unread.cut_header", left=len(head), need=size)
    major, minor, _, _, snaplen, network = struct.unpack_from(order + "HHiIII", head, 4)
    if major < 2:
        raise UnreadableError(path, "unread.pcap_version", version=f"{major}.{minor}")
    lengths = {0: "swapped", 1: "swapped", 2: "swapped", 3: "either"}.get(minor, "kept") if major == 2 else "kept"
    lengths = "swapped" if (major, minor) == (543, 0) else lengths  # DG/UX
    is_aix = magic == _STANDARD and (major, minor) == (2, 2) and network in _AIX_LINK_TYPES
    return PcapHeader(
        order=order,
        size=size,
        record_size=24 if magic == _MODIFIED else 16,
        is_nano=is_aix or magic in (_NANO, _IXIA_NANO),
        lengths=lengths,
        snaplen=snaplen,
        link_type=_AIX_LINK_TYPES[network] if is_aix else network & 0xFFFF,
        # Bit 26 says that the top four bits hold the length of the FCS in units of 16 bits.
        fcs=(network >> 28) * 2 if network & 0x04000000 else 0,
        is_sure=not (magic == _MODIFIED or (magic == _STANDARD and lengths == "kept")),
    )


def judge_record_size(header: PcapHeader, octets: memoryview, is_last: bool) -> int:
    """The size of the record headers that makes most sense of the first three records.

    Patched libpcaps of 1999 and Nokia's wrote longer record headers under a magic number that does not tell.

    Args:
        header: the file's header.
        octets: what follows the file's header.
        is_last: nothing follows ``octets``.

    Source: Wireshark, wiretap/libpcap.c, which guesses by the same marks.
    """
    if header.is_sure:
        return header.record_size
    sizes = (24, 28) if header.record_size == 24 else (16, 24, 20)
    doubts = {size: sum(_doubts(header, size, octets, is_last)) for size in sizes}
    return min(sizes, key=lambda size: doubts[size])


def _doubts(header: PcapHeader, size: int, octets: memoryview, is_last: bool) -> Iterator[int]:
    """How many things are odd about each of the first three records, were their headers of this size."""
    at, limit = 0, max_captured(header.link_type)
    for _ in range(3):
        if at + 16 > len(octets):
            yield int(is_last and at != len(octets))
            return
        _, fraction, captured, length = struct.unpack_from(header.order + "IIII", octets, at)
        odd = (fraction >= 1_000_000) + (captured > limit) + (captured > header.snaplen)
        odd += (length > 128 << 20) + (captured > length)
        yield odd
        if at + size > len(octets):
            yield int(is_last)
            return
        yield _extra_doubts(header.order, size, octets, at + 16)
        if captured > limit:
            return
        at += size + captured
        if at > len(octets):
            yield int(is_last)
            return


def _extra_doubts(order: str, size: int, octets: memoryview, at: int) -> int:
    """How many things are odd about what a longer record header says beyond the usual 16 octets."""
    if size in (24, 28):
        index, protocol, packet_type = struct.unpack_from(order + "IHB", octets, at)
        is_protocol = protocol >= 0x0600 or protocol <= 0x17 or protocol in (0x60, 0x200, 0x400)
        return int(index > 10000) + int(not is_protocol) + int(packet_type > 4)
    if size == 20:
        (mark,) = struct.unpack_from(order + "I", octets, at)
        digits = f"{mark:08x}"
        is_nokia = digits[0] in "9b" and digits[1:4] == "fbf" and digits[4] in "bd" and digits[5] in "69"
        return int(not (is_nokia and digits[6] == "0" and digits[7] in "12"))
    return 0
