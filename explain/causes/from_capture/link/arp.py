"""Nobody answered, or too many did: what ARP alone shows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import mac_text
from explain.arrays import among, distinct
from explain.causes.from_capture.link.neighbours import Claimed, moved, silence
from explain.causes.from_capture.scene import LAST_MOMENT_NS, Member, Scene, Seen
from explain.exchanges.claims import INSISTS, contests
from explain.exchanges.columns import rows_of
from explain.exchanges.together import CONVERSATIONS
from explain.places.near import rows_near, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.claims import Contest
    from explain.exchanges.columns import ExchangeColumns
    from explain.table import Rows

_WITHOUT_NS = 60_000_000_000  # neighbours know the MAC from before for about that long (arp(7), gc_stale_time)
WHY_SILENT = (
    "target-interface-down", "target-has-other-address", "wrong-gateway-address", "gateway-interface-down",
    "arp-ignored-by-target", "arp-disabled", "link-no-carrier", "bridge-port-down", "bridge-port-not-member",
    "bridge-down", "bridge-port-not-forwarding", "bridge-ports-isolated", "filter-on-switch",
    "wrong-static-fdb-entry", "filter-on-target-ingress", "wrong-netmask-on-sender", "default-route-without-gateway",
    "wrong-interface-selected", "sender-address-in-wrong-subnet", "rp-filter-strict", "wrong-nexthop-on-router",
    "destination-host-absent-behind-router", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "dnat-to-absent-host", "snat-to-unowned-address", "name-resolves-to-wrong-address",
)  # fmt: skip

_BOTH = 2
_STORM, _SO_SOON_NS = 100, 10_000_000  # questions, and how often; a host asks again after a second
_ON_THE_WAY_BACK = (
    "wrong-static-fdb-entry", "bridge-port-not-forwarding", "bridge-ports-isolated", "filter-on-sender-input",
    "corrupted-packets", "partial-loss",
)  # fmt: skip


def look(scene: Scene) -> Iterator[Seen]:
    """A storm and conflicts first: they explain more than silence does."""
    yield from _storm(scene)
    yield from _conflicts(scene)
    part = scene.part("arp.resolution")
    for seen in _lost_answers(scene, part):
        scene.account(seen)
        yield seen
    bare: dict[str, list[int]] = {}

    def means_nothing(index: int) -> bool:
        if not part.fields(index).is_unicast:
            return False
        row = int(part.rows(index)[-1])
        if scene.table.waited_ns(row) < LAST_MOMENT_NS:
            return True
        bare.update({} if bare else _without_address(scene))
        checked = mac_text(int(scene.table.links.target[scene.table.link[row]]))
        times = np.array(bare.get(checked, ()), np.int64)
        return bool((np.abs(times - scene.table.time_ns[row]) < _WITHOUT_NS).any())

    yield from silence(scene, part, WHY_SILENT, {}, means_nothing)


def _storm(scene: Scene) -> Iterator[Seen]:
    """One question over and over, as a frame is heard that nothing takes out of a loop between switches."""
    part, table = scene.part("arp.resolution"), scene.table
    found: list[tuple[int, int]] = []
    for index in np.flatnonzero(np.diff(part.bounds) >= _STORM).tolist():
        fields, span_ns = part.fields(index), int(np.ptp(table.time_ns[part.rows(index)]))
        if fields.requests >= _STORM and 0 < span_ns < fields.requests * _SO_SOON_NS and not fields.is_unicast:
            found.append((fields.requests, index))
    if not found:
        return
    count, worst = max(found)
    fields, rows = part.fields(worst), part.rows(worst)
    values = {
        "asker": fields.asker_ip, "wanted": fields.wanted_ip, "requests": count,
        "span_ns": int(np.ptp(table.time_ns[rows])),
    }  # fmt: skip
    yield Seen("broadcast-storm", "likely", [(part, index) for _, index in found], rows.tolist(), (), values)


def _lost_answers(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Questions that were asked again and again although another place shows the answers to them."""
    groups: dict[tuple[str, str, str], list[tuple[int, Rows]]] = defaultdict(list)
    whole = whole_of(scene.table)
    for index in scene.open(part, "unanswered"):
        fields = part.fields(index)
        if fields.requests > 1 and len(answers := scene.hosts.answered_elsewhere(int(part.rows(index)[-1]))):
            groups[fields.asker_ip, fields.wanted_ip, fields.asker_mac].append((index, answers))
    for (asker, wanted, mac), some in groups.items():
        members: list[Member] = [(part, index) for index, _ in some]
        beyond = np.concatenate([answers for _, answers in some])
        values = {
            "asker": asker, "asker_mac": mac, "address": wanted, "case": "answer",
            "requests": sum(part.fields(index).requests for index, _ in some),
            "last": whole.places[whole.place[beyond[0]]].label,
        }  # fmt: skip
        members += scene.silent_to(wanted)
        yield Seen(
            "filter-on-switch",
            "possible",
            members,
            rows_of(members[: len(some)]),
            _ON_THE_WAY_BACK,
            values,
            beyond=beyond.tolist(),
        )


def _without_address(scene: Scene) -> dict[str, list[int]]:
    """When which hosts said by DHCP that they have no address: they answer for none, and nothing is wrong with that."""
    leases = scene.part("dhcp.lease")
    found: dict[str, list[int]] = defaultdict(list)
    for index in range(len(leases)):
        fields = leases.fields(index)
        if any(message.type == "DISCOVER" for message in fields.messages):
            found[fields.client_mac].append(int(leases.start_ns[index]))
    return found


def _conflicts(scene: Scene) -> Iterator[Seen]:
    claimed = Claimed()
    shown: dict[str, list[int]] = defaultdict(list)
    claimed.add_conflicts(scene, scene.part("arp.resolution"))
    claimed.add_challenged(scene, scene.part("arp.announcement"), "challenged")
    every = contests(whole_of(scene.table))
    disputed = [contest for contest in every if contest.is_disputed]
    settled = {scene.table.addresses.text(one.address): one for one in every if not one.is_disputed}
    for contest in disputed:
        address = scene.table.addresses.text(contest.address)
        claimed.add(address, _of_contest(scene, contest), map(mac_text, contest.rows))
        firsts = np.array([rows[0] for rows in contest.rows.values()], np.int64)
        shown[address] += rows_near(scene.table, firsts).tolist()
    forgers = _forgers(scene, disputed)
    twins = _twins(claimed, forgers)
    for address, claiming in claimed.members.items():
        macs = claimed.macs[address]
        if address in settled and all(_is_announced(part, index) for part, index in claiming):
            yield moved(address, claiming, settled[address])
            continue
        if address in twins:
            values = {"macs": sorted(macs), "addresses": sorted(twins), "count": len(claiming), "case": "flux"}
            yield Seen("duplicate-address", "likely", claiming, rows_of(claiming), ("arp-spoofed",), values)
            continue
        greedy = claimed.greedy(address) | (macs & forgers[address])
        cause, rival = ("arp-spoofed", "duplicate-address") if greedy else ("duplicate-address", "arp-spoofed")
        members = list({(part.kind, index): (part, index) for part, index in claiming}.values())
        rows = [*shown[address], *rows_of(members)]
        values = {"address": address, "macs": sorted(macs), "count": len(members)}
        if forgers[address]:
            values |= {"case": "unasked", "forger": min(forgers[address]), "mac": _victim(macs, greedy)}
        elif len(macs) == _BOTH and (prober := _only_asked(scene, members)):
            values |= {"case": "probed", "mac": prober, "holder": min(macs - {prober})}
        misled = _misled(scene, forgers[address])
        rows = rows or rows_of(misled)
        yield Seen(cause, "likely", [*members, *misled], rows, (rival, "proxy-arp-in-play"), values)


def _is_announced(part: ExchangeColumns, index: int) -> bool:
    return part.kind == "arp.announcement" and not part.fields(index).is_probe


def _twins(claimed: Claimed, forgers: dict[str, set[str]]) -> set[str]:
    """Addresses that all belong to the same MACs alike, as those of one host with several interfaces on the link.

    Source: Linux, ``arp_ignore``: without it any interface answers for every address of its host.
    """
    owners = {frozenset(macs) for macs in claimed.macs.values()}
    is_alike = len(owners) == 1 and len(claimed.macs) == len(min(owners)) and not any(forgers.values())
    return set(claimed.macs) if is_alike and len(claimed.macs) > 1 else set()


def _only_asked(scene: Scene, members: list[Member]) -> str:
    """The MAC that asked before it took an address and never used it (RFC 5227, 2.1.1); empty if there is none."""
    told = [part.fields(index) for part, index in members if part.kind == "arp.announcement"]
    probers = {one.mac if one.is_probe else "" for one in told}
    if len(told) < len(members) or len(probers) != 1:
        return ""
    (prober,), arp = probers, scene.table.arp
    own = arp.sender_ip[arp.sender_mac == int(prober.replace(":", "") or "0", 16)]
    return "" if told[0].address in map(scene.table.addresses.text, distinct(own).tolist()) else prober


def _of_contest(scene: Scene, contest: Contest) -> list[Member]:
    """The exchanges in which the address was claimed."""
    claims = np.array([row for claimed in contest.rows.values() for row in claimed], np.int64)
    rows = rows_near(scene.table, claims)
    found: list[Member] = []
    address = scene.table.addresses.text(contest.address)
    for kind, name in (("arp.resolution", "wanted_ip"), ("arp.announcement", "address")):
        part = scene.part(kind)
        found += [
            (part, index) for index in part.with_rows(rows).tolist() if getattr(part.fields(index), name) == address
        ]
    return found


def _forgers(scene: Scene, disputed: list[Contest]) -> dict[str, set[str]]:
    """Who pressed an address upon one host that had not asked for it: again and again, or beside one of its own.

    A second host with the address by mistake answers questions, or announces itself to everybody.
    """
    arp = scene.table.arp
    held: dict[int, set[int]] = defaultdict(set)
    for mac, address in set(zip(arp.sender_mac.tolist(), arp.sender_ip.tolist(), strict=True)) if disputed else ():
        held[mac].add(address)
    found: dict[str, set[str]] = defaultdict(set)
    by_address: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for contest in disputed:
        for mac, count in contest.unasked.items():
            by_address[contest.address][mac] = max(by_address[contest.address][mac], count)
    for address, counts in by_address.items():
        for mac, count in counts.items():
            if count >= INSISTS or (count and len(held[mac] - {0, address}) > 0):
                found[scene.table.addresses.text(address)].add(mac_text(mac))
    return found


def _victim(macs: set[str], forgers: set[str]) -> str:
    """The MAC whose address it was."""
    return min(macs - forgers, default="")


def _misled(scene: Scene, forgers: set[str]) -> list[Member]:
    """Failed exchanges whose packets went to the MAC of a forger."""
    if not forgers:
        return []
    table = scene.table
    wanted = np.array([int(mac.replace(":", ""), 16) for mac in forgers], np.uint64)
    found: list[Member] = []
    for kind in CONVERSATIONS:
        part = scene.part(kind)
        for index in scene.open(part, "unanswered", "partly-answered"):
            targets = table.links.target[table.link[part.rows(index)]]
            if among(targets, wanted).any():
                found.append((part, index))
    return found
