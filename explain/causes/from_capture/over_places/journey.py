"""Silence with a place: several vantage points saw how far the request, or its answer, came."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture import silence
from explain.causes.from_capture.over_places import datagrams
from explain.causes.from_capture.over_places.vanished import LostPackets, left
from explain.causes.from_capture.ping_sizes import are_halves, rivals_by_size
from explain.causes.from_capture.scene import FAILED, Member, Scene, Seen
from explain.causes.from_capture.tcp import connections
from explain.exchanges.columns import rows_of
from explain.places.near import whole_of
from explain.table import IPV6, RST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.paths import Paths, Verdict
    from explain.table import PacketTable

_LINK = (
    "link-no-carrier", "bridge-port-down", "bridge-down", "bridge-port-not-forwarding", "bridge-port-not-member",
    "bridge-ports-isolated", "wrong-static-fdb-entry", "wrong-static-neighbour", "arp-spoofed", "arp-disabled",
    "duplicate-address", "filter-on-switch", "mtu-mismatch-on-link", "pmtu-blackhole", "corrupted-packets",
    "partial-loss", "target-interface-down", "gateway-interface-down", "router-interface-down",
)  # fmt: skip
_ROUTER = (
    "filter-on-router-forward", "forwarding-disabled", "no-route-on-router", "reject-route-on-router",
    "rp-filter-strict", "wrong-nexthop-on-router", "destination-host-absent-behind-router", "router-interface-down",
    "wrong-gateway-address", "pmtu-blackhole", "fragments-filtered", "icmp-errors-filtered-on-router",
    "conntrack-table-full", "stateful-filter-asymmetric-path", "wrong-static-neighbour", "arp-spoofed",
    "name-resolves-to-wrong-address", "masquerade-missing", "dnat-missing", "dnat-to-absent-host",
    "target-interface-down", "corrupted-packets", "partial-loss", "wrong-source-address-selected",
)  # fmt: skip
_TARGET = (
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output", "echo-ignored-by-target",
    "broadcast-echo-ignored", "no-return-route-on-target", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "icmp-rate-limited", "rp-filter-strict", "tcp-accept-queue-full", "masquerade-missing",
    "masquerade-wrong-interface", "nat-wrong-source-net", "masquerade-bypassed-by-notrack",
    "snat-to-unowned-address", "wrong-source-address-selected", "wrong-static-neighbour", "arp-spoofed",
    "arp-disabled", "corrupted-packets", "fragments-filtered", "target-interface-down", "duplicate-address",
    "sender-address-in-wrong-subnet",
    "forwarding-disabled", "dnat-missing", "dnat-to-absent-host", "filter-on-router-forward",  # it may translate
)  # fmt: skip
_WAY_BACK = (
    "no-return-route-on-router", "reply-ttl-too-low", "hairpin-nat-missing", "masquerade-wrong-interface",
    "wrong-netmask-on-target", "wrong-gateway-on-target", "no-return-route-on-target",
)  # fmt: skip
_FORWARDING_4, _FORWARDING_6 = "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"
_NEVER_LEFT = ("filter-on-sender-input", "stateful-filter-asymmetric-path")
CAN_ACT = {
    ("request", "link"): _LINK,
    ("request", "router"): _ROUTER,
    ("request", "target"): _TARGET,
    ("reply", "link"): _LINK,
    ("reply", "router"): _ROUTER + _WAY_BACK,
    ("reply", "target"): _LINK + _NEVER_LEFT,
}
_ANSWERED = tuple(dict.fromkeys(CAN_ACT["reply", "router"] + CAN_ACT["reply", "link"] + CAN_ACT["reply", "target"]))
"""What can act on replies that were seen to leave, where nobody knows what they met next."""
_FEWEST = 2  # lost packets; a single one may only be missing in a capture
_AT_THE_END = ("tcp-accept-queue-full", "filter-on-target-input")  # nothing is lost there between two places
_PATTERNS = ("few", "spread", "burst")  # of lost pings; the others say more of the cause than the place does
_MOST_LOOKED_AT = 100  # pairs of hosts; where more are cut off, nobody reads what speaks against each cause of each
_KINDS = {
    "icmp.echo": ("echo-unanswered", silence.WHY_SILENT),
    "tcp.connection": ("tcp-syn-unanswered", connections.NO_SYN_ACK),
}


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for all conversations of two hosts that were lost at the same place."""
    part = scene.part("journey")
    lost = scene.open(part, "vanished")
    groups: dict[tuple[Any, ...], list[tuple[int, Member]]] = defaultdict(list)
    silent = {kind: set(scene.open(scene.part(kind), "unanswered")) for kind in _KINDS} if lost else {}
    table = whole_of(scene.table)
    for index, carried in scene.exchanges.carried(part, lost).items():
        verdict = _verdict(part, index)
        legs = [leg for leg in carried if leg[1] in silent.get(leg[0].kind, ())]
        # Behind a NAT the same conversation has other ends; it is told with those of who began it.
        legs.sort(key=lambda leg: -int(scene.table.ttl[leg[0].rows(leg[1])[0]]))
        if legs:
            last = table.places[table.place[verdict.last]]
            key = legs[0][0].kind, verdict.lost, verdict.stage, (last.capture, last.interface), _ends(*legs[0])
            groups[key] += [(index, leg) for leg in legs]
    for number, ((kind, lost_what, stage, _, _), some) in enumerate(groups.items()):
        yield _finding(scene, part, kind, lost_what, stage, some, is_looked_at=number < _MOST_LOOKED_AT)
    yield from datagrams.look(scene)


def _verdict(part: ExchangeColumns, index: int) -> Verdict:
    """How a journey ended, without its record: of many, that would cost too much."""
    paths: Paths = part.facts["paths"]
    return paths.verdict(int(part.facts["trail"][index]))


def _ends(part: ExchangeColumns, index: int) -> tuple[Any, ...]:
    if part.kind == "tcp.connection":  # its fields would cost too much for many
        _, server = part.facts["moments"].ends(index)
        return (server,)
    fields = part.fields(index)
    return fields.src, fields.dst


def _finding(
    scene: Scene,
    part: ExchangeColumns,
    kind: str,
    lost: str,
    stage: str | None,
    some: list[tuple[int, Member]],
    *,
    is_looked_at: bool,
) -> Seen:
    cause, everything = _KINDS[kind]
    verdicts = [_verdict(part, index) for index in dict.fromkeys(index for index, _ in some)]
    members: list[Member] = list(
        dict.fromkeys([*(member for _, member in some), *((part, index) for index, _ in some)])
    )
    rows = sorted({int(row) for _, (one, number) in some for row in one.rows(number)})
    missing = sum(verdict.missing for verdict in verdicts)
    can_act = CAN_ACT[lost, stage] if stage else _ANSWERED if lost == "reply" else None
    rivals, beyond = can_act or (), np.empty(0, np.int64)
    if can_act is None or missing < _FEWEST:
        rivals = rivals_by_size(scene.table, np.array(rows), everything)
    if missing >= _FEWEST and is_looked_at:
        trails = dict.fromkeys(int(part.facts["trail"][index]) for index, _ in some)
        gone = LostPackets(scene, part.facts["paths"], list(trails), kind)
        if kind == "icmp.echo" and are_halves(gone.table, gone.gone):
            return _halved(members, gone)
        rivals = left(gone, rivals)
        beyond = gone.gone if lost == "reply" else beyond
        rivals = scene.one_link.possible(rows, rivals)
    values = _values(scene.table, [member for _, member in some])
    if stage or lost == "reply":
        values |= _where(whole_of(scene.table), verdicts[0], lost, stage or "beyond")
    return Seen(cause, "possible", members, rows, rivals, values, beyond=beyond.tolist())


def _where(table: PacketTable, verdict: Verdict, lost: str, stage: str) -> dict[str, Any]:
    """Where a packet was seen last, and where it was due next."""
    last, due, case = verdict.last, verdict.due, f"{lost}-{stage}"
    if stage == "link" and due is None:
        case = f"{lost}-wire"
    elif stage == "router" and verdict.routers:
        case = f"{lost}-between" if verdict.routers > 1 else f"{lost}-within"
    elif case == "request-target" and table.ends(last)[1] != table.ends(verdict.sample)[1]:
        case = "request-translated"
    return {
        "case": case, "routers": verdict.routers or 0,
        "turned": table.addresses.text(table.ends(last)[1]), "turned_port": table.ports(last)[1],
        "last": table.places[table.place[last]].label, "next": "" if due is None else table.places[due].label,
        "lost": lost, "stage": stage, "answer": "RST" if int(table.flags[last]) & RST else "SYN-ACK",
        "knob": _FORWARDING_6 if int(table.layers[last]) & IPV6 else _FORWARDING_4,
    }  # fmt: skip


def _halved(members: list[Member], gone: LostPackets) -> Seen:
    """The rest of each packet was lost before its first fragment was."""
    src, dst = (gone.table.addresses.text(end) for end in gone.table.ends(int(gone.gone[0])))
    last = gone.table.places[gone.place].label
    values = {"src": src, "dst": dst, "count": len(gone.gone), "last": last, "case": "halves-at"}
    rows = rows_of(members)
    return Seen("fragments-filtered", "likely", members, sorted({*rows}), ("partial-loss",), values)


def _values(table: PacketTable, members: list[Member]) -> dict[str, Any]:
    part, first = members[0]
    if part.kind == "icmp.echo":
        runs = [part.fields(index) for _, index in members]
        return {
            "src": runs[0].src, "dst": runs[0].dst, "sent": sum(run.sent for run in runs),
            "received": sum(run.received for run in runs),
        }  # fmt: skip
    address, port = _ends(part, first)[0]
    return {"server": table.addresses.text(address), "port": port, "count": len(members)}


def attach(scene: Scene, seen: list[Seen]) -> list[Seen]:
    """Journeys and translations that failed belong to whatever explains the exchanges in them."""
    owner = {(one.kind, index): number for number, found in enumerate(seen) for one, index in found.members}
    more: dict[int, list[Member]] = defaultdict(list)
    for far, kept in scene.far_sides:
        number = owner.get((kept[0].kind, kept[1]))
        if number is not None:
            owner[far[0].kind, far[1]] = number
            more[number].append(far)
        elif _is_open(scene, *kept):
            scene.accounted[far[0].kind].discard(far[1])
    for kind in ("journey", "nat.translation"):
        part = scene.part(kind)
        failed = scene.open(part, *(name for name in part.outcomes if name in FAILED))
        for index, carried in scene.exchanges.carried(part, failed).items():
            told = next((owner[one.kind, at] for one, at in carried if (one.kind, at) in owner), None)
            if told is not None:
                more[told].append((part, index))
            if told is not None or not any(_is_open(scene, one, at) for one, at in carried):
                scene.accounted[kind].add(index)
    found = [
        replace(one, members=[*one.members, *more[number]]) if number in more else one
        for number, one in enumerate(seen)
    ]
    stretch = {"segments": _with_stretch, "syns": _with_stretch} | dict.fromkeys(_PATTERNS, _with_stretch_of_pings)
    with_way = [_with_way_of_lookups(scene, one) if _is_silent_server(one) else one for one in found]
    return [stretch.get(str(one.values.get("case")), _as_it_is)(scene, one) for one in with_way]


def _is_silent_server(found: Seen) -> bool:
    """Whether it is about look-ups of which nothing else is known but that no answer came."""
    is_silent = found.values.get("rcode") is None and "case" not in found.values
    is_silent &= all(part.kind != "icmp.error" for part, _ in found.members)
    return is_silent and found.cause in ("dns-server-unreachable", "dns-lookup-unanswered")


def _with_way_of_lookups(scene: Scene, found: Seen) -> Seen:
    """Look-ups without an answer with where the questions, or the answers to them, were last seen."""
    part = scene.part("journey")
    lost = part.with_rows(np.array(found.rows, np.int64))[:_MOST_LOOKED_AT].tolist() if len(part) else []
    known = [_verdict(part, index) for index in lost]
    verdicts = [gone for one in known if (gone := one if one.lost else one.silent) is not None]
    table = whole_of(scene.table)
    spots = {(one.lost, one.stage, int(table.place[one.last]), one.due) for one in verdicts}
    if len(spots) != 1 or len(verdicts) < len(lost) or sum(one.missing for one in verdicts) < _FEWEST:
        return found
    way, stage, place, due = spots.pop()
    if stage is None and way != "reply":
        return found
    case = "answer-lost" if way == "reply" else "arrived" if stage == "target" else "asked"
    trails = [int(part.facts["trail"][index]) for index in lost]
    packets = LostPackets(scene, part.facts["paths"], trails, "udp.flow")
    can_act = CAN_ACT.get((way or "", stage or "")) or (_ANSWERED if way == "reply" else found.rivals)
    values = {**found.values, "case": case, "last": table.places[place].label,
              "next": "" if due is None else table.places[due].label}  # fmt: skip
    beyond = [*found.beyond, *(packets.gone.tolist() if way == "reply" else ())]
    return replace(found, values=values, rivals=left(packets, can_act), beyond=beyond)


def _as_it_is(_: Scene, found: Seen) -> Seen:
    return found


def _with_stretch_of_pings(scene: Scene, loss: Seen) -> Seen:
    """A loss of pings with the two places between which all of it happened, there or back, where places tell that."""
    part = scene.part("journey")
    lost = [one for each, index in loss.members if each is part for one in _verdict(part, index).stretches]
    pairs = {(one.due, one.place) if one.is_reply else (one.place, one.due) for one in lost}
    beyond = [*loss.beyond, *(row for one in lost if one.is_reply for row in one.rows)]
    if len(pairs) != 1 or any(one.due is None or one.holes for one in lost):
        return replace(loss, beyond=beyond)
    places = whole_of(scene.table).places
    last, due = (places[at].label for at in pairs.pop() if at is not None)
    values = {**loss.values, "case": "between", "pattern": loss.values["case"], "last": last, "next": due}
    rivals = tuple(one for one in loss.rivals if lost[0].routers or one != "filter-on-router-forward")
    return replace(loss, values=values, rivals=rivals, beyond=beyond)


def _with_stretch(scene: Scene, loss: Seen) -> Seen:
    """A loss of segments with the two places between which all of it happened, where several places tell that."""
    part, members = scene.part("journey"), {(one.kind, index) for one, index in loss.members}
    some = list(range(min(len(part), _MOST_LOOKED_AT)))
    lost = [
        gone
        for index, carried in scene.exchanges.carried(part, some).items()
        if any((one.kind, at) in members for one, at in carried)
        for gone in part.fields(index).lost_segments
    ]
    stretches = {((gone.capture, gone.interface), (gone.next_capture, gone.next_interface)) for gone in lost}
    if len(stretches) != 1:
        return loss
    labels = {(place.capture, place.interface): place.label for place in reversed(whole_of(scene.table).places)}
    last, due = (labels.get(spot, "") for spot in stretches.pop())
    values = {**loss.values, "case": f"{loss.values['case']}-between", "last": last, "next": due}
    rivals = tuple(one for one in loss.rivals if one not in _AT_THE_END)
    return replace(loss, values=values, rivals=rivals)


def _is_open(scene: Scene, part: ExchangeColumns, index: int) -> bool:
    return part.outcomes[part.outcome[index]] in FAILED and index not in scene.accounted[part.kind]
