"""Report -> Line: what to tell, in which order, how deep.  No words are here.

First the verdict, alone on its line; then what happened, in the order of time; then, for each
finding, why, what cannot be told apart from here, and where to look next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.model import Line
from explain.story import paths, segment, summary
from explain.story.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.columns import Exchanges
    from explain.exchanges.hosts import Hosts
    from explain.model import CaptureInfo, Finding
    from explain.table import PacketTable

_TOLD_ONE_BY_ONE = 40  # exchanges; beyond it, like things are told together
_FINDINGS_TOLD = 12
_WORKS = frozenset(("icmp-redirect", "silent-hop", "suboptimal-gateway", "proxy-arp-in-play"))  # nothing is lost


def tell(
    table: PacketTable,
    exchanges: Exchanges,
    hosts: Hosts,
    findings: Sequence[Finding],
    unexplained: Sequence[str],
    captures: Sequence[CaptureInfo],
    everything: bool = False,
) -> list[Line]:
    """The whole story, as lines in the order in which they are read."""
    lines = _verdict(table, exchanges, findings, unexplained, captures)
    lines += _files(captures)
    told = _happened(table, exchanges, hosts, findings, unexplained, everything)
    told += _around(table, exchanges, hosts)
    if told:
        lines += [Line("story.heading.happened", {}, label="heading"), *told]
    for finding in findings if everything else findings[:_FINDINGS_TOLD]:
        lines += _finding(finding)
    return lines


def _verdict(
    table: PacketTable,
    exchanges: Exchanges,
    findings: Sequence[Finding],
    unexplained: Sequence[str],
    captures: Sequence[CaptureInfo],
) -> list[Line]:
    packets = sum(capture.packets for capture in captures)
    values: dict[str, Any] = {"packets": packets, "exchanges": len(exchanges), "span_ns": _span(captures)}
    everything = table.evidence(range(len(table)))[:1] if 0 < len(table) < _TOLD_ONE_BY_ONE else ()
    if findings:
        first = findings[0]
        lines = [
            Line(
                _message(first, "verdict"),
                _values(first),
                first.evidence,
                0,
                None,
                "odd" if first.cause in _WORKS else "bad",
            )
        ]
        lines.append(Line(f"story.certainty.{first.certainty}", {}, first.evidence, 0, None, "under"))
        if len(findings) > 1:
            lines.append(Line("story.more", {"count": len(findings) - 1}, (), 0, None, "under"))
        return lines
    if not packets:
        return [Line("story.empty", {}, (), 0, None, "odd")]
    if unexplained:
        failed = [exchanges.view(int(name[1:]) - 1) for name in unexplained[:1]]
        return [Line("story.unexplained", {"failed": len(unexplained)}, failed[0].evidence, 0, None, "odd")]
    if not len(exchanges):
        return [Line("story.nothing", values, everything, 0, None, "odd")]
    return [Line("story.healthy", values, everything, 0, None, "good")]


def _span(captures: Sequence[CaptureInfo]) -> int:
    first = [capture.first_ns for capture in captures if capture.first_ns is not None]
    last = [capture.last_ns for capture in captures if capture.last_ns is not None]
    return max(last) - min(first) if first and last else 0


def _files(captures: Sequence[CaptureInfo]) -> list[Line]:
    lines: list[Line] = []
    for capture in captures:
        values: dict[str, Any] = {
            "path": capture.path, "vantage": capture.vantage, "packets": capture.packets, "span_ns": _span([capture]),
        }  # fmt: skip
        if len(captures) > 1:
            lines.append(Line("story.file-at" if capture.vantage else "story.file", values, (), 1, None, "note"))
        if capture.damage:
            damage = {"path": capture.path, "offset": capture.damage.offset, "message": capture.damage.message}
            lines.append(Line("story.damaged", damage, (), 0, None, "note"))
    return lines


def _happened(
    table: PacketTable,
    exchanges: Exchanges,
    hosts: Hosts,
    findings: Sequence[Finding],
    unexplained: Sequence[str],
    everything: bool,
) -> list[Line]:
    carried = set() if everything else _carried(table, exchanges)
    if not everything and len(exchanges) - len(carried) > _TOLD_ONE_BY_ONE:
        return summary.tell(table, exchanges, hosts, findings, unexplained)
    teller = Teller(table, exchanges, hosts)
    return [line for position in exchanges.positions if position not in carried for line in teller.tell(position)]


def _around(table: PacketTable, exchanges: Exchanges, hosts: Hosts) -> list[Line]:
    """What is told of the link and the way, unless only some exchanges were asked for."""
    if not isinstance(exchanges.positions, range):
        return []
    return paths.tell(table, exchanges) + segment.tell(table, exchanges, hosts)


def _carried(table: PacketTable, exchanges: Exchanges) -> set[int]:
    """Positions of exchanges that are only parts of one that means more, and is told instead."""
    positions = exchanges.only_carrying()
    if exchanges.of_kind("dhcp.lease") is not None:
        from explain.story import dhcp

        positions |= dhcp.told_with(table, exchanges)
    return positions


def _finding(finding: Finding) -> list[Line]:
    values = _values(finding)
    lines = [
        Line(_message(finding, "verdict"), values, finding.evidence, 1, None, "finding"),
        Line(_message(finding, "so"), values, finding.evidence, 1, None, "under"),
    ]
    if finding.rivals:
        rivals = {"causes": finding.rivals}
        lines.append(Line("story.heading.rivals", {}, (), 1, None, "subheading"))
        lines.append(Line("story.rivals", rivals, finding.evidence, 1, None, "item"))
    lines.append(Line("story.heading.next", {}, (), 1, None, "subheading"))
    lines.append(Line(_message(finding, "next"), values, finding.evidence, 1, None, "item"))
    lines.append(Line("story.heading.evidence", {}, (), 1, None, "subheading"))
    lines.append(Line("story.filter", {"filter": finding.filter}, finding.evidence, 1, None, "item"))
    return lines


def _message(finding: Finding, what: str) -> str:
    case = finding.values.get("case")
    return f"findings.{finding.cause}{f'-{case}' if case else ''}.{what}"


def _values(finding: Finding) -> dict[str, Any]:
    return {"cause": finding.cause, "count": len(finding.exchanges), **finding.values}
