"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHY_SILENT = (
    "filter-on-router-forward", "forwarding-disabled", "no-return-route-on-target", "filter-on-target-input",
    "destination-host-absent-behind-router", "masquerade-missing", "partial-loss",
)  # fmt: skip


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each unknown name and for each server that fails."""
    part = scene.part("dns.lookup")
    for outcome, cause, certainty, rivals in (
        ("no-such-name", "name-does-not-exist", "proved", ()),
        ("unanswered", "dns-server-unreachable", "likely", _WHY_SILENT),
        ("refused", "dns-server-unreachable", "likely", ()),
        ("failed", "dns-server-unreachable", "possible", ("name-does-not-exist",)),
    ):
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index in scene.open(part, outcome):
            fields = part.fields(index)
            about = fields.name if outcome == "no-such-name" else fields.server
            groups[fields.client, about].append(index)
        for (client, about), indices in groups.items():
            rows = [int(row) for index in indices for row in part.rows(index)]
            members = [(part, index) for index in indices]
            members += scene.exchanges.inside(np.array(rows))
            fields = part.fields(indices[0])
            values = {
                "client": client, "server": fields.server, "name": fields.name if outcome == "no-such-name" else about,
                "count": len(indices), "rcode": fields.rcode,
            }  # fmt: skip
            yield Seen(cause, certainty, members, rows, rivals, values)
