"""The sections of a pcapng file, and what each window of one holds; what is not needed is skipped.

Source: draft-ietf-opsawg-pcapng, sections 3 and 4.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING

from explain.capture.blocks import (
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
from explain.capture.chains import walk_window
from explain.capture.options import COMMENT, options, text
from explain.capture.packets import frames_of, packet_guess, packets_of
from explain.capture.step import Step
from explain.capture.walk import Layout, Walk, walk
from explain.model import Damage, Interface

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.capture.source import Window

SECTION_MARK = SECTION.to_bytes(4, "big")
_MAX_BLOCK = (128 << 20) + (128 << 10) + 32
"""A block longer than the largest frame with its options is damage. Source: Wireshark, wiretap/pcapng.c."""
_MAX_SECTION = 16 << 20
_MAX_INTERFACES = 65535
_MAX_COMMENTS = 1000


def byte_order(head: bytes) -> str | None:
    """``<`` or ``>`` if these octets (12 or more) begin a pcapng section, else None."""
    if len(head) < 12 or head[:4] != SECTION_MARK:
        return None
    return {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(head[8:12])


def first_section_problem(peek: Callable[[int], bytes]) -> str | None:
    """Why the first section header cannot be used, in words; None if it can.

    Args:
        peek: gives the first octets of the file, fewer only where it is shorter.
    """
    head = peek(12)
    order = byte_order(head)
    if order is None:
        return f"the pcapng section header is cut: {len(head)} octets are there"
    (length,) = struct.unpack_from(order + "I", head, 4)
    if not 28 <= length <= _MAX_SECTION or length % 4:
        return f"the pcapng section header claims {length} octets"
    block = peek(length)
    if len(block) < length:
        return f"the pcapng section header is cut: {len(block)} of {length} octets are there"
    damage = _section_damage(block, order, 0)
    return damage.message if damage else None


class PcapngReader:
    """Reads pcapng blocks, window after window."""

    def __init__(self) -> None:
        self.first = 0
        self.interfaces: list[Interface] = []
        self.fcs: list[int] = []
        self.comments: list[str] = []
        self._ports: list[Port] = []
        self._before = 0
        self._order = "<"

    def read(self, window: Window) -> Step:
        """Reads the whole blocks of a window, up to the next section; see ``FormatReader``."""
        if window.data[window.first : window.first + 4].tobytes() == SECTION_MARK:
            return self._read_section(window)
        found = walk_window(window, _layout(self._order), packet_guess(self._order))
        if window.data[found.end : found.end + 4].tobytes() == SECTION_MARK:
            # Its length may be in the other byte order: what the walk thought of it means nothing.
            found = Walk(found.offsets, found.end, None, 12)
        if not len(found.offsets):
            return Step(None, found.end, found.need, _walk_damage(window, found))
        return self._read_blocks(window, found)

    def _read_section(self, window: Window) -> Step:
        first, at = window.first, window.base + window.first
        head = bytes(window.data[first : first + 12])
        order = byte_order(head)
        if order is None:
            damage = Damage("bad-byte-order", at, "a section begins here, but its byte order is none")
            return Step(None, first, 12, damage if len(head) == 12 else _cut(window, first, 12))
        found = walk(window.data, first, _layout(order), first + 1)
        if not len(found.offsets):
            return Step(None, first, found.need, _walk_damage(window, found))
        block = bytes(window.data[first : found.end])
        wrong = _section_damage(block, order, at)
        if wrong is not None:
            return Step(None, first, 12, wrong)
        self._order, self._before, self._ports = order, len(self.interfaces), []
        comments = [text(value) for code, value in options(block[24:-4], order) if code == COMMENT]
        self.comments.extend(comments[: _MAX_COMMENTS - len(self.comments)])
        return Step(None, found.end, 12, is_restart=True)

    def _read_blocks(self, window: Window, found: Walk) -> Step:
        blocks = blocks_of(window, self._order, found.offsets)
        whole, damage, is_restart = len(found.offsets), _walk_damage(window, found), False
        sections = (blocks.heads[:, 0] == SECTION).nonzero()[0]
        if len(sections):
            whole, damage, is_restart = int(sections[0]), None, True
        bad = bad_length(blocks.first(whole))
        whole, damage = bad or (whole, damage)
        blocks = blocks.first(whole)
        declared = self._declared(blocks)
        if len(declared) + len(self.interfaces) > _MAX_INTERFACES:
            whole = declared[_MAX_INTERFACES - len(self.interfaces)][0]
            damage = Damage("too-many-interfaces", blocks.place(whole), f"more than {_MAX_INTERFACES} interfaces")
            blocks = blocks.first(whole)
        ports = self._ports + [port for _, port in declared]
        frames, wrong = frames_of(blocks, packets_of(blocks, len(self._ports)), ports, self._before)
        whole, damage = wrong or (whole, damage)
        self._take(blocks.first(whole), declared)
        is_all = whole == len(found.offsets)
        end = found.end if is_all else int(found.offsets[whole])
        return Step(frames, end, found.need if is_all else 12, damage, is_restart)

    def _declared(self, blocks: Blocks) -> list[tuple[int, Port]]:
        """The interfaces declared among these blocks, with their rows."""
        rows = (blocks.heads[:, 0] == INTERFACE).nonzero()[0].tolist()
        return [(row, port_of(blocks.octets(row), blocks.order)) for row in rows]

    def _take(self, blocks: Blocks, declared: list[tuple[int, Port]]) -> None:
        """Keeps what these blocks say about interfaces."""
        for row, port in declared:
            if row < len(blocks.offsets):
                self._ports.append(port)
                self.interfaces.append(port.interface)
                self.fcs.append(port.fcs)
        for row in (blocks.heads[:, 0] == STATISTICS).nonzero()[0].tolist():
            drops = drops_of(blocks.octets(row), blocks.order)
            if drops is not None and drops[0] < len(self._ports):
                at = self._before + drops[0]
                self.interfaces[at] = dataclasses.replace(self.interfaces[at], dropped=drops[1])


def _layout(order: str) -> Layout:
    # A total length that is no multiple of four is rounded up, as Wireshark does.
    return Layout(order, 8, 4, 0, 12, _MAX_BLOCK, 4)


def _cut(window: Window, at: int, need: int) -> Damage | None:
    left = len(window.data) - at
    if not window.is_last or not left or left >= need:
        return None
    return Damage("cut-record", window.base + at, f"the file ends inside a block: {left} of {need} octets are there")


def _walk_damage(window: Window, found: Walk) -> Damage | None:
    if found.bad_length is not None:
        return Damage("bad-block-length", window.base + found.end, f"a block that claims {found.bad_length} octets")
    return _cut(window, found.end, found.need)


def _section_damage(block: bytes, order: str, at: int) -> Damage | None:
    length, trailer = struct.unpack_from(order + "I", block, 4)[0], struct.unpack(order + "I", block[-4:])[0]
    if length != trailer:
        return Damage("trailer-mismatch", at, f"a section header of {length} octets, whose end says {trailer}")
    if length < 28:
        return Damage("bad-block-length", at, f"a section header with no more than {length} octets")
    (version,) = struct.unpack_from(order + "H", block, 12)
    return None if version == 1 else Damage("bad-version", at, f"a section of version {version}")
