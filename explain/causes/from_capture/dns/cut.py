"""Name servers whose answers do not fit into a datagram, and that are not to be had over TCP."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.dns.errors import errors_about
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.causes.from_capture.scene import Member
    from explain.exchanges.columns import ExchangeColumns

_PORT = 53
_ASKED_AGAIN_NS = 5_000_000_000
_WHY = {
    "refused": ("filter-on-target-input", "tcp-no-listener", "filter-on-router-forward", "rst-by-middlebox"),
    "rejected": ("filter-on-target-input", "filter-on-router-forward"),
    "unanswered": ("filter-on-router-forward", "filter-on-target-input", "filter-on-target-output", "partial-loss"),
}
"""For each way in which a connection fails: what may do that to it, and lets UDP pass."""


def look(scene: Scene, part: ExchangeColumns, errors: Mapping[int, Sequence[Member]]) -> Iterator[Seen]:
    """One finding for each server and client: answers that were cut, and connections for the rest that failed."""
    connections = scene.part("tcp.connection")
    failed = scene.open(connections, *_WHY) if len(part) and len(connections) else []
    ends = {index: connections.facts["moments"].ends(index) for index in failed}
    failed = [index for index in failed if ends[index][1][1] == _PORT]
    if not failed:
        return
    answered = _by_ends(scene, part)
    found: dict[tuple[int, int, str], list[tuple[int, int]]] = defaultdict(list)
    for index in failed:
        (client, _), (server, _) = ends[index]
        place = int(scene.table.place[connections.rows(index)[0]])
        cut = _cut_before(part, answered.get((place, client, server), []), int(connections.start_ns[index]))
        if cut is not None:
            found[client, server, connections.outcomes[connections.outcome[index]]].append((index, cut))
    for (_, _, outcome), pairs in found.items():
        yield _seen(scene, part, connections, outcome, pairs, errors)


def _by_ends(scene: Scene, part: ExchangeColumns) -> dict[tuple[int, int, int], list[int]]:
    """Look-ups with an answer that a glance does not show to be whole, by place, client and server."""
    found: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for index in part.where("answered").tolist():
        if part.facts["is_odd"][index]:
            place = int(scene.table.place[part.rows(index)[0]])
            found[place, part.facts["client"][index], part.facts["server"][index]].append(index)
    return found


def _cut_before(part: ExchangeColumns, some: list[int], start_ns: int) -> int | None:
    """The look-up of which a connection asks the rest."""
    near = (index for index in reversed(some) if 0 <= start_ns - int(part.end_ns[index]) <= _ASKED_AGAIN_NS)
    return next((index for index in near if part.fields(index).is_cut), None)


def _seen(
    scene: Scene,
    part: ExchangeColumns,
    connections: ExchangeColumns,
    outcome: str,
    pairs: list[tuple[int, int]],
    errors: Mapping[int, Sequence[Member]],
) -> Seen:
    cut = [(part, index) for index in dict.fromkeys(index for _, index in pairs)]
    tried = [(connections, index) for index, _ in pairs]
    about = errors_about(scene, tried, errors)
    rows = rows_of([*cut, *tried, *about])
    fields = part.fields(cut[0][1])
    values = {
        "case": "cut-unanswered" if outcome == "unanswered" else "cut-refused", "client": fields.client.address,
        "server": fields.server.address, "name": fields.name, "type": fields.type, "count": len(cut),
    }  # fmt: skip
    is_sure = outcome != "unanswered" or any(len(connections.rows(index)) > 1 for _, index in tried)
    rivals = scene.one_link.possible(rows, _WHY[outcome], may_hand_on=False)
    return Seen(
        "dns-server-unreachable", "likely" if is_sure else "possible", [*cut, *tried, *about], rows, rivals, values
    )
