"""Requests that a server received and never answered."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen, is_housekeeping
from explain.table import REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns

_HALF = np.uint32(1 << 31)
_RIVALS = ("server-slow", "partial-loss", "pmtu-blackhole", "idle-timeout-in-middlebox")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each server; what is wrong with the connection itself says more and comes before."""
    part, connections = scene.part("http.request"), scene.part("tcp.connection")
    groups: dict[tuple[str, int | None], list[tuple[int, int | None]]] = defaultdict(list)
    for index in scene.open(part, "unanswered"):
        if is_housekeeping(part, index):
            continue
        carrier = _carrier(connections, part, index)
        if carrier is not None and carrier in scene.accounted["tcp.connection"]:
            scene.accounted["http.request"].add(index)
        elif _is_received(scene, part, index):
            server = part.fields(index).server
            groups[server.address, server.port].append((index, carrier))
    for (server, port), indices in groups.items():
        rows = [int(row) for index, _ in indices for row in part.rows(index)]
        fields = part.fields(indices[0][0])
        values = {
            "server": server, "port": port, "host": fields.host, "path": fields.path, "count": len(indices),
        }  # fmt: skip
        yield Seen("tcp-application-hangs", "likely", [(part, index) for index, _ in indices], rows, _RIVALS, values)


def _carrier(connections: ExchangeColumns, part: ExchangeColumns, index: int) -> int | None:
    """The connection that carried a request."""
    at = np.flatnonzero(connections.frames == part.rows(index)[0])
    return int(np.searchsorted(connections.bounds, at[0], "right") - 1) if len(at) else None


def _is_received(scene: Scene, part: ExchangeColumns, index: int) -> bool:
    """Whether the server's host acknowledged the request: the network did its part."""
    table = scene.table
    row = int(part.rows(index)[0])
    later = row + 1 + np.flatnonzero(table.flow[row + 1 : len(table)] == table.flow[row])
    back = later[(table.layers[later] & REVERSED) != (table.layers[row] & REVERSED)]
    end = table.seq[row] + table.payload[row]
    return bool((table.ack[back] - end < _HALF).any())
