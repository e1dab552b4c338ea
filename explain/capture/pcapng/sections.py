"""The sections of a pcapng file, and what each window of one holds; what is not needed is skipped.

Source: draft-ietf-opsawg-pcapng, sections 3 and 4.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING

from explain.capture.chains import walk_window
from explain.capture.pcapng.blocks import (
    INTERFACE,
    SECTION,
    STATISTICS,
    Blocks,
    Port,
    bad_length,
    blocks_of,
    drops_of,
    port_of,
)
from explain.capture.pcapng.options import comments
from explain.capture.pcapng.packets import comments_of, frames_of, packet_guess, packets_of
from explain.capture.step import Step
from explain.capture.walk import Layout, Walk
from explain.model import Damage, Interface, Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.capture.source import Window

SECTION_MARK = SECTION.to_bytes(4, "big")
_MAX_BLOCK = (128 << 20) + (128 << 10) + 32
"""A block longer than the largest frame with its options is damage. Source: Wireshark, wiretap/pcapng.c."""
_MAX_INTERFACES = 65_535
_MAX_COMMENTS = 1000


def byte_order(head: bytes) -> str | None:
    """``<`` or ``>`` if these octets (12 or more) begin a pcapng section, else None."""
    if len(head) < 12 or head[:4] != SECTION_MARK:
        return None
    return {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(head[8:12])


def first_section_problem(peek: Callable[[int], bytes]) -> Line | None:
    """Why the first section header cannot be used; None if it can.

    Args:
        peek: gives the first octets of the file, fewer only where it is shorter.
    """
    head = peek(12)
    order = byte_order(head)
    if order is None:
        return Line("errors.unread.cut_section", {"left": len(head)})
    (length,) = struct.unpack_from(order + "I", head, 4)
    if not 28 <= length <= _MAX_BLOCK or length % 4:
        return Line("errors.unread.section_length", {"claimed": length})
    block = peek(length)
    if len(block) < length:
        return Line("errors.unread.cut_section", {"left": len(block)})
    damage = _section_damage(block, order, 0)
    return damage.line if damage else None


class PcapngReader:
    """Reads pcapng blocks, window after window."""

    def __init__(self) -> None:
        self.first = 0
        self.interfaces: list[Interface] = []
        self.fcs: list[int] = []
        self.comments: list[str] = []
        self.frame_comments: dict[int, tuple[str, ...]] = {}
        self._frames = 0
        self._last_ns: int | None = None
        self._ports: list[Port] = []
        self._before = 0
        self._order = "<"

    def read(self, window: Window) -> Step:
        """Reads the whole blocks of a window, up to a section in the other byte order; see ``FormatReader``."""
        first = window.first
        head = bytes(window.data[first : first + 12])
        if head[:4] == SECTION_MARK:
            order = byte_order(head)
            if order is None:
                damage = Damage.at(window.base + first, "bad-byte-order")
                return Step(None, first, 12, damage if len(head) == 12 else _cut(window, first, 12))
            self._order = order
        found = walk_window(window, _layout(self._order), packet_guess(self._order))
        if not len(found.offsets):
            return Step(None, found.end, found.need, _walk_damage(window, found))
        return self._read_blocks(window, found)

    def _read_blocks(self, window: Window, found: Walk) -> Step:
        blocks = blocks_of(window, self._order, found.offsets)
        whole, damage = len(found.offsets), _walk_damage(window, found)
        tail, turned = window.data[found.end : found.end + 12].tobytes(), self._turned(blocks)
        is_turned = tail[:4] == SECTION_MARK and byte_order(tail) != self._order
        if is_turned:
            # Its length may be in the other byte order: what the walk thought of it means nothing.
            found, damage = Walk(found.offsets, found.end, None, 12), None
        if turned is not None:
            whole, damage, is_turned = turned, None, True
        bad = bad_length(blocks.first(whole)) or _bad_version(blocks.first(whole))
        whole, damage = bad or (whole, damage)
        declared = self._declared(blocks.first(whole))
        room = _MAX_INTERFACES - len(self.interfaces)
        if len(declared) > room:
            whole = list(declared)[room]
            damage = Damage.at(blocks.place(whole), "too-many-interfaces", most=_MAX_INTERFACES)
        blocks = blocks.first(whole)
        packets = packets_of(blocks, len(self._ports), self._before)
        frames, wrong = frames_of(blocks, packets, self._ports + list(declared.values()), self._last_ns)
        whole, damage = wrong or (whole, damage)
        if frames is not None:
            room = _MAX_COMMENTS - len(self.frame_comments)
            for index, texts in comments_of(blocks, packets, frames, room).items():
                self.frame_comments[self._frames + index + 1] = texts
            self._frames += len(frames.start)
            self._last_ns = int(frames.time_ns[-1])
        self._take(blocks.first(whole), declared)
        is_all = whole == len(found.offsets)
        end = found.end if is_all else int(found.offsets[whole])
        return Step(frames, end, found.need if is_all else 12, damage, is_turned)

    def _turned(self, blocks: Blocks) -> int | None:
        """The first section that is not in this byte order: the lengths from there on mean nothing."""
        rows = blocks.rows_of(SECTION)
        return next((row for row in rows if byte_order(blocks.octets(row)[:12]) != self._order), None)

    def _declared(self, blocks: Blocks) -> dict[int, Port]:
        """The interfaces declared among these blocks, by their rows."""
        return {row: port_of(blocks.octets(row), blocks.order) for row in blocks.rows_of(INTERFACE)}

    def _take(self, blocks: Blocks, declared: dict[int, Port]) -> None:
        """Keeps what these blocks say about sections and interfaces."""
        for row in blocks.rows_of(SECTION, INTERFACE, STATISTICS):
            if row in declared:
                port = declared[row]
                self._ports.append(port)
                self.interfaces.append(port.interface)
                self.fcs.append(port.fcs)
            elif int(blocks.heads[row, 0]) == SECTION:
                self._before = len(self.interfaces)
                room = _MAX_COMMENTS - len(self.comments)
                self.comments.extend(comments(blocks.octets(row)[24:-4], blocks.order)[:room])
            elif (drops := drops_of(blocks.octets(row), blocks.order)) is not None:
                at = self._before + drops[0]
                if at < len(self.interfaces):
                    self.interfaces[at] = dataclasses.replace(self.interfaces[at], dropped=drops[1])


def _layout(order: str) -> Layout:
    # A total length that is no multiple of four is rounded up, as Wireshark does.
    return Layout(order, 8, 4, 0, 12, _MAX_BLOCK, 4)


def _cut(window: Window, at: int, need: int) -> Damage | None:
    left = len(window.data) - at
    if not window.is_last or not left or left >= need:
        return None
    return Damage.at(window.base + at, "cut-record.block", left=left, need=need)


def _walk_damage(window: Window, found: Walk) -> Damage | None:
    if found.bad_length is not None:
        return Damage.at(window.base + found.end, "bad-block-length.long", claimed=found.bad_length)
    return _cut(window, found.end, found.need)


def _bad_version(blocks: Blocks) -> tuple[int, Damage] | None:
    """The first section of a version that nobody knows, with its row."""
    for row in blocks.rows_of(SECTION):
        wrong = _section_damage(blocks.octets(row), blocks.order, blocks.place(row))
        if wrong is not None:
            return row, wrong
    return None


def _section_damage(block: bytes, order: str, at: int) -> Damage | None:
    length, trailer = struct.unpack_from(order + "I", block, 4)[0], struct.unpack(order + "I", block[-4:])[0]
    if length != trailer:
        return Damage.at(at, "trailer-mismatch.section", length=length, trailer=trailer)
    if length < 28:
        return Damage.at(at, "bad-block-length.short", kind=f"{SECTION:#x}", length=length)
    (version,) = struct.unpack_from(order + "H", block, 12)
    return None if version == 1 else Damage.at(at, "bad-version", version=version)
