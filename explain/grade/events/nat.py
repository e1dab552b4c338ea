"""Events of NAT: the same packet on both sides of a router, with other addresses.

Which frames show the same packet is known from ``places``, who began and which side is which from the exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.grade.events.scene import has_ip
from explain.places import match

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.grade.events.event import Event
    from explain.grade.events.scene import Scene

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


@dataclass(frozen=True, slots=True)
class _Told:
    """Where a packet belongs: the number of its translation, on which side it is, and in which direction it goes."""

    number: int
    kind: str
    is_outside: bool
    is_back: bool


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
    """Translated conversations of the report, each with its first packets that were seen on both sides."""
    known = _known(scene)
    ahead: dict[int, tuple[int, int]] = {}
    back: dict[int, tuple[int, int]] = {}
    kinds: dict[int, str] = {}
    for near, far in _changed(scene):
        # A router gives one address and port to one host after the other: only both sides together say which it was.
        others = {one.number for one in known.get(_key(scene, far), ())}
        told = next((one for one in known.get(_key(scene, near), ()) if one.number in others), None)
        if told is None:
            continue
        kinds[told.number] = told.kind
        sides = _sides(scene, near, far) or ((far, near) if told.is_outside else (near, far))
        (back if told.is_back else ahead).setdefault(told.number, sides)
    return [
        _Flow(scene.protocol(inside), inside, outside, kinds[number], back.get(number))
        for number, (inside, outside) in ahead.items()
    ]


def _known(scene: Scene) -> dict[tuple[Any, ...], list[_Told]]:
    """By protocol, ends and identifier which conversations a packet may belong to, on which side and which way."""
    part = scene.report.exchanges.of_kind("nat.translation")
    found: dict[tuple[Any, ...], list[_Told]] = {}
    for number in range(len(part) if part else 0):
        fields = part.fields(number) if part is not None else None
        for is_outside in (False, True):
            side = (fields.outside if is_outside else fields.inside) if fields is not None else None
            if fields is None or fields.kind is None or side is None:
                continue
            src, dst = (side.src.address, side.src.port), (side.dst.address, side.dst.port)
            for is_back, ends in ((False, (*src, *dst)), (True, (*dst, *src))):
                key = (side.protocol, side.src.id or 0, *ends)
                found.setdefault(key, []).append(_Told(number, fields.kind, is_outside, is_back))
    return found


def _key(scene: Scene, row: int) -> tuple[Any, ...]:
    return scene.protocol(row), _word(scene, row), *scene.ends(row)


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


def _sides(scene: Scene, near: int, far: int) -> tuple[int, int] | None:
    """The rows inside and outside, where the captures are called so."""
    names = scene.capture_of(near), scene.capture_of(far)
    return {("inside", "outside"): (near, far), ("outside", "inside"): (far, near)}.get(names)
