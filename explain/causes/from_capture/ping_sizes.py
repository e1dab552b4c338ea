"""Pings that are lost by their size, and pings of which only the first fragment arrives."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges.fragments import datagrams
from explain.record import NamedTuple
from explain.table import FRAGMENT, ICMP, ICMPV6

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.fragments import Datagrams
    from explain.exchanges.icmp.echo import IcmpEcho
    from explain.table import Bools, PacketTable, Rows

LARGE = 500
"""Octets; every link carries this much (RFC 791, 3.1: 576 with headers)."""

TOO_LARGE_RIVALS = ("mtu-mismatch-on-link", "icmp-errors-filtered-on-router", "filter-on-router-forward",
                    "filter-on-target-input", "partial-loss")  # fmt: skip
_ON_LINK_RIVALS = ("filter-on-target-input", "filter-on-switch", "partial-loss")
_BY_SIZE = ("fragments-filtered", "pmtu-blackhole", "mtu-mismatch-on-link")
_REQUESTS = (8, 128)
_FEWEST_LOST = 2  # of a run of which some were answered; one alone may be lost by chance
_FEWEST_HALVES = 2


class _Sizes(NamedTuple):
    """Octets on the wire of a run's requests, by what became of them."""

    lost: list[int]
    passed: list[int]


def look(scene: Scene) -> Iterator[Seen]:
    """What arrives by halves first; then small pings that are answered between hosts where large ones are not."""
    yield from _halves(scene)
    part = scene.part("icmp.echo")
    is_large = _are_large(scene.table, part)
    open_runs = [index for index in scene.open(part, "unanswered", "partly-answered") if is_large[index]]
    if not open_runs:
        return
    passed: dict[tuple[str, str], int] = defaultdict(int)
    sizes: dict[int, _Sizes] = {}
    for index in _between_the_same(scene, part, open_runs):
        fields: IcmpEcho = part.fields(index)
        sizes[index] = _sizes(scene.table, part, index)
        passed[fields.src, fields.dst] = max(passed[fields.src, fields.dst], *sizes[index].passed, 0)
    for index in open_runs:
        fields = part.fields(index)
        lost, most = sizes[index].lost, passed[fields.src, fields.dst]
        is_by_size = bool(lost) and min(lost) >= LARGE and 0 < most < min(lost)
        if not is_by_size or (sizes[index].passed and len(lost) < _FEWEST_LOST):
            continue
        rows = part.rows(index)
        values = {"src": fields.src, "dst": fields.dst, "size": min(lost), "passed": most, "count": len(lost)}
        if (scene.table.layers[rows] & FRAGMENT).any():
            rivals = ("pmtu-blackhole", *TOO_LARGE_RIVALS)
            yield Seen("fragments-filtered", "likely", [(part, index)], rows.tolist(), rivals, values)
        else:
            values["case"] = "pings"
            is_near = scene.one_link.holds(rows.tolist())  # where no router stands that should say something
            cause = "mtu-mismatch-on-link" if is_near else "pmtu-blackhole"
            why = _ON_LINK_RIVALS if is_near else TOO_LARGE_RIVALS
            yield Seen(cause, "likely", [(part, index)], rows.tolist(), why, values)


def _are_large(table: PacketTable, part: ExchangeColumns) -> Bools:
    """Which runs have a packet of such a size, perhaps in fragments; bool[n]."""
    if not len(part):
        return np.zeros(0, np.bool_)
    is_large = (table.length[part.frames] >= LARGE) | (table.layers[part.frames] & FRAGMENT != 0)
    found: Bools = np.logical_or.reduceat(is_large, part.bounds[:-1])
    return found


def _between_the_same(scene: Scene, part: ExchangeColumns, runs: list[int]) -> list[int]:
    """The answered runs and those that are open yet between the ends of some runs; all others say nothing of them."""
    flows, flow = scene.table.flows, scene.table.flow[part.frames[part.bounds[:-1]]]
    ends = set(zip(flows.low[flow[runs]].tolist(), flows.high[flow[runs]].tolist(), strict=True))
    others = [*part.where("answered").tolist(), *scene.open(part, "unanswered", "partly-answered")]
    between = zip(flows.low[flow[others]].tolist(), flows.high[flow[others]].tolist(), strict=True)
    return [index for index, pair in zip(others, between, strict=True) if pair in ends]


def _sizes(table: PacketTable, part: ExchangeColumns, index: int) -> _Sizes:
    """Sizes of the requests with their headers, from all their fragments."""
    rows, missing = part.rows(index), set(part.fields(index).unanswered_seqs)
    whole = _octets(table, rows)
    found = _Sizes([], [])
    heads = rows[table.layers[rows] & (ICMP | ICMPV6) != 0]
    at = np.searchsorted(table.icmp.row, heads)
    asked = among(table.icmp.type[at], _REQUESTS)
    for row, word in zip(heads[asked].tolist(), table.icmp.word[at[asked]].tolist(), strict=True):
        (found.lost if word & 0xFFFF in missing else found.passed).append(whole[row])
    return found


def _octets(table: PacketTable, rows: Rows) -> dict[int, int]:
    """For each row the octets of its packet with headers; fragments count together."""
    sizes = dict(zip(rows.tolist(), table.length[rows].tolist(), strict=True))
    is_part = table.layers[rows] & FRAGMENT != 0
    together: dict[tuple[int, ...], list[int]] = defaultdict(list)
    some = rows[is_part]
    keys = zip(some.tolist(), table.sources(some).tolist(), _idents(table, some), strict=True)
    for row, source, ident in keys:
        together[source, ident].append(row)
    for same in together.values():
        total = sum(sizes[row] for row in same)
        sizes |= dict.fromkeys(same, total)
    return sizes


def _idents(table: PacketTable, rows: Rows) -> list[int]:
    found: list[int] = table.fragments.ident[np.searchsorted(table.fragments.row, rows)].tolist()
    return found


def _halves(scene: Scene) -> Iterator[Seen]:
    """Requests, or replies, of which only the beginning came here, every time: a filter takes what has no header.

    Source: RFC 8900, 3.4.
    """
    if not len(scene.table.fragments.row):
        return
    part, table = scene.part("icmp.echo"), scene.table
    cut = datagrams(table)
    heads, wholes = _firsts(cut), set(cut.first.tolist()) - {-1}
    is_first = among(part.frames, cut.first)
    has_several = np.add.reduceat(is_first, part.bounds[:-1], dtype=np.int64) >= _FEWEST_HALVES if len(part) else ()
    for index in scene.open(part, *part.outcomes):
        if not has_several[index]:
            continue
        rows = part.rows(index)
        firsts = [row for row in rows.tolist() if row in wholes]
        sources = table.sources(np.array(firsts, np.int64)).tolist()
        for source in dict.fromkeys(sources):
            own = [row for row, sender in zip(firsts, sources, strict=True) if sender == source]
            if len(own) < _FEWEST_HALVES or not heads.issuperset(own):
                continue
            fields = part.fields(index)
            src, dst = (
                (fields.src, fields.dst) if table.addresses.text(source) == fields.src else (fields.dst, fields.src)
            )
            values = {"src": src, "dst": dst, "count": len(own), "case": "halves"}
            yield Seen("fragments-filtered", "likely", [(part, index)], own, TOO_LARGE_RIVALS[-1:], values)
            break


def are_halves(table: PacketTable, rows: Rows) -> bool:
    """Whether these are the first fragments of several packets, and at their place nothing came after any of them."""
    is_cut = table.layers[rows] & FRAGMENT != 0
    return len(rows) >= _FEWEST_HALVES and bool(is_cut.all()) and _firsts(datagrams(table)).issuperset(rows.tolist())


def _firsts(cut: Datagrams) -> set[int]:
    """Rows of first fragments of which no later one came."""
    alone = np.flatnonzero((np.diff(cut.bounds) == 1) & (cut.first >= 0))
    return set(cut.first[alone].tolist())


def rivals_by_size(table: PacketTable, rows: Rows, rivals: Sequence[str]) -> tuple[str, ...]:
    """What silence may mean, where the size of what was sent is known.

    Small packets pass every link, so no size explains their loss; of fragments the size is the first suspicion.
    """
    if (table.layers[rows] & FRAGMENT).any():
        return tuple(sorted(rivals, key=lambda one: _BY_SIZE.index(one) if one in _BY_SIZE else len(_BY_SIZE)))
    is_small = table.length[rows].max(initial=0) < LARGE
    return tuple(one for one in rivals if not is_small or one not in _BY_SIZE)
