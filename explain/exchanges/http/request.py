"""``http.request``: a request of HTTP/1 and the response to it, heads only (RFC 9112)."""

from __future__ import annotations

from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct, ragged
from explain.exchanges.columns import ExchangeColumns, first_and_last_ns
from explain.exchanges.http.stream import Talk, pieces, split, talks
from explain.exchanges.tcp.streams import openings
from explain.model import Endpoint
from explain.record import dataclass
from explain.table import ACK, FIN, REVERSED, RST

if TYPE_CHECKING:
    from explain.exchanges.http.head import HttpHead
    from explain.table import I8, U4, Bools, PacketTable, Rows

OUTCOMES = ("answered", "unanswered")
_ANSWERED, _UNANSWERED = 0, 1
_DUE_NS = 3_000_000_000  # a server that is alive and willing begins to answer by then, mostly
_HALF = np.uint32(1 << 31)
_SEQUENCE = 1 << 32
_SPEAKS_TLS = (  # how nginx, Apache and Go say it
    b"plain HTTP request was sent to HTTPS port", b"speaking plain HTTP to an SSL-enabled server port",
    b"sent an HTTP request to an HTTPS server",
)  # fmt: skip
_MOST_COPIES = 4  # of earlier data that may come again before the answer
_PATIENCE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request on a connection, and its response.

    Attributes:
        method, host, path: as the request's head has them; None where only the response was recorded.
        status: None where no response came, or where its head was not captured or is no HTTP.
        version: of the request, else of the response.
        reason: the words behind the status.
        status_class: informational, success, redirection, client-error or server-error (RFC 9110, 15).
        wait_ns: from the request's head to the first octet of the answer.
        response_length: octets of the response's body, where its head says so.
        location: where a redirection points to.
        interim_responses: such as 100 Continue, which do not end the wait; interim_statuses: of each.
        was_due: the capture goes on long enough, or the connection ended, so an answer would be in it.
        is_unrecorded: the other end's numbers show that it sent something, which is not in the capture.
        is_one_sided: nothing that the other end sent in this connection was recorded, so no answer would be.
        is_whole: both heads were captured to their ends.
    """

    method: str | None
    host: str | None
    path: str | None
    status: int | None
    client: Endpoint
    server: Endpoint
    version: str | None
    reason: str | None
    status_class: str | None
    wait_ns: int | None
    content_type: str | None
    response_length: int | None
    location: str | None
    server_software: str | None
    user_agent: str | None
    interim_responses: int
    interim_statuses: tuple[int, ...]
    was_due: bool
    is_unrecorded: bool
    is_one_sided: bool
    is_whole: bool


def find(table: PacketTable) -> ExchangeColumns:
    """Requests at each place.

    Facts: ``needs_no_answer`` (bool[n]: the capture ended before an answer was due, or lacks it);
    ``server_errors``, ``wants_tls``, ``cut_short`` and ``stalled``, when they are called (which were answered with a
    status from 500 on, which by a server that says in words that it was asked for TLS in plain text, in which the
    server closed before the end of its answer, with the octets of the body until then and the row of the FIN, and
    in which it fell silent before that, with those octets, and the row in which the client gave up).
    """
    copied = pieces(table)
    alone, others = split(copied)
    found = talks(copied.take(others))
    own = copied.row[alone]
    first, asked, told = _beginnings(own, found)
    first_data, was_due, is_unrecorded = _server_data(table, asked, told)
    rows, counts = _rows(own, found, first_data)
    order = np.argsort(first, kind="stable")  # requests that begin in one frame stay as they stand in it
    frames = ragged(rows, (np.cumsum(counts) - counts)[order], counts[order])
    bounds = np.append(0, np.cumsum(counts[order]))
    start_ns, end_ns = first_and_last_ns(table, frames, bounds)
    outcome = np.where((told < 0) & (first_data < 0), _UNANSWERED, _ANSWERED).astype(np.uint8)
    told = np.where(told < 0, first_data, told)

    def fields(index: int) -> HttpRequest:
        at = int(order[index])
        talk = copied.question(int(alone[at])) if at < len(alone) else found[at - len(alone)]
        return _fields(table, talk, int(asked[at]), int(told[at]), bool(was_due[at]), bool(is_unrecorded[at]))

    return ExchangeColumns(
        kind="http.request",
        outcomes=OUTCOMES,
        outcome=outcome[order],
        frames=frames,
        bounds=bounds,
        start_ns=start_ns,
        end_ns=end_ns,
        fields=fields,
        facts=_facts(table, found, order - len(alone), ~was_due[order] | is_unrecorded[order]),
        patience_ns=_PATIENCE_NS,
    )


def _beginnings(own: Rows, found: list[Talk]) -> tuple[I8, I8, I8]:
    """The first row of each exchange, that of its request, and that of its answer or -1; ``own`` stand alone."""

    def behind(column: I8, name: str) -> I8:
        return np.concatenate((column, np.array([getattr(talk, name) for talk in found], np.int64)))

    return behind(own, "first"), behind(own, "asked_row"), behind(np.full(len(own), -1), "told_row")


def _facts(table: PacketTable, found: list[Talk], order: I8, needs_no_answer: Bools) -> dict[str, Any]:
    """What is asked of all requests at once; what few captures are asked is found when they are."""
    return {
        "needs_no_answer": needs_no_answer,
        "server_errors": partial(_server_errors, found, order),
        "wants_tls": cache(partial(_wants_tls, found, order)),
        "cut_short": cache(partial(_cut_short, table, found, order)),
        "stalled": cache(partial(_stalled, table, found, order)),
    }


def _server_errors(found: list[Talk], order: I8) -> list[int]:
    """Positions of the requests to which a server says that it failed itself (RFC 9110, 15.6)."""
    heads = (talk.response for talk in found)
    failed = [at for at, head in enumerate(heads) if head and head[0][head[1] + 8 : head[1] + 10] == b" 5"]
    return np.flatnonzero(among(order, failed)).tolist() if failed else []


def _wants_tls(found: list[Talk], order: I8) -> list[int]:
    """Positions of the requests whose server says that it speaks HTTPS alone, and was asked in plain HTTP."""
    heads = (talk.response for talk in found)
    some = [at for at, head in enumerate(heads) if head and head[0][head[1] + 8 : head[1] + 12] == b" 400"]
    told = [at for at in some if any(words in (found[at].response or (b"",))[0] for words in _SPEAKS_TLS)]
    return np.flatnonzero(among(order, told)).tolist() if told else []


def _cut_short(table: PacketTable, found: list[Talk], order: I8) -> dict[int, tuple[int, int]]:
    """By position, answers whose server said FIN before the octets that it had announced (RFC 9112, 8)."""
    told = np.array([talk.told_row if talk.request else -1 for talk in found], np.int64)
    some = np.flatnonzero(told >= 0)
    fin = table.by_flow.of(distinct(table.flow[told[some]].astype(np.int64)))
    fin = fin[table.flags[fin] & FIN != 0]
    key = np.int64(len(table) + 1)
    keys = table.sides[fin].astype(np.int64) * key + fin
    fin, keys = fin[np.argsort(keys)], np.sort(keys)
    side = table.sides[told[some]].astype(np.int64)
    at = np.append(keys, np.iinfo(np.int64).max)[np.searchsorted(keys, side * key + told[some])]
    is_closed = at < (side + 1) * key
    cut: dict[int, tuple[int, int]] = {}
    for one, fin_row in zip(some[is_closed].tolist(), (at - side * key)[is_closed].tolist(), strict=True):
        talk = found[one]
        begin, length = _announced(talk) if b"ontent-" in (talk.response or (b"",))[0] else (0, 0)
        end = int(table.seq[fin_row]) + int(table.payload[fin_row])
        if (sent := (end - talk.told_seq - begin) % _SEQUENCE) < length:
            cut[one] = sent, fin_row
    position = {one: at for at, one in enumerate(order.tolist())}
    return {position[one]: value for one, value in cut.items()}


def _stalled(table: PacketTable, found: list[Talk], order: I8) -> dict[int, tuple[int, int]]:
    """By position, answers in which the server fell silent before what it had announced, until the client closed."""
    told = np.array([talk.told_row if talk.request else -1 for talk in found], np.int64)
    some = np.flatnonzero(told >= 0)
    rows = table.by_flow.of(distinct(table.flow[told[some]].astype(np.int64)))
    is_end, side = table.flags[rows] & (FIN | RST) != 0, table.sides[told[some]].astype(np.int64)
    given_up = _next_of(table, rows[is_end], side ^ 1, told[some])
    closed = _next_of(table, rows[is_end], side, told[some])
    is_left = (given_up >= 0) & ((closed < 0) | (closed > given_up))
    some, side, given_up = some[is_left], side[is_left], given_up[is_left]
    last = _before(table, rows[table.payload[rows] > 0], side, given_up)
    heard = _before(table, rows, side ^ 1, given_up)
    is_long = (table.time_ns[given_up] - table.time_ns[last] >= _DUE_NS) & (table.window[heard] > 0)
    is_long &= table.ack[heard] - table.seq[last] - table.payload[last] - np.uint32(1) >= _HALF  # none is unrecorded
    position = {one: at for at, one in enumerate(order.tolist())}
    silent: dict[int, tuple[int, int]] = {}
    columns = some[is_long], last[is_long], given_up[is_long]
    for one, data, end in zip(*(column.tolist() for column in columns), strict=True):
        begin, length = _announced(found[one])
        sent = (int(table.seq[data]) + int(table.payload[data]) - found[one].told_seq - begin) % _SEQUENCE
        if sent < length:
            silent[position[one]] = sent, end
    return silent


def _next_of(table: PacketTable, rows: Rows, side: I8, after: I8) -> I8:
    """The first of some rows on each of these sides after another row; -1 if none."""
    size = np.int64(len(table) + 1)
    keys = np.append(np.sort(table.sides[rows] * size + rows), np.iinfo(np.int64).max)
    at = keys[np.searchsorted(keys, side * size + after, "right")]
    return np.where(at < (side + 1) * size, at - side * size, -1)


def _before(table: PacketTable, rows: Rows, side: I8, end: I8) -> I8:
    """The last of some rows on each of these sides before another row; there is one."""
    size = np.int64(len(table) + 1)
    keys = np.sort(table.sides[rows] * size + rows)
    found: I8 = keys[np.searchsorted(keys, side * size + end) - 1] - side * size
    return found


def _announced(talk: Talk) -> tuple[int, int]:
    """Where the body of an answer begins in its segments, and how many octets it has; 0 where its head does not say."""
    from explain.exchanges.http.head import parse

    request = parse(*talk.request) if talk.request else None
    response = parse(*talk.response) if talk.response else None
    if request is None or response is None or not response.is_whole or request.method in ("HEAD", "CONNECT"):
        return 0, 0
    length = 0 if "transfer-encoding" in response.fields else response.length or 0
    return response.end, length if length < _SEQUENCE >> 1 else 0


def _rows(alone: Rows, found: list[Talk], first_data: I8) -> tuple[Rows, I8]:
    """The rows of requests that stand alone, then of the others, and how many rows each has."""
    data, rest = np.split(first_data, [len(alone)])
    pairs = np.stack((alone, data), axis=1).ravel()
    others = [talk.rows(row) for talk, row in zip(found, rest.tolist(), strict=True)]
    counts = np.concatenate((1 + (data >= 0), np.array([len(some) for some in others], np.int64)))
    return np.concatenate((pairs[pairs >= 0], np.array(list(chain.from_iterable(others)), np.int64))), counts


def _server_data(table: PacketTable, asked: I8, told: I8) -> tuple[I8, Bools, Bools]:
    """For requests without a response: the row of the server's first data after them, -1 if none; which were due;
    and after which its end shows by its number that there was data (RFC 9293, 3.4).
    """
    first = np.full(len(asked), -1, np.int64)
    was_due, is_unrecorded = np.ones(len(asked), np.bool_), np.zeros(len(asked), np.bool_)
    some = np.flatnonzero(told < 0)
    if not len(some):
        return first, was_due, is_unrecorded
    asked = asked[some]
    own = _rows_of(table, table.flow[asked])
    size = np.int64(len(table) + 1)
    key = table.flow[asked] * size + asked
    opened = np.append(openings(table, table.flow[asked]), np.iinfo(np.int64).max)
    end = np.minimum(opened[np.searchsorted(opened, key, "right")], (table.flow[asked] + np.int64(1)) * size)
    is_reversed = table.layers[asked] & REVERSED != 0
    has_data, is_end = table.payload[own] > 0, table.flags[own] & (FIN | RST) != 0
    runs_back = table.layers[own] & REVERSED != 0
    for direction in (False, True):
        mine = np.flatnonzero(is_reversed == direction)
        span = asked[mine], key[mine], end[mine]
        first[some[mine]] = _first_new(table, own[has_data & (runs_back != direction)], *span)
        ended = _first_new(table, own[(table.flags[own] & FIN != 0) & (runs_back != direction)], *span)
        knows = table.flags[asked[mine]] & ACK != 0
        is_unrecorded[some[mine]] = (ended >= 0) & knows & (table.seq[ended] != table.ack[asked[mine]])
    is_unrecorded &= first < 0
    closing = own[is_end]
    closed = np.append(table.flow[closing] * size + closing, np.iinfo(np.int64).max)
    has_ended = closed[np.searchsorted(closed, key)] < end
    is_late = has_ended | (table.recorded(asked)[1] - table.time_ns[asked] >= _DUE_NS)
    was_due[some] = is_late & (table.first_of_side[table.sides[asked] ^ 1] >= 0)
    return first, was_due, is_unrecorded


def _first_new(table: PacketTable, back: Rows, asked: I8, key: I8, end: I8) -> I8:
    """The first of the rows ``back`` between ``key`` and ``end`` with data that the asking side had not; -1 if none.

    Who asks in a SYN (RFC 7413) had nothing yet, and confirms nothing.
    """
    found = np.full(len(asked), -1, np.int64)
    if not len(back):
        return found
    keys = table.flow[back] * np.int64(len(table) + 1) + back
    at, left = np.searchsorted(keys, key), np.arange(len(asked))
    for _ in range(_MOST_COPIES):
        left = left[at[left] < len(back)]
        left = left[keys[at[left]] < end[left]]
        if not len(left):
            break
        candidate = back[at[left]]
        is_new = table.seq[candidate] - table.ack[asked[left]] < _HALF
        is_new |= table.flags[asked[left]] & ACK == 0
        found[left[is_new]] = candidate[is_new]
        left = left[~is_new]
        at[left] += 1
    return found


def _rows_of(table: PacketTable, flows: U4) -> Rows:
    """Rows of these flows with data or an end, flow by flow, each in order."""
    rows = table.by_flow.of(distinct(flows.astype(np.int64)))
    ordered: Rows = rows[(table.payload[rows] > 0) | (table.flags[rows] & (FIN | RST) != 0)]
    return ordered


def _fields(table: PacketTable, talk: Talk, asked: int, told: int, was_due: bool, is_unrecorded: bool) -> HttpRequest:
    from explain.exchanges.http.head import parse

    request = parse(*talk.request) if talk.request else None
    response = parse(*talk.response) if talk.response else None
    client, server = _ends(table, asked if asked >= 0 else told, asked >= 0)
    wait = int(table.time_ns[told] - table.time_ns[asked]) if asked >= 0 and told >= 0 else None
    said = response.fields if response else {}
    status = response.status if response else None
    return HttpRequest(
        method=request.method if request else None,
        host=request.host if request else None,
        path=request.target if request else None,
        status=status,
        client=client,
        server=server,
        version=_version(request, response),
        reason=response.reason if response else None,
        status_class=None if status is None else _CLASSES.get(status // 100),
        wait_ns=wait,
        content_type=said.get("content-type"),
        response_length=response.length if response else None,
        location=said.get("location"),
        server_software=said.get("server"),
        user_agent=request.fields.get("user-agent") if request else None,
        interim_responses=len(talk.interim),
        interim_statuses=talk.interim,
        was_due=was_due,
        is_unrecorded=is_unrecorded,
        is_one_sided=bool(table.first_of_side[table.sides[asked if asked >= 0 else told] ^ 1] < 0),
        is_whole=(request is None or request.is_whole) and (response is None or response.is_whole),
    )


_CLASSES = {1: "informational", 2: "success", 3: "redirection", 4: "client-error", 5: "server-error"}


def _version(request: HttpHead | None, response: HttpHead | None) -> str | None:
    head = request if request and request.version else response
    return head.version if head else None


def _ends(table: PacketTable, row: int, is_from_client: bool) -> tuple[Endpoint, Endpoint]:
    source, target = map(Endpoint, table.end_texts(row), table.ports(row))
    return (source, target) if is_from_client else (target, source)
