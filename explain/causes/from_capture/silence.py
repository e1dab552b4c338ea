"""Requests that left, and nothing came back: what one place cannot tell apart."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, IPV6_KEY
from explain.causes.chance import without_chance
from explain.causes.from_capture.ping_sizes import LARGE, rivals_by_size
from explain.causes.from_capture.reached import acknowledgements, possible
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges import losses
from explain.exchanges.columns import rows_of
from explain.exchanges.segment import is_forwarded, is_private_underway
from explain.table import FRAGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Member
    from explain.exchanges.columns import ExchangeColumns
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
_NOBODY_ANSWERS = (
    "echo-ignored-by-target", "filter-on-target-input", "filter-on-target-ingress", "filter-on-switch",
    "sender-address-in-wrong-subnet", "filter-on-sender-input", "target-interface-down",
)  # fmt: skip
_ANYWHERE = ("", "link", "large")  # cases that say nothing of what else came by
_LARGE_FIRST = ("pmtu-blackhole", "mtu-mismatch-on-link")
_MOST_CITED = 4  # segments of the target that show that it is reached


def look(scene: Scene) -> Iterator[Seen]:
    """Echo requests without any answer, and those with too few."""
    part = scene.part("icmp.echo")
    answered = _Answered(scene.table, part)
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
            if outcome == "unanswered":
                yield _silent(scene, part, indices, answered.like(indices), values)
                continue
            if outcome == "refused":  # by an error of a kind that has no cause of its own
                members += _errors_among(scene, rows)
                errors = scene.part("icmp.error")
                first = int(errors.with_rows(np.array(rows))[0])
                values |= {"case": "told", "from": errors.fields(first).from_, "error": _name_of((errors, first))}
            yield Seen(cause, "possible", members, rows, rivals, values)


def _silent(
    scene: Scene, part: ExchangeColumns, indices: list[int], alike: list[int], values: dict[str, object]
) -> Seen:
    """Runs without any answer, between the same ends as those that were answered; the sum of their pings is known."""
    members: list[Member] = [(part, index) for index in indices]
    rows = rows_of(members)
    if _are_for_everybody(scene.table, rows):
        return Seen("broadcast-echo-ignored", "likely", members, rows, _NOBODY_ANSWERS, values)
    proof, why, case = _narrowed(scene, rows)
    why = without_chance(why, sum(part.fields(index).sent for index in indices))
    if any(scene.beside.get((part.kind, index)) == "icmp-redirect" for index in indices):
        why = ("icmp-redirect", *why)  # the replies may come back by the better router
    if unread := _unread_errors(scene, members):
        values |= {"case": "unread", "count": len(unread), "error": _name_of(unread[0])}
    elif alike and case in _ANYWHERE:
        values |= _among_answered(scene, part, indices, alike)
        if values["received"]:
            return Seen("partial-loss", "possible", members, rows, _SOME_LOST, values)
        why = tuple(one for one in why if one != "name-resolves-to-wrong-address")  # this very address answers
    elif case:
        values["case"] = case
    return Seen("echo-unanswered", "possible", members + unread, rows + proof + rows_of(unread), why, values)


def _are_for_everybody(table: PacketTable, rows: list[int]) -> bool:
    """Whether packets of IPv4 went to all on the link, or to a group; of IPv6 hosts do answer such ones."""
    at = np.array(rows, np.int64)
    targets = table.targets(at)
    are_for_many = (table.links.target[table.link[at]] == BROADCAST) | table.addresses.are_groups(targets)
    return bool((are_for_many & (targets < IPV6_KEY)).all())


class _Answered:
    """The runs that got answers, to be asked which of them are as those that got none."""

    def __init__(self, table: PacketTable, part: ExchangeColumns) -> None:
        first = part.frames[part.bounds[:-1]]
        self._indices = part.where("answered", "partly-answered")
        self._keys = np.stack((table.place[first], table.sources(first), table.targets(first), table.ttl[first]))
        self._length = table.length[first]
        self._known = set(zip(*self._keys[:, self._indices].tolist(), strict=True))

    def like(self, silent: list[int]) -> list[int]:
        """Those between the same ends, with the same TTL, and no smaller: so what they carry is no reason."""
        key = self._keys[:, silent[:1]]
        if tuple(key[:, 0].tolist()) not in self._known or (self._keys[:, silent] != key).any():
            return []
        of_them = (self._keys[:, self._indices] == key).all(axis=0)
        is_like = of_them & (self._length[self._indices] >= self._length[silent].max())
        found: list[int] = self._indices[is_like].tolist()
        return found


def _among_answered(scene: Scene, part: ExchangeColumns, silent: list[int], answered: list[int]) -> dict[str, object]:
    """What the order of answered runs and silent ones tells.

    Single pings that are lost among others are lost on a way that works.  Runs of several are not lost by chance: from
    one moment on it was otherwise, or it goes to and fro.
    """
    got = dict.fromkeys(silent, False) | dict.fromkeys(answered, True)
    order = [got[index] for index in sorted(got)]
    turns = sum(before != after for before, after in pairwise(order))
    every = [part.fields(index) for index in got]
    if turns > 1 and all(one.sent == 1 for one in every[: len(silent)]):
        sent, received = sum(one.sent for one in every), sum(one.received for one in every)
        return {"sent": sent, "received": received, "case": losses.pattern(order)}
    row = part.rows(min(answered))[0] if order[-1] else part.rows(max(answered))[-1]
    case = "by-turns" if turns > 1 else "mended" if order[-1] else "ceased"
    return {"case": case, "frame": int(scene.table.frame[row])}


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
    if scene.table.length[at].min() >= LARGE:
        return [], tuple(sorted(why, key=lambda one: one not in _LARGE_FIRST)), "large"
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
