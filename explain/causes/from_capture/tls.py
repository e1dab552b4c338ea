"""TCP did its part, and TLS ended with an alert that says why."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Scene, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.tls.talk import Tls
    from explain.table import Rows


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each server and alert; only for fatal ones."""
    part = scene.part("tcp.connection")
    known: dict[int, Tls] = part.facts.get("tls", {})
    groups: dict[tuple[str, int | None, str], list[int]] = defaultdict(list)
    for index, tls in known.items():
        if tls.alert is not None and tls.is_fatal:
            server = part.fields(index).server
            groups[server.address, server.port, tls.alert].append(index)
    for (server, port, alert), indices in groups.items():
        rows = [int(row) for index in indices for row in _alert_rows(scene, part.rows(index), known[index])]
        first = known[indices[0]]
        values = {
            "server": server, "port": port, "alert": alert, "by": first.alert_by, "server_name": first.server_name,
            "version": first.version, "count": len(indices), "client": part.fields(indices[0]).client.address,
            "speaker": server if first.alert_by == "server" else part.fields(indices[0]).client.address,
        }  # fmt: skip
        yield Seen("tls-alert", "proved", [(part, index) for index in indices], rows, (), values)


def _alert_rows(scene: Scene, rows: Rows, tls: Tls) -> list[int]:
    return [row for row in rows.tolist() if scene.table.frame[row] == tls.alert_frame]
