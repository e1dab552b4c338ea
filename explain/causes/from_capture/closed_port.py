"""A host says that nothing listens on a port: any more, or ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import distinct
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.table import UDP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import Rows

_SEVERAL = 2  # answers that had come


def judge(scene: Scene, members: list[Member], rows: list[int], values: dict[str, Any], *, is_answer: bool) -> Seen:
    """The finding: nothing listens any more, if the port asked or spoke before; else perhaps ever."""
    if values["port"] is None:
        return Seen("udp-no-listener", "likely", members, rows, ("filter-on-target-input",), values | {"case": "cut"})
    if is_answer and not _has_heard(scene, members, min(rows)):
        return Seen("udp-no-listener", "likely", members, rows, ("server-slow",), values | {"case": "late"})
    gone = {"case": "gone"} if is_answer or _has_spoken(scene, members, min(rows), values) else {}
    return Seen("udp-no-listener", "likely", members, rows, ("filter-on-target-input",), values | gone)


def _has_heard(scene: Scene, members: list[Member], told: int) -> bool:
    """Whether answers had come in one of these conversations, and found the port open, before one found it closed."""
    sides = (scene.table.sides[rows] for rows in _datagrams(scene, members, told))
    return any(np.count_nonzero(side != side[:1]) >= _SEVERAL for side in sides)


def _has_spoken(scene: Scene, members: list[Member], told: int, values: dict[str, Any]) -> bool:
    """Whether the closed port had sent datagrams in these conversations before it was told closed."""
    table = scene.table
    for rows in _datagrams(scene, members, told):
        own = rows[table.source_ports(rows) == values["port"]]
        if any(table.addresses.text(source) == values["dst"] for source in distinct(table.sources(own)).tolist()):
            return True
    return False


def _datagrams(scene: Scene, members: list[Member], told: int) -> Iterator[Rows]:
    """Of each conversation the datagrams before the port was told closed."""
    for part, index in members:
        if part.kind == "udp.flow":
            rows = part.rows(index)
            rows = rows[(rows < told) & (scene.table.layers[rows] & UDP != 0)]
            if len(rows):
                yield rows
