"""Report -> Line: what to tell, in which order, how deep.  No words are here.

First the verdict, alone on its line.  A small capture is then told in the order of time, place by
place, and after it, for each finding, why, what cannot be told apart from here, and where to look
next.  A large one is told in a page: trouble first, like things together, then all traffic in counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.model import Line
from explain.story import events, kept, summary, troubles, unread, verdict, vlans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from explain.causes.notes.item import Study
    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import CaptureInfo, Finding
    from explain.runs import Comparison
    from explain.table import PacketTable


def tell(
    table: PacketTable,
    exchanges: Exchanges,
    hosts: Hosts,
    findings: Sequence[Finding],
    unexplained: Sequence[str],
    captures: Sequence[CaptureInfo],
    studies: Sequence[Study] = (),
    everything: bool = False,
    most: int | None = None,
) -> list[Line]:
    """The whole story, as lines in the order in which they are read; with ``most`` little more than the first ones."""
    groups = troubles.groups(findings)
    if studies and not len(table):
        return [*_notes().verdict(studies), *verdict.files(captures, exchanges), *_notes().tell(studies)]
    lines = _top(table, exchanges, findings, groups, unexplained, captures, studies)
    beside = _beside(table, exchanges, captures)
    carried = set() if everything else events.carried(table, exchanges)
    if not everything and len(exchanges) - len(carried) > events.MOST_TOLD_ONE_BY_ONE:
        lines += troubles.tell(findings, groups, everything=False)
        lines += _headed("story.heading.unexplained", summary.examples(table, exchanges, hosts, unexplained))
        return lines + _headed("story.heading.traffic", summary.tell(table, exchanges) + beside)
    told, is_whole = events.tell(table, exchanges, hosts, carried, everything=everything, most=most)
    if not is_whole:
        return lines + _headed("story.heading.happened", told)
    from explain.story import network, paths, segment

    around = paths.tell(table, exchanges) + segment.tell(table, exchanges, hosts) + beside
    lines += _headed("story.heading.happened", told + around) + network.tell(table, exchanges)
    return lines + troubles.tell(findings, groups, everything=everything)


def _top(
    table: PacketTable,
    exchanges: Exchanges,
    findings: Sequence[Finding],
    groups: Sequence[troubles.Group],
    unexplained: Sequence[str],
    captures: Sequence[CaptureInfo],
    studies: Sequence[Study],
) -> list[Line]:
    """The verdict, and what is told of whole files and texts."""
    lines = verdict.tell(table, exchanges, findings, groups, unexplained, captures)
    if studies and not findings and not unexplained:
        lines = _notes().verdict(studies)  # no packet failed, but a program may have
    lines += verdict.files(captures, exchanges) + kept.tell(table, captures)
    if studies:
        lines += _notes().tell(studies)
    if any(one.comments for one in captures):
        from explain.story import written

        lines += written.about_files(captures)
    return lines


def _beside(table: PacketTable, exchanges: Exchanges, captures: Sequence[CaptureInfo]) -> list[Line]:
    """What is told of frames that belong to no exchange; nothing where only some exchanges were asked for."""
    if not isinstance(exchanges.positions, range):
        return []
    lines = vlans.tell(table, exchanges) + unread.tell(table, captures, exchanges)
    if any(one.comments for one in captures):
        from explain.story import written

        lines += written.beside_frames(table, captures)
    return lines


def with_comparison(lines: Sequence[Line], comparison: Comparison, captures: Sequence[CaptureInfo]) -> list[Line]:
    """The story with what a good run shows otherwise: one line below the verdict, and a section after it."""
    from explain.story import against

    first = next((at for at, line in enumerate(lines) if line.label == "heading"), len(lines))
    verdict = sum(1 for line in lines[:first] if line.depth == 0 and line.label != "note")
    return [
        *lines[:verdict], against.verdict(comparison, captures), *lines[verdict:first], *against.tell(comparison),
        *lines[first:],
    ]  # fmt: skip


def without_times(lines: list[Line], captures: Sequence[CaptureInfo]) -> list[Line]:
    """The lines, in which lengths of time that an input does not show are None."""
    from dataclasses import replace

    untimed = {number for number, one in enumerate(captures) if one.packets and one.first_ns is None}
    if not untimed:
        return lines

    def told(line: Line) -> Line:
        if not any(each.capture in untimed for each in line.evidence):
            return line
        return replace(line, values={key: _timeless(key, one) for key, one in line.values.items()})

    return [told(line) for line in lines]


def _timeless(key: str, value: Any) -> Any:
    if key == "fields":
        return [one for one in value if "_ns=" not in one]
    return None if key.endswith("_ns") else value


def _notes() -> ModuleType:
    """What tells texts; a capture does not need it."""
    from explain.story import notes

    return notes


def _headed(message: str, told: list[Line]) -> list[Line]:
    return [Line(message, {}, label="heading"), *told] if told else []
