"""A translation whose way back misses the translator, seen from everywhere or by the asker alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import IPV6_KEY, NO_MAC, is_private
from explain.arrays import among
from explain.causes.from_capture.ping_sizes import rivals_by_size
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.causes.from_capture.silence import WHY_SILENT
from explain.exchanges.columns import rows_of
from explain.exchanges.over_places.trails import origin
from explain.exchanges.segment import carriers, has_answered, is_forwarded
from explain.places.near import copies_of, whole_of
from explain.table import ACK, FRESH_TTLS, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.nat_translation import NatTranslation
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.table import PacketTable, Rows

_SYN_ACK = SYN | ACK
_ONLY_OF = {
    "icmp.echo": ("echo-ignored-by-target", "icmp-rate-limited", "broadcast-echo-ignored"),
    "tcp.connection": ("tcp-accept-queue-full",),
}
"""Kind of exchange -> the causes that lose answers of this kind alone."""
_LINK_LOCAL = 0xA9FE  # 169.254.0.0/16 (RFC 3927)
_HAIRPIN = ("masquerade-bypassed-by-notrack", "stateful-filter-asymmetric-path")
_TURNED = (
    *_HAIRPIN, "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output", "tcp-accept-queue-full",
)  # fmt: skip

_DOOR = ("stateful-filter-asymmetric-path", "filter-on-sender-input")


def look(scene: Scene) -> Iterator[Seen]:
    """Answers that come to the asker from an address which he never spoke to, or by another interface."""
    for seen in _by_another_interface(scene):
        scene.account(seen)
        yield seen
    for seen in _translations(scene):
        scene.account(seen)
        yield seen
    yield from _strangers(scene)
    yield from _leaks(scene)


def _outermost(table: PacketTable, row: int) -> int:
    """The copy of a packet that routers have taken most from, a row of the whole table."""
    copies = copies_of(table, np.array([row]))
    return int(copies[np.argmin(whole_of(table).ttl[copies])])


def _leaks(scene: Scene) -> Iterator[Seen]:
    """Private sources that a router has sent on as they were, to a link where addresses are public."""
    table, groups = scene.table, defaultdict[tuple[int, int], list[Member]](list)
    underway: list[tuple[int, Member]] = []
    for kind in ("icmp.echo", "tcp.connection", "udp.flow"):
        part = scene.part(kind)
        some = np.array(scene.open(part, "unanswered"), np.int64)
        began = zip(some.tolist(), part.frames[part.bounds[some]].tolist(), strict=True)
        underway += [(row, (part, index)) for index, row in began if _is_outward(table, row)]
    routed = [(row, member, link) for row, member in underway if (link := _link_behind_a_router(table, row))]
    if not routed:
        return
    owners = _owners(table)
    holders, public = dict(owners), {mac for address, mac in owners if address and _is_public(address)}
    public |= _translating(whole_of(table), {sender for *_, (sender, _) in routed} - public)
    for row, member, (sender, receiver) in routed:
        source, target = table.ends(row)
        is_outside = sender in public or receiver == holders.get(target)  # where addresses are public, or there already
        if is_outside and not has_answered(whole_of(table), _outermost(table, row)):
            groups[source, target].append(member)
    for (source, target), members in groups.items():
        rows = rows_of(members)
        values = {"src": table.addresses.text(source), "dst": table.addresses.text(target), "count": len(rows)}
        yield Seen("masquerade-missing", "possible", members, rows, _not_masqueraded(table, members, rows), values)


def _translating(table: PacketTable, senders: set[int]) -> set[int]:
    """Who also passes on from public addresses what is answered, and nothing of the kind from private ones."""
    sides = table.first_of_side[:-2].reshape(-1, 2)
    began = sides[(sides >= 0).all(axis=1)].min(axis=1)
    began = began[among(table.links.source[table.link[began]], sorted(senders))]
    public, private = set[int](), set[int]()
    for row in began[table.targets(began) < np.uint64(IPV6_KEY)].tolist():
        source, target = table.ends(row)
        if _is_public(target) and is_forwarded(int(table.ttl[row])):
            (private if is_private(source) else public).add(int(table.links.source[table.link[row]]))
    return public - private


def _is_outward(table: PacketTable, row: int) -> bool:
    source, target = table.ends(row)
    return is_private(source) and not is_private(target)


def _owners(table: PacketTable) -> list[tuple[int, int]]:
    """Who has which IPv4 address: by ARP, and by packets that no router has passed on."""
    own = [(one.address, one.mac) for one in carriers(whole_of(table)) if one.ttl in FRESH_TTLS]
    return [*own, *zip(table.arp.sender_ip.tolist(), table.arp.sender_mac.tolist(), strict=True)]


def _is_public(address: int) -> bool:
    return address < IPV6_KEY and not is_private(address) and address >> 16 != _LINK_LOCAL


def _link_behind_a_router(table: PacketTable, row: int) -> tuple[int, int] | None:
    """The MACs between which a packet was seen behind a router as it was; None if it was not."""
    whole, source = whole_of(table), table.ends(row)[0]
    for copy in copies_of(table, np.array([row])).tolist():
        if whole.ends(copy)[0] == source and is_forwarded(int(whole.ttl[copy])):
            link = whole.link[copy]
            return int(whole.links.source[link]), int(whole.links.target[link])
    return None


def _translations(scene: Scene) -> Iterator[Seen]:
    part = scene.part("nat.translation")
    lost = scene.open(part, "untranslated")
    for index, legs in scene.exchanges.carried(part, lost).items():
        fields: NatTranslation = part.fields(index)
        members: list[Member]
        if fields.why == "private-source-outside":
            members = [(part, index), *legs]
            ends = {"src": fields.inside.src.address, "dst": fields.inside.dst.address, "count": fields.packets}
            rows = part.rows(index).tolist()
            rivals = _not_masqueraded(scene.table, members, rows)
            yield Seen("masquerade-missing", "possible", members, rows, rivals, ends)
        if fields.why not in ("reply-not-translated", "sent-to-itself") or fields.outside is None:
            continue
        asked, turned = (
            (fields.outside, fields.inside) if fields.initiator == "outside" else (fields.inside, fields.outside)
        )
        members = [(part, index), *legs]
        values = {
            "client": asked.src.address, "server": asked.dst.address, "port": asked.dst.port,
            "from": turned.dst.address, "protocol": asked.protocol, "count": fields.packets,
        }  # fmt: skip
        rows = part.rows(index).tolist()
        rivals = _HAIRPIN
        if fields.why == "sent-to-itself":
            values["case"], rivals = "itself", ()
        if fields.kind == "source":
            yield Seen("masquerade-bypassed-by-notrack", "possible", members, rows, WHY_SILENT, values)
        else:
            yield Seen("hairpin-nat-missing", "likely", members, rows, rivals, values)


def _not_masqueraded(table: PacketTable, members: list[Member], rows: list[int]) -> tuple[str, ...]:
    """What a private address outside may come from besides, or what else may lose the answer."""
    # What reads journeys is loaded where there are any.
    from explain.causes.from_capture.over_places.journey import CAN_ACT

    kinds = {part.kind for part, _ in members}
    out = {cause for kind, causes in _ONLY_OF.items() if kind not in kinds for cause in causes} | {"masquerade-missing"}
    sized = rivals_by_size(table, np.array(rows, np.int64), CAN_ACT["request", "target"])
    others = (cause for cause in sized if cause not in out)
    return ("masquerade-wrong-interface", "nat-wrong-source-net", *others)


def _strangers(scene: Scene) -> Iterator[Seen]:
    """A SYN-ACK that confirms a SYN to somebody else, or that SYN on its way to somebody else: the number is the same.

    Who is asked in the end stands on the same link as who asked, so the answer need not pass the router.
    """
    part = scene.part("tcp.connection")
    if not len(part):
        return
    moments: TcpMoments = part.facts["moments"]
    groups: dict[tuple[int, int, int, bool], list[tuple[int, int]]] = defaultdict(list)
    for silent, index, is_answered in _doubles(scene, part, moments):
        groups[*moments.ends(silent)[1], moments.ends(index)[1][0], is_answered].append((silent, index))
    text = scene.table.addresses.text
    for (server_ip, port, turned, is_answered), pairs in groups.items():
        members: list[Member] = [(part, index) for pair in pairs for index in pair]
        rows = rows_of(members)
        values = {
            "client": text(moments.ends(pairs[0][0])[0][0]), "server": text(server_ip), "port": port,
            "from": text(turned), "protocol": "tcp", "count": len(pairs),
        }  # fmt: skip
        if is_answered:
            yield Seen("hairpin-nat-missing", "likely", members, rows, _HAIRPIN, values)
        else:
            yield Seen("hairpin-nat-missing", "likely", members, rows, _TURNED, values | {"case": "turned"})


def _by_another_interface(scene: Scene) -> Iterator[Seen]:
    """SYN-ACKs that came in where no SYN had left, of one host's interfaces, and were not heard."""
    part, places = scene.part("tcp.connection"), whole_of(scene.table).places
    if len(places) < 2 or not len(part):
        return
    moments: TcpMoments = part.facts["moments"]
    asked = {moments.ends(index): index for index in scene.open(part, "unanswered")}
    groups: dict[tuple[Any, ...], list[Member]] = defaultdict(list)
    for index in scene.open(part, "half-open") if asked else ():
        known = asked.get(moments.ends(index))
        if known is None:
            continue
        left, came = part.rows(known), part.rows(index)
        one, other = (places[_place(scene.table, rows)] for rows in (left, came))
        is_again = scene.table.time_ns[left[-1]] > scene.table.time_ns[came[0]]  # so the answer was not taken
        if one.capture == other.capture and one != other and is_again and _is_for(scene.table, left, came):
            client, server = moments.ends(index)
            groups[client[0], *server, one.label, other.label] += [(part, known), (part, index)]
    text = scene.table.addresses.text
    for (client_ip, server_ip, port, left_by, came_by), members in groups.items():
        values = {
            "client": text(client_ip), "server": text(server_ip), "port": port, "case": "door", "asked": left_by,
            "answered": came_by, "count": len(members) // 2,
        }  # fmt: skip
        yield Seen("rp-filter-strict", "likely", members, rows_of(members), _DOOR, values)


def _place(table: PacketTable, rows: Rows) -> int:
    """Where rows of the near table were recorded."""
    return int(whole_of(table).place[origin(table, rows[:1])[0]])


def _is_for(table: PacketTable, left: Rows, came: Rows) -> bool:
    """Whether a SYN-ACK confirms the SYN that left."""
    is_answer = int(table.flags[came[0]]) & _SYN_ACK == _SYN_ACK
    return is_answer and int(table.ack[came[0]]) == int(table.seq[left[0]]) + 1 & 0xFFFFFFFF


def _doubles(scene: Scene, part: ExchangeColumns, moments: TcpMoments) -> Iterator[tuple[int, int, bool]]:
    """A connection without an answer, what was made of it or answers it, and whether that was heard."""
    table, first = scene.table, part.frames[part.bounds[:-1]]
    is_answer = table.flags[first] & _SYN_ACK == _SYN_ACK
    begun = moments.streams.rows[moments.streams.bounds[:-1]]
    number = np.where(is_answer, table.ack[first] - np.uint32(1), table.seq[begun])
    silent = np.array(scene.open(part, "unanswered"), np.int64)
    silent = silent[np.argsort(table.ttl[first[silent]], kind="stable")]
    asked: dict[tuple[int, int, int], int] = {}
    for index in silent.tolist():
        asked[*moments.ends(index)[0], int(number[index])] = index  # seen before and behind a router, the former
    others = np.array(scene.open(part, "half-open", "reset", "refused"), np.int64)
    for index in others[among(number[others], number[silent])].tolist():
        known = asked.get((*moments.ends(index)[0], int(number[index])))
        if known is None or moments.ends(known)[1] == moments.ends(index)[1]:  # who was asked, by another interface
            continue
        if is_answer[index] or _is_turned(table, int(first[known]), int(first[index])):
            yield known, index, True
    for index in np.sort(silent).tolist() if len(asked) < len(silent) else ():
        known = asked[*moments.ends(index)[0], int(number[index])]
        if known != index and _is_turned(table, int(first[known]), int(first[index])):
            yield known, index, False


def _is_turned(table: PacketTable, before: int, behind: int) -> bool:
    """Whether a router sent a packet back to the link on which it had come, to somebody else."""
    (_, old), (_, new), links = table.ends(before), table.ends(behind), table.links
    router = links.target[table.link[before]]
    is_passed_on = router < NO_MAC and links.source[table.link[behind]] == router
    is_passed_on &= table.place[before] == table.place[behind]
    return old != new and bool(is_passed_on) and int(table.ttl[behind]) == int(table.ttl[before]) - 1
