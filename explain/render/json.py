"""The report of the contract as one JSON object: names and values, prose only under ``story``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.capture.linktype import name_of
from explain.plain_data import MOST_READ, json_text, plain
from explain.render.grounds import grounds
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import CaptureInfo, Evidence, Exchange, Line, Report

SCHEMA = "explain-report/1"


def render(report: Report, sentences: Sequence[str]) -> str:
    """The report, indented by one space, with every key of the contract."""
    exchanges = (_exchange(report, one) for one in report.exchanges)
    told = {
        "schema": SCHEMA,
        "captures": [_capture(capture) for capture in report.captures],
        "hosts": [plain(host) for host in report.hosts],
        "exchanges": exchanges if len(report.exchanges) > MOST_READ else list(exchanges),
        "findings": [plain(finding) for finding in report.findings],
        "unexplained": list(report.unexplained),
        "story": list(map(_line, report.lines, sentences, grounds(report.lines))),
        "clocks": [dict(clock) for clock in report.clocks],
        "notes": _studies(report),
        "against": _against(report.against),
    }
    return f"{json_text(told)}\n"


def _exchange(report: Report, one: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = plain(one)
    if one.capture not in report.untimed:
        return found
    # These of a capture are numbers in any case; that ``first_ns`` of the capture is null says what they are worth.
    kept = {} if report.captures[one.capture].format == "text" else {"start_ns": one.start_ns, "end_ns": one.end_ns}
    return {**_without_times(found), **kept}


def _without_times(value: Any) -> Any:
    """The same with every time and length of time as null: the input shows none."""
    if isinstance(value, dict):
        return {
            key: ([] if isinstance(one, list) else None) if key.endswith("_ns") else _without_times(one)
            for key, one in value.items()
        }
    return [_without_times(one) for one in value] if isinstance(value, list) else value


def _against(comparison: Any) -> dict[str, Any] | None:
    """The comparison with a good run, whose evidence counts its own captures."""
    if comparison is None:
        return None
    found: dict[str, Any] = plain(comparison)
    return {**found, "captures": [_capture(one) for one in comparison.captures]}


def _studies(report: Report) -> list[dict[str, Any]]:
    from explain.render.study import study

    return [study(one) for one in report.studies]


def _capture(capture: CaptureInfo) -> dict[str, Any]:
    result: dict[str, Any] = plain(capture)
    if damage := capture.damage:
        message = say(damage.line.message, damage.line.values, "en")
        result["damage"] = {"kind": damage.kind, "offset": damage.offset, "message": message}
    for interface in result["interfaces"]:
        interface["link_type_name"] = name_of(interface["link_type"])
    return result


def _line(line: Line, text: str, evidence: Sequence[Evidence]) -> dict[str, Any]:
    return {
        "message": line.message,
        "text": text,
        "depth": line.depth,
        "evidence": plain(evidence),
        "exchange": line.exchange,
        "lines": plain(line.text_lines),
    }
