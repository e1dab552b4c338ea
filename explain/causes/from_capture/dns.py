"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

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
        indices = scene.open(part, outcome)
        carried = scene.exchanges.carried(part, indices)
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index in indices:
            fields = part.fields(index)
            groups[fields.client, fields.name if outcome == "no-such-name" else fields.server].append(index)
        for (client, about), some in groups.items():
            rows = [int(row) for index in some for row in part.rows(index)]
            members = [(part, index) for index in some] + [member for index in some for member in carried[index]]
            fields = part.fields(some[0])
            values = {
                "client": client, "server": fields.server, "name": about, "count": len(some), "rcode": fields.rcode,
            }  # fmt: skip
            yield Seen(cause, certainty, members, rows, rivals, values)
