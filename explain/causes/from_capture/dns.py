"""Names that do not exist, and name servers that do not answer."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address
from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Scene, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns

_WHY_SILENT = (
    "filter-on-router-forward", "forwarding-disabled", "no-return-route-on-target", "filter-on-target-input",
    "destination-host-absent-behind-router", "masquerade-missing", "partial-loss",
)  # fmt: skip
_REVERSE = (".in-addr.arpa", ".ip6.arpa")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for each unknown name and for each server that fails."""
    part = scene.part("dns.lookup")
    _account_for_habits(scene, part)
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
            is_own = ip_address(fields.server).is_loopback and cause == "dns-server-unreachable"
            others = (*rivals, "dns-server-not-configured") if is_own else rivals
            yield Seen(cause, certainty, members, rows, others, values)


def _account_for_habits(scene: Scene, part: ExchangeColumns) -> None:
    """Nothing waits for the name of an address, and a resolver tries its search list before the bare name."""
    failed = part.where("no-such-name", "refused", "failed").tolist()
    if not failed:
        return
    found: dict[str, list[str]] = defaultdict(list)
    for index in part.where("answered").tolist():
        fields = part.fields(index)
        found[fields.client].append(fields.name.lower().rstrip("."))
    for index in failed:
        fields = part.fields(index)
        name = fields.name.lower().rstrip(".")
        is_search = any(name.startswith(f"{short}.") for short in found[fields.client] if short)
        if is_search or name.endswith(_REVERSE):
            scene.accounted[part.kind].add(index)
