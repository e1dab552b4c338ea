"""A host says that nothing listens on a port: any more, or ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.icmp.quotes import quoted_row
from explain.places.near import NearTable, whole_of
from explain.table import UDP

if TYPE_CHECKING:
    from explain.exchanges.over_places.nat_translation import NatTranslation
    from explain.table import PacketTable

_EVERYBODY = ".255"  # of most networks
_SEVERAL = 2  # answers that had come
_MOST_LOOKED_AT = 10_000  # translations
_QUIET_NS = 1_000_000_000  # no translator forgets sooner


def judge(scene: Scene, members: list[Member], rows: list[int], values: dict[str, Any], *, is_answer: bool) -> Seen:
    """The finding: nothing listens any more, if the port asked or spoke before; else perhaps ever."""
    if values["port"] is None:
        return Seen("udp-no-listener", "likely", members, rows, ("filter-on-target-input",), values | {"case": "cut"})
    if mapping := _forgotten_mapping(scene, members, rows, values):
        return mapping
    if is_answer and not _has_heard(scene, members, min(rows)):
        more = _asked_elsewhere(members) or {"case": "late"}
        return Seen("udp-no-listener", "likely", members, rows, ("server-slow",), values | more)
    gone = {"case": "gone"} if is_answer or _has_spoken(scene, members, min(rows), values) else {}
    return Seen("udp-no-listener", "likely", members, rows, ("filter-on-target-input",), values | gone)


def _forgotten_mapping(scene: Scene, members: list[Member], rows: list[int], values: dict[str, Any]) -> Seen | None:
    """The finding, where the port was one that a NAT had lent, and where what came for it went no farther."""
    part = scene.part("nat.translation")
    for index in range(min(len(part), _MOST_LOOKED_AT)):
        fields: NatTranslation = part.fields(index)
        lent = fields.outside.src if fields.outside and fields.kind != "destination" else None
        if lent is None or (lent.address, lent.port) != (values["dst"], values["port"]):
            continue
        if (pause_ns := _pause_ns(scene.table, rows[0])) is None:
            return None
        more = {"case": "forgotten", "inside": fields.inside.src.text, "pause_ns": pause_ns}
        return Seen("idle-timeout-in-middlebox", "likely", members, rows, (), values | more)
    return None


def _pause_ns(table: PacketTable, row: int) -> int | None:
    """How long the flow had rested before the packet that an error quotes; None if that got through, or is unknown."""
    whole = whole_of(table)
    quoted = quoted_row(whole, table.whole_row(row))
    if quoted is None or not isinstance(table, NearTable):
        return None
    if len({whole.ends(copy) for copy in table.copies(np.array([quoted])).tolist()}) > 1:
        return None
    earlier = np.flatnonzero(whole.flow[:quoted] == whole.flow[quoted])
    pause_ns = int(whole.time_ns[quoted] - whole.time_ns[earlier[-1]]) if len(earlier) else 0
    return pause_ns if pause_ns >= _QUIET_NS else None


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
