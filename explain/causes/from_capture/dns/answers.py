"""Name servers whose answers cannot be read, contradict each other or do not help: the way is right, they are not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen
from explain.table import BAD_CHECKSUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns

_PORT = 53
_TOGETHER_NS = 5_000_000_000
"""Nobody enters or removes a name between two answers that are not further apart."""


def look(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """One finding for each client and server: no message at all, or records that are announced and cannot be read."""
    if not len(part):
        return
    yield from _no_message(scene, part)
    is_whole = scene.table.layers[part.frames[part.bounds[1:] - 1]] & BAD_CHECKSUM == 0
    doubtful = [index for index in part.where("answered").tolist() if part.facts["is_odd"][index] and is_whole[index]]
    for some in _by_ends(part, [index for index in doubtful if part.fields(index).unreadable]):
        yield _seen(part, some, [int(part.rows(index)[-1]) for index in some], "records")
    yield from _denied(scene, part)
    yield from _left(part)


def _left(part: ExchangeColumns) -> Iterator[Seen]:
    """Servers that only name those who know, to clients that cannot go on from there: they wanted recursion."""
    left = [index for index in np.flatnonzero(part.facts["is_left"]).tolist() if part.fields(index).referred_to]
    for some in _by_ends(part, left):
        fields = part.fields(some[0])
        values = {
            "client": fields.client.address, "server": fields.server.address, "name": fields.name,
            "type": fields.type, "count": len(some), "case": "refers", "zone": fields.zone,
        }  # fmt: skip
        rows = [row for index in some for row in part.rows(index).tolist()]
        members = [(part, index) for index in some]
        yield Seen("dns-server-unreachable", "likely", members, rows, (), values)


def _denied(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Names that are said not to exist, while a record of another type is given. Source: RFC 4074, section 4.2."""
    servers, names = part.facts["server"], part.facts["raw_name"]
    missing = scene.open(part, "no-such-name")
    if not missing:
        return
    given: dict[tuple[int, bytes], list[int]] = {(servers[index], names[index]): [] for index in missing}
    for index in part.where("answered").tolist():
        if (both := given.get((servers[index], names[index]))) is not None and part.fields(index).wanted:
            both.append(index)
    starts = part.start_ns
    beside = {
        index: [one for one in given[servers[index], names[index]] if abs(starts[one] - starts[index]) < _TOGETHER_NS]
        for index in missing
    }
    for some in _by_ends(part, [index for index in missing if beside[index]]):
        rows = [int(part.rows(one)[-1]) for index in some for one in (index, beside[index][0])]
        seen = _seen(part, some, rows, "denied")
        types = {"denied": part.fields(some[0]).type, "given": part.fields(beside[some[0]][0]).type}
        yield replace(seen, values={**seen.values, **types})


def _no_message(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Questions without an answer, at whose port something arrived from the server that is no DNS."""
    table, unread = scene.table, np.concatenate((part.facts["unread"], part.facts["sent_back"]))
    unread = unread[(table.source_ports(unread) == _PORT) & (table.layers[unread] & BAD_CHECKSUM == 0)]
    if not len(unread):
        return
    came: dict[int, list[int]] = defaultdict(list)
    for row in unread.tolist():
        came[int(table.flow[row])].append(row)
    flows = {index: int(table.flow[part.rows(index)[0]]) for index in scene.open(part, "unanswered")}
    for some in _by_ends(part, [index for index, flow in flows.items() if flow in came]):
        rows = [row for index in some for row in (*part.rows(index).tolist(), *came[flows[index]])]
        yield _seen(part, some, rows, None)


def _by_ends(part: ExchangeColumns, indices: list[int]) -> Iterator[list[int]]:
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in indices:
        groups[part.facts["client"][index], part.facts["server"][index]].append(index)
    yield from groups.values()


def _seen(part: ExchangeColumns, some: list[int], rows: list[int], case: str | None) -> Seen:
    fields = part.fields(some[0])
    values = {
        "client": fields.client.address, "server": fields.server.address, "name": fields.name,
        "type": fields.type, "count": len(some), **({"case": case} if case else {}),
    }  # fmt: skip
    return Seen("dns-answer-malformed", "proved", [(part, index) for index in some], sorted(set(rows)), (), values)
