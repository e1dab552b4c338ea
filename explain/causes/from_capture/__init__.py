"""What a capture alone shows of the causes: failed exchanges joined under one root each.

The order matters: who says what is wrong (ICMP) comes before silence, and what one finding
accounts for is not told again by the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.from_capture import arp, dhcp, dns, icmp, ndp, silence, tcp, trace
from explain.causes.from_capture.scene import FAILED, Findings, Scene, Seen, is_housekeeping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.columns import Exchanges
    from explain.exchanges.hosts import Hosts
    from explain.model import Finding
    from explain.table import PacketTable


def find(table: PacketTable, exchanges: Exchanges, hosts: Hosts) -> tuple[Sequence[Finding], tuple[str, ...]]:
    """Findings, and the ids of failed exchanges that none of them accounts for."""
    scene = Scene(table, exchanges, hosts)
    seen: list[Seen] = []
    for look in (trace.look, dns.look, dhcp.look, icmp.look, arp.look, ndp.look, tcp.look, silence.look):
        for one in look(scene):
            scene.account(one)
            seen.append(one)
    return Findings(scene, seen), _unexplained(scene)


def _unexplained(scene: Scene) -> tuple[str, ...]:
    left: list[int] = []
    for part in scene.exchanges.parts:
        done = scene.accounted[part.kind]
        failed = part.where(*(name for name in part.outcomes if name in FAILED or part.kind == "icmp.error"))
        left.extend(
            scene.exchanges.position(part, index)
            for index in failed.tolist()
            if index not in done and not is_housekeeping(part, index)
        )
    return tuple(f"e{position + 1}" for position in sorted(left))
