"""A packet that was lost between places, and what both sides show of it: which causes they leave.

Each rule says what would be seen if its causes were true, looks, and takes them off the list where it is not
there.  A rule that cannot look, because nobody recorded where it would have to, leaves its causes alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST
from explain.causes.chance import may_lose_all
from explain.causes.from_capture.ping_sizes import rivals_by_size
from explain.exchanges.over_places.trails import forward
from explain.places.near import whole_of
from explain.table import FRAGMENT, IPV6

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explain.causes.from_capture.scene import Scene
    from explain.exchanges.over_places.paths import Paths
    from explain.table import PacketTable, Rows

_MOST_TRAILS = 20
_FEW_HOPS = 16  # less than any host begins with
_WAIT_NS = 3_000_000_000  # ARP asks three times, a second apart
_MOMENT_NS = 50_000_000  # less than between two pings, so that nobody pulled a cable in between
_REQUEST, _REPLY = 1, 2
_FIRST_TTLS = (32, 64, 128, 255)

_FOR_ALL_ALIKE = (
    "forwarding-disabled", "no-route-on-router", "reject-route-on-router", "wrong-nexthop-on-router",
    "destination-host-absent-behind-router", "router-interface-down", "wrong-gateway-address",
    "no-return-route-on-router", "no-return-route-on-target", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "rp-filter-strict", "link-no-carrier", "bridge-port-down", "bridge-down", "bridge-port-not-forwarding",
    "bridge-port-not-member", "bridge-ports-isolated", "wrong-static-fdb-entry", "wrong-static-neighbour",
    "arp-disabled", "target-interface-down", "gateway-interface-down", "name-resolves-to-wrong-address",
    "reply-ttl-too-low", "sender-address-in-wrong-subnet",
)  # fmt: skip
_NOTHING_PASSES = (
    "link-no-carrier", "bridge-port-down", "bridge-down", "bridge-port-not-forwarding", "bridge-port-not-member",
    "bridge-ports-isolated", "arp-disabled", "target-interface-down", "gateway-interface-down",
    "router-interface-down",
)  # fmt: skip
_NAT_OF_SOURCE = (
    "masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net", "masquerade-bypassed-by-notrack",
)  # fmt: skip
_ON_THE_WAY_THERE = (
    "no-route-on-router", "destination-host-absent-behind-router", "name-resolves-to-wrong-address", "dnat-missing",
    "dnat-to-absent-host", "wrong-gateway-address", "target-interface-down",
)  # fmt: skip
_WRONG_WAY_BACK = (
    "no-return-route-on-target", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "stateful-filter-asymmetric-path",
)  # fmt: skip


class LostPackets:
    """What was lost, all frames of the same conversations, and what passed near them.

    Attributes:
        lost: request or reply.
        stage: link, router or target.
        requests, replies: rows of the whole table, at all places.
        gone: rows of what was lost, at the last place that saw it.
        missing: how many packets were lost.
        packets: of how many.
    """

    def __init__(self, scene: Scene, paths: Paths, trails: Sequence[int], kind: str) -> None:
        self.scene, self.kind = scene, kind
        self.table: PacketTable = whole_of(scene.table)
        self.topology, self._seen = paths.topology, paths.seen
        verdicts = [paths.verdict(trail) for trail in trails[:_MOST_TRAILS]]
        verdicts = [one.silent or one for one in verdicts]
        self.lost, self.stage, self.due = verdicts[0].lost, verdicts[0].stage, verdicts[0].due
        sides = [forward(self.table, leg) for trail in trails[:_MOST_TRAILS] for leg in paths.legs(trail)]
        self.requests, self.replies = (np.unique(np.concatenate([side[way] for side in sides])) for way in (0, 1))
        self.place = int(self.table.place[verdicts[0].last])
        way = self.replies if self.lost == "reply" else self.requests
        self.gone: Rows = way[self.table.place[way] == self.place]
        self.missing = sum(verdict.missing for verdict in verdicts)
        self.packets = sum(verdict.packets for verdict in verdicts)

    @cached_property
    def heard_by(self) -> set[int]:
        """MAC keys that the lost packets were handed to."""
        return set(self.table.links.target[self.table.link[self.gone]].tolist())

    @cached_property
    def came_from(self) -> set[int]:
        """MAC keys that brought the requests to the place where replies were lost."""
        at = self.requests[self.table.place[self.requests] == self.place]
        return set(self.table.links.source[self.table.link[at]].tolist()) if self.lost == "reply" else set()

    @cached_property
    def span(self) -> tuple[int, int]:
        """From the first that was lost to the last, by the clock of the place."""
        times = self.table.time_ns[self.gone]
        return int(times.min()), int(times.max())

    def asked(self, place: int, macs: set[int] | None = None) -> bool:
        """Whether anybody, or one of some stations, asked for a neighbour at a place while packets were lost."""
        first, last = self.span
        if place != self.place:  # another clock: by the times that were put right
            moved = int(np.median(self._seen.time_ns[self.gone] - self.table.time_ns[self.gone]))
            first, last = first + moved, last + moved
        times = self.table.time_ns if place == self.place else self._seen.time_ns
        rows = self._questions
        rows = rows[(self.table.place[rows] == place) & (times[rows] >= first) & (times[rows] <= last + _WAIT_NS)]
        if macs is None:
            return len(rows) > 0
        return not macs.isdisjoint(self.table.links.source[self.table.link[rows]].tolist())

    @cached_property
    def _questions(self) -> Rows:
        arp, icmp = self.table.arp, self.table.icmp
        return np.concatenate((arp.row[arp.operation == _REQUEST], icmp.row[icmp.is_v6 & (icmp.type == 135)]))

    def told(self, mac: int) -> int:
        """How many places saw a station answer for the address of its own by ARP or neighbour discovery."""
        arp, icmp = self.table.arp, self.table.icmp
        advert = icmp.row[icmp.is_v6 & (icmp.type == 136)]
        rows = np.concatenate((
            arp.row[(arp.operation == _REPLY) & (arp.sender_mac == mac)],
            advert[self.table.links.source[self.table.link[advert]] == mac],
        ))  # fmt: skip
        return len(np.unique(self.table.place[rows]))

    @property
    def is_sought(self) -> bool:
        """Whether everybody on a link was asked for the address that the lost packets were for."""
        arp, icmp, wanted = self.table.arp, self.table.icmp, self.table.targets(self.gone)
        rows = np.concatenate((
            arp.row[(arp.operation == _REQUEST) & np.isin(arp.target_ip, wanted)],
            icmp.row[icmp.is_v6 & (icmp.type == 135) & np.isin(icmp.target, wanted)],
        ))  # fmt: skip
        return bool((self.table.links.target[self.table.link[rows]] >> 40 & 1).any())

    @cached_property
    def is_heard(self) -> bool:
        """Whether those that the lost packets were handed to spoke at the last place a moment before, or since."""
        heard, since = self.topology.stations.last_heard, self.span[0] - _MOMENT_NS
        return all(heard.get((self.place, mac), since) > since for mac in self.heard_by)

    def is_nearest(self, mac: int) -> bool:
        """Whether the last place is the nearest to a station of several on its link, so that it sees all it sends."""
        rank = self.topology.order.rank
        own = rank.get((mac, self.place))
        return own == 0 and any(far > 0 for (station, _), far in rank.items() if station == mac)

    def sources(self, rows: Rows) -> set[int]:
        """Address keys."""
        return set(self.table.sources(rows).tolist())


def _is_whole(gone: LostPackets) -> bool:
    return not bool((gone.table.layers[gone.gone] & FRAGMENT).any())


def _is_more_than_chance(gone: LostPackets) -> bool:
    return gone.missing >= gone.packets and not may_lose_all(gone.missing)


def _is_to_one(gone: LostPackets) -> bool:
    return all(mac < BROADCAST and not mac >> 40 & 1 for mac in gone.heard_by)


def _is_answered(gone: LostPackets) -> bool:
    return gone.lost == "reply"


def _goes_back_as_it_came(gone: LostPackets) -> bool:
    """The reply was handed to the station that had brought the request to this place."""
    return gone.lost == "reply" and bool(gone.came_from) and gone.heard_by <= gone.came_from


def _is_from_who_was_asked(gone: LostPackets) -> bool:
    asked = set(gone.table.targets(gone.requests).tolist())
    return gone.lost == "reply" and len(asked) == 1 and gone.sources(gone.gone) == asked


def _has_hops(gone: LostPackets) -> bool:
    return int(gone.table.ttl[gone.gone].min()) >= _FEW_HOPS


def _is_ipv6(gone: LostPackets) -> bool:
    return bool((gone.table.layers[gone.gone] & IPV6).all())


def _is_translated(gone: LostPackets) -> bool:
    return len(gone.sources(gone.requests)) > 1


def _keeps_its_source(gone: LostPackets) -> bool:
    """The request stands as its sender made it at one place, and with the same source at the last one."""
    begun = gone.requests[np.isin(gone.table.ttl[gone.requests], _FIRST_TTLS)]
    return gone.lost == "request" and len(begun) > 0 and gone.sources(gone.requests) == gone.sources(begun)


def _asks_nobody(gone: LostPackets) -> bool:
    """The target, all that it sends being seen, neither answered nor asked for anybody to hand an answer to."""
    is_seen = all(gone.is_nearest(mac) for mac in gone.heard_by)
    return gone.lost == "request" and gone.stage == "target" and is_seen and not gone.asked(gone.place, gone.heard_by)


def _is_rightly_addressed(gone: LostPackets) -> bool:
    """The frames went to the MAC that was told for the destination, and no other was."""
    targets = set(gone.table.targets(gone.gone).tolist())
    owners = set().union(*(gone.topology.stations.owners.get(address, set()) for address in targets))
    return gone.lost == "request" and gone.stage in ("target", "link") and owners == gone.heard_by


def _has_one_owner(gone: LostPackets) -> bool:
    """All were asked and several places saw that station answer, so that none of them would have missed another one."""
    return _is_rightly_addressed(gone) and gone.is_sought and all(gone.told(mac) > 1 for mac in gone.heard_by)


def _is_addressed_as_told(gone: LostPackets) -> bool:
    """Whoever handed the packets on had asked for the MAC, and not taken it from a table."""
    return gone.stage == "link" and _is_rightly_addressed(gone) and all(gone.told(mac) for mac in gone.heard_by)


def _answers_for_itself(gone: LostPackets) -> bool:
    return gone.stage == "target" and all(gone.told(mac) for mac in gone.heard_by)


def _speaks(gone: LostPackets) -> bool:
    """The target was heard on its link a moment before, or since."""
    return gone.stage == "target" and gone.is_heard


def _carries(gone: LostPackets) -> bool:
    """The station that the packets were meant for answered over this very link a moment before, or since."""
    return gone.stage == "link" and gone.is_heard and all(gone.told(mac) for mac in gone.heard_by)


def _is_not_asked_for_behind(gone: LostPackets) -> bool:
    """Behind the router, at a place that has seen the destination at other times, nobody looks for it."""
    if gone.stage != "router" or gone.due is None:
        return False
    flows, targets = gone.table.flows, gone.table.targets(gone.gone)
    at = flows.place == gone.due
    is_known = np.isin(targets, np.concatenate((flows.low[at], flows.high[at])))
    return bool(is_known.all()) and not gone.asked(gone.due)


def _others_pass(gone: LostPackets) -> bool:
    """Other conversations between the same two addresses were answered, before and after this was lost."""
    table = gone.table
    begun = gone.requests[table.ttl[gone.requests] == table.ttl[gone.requests].max()]
    flow, times = table.flow[begun[0]], table.time_ns[begun]
    started, ended = gone.scene.answered.get((int(table.flows.low[flow]), int(table.flows.high[flow])), (None, 0))
    return started is not None and started < times.min() and ended > times.max()


RULES: tuple[tuple[Callable[[LostPackets], bool], tuple[str, ...]], ...] = (
    (lambda gone: gone.kind != "tcp.connection", ("tcp-accept-queue-full", "dnat-missing")),
    (lambda gone: gone.kind != "icmp.echo", ("echo-ignored-by-target", "icmp-rate-limited")),
    (_is_to_one, ("broadcast-echo-ignored",)),
    (_is_whole, ("fragments-filtered",)),
    (_is_more_than_chance, ("partial-loss",)),
    (_is_ipv6, ("rp-filter-strict",)),
    (_is_answered, _ON_THE_WAY_THERE),
    (_goes_back_as_it_came, _WRONG_WAY_BACK),
    (_is_from_who_was_asked, ("hairpin-nat-missing",)),
    (_has_hops, ("reply-ttl-too-low",)),
    (_is_translated, _NAT_OF_SOURCE),
    (_keeps_its_source, ("snat-to-unowned-address",)),
    (_asks_nobody, ("wrong-gateway-on-target", "wrong-netmask-on-target", "wrong-static-neighbour")),
    (_has_one_owner, ("arp-spoofed", "duplicate-address")),
    (_is_addressed_as_told, ("wrong-static-neighbour",)),
    (_answers_for_itself, ("arp-disabled",)),
    (_speaks, ("target-interface-down",)),
    (_carries, _NOTHING_PASSES),
    (_is_not_asked_for_behind, ("destination-host-absent-behind-router", "target-interface-down")),
    (_others_pass, _FOR_ALL_ALIKE),
)
"""What would have to be otherwise if a cause were true, and the causes that it so rules out."""


def left(gone: LostPackets, rivals: Sequence[str]) -> tuple[str, ...]:
    """Of some causes those that nothing speaks against, not even the size of what was lost; all where none is left."""
    sized = rivals_by_size(gone.table, gone.gone, rivals)
    out: set[str] = set()
    for is_so, causes in RULES:
        if not out.issuperset(causes) and is_so(gone):
            out.update(causes)
    return tuple(one for one in sized if one not in out) or tuple(rivals)
