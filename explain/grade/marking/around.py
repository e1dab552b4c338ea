"""The story around a verdict: what is told of the frames that it cites, the lab's own traffic only."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.table import IP
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.grade.events.event import Event
    from explain.model import Evidence, Line, Report

_MOST_LINES = 4
_MOST_DEPTH = 1
_MOST_RANGES = 8
_EVERYBODY = ("0.0.0.0/32", "255.255.255.255/32", "224.0.0.0/4", "169.254.0.0/16", "127.0.0.0/8", "::/128", "::1/128",
              "ff00::/8", "fe80::/10")  # fmt: skip
"""Addresses that are in every network: they are no traffic of somebody else."""


@dataclass(slots=True)
class LabNetworks:
    """The networks of a lab; what has an end outside them is not shown to anybody.

    Attributes:
        networks: empty where nothing says which they are; then everything is the lab's.
    """

    networks: Sequence[str]
    _rows: dict[int, frozenset[int]] = field(default_factory=dict)

    def strangers(self, report: Report) -> frozenset[int]:
        """Rows of packets that have an end outside the lab."""
        if not self.networks:
            return frozenset()
        if id(report) not in self._rows:
            self._rows[id(report)] = frozenset(self._found(report))
        return self._rows[id(report)]

    def has(self, event: Event) -> bool:
        """Whether an event is the lab's own."""
        return event.scene is None or not self.strangers(event.scene.report) & set(event.rows)

    def _found(self, report: Report) -> list[int]:
        table = report.packets
        rows = np.flatnonzero(table.layers[: len(table)] & IP)
        nets = [ip_network(one) for one in (*self.networks, *_EVERYBODY)]
        is_strange = np.zeros(len(rows), np.bool_)
        for keys in (table.sources(rows), table.targets(rows)):
            for key in np.unique(keys).tolist():
                address = ip_address(table.addresses.text(key))
                if not any(address.version == net.version and address in net for net in nets):
                    is_strange |= keys == key
        found: list[int] = rows[is_strange].tolist()
        return found


def told_of(report: Report, evidence: Sequence[Evidence], lab: LabNetworks, language: str) -> list[dict[str, Any]]:
    """The lines of the story that speak of these frames, the most particular ones, in the order of the story."""
    hidden = _frames(report, lab.strangers(report))
    cited = _spans(evidence)
    near: list[tuple[int, int, Line]] = []
    for number, line in enumerate(report.lines):
        spans = _spans(line.evidence)
        if line.depth > _MOST_DEPTH or not line.depth or _is_beside(line) or not _touch(spans, cited):
            continue
        if not any(_touch(spans, [frame]) for frame in hidden):
            near.append((sum(last - first + 1 for _, first, last in spans), number, line))
    chosen = sorted(sorted(near, key=lambda one: one[:2])[:_MOST_LINES], key=lambda one: one[1])
    return [_said(line, language) for _, _, line in chosen]


def _is_beside(line: Line) -> bool:
    """Whether a line speaks of the telling, or of what to try next, and not of what happened."""
    is_told = line.message.startswith("story.again") or not line.message.startswith("story.")
    return not is_told or line.message.endswith(".next")


def _said(line: Line, language: str) -> dict[str, Any]:
    frames = [list(span) for span in line.evidence[0].frames[:_MOST_RANGES]]
    return {"text": say(line.message, line.values, language), "capture": line.evidence[0].capture, "frames": frames}


_Span = tuple[tuple[int, int | None], int, int]


def _spans(evidence: Sequence[Evidence]) -> list[_Span]:
    return [((one.capture, one.interface), first, last) for one in evidence for first, last in one.frames]


def _frames(report: Report, rows: frozenset[int]) -> list[_Span]:
    return _spans(report.packets.evidence(sorted(rows))) if rows else []


def _touch(some: Sequence[_Span], others: Sequence[_Span]) -> bool:
    return any(
        place == spot and first <= end and start <= last for place, first, last in some for spot, start, end in others
    )
