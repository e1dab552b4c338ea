"""Requests that left, and nothing came back: what one place cannot tell apart."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.chance import without_chance
from explain.causes.from_capture.ping_sizes import rivals_by_size
from explain.causes.from_capture.reached import acknowledgements, possible
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges.columns import rows_of
from explain.exchanges.segment import is_forwarded, is_private_underway
from explain.table import FRAGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Member
    from explain.table import PacketTable

WHY_SILENT = (
    "forwarding-disabled", "filter-on-router-forward", "filter-on-target-input", "filter-on-target-ingress",
    "filter-on-target-output", "echo-ignored-by-target", "broadcast-echo-ignored", "no-return-route-on-target",
    "wrong-gateway-on-target", "wrong-netmask-on-target", "no-return-route-on-router", "reject-route-on-router",
    "rp-filter-strict", "reply-ttl-too-low", "icmp-rate-limited", "masquerade-missing", "masquerade-wrong-interface",
    "nat-wrong-source-net", "masquerade-bypassed-by-notrack", "snat-to-unowned-address", "wrong-gateway-address",
    "wrong-static-neighbour", "arp-spoofed", "wrong-static-fdb-entry", "filter-on-switch", "pmtu-blackhole",
    "fragments-filtered", "mtu-mismatch-on-link", "wrong-source-address-selected",
    "destination-host-absent-behind-router", "name-resolves-to-wrong-address", "arp-disabled", "no-route-on-router",
    "target-interface-down", "filter-on-sender-input", "stateful-filter-asymmetric-path", "corrupted-packets",
    "partial-loss", "icmp-errors-filtered-on-router", "wrong-nexthop-on-router", "router-interface-down",
    "routing-loop", "sender-address-in-wrong-subnet", "conntrack-table-full", "duplicate-address",
)  # fmt: skip
_UNTRANSLATED = ("masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net")
_SOME_LOST = ("icmp-rate-limited", "corrupted-packets", "filter-on-target-input", "duplicate-address")
_MOST_CITED = 4  # segments of the target that show that it is reached


def look(scene: Scene) -> Iterator[Seen]:
    """Echo requests without any answer, and those with too few."""
    part = scene.part("icmp.echo")
    for outcome, cause, rivals in (
        ("unanswered", "echo-unanswered", WHY_SILENT),
        ("refused", "echo-unanswered", ()),
        ("partly-answered", "partial-loss", _SOME_LOST),
    ):
        groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
        for index in scene.open(part, outcome):
            fields = part.fields(index)
            groups[int(scene.table.place[part.rows(index)[0]]), fields.src, fields.dst].append(index)
        for (_, source, target), indices in groups.items():
            sent = sum(part.fields(index).sent for index in indices)
            received = sum(part.fields(index).received for index in indices)
            members = [(part, index) for index in indices]
            rows = rows_of(members)
            values: dict[str, object] = {"src": source, "dst": target, "sent": sent, "received": received}
            why: tuple[str, ...] = rivals
            if outcome == "unanswered":
                proof, why, case = _narrowed(scene, rows)
                unread = _unread_errors(scene, members)
                why = without_chance(why, sent)
                if any(scene.beside.get((part.kind, index)) == "icmp-redirect" for index in indices):
                    why = ("icmp-redirect", *why)  # the replies may come back by the better router
                rows += proof
                values |= {"case": case} if case else {}
                if unread:
                    values |= {"case": "unread", "count": len(unread), "error": _name_of(unread[0])}
                    members += unread
                    rows += rows_of(unread)
            if outcome == "refused":  # by an error of a kind that has no cause of its own
                members += _errors_among(scene, rows)
                values["case"] = "told"
            yield Seen(cause, "possible", members, rows, why, values)


def _errors_among(scene: Scene, rows: list[int]) -> list[Member]:
    part, own = scene.part("icmp.error"), set(rows)
    return [(part, index) for index in scene.open(part, *part.outcomes) if int(part.rows(index)[0]) in own]


def _unread_errors(scene: Scene, members: list[Member]) -> list[Member]:
    """Errors that came to the sender meanwhile, and of which too little was recorded to tell what they quote."""
    table, errors = scene.table, scene.part("icmp.error")
    rows = errors.frames[errors.bounds[:-1]]
    first = min(int(part.rows(index)[0]) for part, index in members)
    is_unread = table.icmp.quote[np.searchsorted(table.icmp.row, rows)] == 0
    is_unread &= (rows > first) & (table.place[rows] == table.place[first])
    own = np.flatnonzero(is_unread & (table.targets(rows) == table.ends(first)[0]))
    return [(errors, index) for index in own.tolist()]


def _name_of(error: Member) -> str:
    part, index = error
    name: str = part.outcomes[part.outcome[index]]
    return name


def nat_first(why: tuple[str, ...]) -> tuple[str, ...]:
    """The rivals of a silence towards a private address that a router let out: translation before all others."""
    return (*(one for one in why if one in _UNTRANSLATED), *(one for one in why if one not in _UNTRANSLATED))


def _narrowed(scene: Scene, rows: list[int]) -> tuple[list[int], tuple[str, ...], str]:
    """What the silence may mean, with what shows it: the size of the requests, the way, what else was answered."""
    at = np.array(rows, np.int64)
    sized = rivals_by_size(scene.table, at, WHY_SILENT)
    why = scene.one_link.possible(rows, sized)
    if scene.one_link.stays_home(rows):
        return [], why, "home"
    if (scene.table.layers[at] & FRAGMENT).any():
        return [], why, "fragments"
    proof = acknowledgements(scene.table, rows)[:_MOST_CITED].tolist()
    if proof:
        return proof, possible(why), "reached"
    if is_private_underway(scene.table, rows[0]):
        return [], nat_first(why), "private"
    if len(why) < len(sized):
        return [], why, "link"
    return [], why, "underway" if _passes_one_way(scene.table, rows[0]) else ""


def _passes_one_way(table: PacketTable, row: int) -> bool:
    """Whether a place on the way, behind a router, shows nothing at all that is for the sender of a packet."""
    if not is_forwarded(int(table.ttl[row])):
        return False
    source, flows = table.ends(row)[0], table.flows
    towards = np.concatenate((2 * np.flatnonzero(flows.high == source), 2 * np.flatnonzero(flows.low == source) + 1))
    return not (table.whole.first_of_side[towards] >= 0).any()
