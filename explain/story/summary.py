"""All traffic of a large capture in counts, and the first of what nothing explains."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from explain.model import Line
from explain.story.exchanges.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import Evidence
    from explain.table import I8, PacketTable

_EXAMPLES = 3
_LINES_EACH = 3


def tell(table: PacketTable, exchanges: Exchanges, *, is_well: bool = False) -> list[Line]:
    """One line for each kind: how many, and how they ended, the frequent ends first.

    Where nothing is reported as failed, silence that is counted needs a word.
    """
    chosen = np.asarray(exchanges.positions)
    lines = []
    for part in exchanges.parts:
        indices = exchanges.indices(part, chosen)
        if len(indices):
            lines.append(_count(table, part, indices))
        if len(indices) and part.kind == "nat.translation":
            from explain.story.exchanges.nat import together  # only several places show it

            lines += together(table, part, indices)
    if is_well and any(_is_counted_silent(part, exchanges.indices(part, chosen)) for part in exchanges.parts):
        lines.append(Line("story.silence-is-well", {}, (), 1, None, "note"))
    lines.append(Line("story.shortened", {"count": len(exchanges)}, (), 1, None, "note"))
    return lines


def _is_counted_silent(part: ExchangeColumns, indices: I8) -> bool:
    """Whether one is counted as unanswered; silence that nobody has to break is counted as that."""
    silent = indices[np.isin(indices, part.where("unanswered"))]
    return bool(len(silent) and not (part.kind == "udp.flow" and part.facts["needs_no_answer"][silent].all()))


def _count(table: PacketTable, part: ExchangeColumns, indices: I8) -> Line:
    counts = np.bincount(part.outcome[indices], minlength=len(part.outcomes)).tolist()
    named = dict(zip(part.outcomes, counts, strict=True))
    if part.kind == "udp.flow":
        is_silent = part.outcome[indices] == part.outcomes.index("unanswered")
        named["quiet"] = np.count_nonzero(is_silent & part.facts["needs_no_answer"][indices])
        named["unanswered"] -= named["quiet"]
    first, last = (part.rows(int(indices[at])) for at in (0, -1))
    return counted(part.kind, named, table.evidence(np.concatenate((first, last))))


def counted(kind: str, counts: Mapping[str, int], evidence: tuple[Evidence, ...] = ()) -> Line:
    """One kind in one line: how many, and how they ended, the frequent ends first."""
    ends = sorted(((count, name) for name, count in counts.items() if count), reverse=True)
    values = {
        "kind": Line(f"story.kind.{kind}", {"total": sum(counts.values())}),
        "ends": [_end(kind, name, count) for count, name in ends],
    }
    return Line("story.counted", values, evidence, 1, None, "note")


def _end(kind: str, name: str, count: int) -> Line:
    if kind == "icmp.error":
        return Line("story.outcome-wire", {"name": name, "count": count})
    return Line(f"story.outcome.{name}", {"count": count})


def examples(table: PacketTable, exchanges: Exchanges, hosts: Hosts, unexplained: Sequence[str]) -> list[Line]:
    """The first exchanges that failed without a known reason, briefly."""
    teller = Teller(table, exchanges, hosts)
    lines: list[Line] = []
    positions = [int(name[1:]) - 1 for name in unexplained]
    if exchanges.of_kind("nat.translation"):
        from explain.exchanges.over_places.trails import far_sides

        told = far_sides(exchanges)  # with their near sides
        positions = [position for position in positions if position not in told]
    for position in positions[:_EXAMPLES]:
        lines += islice(teller.tell(position), _LINES_EACH)
    rest = len(positions) - _EXAMPLES
    if rest > 0:
        lines.append(Line("story.more-unexplained", {"count": rest}, (), 1, None, "note"))
    return lines
