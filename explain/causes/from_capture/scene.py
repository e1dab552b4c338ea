"""What the rules look at, and what they hand back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from explain.causes.from_capture.one_link import OneLink
from explain.exchanges.columns import none_of
from explain.exchanges.together import CONVERSATIONS
from explain.model import Finding
from explain.places.near import evidence_of, whole_of
from explain.record import dataclass
from explain.table import IPV6, ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import Evidence, Ranges
    from explain.table import PacketTable, Rows

FAILED = frozenset((
    "unanswered", "partly-answered", "refused", "rejected", "conflicting", "challenged", "half-open", "failed",
    "declined", "no-such-name", "taken", "not-reached", "vanished", "answered-elsewhere", "untranslated", "reset",
))  # fmt: skip
"""Outcomes that the contract calls failed; of ``icmp.error`` every one but redirects is."""

LAST_MOMENT_NS = 1_000_000_000  # so soon before a longer capture ends, an answer may be late: a silence is no failure
TO_ANSWER_NS = 100_000_000  # so soon before any capture ends, even a quick answer may be missing: the verdict says so
_LOSES_NOTHING = frozenset(("icmp-redirect", "duplicated-packets"))
_GOOD = {"icmp.echo": ("answered",), "tcp.connection": ("closed", "open"), "udp.flow": ("answered",)}

Member = tuple["ExchangeColumns", int]


def has_failed(kind: str, outcome: str) -> bool:
    """Whether the contract calls this outcome failed."""
    return not outcome.startswith("redirect") if kind == "icmp.error" else outcome in FAILED


def is_cut_off(table: PacketTable, row: int | np.integer[Any]) -> bool:
    """Whether a longer capture ends so soon after a frame that its answer may have come later."""
    began, _ = table.recorded(np.array([row]))
    return int(table.time_ns[row] - began[0]) > LAST_MOMENT_NS > table.waited_ns(row)


@dataclass(slots=True)
class Scene:
    """All facts of a report, and which exchanges a cause already accounts for.

    Attributes:
        unfinished_traces: traces that ended with an error which says why; it is told with that error.
        far_sides: what failed, as it looks on the other side of a translator, each with the side that is told.
        beside: what was found about a conversation that failed, by its kind and index, and is no reason for that.
    """

    table: PacketTable
    exchanges: Exchanges
    hosts: Hosts
    accounted: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    unfinished_traces: list[Member] = field(default_factory=list)
    beside: dict[tuple[str, int], str] = field(default_factory=dict)
    far_sides: list[tuple[Member, Member]] = field(default_factory=list)
    _silent: dict[str, list[Member]] | None = None
    _one_link: OneLink | None = None
    _answered: dict[tuple[int, int], tuple[int, int]] | None = None

    @property
    def one_link(self) -> OneLink:
        """Which hosts stand on one link."""
        if self._one_link is None:
            self._one_link = OneLink(self.table)
        return self._one_link

    @property
    def answered(self) -> dict[tuple[int, int], tuple[int, int]]:
        """By the low and the high address key of a flow: when the first answered one began, and the last one ended."""
        if self._answered is None:
            self._answered = {}
            flows = self.table.flows
            for kind, outcomes in _GOOD.items():
                part = self.part(kind)
                good = part.where(*outcomes)
                at = self.table.flow[part.frames[part.bounds[good]]]
                columns = flows.low[at], flows.high[at], part.start_ns[good], part.end_ns[good]
                for low, high, start, end in zip(*(column.tolist() for column in columns), strict=True):
                    started, ended = self._answered.get((low, high), (start, end))
                    self._answered[low, high] = min(started, start), max(ended, end)
        return self._answered

    def part(self, kind: str) -> ExchangeColumns:
        """The columns of one kind; empty ones where nothing of that kind occurs."""
        return self.exchanges.of_kind(kind) or none_of(kind)

    def account(self, seen: Seen) -> None:
        """Note what a finding explains: what loses nothing is no reason for a conversation that failed."""
        loses_nothing = seen.cause in _LOSES_NOTHING
        for part, index in seen.members:
            if loses_nothing and part.kind in CONVERSATIONS and part.outcomes[part.outcome[index]] in FAILED:
                self.beside[part.kind, index] = seen.cause
            else:
                self.accounted[part.kind].add(index)

    def open(self, part: ExchangeColumns, *outcomes: str) -> list[int]:
        """Exchanges that ended like this and that nothing accounts for yet."""
        done = self.accounted[part.kind]
        return [index for index in part.where(*outcomes).tolist() if index not in done]

    def with_rows(self, rows: Rows, *outcomes: str) -> list[Member]:
        """Conversations that have any of these rows, ended like this, and that nothing accounts for yet."""
        return [
            (part, index)
            for part in map(self.part, CONVERSATIONS)
            for index in part.with_rows(rows).tolist()
            if index not in self.accounted[part.kind]
            and (not outcomes or part.outcomes[part.outcome[index]] in outcomes)
        ]

    def silent_to(self, address: str) -> list[Member]:
        """What was sent to an address in vain, anywhere: a consequence, where nobody has that address."""
        if self._silent is None:
            self._silent = defaultdict(list)
            for kind in CONVERSATIONS:
                part = self.part(kind)
                for index in self.open(part, "unanswered"):
                    fields = part.fields(index)
                    self._silent[fields.dst if kind == "icmp.echo" else fields.server.address].append((part, index))
        return self._silent.get(address, [])


@dataclass(frozen=True, slots=True)
class Seen:
    """A cause, the exchanges that it accounts for, and the rows that prove it.

    Attributes:
        elsewhere: rows of the table of all places that prove it, where the place nearest to the asker saw none.
        beyond: rows of that table which prove it beside ``rows``, of packets that never came near the asker.
    """

    cause: str
    certainty: str
    members: Sequence[Member]
    rows: Sequence[int]
    rivals: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: Sequence[int] = ()
    beyond: Sequence[int] = ()


def is_housekeeping(part: ExchangeColumns, index: int) -> bool:
    """Silence that is normal: nobody need answer what was sent to everybody."""
    needs_no_answer = part.facts.get("needs_no_answer")
    return needs_no_answer is not None and bool(needs_no_answer[index])


class Findings(Sequence[Finding]):
    """What was found, in the order in which the rules spoke; the records are made when they are shown."""

    def __init__(self, scene: Scene, seen: Sequence[Seen]) -> None:
        self._scene = scene
        self._seen = seen
        self._made: dict[int, Finding] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"<Findings {len(self)}: {', '.join(dict.fromkeys(one.cause for one in self._seen))}>"

    def heads(self) -> list[tuple[str, str, int]]:
        """Of each: the cause, the case of it, and how many exchanges it accounts for; no record is made."""
        return [(one.cause, str(one.values.get("case", "")), len(one.members)) for one in self._seen]

    @overload
    def __getitem__(self, number: int) -> Finding: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Finding]: ...
    def __getitem__(self, number: int | slice) -> Finding | Sequence[Finding]:
        if isinstance(number, slice):
            return [self[index] for index in range(*number.indices(len(self)))]
        index = range(len(self))[number]
        if index not in self._made:
            self._made[index] = _finding(self._scene, self._seen[index])
        return self._made[index]


_ONLY_IPV4 = frozenset(("rp-filter-strict", "arp-ignored-by-target"))
"""Causes that are settings of IPv4 alone."""


def _rivals(scene: Scene, seen: Seen) -> tuple[str, ...]:
    table = whole_of(scene.table) if seen.elsewhere else scene.table
    layers = table.layers[np.asarray(seen.elsewhere or seen.rows, np.int64)]
    is_ipv6 = len(layers) > 0 and bool((layers & IPV6).all())
    return tuple(name for name in dict.fromkeys(seen.rivals) if not (is_ipv6 and name in _ONLY_IPV4))


def _finding(scene: Scene, seen: Seen) -> Finding:
    positions = sorted({scene.exchanges.position(part, index) for part, index in seen.members})
    near = evidence_of(scene.table, seen.rows, [np.array(seen.beyond, np.int64)] if seen.beyond else ())
    evidence = whole_of(scene.table).evidence(seen.elsewhere) if seen.elsewhere else near
    return Finding(
        seen.cause,
        seen.certainty,
        tuple(f"e{position + 1}" for position in positions),
        evidence,
        _rivals(scene, seen),
        frame_filter(union([one for one in evidence if one.capture == evidence[0].capture])),
        seen.values,
    )


def union(evidence: Sequence[Evidence]) -> Ranges:
    """The frames at all interfaces of one file."""
    if len(evidence) == 1:
        return evidence[0].frames
    return ranges(sorted(number for one in evidence for number in _numbers(one.frames)))


def frame_filter(frames: Ranges) -> str:
    """A Wireshark display filter that shows exactly these frames of a file; empty if there are none.

    Fields such as ``icmp.type`` also match headers that other messages quote; numbers do not lie.
    """
    if not frames:
        return ""
    if len(frames) == 1 and frames[0][0] == frames[0][1]:
        return f"frame.number == {frames[0][0]}"
    spans = (f"{first}" if first == last else f"{first}..{last}" for first, last in frames)
    return f"frame.number in {{{', '.join(spans)}}}"


def _numbers(frames: Ranges) -> list[int]:
    return [number for first, last in frames for number in range(first, last + 1)]
