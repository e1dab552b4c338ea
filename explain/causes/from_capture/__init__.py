"""What a capture alone shows of the causes: failed exchanges joined under one root each.

The order matters: who says what is wrong (ICMP) comes before silence, and what one finding
accounts for is not told again by the next.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from explain.arrays import distinct
from explain.causes.from_capture import elsewhere, sweeps
from explain.causes.from_capture.scene import Findings, Scene, Seen, has_failed, is_housekeeping
from explain.causes.from_capture.together import join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import Finding
    from explain.table import PacketTable

RULES = (
    ("trace", ("traceroute", "icmp.error")),
    ("host_silent", ("icmp.echo", "udp.flow", "tcp.connection")),
    ("dns.lookups", ("dns.lookup",)),
    ("dhcp.dhcp", ("dhcp.lease",)),
    ("dhcp.dhcpv6", ("dhcpv6.lease",)),
    ("link.next_hop", ("arp.resolution", "ndp.resolution")),
    ("icmp.errors", ("icmp.error",)),
    ("loop", ("icmp.echo", "udp.flow", "tcp.connection"), "unanswered"),
    ("unaddressed", ("icmp.echo",), "unanswered", "refused", "partly-answered"),
    ("duplicates", ("icmp.echo",)),
    ("link.arp", ("arp.resolution", "arp.announcement")),
    ("link.ndp", ("ndp.resolution", "ndp.duplicate-check", "ndp.announcement")),
    ("link.routers", ("ndp.router",)),
    ("link.segment", ("arp.resolution", "icmp.echo", "udp.flow", "tcp.connection")),
    ("tls", ("tcp.connection",)),
    ("paths", ("icmp.echo", "udp.flow", "tcp.connection")),
    ("over_places.nat", ("nat.translation", "tcp.connection", "udp.flow", "icmp.echo"), "untranslated", "unanswered"),
    ("tcp.queue", ("tcp.connection",), "unanswered"),
    ("over_places.journey", ("journey",)),
    ("tcp.refusals", ("tcp.connection",), "refused"),
    ("tcp.connections", ("tcp.connection",)),
    ("http", ("http.request",)),
    ("quic", ("udp.flow",), "unanswered", "answered"),
    ("silence", ("icmp.echo",), "unanswered", "refused", "partly-answered"),
)
"""Each rule, in the order in which they look, the kinds without which it has nothing to look at, and the outcomes.

Where none is named a rule looks at exchanges that ended well, too.
"""


def find(table: PacketTable, exchanges: Exchanges, hosts: Hosts) -> tuple[Sequence[Finding], tuple[str, ...]]:
    """Findings, and the ids of failed exchanges that none of them accounts for."""
    scene = Scene(table, exchanges, hosts)
    present = {part.kind for part in exchanges.parts if len(part)}
    elsewhere.account(scene)
    elsewhere.account_for_far_sides(scene)
    elsewhere.account_for_the_last_moment(scene)
    elsewhere.account_for_what_was_flooded(scene)
    elsewhere.account_for_the_missing_way_back(scene)
    seen: list[Seen] = []
    ended = _ended(exchanges)
    for name, kinds, *outcomes in RULES:
        if present.intersection(kinds) and (not outcomes or _is_any(ended, kinds, outcomes)):
            for one in import_module(f"{__name__}.{name}").look(scene):
                scene.account(one)
                seen.append(one)
    if present.intersection(("journey", "nat.translation")):
        from explain.causes.from_capture.over_places import journey

        seen = journey.attach(scene, seen)
    return Findings(scene, join(sweeps.join(scene, seen))), _unexplained(scene)


def _ended(exchanges: Exchanges) -> set[tuple[str, str]]:
    """Which kinds ended how, at least once."""
    codes = ((part, part.outcomes[code]) for part in exchanges.parts for code in distinct(part.outcome).tolist())
    return {(part.kind, outcome) for part, outcome in codes}


def _is_any(ended: set[tuple[str, str]], kinds: Sequence[str], outcomes: Sequence[str]) -> bool:
    return any((kind, outcome) in ended for kind in kinds for outcome in outcomes)


def _unexplained(scene: Scene) -> tuple[str, ...]:
    left: list[int] = []
    for part in scene.exchanges.parts:
        done = scene.accounted[part.kind]
        failed = part.where(*(name for name in part.outcomes if has_failed(part.kind, name)))
        left.extend(
            scene.exchanges.position(part, index)
            for index in failed.tolist()
            if index not in done and not is_housekeeping(part, index)
        )
    return tuple(f"e{position + 1}" for position in sorted(left))
