"""Which frames an expression speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.event import ROW, Event, UnknownFieldError, part
from explain.grade.events.scene import Scene
from explain.grade.language.functions import AbsentError
from explain.grade.language.syntax import names_in, placeholders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explain.model import Evidence

_MOST = 200
Recorded = tuple[Scene, int]
"""A row of the report's table, with the scene whose report that is."""


def evidence(cited: Iterable[Recorded], names: Sequence[str]) -> tuple[Evidence, ...]:
    """The frames of some rows; captures are numbered in the order of their ``names``."""
    by_report: dict[int, tuple[Scene, dict[int, None]]] = {}
    for scene, row in cited:
        by_report.setdefault(id(scene.report), (scene, {}))[1][row] = None
    return tuple(
        type(one)(names.index(scene.names[one.capture]), one.interface, one.frames)
        for scene, rows in by_report.values()
        for one in scene.report.packets.evidence(list(rows)[:_MOST])
    )


def rows_of(value: Any) -> list[Recorded]:
    """Where an event, a packet, or a list of them was recorded; empty for all else."""
    if isinstance(value, Event):
        return [] if value.scene is None else [(value.scene, row) for row in value.rows]
    if isinstance(value, dict) and ROW in value:
        return [value[ROW]]
    if isinstance(value, dict) and "inside" in value:
        return [row for side in ("inside", "outside") for row in rows_of(value[side])]
    return [row for one in value[:_MOST] for row in rows_of(one)] if isinstance(value, list) else []


def rows_in(text: str, names: Mapping[str, Any]) -> list[Recorded]:
    """What an expression speaks of: for each name, of the last thing on its path that was recorded."""
    found: list[Recorded] = []
    for path in _names(text):
        value: Any = names.get(path[0])
        rows: list[Recorded] = []
        for step in (*path[1:], None):
            rows = rows_of(value) or rows
            try:
                value = part(value, step) if step is not None else None
            except (UnknownFieldError, AbsentError):
                break
        found += rows
    return list(dict.fromkeys(found))[:_MOST]


def rows_in_value(value: Any, names: Mapping[str, Any]) -> list[Recorded]:
    """What the expressions in braces anywhere in an author's value speak of."""
    if isinstance(value, str):
        return [row for text in placeholders(value) for row in rows_in(text, names)]
    if isinstance(value, dict):
        return rows_in_value(list(value.values()), names)
    return [row for one in value for row in rows_in_value(one, names)] if isinstance(value, list) else []


def _names(text: str) -> Iterable[tuple[str, ...]]:
    try:
        return names_in(text)
    except UsageError:
        return ()
