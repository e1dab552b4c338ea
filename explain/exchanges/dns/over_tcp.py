"""DNS over TCP: messages with their length before them, wherever segments begin and end (RFC 1035, 4.2.2; RFC 7766)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.dns.message import name_at
from explain.exchanges.tcp.streams import epochs
from explain.record import NamedTuple, dataclass
from explain.table import ACK, REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from explain.side_tables import ContentRows
    from explain.table import PacketTable, Rows

_PREFIX, _HEADER = 2, 12
_LONGEST_LABEL = 63
_HALF, _SEQUENCE = 1 << 31, 1 << 32
_RESPONSE = 0x80
_LAST_OPCODE = 6  # DSO (RFC 8490)
_TYPE, _ZONES = 2, (251, 252)  # IXFR, AXFR


class Whole(NamedTuple):
    """One message, as far as its octets were recorded.

    Attributes:
        row: of the segment in which it begins; more: of those in which it goes on.
        further: answers in the messages of the same response that follow it, as in the copy of a zone (RFC 5936, 2.2).
    """

    row: int
    octets: bytes
    more: tuple[int, ...]
    further: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What went over TCP.

    Attributes:
        wholes: the messages, in the order of their first rows.
        heard: by flow and direction, the last row in which a message begins.
        lost: likewise the last row with a part of a message whose beginning is missing.
    """

    wholes: list[Whole]
    heard: dict[tuple[int, bool], int]
    lost: dict[tuple[int, bool], int]

    def may_have_answered(self, table: PacketTable, row: int) -> bool:
        """Whether the other side said something behind a question, of which no message was recorded."""
        stream = int(table.flow[row]), not table.layers[row] & REVERSED
        if self.lost.get(stream, -1) > row:
            return True
        rows = table.by_flow.of(np.array([stream[0]]))
        rows = rows[rows > row]
        is_told = (table.layers[rows] & REVERSED != 0) == stream[1]
        if self.heard.get(stream, -1) > row:
            return _has_hole(table, rows[is_told & (table.payload[rows] > 0)], table.ack[row])
        own = rows[~is_told & (table.flags[rows] & ACK != 0)]
        told = (table.ack[own] - table.ack[row]).view(np.int32)
        return bool((told > 1).any())  # a FIN alone is one


def _has_hole(table: PacketTable, rows: Rows, due: np.uint32) -> bool:
    """Whether octets that follow the number that is due next are in none of these segments, and later ones are."""
    start = (table.seq[rows] - due).view(np.int32).astype(np.int64)
    order = np.argsort(start, kind="stable")
    reach = np.maximum.accumulate((start + table.payload[rows])[order])
    return bool((start[order] > np.concatenate(([0], reach[:-1]))).any())


class _Piece(NamedTuple):
    row: int
    at: int
    size: int
    octets: bytes


def read(table: PacketTable, kept: ContentRows) -> Told:
    """The messages of all segments that were copied."""
    rows = np.array(kept.row, np.int64)
    is_reversed = (table.layers[rows] & REVERSED != 0).tolist()
    columns = table.flow[rows], epochs(table, rows), table.seq[rows], table.payload[rows]
    streams: dict[tuple[int, int, bool], list[_Piece]] = {}
    for row, flow, epoch, seq, size, back, octets in zip(
        kept.row, *(column.tolist() for column in columns), is_reversed, kept.octets, strict=True
    ):
        streams.setdefault((flow, epoch, back), []).append(_Piece(row, seq, size, octets))
    told = Told([], {}, {})
    for (flow, _, back), pieces in streams.items():
        lost: list[int] = []
        wholes = list(_joined(_messages(pieces, lost)))
        told.wholes.extend(wholes)
        for into, found in ((told.heard, [one.row for one in wholes]), (told.lost, lost)):
            into[flow, back] = max(found, default=into.get((flow, back), -1))
    told.wholes.sort(key=lambda one: one.row)
    return told


def _messages(pieces: list[_Piece], lost: list[int]) -> Iterator[Whole]:
    """The messages of one direction; ``lost`` receives rows with parts of such as begin nowhere."""
    due: int | None = None  # where the next message begins
    begun: Whole | None = None  # one that goes on behind a hole
    for start, octets, own in _runs(pieces):
        end = start + len(octets)
        if begun is not None and due is not None and due > start:
            begun = begun._replace(more=(*begun.more, *_rows(own, start, due)))
            if due > end:
                continue
        at = due if due is not None and start <= due else _first(start, octets, own)
        if begun is not None:
            yield begun
            begun = None
        while at is not None and at < end:
            size = int.from_bytes(octets[at - start : at - start + _PREFIX], "big")
            if end - at < _PREFIX or size < _HEADER:
                at = None
                break
            due = at + _PREFIX + size
            row, *more = _rows(own, at, due)
            one = Whole(row, octets[at - start + _PREFIX : due - start], tuple(more))
            if due > end:
                begun = one
            else:
                yield one
            at = due
        if at is None:
            due = None
            lost.extend(row for row, _ in own)
    if begun is not None:
        yield begun


def _runs(pieces: list[_Piece]) -> Iterator[tuple[int, bytes, list[tuple[int, int]]]]:
    """Stretches without a hole: where each begins, its octets, and its rows with where each of these begins."""
    base = pieces[0].at
    ordered = sorted(((one.at - base + _HALF) % _SEQUENCE - _HALF, one.row, one) for one in pieces)
    start, octets, own = ordered[0][0], bytearray(), list[tuple[int, int]]()
    for at, row, piece in ordered:
        end = start + len(octets)
        if at > end:
            yield start, bytes(octets), own
            start, octets, own = at, bytearray(), []
            end = at
        if at + len(piece.octets) > end:
            octets += piece.octets[end - at :]
            own.append((row, end))
    yield start, bytes(octets), own


def _rows(own: list[tuple[int, int]], first: int, end: int) -> list[int]:
    """The rows in which octets from ``first`` to before ``end`` stand, in order."""
    ends = [at for _, at in own[1:]] + [end]
    return [row for (row, at), after in zip(own, ends, strict=True) if at < end and after > first]


def _first(start: int, octets: bytes, own: list[tuple[int, int]]) -> int | None:
    """Where a message begins at the start of a segment; None if nowhere."""
    return next((at for _, at in own if _is_likely(octets[at - start : at - start + _PREFIX + _HEADER + 1])), None)


def _is_likely(octets: bytes) -> bool:
    """Whether a length and the header of a message stand here, and a first label if it asks something."""
    size, questions = (int.from_bytes(octets[at : at + 2], "big") for at in (0, _PREFIX + 4))
    is_known = len(octets) > _HEADER and octets[_PREFIX + 2] >> 3 & 15 <= _LAST_OPCODE
    return is_known and size >= _HEADER and questions <= 1 and (not questions or octets[-1] <= _LONGEST_LABEL)


def _joined(wholes: Iterable[Whole]) -> Iterator[Whole]:
    """The messages with those that only go on with the response before them."""
    last: Whole | None = None
    more: list[int] = []
    further = 0
    for one in wholes:
        if last is not None and _goes_on(last.octets, one.octets):
            more += (one.row, *one.more)
            further += int.from_bytes(one.octets[6:8], "big")
            continue
        if last is not None:
            yield last._replace(more=(*last.more, *more), further=further)
        last, more, further = one, [], 0
    if last is not None:
        yield last._replace(more=(*last.more, *more), further=further)


def _goes_on(response: bytes, following: bytes) -> bool:
    """Whether a message is one more of the same response: without a question, or with that for a zone again."""
    if min(len(response), len(following)) < _HEADER or not response[2] & following[2] & _RESPONSE:
        return False
    if response[:2] != following[:2]:
        return False
    question = response[_HEADER : (name_at(response, _HEADER) or ("", 0))[1] + _TYPE]
    is_zone = int.from_bytes(question[-_TYPE:], "big") in _ZONES
    return not following[4] | following[5] or (is_zone and following.startswith(question, _HEADER))
