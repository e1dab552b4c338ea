"""What a file is, by its first octets, never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.capture.inflate import GZIP_MAGIC, ZSTD_MAGIC
from explain.capture.pcap import PcapReader
from explain.capture.pcap_header import is_pcap, parse_header
from explain.errors import UnreadableError

if TYPE_CHECKING:
    from explain.capture.source import Source
    from explain.capture.step import FormatReader

# What people also have at hand, and what to do about it.
_FOREIGN = (
    (b"\xfd7zXZ\x00", "packed with xz, which is not read here: unpack it first"),
    (b"BZh", "packed with bzip2, which is not read here: unpack it first"),
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"\x04\x22\x4d\x18", "packed with lz4, which is not read here: unpack it first"),
    (b"snoop\0\0\0", "a snoop capture: convert it with `editcap -F pcapng`"),
    (b"GMBU", "a Network Monitor capture: convert it with `editcap -F pcapng`"),
    (b"RTSS", "a Network Monitor capture: convert it with `editcap -F pcapng`"),
    (b"\x7fELF", "a program, not a capture"),
    (b"\x0a\x0d\x0d\x0a", "it begins like a pcapng file, but has no byte order"),
)


def compression_of(head: bytes) -> str | None:
    """``gzip``, ``zstd`` or None, by the first four octets."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    is_skippable = head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5
    return "zstd" if head.startswith(ZSTD_MAGIC) or is_skippable else None


def format_reader(path: str, source: Source) -> tuple[str, FormatReader] | None:
    """The format of a capture by name, and its reader; None if this is no capture.

    Raises:
        UnreadableError: it is one, but its header is unsound; or it is something else that is known.
    """
    head = source.peek(28)
    fault = source.fault()
    if not head:
        raise UnreadableError(path, fault.message if fault else "the file is empty")
    if is_pcap(head):
        try:
            return "pcap", PcapReader(parse_header(head))
        except ValueError as error:
            raise UnreadableError(path, str(error)) from None
    from explain.capture.pcapng import SECTION_MARK, PcapngReader, byte_order, first_section_problem

    is_cut_section = len(head) < 12 and head.startswith(SECTION_MARK)
    if byte_order(head) or is_cut_section:
        problem = first_section_problem(source.peek)
        if problem:
            raise UnreadableError(path, problem)
        return "pcapng", PcapngReader()
    for mark, words in _FOREIGN:
        if head.startswith(mark):
            raise UnreadableError(path, words)
    if fault is not None and len(head) < 28:
        raise UnreadableError(path, fault.message)
    return None
