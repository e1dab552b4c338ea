"""Questions for a MAC whose answer is missing in the capture only: the asker sent to whom it had asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import U8, PacketTable, Rows

_SOON_NS = 5_000_000_000  # then it would have asked again
_AGAIN_NS = 1_000_000_000
_NEIGHBOURS = (135, 136)  # solicitation and advertisement, by which a neighbour shows its MAC
_REPLY = 2
_GROUP_BIT = np.uint64(1 << 40)


def went_on(table: PacketTable, parts: Sequence[ExchangeColumns]) -> frozenset[int]:
    """The last rows of unanswered questions to everybody, after which the asker sent frames that need the answer.

    Frames that only reached the capture in another order, or not at all, are no silence on the link.
    """
    asked, wanted = _unanswered(table, parts)
    if not len(asked):
        return frozenset()
    askers = table.links.source[table.link[asked]]
    sent, target = _sent(table, distinct(askers), distinct(wanted))
    ends = distinct(wanted)
    sources = distinct(askers)

    def code(mac: U8, address: U8, row: Rows) -> Rows:
        pair = np.searchsorted(sources, mac) * len(ends) + np.searchsorted(ends, address)
        found: Rows = pair.astype(np.int64) * (len(table) + 1) + row
        return found

    keys = code(table.links.source[table.link[sent]], target, sent)
    order = np.argsort(keys)
    questions = code(askers, wanted, asked)
    following = np.append(keys[order], -1)[np.searchsorted(keys[order], questions)]
    row = np.where(following > 0, following % (len(table) + 1), 0)
    is_same = following // (len(table) + 1) == questions // (len(table) + 1)
    later_ns = table.time_ns[row] - table.time_ns[asked]
    return frozenset(asked[is_same & (later_ns >= 0) & (later_ns < _SOON_NS)].tolist())


def answers_elsewhere(table: PacketTable) -> dict[tuple[int, int], list[int]]:
    """Answers by ARP that only other places recorded, rows of the whole table, by who answers and who had asked."""
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    arp = table.whole.arp
    answers = arp.operation == _REPLY if table.whole is not table else np.zeros(0, np.bool_)
    columns = (column[: len(answers)][answers].tolist() for column in (arp.sender_ip, arp.target_ip, arp.row))
    for sender, asker, row in zip(*columns, strict=True):
        found[sender, asker].append(row)
    return found


def began(table: PacketTable, parts: Sequence[ExchangeColumns]) -> frozenset[int]:
    """The rows of questions that were asked once and got no answer here, behind which the asker took up a new MAC.

    Hosts ask again after a second (RFC 1122, 2.3.2.1; RFC 4861, 10).  Who sends instead for the first time to a MAC of
    which nobody knows whose it is may have had the answer, which only the capture lacks.
    """
    asked, _ = _unanswered(table, parts, most=1)
    links, link = table.links, table.link
    if not len(asked):
        return frozenset()
    askers = distinct(links.source[link[asked]])
    known = np.append(table.arp.sender_mac, links.source[link[_told(table)]])
    sent = table.rows_on(among(links.source, askers) & (links.target & _GROUP_BIT == 0) & ~among(links.target, known))
    first = np.full(len(links.source), -1, np.int64)
    first[link[sent[::-1]]] = sent[::-1]  # what is first is set last
    first = first[first >= 0]
    begun: dict[int, list[int]] = defaultdict(list)
    for mac, time_ns in zip(links.source[link[first]].tolist(), table.time_ns[first].tolist(), strict=True):
        begun[mac].append(time_ns)
    times = {mac: sorted(some) for mac, some in begun.items()}
    return frozenset(
        row
        for row, mac in zip(asked.tolist(), links.source[link[asked]].tolist(), strict=True)
        if _has_between(times.get(mac, []), int(table.time_ns[row]), _AGAIN_NS)
    )


def unheard(table: PacketTable, begun: frozenset[int]) -> U8:
    """Address keys of those who asked what is in ``began``, where nothing at all that came to them was recorded."""
    rows = np.array(sorted(begun if len(table.places) == 1 else ()), np.int64)
    by_side = table.first_of_side[:-2].reshape(-1, 2) >= 0 if len(rows) else np.empty((0, 2), np.bool_)
    reached = np.concatenate((table.flows.high[by_side[:, 0]], table.flows.low[by_side[:, 1]]))
    askers = np.fromiter(_askers(table, rows), np.uint64, len(rows))
    is_lonely = ~among(askers, reached)
    if is_lonely.any():
        is_used = np.zeros(len(table.links.target), np.bool_)
        is_used[table.link[: len(table)]] = True
        is_lonely &= ~among(table.links.source[table.link[rows]], table.links.target[is_used])
    return distinct(askers[is_lonely])


def early(table: PacketTable, parts: Sequence[ExchangeColumns]) -> frozenset[int]:
    """The rows of questions that were asked once, and whose answer was recorded before them.

    That is an answer to the same host about the same neighbour, a moment before, which follows no question.
    """
    asked, wanted = _unanswered(table, parts, most=1)
    if not len(asked):
        return frozenset()
    told: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for part in parts:
        if part.kind in ("arp.resolution", "ndp.resolution"):
            first = part.frames[part.bounds[part.where("answered")]]
            for row, who, whose in _answers(table, first, is_arp=part.kind[0] == "a"):
                told[int(table.place[row]), who, whose].append(int(table.time_ns[row]))
    times = {key: sorted(some) for key, some in told.items()}
    askers = [*map(int, _askers(table, asked))]
    return frozenset(
        row
        for row, who, whose in zip(asked.tolist(), askers, wanted.tolist(), strict=True)
        if _has_between(
            times.get((int(table.place[row]), who, whose), []), int(table.time_ns[row]) - _SOON_NS, _SOON_NS
        )
    )


def _answers(table: PacketTable, first: Rows, *, is_arp: bool) -> Iterator[tuple[int, int, int]]:
    """Of the first frames of some resolutions those that are answers already: row, who is told, and of whom."""
    side = table.arp if is_arp else table.icmp
    at = np.searchsorted(side.row, first)
    is_answer = (table.arp.operation[at] == _REPLY) if is_arp else (table.icmp.type[at] == _NEIGHBOURS[1])
    at, first = at[is_answer], first[is_answer]
    who = table.arp.target_ip[at] if is_arp else table.targets(first)
    whose = table.arp.sender_ip[at] if is_arp else table.icmp.target[at]
    yield from zip(first.tolist(), who.tolist(), whose.tolist(), strict=True)


def _askers(table: PacketTable, asked: Rows) -> Iterator[int]:
    """The address of who asks, by ARP or by neighbour discovery."""
    for row in asked.tolist():
        at = int(np.searchsorted(table.arp.row, row))
        is_arp = at < len(table.arp.row) and table.arp.row[at] == row
        yield int(table.arp.sender_ip[at]) if is_arp else table.ends(row)[0]


def _has_between(times: list[int], since: int, wait_ns: int) -> bool:
    at = bisect_left(times, since)
    return at < len(times) and times[at] - since < wait_ns


def _told(table: PacketTable) -> Rows:
    """Messages by which IPv6 hosts show their MAC."""
    told: Rows = table.icmp.row[table.icmp.is_v6 & among(table.icmp.type, _NEIGHBOURS)]
    return told


def _unanswered(table: PacketTable, parts: Sequence[ExchangeColumns], most: int | None = None) -> tuple[Rows, U8]:
    """The last rows of questions to everybody that nobody answered, and the addresses that they are for.

    With ``most``, only of those that were asked no more often.
    """
    rows, wanted = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for part in parts:
        if part.kind in ("arp.resolution", "ndp.resolution"):
            side, of = (table.arp, table.arp.target_ip) if part.kind[0] == "a" else (table.icmp, table.icmp.target)
            is_it = part.outcome == part.outcomes.index("unanswered")
            if most is not None:
                is_it &= np.diff(part.bounds) <= most
            last = part.frames[part.bounds[1:] - 1][is_it]
            last = last[table.links.target[table.link[last]] & _GROUP_BIT != 0]
            rows.append(last)
            wanted.append(of[np.searchsorted(side.row, last)].astype(np.uint64))
    return np.concatenate(rows), np.concatenate(wanted)


def _sent(table: PacketTable, askers: U8, wanted: U8) -> tuple[Rows, U8]:
    """Frames for one host from the askers, with the wanted address that they are for, or whose MAC they go to."""
    flows, links, arp = table.flows, table.links, table.arp
    is_own = among(links.source, askers) & (links.target & _GROUP_BIT == 0)
    is_for = np.zeros((len(flows.low) + 1, 2), np.bool_)  # by who speaks: the low end to the high one, and back
    is_for[:-1, 0], is_for[:-1, 1] = among(flows.high, wanted), among(flows.low, wanted)
    own = table.rows_on(is_own)
    rows = own[is_for.reshape(-1).take(table.sides[own])]
    owners = np.flatnonzero(among(arp.sender_ip.astype(np.uint64), wanted))
    address_of = dict(zip(arp.sender_mac[owners].tolist(), arp.sender_ip[owners].tolist(), strict=True))
    told = _told(table)
    told = told[among(table.sources(told), wanted)]
    address_of |= dict(zip(links.source[table.link[told]].tolist(), table.sources(told).tolist(), strict=True))
    routed = own[among(links.target, np.array(sorted(address_of), np.uint64)).take(table.link[own])]
    through = [address_of[mac] for mac in links.target[table.link[routed]].tolist()]
    return np.concatenate((rows, routed)), np.concatenate((table.targets(rows), np.array(through, np.uint64)))
