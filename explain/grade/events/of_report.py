"""Exchanges -> events: the same facts under the names that a rubric uses."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from explain.grade.events.event import end
from explain.grade.events.vocabulary import members
from explain.model import Endpoint

if TYPE_CHECKING:
    from explain.grade.events.event import Event
    from explain.grade.events.scene import Scene

_MAKERS = {
    "arp": "lan", "icmp": "lan", "ip": "lan", "tcp": "tcp", "udp": "names",
    "dhcp": "names", "dns": "names", "traceroute": "names", "nat": "nat",
}  # fmt: skip
"""By the word before the dot, the module whose ``make`` knows such events."""


class Events:
    """All events of a scene by name, made when they are asked for."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._made: dict[str, list[Event]] = {}

    def of(self, name: str) -> list[Event]:
        """Events of a name, an alias, a kind or a wildcard, in the order of time."""
        if name not in self._made:
            found = [event for member in members(name) for event in self._make(member, name)]
            self._made[name] = sorted(found, key=lambda event: (event.start_ns, event.rows))
        return self._made[name]

    def _make(self, member: str, name: str) -> list[Event]:
        is_alias = name == member or member != "icmp.echo"
        room = _MAKERS.get(member.partition(".")[0])
        if room and is_alias:
            made: list[Event] | None = import_module(f"explain.grade.events.{room}").make(self.scene, member)
            if made is not None:
                return made
        return _of_kind(self.scene, member)


def _of_kind(scene: Scene, kind: str) -> list[Event]:
    """Exchanges as they are in the report."""
    exchanges = scene.report.exchanges
    part = exchanges.of_kind(kind)
    if part is None:
        return []
    return [
        scene.event(
            kind, part.rows(index).tolist(), f"e{exchanges.position(part, index) + 1}",
            part.outcomes[part.outcome[index]], _plain(part.fields(index)),
        )
        for index in range(len(part))
    ]  # fmt: skip


def _plain(record: Any) -> dict[str, Any]:
    return {one.name.rstrip("_"): _value(getattr(record, one.name)) for one in fields(record)}


def _value(value: Any) -> Any:
    if isinstance(value, Endpoint):
        return end(value.address, value.port)
    if is_dataclass(value) and not isinstance(value, type):
        plain = _plain(value)
        if "protocol" in plain:
            plain["proto"] = plain["protocol"]
        return plain
    return [_value(one) for one in value] if isinstance(value, (list, tuple)) else value
