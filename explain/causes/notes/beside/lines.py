"""Text beside a capture of the same moment: which frames each line speaks of, and what one has and the other lacks."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.notes.beside.pings import REPLIES, SHOWN, frames_of, pinged
from explain.causes.notes.item import Item, few
from explain.table import ARP, ICMP, ICMPV6, IP, TCP, UDP, ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.causes.notes.item import Study
    from explain.model import CaptureInfo
    from explain.symptoms.notes import NoteBlock
    from explain.table import PacketTable

MOST_ROWS = 100_000
"""Frames of captures that texts are held against."""

_Key = tuple[Any, ...]


def beside(studies: Sequence[Study], table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Study]:
    """The texts, with what the captures that were given with them show of the same moment."""
    recorded = np.array([captures[place.capture].format != "text" for place in table.places], np.bool_)
    rows = np.flatnonzero(recorded[table.place])[:MOST_ROWS] if len(recorded) else np.empty(0, np.int64)
    if not len(rows):
        return list(studies)
    return [_beside(one, table, rows, captures) for one in studies]


def _beside(study: Study, table: PacketTable, rows: Any, captures: Sequence[CaptureInfo]) -> Study:
    found: list[Item] = []
    for number, block in enumerate(study.notes.blocks):
        for run in block.runs:
            if run.program == "ping":
                found += [replace(item, block=number) for item in pinged(run, table, rows, captures)]
        if number in study.frames:
            found += _listed(block, study, number, table, rows, captures)
    items = sorted((*study.items, *found), key=lambda item: item.spans[0][0] if item.spans else 1 << 30)
    return replace(study, items=tuple(items))


# -- tcpdump's lines


def _listed(
    block: NoteBlock, study: Study, number: int, table: PacketTable, rows: Any, captures: Sequence[CaptureInfo]
) -> Iterator[Item]:
    """Each packet of a listing, beside the frame that looks the same; in order, at the place that has the most."""
    first, last = study.frames[number]
    texts = np.array([place.capture == study.capture for place in table.places], np.bool_)
    own = np.flatnonzero(texts[table.place] & (table.frame >= first) & (table.frame <= last))
    if not len(own):
        return
    keys = [_likeness(table, row) for row in own.tolist()]
    matched = _matched(table, rows, keys)
    place = max(matched, key=lambda one: len(matched[one]), default=None)
    if place is None:
        yield Item("beside.listing-none", {"count": len(own)}, (block.span,), number)
        return
    pairs = matched[place]
    values = {"path": captures[table.places[place].capture].path, "count": len(pairs), "all": len(own)}
    evidence = table.evidence(sorted(pairs.values()))
    yield Item("beside.listing", values | {"frames": frames_of(evidence)}, (block.span,), number, evidence=evidence)
    lacking = [int(table.frame[own[at]]) for at in range(len(own)) if at not in pairs]
    if lacking:
        shown = few([f"{a}-{b}" if a != b else str(a) for a, b in ranges(lacking)], SHOWN)
        yield Item("beside.listing-text-only", values | {"count": len(lacking), "lines": shown}, (block.span,), number)
    more = _unlisted(table, rows[table.place[rows] == place], set(pairs.values()), {key[:5] for key in keys})
    if more:
        evidence = table.evidence(more)
        names = values | {"count": len(more), "frames": frames_of(evidence)}
        yield Item("beside.listing-wire-only", names, (block.span,), number, evidence=evidence)


def _matched(table: PacketTable, rows: Any, keys: Sequence[_Key]) -> dict[int, dict[int, int]]:
    """For each place, which line's packet looks like which of its frames."""
    by_place: dict[int, dict[_Key, deque[int]]] = defaultdict(lambda: defaultdict(deque))
    wanted = set(keys)
    for row in rows.tolist():
        key = _likeness(table, row)
        if key in wanted:
            by_place[int(table.place[row])][key].append(row)
    return {place: _in_order(keys, frames) for place, frames in by_place.items()}


def _unlisted(table: PacketTable, rows: Any, listed: set[int], flows: set[_Key]) -> list[int]:
    """Frames of one place that the listing passes over, though it has those before and after, and others like them."""
    within = rows[(rows >= min(listed)) & (rows <= max(listed))]
    return [row for row in within.tolist() if row not in listed and _likeness(table, row)[:5] in flows]


def _in_order(keys: Sequence[_Key], frames: dict[_Key, deque[int]]) -> dict[int, int]:
    """The row that each line stands for: alike ones in their order."""
    left = {key: deque(some) for key, some in frames.items()}
    return {at: left[key].popleft() for at, key in enumerate(keys) if left.get(key)}


def _likeness(table: PacketTable, row: int) -> _Key:
    """What two records of one packet agree in, whoever wrote them down: ends, protocol, and what tells it apart."""
    layers = int(table.layers[row])
    if layers & ARP:
        at = int(np.searchsorted(table.arp.row, row))
        arp = table.arp
        return ("arp", int(arp.operation[at]), int(arp.sender_ip[at]), int(arp.target_ip[at]), 0)
    if not layers & IP:
        return ("other", int(table.length[row]), 0, 0, 0)
    ends = (*table.ends(row), *table.ports(row))
    payload = int(table.payload[row])
    if layers & TCP:
        return (*ends, "tcp", int(table.flags[row]), payload)
    if layers & UDP:
        return (*ends, "udp", payload)
    if layers & (ICMP | ICMPV6):
        at = int(np.searchsorted(table.icmp.row, row))
        icmp = table.icmp
        word = int(icmp.word[at]) if int(icmp.type[at]) in (*REPLIES, 8, 128) else 0
        return (*ends, "icmp", int(icmp.type[at]), int(icmp.code[at]), word)
    return (*ends, "ip", payload)
