"""Heads of HTTP that begin within a segment: where a client asks again before it was answered (RFC 9112, 9.3.2).

The end of a body tells where the next head begins (RFC 9112, 6.3 and 7.1), so such streams are read
along: of their segments the heads are copied, and the lengths of bodies and chunks are looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from explain.decode.block import Block
    from explain.table import I4, I8, U2, U8

# Compiled when a stream is read along, by ``re``, which keeps them: few captures have one.
_END = rb"\r?\n\r?\n"
_HEAD = rb"(?:HTTP/1\.[01] ([0-9]{3})|[A-Z][A-Z_-]{1,20} [^\s]{1,8000}(?: HTTP/1\.[01])?)"
_LENGTH = rb"(?i)\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r?\n"
_CHUNKED = rb"(?i)\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r?\n"
_CHUNK = rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,256})?\r?\n"
_BODILESS = (b"204", b"304")
_LONGEST_LINE, _LONGEST_HEAD = 300, 16_384
_MOST_ASKED, _MOST_STREAMS, _MOST_SEGMENTS = 8192, 1024, 100_000
_SEQUENCE, _HALF = 1 << 32, 1 << 31
_MIX = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


class Found(NamedTuple):
    """A head, or a part of one, in a segment: the row in the block, octets of the payload before it, itself."""

    row: int
    skip: int
    octets: bytes


@dataclass(slots=True)
class _Reading:
    """One direction of a connection.

    Attributes:
        at: sequence number of the next octet to be looked at.
        tail: a line or a head so far, which goes on there.
        is_in_chunks: the line of a chunk comes next, else a head.
        is_lost: it is no stream of messages that can be followed.
    """

    at: int
    tail: bytes = b""
    is_in_chunks: bool = False
    is_lost: bool = False

    def read(self, octets: bytes) -> list[tuple[int, int]]:
        """Where heads lie in what follows ``at``."""
        data, base = self.tail + octets, len(self.tail)
        spans: list[tuple[int, int]] = []
        at = 0
        while at < len(data):
            step = _chunk(data, at) if self.is_in_chunks else _head(data, at)
            if step is None:
                self.is_lost = True
                break
            if not self.is_in_chunks:
                spans.append((max(at - base, 0), (step.end or len(data)) - base))
            if not step.end:
                break
            at, self.is_in_chunks = step.then, step.is_chunked
        self.tail = data[at:]
        self.at = (self.at + max(at, len(data)) - base) % _SEQUENCE
        return spans


class _Step(NamedTuple):
    """A head or a chunk's line; ``end`` is 0 where it goes on, ``then`` is behind its body."""

    end: int
    then: int = 0
    is_chunked: bool = False


def _head(data: bytes, at: int) -> _Step | None:
    known = re.compile(_HEAD).match(data, at)
    if known is None and len(data) - at > _LONGEST_LINE:
        return None
    ended = re.compile(_END).search(data, at)
    if ended is None:
        return _Step(0) if len(data) - at < _LONGEST_HEAD else None
    if known is None:
        return None
    end, status = ended.end(), known[1]
    if status is not None and (status.startswith(b"1") or status in _BODILESS):
        return _Step(end, end)
    if re.compile(_CHUNKED).search(data, at, end):
        return _Step(end, end, is_chunked=True)
    length = re.compile(_LENGTH).search(data, at, end)
    if length is None and status is not None:
        return _Step(end, end + _HALF)  # the body ends with the connection
    return _Step(end, end + (int(length[1]) if length else 0))


def _chunk(data: bytes, at: int) -> _Step | None:
    """The line of a chunk; behind the last one no trailers are looked for."""
    line = re.compile(_CHUNK).match(data, at)
    if line is None:
        return _Step(0) if len(data) - at < _LONGEST_LINE and b"\n" not in data[at:] else None
    size = int(line[1], 16)
    if size:
        return _Step(line.end(), line.end() + size + 2, is_chunked=True)
    return _Step(line.end(), line.end() + 2) if data[line.end() : line.end() + 2] in (b"\r\n", b"\r", b"") else None


class Pipelined:
    """The streams that are read along."""

    def __init__(self) -> None:
        self._asked: dict[int, int] = {}
        self._streams: dict[int, _Reading] = {}
        self._segments = _MOST_SEGMENTS

    def __len__(self) -> int:
        return len(self._streams)

    def note(self, block: Block, rows: I8, ports: tuple[U2, U2], copies: list[bytes]) -> None:
        """See which of the heads that begin these segments ask again before an answer, or do not end with theirs."""
        if len(self._streams) >= _MOST_STREAMS:
            return
        at = block.rows(rows)
        seqs, acks = block.table.seq[at].tolist(), block.table.ack[at]
        asked = _keys(block, rows, ports) + acks.astype(np.uint64) * _MIX[2]
        for number, (key, octets) in enumerate(zip(asked.tolist(), copies, strict=True)):
            if octets.startswith(b"HTTP"):
                continue
            is_again = self._asked.setdefault(key, seqs[number]) != seqs[number]
            if is_again or (octets.find(b"\r\n\r\n") + 4 != len(octets) and not _fills(octets)):
                row, seq = rows[number : number + 1], seqs[number]
                self._streams.setdefault(int(_keys(block, row, ports)[0]), _Reading(seq))
                self._streams.setdefault(int(_keys(block, row, ports, back=True)[0]), _Reading(int(acks[number])))
        while len(self._asked) > _MOST_ASKED:
            del self._asked[next(iter(self._asked))]

    def follow(self, block: Block, rows: I8, header: I4, ports: tuple[U2, U2]) -> list[Found]:
        """The heads in these segments of the streams that are read along; ``header`` is that of TCP, in octets."""
        if not self._streams or self._segments <= 0:
            return []
        keys = _keys(block, rows, ports)
        mine = np.flatnonzero(np.isin(keys, np.fromiter(self._streams, np.uint64, len(self._streams))))
        found: list[Found] = []
        for at in mine.tolist():
            row, key = int(rows[at]), int(keys[at])
            reading = self._streams.get(key)
            if reading is None:
                continue
            self._segments -= 1
            octets = _payload(block, row, int(header[at]))
            skip = (reading.at - int(block.table.seq[block.first + row])) % _SEQUENCE
            if skip >= len(octets):
                continue
            spans = reading.read(octets[skip:])
            if reading.is_lost or len(octets) < int(block.table.payload[block.first + row]):
                del self._streams[key]
            found += [Found(row, skip + first, octets[skip + first : skip + end]) for first, end in spans]
        return found


def _fills(octets: bytes) -> bool:
    """Whether a segment is one message."""
    step = _head(octets, 0)
    return step is not None and step.end > 0 and step.then == len(octets)


def _payload(block: Block, row: int, header: int) -> bytes:
    one = np.array([row])
    start = int(block.transport_at(one)[0]) + header
    return bytes(block.slab.data.data[start : start + max(int(block.have_transport(one)[0]) - header, 0)])


def _keys(block: Block, rows: I8, ports: tuple[U2, U2], *, back: bool = False) -> U8:
    """A number for the stream that each of these segments belongs to, or for the one against it; uint64."""
    source, target = block.source[rows], block.target[rows]
    port, other = ports[0][rows].astype(np.uint64), ports[1][rows].astype(np.uint64)
    if back:
        source, target, port, other = target, source, other, port
    place = block.table.place[block.rows(rows)].astype(np.uint64)
    keys: U8 = (
        (source * _MIX[0]) ^ (target * _MIX[1]) ^ ((place << np.uint64(32) | port << np.uint64(16) | other) * _MIX[2])
    )
    return keys
