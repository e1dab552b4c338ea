"""What passes on one link and should not, or not like this: own MACs as targets, wrong neighbours, detours, proxies."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, IPV6_KEY, NO_MAC, mac_text
from explain.arrays import distinct
from explain.causes.from_capture import silence
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges import segment
from explain.exchanges.claims import ClaimedAddresses, claims
from explain.exchanges.columns import rows_of
from explain.exchanges.together import CONVERSATIONS
from explain.places.near import rows_near, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import PacketTable, Rows

_MOST_PAIRS = 1000
_ADDRESS_BITS = np.uint64(40)


def look(scene: Scene) -> Iterator[Seen]:
    """Trouble first, then what works but is worth knowing."""
    yield from _without_arp(scene)
    yield from _wrong_neighbours(scene)
    yield from _detours(scene)
    yield from _proxies(scene)


def _without_arp(scene: Scene) -> Iterator[Seen]:
    """An interface without ARP puts its own MAC where the neighbour's should stand."""
    table = scene.table
    rows = rows_near(table, segment.to_itself(whole_of(table)))
    for mac in distinct(table.links.source[table.link[rows]]).tolist():
        own = rows[table.links.source[table.link[rows]] == mac]
        failed = scene.with_rows(own, "unanswered")
        if failed:
            values = {"mac": mac_text(mac), "count": len(own), **_ends(scene, int(own[0]))}
            yield Seen("arp-disabled", "likely", failed, own.tolist(), ("wrong-static-neighbour",), values)


def _ends(scene: Scene, row: int) -> dict[str, str]:
    return dict(zip(("src", "dst"), scene.table.end_texts(row), strict=True))


def _wrong_neighbours(scene: Scene) -> Iterator[Seen]:
    """A packet for a neighbour goes to a MAC that nobody here has, while the neighbour shows another one."""
    table = scene.table
    claimed = claims(table)
    if claimed.is_contested.all():
        return
    groups: dict[tuple[str, str, str], list[Member]] = defaultdict(list)
    proof: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for kind in CONVERSATIONS:
        part = scene.part(kind)
        indices = np.array(scene.open(part, "unanswered")[:_MOST_PAIRS], np.int64)
        for index, target, target_mac, owner in _not_to_the_owner(table, part, indices, claimed):
            key = (table.addresses.text(target), mac_text(target_mac), mac_text(owner))
            groups[key].append((part, index))
            proof[key] += part.rows(index).tolist()
    for (address, wrong, right), members in groups.items():
        values = {
            "address": address, "mac": wrong, "owner": right, "count": len(members),
            **_ends(scene, proof[address, wrong, right][0]),
        }  # fmt: skip
        rows = proof[address, wrong, right]
        yield Seen("wrong-static-neighbour", "likely", members, rows, ("arp-spoofed", "duplicate-address"), values)


def _not_to_the_owner(
    table: PacketTable, part: ExchangeColumns, indices: Rows, claimed: ClaimedAddresses
) -> Iterator[tuple[int, int, int, int]]:
    """Of some exchanges, those to an IPv4 address that one MAC alone claims, sent to a MAC that nobody here has.

    Each with the key of the address, the MAC and the one that claims the address.
    """
    row = part.frames[part.bounds[indices]]
    target, mac = table.targets(row), table.links.target[table.link[row]]
    known = claimed.place.astype(np.uint64) << _ADDRESS_BITS | claimed.address  # in order, as they are
    key = table.place[row].astype(np.uint64) << _ADDRESS_BITS | target
    at = np.minimum(np.searchsorted(known, key), len(known) - 1)
    is_known = (known[at] == key) & (target < IPV6_KEY) & ~claimed.is_contested[at] & (claimed.mac[at] != mac)
    chosen = np.flatnonzero(is_known & (mac < NO_MAC) & (mac != BROADCAST))
    speakers: dict[int, set[int]] = {}
    for number in chosen.tolist():
        place = int(table.place[row[number]])
        if place not in speakers:
            speakers[place] = set(table.links.source[table.links_at(place)].tolist())
        owner = int(claimed.mac[at[number]])
        if int(mac[number]) in speakers[place] or segment.is_forwarded(int(table.ttl[row[number]])):
            continue
        if _is_claimed_beside(table, int(row[number]), int(target[number]), owner):
            yield int(indices[number]), int(target[number]), int(mac[number]), owner


def _is_claimed_beside(table: PacketTable, row: int, address: int, owner: int) -> bool:
    """Whether a place where the sender of this row speaks heard the owner claim the address: they share a link."""
    whole, sender = whole_of(table), table.links.source[table.link[row]]
    is_claim = (whole.arp.sender_ip == address) & (whole.arp.sender_mac == owner)
    places = distinct(whole.place[whole.arp.row[is_claim]]).tolist()
    return any((whole.links.source[whole.links_at(place)] == sender).any() for place in places)


def _detours(scene: Scene) -> Iterator[Seen]:
    """A router sends packets out by the port where they came in: a better one stands on the same link."""
    table = whole_of(scene.table)
    first, second = segment.turned_back(table)
    if not len(first):
        return
    redirected = _redirected(scene)
    groups: dict[tuple[str, str, int, int], list[int]] = defaultdict(list)
    ends = zip(table.sources(first).tolist(), table.targets(first).tolist(), strict=True)
    out = table.link[second]
    macs = zip(table.links.source[out].tolist(), table.links.target[out].tolist(), strict=True)
    text = table.addresses.text
    for number, ((source, target), (mac, better)) in enumerate(zip(ends, macs, strict=True)):
        groups[text(source), text(target), mac, better].append(number)
    names = _names(table)
    for (source, target, mac, better), numbers in groups.items():
        rows = rows_near(scene.table, distinct(np.concatenate((first[numbers], second[numbers]))))
        members = scene.with_rows(rows)  # a detour loses nothing, though answers may come back another way
        if redirected.intersection(((source, target), (source, None))):  # the router says so itself, and that is told
            scene.account(Seen("icmp-redirect", "proved", members, ()))
            continue
        if names.get(mac) in (source, target):  # it claims the address of one of both: forged, and told as that
            continue
        if not members:  # the answers take the detour, too: told with the questions
            continue
        passed = len(distinct(table.ip_id[first[numbers]])) if table.ip_id[first[numbers]].any() else len(numbers)
        values = {
            "case": "link", "src": source, "dst": target, "router": names.get(mac, mac_text(mac)),
            "mac": mac_text(mac), "gateway": names.get(better, mac_text(better)), "count": passed,
        }  # fmt: skip
        # Answers that come back by the better router do not pass here: then silence here proves nothing.
        is_silent = any(part.outcomes[part.outcome[index]] == "unanswered" for part, index in members)
        rivals, certainty = (silence.WHY_SILENT, "likely") if is_silent else ((), "proved")
        yield Seen("suboptimal-gateway", certainty, members, rows.tolist(), rivals, values)


def _redirected(scene: Scene) -> set[tuple[str, str | None]]:
    part = scene.part("icmp.error")
    redirects = [index for index in range(len(part)) if part.outcomes[part.outcome[index]].startswith("redirect")]
    told = [part.fields(index) for index in redirects]
    # One of IPv6 need not quote the packet: then it speaks for all packets of that sender.
    return {(one.about.src, one.about.dst) if one.about else (one.to, None) for one in told}


def _names(table: PacketTable) -> dict[int, str]:
    """Addresses that MACs claim by ARP."""
    pairs = zip(table.arp.sender_mac.tolist(), table.arp.sender_ip.tolist(), strict=True)
    return {mac: table.addresses.text(address) for mac, address in pairs if address}


def _proxies(scene: Scene) -> Iterator[Seen]:
    """A router answers questions for hosts behind it."""
    part = scene.part("arp.resolution")
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for index, carrier in segment.proxies(scene.table, part):
        fields = part.fields(index)
        groups[fields.answered_macs[0], fields.wanted_ip].append((index, carrier.row))
    for (mac, address), found in groups.items():
        indices = [index for index, _ in found]
        fields = part.fields(indices[0])
        ttl = int(scene.table.ttl[found[0][1]])
        values = {"mac": mac, "address": address, "asker": fields.asker_ip, "ttl": ttl, "count": len(indices)}
        members: list[Member] = [(part, index) for index in indices]
        rows = rows_of(members) + [row for _, row in found]
        yield Seen("proxy-arp-in-play", "likely", members, rows, (), values)
