"""Events of NAT: the same packet on both sides of a router, with other addresses.

Which frames show the same packet is known from ``places``; nothing is guessed from addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.grade.scene import has_ip
from explain.places import match

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.grade.scene import Event, Scene

_MOST_GROUPED = 16  # frames of one packet that are looked at
_Ends = tuple[str, int | None, str, int | None]


@dataclass(slots=True)
class _Flow:
    """One translated conversation: its first packet, and the first one the other way."""

    proto: str
    inside: int
    outside: int
    kind: str
    reply: tuple[int, int] | None = None
    rows: list[int] = field(default_factory=list)


def make(scene: Scene, name: str) -> list[Event] | None:
    """Events of one name; None for a name that is no alias."""
    if name not in ("nat.translation", "nat.port_rewrite"):
        return None
    scene = scene.everywhere
    flows = _flows(scene)
    if name == "nat.translation":
        return [_event(scene, flow, name, {}) for flow in flows]
    return list(_rewrites(scene, flows))


def _rewrites(scene: Scene, flows: list[_Flow]) -> Iterator[Event]:
    for flow in flows:
        inside, outside = scene.ends(flow.inside), scene.ends(flow.outside)
        if None in (inside[1], outside[1]) or (inside[1] == outside[1] and inside[3] == outside[3]):
            continue
        others = [scene.ends(one.outside) for one in flows if one is not flow and one.proto == flow.proto]
        is_taken = any(other[:2] == (outside[0], inside[1]) and other[2:] == outside[2:] for other in others)
        reason = "collision" if is_taken else "other"
        yield _event(scene, flow, "nat.port_rewrite", {"reason": reason})


def _event(scene: Scene, flow: _Flow, name: str, more: dict[str, Any]) -> Event:
    sides: dict[str, Any] = {"inside": scene.packet(flow.inside), "outside": scene.packet(flow.outside), "reply": None}
    if flow.reply:
        sides["reply"] = {"inside": scene.packet(flow.reply[0]), "outside": scene.packet(flow.reply[1])}
    rows = [flow.inside, flow.outside, *(flow.reply or ())]
    return scene.event(name, rows, "", "translated", sides | {"proto": flow.proto, "kind": flow.kind} | more)


def _flows(scene: Scene) -> list[_Flow]:
    found: dict[tuple[Any, ...], _Flow] = {}
    for near, far in _changed(scene):
        inside, outside, kind = _sides(scene, near, far)
        ends = scene.ends(inside)
        proto = scene.protocol(inside)
        key = (proto, _word(scene, inside), *ends)
        back = (proto, _word(scene, inside), ends[2], ends[3], ends[0], ends[1])
        if back in found:
            # A reply undoes the translation: what it shows as inside is where the conversation began.
            flow = found[back]
            flow.reply = flow.reply or (inside, outside)
        elif key not in found:
            found[key] = _Flow(proto, inside, outside, kind)
    return list(found.values())


def _word(scene: Scene, row: int) -> int:
    """The identifier of a ping, which stands for a port; 0 for all else."""
    icmp = scene.table.icmp
    at = int(np.searchsorted(icmp.row, row))
    is_there = at < len(icmp.row) and int(icmp.row[at]) == row and int(icmp.type[at]) in (0, 8, 128, 129)
    return int(icmp.word[at]) >> 16 if is_there else 0


def _changed(scene: Scene) -> Iterator[tuple[int, int]]:
    """Two rows of each packet that was seen with different ends: before and behind the router."""
    table = scene.table
    seen = match(table, len(scene.names))
    if seen is None:
        return
    packet = seen.packet
    groups: dict[int, list[int]] = {}
    for row in has_ip(scene):
        if packet[row] >= 0:
            groups.setdefault(int(packet[row]), []).append(row)
    for rows in groups.values():
        if len(rows) < 2 or len({int(table.flow[row]) for row in rows}) < 2:
            continue
        by_ends: dict[_Ends, list[int]] = {}
        for row in rows[:_MOST_GROUPED]:
            by_ends.setdefault((*scene.ends(row),), []).append(row)
        if len(by_ends) == 2:
            one, other = by_ends.values()
            if max(int(table.ttl[row]) for row in one) < max(int(table.ttl[row]) for row in other):
                one, other = other, one
            yield min(one, key=lambda row: int(table.ttl[row])), max(other, key=lambda row: int(table.ttl[row]))


def _sides(scene: Scene, near: int, far: int) -> tuple[int, int, str]:
    """Which of two rows is inside: as the captures are named, else the side whose own end was replaced."""
    names = scene.capture_of(near), scene.capture_of(far)
    before, behind = scene.ends(near), scene.ends(far)
    has_source, has_target = before[:2] != behind[:2], before[2:] != behind[2:]
    kind = "both" if has_source and has_target else "source" if has_source else "destination"
    if names == ("inside", "outside"):
        return near, far, kind
    if names == ("outside", "inside"):
        return far, near, kind
    return (near, far, kind) if has_source else (far, near, kind)
