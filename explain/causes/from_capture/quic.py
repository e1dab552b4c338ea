"""Connections of QUIC that were not opened: unlike UDP itself, a server that speaks QUIC answers at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import LAST_MOMENT_NS, Scene, Seen
from explain.decode.contents import QUIC
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.udp.quic import QuicTalk
    from explain.table import Rows

_MAY_DROP = (
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-router-forward", "filter-on-target-output",
    "filter-on-switch", "pmtu-blackhole",
)  # fmt: skip
"""What drops large datagrams, or those to one port, and nothing else; an Initial has 1200 octets (RFC 9000, 14.1)."""


def look(scene: Scene) -> Iterator[Seen]:
    """Who does not answer at all, then which handshakes ended before the connection was open."""
    if QUIC not in scene.table.contents:
        return
    part = scene.part("udp.flow")
    some = part.with_rows(np.array(scene.table.contents[QUIC].row, np.int64)).tolist()
    talks = {index: talk for index in some if (talk := part.facts["said"].quic(index))}
    for rule in (_unanswered, _not_opened):
        for seen in rule(scene, part, talks):
            scene.account(seen)
            yield seen


def _unanswered(scene: Scene, part: ExchangeColumns, talks: dict[int, QuicTalk]) -> Iterator[Seen]:
    """One finding for each server; whether TCP to it works says much of why."""
    from explain.causes.from_capture.tcp.connections import NO_SYN_ACK

    may_be = (*(one for one in NO_SYN_ACK if one != "tcp-accept-queue-full"), "pmtu-blackhole")
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index in scene.open(part, "unanswered"):
        if index in talks:
            server = part.fields(index).server
            groups[server.address, server.port].append(index)
    for (address, port), some in groups.items():
        members = [(part, index) for index in some]
        rows = rows_of(members)
        client = part.fields(some[0]).client.address
        values: dict[str, object] = {"server": address, "port": port, "count": len(some), "client": client}
        why = scene.one_link.possible(rows, may_be)
        if taken := _by_tcp(scene, part.rows(some[0])[:1], (address, port)):
            values |= {"case": "fallback", "connections": len(taken)}
            why = tuple(one for one in why if one in _MAY_DROP)
        yield Seen("quic-unanswered", "possible", members, rows, why, values)


def _not_opened(scene: Scene, part: ExchangeColumns, talks: dict[int, QuicTalk]) -> Iterator[Seen]:
    """One finding for each pair; none where another attempt went well, for then this one may have lost a race."""
    groups: dict[tuple[str, str, int | None, str], list[int]] = defaultdict(list)
    went_well = set()
    for index, talk in talks.items():
        client, server = part.fields(index).client.address, part.fields(index).server
        if talk.open_frame is not None:
            went_well.add((client, server.address, server.port))
        elif index not in scene.accounted[part.kind] and (who := _who_ended(scene, part.rows(index)[-1], talk)):
            groups[client, server.address, server.port, who].append(index)
    for (client, address, port, who), some in groups.items():
        is_won = who == "client" and _by_tcp(scene, part.rows(some[0])[:1], (address, port))
        if is_won or (client, address, port) in went_well:
            continue
        members = [(part, index) for index in some]
        values = {"server": address, "port": port, "count": len(some), "client": client, "case": who}
        yield Seen("quic-not-opened", "possible", members, rows_of(members), (), values)


def _who_ended(scene: Scene, last: np.int64, talk: QuicTalk) -> str | None:
    """Whose turn was the last, where the recording went on without another word."""
    if talk.answer_frame is None or not talk.is_seen_whole or scene.table.waited_ns(last) < LAST_MOMENT_NS:
        return None
    if talk.confirmed_frame is not None:
        return "client"
    return "server" if talk.handshake_frame is None else None


def _by_tcp(scene: Scene, asked: Rows, server: tuple[str, int | None]) -> list[tuple[ExchangeColumns, int]]:
    """Connections of TCP to the address and the port that were asked, as far as they were opened."""
    part, table = scene.part("tcp.connection"), scene.table
    some = part.where("open", "closed")
    first, host = part.frames[part.bounds[some]], table.targets(asked)
    some = some[(table.sources(first) == host) | (table.targets(first) == host)]
    ends = ((index, part.fields(index).server) for index in some.tolist())
    return [(part, index) for index, end in ends if (end.address, end.port) == server]
