"""``nat.translation``: a flow whose ends were rewritten on the way (RFC 3022; RFC 2663)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import BROADCAST, IPV6_KEY, is_private
from explain.arrays import among, distinct
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.over_places.nat_checksums import checksum_proof, ip_checksums_are_right
from explain.exchanges.over_places.nat_flow import Ends, NatSide, Version, both_sides, ends_of, side_of, versions
from explain.exchanges.over_places.sights import Spot, spot_of
from explain.exchanges.over_places.trails import forward, near_rows
from explain.exchanges.segment import has_answered
from explain.places.matching import NONE
from explain.record import dataclass
from explain.table import ICMP, ICMPV6, SYN

if TYPE_CHECKING:
    from explain.exchanges.over_places.paths import Paths
    from explain.exchanges.over_places.trails import Leg
    from explain.table import Bools, PacketTable, Rows

OUTCOMES = ("translated", "untranslated")
_HOOKS = {"source": ("POSTROUTING",), "destination": ("PREROUTING",), "both": ("PREROUTING", "POSTROUTING")}


@dataclass(frozen=True, slots=True)
class NatTranslation:
    """A flow before and after a translator.

    Attributes:
        inside: the side of the host whose own address is replaced: of source NAT who began, of destination
            NAT who answers; of both, who began.
        outside: the same flow on the other side; None if nothing was rewritten although it had to be.
        kind: source, destination or both; None if nothing was rewritten.
        changed: of address, port, id.
        initiator: inside or outside.
        hooks: the hooks of netfilter that such changes belong to.
        checksum: what the checksums of packets on both sides prove: full (they differ by exactly the ends),
            partial (left to the card; the partial sums differ by exactly the ends), unchanged (ICMP does not
            cover addresses), recomputed (whole on one side only), differs (something else was changed, too),
            None if none can be compared.
        ip_checksum_is_right: of all frames on both sides; None in IPv6.
        packets, packets_back: packets seen on both sides, from and to who began.
        before, after: frames of one packet on both sides.
        why: for untranslated ones: private-source-outside, reply-not-translated, sent-to-itself.
        is_hairpin: it left the translator by the interface by which it had come: both ends are on one side of it.
            Source: RFC 4787, section 6.
        silent_ns: how long the flow had been silent when it got these ends in the place of others, or when packets
            were first passed on as they were; None where neither was seen. Source: RFC 4787, section 4.3.
        as_is: of who began, packets that were passed on as they were after others had been translated.
    """

    inside: NatSide
    outside: NatSide | None
    kind: str | None
    changed: tuple[str, ...]
    initiator: str
    hooks: tuple[str, ...]
    checksum: str | None
    ip_checksum_is_right: bool | None
    packets: int
    packets_back: int
    before: Spot | None
    after: Spot | None
    why: str | None
    is_hairpin: bool
    silent_ns: int | None = None
    as_is: Spot | None = None


def sources_of_renewed(part: ExchangeColumns, index: int) -> tuple[str, str] | None:
    """From which address a flow came behind the translator until it got other ends, and from which it comes now."""
    now: NatTranslation = part.fields(index)
    if now.silent_ns is None or now.as_is or now.outside is None:
        return None
    for other in part.with_rows(part.rows(index)).tolist():
        before: NatTranslation = part.fields(other)
        if before.silent_ns is None and before.inside == now.inside and before.outside is not None:
            was, became = (before.outside, now.outside) if now.initiator == "inside" else (before.inside, now.inside)
            return was.src.address, became.src.address
    return None


def find(paths: Paths) -> ExchangeColumns:
    """One exchange for each flow and translator, whatever the number of places."""
    table, trails = paths.table, paths.trails
    found: list[Found] = []
    if len(trails):
        for trail in np.flatnonzero(_is_rewritten(table, paths)).tolist():
            found += _translated(table, paths, paths.legs(trail))
        found += [one for trail in _leaking(table, paths) if (one := _leak(table, paths, trail))]
    near = [
        replace(one, rows=rows[rows >= 0].tolist())
        for one in found
        if len(rows := near_rows(paths.near, np.array(one.rows)))
    ]
    return from_list("nat.translation", OUTCOMES, [one for one in near if len(one.rows)], paths.near)


def _is_rewritten(table: PacketTable, paths: Paths) -> Bools:
    """Conversations in which the ends differ from place to place."""
    trails = paths.trails
    first = np.concatenate([part.frames[part.bounds[:-1]] for part in trails.parts])
    mark = paths.seen.tuples.of_flow[table.flow[first]] << 16
    at = np.flatnonzero(table.layers[first] & (ICMP | ICMPV6))
    if len(at):
        mark[at] |= table.icmp.word[np.searchsorted(table.icmp.row, first[at])].astype(np.int64) >> 16
    low, high = np.full(len(trails), np.iinfo(np.int64).max), np.full(len(trails), -1)
    np.minimum.at(low, trails.trail, mark)
    np.maximum.at(high, trails.trail, mark)
    different: Bools = low != high
    return different


def _translated(table: PacketTable, paths: Paths, legs: list[Leg]) -> list[Found]:
    sides, found, given = versions(table, paths, legs), [], set[int]()
    for number, after in enumerate(sides):
        for at in reversed(range(number)):  # a flow may be given other ends later, instead of those it had
            before = sides[at]
            pairs, back = both_sides(paths, before.ahead, after.ahead), both_sides(paths, after.back, before.back)
            if pairs or back:
                one = _found(table, before, after, pairs, back)
                begun = pairs[0][0] if pairs else back[0][1]
                as_is, silent_ns = _forgotten(table, paths, before, after, begun, is_again=at in given)
                found.append(replace(one, fields=replace(one.fields, as_is=as_is, silent_ns=silent_ns)))
                given.add(at)
                break
    return found


def _found(
    table: PacketTable, before: Version, after: Version, pairs: list[tuple[int, int]], back: list[tuple[int, int]]
) -> Found:
    row, far = (pairs or [(int(before.ahead[0]), int(after.ahead[0]))])[0]
    one, other = ends_of(table, row, is_back=False), ends_of(table, far, is_back=False)
    kind, changed = _rewriting(one, other)
    near, away = side_of(table, row, one), side_of(table, far, other)
    initiator = "outside" if kind == "destination" else "inside"
    inside, outside = (away, near) if initiator == "outside" else (near, away)
    is_to_itself = other.source == other.target != one.target
    is_lost = is_to_itself or (bool(len(after.back)) and not back and _came_back_as_is(table, before, after))
    fields = NatTranslation(
        inside=inside,
        outside=outside,
        kind=kind,
        changed=changed,
        initiator=initiator,
        hooks=_HOOKS[kind],
        checksum=checksum_proof(table, pairs + back),
        ip_checksum_is_right=ip_checksums_are_right(table, np.array([row for pair in pairs + back for row in pair])),
        packets=len(pairs),
        packets_back=len(back),
        before=spot_of(table, row) if pairs else None,
        after=spot_of(table, far) if pairs else None,
        why="sent-to-itself" if is_to_itself else "reply-not-translated" if is_lost else None,
        is_hairpin=bool(pairs) and _turns_round(table, row, far),
    )
    rows = np.unique(np.concatenate((before.rows, after.rows)))
    return Found("untranslated" if is_lost else "translated", rows.tolist(), fields)


def _forgotten(
    table: PacketTable, paths: Paths, before: Version, after: Version, begun: int, *, is_again: bool
) -> tuple[Spot | None, int | None]:
    """The first packet that was passed on as it was after others had been translated, and how long the flow had been
    silent until then, or until it got these ends in the place of others; None where neither was seen.
    """
    packet, is_syn = paths.seen.packet, table.flags[before.ahead] & SYN != 0
    behind = distinct(table.place[after.ahead].astype(np.int64) << 8 | table.ttl[after.ahead])
    is_as_is = among(table.place[before.ahead].astype(np.int64) << 8 | table.ttl[before.ahead], behind) & ~is_syn
    is_as_is &= ~np.isin(packet[before.ahead], packet[after.ahead]) & (packet[before.ahead] != NONE)
    here = before.rows[table.place[before.rows] == table.place[begun]]
    passed = before.ahead[is_as_is]
    came = here[np.isin(packet[here], packet[passed]) & (table.time_ns[here] > table.time_ns[begun])]
    if len(came):
        first = int(came[np.argmin(table.time_ns[came])])
        return spot_of(table, int(passed[packet[passed] == packet[first]][0])), _silence_ns(table, here, first)
    if is_again and not table.flags[begun] & SYN:
        return None, _silence_ns(table, here, begun)
    return None, None


def _silence_ns(table: PacketTable, rows: Rows, row: int) -> int:
    """How long nothing of some rows had passed before one of them."""
    earlier = table.time_ns[rows][table.time_ns[rows] < table.time_ns[row]]
    return int(table.time_ns[row] - earlier.max()) if len(earlier) else 0


def _rewriting(one: Ends, other: Ends) -> tuple[str, tuple[str, ...]]:
    """The kind of translation that makes other ends of some, and what it changed."""
    is_source = one[:2] != other[:2] or one.id != other.id
    is_destination = one[2:4] != other[2:4]
    kind = "both" if is_source and is_destination else "destination" if is_destination else "source"
    changed = {
        "address": (one.source, one.target) != (other.source, other.target),
        "port": (one.source_port, one.target_port) != (other.source_port, other.target_port),
        "id": one.id != other.id,
    }
    return kind, tuple(name for name, differs in changed.items() if differs)


def _turns_round(table: PacketTable, before: int, after: int) -> bool:
    """Whether the station that a packet was handed to sent it on from the same MAC, so from the same interface."""
    came_to, left_from = (int(macs[table.link[row]]) for macs, row in
                          ((table.links.target, before), (table.links.source, after)))  # fmt: skip
    return came_to == left_from and came_to < BROADCAST


def _came_back_as_is(table: PacketTable, before: Version, after: Version) -> bool:
    """Whether who began got the answer of the rewritten flow, which he never asked."""
    begin = int(table.place[before.ahead[np.argmax(table.ttl[before.ahead])]])
    return begin in table.place[after.back].tolist()


def _leaking(table: PacketTable, paths: Paths) -> list[int]:
    """Conversations without an answer, from a private address to one that is not."""
    trails = paths.trails
    found: list[int] = []
    for part, start in zip(trails.parts, trails.starts.tolist(), strict=False):
        if part.kind == "udp.flow":
            continue
        silent = part.where("unanswered")
        if not len(silent):
            continue
        first = part.frames[part.bounds[silent]]
        source, target = table.sources(first), table.targets(first)
        some = np.flatnonzero((source < np.uint64(IPV6_KEY)) & (target < np.uint64(IPV6_KEY)))
        found += [
            int(trails.trail[start + int(silent[at])])
            for at in some.tolist()
            if is_private(int(source[at])) and not is_private(int(target[at]))
        ]
    return sorted(set(found))


def _leak(table: PacketTable, paths: Paths, trail: int) -> Found | None:
    """A private source that a router let out as it was, and that nobody could answer."""
    verdict = paths.verdict(trail)
    if verdict.stage != "target" or verdict.lost != "request":
        return None
    legs = paths.legs(trail)
    rows = np.unique(np.concatenate([forward(table, leg)[0] for leg in legs]))
    ttl = table.ttl[rows]
    ends = {ends_of(table, row, is_back=False) for row in rows.tolist()}
    if len(ends) > 1 or int(ttl.max()) == int(ttl.min()) or has_answered(table, int(rows[np.argmin(ttl)])):
        return None
    ordered = paths.topology.in_order(rows)
    before = int(ordered[0])
    after = int(ordered[table.place[ordered] == table.place[ordered[-1]]][0])
    side = side_of(table, before, ends.pop())
    fields = NatTranslation(
        inside=side,
        outside=None,
        kind=None,
        changed=(),
        initiator="inside",
        hooks=(),
        checksum=None,
        ip_checksum_is_right=ip_checksums_are_right(table, rows),
        packets=len(np.unique(paths.seen.packet[rows])),
        packets_back=0,
        before=spot_of(table, before),
        after=spot_of(table, after),
        why="private-source-outside",
        is_hairpin=False,
    )
    return Found("untranslated", rows.tolist(), fields)
