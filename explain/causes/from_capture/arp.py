"""Nobody answered, or too many did: what ARP alone shows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Member, Scene, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

WHY_SILENT = (
    "target-interface-down", "target-has-other-address", "wrong-gateway-address", "gateway-interface-down",
    "arp-ignored-by-target", "arp-disabled", "link-no-carrier", "bridge-port-down", "bridge-port-not-member",
    "bridge-down", "bridge-port-not-forwarding", "bridge-ports-isolated", "filter-on-switch",
    "wrong-netmask-on-sender", "default-route-without-gateway", "wrong-interface-selected",
    "sender-address-in-wrong-subnet", "rp-filter-strict", "wrong-nexthop-on-router",
    "destination-host-absent-behind-router", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "dnat-to-absent-host", "snat-to-unowned-address", "name-resolves-to-wrong-address",
)  # fmt: skip
_MANY_ADDRESSES = 2  # claimed by one MAC in conflicts: no longer an accident


def look(scene: Scene) -> Iterator[Seen]:
    """Conflicts first: they explain more than silence does."""
    yield from _conflicts(scene)
    yield from _silence(scene)


def _conflicts(scene: Scene) -> Iterator[Seen]:
    claims: dict[str, list[Member]] = defaultdict(list)
    macs: dict[str, set[str]] = defaultdict(set)
    resolutions, announcements = scene.part("arp.resolution"), scene.part("arp.announcement")
    for index in scene.open(resolutions, "conflicting"):
        fields = resolutions.fields(index)
        claims[fields.wanted_ip].append((resolutions, index))
        macs[fields.wanted_ip].update(fields.answered_macs)
    for index in scene.open(announcements, "challenged"):
        fields = announcements.fields(index)
        claims[fields.address].append((announcements, index))
        macs[fields.address].update((fields.mac, fields.challenger_mac))
    owners: dict[str, set[str]] = defaultdict(set)
    for address, claimed in macs.items():
        for mac in claimed:
            owners[mac].add(address)
    for address, members in claims.items():
        is_greedy = any(len(owners[mac]) >= _MANY_ADDRESSES for mac in macs[address])
        cause, rival = ("arp-spoofed", "duplicate-address") if is_greedy else ("duplicate-address", "arp-spoofed")
        rows = [int(row) for part, index in members for row in part.rows(index)]
        values = {"address": address, "macs": sorted(macs[address]), "count": len(members)}
        yield Seen(cause, "likely", members, rows, (rival, "proxy-arp-in-play"), values)


def _silence(scene: Scene) -> Iterator[Seen]:
    part = scene.part("arp.resolution")
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in scene.open(part, "unanswered"):
        fields = part.fields(index)
        if scene.hosts.is_overheard(int(part.rows(index)[0]), fields.requests):
            scene.accounted[part.kind].add(index)
            continue
        groups[fields.asker_ip, fields.wanted_ip].append(index)
    for (asker, wanted), indices in groups.items():
        fields = part.fields(indices[0])
        rows = [int(row) for index in indices for row in part.rows(index)]
        requests = sum(part.fields(index).requests for index in indices)
        values = {"asker": asker, "asker_mac": fields.asker_mac, "address": wanted, "requests": requests}
        members = [(part, index) for index in indices]
        yield Seen("destination-host-absent-on-link", _how_sure(requests), members, rows, WHY_SILENT, values)


def _how_sure(requests: int) -> str:
    """Linux and most others ask three times before they give up (RFC 1122, 2.3.2.1)."""
    return "likely" if requests > 2 else "possible"
