"""The capture again with the story in it: sentences as packets' comments, the verdict as the section's.

A pcapng is copied block by block, as it is but for the comments, so that nothing that explain does
not know gets lost.  A pcap becomes a pcapng with one interface; its times keep every digit.

Source: draft-ietf-opsawg-pcapng, sections 3.5 (options), 4.1 to 4.4.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.capture.pcapng.writer import ENHANCED_PACKET, INTERFACE, SECTION_HEADER, block, option
from explain.errors import InputError
from explain.render.layout import MARKS
from explain.render.wire_words import said
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from explain.capture import CaptureReader
    from explain.model import Report

_OLD_PACKET, _SIMPLE_PACKET = 2, 3
_COMMENT, _RESOLUTION, _FCS_LENGTH = 1, 9, 13
_FIXED = 20  # octets of a packet block between its length and the packet
_MOST_SENTENCES, _MOST_FRAMES, _MOST_OCTETS = 3, 2_000, 4_000
_MOST_IN_WORDS = 200_000  # frames beyond which those outside the story get no comment


class Comments:
    """What to write beside which frame of the first capture, found once and asked in the order of the frames."""

    def __init__(self, report: Report, language: str) -> None:
        self._language = language
        verdict = [line for line in report.lines if line.depth == 0]
        self.section = "\n".join(
            f"{MARKS[line.label]} {say(line.message, line.values, language)}"
            if line.label in MARKS
            else say(line.message, line.values, language)
            for line in verdict
        )
        self._sentences: list[str] = []
        self._of_frame: dict[int, list[tuple[int, int]]] = {}
        self._note_story(report)
        self._table, self._exchanges = report.packets, report.exchanges
        self._is_small = len(report.packets) <= _MOST_IN_WORDS

    def _note_story(self, report: Report) -> None:
        for line in report.lines:
            if line.depth == 0 or line.label not in (None, "finding") or line.message.startswith("written."):
                continue  # what was written there stays, and need not be said again
            spans = [span for one in line.evidence if one.capture == 0 for span in one.frames]
            size = sum(last - first + 1 for first, last in spans)
            if not 0 < size <= _MOST_FRAMES:
                continue
            mark = f"{MARKS['bad']} " if line.label else ""
            number = len(self._sentences)
            self._sentences.append(mark + say(line.message, line.values, self._language))
            for first, last in spans:
                for frame in range(first, last + 1):
                    self._of_frame.setdefault(frame, []).append((size, number))

    def of(self, frame: int) -> str:
        """The most particular sentences about a frame, a line each; else what its headers say; may be empty."""
        found = sorted(self._of_frame.get(frame, ()))[:_MOST_SENTENCES]
        if found:
            return "\n".join(dict.fromkeys(self._sentences[number] for _, number in found))
        if self._is_small and frame <= len(self._table):
            return said(self._table, frame - 1, None).text
        return ""


def annotated(reader: CaptureReader, report: Report, comments: Comments) -> Iterator[bytes]:
    """The octets of the new pcapng.

    Args:
        reader: the same capture, opened anew.
        report: of this capture alone.
        comments: what to write into it.

    Raises:
        InputError: the file is not the one that was explained any more.
    """
    if reader.format == "pcap":
        yield from _from_pcap(reader, comments)
        return
    info = report.captures[0]
    frame, is_first = 0, True
    for kind, order, octets in _blocks(reader.octets(), info.damage.offset if info.damage else None):
        if kind == SECTION_HEADER:
            yield _section(octets, order, comments.section if is_first else "")
            is_first = False
            continue
        frame += kind in (ENHANCED_PACKET, _OLD_PACKET, _SIMPLE_PACKET)
        is_open = kind in (ENHANCED_PACKET, _OLD_PACKET)  # a simple packet block has no room for a comment
        yield _packet(octets, order, comments.of(frame)) if is_open else octets
    if frame != info.packets:
        raise InputError("usage.grew", path=reader.path, now=frame, before=info.packets)


def _from_pcap(reader: CaptureReader, comments: Comments) -> Iterator[bytes]:
    header = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    yield block(SECTION_HEADER, header, _comment(comments.section, "<"))
    frame, is_described = 0, False
    for window in reader.frames():
        if not is_described:
            yield _described(reader)
            is_described = True
        columns = (window.start, window.captured, window.length, window.time_ns)
        for start, captured, length, time_ns in zip(*(column.tolist() for column in columns), strict=True):
            frame += 1
            fixed = struct.pack("<III", 0, time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF)
            fixed += struct.pack("<II", captured, length) + window.data[start : start + captured].tobytes()
            yield block(ENHANCED_PACKET, fixed + bytes(-captured % 4), _comment(comments.of(frame), "<"))
    if not is_described:
        yield _described(reader)


def _described(reader: CaptureReader) -> bytes:
    """The one interface of a pcap; it has no name there, so it gets none."""
    known = reader.interfaces[0]
    options = option(_RESOLUTION, b"\x09")
    if reader.fcs and reader.fcs[0]:
        options += option(_FCS_LENGTH, bytes([reader.fcs[0]]))
    return block(INTERFACE, struct.pack("<HHI", known.link_type, 0, known.snaplen & 0xFFFFFFFF), options)


def _blocks(pieces: Iterable[bytes], end: int | None) -> Iterator[tuple[int, str, bytes]]:
    """Kind, byte order and octets of each whole block before ``end``."""
    held, at, order = bytearray(), 0, "<"
    for piece in pieces:
        held += piece
        used = 0
        while len(held) - used >= 12 and (end is None or at + used < end):
            if held[used : used + 4] == b"\x0a\x0d\x0d\x0a":
                order = "<" if held[used + 8] == 0x4D else ">"
            kind, length = struct.unpack_from(order + "II", held, used)
            size = length + 3 & ~3
            if size < 12 or len(held) - used < size:
                break
            yield kind, order, bytes(held[used : used + size])
            used += size
        del held[:used]
        at += used
        if end is not None and at >= end:
            return


def _comment(text: str, order: str) -> bytes:
    """A comment as an option of a block in this byte order, nothing for no text; at most 4,000 octets of it."""
    if not text:
        return b""
    value = text.encode("utf-8", "backslashreplace")[:_MOST_OCTETS].decode("utf-8", "ignore").encode()
    return struct.pack(order + "HH", _COMMENT, len(value)) + value + bytes(-len(value) % 4)


def _with_comment(octets: bytes, order: str, fixed: int, text: str) -> bytes:
    """A block with a comment before its options, which begin after ``fixed`` octets of the block."""
    added = _comment(text, order)
    if not added:
        return octets
    rest = octets[fixed:-4]
    body = octets[8:fixed] + added + (rest if len(rest) >= 4 else bytes(4))
    length = struct.pack(order + "I", len(body) + 12)
    return octets[:4] + length + body + length


def _section(octets: bytes, order: str, text: str) -> bytes:
    # The length of the section is not known any more; -1 says so.
    return _with_comment(octets[:16] + struct.pack(order + "q", -1) + octets[24:], order, 24, text)


def _packet(octets: bytes, order: str, text: str) -> bytes:
    (captured,) = struct.unpack_from(order + "I", octets, 8 + 12)
    fixed = 8 + _FIXED + (captured + 3 & ~3)
    return octets if fixed > len(octets) - 4 else _with_comment(octets, order, fixed, text)
