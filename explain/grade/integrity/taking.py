"""The prints of one submission, or of a handout, taken from its captures."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.grade.integrity import clocks, gaps, nonces, octets, own, stack
from explain.grade.integrity.nonces import kind_of
from explain.grade.integrity.prints import Prints, Spot, few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from explain.grade.events.scene import Scene
    from explain.table import PacketTable

RUNS = "different-runs"
_LEAST_IN_A_RUN = 3
_OF_A_SEGMENT = {"isn", nonces.STAMPS}
_MOST_CITED = 200


def take(scene: Scene, integrity: Any, captures: Sequence[str]) -> Prints:
    """What tells the runs apart from which these captures come.

    Args:
        scene: all captures of the submission.
        integrity: the rubric's ``[integrity]``.
        captures: the names of the captures, in whose order evidence counts them.
    """
    table = scene.report.packets
    marker = integrity.get("marker")
    rows = nonces.wanted_rows(table)
    if marker:
        rows = np.union1d(rows, own.marker_rows(table, marker))
    read = octets.read(table, rows, scene.paths)
    numbers = [list(captures).index(name) for name in scene.names]
    spot = _spotter(table, numbers)
    found = list(nonces.nonces(table, read))
    prints = Prints(
        _spots(found, spot), _spots(gaps.rhythm(table), spot), _spots(gaps.moments(table), spot),
        addresses=_spots(own.addresses(table), spot),
    )  # fmt: skip
    if marker:
        prints.words = _spots(own.words(table, read, marker), spot)
    for kind, values, cited in (*clocks.signs(table, read), *stack.signs(table)):
        prints.signs.append((kind, values, [spot(row) for row in cited[:_MOST_CITED]]))
    together = [list(captures).index(one) for one in integrity.get("same_run", ()) if one in scene.names]
    prints.signs += _strangers(found, spot, together, captures)
    return prints


def _spotter(table: PacketTable, numbers: Sequence[int]) -> Callable[[int], Spot]:
    def spot(row: int) -> Spot:
        place = table.places[int(table.place[row])]
        return numbers[place.capture], place.interface, int(table.frame[row])

    return spot


def _spots(found: Iterable[tuple[str, int]], spot: Callable[[int], Spot]) -> dict[str, Spot]:
    return {value: spot(row) for value, row in few(found).items()}


def _strangers(
    found: Sequence[tuple[str, int]], spot: Callable[[int], Spot], together: Sequence[int], captures: Sequence[str]
) -> list[tuple[str, dict[str, Any], list[Spot]]]:
    """Captures that should be of one run and share no random number, though both have some of the same kinds."""
    by_capture: dict[int, dict[str, Spot]] = {}
    for value, row in found:
        where = spot(row)
        by_capture.setdefault(where[0], {}).setdefault(value, where)
    signs: list[tuple[str, dict[str, Any], list[Spot]]] = []
    for one, other in combinations(together, 2):
        mine, yours = by_capture.get(one, {}), by_capture.get(other, {})
        kinds = set(map(kind_of, mine)) & set(map(kind_of, yours)) - {nonces.PROBES}
        some = [[value for value in each if kind_of(value) in kinds] for each in (mine, yours)]
        if min(map(len, some)) >= _LEAST_IN_A_RUN and not _is_one_run(*some):
            cited = [each[value] for each, values in zip((mine, yours), some, strict=True) for value in values]
            signs.append((RUNS, {"one": captures[one], "other": captures[other]}, cited[:_MOST_CITED]))
    return signs


def _is_one_run(mine: Sequence[str], yours: Sequence[str]) -> bool:
    """Whether two captures share what two runs never share.

    Two runs on one kernel that connect in the same millisecond may share the port and so all timestamps of TCP. These
    show one run only where nothing else could: a firewall makes sequence numbers anew and lets timestamps pass.
    Two of its pings that wait for the same tick may be stamped in the same microsecond, now and then.
    """
    shared = set(mine) & set(yours)
    if any(kind_of(value) not in (nonces.STAMPS, nonces.PINGS) for value in shared) or _ping_as_one(mine, yours):
        return True
    stamps = min(sum(kind_of(value) == nonces.STAMPS for value in each) for each in (mine, yours))
    return set(map(kind_of, mine)) <= _OF_A_SEGMENT and len(shared) > stamps / 2


def _ping_as_one(mine: Sequence[str], yours: Sequence[str]) -> bool:
    """Whether two captures share more pings than meet by chance: several, or most of those while both recorded."""
    clocks = [
        {int(value.partition(":")[2]) for value in each if kind_of(value) == nonces.PINGS} for each in (mine, yours)
    ]
    shared = clocks[0] & clocks[1]
    if not shared:
        return False
    first, last = max(map(min, clocks)), min(map(max, clocks))
    fewest = min(sum(first <= clock <= last for clock in each) for each in clocks)
    return len(shared) >= _LEAST_IN_A_RUN or len(shared) * 3 > fewest * 2
