"""Text beside a capture of the same moment: which frames each line speaks of, and what one has and the other lacks."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.notes.item import Item
from explain.table import ARP, ICMP, ICMPV6, IP, TCP, UDP, ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.causes.notes.item import Span, Study
    from explain.model import CaptureInfo, Evidence
    from explain.symptoms.notes import NoteBlock
    from explain.symptoms.witness import Symptom, TextWitness
    from explain.table import PacketTable

MOST_ROWS = 100_000
"""Frames of captures that texts are held against."""

_Key = tuple[Any, ...]
_REPLIES = (0, 129)
_SHOWN_LINES = 6


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
                found += [replace(item, block=number) for item in _pinged(run, table, rows, captures)]
        if number in study.frames:
            found += _listed(block, study, number, table, rows, captures)
    items = sorted((*study.items, *found), key=lambda item: item.spans[0][0] if item.spans else 1 << 30)
    return replace(study, items=tuple(items))


# -- the lines of ping


def _pinged(run: TextWitness, table: PacketTable, rows: Any, captures: Sequence[CaptureInfo]) -> Iterator[Item]:
    """Each reply that ping printed, beside the echo reply of its sequence number."""
    printed = {int(each.values["seq"]): each for each in run.all("echo.reply") if each.values.get("seq") is not None}
    address = run.target_address or run.target
    if not address or (not printed and not run.counts.sent):
        return
    runs = _echo_runs(table, rows, address)
    if not runs:
        yield Item("beside.ping-none", {"target": address}, (_span(run.symptoms),))
        return
    place, replies = max(
        runs, key=lambda one: (len(printed.keys() & one[1].keys()), -len(one[1].keys() - printed.keys()))
    )
    both = sorted(printed.keys() & replies.keys())
    values: dict[str, Any] = {"path": captures[table.places[place].capture].path, "target": address}
    if both:
        evidence = table.evidence([replies[seq] for seq in both])
        span = _span([printed[seq] for seq in both])
        yield Item("beside.ping", values | _counted(both, evidence), (span,), evidence=evidence)
    text_only, wire_only = sorted(printed.keys() - replies.keys()), sorted(replies.keys() - printed.keys())
    if text_only:
        span = _span([printed[seq] for seq in text_only])
        yield Item("beside.ping-text-only", values | _counted(text_only), (span,))
    if wire_only:
        evidence = table.evidence([replies[seq] for seq in wire_only])
        span = _span(run.symptoms)
        yield Item("beside.ping-wire-only", values | _counted(wire_only, evidence), (span,), evidence=evidence)


def _counted(seqs: Sequence[int], evidence: tuple[Evidence, ...] = ()) -> dict[str, Any]:
    return {"count": len(seqs), "seqs": _few(seqs), "frames": _frames(evidence)}


def _frames(evidence: tuple[Evidence, ...]) -> list[str]:
    return _few([f"{a}-{b}" if a != b else str(a) for one in evidence for a, b in one.frames])


def _echo_runs(table: PacketTable, rows: Any, address: str) -> list[tuple[int, dict[int, int]]]:
    """The pings to an address in the captures: where, and the row of the first reply to each sequence number."""
    icmp = table.icmp
    chosen = np.flatnonzero(np.isin(icmp.row, rows) & np.isin(icmp.type, (*_REPLIES, 8, 128)) & (icmp.quote == 0))
    found: dict[tuple[int, int], dict[int, int]] = {}
    of = icmp.row[chosen]
    ends = zip(table.sources(of).tolist(), table.targets(of).tolist(), strict=True)
    for index, row, (source, target) in zip(chosen.tolist(), of.tolist(), ends, strict=True):
        is_reply = int(icmp.type[index]) in _REPLIES
        if table.addresses.text(source if is_reply else target) == address:
            word = int(icmp.word[index])
            replies = found.setdefault((int(table.place[row]), word >> 16), {})
            if is_reply:
                replies.setdefault(word & 0xFFFF, row)
    return [(place, replies) for (place, _), replies in found.items()]


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
    by_place: dict[int, dict[_Key, deque[int]]] = defaultdict(lambda: defaultdict(deque))
    wanted = set(keys)
    for row in rows.tolist():
        key = _likeness(table, row)
        if key in wanted:
            by_place[int(table.place[row])][key].append(row)
    matched = {place: _in_order(keys, frames) for place, frames in by_place.items()}
    place = max(matched, key=lambda one: len(matched[one]), default=None)
    if place is None:
        yield Item("beside.listing-none", {"count": len(own)}, (block.span,), number)
        return
    pairs = matched[place]
    values = {"path": captures[table.places[place].capture].path, "count": len(pairs), "all": len(own)}
    evidence = table.evidence(sorted(pairs.values()))
    yield Item("beside.listing", values | {"frames": _frames(evidence)}, (block.span,), number, evidence=evidence)
    lacking = [int(table.frame[own[at]]) for at in range(len(own)) if at not in pairs]
    if lacking:
        shown = _few([f"{a}-{b}" if a != b else str(a) for a, b in ranges(lacking)])
        yield Item("beside.listing-text-only", values | {"count": len(lacking), "lines": shown}, (block.span,), number)
    flows = {key[:5] for key in keys}
    low, high = min(pairs.values()), max(pairs.values())
    used = set(pairs.values())
    more = [
        row for row in rows[(rows >= low) & (rows <= high)].tolist()
        if row not in used and int(table.place[row]) == place and _likeness(table, row)[:5] in flows
    ]  # fmt: skip
    if more:
        evidence = table.evidence(more)
        names = values | {"count": len(more), "frames": _frames(evidence)}
        yield Item("beside.listing-wire-only", names, (block.span,), number, evidence=evidence)


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
    one = np.array([row])
    ends = (int(table.sources(one)[0]), int(table.targets(one)[0]),
            int(table.source_ports(one)[0]), int(table.target_ports(one)[0]))  # fmt: skip
    payload = int(table.payload[row])
    if layers & TCP:
        return (*ends, "tcp", int(table.flags[row]), payload)
    if layers & UDP:
        return (*ends, "udp", payload)
    if layers & (ICMP | ICMPV6):
        at = int(np.searchsorted(table.icmp.row, row))
        icmp = table.icmp
        word = int(icmp.word[at]) if int(icmp.type[at]) in (*_REPLIES, 8, 128) else 0
        return (*ends, "icmp", int(icmp.type[at]), int(icmp.code[at]), word)
    return (*ends, "ip", payload)


def _span(symptoms: Sequence[Symptom]) -> Span:
    numbers = [each.line for each in symptoms]
    return (min(numbers), max(numbers)) if numbers else (1, 1)


def _few(numbers: Sequence[Any]) -> list[Any]:
    return [*numbers[:_SHOWN_LINES], *(["..."] if len(numbers) > _SHOWN_LINES else [])]
