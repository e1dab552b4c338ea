"""What a ladder shows: rails, the arrows between them, and how many frames are folded away.

The same scene is drawn in the terminal, in Mermaid and in HTML.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from explain import table as t
from explain.addresses import NO_MAC, mac_text
from explain.exchanges import tcp_labels
from explain.exchanges.columns import CARRIERS
from explain.exchanges.quotes import quoted_row
from explain.places.near import rows_near, times_of
from explain.places.network import names_of_routers
from explain.record import dataclass
from explain.render.wire_words import Said, said, side_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import Exchanges
    from explain.exchanges.nat_translation import NatEnd
    from explain.model import Evidence, Exchange, Report

EVERYONE, OTHERS = "*", "+"
"""Names of the rails of broadcast and multicast, and of the hosts for which there is no room."""

_ACCOMPANY = ("journey", "nat.translation")
_MOST_ROUTED = 200_000  # packets of which every way is looked at
_MOST_JOURNEYS = 2000  # looked into for lost packets
_V4 = 1000  # tells types of ICMP from those of ICMPv6
_THROWN_AWAY = (_V4 + 3, _V4 + 11, _V4 + 12, 1, 2, 3, 4)  # unreachable, too big, time exceeded, parameter problem
_HEAD, _TAIL, _NOTABLE = 6, 3, 8  # frames of one exchange that stay when the others are folded
_TCP_NEWS = 1 | 2 | 4  # FIN, SYN, RST
_GROUP = 1 << 40  # of the first octet of a MAC


@dataclass(frozen=True, slots=True)
class Arrow:
    """One packet as it is drawn: as the place nearest to who began it recorded it, where several did.

    Attributes:
        row: of the packet table.
        source, target: indices of rails; equal where a host talks to itself.
        is_to_group: broadcast or multicast.
        said: what it says.
        marks: names of ``tcp_labels``.
        position: of the exchange that it belongs to, None if to nothing.
        folded: frames that are left out before it.
        frame: its number in its file.
        time_ns: UTC nanoseconds; of several captures by the clock of the first.
        place: index into ``PacketTable.places`` of the table with all rows.
        seen: the same packet at all places; empty where there is only one place.
        is_lost: it vanished on its way, or was thrown away there.
        names: what its rails would be called if there were room for each host.
    """

    row: int
    source: int
    target: int
    is_to_group: bool
    said: Said
    marks: tuple[str, ...]
    position: int | None
    folded: int
    frame: int
    time_ns: int
    place: int
    seen: tuple[Evidence, ...]
    names: tuple[str, str]
    is_lost: bool

    @property
    def is_repeated(self) -> bool:
        """Whether it is a retransmission of any kind."""
        return any(mark.endswith("retransmission") for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Scene:
    """Rails from left to right, and arrows in the order of time.

    Attributes:
        rails: addresses, ``EVERYONE`` or ``OTHERS``.
        folded_after: frames that are left out behind the last arrow.
    """

    rails: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    folded_after: int


def stage(report: Report, most: int, most_rails: int) -> Scene:
    """The scene of a report.

    Args:
        report: whose exchanges are drawn; if all are told, frames outside any of them too.
        most: arrows drawn; of the others only their number is told.
        most_rails: rails drawn, at least 3.
    """
    table, owner = report.exchanges.table, owners(report)
    is_whole = len(report.exchanges) == sum(len(part) for part in report.exchanges.parts)
    rows = np.arange(len(table)) if is_whole else np.flatnonzero(owner >= 0)
    times = times_of(table)[rows]
    if report.span_ns:
        is_within = (times >= report.span_ns[0]) & (times <= report.span_ns[1])
        rows, times = rows[is_within], times[is_within]
    rows = rows[np.lexsort((rows, times))]
    is_shown = np.ones(len(rows), np.bool_)
    if len(rows) > most:
        is_shown = np.isin(rows, _important(report, most, most_rails))
    at = np.flatnonzero(is_shown)
    gaps = (np.diff(at, prepend=-1) - 1).tolist()
    return _drawn(report, rows[at], owner, gaps, len(rows) - 1 - int(at[-1]) if len(at) else 0, most_rails)


def owners(report: Report) -> t.Rows:
    """For each row the position of the exchange that says most about it, -1 for none."""
    exchanges = report.exchanges
    owner = np.full(len(exchanges.table), -1, np.int64)
    total = sum(len(part) for part in exchanges.parts)
    is_chosen = np.zeros(total, np.bool_)
    is_chosen[np.asarray(exchanges.positions, np.int64)] = True
    # What says more comes later: a journey only repeats a conversation, and a carrier only carries a look-up.
    for part in sorted(exchanges.parts, key=lambda part: (part.kind not in _ACCOMPANY, part.kind not in CARRIERS)):
        if len(part):
            positions = exchanges.positions_of(part)
            of = np.repeat(positions, np.diff(part.bounds))
            kept = is_chosen[of]
            owner[part.frames[kept]] = of[kept]
    return owner


def _important(report: Report, most: int, most_rails: int) -> t.Rows:
    """Rows worth drawing when there is no room for all: of what is told, of what failed, then of the others.

    Who is shown at all is shown with a rail: exchanges of further hosts are left out.
    """
    exchanges = report.exchanges
    failed = [name for finding in report.findings for name in finding.exchanges] + list(report.unexplained)
    first = [int(name[1:]) - 1 for name in failed[:most]]
    # Each exchange gives at least one frame, so that no more than ``most`` of them need be looked at.
    positions = dict.fromkeys((*first, *exchanges.positions[:most]))
    found: set[int] = set()
    hosts: set[str] = set()
    for rows in chain(_told(report, most // 2), (_worth(exchanges, position) for position in positions)):
        pairs = (ends(exchanges.table, int(row))[:2] for row in rows.tolist())
        together = hosts | {name for pair in pairs for name in pair}
        if len(together - {EVERYONE}) < most_rails or not found:
            hosts = together
            found.update(rows.tolist())
        if len(found) >= most:
            break
    return np.array(sorted(found)[:most], np.int64)


def _worth(exchanges: Exchanges, position: int) -> t.Rows:
    """The frames of an exchange that stay when the others are folded."""
    part, index = exchanges.at(position)
    rows = part.rows(index)
    if len(rows) <= _HEAD + _TAIL + _NOTABLE:
        return rows
    news = rows[(exchanges.table.flags[rows] & _TCP_NEWS) != 0][:_NOTABLE]
    return np.concatenate((rows[:_HEAD], news, rows[-_TAIL:]))


def _told(report: Report, most: int) -> Iterator[t.Rows]:
    """The rows that the first sentences speak of, sentence by sentence, some of each."""
    table = report.exchanges.table
    told: list[list[tuple[int, int]]] = []
    left = most
    for line in report.lines:
        if line.depth > 1 or not line.evidence or left <= 0:
            continue
        numbers = [
            (one.capture, frame) for one in line.evidence for first, last in one.frames[:_HEAD]
            for frame in range(first, min(last, first + _TAIL) + 1)
        ][: _HEAD + _TAIL]  # fmt: skip
        told.append(numbers)
        left -= len(numbers)
    captures = np.array([place.capture for place in table.whole.places], np.int64)
    whole = table.whole
    rows: dict[tuple[int, int], int] = {}
    for capture in {capture for numbers in told for capture, _ in numbers}:
        wanted = np.array(sorted({frame for numbers in told for of, frame in numbers if of == capture}))
        count = len(whole)
        found = np.flatnonzero(np.isin(whole.frame[:count], wanted) & (captures[whole.place[:count]] == capture))
        for row in found.tolist():
            rows[capture, int(whole.frame[row])] = row
    for numbers in told:
        seen = np.array([rows[key] for key in numbers if key in rows], np.int64)
        near = rows_near(table, seen)
        if len(near):
            yield np.unique(near)


def _drawn(report: Report, rows: t.Rows, owner: t.Rows, gaps: Sequence[int], after: int, most_rails: int) -> Scene:
    table = report.exchanges.table
    whole = table.whole
    pairs, times = [ends(table, row) for row in rows.tolist()], times_of(table)
    whose = _routers(report)
    rails = _rails([(whose.get(one, one), whose.get(other, other), is_all) for one, other, is_all in pairs], most_rails)
    index = {name: number for number, name in enumerate(rails)}
    views: dict[int, Exchange] = {}
    marks: dict[int, dict[int, int]] = {}
    lost, rewritten = _lost(report) | _turned_back(table, rows), _rewritten(report)
    arrows = []
    for row, (source, target, is_group), gap in zip(rows.tolist(), pairs, gaps, strict=True):
        position = int(owner[row]) if owner[row] >= 0 else None
        exchange = None
        if position is not None:
            exchange = views.setdefault(position, views.get(position) or report.exchanges.view(position))
            if position not in marks:
                marks[position] = _labels(report, position)
        here, there = (index.get(whose.get(name, name), index.get(OTHERS, 0)) for name in (source, target))
        names = tcp_labels.names(marks[position].get(row, 0)) if position is not None else ()
        arrows.append(
            Arrow(
                row,
                here,
                there,
                is_group,
                _with_nat(said(table, row, exchange), rewritten.get(row)),
                names,
                position,
                gap,
                int(table.frame[row]),
                int(times[row]),
                int(whole.place[table.whole_row(row)]),
                () if whole is table else table.evidence([row]),
                (source, target),
                row in lost,
            )
        )
    return Scene(rails, tuple(arrows), after)


def _routers(report: Report) -> dict[str, str]:
    """For an address of a router with several its common name; one host has one rail."""
    part = report.exchanges.of_kind("journey")
    if part is None or "paths" not in part.facts or len(report.packets) > _MOST_ROUTED:
        return {}
    paths = part.facts["paths"]
    return names_of_routers(paths.table, paths.seen, paths.topology)


def _lost(report: Report) -> set[int]:
    """Rows of packets that a journey says vanished on their way; where some arrived, the one that it followed."""
    part, table = report.exchanges.of_kind("journey"), report.exchanges.table
    found: set[int] = set()
    if part is None:
        return found
    for index in part.where("vanished").tolist()[:_MOST_JOURNEYS]:
        journey = part.fields(index)
        if journey.stage == "target":
            continue  # it arrived; what is missing is the answer, which nobody saw
        sights = {(one.capture, one.frame) for one in journey.seen}
        for row in part.rows(index).tolist():
            spot = table.whole.places[int(table.whole.place[table.whole_row(row)])]
            is_all = journey.missing == journey.packets and ends(table, row)[0] == journey.packet.src.address
            if is_all or (spot.capture, int(table.frame[row])) in sights:
                found.add(row)
    return found


def _turned_back(table: t.PacketTable, rows: t.Rows) -> set[int]:
    """Rows of packets that somebody on the way, not their target, says that it threw away; as far as that is drawn."""
    icmp = table.icmp
    types = np.where(icmp.is_v6, icmp.type, icmp.type.astype(np.uint16) + _V4)
    is_said = np.isin(types, _THROWN_AWAY) & np.isin(icmp.row, rows) & (icmp.quote > 0)
    is_said[is_said] = table.sources(icmp.row[is_said]) != icmp.quote_dst[is_said]
    return {quoted for row in icmp.row[is_said].tolist() if (quoted := quoted_row(table, row)) is not None}


def _rewritten(report: Report) -> dict[int, str]:
    """For the first row behind each NAT, else the first before it: what was rewritten, as the wire has it."""
    part, table = report.exchanges.of_kind("nat.translation"), report.exchanges.table
    found: dict[int, str] = {}
    if part is None:
        return found
    for index in part.where("translated").tolist()[:_MOST_JOURNEYS]:
        fields, rows = part.fields(index), part.rows(index).tolist()
        pairs = [(end, getattr(fields.inside, end), getattr(fields.outside, end)) for end in ("src", "dst")]
        told = [
            f"{end} {_nat_end(inside)} > {_nat_end(outside)}" for end, inside, outside in pairs if inside != outside
        ]
        row = next((row for row in rows if fields.after and int(table.frame[row]) == fields.after.frame), rows[0])
        found[row] = f"NAT {', '.join(told)}"
    return found


def _nat_end(end: NatEnd) -> str:
    number = end.id if end.port is None else end.port
    return f"{end.address} {number}" if number is not None else str(end.address)


def _with_nat(spoken: Said, remark: str | None) -> Said:
    return Said(spoken.meaning, f"{spoken.text} [{remark}]") if remark else spoken


def _labels(report: Report, position: int) -> dict[int, int]:
    """Labels of the segments of a connection, by row; only those that have one."""
    part, index = report.exchanges.at(position)
    segments = part.facts.get("segments")
    if part.kind != "tcp.connection" or segments is None:
        return {}
    labels = segments.of(index)
    some = np.flatnonzero(labels)
    return dict(zip(part.rows(index)[some].tolist(), labels[some].tolist(), strict=True))


def ends(table: t.PacketTable, row: int) -> tuple[str, str, bool]:
    """Who sent a frame, whom it is for, and whether that is a group."""
    layers, link = int(table.layers[row]), int(table.link[row])
    macs = (NO_MAC, NO_MAC)
    if link < len(table.links.source):
        macs = int(table.links.source[link]), int(table.links.target[link])
    sender = mac_text(macs[0]) or "?"
    is_group = macs[1] < NO_MAC and bool(macs[1] & _GROUP)
    text = table.addresses.text
    if layers & t.ARP and (at := side_row(table.arp.row, row)) is not None:
        source, target = text(int(table.arp.sender_ip[at])), text(int(table.arp.target_ip[at]))
        return sender if source == "0.0.0.0" else source, target, is_group  # noqa: S104  no address yet
    if not layers & t.IP:
        return sender, EVERYONE if is_group else mac_text(macs[1]) or "?", is_group
    one = np.array([row])
    source, target = text(int(table.sources(one)[0])), text(int(table.targets(one)[0]))
    if source in ("0.0.0.0", "::"):  # noqa: S104  no address yet
        source = sender if sender != "?" else source
    if (
        layers & t.ICMPV6
        and is_group
        and (at := side_row(table.icmp.row, row)) is not None
        and table.icmp.type[at] == 135
    ):
        return source, text(int(table.icmp.target[at])), True
    is_group = is_group or _is_group(target)
    return source, EVERYONE if is_group else target, is_group


def _is_group(address: str) -> bool:
    """Broadcast to the whole link, or multicast (RFC 919; 5771; 4291, 2.7)."""
    if ":" in address:
        return address.lower().startswith("ff")
    return address == "255.255.255.255" or 224 <= int(address.partition(".")[0]) < 240


def _rails(ends: Sequence[tuple[str, str, bool]], most: int) -> tuple[str, ...]:
    """Hosts as they stand along the way, groups last; of too many, those that speak most."""
    count: dict[str, int] = {}
    for source, target, _ in ends:
        count[source] = count.get(source, 0) + 1
        count[target] = count.get(target, 0) + 1
    has_group = count.pop(EVERYONE, 0) > 0
    room = most - has_group
    names = _in_order(ends)
    if len(names) > room:
        busiest = set(sorted(names, key=lambda name: -count[name])[: room - 1])
        names = [*(name for name in names if name in busiest), OTHERS]
    return (*names, EVERYONE) if has_group else tuple(names)


def _in_order(ends: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Hosts in the order in which they appear; one that speaks to a host farther down stands before that: a router."""
    names: list[str] = []
    known: set[str] = set()
    for source, target, _ in ends:
        if source not in known and target in known and target != names[0]:
            names.insert(names.index(target), source)
            known.add(source)
        for name in (source, target):
            if name not in known and name != EVERYONE:
                names.append(name)
                known.add(name)
    return names


def conversation(report: Report, position: int) -> tuple[str, ...]:
    """Who takes part in an exchange, by its first frame: sender and receiver, groups left out."""
    part, index = report.exchanges.at(position)
    source, target, _ = ends(report.exchanges.table, int(part.rows(index)[0]))
    return (source,) if target == EVERYONE else (source, target)
