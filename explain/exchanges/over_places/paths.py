"""How a conversation over places ended, and between which of them it vanished if it did."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import distinct
from explain.exchanges.icmp.quotes import quoted_flows
from explain.exchanges.over_places.stretches import Stretch, Way, stretches
from explain.exchanges.over_places.trails import forward, whole
from explain.places.matching import NONE
from explain.places.topology import Topology
from explain.record import NamedTuple, dataclass
from explain.table import ICMP, ICMPV6

if TYPE_CHECKING:
    from explain.exchanges.over_places.trails import Leg, Trails
    from explain.places import Sightings
    from explain.table import I8, Bools, PacketTable, Rows

DELIVERED, VANISHED, ELSEWHERE = range(3)
FAILED = {
    "icmp.echo": ("unanswered", "partly-answered", "refused"), "tcp.connection": ("unanswered", "rejected"),
    "udp.flow": ("unanswered", "refused"),
}  # fmt: skip
"""By kind of exchange, the outcomes of which a journey asks where it went wrong."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a conversation ended: rows of the packets that tell it.

    Attributes:
        sample, last: first and last row on the way of what it is about; of one packet where packets vanished.
        lost: ``request`` or ``reply``, None where nothing vanished.
        stage, due: what lay ahead of the last place, and the place where the packet was due; see ``Topology.beyond``.
        routers: how many pass packets on between the last place and ``due``; None where nothing says.
        packets, missing: how many there were, and how many of them had no answer.
        error: row of what came back instead of an answer.
        stretches: of a run of pings of which some were answered, where the others were lost.
        silent: of datagrams that were delivered as far as anybody knows, where they vanished if an answer was due.
    """

    outcome: int
    sample: int
    last: int
    lost: str | None = None
    stage: str | None = None
    due: int | None = None
    packets: int = 0
    missing: int = 0
    error: int | None = None
    stretches: tuple[Stretch, ...] = ()
    silent: Verdict | None = None
    routers: int | None = None


class Paths:
    """Conversations of a table with all that is asked of them; verdicts are made once.

    Attributes:
        near: the rows nearest to the askers, by which exchanges are numbered.
        table: the rows of all places.
    """

    def __init__(self, near: PacketTable, seen: Sightings, trails: Trails) -> None:
        self.near = near
        self.table = whole(near)
        self.seen = seen
        self.trails = trails
        self._verdicts: dict[int, Verdict] = {}

    @cached_property
    def topology(self) -> Topology:
        """What the packets of the whole table show of the network."""
        return Topology(self.table, self.seen)

    @cached_property
    def listened(self) -> tuple[I8, I8]:
        """When each place recorded its first and its last frame, by the first capture's clock."""
        return self.table.spans(self.seen.time_ns)

    def legs(self, trail: int) -> list[Leg]:
        """The exchanges of a conversation."""
        return [self.trails.leg(number) for number in self.trails.legs(trail)]

    def verdict(self, trail: int) -> Verdict:
        """How it ended."""
        if trail not in self._verdicts:
            self._verdicts[trail] = _judge(self, self.legs(trail))
        return self._verdicts[trail]


class _Seen(NamedTuple):
    """The packets of a conversation as seen anywhere, in the order of their way, and the errors about them."""

    ahead: Rows
    back: Rows
    errors: Rows


def _judge(paths: Paths, legs: list[Leg]) -> Verdict:
    table, topology = paths.table, paths.topology
    sides = [forward(table, leg) for leg in legs]
    ahead, back, errors = (np.concatenate(rows) for rows in zip(*sides, strict=True))
    seen = _Seen(topology.in_order(ahead), topology.in_order(back), errors)
    if not len(seen.ahead):
        return Verdict(DELIVERED, int(seen.back[0]), int(seen.back[-1]))
    start = int(table.place[topology.first_version(seen.ahead)[0]])
    here = [leg for leg, side in zip(legs, sides, strict=True) if len(side[0]) and table.place[side[0][0]] == start]
    failed = [(part, index) for part, index in here if part.outcomes[part.outcome[index]] in FAILED[part.kind]]
    failed = [(part, index) for part, index in failed if not _is_continued(paths.near, part.rows(index)[0])]
    if not failed:
        return Verdict(DELIVERED, int(seen.ahead[0]), int(seen.ahead[-1]))
    return _failed(paths, seen, start, failed)


def _is_continued(near: PacketTable, row: int) -> bool:
    """Whether the answers to a packet came back by another place, and so are no matter of a way that was lost."""
    continued: Bools | None = getattr(near, "continued", None)
    return continued is not None and bool(continued[whole(near).flow[row]])


def _failed(paths: Paths, seen: _Seen, start: int, failed: list[Leg]) -> Verdict:
    """What became of packets whose sender, at the place ``start``, heard no answer."""
    table, (ahead, back, errors) = paths.table, seen
    missing = _missing(table, ahead, failed)
    errors = np.concatenate((errors, _errors_about(table, failed)))
    errors = errors[table.place[errors] == start]
    answered = set(_marks(table, back[table.place[back] == start]))
    if len(errors) and not answered:
        return Verdict(ELSEWHERE, int(missing[0]), int(missing[-1]), error=int(errors[0]))
    marks = _marks(table, missing)
    wanted = set(marks) - set(_quoted_marks(table, errors))
    if not wanted:
        return Verdict(
            ELSEWHERE, int(missing[0]), int(missing[-1]), packets=len(set(_marks(table, ahead))),
            missing=len(set(marks)), error=int(errors[0]),
        )  # fmt: skip
    missing = missing[[mark in wanted for mark in marks]]
    replies = back[[mark in wanted for mark in _marks(table, back)]] if len(back) else back
    arrived = replies[table.place[replies] == start]
    if len(arrived):  # from somebody who was not asked: a NAT did not turn the answer back
        return Verdict(ELSEWHERE, int(missing[0]), int(missing[-1]), error=int(arrived[0]))
    kind = failed[0][0].kind
    if answered and kind == "icmp.echo":
        return _worst(paths, _stretches(paths, seen, answered, wanted), ahead, back)
    return _placed(paths, kind, replies, "reply") if len(replies) else _placed(paths, kind, missing, "request")


def _errors_about(table: PacketTable, failed: list[Leg]) -> Rows:
    """The errors about connections that they turned away; what is no connection has its errors among its rows."""
    flows = [table.flow[part.rows(index)[0]] for part, index in failed if part.kind == "tcp.connection"]
    found: Rows = table.icmp.row[np.isin(quoted_flows(table), flows)] if flows else np.empty(0, np.int64)
    return found


def _stretches(paths: Paths, seen: _Seen, answered: set[int], wanted: set[int]) -> list[Stretch]:
    """Where the pings of a run were lost that nobody answered, by where the others passed."""
    requests, replies = _marks(paths.table, seen.ahead), _marks(paths.table, seen.back)
    ways = Way(seen.ahead, requests, {*answered, *replies}), Way(seen.back, replies, answered)
    return stretches(paths.table, paths.seen.time_ns, paths.listened, ways, wanted)


def _worst(paths: Paths, lost: list[Stretch], ahead: Rows, back: Rows) -> Verdict:
    """The stretch on which most pings of a run were lost, with the others."""
    table = paths.table
    worst = max(lost, key=lambda one: (len(one.rows), one.is_reply))
    way = back if worst.is_reply else ahead
    number = paths.seen.packet[worst.rows[0]]
    same = way[paths.seen.packet[way] == number] if number != NONE else np.array(worst.rows[:1])
    stage: str | None = "router" if worst.routers else "link"
    due = worst.due
    if due is None:
        stage, due = paths.topology.beyond(worst.rows[0], way[np.isin(table.place[way], table.place[same])])
    return Verdict(
        VANISHED, int(same[0]), worst.rows[0], "reply" if worst.is_reply else "request", stage, due,
        len(set(_marks(table, way))), len(worst.rows), stretches=tuple(lost), routers=worst.routers,
    )  # fmt: skip


def _missing(table: PacketTable, ahead: Rows, failed: list[Leg]) -> Rows:
    """Requests without an answer where they began, as seen anywhere."""
    if failed[0][0].kind != "icmp.echo":
        return ahead
    silent = {seq for part, index in failed for seq in part.fields(index).unanswered_seqs}
    found = ahead[[mark in silent for mark in _marks(table, ahead)]]
    return found if len(found) else ahead


def _marks(table: PacketTable, rows: Rows) -> list[int]:
    """What tells which request a reply answers: the sequence number of ICMP, nothing else."""
    if len(rows) and table.layers[rows[0]] & (ICMP | ICMPV6):
        marks: list[int] = (table.icmp.word[np.searchsorted(table.icmp.row, rows)] & 0xFFFF).tolist()
        return marks
    return [0] * len(rows)


def _quoted_marks(table: PacketTable, errors: Rows) -> list[int]:
    """The marks of the echo requests that errors quote."""
    at = np.searchsorted(table.icmp.row, errors)
    marks: list[int] = (table.icmp.quote_word[at[table.icmp.quote_kind[at] > 0]] & 0xFFFF).tolist()
    return marks


def _placed(paths: Paths, kind: str, rows: Rows, lost: str) -> Verdict:
    """Where packets were last seen, and between what they vanished; ``rows`` in the order of their way."""
    table, topology = paths.table, paths.topology
    last_place = int(table.place[rows[-1]])
    reached = rows[table.place[rows] == last_place]
    number = paths.seen.packet[reached[0]]
    same = rows[paths.seen.packet[rows] == number] if number != NONE else reached[:1]
    last = int(same[table.place[same] == last_place][-1])  # it may pass a place twice
    stage, due = topology.beyond(last, rows)
    packets = _count(paths, rows[table.place[rows] == table.place[rows[0]]])
    missing = max(packets, _count(paths, reached))
    routers = topology.routers_between(last_place, due) if stage == "router" and due is not None else None
    gone = Verdict(VANISHED, int(same[0]), last, lost, stage, due, packets, missing, routers=routers)
    if kind == "udp.flow" and (stage == "target" or due is None):
        return Verdict(DELIVERED, int(same[0]), last, silent=gone)  # nobody need answer a datagram
    return gone


def _count(paths: Paths, rows: Rows) -> int:
    """How many packets some rows of a place are."""
    numbers = paths.seen.packet[rows]
    return len(distinct(numbers[numbers != NONE])) + int(np.count_nonzero(numbers == NONE))
