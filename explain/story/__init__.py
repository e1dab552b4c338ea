"""Report -> Line: what to tell, in which order, how deep.  No words are here.

First the verdict, alone on its line.  A small capture is then told in the order of time, place by
place, and after it, for each finding, why, what cannot be told apart from here, and where to look
next.  A large one is told in a page: trouble first, like things together, then all traffic in counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.model import Line
from explain.story import events, troubles, verdict
from explain.story.around import vlans
from explain.story.recording import doubts, kept, unread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from explain.model import CaptureInfo, Report
    from explain.runs import Comparison


def tell(report: Report, *, everything: bool = False, most: int | None = None) -> list[Line]:
    """The whole story, as lines in the order in which they are read; with ``most`` little more than the first ones."""
    return _without_times(_told(report, everything=everything, most=most), report.untimed)


def _told(report: Report, *, everything: bool, most: int | None) -> list[Line]:
    exchanges, hosts, findings = report.exchanges, report.hosts, report.findings
    table = exchanges.table
    groups = troubles.groups(findings)
    if report.studies and not len(table):
        files = verdict.files(report.captures, exchanges)
        return [*_notes().verdict(report.studies), *files, *_notes().tell(report.studies)]
    lines = _top(report, groups)
    beside = _beside(report)
    carried = set() if everything else events.carried(table, exchanges)
    if not everything and len(exchanges) - len(carried) > events.MOST_TOLD_ONE_BY_ONE:
        from explain.story import summary

        lines += troubles.tell(findings, groups, report.captures, everything=False)
        lines += _headed("story.heading.unexplained", summary.examples(table, exchanges, hosts, report.unexplained))
        is_well = not report.findings and not report.unexplained
        return lines + _headed("story.heading.traffic", summary.tell(table, exchanges, is_well=is_well) + beside)
    told, is_whole = events.tell(table, exchanges, hosts, carried, everything=everything, most=most)
    if not is_whole:
        return lines + _headed("story.heading.happened", told)
    from explain.story.around import network, paths, segment

    around = paths.tell(table, exchanges) + segment.tell(table, exchanges, hosts) + beside
    if len(report.captures) > 1:
        around = [events.with_place(table, line) for line in around]
    lines += _headed("story.heading.happened", told + around) + network.tell(table, exchanges)
    return lines + troubles.tell(findings, groups, report.captures, everything=everything)


def _top(report: Report, groups: Sequence[troubles.Group]) -> list[Line]:
    """The verdict, and what is told of whole files and texts."""
    captures, studies = report.captures, report.studies
    lacking = kept.tell(report.exchanges, report.hosts, captures)
    lines = verdict.tell(report, groups, is_one_way=any(one.message in kept.ONE_WAY for one in lacking))
    if studies and not report.findings and not report.unexplained:
        lines = _notes().verdict(studies)  # no packet failed, but a program may have
    lines += verdict.files(captures, report.exchanges) + lacking
    lines += doubts.tell(report.exchanges.table.whole, captures)
    if studies:
        lines += _notes().tell(studies)
    if any(one.comments for one in captures):
        from explain.story.recording import written

        lines += written.about_files(report.exchanges.table, captures)
    return lines


def _beside(report: Report) -> list[Line]:
    """What is told of frames that belong to no exchange; nothing where only some exchanges were asked for."""
    exchanges, captures, table = report.exchanges, report.captures, report.exchanges.table
    if not isinstance(exchanges.positions, range):
        return []
    lines = vlans.tell(table, exchanges)
    if {"igmp", "mld"}.intersection(table.contents):
        from explain.story.around import multicast

        lines += multicast.tell(table)
    lines += unread.tell(table, captures, exchanges)
    if {"vrrp", "hsrp"}.intersection(table.contents):
        from explain.story.around import standby

        lines += standby.tell(table)
    if exchanges.of_kind("dns.lookup") is not None:
        from explain.story.around import names

        lines += names.tell(table, exchanges)
    if any(one.comments for one in captures):
        from explain.story.recording import written

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


_STATED = frozenset(("lease_ns", "t1_ns", "t2_ns", "valid_ns"))  # the packets themselves say how long


def _without_times(lines: list[Line], untimed: frozenset[int]) -> list[Line]:
    """The lines, in which lengths of time that an input does not show are None."""
    from dataclasses import replace

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
    return None if key.endswith("_ns") and key not in _STATED else value


def _notes() -> ModuleType:
    """What tells texts; a capture does not need it."""
    from explain.story import notes

    return notes


def _headed(message: str, told: list[Line]) -> list[Line]:
    return [Line(message, {}, label="heading"), *told] if told else []
