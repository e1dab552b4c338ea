"""The network as several places show it: who shares a link, who routes, who switches, who translates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import mac_text
from explain.exchanges.over_places.trails import whole
from explain.model import Line
from explain.places.network import links, routers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from explain.exchanges.over_places.paths import Paths
    from explain.exchanges.together import Exchanges
    from explain.places.network import SeenLink, SeenRouter, Station
    from explain.table import PacketTable

_MOST_TOLD = 8
_MOST_STATIONS = 6
_MOST_FRAMES = 200_000  # beyond it, the order of every packet's places costs more than the story is worth


def tell(table: PacketTable, exchanges: Exchanges) -> list[Line]:
    """Lines of each link and each router that packets were seen to pass."""
    part = exchanges.of_kind("journey")
    if part is None or "paths" not in part.facts or not isinstance(exchanges.positions, range):
        return []
    paths: Paths = part.facts["paths"]
    table = whole(table)
    if len(table) > _MOST_FRAMES:
        return []
    lines = [_link(table, one) for one in links(table, paths.seen, paths.topology)[:_MOST_TOLD]]
    for one in routers(table, paths.seen, paths.topology)[:_MOST_TOLD]:
        lines += _router(table, one)
    return [Line("story.heading.network", {}, (), 2, None, "heading"), *lines] if lines else []


def _line(table: PacketTable, message: str, rows: Iterable[int], **values: Any) -> Line:
    return Line(f"network.{message}", values, table.evidence(list(rows)), 2)


def _link(table: PacketTable, one: SeenLink) -> Line:
    names = [_place(table, place) for place in one.places]
    message = "switch" if one.has_switch else "link"
    return _line(table, message, one.rows, places=names, stations=_stations(table, one.stations))


def _router(table: PacketTable, one: SeenRouter) -> Iterator[Line]:
    yield _line(table, "router", one.rows, interfaces=_stations(table, one.interfaces), packets=one.packets)
    if one.translated:
        text = table.addresses.text
        rows = np.array(one.translated)
        ends = [
            f"{text(source)} > {text(target)}"
            for source, target in zip(table.sources(rows).tolist(), table.targets(rows).tolist(), strict=True)
        ]
        yield _line(table, "translator", one.translated, before=ends[0], after=ends[1])


def _stations(table: PacketTable, some: tuple[Station, ...]) -> list[str]:
    """Each by its addresses, as far as they are known, and its MAC."""
    told = []
    for one in some[:_MOST_STATIONS]:
        addresses = " + ".join(table.addresses.text(address) for address in one.addresses)
        told.append(f"{addresses} ({mac_text(one.mac)})" if addresses else mac_text(one.mac))
    return [*told, "..."] if len(some) > _MOST_STATIONS else told


def _place(table: PacketTable, place: int) -> str:
    """A place as it is named, else by its numbers."""
    spot = table.places[place]
    return spot.name or f"{spot.capture + 1}:{(spot.interface or 0) + 1}"
