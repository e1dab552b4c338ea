"""A host that keeps silent to everything, or all hosts beyond one router at once: many symptoms, one root."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import NO_MAC, mac_text
from explain.arrays import among, distinct
from explain.causes.from_capture.scene import Member, Scene, Seen, is_housekeeping
from explain.causes.from_capture.silence import WHY_SILENT
from explain.causes.from_capture.tcp.connections import NO_SYN_ACK
from explain.causes.from_capture.tcp.troubles import is_left
from explain.exchanges.icmp.quotes import quoted_flows
from explain.exchanges.tcp import labels as label
from explain.exchanges.together import CONVERSATIONS
from explain.record import dataclass
from explain.table import FIN, IP, NO_FLOW, SYN

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import Rows

_FEWEST = 2  # services of a host, or hosts beyond a router; also what of one connection or run is asked again
_MOST = 64  # pairs of hosts; whoever tries more looks for hosts
_LASTS_NS = 1_000_000_000
_MOST_SHOWN = 3
_SAME_SERVICE = {139: 445}  # file sharing of Windows, which tries both ports at once
_OWN_TTLS = (1, 64, 255)  # with which routers send what they say themselves
_NEVER = tuple(one for one in WHY_SILENT if one in NO_SYN_ACK)
_SINCE = (
    "target-interface-down", "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output",
    "filter-on-router-forward", "router-interface-down", "no-route-on-router", "no-return-route-on-router",
    "reject-route-on-router", "routing-loop", "bridge-port-down", "bridge-down", "duplicate-address", "arp-spoofed",
)  # fmt: skip
_BEYOND = (
    "gateway-interface-down", "router-interface-down", "no-route-on-router", "no-return-route-on-router",
    "wrong-nexthop-on-router", "reject-route-on-router", "forwarding-disabled", "filter-on-router-forward",
    "conntrack-table-full", "routing-loop",
)  # fmt: skip

_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Silence:
    """What a host asked another one in vain.

    Attributes:
        since_ns: when the other one was last heard; None if it never was.
        services: what was asked for, without datagrams that need no answer.
        mac: who should hand it on.
    """

    asker: int
    asked: int
    since_ns: int | None
    members: list[Member]
    rows: Rows
    services: set[Hashable]
    mac: int


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for all that falls silent at once; what somebody gives a reason for is left to that."""
    asked = _asked(scene) if len(scene.table.places) == 1 else {}
    if not 0 < len(asked) <= _MOST:
        return
    told, seeking = _told(scene), _seeking(scene)
    silences = [
        one
        for pair, members in asked.items()
        if pair[0] not in seeking and (one := _silence(scene, pair, members)) and not among(one.rows, told).any()
    ]
    for mac, some in _beyond(scene, silences):
        yield _seen_beyond(scene, mac, some)
        silences = [one for one in silences if one not in some]
    yield from (_seen(scene, one) for one in silences if len(one.services) >= _FEWEST)


def _asked(scene: Scene) -> dict[_Pair, list[Member]]:
    """Between whom something was asked in vain, or may have been."""
    found: dict[_Pair, list[Member]] = defaultdict(list)
    for kind in (*CONVERSATIONS, "dns.lookup"):
        part = scene.part(kind)
        some = [index for index in scene.open(part, "unanswered") if not is_housekeeping(part, index)]
        rows = part.frames[part.bounds[some]]
        if kind == "icmp.echo":
            partly = scene.open(part, "partly-answered")
            some, rows = some + partly, np.concatenate((rows, part.frames[part.bounds[partly]]))
        elif kind == "tcp.connection" and len(part):
            done, moments = {*some, *scene.accounted[kind]}, part.facts["moments"]
            is_cut = np.asarray(part.facts["is_established"]) & is_left(moments)
            left = [index for index in np.flatnonzero(is_cut).tolist() if index not in done]
            last = moments.streams.bounds[1:][left] - 1
            some, rows = some + left, np.concatenate((rows, moments.streams.rows[last]))
        _sort_in(scene, part, some, rows, found)
    return found


def _sort_in(
    scene: Scene, part: ExchangeColumns, some: list[int], rows: Rows, found: dict[_Pair, list[Member]]
) -> None:
    targets = scene.table.targets(rows)
    is_group = scene.table.addresses.are_groups(targets)
    pairs = zip(some, scene.table.sources(rows).tolist(), targets.tolist(), is_group.tolist(), strict=True)
    for index, asker, asked, group in pairs:
        if asker != asked and not group:
            found[asker, asked].append((part, index))


def _told(scene: Scene) -> Rows:
    """Rows of flows about which somebody sent an error."""
    flows = quoted_flows(scene.table)
    return scene.table.by_flow.of(distinct(flows[flows != NO_FLOW]))


def _seeking(scene: Scene) -> set[int]:
    """Hosts that ask in vain for the MAC of somebody: that tells more than the silence which follows."""
    rows = [
        part.frames[part.bounds[scene.open(part, "unanswered")]]
        for part in (scene.part("arp.resolution"), scene.part("ndp.resolution"))
    ]
    arp = scene.table.arp
    return {*arp.sender_ip[among(arp.row, rows[0])].tolist(), *scene.table.sources(rows[1]).tolist()}


def _silence(scene: Scene, pair: _Pair, candidates: list[Member]) -> _Silence | None:
    """What of it stayed in vain to the end, for a second at least."""
    table = scene.table
    asker, asked = pair
    heard = table.time_ns[table.rows_from(asked, asker)]
    since_ns = int(heard.max()) if len(heard) else None
    members: list[Member] = []
    services: set[Hashable] = set()
    rows: list[Rows] = []
    for part, index in candidates:
        own = _asking(scene, part, index)
        own = own if since_ns is None else own[table.time_ns[own] > since_ns]
        service = _in_vain(part, index, own)
        if service is not None:
            members.append((part, index))
            rows.append(own)
            services |= {service} - {"udp.flow"}
    if not members:
        return None
    vain = distinct(np.concatenate(rows))
    if np.ptp(table.time_ns[vain]) < _LASTS_NS:
        return None
    return _Silence(asker, asked, since_ns, members, vain, services, int(table.links.target[table.link[vain[0]]]))


def _asking(scene: Scene, part: ExchangeColumns, index: int) -> Rows:
    """The rows of an exchange to which an answer is due: a mere ACK needs none."""
    table = scene.table
    rows: Rows = part.rows(index)
    if part.kind != "tcp.connection":
        return rows
    asks = (table.payload[rows] > 0) | (table.flags[rows] & (SYN | FIN) != 0)
    due: Rows = rows[asks | among(rows, part.facts["moments"].labelled(index, label.KEEP_ALIVE))]
    return due


def _in_vain(part: ExchangeColumns, index: int, later: Rows) -> Hashable | None:
    """For what an exchange asked in vain in some of its rows, None if it did not."""
    outcome = part.outcomes[part.outcome[index]]
    if outcome == "unanswered":
        is_whole = len(later) == len(part.rows(index))
        port = part.facts["moments"].ends(index)[1][1] if part.kind == "tcp.connection" else 0
        return (part.kind, _SAME_SERVICE.get(port, port)) if is_whole and port else part.kind if is_whole else None
    if part.kind != "tcp.connection":
        return part.kind if len(later) >= _FEWEST else None
    moments = part.facts["moments"]
    again = moments.labelled(index, label.RESENT | label.KEEP_ALIVE)
    return ("open", moments.ends(index)[1][1]) if int(among(again, later).sum()) >= _FEWEST else None


def _beyond(scene: Scene, silences: list[_Silence]) -> Iterator[tuple[int, list[_Silence]]]:
    """Several hosts that one router hands on to, all heard before, and of which none is heard any more."""
    groups: dict[_Pair, list[_Silence]] = defaultdict(list)
    for one in silences:
        if one.mac < NO_MAC and not scene.one_link.holds(one.rows[:1].tolist()):
            groups[one.asker, one.mac].append(one)
    table = scene.table
    for (_, mac), some in groups.items():
        heard = [one.since_ns for one in some if one.since_ns is not None]
        if len(heard) < _FEWEST:
            continue
        since_ns = max(heard)
        silent = [one for one in some if int(table.time_ns[one.rows].min()) > since_ns]
        rows = table.rows_on(table.links.source == mac)
        rows = rows[(table.time_ns[rows] > since_ns) & (table.layers[rows] & IP != 0)]
        is_own = among(table.ttl[rows], _OWN_TTLS)
        if sum(one.since_ns is not None for one in silent) >= _FEWEST and is_own.all():
            yield mac, silent


def _seen_beyond(scene: Scene, mac: int, some: list[_Silence]) -> Seen:
    members = [member for one in some for member in one.members]
    rows = distinct(np.concatenate([one.rows for one in some]))
    text = scene.table.addresses.text
    values: dict[str, Any] = {
        "case": "beyond", "src": text(some[0].asker), "mac": mac_text(mac), "hosts": len(some), "count": len(members),
        "first": [text(one.asked) for one in some[:_MOST_SHOWN]],
        "silent_ns": int(np.ptp(scene.table.time_ns[rows])),
    }  # fmt: skip
    return Seen("host-silent", "possible", _with_datagrams(scene, members), rows.tolist(), _BEYOND, values)


def _seen(scene: Scene, one: _Silence) -> Seen:
    text, rows = scene.table.addresses.text, one.rows.tolist()
    values: dict[str, Any] = {"src": text(one.asker), "dst": text(one.asked), "count": len(one.members)}
    if one.since_ns is None:
        values["case"] = "never"
    else:
        values["silent_ns"] = int(np.ptp(scene.table.time_ns[one.rows]))
    rivals = scene.one_link.possible(rows, _NEVER if one.since_ns is None else _SINCE)
    return Seen("host-silent", "possible", _with_datagrams(scene, one.members), rows, rivals, values)


def _with_datagrams(scene: Scene, members: list[Member]) -> list[Member]:
    """These, and the flows that are only the datagrams of the look-ups among them."""
    part = scene.part("dns.lookup")
    carried = scene.exchanges.carried(part, [index for one, index in members if one is part])
    return [*members, *(leg for legs in carried.values() for leg in legs)]
