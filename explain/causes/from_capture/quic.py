"""Connections of QUIC that nobody answered: unlike UDP itself, a server that speaks QUIC answers at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Scene, Seen
from explain.causes.from_capture.tcp.connections import NO_SYN_ACK
from explain.decode.contents import QUIC
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import Rows

_MAY_DROP = (
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-router-forward", "filter-on-target-output",
    "filter-on-switch", "pmtu-blackhole",
)  # fmt: skip
"""What drops large datagrams, or those to one port, and nothing else; an Initial has 1200 octets (RFC 9000, 14.1)."""
_WHY = (*(one for one in NO_SYN_ACK if one != "tcp-accept-queue-full"), "pmtu-blackhole")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each server; whether TCP to it works says much of why."""
    part = scene.part("udp.flow")
    if QUIC not in scene.table.contents:
        return
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index in scene.open(part, "unanswered"):
        if part.facts["said"].quic(index):
            server = part.fields(index).server
            groups[server.address, server.port].append(index)
    for (address, port), some in groups.items():
        members = [(part, index) for index in some]
        rows = rows_of(members)
        client = part.fields(some[0]).client.address
        values: dict[str, object] = {"server": address, "port": port, "count": len(some), "client": client}
        why = scene.one_link.possible(rows, _WHY)
        if taken := _by_tcp(scene, part.rows(some[0])[:1], (address, port)):
            values |= {"case": "fallback", "connections": len(taken)}
            why = tuple(one for one in why if one in _MAY_DROP)
        yield Seen("quic-unanswered", "possible", members, rows, why, values)


def _by_tcp(scene: Scene, asked: Rows, server: tuple[str, int | None]) -> list[tuple[ExchangeColumns, int]]:
    """Connections of TCP to the address and the port that were asked, as far as they were opened."""
    part, table = scene.part("tcp.connection"), scene.table
    some = part.where("open", "closed")
    first, host = part.frames[part.bounds[some]], table.targets(asked)
    some = some[(table.sources(first) == host) | (table.targets(first) == host)]
    ends = ((index, part.fields(index).server) for index in some.tolist())
    return [(part, index) for index, end in ends if (end.address, end.port) == server]
