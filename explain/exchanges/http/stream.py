"""Which response belongs to which request: by order, and by what each side had received."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.streams import epochs
from explain.record import NamedTuple, dataclass
from explain.table import REVERSED, SYN

if TYPE_CHECKING:
    from explain.table import I8, U4, Bools, PacketTable, Rows

_HALF = 1 << 31
_SEQUENCE = 1 << 32
_MOST_PIECES = 8
_OPENING = re.compile(
    rb"[A-Z][A-Z_-]{0,20}(?:[ \t]+(?:\S+(?:[ \t]+[HTP/0-9.]*)?)?)?\r?\Z"
)  # of a request line (RFC 9112, 3)
_Follow = Callable[["Piece", bytes, int, tuple[int, ...]], None]


class Piece(NamedTuple):
    """A segment, or what follows its first octets, that was copied because a head begins or goes on in it.

    Attributes:
        row: of the packet table.
        epoch: how many connections of the flow had begun; see ``epochs``.
        seq, ack: of the first octet of the piece.
        size: octets that were sent, of which ``octets`` may hold fewer.
    """

    row: int
    flow: int
    epoch: int
    is_reversed: bool
    seq: int
    ack: int
    size: int
    octets: bytes


@dataclass(slots=True)
class Talk:
    """One request and what answered it; either may be missing.

    Attributes:
        first: of its segments.
        asked_row, told_row: where the heads of request and response begin; -1 for what is missing.
        told_seq: of the first octet of ``response``.
        ack, seq: of the request's first segment; ``end`` is a sequence number behind which the server knew it.
        request, response: the octets of the head and where in them it begins.
        more: rows of further segments: the rest of long heads, copies, interim responses.
        interim: statuses of responses that do not end the wait (RFC 9110, 15.2).
    """

    first: int
    asked_row: int
    told_row: int
    is_reversed: bool
    seq: int
    ack: int
    end: int
    request: tuple[bytes, int] | None = None
    response: tuple[bytes, int] | None = None
    more: tuple[int, ...] = ()
    interim: tuple[int, ...] = ()
    told_seq: int = 0

    def rows(self, data_row: int) -> list[int]:
        """All rows in order; ``data_row`` is the first data of an answer whose head was not copied, or -1."""
        rows = {self.asked_row, self.told_row, data_row, *self.more}
        rows.discard(-1)
        return sorted(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """All pieces in the order of time, as columns; see ``Piece``."""

    row: Rows
    flow: U4
    epoch: I8
    is_reversed: Bools
    seq: I8
    ack: U4
    size: I8
    octets: list[bytes]

    def take(self, some: I8) -> list[Piece]:
        """Some of them as records."""
        columns = (self.row, self.flow, self.epoch, self.is_reversed, self.seq, self.ack, self.size)
        octets = [self.octets[at] for at in some.tolist()]
        return list(map(Piece, *(column[some].tolist() for column in columns), octets))

    def question(self, at: int) -> Talk:
        """A piece that is one whole request, of which no response was copied."""
        row, seq = int(self.row[at]), int(self.seq[at])
        return Talk(row, row, -1, bool(self.is_reversed[at]), seq, int(self.ack[at]), seq, (self.octets[at], 0))


def pieces(table: PacketTable) -> Pieces:
    """The copied segments in the order of time, with the connection that each belongs to."""
    kept = table.contents["http"]
    rows = np.array(kept.row, np.int64)
    order = np.lexsort((rows, table.time_ns[rows]))
    rows = rows[order]
    skip = np.array(kept.skip, np.int64)[order]
    seq = table.seq[rows] + skip + (table.flags[rows] & SYN != 0)
    return Pieces(
        rows, table.flow[rows], epochs(table, rows), table.layers[rows] & REVERSED != 0,
        seq % _SEQUENCE, table.ack[rows], table.payload[rows] - skip,
        [kept.octets[at] for at in order.tolist()],
    )  # fmt: skip


def split(found: Pieces) -> tuple[I8, I8]:
    """Numbers of the pieces of connections that show only whole requests, each alone in its segment; of the others."""
    order = np.lexsort((found.epoch, found.flow))
    flow, epoch, seq = found.flow[order], found.epoch[order], found.seq[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (flow[1:] != flow[:-1]) | (epoch[1:] != epoch[:-1])
    is_alone = np.array([_is_a_request(octets) for octets in found.octets], np.bool_)[order]
    is_alone[1:] &= is_new[1:] | (seq[1:] != seq[:-1])
    begins = np.flatnonzero(is_new)
    is_plain = np.logical_and.reduceat(is_alone, begins).repeat(np.diff(np.append(begins, len(order))))
    return np.sort(order[is_plain]), np.sort(order[~is_plain])


def _is_a_request(octets: bytes) -> bool:
    """Whether this is the head of a request, and nothing more."""
    is_whole = octets.find(b"\r\n\r\n") + 4 == len(octets)
    return is_whole and not octets.startswith(b"HTTP") and _begins_a_head(octets)


def talks(found: list[Piece]) -> list[Talk]:
    """Requests with their responses, connection by connection."""
    streams: dict[tuple[int, int], list[Piece]] = {}
    for piece in found:
        streams.setdefault((piece.flow, piece.epoch), []).append(piece)
    return [talk for stream in streams.values() for talk in _Stream(stream).talks()]


class _Stream:
    """One connection."""

    def __init__(self, found: list[Piece]) -> None:
        self._pieces = found
        self._rest: dict[tuple[bool, int], Piece] | None = None
        self._used: set[tuple[bool, int]] = set()
        self._waiting: deque[Talk] = deque()
        self._all: list[Talk] = []

    def talks(self) -> list[Talk]:
        used = self._used
        for piece in self._pieces:
            key = (piece.is_reversed, piece.seq)
            if key in used:  # sent again, or the rest of a head that was read already
                self._note_copy(piece)
                continue
            octets = piece.octets
            if not _begins_a_head(octets):
                continue
            used.add(key)
            follow = self._answer if octets.startswith(b"HTTP") else self._ask
            end = octets.find(b"\r\n\r\n") + 4
            if end == len(octets):
                follow(piece, octets, 0, ())
            elif end < 4:
                whole = self._whole(piece, 0)
                if octets.startswith(b"HTTP") or _is_a_head(whole[0]):
                    follow(piece, *whole)
            else:
                self._several(piece, follow)
        return self._all

    def _several(self, piece: Piece, follow: _Follow) -> None:
        """The heads of a segment in which something follows the first one."""
        for start, is_whole in _starts(piece.octets):
            key = (piece.is_reversed, (piece.seq + start) % _SEQUENCE)
            if start and (key in self._used or (not is_whole and key in self._by_start())):
                continue
            self._used.add(key)
            follow(piece, *((piece.octets, start, ()) if is_whole else self._whole(piece, start)))

    def _by_start(self) -> dict[tuple[bool, int], Piece]:
        if self._rest is None:
            self._rest = {(one.is_reversed, one.seq): one for one in self._pieces}
        return self._rest

    def _note_copy(self, piece: Piece) -> None:
        for talk in reversed(self._all):
            if talk.is_reversed == piece.is_reversed and talk.seq == piece.seq and talk.request is not None:
                talk.more += (piece.row,)
                return

    def _whole(self, piece: Piece, start: int) -> tuple[bytes, int, tuple[int, ...]]:
        """The octets of a segment with those in which its head at ``start`` goes on, ``start``, and their rows."""
        octets, last = piece.octets, piece
        rows: list[int] = []
        for _ in range(_MOST_PIECES):
            key = (piece.is_reversed, (last.seq + last.size) % _SEQUENCE)
            following = self._by_start().get(key)
            is_ended = octets.find(b"\r\n\r\n", start) >= 0 or octets.find(b"\n\n", start) >= 0
            if following is None or is_ended or key in self._used or len(last.octets) != last.size:
                break
            self._used.add(key)
            octets, last = octets + following.octets, following
            rows.append(following.row)
        return octets, start, tuple(rows)

    def _ask(self, piece: Piece, octets: bytes, start: int, rest: tuple[int, ...]) -> None:
        waiting = self._waiting
        if len(waiting) == 1 and _is_after(piece.ack, waiting[0].ack):
            waiting.popleft()  # the client went on after it had received something
        row, seq, ack = piece.row, piece.seq, piece.ack
        talk = Talk(
            first=row,
            asked_row=row,
            told_row=-1,
            is_reversed=piece.is_reversed,
            seq=seq,
            ack=ack,
            end=(seq + start) % _SEQUENCE,
            request=(octets, start),
            response=None,
            more=rest,
        )
        if not self._joins_an_early_answer(talk):
            self._all.append(talk)
            waiting.append(talk)

    def _joins_an_early_answer(self, talk: Talk) -> bool:
        """Whether the response was recorded before the request, as frames out of order are."""
        last = self._all[-1] if self._all else None
        if last is None or last.request is not None or last.seq != talk.ack or not _is_after(last.ack, talk.end):
            return False
        last.request, last.asked_row, last.more = talk.request, talk.asked_row, (*last.more, *talk.more)
        last.first, last.is_reversed = min(last.first, talk.first), talk.is_reversed
        last.seq, last.ack, last.end = talk.seq, talk.ack, talk.end
        return True

    def _answer(self, piece: Piece, octets: bytes, start: int, rest: tuple[int, ...]) -> None:
        waits = bool(self._waiting) and _is_after(piece.ack, self._waiting[0].end)
        status = octets[start + 9 : start + 12]
        if waits and status.startswith(b"1") and status.isdigit() and status != b"101":
            talk = self._waiting[0]
            talk.more += (piece.row, *rest)
            talk.interim += (int(status),)
            return
        if waits:
            talk = self._waiting.popleft()
        else:
            talk = Talk(piece.row, -1, -1, not piece.is_reversed, piece.seq, piece.ack, 0)
            self._all.append(talk)
        talk.more += rest
        talk.response, talk.told_row, talk.told_seq = (octets, start), piece.row, piece.seq


def _begins_a_head(octets: bytes) -> bool:
    """Whether the first line is one of a head, or may still become one in the next segment."""
    if octets.startswith(b"HTTP"):
        return octets.startswith(b"HTTP/"[: len(octets)])
    end = octets.find(b"\n")
    return octets.rfind(b" HTTP/", 0, end) > 0 if end >= 0 else _OPENING.match(octets) is not None


def _is_a_head(octets: bytes) -> bool:
    from explain.exchanges.http.head import parse

    return parse(octets) is not None


def _is_after(one: int, other: int) -> bool:
    """Whether a sequence number lies behind another (RFC 9293, 3.4)."""
    return 0 < (one - other) % _SEQUENCE < _HALF


def _starts(octets: bytes) -> list[tuple[int, bool]]:
    """Where heads begin in a segment that goes on behind the first one, and whether each is whole."""
    from explain.exchanges.http.head import heads

    return [(head.start, head.is_whole) for head in heads(octets)]
