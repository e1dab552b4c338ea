"""Requests that a server received and never answered."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen, is_housekeeping
from explain.exchanges.columns import rows_of
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.late import refused_late
from explain.table import FIN, REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Member
    from explain.exchanges.columns import ExchangeColumns
    from explain.table import Rows

_AT_ONCE_NS = 1_000_000_000
_HALF = np.uint32(1 << 31)
_SLOW = ("tcp-application-hangs", "server-slow")  # whose patience ended
_RIVALS = ("server-slow", "partial-loss", "pmtu-blackhole", "idle-timeout-in-middlebox")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each server; what is wrong with the connection itself says more and comes before."""
    part, connections = scene.part("http.request"), scene.part("tcp.connection")
    silent = [index for index in scene.open(part, "unanswered") if not is_housekeeping(part, index)]
    groups: dict[tuple[str, int | None, bool], list[int]] = defaultdict(list)
    late: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index, carrier in zip(silent, carriers(scene, connections, part, silent), strict=True):
        if carrier in scene.accounted["tcp.connection"]:
            if _came_late(connections, carrier, int(part.rows(index)[0])):
                server = part.fields(index).server
                late[server.address, server.port].append(index)
            else:
                scene.accounted["http.request"].add(index)
        elif is_received(scene, connections.rows(carrier), int(part.rows(index)[0])):
            server = part.fields(index).server
            is_closed = _is_closed(connections, carrier) or _is_taken_for_the_end(connections, carrier)
            groups[server.address, server.port, is_closed].append(index)
    yield from _too_late(part, late)
    yield from _cut_short(scene, part, connections)
    yield from _stalled(scene, part, connections)
    for (server, port, is_closed), indices in groups.items():
        fields = part.fields(indices[0])
        values = {
            "server": server, "port": port, "host": fields.host, "path": fields.path, "count": len(indices),
        }  # fmt: skip
        members = [(part, index) for index in indices]
        rows = rows_of(members)
        if is_closed:
            yield Seen("tcp-application-closes", "likely", members, rows, _SLOW, values | {"case": "unanswered"})
        else:
            yield Seen("tcp-application-hangs", "likely", members, rows, _RIVALS, values)


def _too_late(part: ExchangeColumns, late: dict[tuple[str, int | None], list[int]]) -> Iterator[Seen]:
    """Requests on connections that their server had closed."""
    for (server, port), indices in late.items():
        first = part.fields(indices[0])
        values = {
            "case": "late", "server": server, "port": port, "host": first.host, "path": first.path,
            "count": len(indices), "client": first.client.address,
        }  # fmt: skip
        members = [(part, index) for index in indices]
        yield Seen("tcp-application-closes", "likely", members, rows_of(members), (), values)


def _cut_short(scene: Scene, part: ExchangeColumns, connections: ExchangeColumns) -> Iterator[Seen]:
    """Answers in which the server closed before it had sent what it had announced, though the client still listened."""
    cut: dict[int, tuple[int, int]] = part.facts["cut_short"]() if len(part) else {}
    of = {
        index: carrier
        for index, carrier in zip(cut, carriers(scene, connections, part, list(cut)), strict=True)
        if _is_closed(connections, carrier)
    }
    for members, rows, values in _in_part(scene, part, of, cut):
        yield Seen("tcp-application-closes", "likely", members, rows, (), values | {"case": "cut-short"})


def _stalled(scene: Scene, part: ExchangeColumns, connections: ExchangeColumns) -> Iterator[Seen]:
    """Answers that stopped in the middle, until the client gave up, on connections of which nothing else is known."""
    silent: dict[int, tuple[int, int]] = part.facts["stalled"]() if len(part) else {}
    of = dict(zip(silent, carriers(scene, connections, part, list(silent)), strict=True))
    for members, rows, values in _in_part(scene, part, of, silent):
        yield Seen("tcp-application-hangs", "possible", members, rows, _RIVALS, values | {"case": "stalled"})


def _in_part(
    scene: Scene, part: ExchangeColumns, carrier: dict[int, int], came: dict[int, tuple[int, int]]
) -> Iterator[tuple[list[Member], list[int], dict[str, Any]]]:
    """Answers of which the end never came, by server: the requests, the rows that show it, and what is told.

    Args:
        scene: what was seen.
        part: the requests.
        carrier: the connections of those that are meant; what another rule tells of is left out.
        came: how many octets of each answer came, and the row that ended it.
    """
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index, connection in carrier.items():
        if connection not in scene.accounted["tcp.connection"]:
            server = part.fields(index).server
            groups[server.address, server.port].append(index)
    for (server, port), some in groups.items():
        members = [(part, index) for index in some]
        first = part.fields(some[0])
        values = {
            "server": server, "port": port, "client": first.client.address, "host": first.host, "path": first.path,
            "count": len(some), "announced": first.response_length, "sent": came[some[0]][0],
        }  # fmt: skip
        yield members, sorted({*rows_of(members), *(came[index][1] for index in some)}), values


def _is_closed(connections: ExchangeColumns, index: int) -> bool:
    """Whether the server was the first to say that it has nothing more to send."""
    client, server = connections.facts["course"].fins[:, index].tolist()
    return bool(server < client)


def _is_taken_for_the_end(connections: ExchangeColumns, index: int) -> bool:
    """Whether the client closed its half right after it had asked, and the server then closed the other one at once."""
    course, moments = connections.facts["course"], connections.facts["moments"]
    client, server = course.fins[:, index].tolist()
    if not client < server < NEVER:
        return False
    talk = moments.talk(index)
    fin, said = talk.where(FIN, 0)[0], np.flatnonzero((talk.role == 0) & (talk.length > 0))
    times = talk.time_ns[[said[-1], fin, talk.where(FIN, 1)[0]]]
    return bool((np.diff(times) < _AT_ONCE_NS).all())


def _came_late(connections: ExchangeColumns, index: int, row: int) -> bool:
    """Whether the server had closed in order after an answer, and refused with RST what came then."""
    talk = connections.facts["moments"].talk(index)
    asked = int(np.searchsorted(talk.rows, row))
    has_answered = bool((talk.length[:asked][talk.role[:asked] == 1] > 0).any())
    return has_answered and asked in refused_late(talk)


def carriers(scene: Scene, connections: ExchangeColumns, part: ExchangeColumns, some: list[int]) -> list[int]:
    """The connection that carried each of these requests or look-ups; every row of TCP data belongs to one."""
    if not some:
        return []
    rows = part.frames[part.bounds[some]]
    is_asked = np.zeros(len(scene.table), np.bool_)
    is_asked[rows] = True
    at = np.flatnonzero(is_asked[connections.frames])
    of_row = dict(
        zip(
            connections.frames[at].tolist(),
            (np.searchsorted(connections.bounds, at, "right") - 1).tolist(),
            strict=True,
        )
    )
    return [of_row[row] for row in rows.tolist()]


def is_received(scene: Scene, rows: Rows, row: int) -> bool:
    """Whether the server's host acknowledged the request: the network did its part."""
    table = scene.table
    back = rows[(rows > row) & ((table.layers[rows] & REVERSED) != (table.layers[row] & REVERSED))]
    return bool((table.ack[back] - table.seq[row] - table.payload[row] < _HALF).any())
