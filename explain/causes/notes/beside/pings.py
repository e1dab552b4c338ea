"""The lines of ping beside the echoes of a capture: which frames they are, and what one has and the other lacks."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.notes.item import Item, few
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from explain.causes.notes.item import Span
    from explain.model import CaptureInfo, Evidence
    from explain.symptoms.witness import Symptom, TextWitness
    from explain.table import PacketTable

REPLIES = (0, 129)
"""Types of echo replies of ICMP and ICMPv6."""

SHOWN = 6


@dataclass(frozen=True, slots=True)
class _EchoRun:
    """One ping in a capture: the rows of the first request and the first reply of each sequence number."""

    place: int
    id: int
    requests: dict[int, int] = field(default_factory=dict)
    replies: dict[int, int] = field(default_factory=dict)


def pinged(run: TextWitness, table: PacketTable, rows: Any, captures: Sequence[CaptureInfo]) -> Iterator[Item]:
    """Each reply that ping printed, beside the echo reply of its sequence number."""
    printed = {int(each.values["seq"]): each for each in run.all("echo.reply") if each.values.get("seq") is not None}
    address = run.target_address or run.target
    if not address or (not printed and not run.counts.sent):
        return
    runs = _echo_runs(table, rows, address)
    if not runs:
        yield Item("beside.ping-none", {"target": address}, (_span(run.symptoms),))
        return
    likeness = {at: _alike(one, printed.keys(), run.counts.sent, table) for at, one in enumerate(runs)}
    best = max(likeness, key=lambda at: likeness[at])
    place, replies = runs[best].place, runs[best].replies
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
    unanswered = sorted(runs[best].requests.keys() - replies.keys() - printed.keys())
    is_sure = len({runs[at].id for at in likeness if likeness[at] == likeness[best]}) == 1
    if unanswered and is_sure:
        evidence = table.evidence([runs[best].requests[seq] for seq in unanswered])
        span = _span(run.symptoms)
        yield Item("beside.ping-unanswered", values | _counted(unanswered, evidence), (span,), evidence=evidence)


def _alike(one: _EchoRun, printed: Collection[int], sent: int | None, table: PacketTable) -> tuple[int, ...]:
    """How well a ping of a capture suits one of a text; the greatest is the one nearest to the sender."""
    ttl = max((int(table.ttl[row]) for row in one.requests.values()), default=0)
    replies = one.replies.keys()
    return len(replies & set(printed)), -len(replies - set(printed)), int(len(one.requests) == sent), ttl


def _counted(seqs: Sequence[int], evidence: tuple[Evidence, ...] = ()) -> dict[str, Any]:
    return {"count": len(seqs), "seqs": few(seqs, SHOWN), "frames": frames_of(evidence)}


def frames_of(evidence: tuple[Evidence, ...]) -> list[str]:
    """The first few ranges of frames, as people write them."""
    return few([f"{a}-{b}" if a != b else str(a) for one in evidence for a, b in one.frames], SHOWN)


def _echo_runs(table: PacketTable, rows: Any, address: str) -> list[_EchoRun]:
    """The pings to an address in the captures, by place and id."""
    icmp = table.icmp
    chosen = np.flatnonzero(np.isin(icmp.row, rows) & np.isin(icmp.type, (*REPLIES, 8, 128)) & (icmp.quote == 0))
    found: dict[tuple[int, int], _EchoRun] = {}
    of = icmp.row[chosen]
    ends = zip(table.sources(of).tolist(), table.targets(of).tolist(), strict=True)
    for index, row, (source, target) in zip(chosen.tolist(), of.tolist(), ends, strict=True):
        is_reply = int(icmp.type[index]) in REPLIES
        if table.addresses.text(source if is_reply else target) == address:
            word = int(icmp.word[index])
            one = found.setdefault((int(table.place[row]), word >> 16), _EchoRun(int(table.place[row]), word >> 16))
            (one.replies if is_reply else one.requests).setdefault(word & 0xFFFF, row)
    return list(found.values())


def _span(symptoms: Sequence[Symptom]) -> Span:
    numbers = [each.line for each in symptoms]
    return (min(numbers), max(numbers)) if numbers else (1, 1)
