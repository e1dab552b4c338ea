"""Which frames are worth drawing when there is no room for all, and which exchange each belongs to."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.together import CARRIERS
from explain.places.near import rows_near
from explain.render.scene.rails import EVERYONE, ends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain import table as t
    from explain.exchanges.together import Exchanges
    from explain.model import Report

_ACCOMPANY = ("journey", "nat.translation")
_HEAD, _TAIL, _NOTABLE = 6, 3, 8  # frames of one exchange that stay when the others are folded
_TCP_NEWS = 1 | 2 | 4  # FIN, SYN, RST


def owners(report: Report) -> t.Rows:
    """For each row the position of the exchange that says most about it, -1 for none."""
    exchanges = report.exchanges
    owner = np.full(len(exchanges.table), -1, np.int64)
    total = sum(len(part) for part in exchanges.parts)
    is_chosen = np.zeros(total, np.bool_)
    is_chosen[np.asarray(exchanges.positions, np.int64)] = True
    # What says more comes later: a journey only repeats a conversation, and a carrier only carries a look-up.
    for part in sorted(exchanges.parts, key=lambda part: (part.kind not in _ACCOMPANY, part.kind not in CARRIERS)):
        if len(part):
            positions = exchanges.positions_of(part)
            of = np.repeat(positions, np.diff(part.bounds))
            kept = is_chosen[of]
            owner[part.frames[kept]] = of[kept]
    return owner


def important(report: Report, most: int, most_rails: int) -> t.Rows:
    """Rows worth drawing when there is no room for all: of what is told, of what failed, then of the others.

    Who is shown at all is shown with a rail: exchanges of further hosts are left out.
    """
    exchanges = report.exchanges
    failed = [name for finding in report.findings for name in finding.exchanges] + list(report.unexplained)
    first = [int(name[1:]) - 1 for name in failed[:most]]
    # Each exchange gives at least one frame, so that no more than ``most`` of them need be looked at.
    positions = dict.fromkeys((*first, *exchanges.positions[:most]))
    found: set[int] = set()
    hosts: set[str] = set()
    for rows in chain(_told(report, most // 2), (_worth(exchanges, position) for position in positions)):
        pairs = (ends(exchanges.table, int(row))[:2] for row in rows.tolist())
        together = hosts | {name for pair in pairs for name in pair}
        if len(together - {EVERYONE}) < most_rails or not found:
            hosts = together
            found.update(rows.tolist())
        if len(found) >= most:
            break
    return np.array(sorted(found)[:most], np.int64)


def _worth(exchanges: Exchanges, position: int) -> t.Rows:
    """The frames of an exchange that stay when the others are folded."""
    part, index = exchanges.at(position)
    rows = part.rows(index)
    if len(rows) <= _HEAD + _TAIL + _NOTABLE:
        return rows
    news = rows[(exchanges.table.flags[rows] & _TCP_NEWS) != 0][:_NOTABLE]
    return np.concatenate((rows[:_HEAD], news, rows[-_TAIL:]))


def _told(report: Report, most: int) -> Iterator[t.Rows]:
    """The rows that the first sentences speak of, sentence by sentence, some of each."""
    table = report.exchanges.table
    told: list[list[tuple[int, int]]] = []
    left = most
    for line in report.lines:
        if line.depth > 1 or not line.evidence or left <= 0:
            continue
        numbers = [
            (one.capture, frame) for one in line.evidence for first, last in one.frames[:_HEAD]
            for frame in range(first, min(last, first + _TAIL) + 1)
        ][: _HEAD + _TAIL]  # fmt: skip
        told.append(numbers)
        left -= len(numbers)
    whole = table.whole
    rows: dict[tuple[int, int], int] = {}
    for capture in {capture for numbers in told for capture, _ in numbers}:
        wanted = sorted({frame for numbers in told for of, frame in numbers if of == capture})
        for row in whole.rows_of_frames(capture, wanted).tolist():
            rows[capture, int(whole.frame[row])] = row
    for numbers in told:
        seen = np.array([rows[key] for key in numbers if key in rows], np.int64)
        near = rows_near(table, seen)
        if len(near):
            yield np.unique(near)
