"""Between which places the pings of one run were lost, where others of the run passed.

What came through shows the way.  A place that lacks some of it has gaps in its recording, so what it
lacks of the rest proves nothing, and the next place counts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.table import I8, PacketTable, Rows


_LISTENED_NS = 2_000_000_000  # after the last frame of a place: what came then would not be far behind


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pings of a run that passed one place and not the next one.

    Attributes:
        is_reply: whether the replies were lost, or else the requests.
        rows: of the whole table, as the last place saw them.
        place, due: the last place, and the next one on the way, as indices; None where none was listened to.
        routers: how many pass packets on between the two; None without a next place.
        holes: packets that passed the next place and are missing in its recording as well.
    """

    is_reply: bool
    rows: tuple[int, ...]
    place: int
    due: int | None
    routers: int | None
    holes: int


class Way(NamedTuple):
    """One direction of a run.

    Attributes:
        rows: in the order of the way.
        marks: which ping each of them is.
        arrived: the pings that came to its end.
    """

    rows: Rows
    marks: list[int]
    arrived: set[int]


class _Along:
    """The places of a direction in their order, and what each of them recorded."""

    def __init__(self, table: PacketTable, way: Way) -> None:
        self.last: dict[int, int] = {}
        self.seen: dict[int, dict[int, int]] = {}
        for row, place, mark in zip(way.rows.tolist(), table.place[way.rows].tolist(), way.marks, strict=True):
            self.seen.setdefault(place, {}).setdefault(mark, row)
            self.last[mark] = row
        self.places = list(self.seen)
        self._passed = dict[int, set[int]]()
        beyond = set(way.arrived)
        for place in reversed(self.places):
            self._passed[place] = set(beyond)
            beyond |= self.seen[place].keys()

    def holes(self, place: int, listened: set[int]) -> int:
        """How many pings passed a place while it was listened to, and are not in its recording."""
        return len((self._passed[place] & listened) - self.seen[place].keys())


def stretches(
    table: PacketTable, time_ns: I8, listened: tuple[I8, I8], ways: tuple[Way, Way], lost: Iterable[int]
) -> list[Stretch]:
    """Where pings were lost, requests first and along the way.

    Args:
        table: the rows of all places.
        time_ns: of its rows, by one clock.
        listened: from when to when each place was listened to, by that clock.
        ways: the requests and the replies of the run.
        lost: the pings that nobody answered, as far as their sender knows.
    """
    along = [_Along(table, way) for way in ways]
    began, ended = (edge.tolist() for edge in listened)
    when = {mark: int(time_ns[row]) for one in reversed(along) for mark, row in one.last.items()}
    holes: dict[int, int] = defaultdict(int)
    for one in along:
        for place in one.places:
            heard = {mark for mark, at in when.items() if began[place] <= at <= ended[place]}
            holes[place] += one.holes(place, heard)
    found: dict[tuple[int, int, int | None], list[int]] = defaultdict(list)
    for mark in lost:
        way = int(mark in along[1].last)
        row = along[way].last[mark]
        place = int(table.place[row])
        ahead = along[way].places[along[way].places.index(place) + 1 :]
        ahead = [one for one in ahead if began[one] <= when[mark] <= ended[one] + _LISTENED_NS]
        due = next((one for one in ahead if not holes[one]), next(iter(ahead), None))
        found[way, place, due].append(row)
    return [
        Stretch(
            bool(way), tuple(sorted(found[way, place, due])), place, due, _fall(table, along[way], place, due),
            0 if due is None else holes[due],
        )
        for way, place, due in sorted(found, key=lambda one: (one[0], along[one[0]].places.index(one[1])))
    ]  # fmt: skip


def _fall(table: PacketTable, along: _Along, place: int, due: int | None) -> int | None:
    """By how much the TTL falls between two places of a way."""
    if due is None:
        return None
    rows = [next(iter(along.seen[one].values())) for one in (place, due)]
    return int(table.ttl[rows[0]]) - int(table.ttl[rows[1]])
