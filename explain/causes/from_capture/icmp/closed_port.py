"""A host says that nothing listens on a port: any more, or ever."""

from __future__ import annotations

from typing import Any

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.table import UDP

_EVERYBODY = ".255"  # of most networks
_SEVERAL = 2  # answers that had come


def judge(scene: Scene, members: list[Member], rows: list[int], values: dict[str, Any], *, is_answer: bool) -> Seen:
    """The finding: nothing listens any more, if the port asked or spoke before; else perhaps ever."""
    if values["port"] is None:
        return Seen("udp-no-listener", "likely", members, rows, ("filter-on-target-input",), values | {"case": "cut"})
    if is_answer and not _has_heard(scene, members, min(rows)):
        more = _asked_elsewhere(members) or {"case": "late"}
        return Seen("udp-no-listener", "likely", members, rows, ("server-slow",), values | more)
    gone = {"case": "gone"} if is_answer or _has_spoken(scene, members, min(rows), values) else {}
    return Seen("udp-no-listener", "likely", members, rows, ("filter-on-target-input",), values | gone)


def _asked_elsewhere(members: list[Member]) -> dict[str, Any]:
    """Who was asked, where whoever answered has another address (a group, or everybody was asked) or another port."""
    for part, index in members:
        if part.kind == "udp.flow" and (asked := part.fields(index).asked_at):
            server = part.fields(index).server
            if asked.address != server.address:
                case = "other-address" if asked.port == server.port and _is_one(asked.address) else "elsewhere"
                return {"case": case, "asked": asked.address}
            return {"case": "other-port", "asked": asked.port, "answered": server.port}
    return {}


def _is_one(address: str) -> bool:
    """Whether an address is one host's, as far as it tells."""
    from ipaddress import ip_address

    return not ip_address(address).is_multicast and not address.endswith(_EVERYBODY)


def _has_heard(scene: Scene, members: list[Member], told: int) -> bool:
    """Whether answers had come in one of these conversations, and found the port open, before one found it closed."""
    table = scene.table
    for part, index in members:
        if part.kind == "udp.flow":
            rows = part.rows(index)
            side = table.sides[rows[(rows < told) & (table.layers[rows] & UDP != 0)]]
            if np.count_nonzero(side != side[:1]) >= _SEVERAL:
                return True
    return False


def _has_spoken(scene: Scene, members: list[Member], told: int, values: dict[str, Any]) -> bool:
    """Whether the closed port had sent datagrams in these conversations before it was told closed."""
    table, flows = scene.table, scene.table.flows
    own = {table.flow.item(part.frames.item(part.bounds[index])) for part, index in members if part.kind == "udp.flow"}
    return any(
        0 <= first < told and ports.item(flow) == values["port"]
        and table.addresses.text(addresses.item(flow)) == values["dst"]
        for flow in own
        for first, addresses, ports in zip(
            table.first_of_side[2 * flow : 2 * flow + 2].tolist(), (flows.low, flows.high),
            (flows.low_port, flows.high_port), strict=True,
        )
    )  # fmt: skip
