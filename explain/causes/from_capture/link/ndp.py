"""What IPv6 neighbour discovery alone shows: nobody answered, or two hosts want one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.from_capture.link.neighbours import Claimed, moved, silence
from explain.causes.from_capture.scene import LAST_MOMENT_NS, Scene, Seen
from explain.exchanges.claims import Contest, talks_on
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Member


_BOTH = 2
# The kernel's order of likelihood; that a filter on the target also drops neighbour discovery is IPv6's own.
WHY_SILENT = (
    "target-interface-down", "target-has-other-address", "wrong-gateway-address", "gateway-interface-down",
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output", "ipv6-disabled",
    "address-tentative", "duplicate-address", "wrong-static-neighbour", "arp-disabled", "link-no-carrier",
    "bridge-port-down", "bridge-port-not-member", "bridge-down", "bridge-port-not-forwarding",
    "bridge-ports-isolated", "filter-on-switch", "wrong-static-fdb-entry", "wrong-netmask-on-sender",
    "default-route-without-gateway", "wrong-interface-selected", "link-local-without-scope",
    "sender-address-in-wrong-subnet", "wrong-nexthop-on-router", "destination-host-absent-behind-router",
    "wrong-gateway-on-target", "wrong-netmask-on-target", "name-resolves-to-wrong-address",
)  # fmt: skip


def look(scene: Scene) -> Iterator[Seen]:
    """Conflicts first, then silence."""
    yield from _conflicts(scene)
    part = scene.part("ndp.resolution")

    def is_cut_off(index: int) -> bool:
        return bool(part.fields(index).is_unicast) and scene.table.waited_ns(part.rows(index)[-1]) < LAST_MOMENT_NS

    yield from silence(scene, part, WHY_SILENT, {"case": "neighbour"}, is_cut_off)


def _conflicts(scene: Scene) -> Iterator[Seen]:
    claimed, checks = Claimed(), scene.part("ndp.duplicate-check")
    claimed.add_conflicts(scene, scene.part("ndp.resolution"))
    claimed.add_challenged(scene, checks, "taken")
    claimed.add_challenged(scene, scene.part("ndp.announcement"), "challenged")
    for address, members in claimed.members.items():
        is_checked = any(part is checks for part, _ in members)
        rows = rows_of(members)
        values = {"address": address, "macs": sorted(claimed.macs[address]), "count": len(members)}
        if contest := _settled(scene, members):
            yield moved(address, members, contest)
            continue
        if claimed.greedy(address) and not is_checked:
            yield Seen("arp-spoofed", "likely", members, rows, ("duplicate-address",), values)
            continue
        if is_checked:  # it was asked before anybody had the address, and said that it has it
            yield Seen("duplicate-address", "proved", members, rows, (), values | {"case": "checked"})
        else:
            yield Seen("duplicate-address", "likely", members, rows, ("arp-spoofed",), values)


def _settled(scene: Scene, members: list[Member]) -> Contest | None:
    """An address that two announced one after the other, if the first one was silent about it since."""
    if [part.kind for part, _ in members] != ["ndp.announcement"] * _BOTH:
        return None
    table, (part, first) = scene.table, members[0]
    contest = Contest(int(table.place[part.rows(first)[0]]), int(table.sources(part.rows(first)[:1])[0]))
    for part, index in members:
        mac = int(part.fields(index).mac.replace(":", "") or "0", 16)
        rows = part.rows(index)
        contest.rows[mac] += rows[table.links.source[table.link[rows]] == mac].tolist()
    is_settled = len(contest.rows) == _BOTH and all(contest.rows.values()) and not talks_on(table, contest)
    return contest if is_settled else None
