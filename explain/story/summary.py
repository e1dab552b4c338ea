"""A large capture in a page: trouble first, like things together with their counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.model import Line
from explain.story.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.columns import ExchangeColumns, Exchanges
    from explain.exchanges.hosts import Hosts
    from explain.model import Finding
    from explain.table import PacketTable

_COUNTED = {
    "arp.resolution": ("arp.many", {"answered": "answered", "unanswered": "unanswered"}),
    "ndp.resolution": ("ndp.many", {"answered": "answered", "unanswered": "unanswered"}),
    "ndp.duplicate-check": ("ndp.check.many", {"free": "free", "taken": "taken"}),
    "ndp.router": (
        "ndp.router.many",
        {"answered": "answered", "unanswered": "unanswered", "announced": "announced"},
    ),
    "icmp.echo": (
        "icmp.many",
        {"answered": "answered", "partly": "partly-answered", "unanswered": "unanswered", "refused": "refused"},
    ),
    "icmp.error": ("icmp.error.many", {}),
    "udp.flow": ("udp.many", {"answered": "answered", "unanswered": "unanswered", "refused": "refused"}),
    "dns.lookup": (
        "dns.many",
        {"answered": "answered", "no_such_name": "no-such-name", "failed": "failed", "unanswered": "unanswered"},
    ),
    "dhcp.lease": (
        "dhcp.many",
        {"bound": "bound", "renewed": "renewed", "refused": "refused", "unanswered": "unanswered"},
    ),
    "http.request": ("http.many", {"answered": "answered", "unanswered": "unanswered"}),
    "traceroute": ("traceroute.many", {"reached": "reached", "not_reached": "not-reached"}),
    "tcp.connection": (
        "tcp.many",
        {
            "closed": "closed", "open": "open", "midstream": "midstream", "reset": "reset", "refused": "refused",
            "unanswered": "unanswered",
        },
    ),
}  # fmt: skip
_EXAMPLES = 3


def tell(
    table: PacketTable, exchanges: Exchanges, hosts: Hosts, findings: Sequence[Finding], unexplained: Sequence[str]
) -> list[Line]:
    """One line for each kind; then the first of what failed, told in full."""
    lines = [_count(part) for part in exchanges.parts if len(part) and part.kind in _COUNTED]
    teller = Teller(table, exchanges, hosts)
    named = [name for finding in findings[:_EXAMPLES] for name in finding.exchanges[:1]]
    named = named or list(unexplained[:_EXAMPLES])
    for name in dict.fromkeys(named):
        lines += teller.tell(int(name[1:]) - 1)
    rest = len(exchanges) - len(named)
    if rest > 0:
        lines.append(Line("story.shortened", {"count": rest}, (), 1, None, "note"))
    return lines


def _count(part: ExchangeColumns) -> Line:
    message, names = _COUNTED[part.kind]
    counts = np.bincount(part.outcome, minlength=len(part.outcomes)).tolist()
    by_name = dict(zip(part.outcomes, counts, strict=True))
    values = {key: by_name[outcome] for key, outcome in names.items()}
    return Line(message, {"total": len(part), **values}, (), 1, None, "note")
