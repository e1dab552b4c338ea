"""What a file is, by its first octets, never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.capture.inflate import GZIP_MAGIC, ZSTD_MAGIC
from explain.capture.pcap import PcapReader
from explain.capture.pcap_header import is_pcap, parse_header
from explain.errors import UnreadableError

if TYPE_CHECKING:
    from explain.capture.source import OctetSource
    from explain.capture.step import FormatReader

# What people also have at hand, and what to do about it.
_FOREIGN = (
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "seven_zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"snoop\0\0\0", "snoop"),
    (b"GMBU", "netmon"),
    (b"RTSS", "netmon"),
    (b"\x7fELF", "program"),
    (b"\x0a\x0d\x0d\x0a", "no_byte_order"),
)


def compression_of(head: bytes) -> str | None:
    """``gzip``, ``zstd`` or None, by the first four octets."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    is_skippable = head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5
    return "zstd" if head.startswith(ZSTD_MAGIC) or is_skippable else None


def _is_event_trace(head: bytes) -> bool:
    """Whether this begins a trace of Windows: a buffer of whole kibibytes whose first event is one of the system's.

    Source: WMI_BUFFER_HEADER (72 octets) and SYSTEM_TRACE_HEADER, as the Windows SDK and PerfView have them.
    """
    size = int.from_bytes(head[:4], "little")
    return len(head) == 76 and size > 0 and size % 1024 == 0 and head[74] in (1, 2) and head[75] == 0xC0


def format_reader(path: str, source: OctetSource) -> tuple[str, FormatReader] | None:
    """The format of a capture by name, and its reader; None if this is no capture.

    Raises:
        UnreadableError: it is one, but its header is unsound; or it is something else that is known.
    """
    head = source.peek(28)
    fault = source.fault()
    if not head:
        raise UnreadableError(path, fault.at(0).line if fault else "unread.empty_file")
    if is_pcap(head):
        return "pcap", PcapReader(parse_header(path, head))
    from explain.capture.pcapng.sections import SECTION_MARK, PcapngReader, byte_order, first_section_problem

    is_cut_section = len(head) < 12 and head.startswith(SECTION_MARK)
    if byte_order(head) or is_cut_section:
        problem = first_section_problem(source.peek)
        if problem:
            raise UnreadableError(path, problem)
        return "pcapng", PcapngReader()
    for mark, kind in _FOREIGN:
        if head.startswith(mark):
            raise UnreadableError(path, f"unread.{kind}")
    if _is_event_trace(source.peek(76)):
        raise UnreadableError(path, "unread.event_trace")
    if fault is not None and len(head) < 28:
        raise UnreadableError(path, fault.at(0).line)
    return None
