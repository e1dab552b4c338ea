"""TLS on each connection, as its beginning shows it.

Only records that begin a segment are looked at; what is encrypted stays unread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explain.decode.contents import GREETING
from explain.exchanges.tls.hello import HANDSHAKE, RECORD_HEADER, alert, hello, old_hello, records, version_name
from explain.record import dataclass
from explain.table import ACK, FRAGMENT, REVERSED, SYN, TCP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tls.hello import Alert, Hello
    from explain.table import PacketTable, Rows

_LONGEST_LINE = 80  # octets shown of what should have been TLS
_SURELY_KEPT = 1 << 20  # octets of one protocol in all; so many are copied at any rate
_MOST_JOINS = 4  # for each piece, on the average
_SEQUENCE = 1 << 32
ENCRYPTED_FROM = "TLS 1.3"
"""What the name of a version begins with whose certificates are encrypted, drafts included (RFC 8446, 4.4.2)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS on one connection, as its beginning shows it.

    Attributes:
        version: the one that the server chose, else the highest one that the client offered.
        server_name: what the client asked for.
        alert: the first fatal alert, else the first one that can be read; None if there is none.
        alert_by: ``client`` or ``server``; alert_frame: where it is.
        is_answered: the server said hello; is_resumed: and took up an earlier session again (before TLS 1.3).
        protocols: offered by the client; protocol: chosen by the server, where that can be read.
        hello_frame, answer_frame: the first ClientHello and the first ServerHello; None if not recorded.
        retry_frame: where the server asked for another ClientHello before it said hello.
        plain_answer: the line in plain text that the server said where its ServerHello was due; plain_frame: where.
        foreign_frame: where it said something there that is neither TLS nor such a line.
    """

    version: str | None
    server_name: str | None
    alert: str | None
    is_fatal: bool
    alert_by: str | None
    alert_frame: int | None
    is_answered: bool
    protocols: tuple[str, ...]
    protocol: str | None
    hello_frame: int | None
    answer_frame: int | None
    is_resumed: bool
    plain_answer: str | None
    plain_frame: int | None
    foreign_frame: int | None
    retry_frame: int | None


_NOTHING = Tls(
    version=None,
    server_name=None,
    alert=None,
    is_fatal=False,
    alert_by=None,
    alert_frame=None,
    is_answered=False,
    protocols=(),
    protocol=None,
    hello_frame=None,
    answer_frame=None,
    is_resumed=False,
    plain_answer=None,
    plain_frame=None,
    foreign_frame=None,
    retry_frame=None,
)


def by_connection(table: PacketTable, connections: ExchangeColumns) -> dict[int, Tls]:
    """What can be read of TLS on each connection, by its index in ``connections``."""
    segments = {row: octets for some in _hellos(table).values() for row, octets in some}
    if not segments:
        return {}
    is_copied = np.zeros(len(table), np.bool_)
    is_copied[list(segments)] = True
    at = np.flatnonzero(is_copied[connections.frames])
    owners = np.searchsorted(connections.bounds, at, "right") - 1
    found: dict[int, Tls] = {}
    client_side: dict[int, int] = {}
    wanted: dict[int, bytes] = {}  # the session that the client would like to go on with
    for row, index in sorted(zip(connections.frames[at].tolist(), owners.tolist(), strict=True)):
        side = int(table.layers[row]) & REVERSED
        read = [(hello(record), alert(record)) for record in records(segments[row])]
        for said, warned in read or [(old_hello(segments[row]), None)]:
            if said is not None:
                client_side.setdefault(index, side if said.is_client else side ^ REVERSED)
                if said.is_client and said.session:
                    wanted[index] = said.session
                is_again = wanted.get(index) == said.session
                found[index] = _with_hello(found.get(index, _NOTHING), said, int(table.frame[row]), is_again=is_again)
            elif warned is not None:
                by = _speaker(table, connections, index, side, client_side)
                found[index] = _with_alert(found.get(index, _NOTHING), warned, by, int(table.frame[row]))
    _note_other_answers(table, connections, found)
    return found


def plain_texts(table: PacketTable) -> dict[int, bytes]:
    """What begins segments like a line of plain text that servers say, by row."""
    kept = [table.contents[name] for name in (GREETING, "http") if name in table.contents]
    return {
        row: octets
        for some in kept
        for row, octets, skip in zip(some.row, some.octets, some.skip, strict=True)
        if not skip
    }


def _note_other_answers(table: PacketTable, connections: ExchangeColumns, found: dict[int, Tls]) -> None:
    """Enter what servers said where they owed a ServerHello: a line in plain text, or octets of another protocol."""
    answers: dict[int, int] = {}
    begins: list[int] = []
    for index, tls in found.items():
        if tls.hello_frame is None or tls.is_answered or tls.retry_frame is not None or tls.alert_by == "server":
            continue
        rows = connections.rows(index)
        hello_at = int(np.flatnonzero(table.frame[rows] == tls.hello_frame)[0])
        row, due = _first_answer(table, rows, hello_at), int(table.ack[rows[hello_at]])
        if row >= 0:
            answers[index] = row
            if due in (int(table.seq[row]), (int(table.seq[row]) + int(table.payload[row])) % _SEQUENCE):
                begins.append(row)
    texts = plain_texts(table) if answers else {}
    others = foreign(table, np.array(begins, np.int64), "tls")
    for index, row in answers.items():
        frame = int(table.frame[row])
        if row in texts:
            found[index] = replace(found[index], plain_answer=first_line(texts[row]), plain_frame=frame)
        elif row in others:
            found[index] = replace(found[index], foreign_frame=frame)


def foreign(table: PacketTable, rows: Rows, protocol: str) -> set[int]:
    """Segments recorded whole that would have been copied, had they begun a message of the protocol, and were not."""
    kept = table.contents.get(protocol)
    if not len(rows) or kept is None or not kept.row:
        return set()
    is_whole = (table.captured[rows] == table.length[rows]) & (table.payload[rows] >= RECORD_HEADER)
    is_whole &= table.layers[rows] & FRAGMENT == 0
    had_room = (rows < max(kept.row)) | (sum(map(len, kept.octets)) < _SURELY_KEPT)
    return set(rows[is_whole & had_room].tolist()).difference(kept.row)


def first_line(octets: bytes) -> str:
    """The line that begins here, as far as it is kept and worth showing."""
    line = octets.split(b"\n")[0].rstrip().decode("ascii", "backslashreplace")
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."


def _first_answer(table: PacketTable, rows: Rows, hello_at: int) -> int:
    """The row of what a server said in answer to a ClientHello, or before it if nothing else had been said; or -1."""
    hello = rows[hello_at]
    is_back = (table.layers[rows] ^ table.layers[hello]) & REVERSED != 0
    has_data = (table.payload[rows] > 0) & (table.layers[rows] & TCP != 0)
    is_first = table.flags[rows[0]] & (SYN | ACK) == SYN and not (has_data & ~is_back)[:hello_at].any()
    is_due = table.seq[rows] == table.ack[hello]
    is_due[:hello_at] = False
    some = rows[is_back & has_data & (is_due | is_first)]
    return int(some[0]) if len(some) else -1


def _hellos(table: PacketTable) -> Mapping[int, list[tuple[int, bytes]]]:
    """Segments that begin a record, by flow: rows in order, each with its octets and the rest of a long hello."""
    kept = table.contents.get("tls")
    if kept is None:
        return {}
    rows = np.array(kept.row, np.int64)
    columns = table.flow[rows], table.layers[rows] & REVERSED, table.seq[rows], table.payload[rows]
    pieces = list(zip(kept.row, *(column.tolist() for column in columns), kept.octets, strict=True))
    by_seq = {piece[1:4]: piece for piece in reversed(pieces)}
    used: set[tuple[int, int, int]] = set()
    joins = _MOST_JOINS * len(pieces)
    found: dict[int, list[tuple[int, bytes]]] = {}
    for row, flow, side, seq, size, octets in sorted(pieces):
        if (flow, side, seq) in used:
            continue
        whole, at = bytearray(octets), (seq + size) % _SEQUENCE
        while joins and _goes_on(whole) and (following := by_seq.get((flow, side, at))):
            used.add((flow, side, at))
            joins -= 1
            whole += following[5]
            at = (at + following[4]) % _SEQUENCE
        found.setdefault(flow, []).append((row, bytes(whole)))
    return found


def _goes_on(octets: bytearray) -> bool:
    """Whether a handshake record is longer than what there is of it."""
    size = RECORD_HEADER + int.from_bytes(octets[3:5], "big")
    return octets[:1] == bytes((HANDSHAKE,)) and (len(octets) < RECORD_HEADER or len(octets) < size)


def _speaker(
    table: PacketTable, connections: ExchangeColumns, index: int, side: int, client_side: dict[int, int]
) -> str:
    if index not in client_side:
        client = connections.fields(index).client
        row = int(connections.rows(index)[0])
        is_first = (table.end_texts(row)[0], table.ports(row)[0]) == (client.address, client.port)
        first = int(table.layers[row]) & REVERSED
        client_side[index] = first if is_first else first ^ REVERSED
    return "client" if side == client_side[index] else "server"


def _with_hello(tls: Tls, said: Hello, frame: int, *, is_again: bool) -> Tls:
    version = version_name(said.version)
    if said.is_retry:
        return replace(tls, retry_frame=tls.retry_frame or frame)
    if said.is_client:
        return replace(
            tls, version=tls.version if tls.is_answered else version,
            server_name=tls.server_name or said.server_name, protocols=tls.protocols or said.protocols,
            hello_frame=tls.hello_frame or frame,
        )  # fmt: skip
    chosen = said.protocols[0] if said.protocols else tls.protocol
    is_resumed = is_again and not version.startswith(ENCRYPTED_FROM)
    return replace(
        tls, version=version, is_answered=True, protocol=chosen, answer_frame=tls.answer_frame or frame,
        is_resumed=is_resumed,
    )  # fmt: skip


def _with_alert(tls: Tls, warned: Alert, by: str, frame: int) -> Tls:
    if tls.alert is not None and (tls.is_fatal or not warned.is_fatal):
        return tls
    return replace(tls, alert=warned.name, is_fatal=warned.is_fatal, alert_by=by, alert_frame=frame)
