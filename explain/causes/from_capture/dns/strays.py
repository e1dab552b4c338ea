"""Answers that no resolver takes: from where nobody was asked, to another question, with another id, or one too many.

Source: RFC 5452, section 9.1: addresses, ports, id and question of an answer have to be those that were asked.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.dns.errors import errors_about
from explain.causes.from_capture.scene import Member, Scene, Seen, is_housekeeping
from explain.record import NamedTuple
from explain.table import BAD_CHECKSUM, REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dns.lookup import DnsLookup

_PORT = 53
_SOON_NS = 10_000_000_000


class _Stray(NamedTuple):
    """What came in place of an answer: how it differs, from which server and port, its rows and exchanges."""

    case: str
    server: str
    port: int
    rows: tuple[int, ...]
    members: tuple[Member, ...]


def look(scene: Scene, part: ExchangeColumns, errors: Mapping[int, Sequence[Member]]) -> Iterator[Seen]:
    """One finding for each client, server and way in which answers are not what was asked for."""
    yield from _rivals(scene, part, errors)
    silent = [index for index in scene.open(part, "unanswered") if not is_housekeeping(part, index)]
    if not silent:
        return
    told, elsewhere = _unasked(scene, part), _elsewhere(scene)
    if not told and not elsewhere:
        return
    groups: dict[tuple[Any, ...], list[tuple[int, _Stray]]] = defaultdict(list)
    for index in silent:
        stray = _of_another_port(scene, part, index, elsewhere) or _stray(scene, part, index, told)
        if stray:
            ends = part.facts["client"][index], part.facts["server"][index]
            groups[(*ends, stray.case, stray.server, stray.port)].append((index, stray))
    carried = scene.exchanges.carried(part, [index for some in groups.values() for index, _ in some])
    for some in groups.values():
        members = [member for index, stray in some for member in ((part, index), *carried[index], *stray.members)]
        members += errors_about(scene, members, errors)
        yield _seen(part, some, members)


def _rivals(scene: Scene, part: ExchangeColumns, errors: Mapping[int, Sequence[Member]]) -> Iterator[Seen]:
    """Questions that were asked once and answered twice, and not alike: somebody else answers, too."""
    table = scene.table
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in (index for index, rows in enumerate(part.facts["rival"]) if rows):
        if part.fields(index).rival_answers:
            groups[part.facts["client"][index], part.facts["server"][index]].append(index)
    for some in groups.values():
        fields: DnsLookup = part.fields(some[0])
        both = list(part.facts["rival"][some[0]])
        members: list[Member] = [(part, index) for index in some]
        members += errors_about(scene, members, errors)
        ttl, other_ttl = table.ttl[both].tolist()
        values = {
            "client": fields.client.address, "server": fields.server.address, "name": fields.name,
            "type": fields.type, "count": len(some), "case": "twice" if ttl == other_ttl else "twice-far",
            "first": fields.wanted or fields.answers, "second": fields.rival_answers,
            "ttl": ttl, "other_ttl": other_ttl,
        }  # fmt: skip
        rows = {row for index in some for row in part.rows(index).tolist()}
        yield Seen("dns-answer-malformed", "likely", members, sorted(rows), (), values)


def _seen(part: ExchangeColumns, some: list[tuple[int, _Stray]], members: list[Member]) -> Seen:
    first, stray = some[0]
    fields: DnsLookup = part.fields(first)
    values = {
        "client": fields.client.address, "server": fields.server.address, "name": fields.name,
        "type": fields.type, "count": len(some), "case": stray.case, "from": stray.server, "port": stray.port,
    }  # fmt: skip
    rows = {row for index, one in some for row in (*part.rows(index).tolist(), *one.rows)}
    return Seen("dns-answer-malformed", "proved", list(dict.fromkeys(members)), sorted(rows), (), values)


def _unasked(scene: Scene, part: ExchangeColumns) -> dict[tuple[int, int], list[int]]:
    """The answers to no question that was recorded, by who heard them at which port."""
    table, first = scene.table, part.frames[part.bounds[:-1]]
    is_told = (part.outcome != part.outcomes.index("unanswered")) & (table.source_ports(first) == _PORT)
    is_told &= (table.layers[first] & BAD_CHECKSUM == 0) & (table.target_ports(first) != _PORT)
    some = np.flatnonzero(is_told)
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    ends = table.targets(first[some]).tolist(), table.target_ports(first[some]).tolist()
    for index, client, port in zip(some.tolist(), *ends, strict=True):
        found[client, port].append(index)
    return found


def _stray(
    scene: Scene, part: ExchangeColumns, index: int, told: Mapping[tuple[int, int], Sequence[int]]
) -> _Stray | None:
    """What reached the ports of the questions and is not what was asked for: all that differs as the first does."""
    table, rows = scene.table, part.rows(index)
    client = int(part.facts["client"][index])
    found: _Stray | None = None
    for row, port in zip(rows.tolist(), table.source_ports(rows).tolist(), strict=True):
        for other in told.get((client, port), ()):
            came = int(part.rows(other)[0])
            waited_ns = int(table.time_ns[came] - table.time_ns[row])
            if not 0 <= waited_ns < _SOON_NS or table.place[came] != table.place[row]:
                continue
            case = _difference(part.fields(index), part.fields(other), table.flow[came] == table.flow[row])
            if case and (found is None or found.case == case):
                all_rows = part.rows(other)
                so_far = found or _Stray(case, part.fields(other).server.address, _PORT, (), ())
                members = (*so_far.members, (part, other), *scene.exchanges.inside(all_rows))
                found = so_far._replace(rows=(*so_far.rows, *all_rows.tolist()), members=members)
    return found


def _difference(asked: DnsLookup, told: DnsLookup, is_from_asked: bool) -> str | None:
    is_same = (asked.name, asked.type) == (told.name, told.type)
    if not is_from_asked:
        return "other-address" if is_same and asked.id == told.id else None
    if is_same:
        return "other-id"
    return "other-question" if asked.id == told.id else None


def _elsewhere(scene: Scene) -> dict[int, tuple[int, int]]:
    """The flows that were only answered from another port of the host that was asked: their number and the other's."""
    part = scene.part("udp.flow")
    if not len(part):
        return {}
    other = part.facts["other"]
    some = np.flatnonzero(other >= 0)
    opener, answer = part.facts["opener"][some], part.facts["opener"][other[some]]
    table = scene.table
    is_port = (table.target_ports(opener) == _PORT) & (table.source_ports(answer) != _PORT)
    flows = table.flow[opener[is_port]].tolist()
    return dict(zip(flows, zip(some[is_port].tolist(), other[some[is_port]].tolist(), strict=True), strict=True))


def _of_another_port(
    scene: Scene, part: ExchangeColumns, index: int, elsewhere: Mapping[int, tuple[int, int]]
) -> _Stray | None:
    """What came from another port of the server; all of it, as each repetition may have a port of its own."""
    table, udp = scene.table, scene.part("udp.flow")
    found = [elsewhere[flow] for flow in dict.fromkeys(table.flow[part.rows(index)].tolist()) if flow in elsewhere]
    if not found:
        return None
    answers = [udp.rows(other) for _, other in found]
    is_back = [table.layers[rows] & REVERSED == table.layers[rows[:1]] & REVERSED for rows in answers]
    rows = tuple(row for some, back in zip(answers, is_back, strict=True) for row in some[back].tolist())
    server = table.addresses.text(table.sources(answers[0][:1])[0])
    members = tuple((udp, one) for pair in found for one in pair)
    return _Stray("other-port", server, int(table.source_ports(answers[0][:1])[0]), rows, members)
