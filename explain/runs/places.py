"""How far the packets of an exchange came in each run, where several places recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.exchanges.over_places.trails import whole

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.journey import Journey
    from explain.exchanges.over_places.sights import Spot
    from explain.model import Report
    from explain.runs.likeness import Item
    from explain.table import PacketTable


class Places:
    """The journeys of both runs, by the flows that they are of."""

    def __init__(self, good: Report, run: Report) -> None:
        self._good, self._run = good, run
        self._journeys = _by_flow(good), _by_flow(run)

    def of(self, there: Item, here: Item) -> tuple[str | None, str | None, str | None]:
        """The last places that saw the packet on its way: where the good run has one more, and here; which it was."""
        one = _journey(self._good, self._journeys[0], there)
        other = _journey(self._run, self._journeys[1], here)
        if other is None or other.lost is None:
            return None, None, None
        last = _name(whole(self._run.exchanges.table), other.last_seen)
        way = [sight.vantage for sight in one.seen] if one else []
        if other.lost == "reply":  # what a good run's journey follows is the way there
            way.reverse()
        following = way[way.index(last) + 1] if last in way[:-1] else None
        return following, last, other.lost


def _by_flow(run: Report) -> dict[int, tuple[ExchangeColumns, int]]:
    part = run.exchanges.of_kind("journey")
    if part is None or not len(part):
        return {}
    flows = run.exchanges.table.flow[part.frames[part.bounds[:-1]]].tolist()
    return {flow: (part, index) for index, flow in enumerate(flows)}


def _journey(run: Report, journeys: dict[int, tuple[ExchangeColumns, int]], item: Item) -> Journey | None:
    found = journeys.get(int(run.exchanges.table.flow[item.rows[0]]))
    if found is None:
        return None
    fields: Journey = found[0].fields(found[1])
    return fields


def _name(table: PacketTable, spot: Spot) -> str | None:
    for place in table.places:
        if (place.capture, place.interface) == (spot.capture, spot.interface):
            return place.name
    return None
