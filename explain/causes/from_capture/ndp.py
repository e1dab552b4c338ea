"""What IPv6 neighbour discovery alone shows: nobody answered, or two hosts want one address."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Member, Scene, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator


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
_MANY_ADDRESSES = 2
_LAST_MOMENT_NS = 1_000_000_000


def look(scene: Scene) -> Iterator[Seen]:
    """Conflicts first, then silence."""
    yield from _conflicts(scene)
    yield from _silence(scene)


def _conflicts(scene: Scene) -> Iterator[Seen]:
    claims: dict[str, list[Member]] = defaultdict(list)
    macs: dict[str, set[str]] = defaultdict(set)
    resolutions, checks = scene.part("ndp.resolution"), scene.part("ndp.duplicate-check")
    for index in scene.open(resolutions, "conflicting"):
        fields = resolutions.fields(index)
        claims[fields.wanted_ip].append((resolutions, index))
        macs[fields.wanted_ip].update(fields.answered_macs)
    for part, outcome in ((checks, "taken"), (scene.part("ndp.announcement"), "challenged")):
        for index in scene.open(part, outcome):
            fields = part.fields(index)
            claims[fields.address].append((part, index))
            macs[fields.address].update((fields.mac, fields.challenger_mac))
    owners: dict[str, set[str]] = defaultdict(set)
    for address, claimed in macs.items():
        for mac in claimed:
            owners[mac].add(address)
    for address, members in claims.items():
        is_checked = any(part is checks for part, _ in members)
        is_greedy = any(len(owners[mac]) >= _MANY_ADDRESSES for mac in macs[address]) and not is_checked
        rows = [int(row) for part, index in members for row in part.rows(index)]
        values = {"address": address, "macs": sorted(macs[address]), "count": len(members)}
        if is_greedy:
            yield Seen("arp-spoofed", "likely", members, rows, ("duplicate-address",), values)
            continue
        values |= {"case": "checked"} if is_checked else {}
        yield Seen("duplicate-address", "proved" if is_checked else "likely", members, rows, ("arp-spoofed",), values)


def _silence(scene: Scene) -> Iterator[Seen]:
    part = scene.part("ndp.resolution")
    groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    last_ns = int(scene.table.time_ns.max()) if len(scene.table) else 0
    for index in scene.open(part, "unanswered"):
        fields = part.fields(index)
        is_cut_off = fields.is_unicast and last_ns - int(part.end_ns[index]) < _LAST_MOMENT_NS
        asked = part.rows(index)
        if (
            is_cut_off
            or scene.hosts.went_on(int(asked[-1]))
            or scene.hosts.had_answer(int(asked[-1]))
            or scene.hosts.began(int(asked[-1]))
            or scene.hosts.is_overheard(int(asked[0]), fields.requests)
        ):
            scene.accounted[part.kind].add(index)
            continue
        groups[int(scene.table.place[part.rows(index)[0]]), fields.asker_ip, fields.wanted_ip].append(index)
    for (_, asker, wanted), indices in groups.items():
        fields = part.fields(indices[0])
        rows = [int(row) for index in indices for row in part.rows(index)]
        requests = sum(part.fields(index).requests for index in indices)
        values = {
            "case": "neighbour", "asker": asker, "asker_mac": fields.asker_mac, "address": wanted, "requests": requests,
        }  # fmt: skip
        members = [(part, index) for index in indices] + scene.silent_to(wanted)
        certainty = "likely" if requests > 2 else "possible"  # RFC 4861, 10: three solicitations
        yield Seen("destination-host-absent-on-link", certainty, members, rows, WHY_SILENT, values)
