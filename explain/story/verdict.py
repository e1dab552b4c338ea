"""One line that stands alone: what failed, whose fault, how certain; and which files were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.from_capture.scene import TO_ANSWER_NS
from explain.causes.from_capture.together import works
from explain.decode.contents import TUNNEL
from explain.exchanges.over_places.trails import whole
from explain.exchanges.together import CONVERSATIONS
from explain.model import INTERRUPTED, Line
from explain.story.exchanges.teller import end_text
from explain.story.recording.whole_file import frames_of_file
from explain.story.troubles import message, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.exchanges.together import Exchanges
    from explain.model import CaptureInfo, Evidence, Finding, Report
    from explain.story.troubles import Group
    from explain.table import PacketTable

_OPEN = ("unanswered", "half-open")
_SMALL = 40  # frames that are few enough to be cited all
_ENDED = {"unreadable": "story.unread", INTERRUPTED: "story.interrupted"}  # by the kind of damage
_MANY = 3  # kinds of trouble, beyond which the first alone is no verdict
_PPM_A_DAY_NS = 86_400_000  # that a clock gains in a day which runs faster by a millionth


def tell(report: Report, groups: Sequence[Group], *, is_one_way: bool) -> list[Line]:
    """The lines of depth 0; with ``is_one_way``, answers came that were not recorded."""
    captures, exchanges = report.captures, report.exchanges
    table = exchanges.table
    packets = sum(capture.packets for capture in captures)
    values: dict[str, Any] = {
        "packets": packets,
        "exchanges": len(exchanges),
        "span_ns": _span(captures, _skews(exchanges)),
    }
    everything = table.evidence(range(len(table)))[:1] if 0 < len(table) < _SMALL else _ends(table)
    if report.findings:
        return [*_failed(report.findings, groups, exchanges), *_server_errors(exchanges, is_all=False)]
    if not packets:
        is_empty = all(one.damage is None for one in captures)
        return [Line("story.empty" if is_empty else "story.nothing-read", {}, (), 0, None, "odd")]
    if report.unexplained:
        return [_unexplained(report.unexplained, exchanges)]
    if not len(exchanges):
        there = sum(len(part) for part in exchanges.parts)
        name = "story.nothing-chosen" if there else "story.nothing"
        return [Line(name, {**values, "exchanges": there}, everything, 0, None, "odd")]
    if errors := _server_errors(exchanges, is_all=True):
        return errors
    if is_one_way:
        open_ = sum(len(part.where("unanswered")) for part in exchanges.parts if part.kind in CONVERSATIONS)
        name, tone = ("story.one-way-open", "odd") if open_ else ("story.healthy-one-way", "good")
        return [Line(name, {**values, "count": open_}, everything, 0, None, tone)]
    return [Line(_healthy(table, values), values, everything, 0, None, "good")]


def _healthy(table: PacketTable, values: Mapping[str, Any]) -> str:
    if TUNNEL in table.contents:
        from explain.story.recording.tunnels import has_any

        if has_any(table):
            return "story.healthy-outside"
    return "story.healthy" if values["span_ns"] else "story.healthy-moment"


def _server_errors(exchanges: Exchanges, *, is_all: bool) -> list[Line]:
    """Servers that answered, and said that they failed: the network is well, and who asked got nothing."""
    part = exchanges.of_kind("http.request")
    failed = part.facts["server_errors"]() if part is not None and len(part) else []
    if part is None or not failed:
        return []
    told = [part.fields(index) for index in failed[:_SMALL]]
    values = {
        "servers": list(dict.fromkeys(end_text(one.server) for one in told))[:_MANY], "count": len(failed),
        "requests": len(part), "statuses": sorted({one.status for one in told}),
    }  # fmt: skip
    evidence = exchanges.table.evidence(part.rows(failed[0]))
    return [
        Line("story.server-errors", values, evidence, 0, None, "odd") if is_all
        else Line("story.server-errors-too", values, evidence, 0, None, "under")
    ]  # fmt: skip


def _unexplained(names: Sequence[str], exchanges: Exchanges) -> Line:
    positions = [int(name[1:]) - 1 for name in names]
    is_udp = all(exchanges.at(position)[0].kind == "udp.flow" for position in positions)
    name = "story.unexplained-udp" if is_udp else "story.unexplained"  # UDP itself asks for no answer
    return Line(name, {"failed": len(names)}, exchanges.view(positions[0]).evidence, 0, None, "odd")


def _failed(findings: Sequence[Finding], groups: Sequence[Group], exchanges: Exchanges) -> list[Line]:
    first = findings[groups[0].worst]
    mark = "odd" if works(first.cause, first.values.get("case")) else "bad"
    if len(groups) > _MANY:
        affected = sum(group.weight for group in groups)
        values: dict[str, Any] = {"affected": affected, "kinds": len(groups), "findings": len(findings)}
        return [
            Line("story.many", values, first.evidence, 0, None, mark),
            Line(message(first, "verdict"), values_of(first), first.evidence, 0, None, "under"),
        ]
    certainty = f"story.certainty.{first.certainty}{'-with' if first.rivals else ''}"
    if first.values.get("case") == "underway":
        certainty = "story.certainty.underway"
    elif first.certainty == "possible" and all(_ends_the_recording(name, exchanges) for name in first.exchanges):
        certainty = "story.certainty.at-the-end"
    lines = [
        Line(message(first, "verdict"), values_of(first), first.evidence, 0, None, mark),
        Line(certainty, {"rivals": len(first.rivals)}, first.evidence, 0, None, "under"),
    ]
    if len(findings) > 1:
        others = findings[groups[1].worst] if len(groups) > 1 else first
        lines.append(Line("story.more", {"count": len(findings) - 1}, others.evidence, 0, None, "under"))
    return lines


def _ends_the_recording(name: str, exchanges: Exchanges) -> bool:
    """Whether nothing shows that a recording went on for long enough to hold an answer."""
    part, index = exchanges.at(int(name[1:]) - 1)
    outcome = part.outcomes[part.outcome[index]]
    if outcome == "partly-answered":
        from explain.exchanges.icmp.echo import is_cut_short

        return is_cut_short(exchanges.table, part, index, TO_ANSWER_NS)
    return outcome in _OPEN and exchanges.table.waited_ns(part.rows(index)[0]) < TO_ANSWER_NS


def files(captures: Sequence[CaptureInfo], exchanges: Exchanges) -> list[Line]:
    """Which file is which place, where there are several; whose clock is off; and what is damaged."""
    lines: list[Line] = []
    table = whole(exchanges.table)
    for number, capture in enumerate(captures):
        frames = frames_of_file(table, number, capture)
        values: dict[str, Any] = {
            "path": capture.path, "vantage": capture.vantage, "packets": capture.packets, "span_ns": _span([capture]),
        }  # fmt: skip
        is_unread = capture.damage is not None and capture.damage.kind == "unreadable"
        if len(captures) > 1 and not is_unread and (capture.packets or capture.format != "text"):
            lines.append(Line("story.file-at" if capture.vantage else "story.file", values, frames, 1, None, "note"))
        if damage := capture.damage:
            ending = {**values, "offset": damage.offset, "message": damage.line}
            name = _ENDED.get(damage.kind, "story.damaged")
            if damage.kind == INTERRUPTED and not capture.packets:
                name = "story.unread"
            lines.append(Line(name, ending, frames, 0, None, "note"))
        if capture.untimed:
            name = "story.untimed" if capture.untimed == capture.packets else "story.untimed-some"
            lines.append(Line(name, {"path": capture.path, "count": capture.untimed}, frames, 1, None, "note"))
    if len(table.inside.row):
        from explain.story.recording.tunnels import opened

        lines.append(opened(table))
    return lines + _mixed(captures, exchanges) + _ambiguous(exchanges) + _clocks(captures, exchanges)


def _mixed(captures: Sequence[CaptureInfo], exchanges: Exchanges) -> list[Line]:
    """Which files hold the frames of several places in one list."""
    parts: dict[int, list[str | None]] = {}
    for place in whole(exchanges.table).places:
        if place.part:
            parts.setdefault(place.capture, []).append(place.name)
    lines: list[Line] = []
    for at, names in parts.items():
        values = {"path": captures[at].path, "places": len(names), "names": names}
        frames = frames_of_file(whole(exchanges.table), at, captures[at])
        lines.append(Line("story.mixed", values, frames, 1, None, "note"))
    return lines


def _ambiguous(exchanges: Exchanges) -> list[Line]:
    """How many frames could not be followed, because they look like others."""
    count = getattr(exchanges.table, "ambiguous", 0)
    return [Line("story.ambiguous", {"count": count}, _ends(exchanges.table), 1, None, "note")] if count else []


def _clocks(captures: Sequence[CaptureInfo], exchanges: Exchanges) -> list[Line]:
    """By how much the clock of each capture is off, where causality shows that it is."""
    told = _told_clocks(exchanges)
    reference = next((captures[clock["capture"]] for clock in told if clock["skew_ns"] == 0), None)
    lines: list[Line] = []
    for clock in told:
        capture, skew, bound = captures[clock["capture"]], clock["skew_ns"], clock["bound_ns"]
        frames = frames_of_file(whole(exchanges.table), clock["capture"], capture)
        if skew is None and capture.packets:
            lines.append(Line("story.clock.apart", {"name": capture.vantage or capture.path}, frames, 1, None, "note"))
        if skew is None or reference is None:
            continue
        names = {"name": capture.vantage or capture.path, "of": reference.vantage or reference.path}
        ppm = clock["drift_ppm"]
        if abs(skew) > (bound or 0):
            values = {**names, "off_ns": abs(skew), "bound_ns": bound, "drift_ppm": ppm}
            side = "ahead" if skew > 0 else "behind"
            form = side if bound is not None else f"{side}-roughly"
            lines.append(Line(f"story.clock.{form}", values, frames, 1, None, "note"))
        if ppm:
            rate = {"ppm": round(abs(ppm)) or round(abs(ppm), 3), "daily_ns": round(abs(ppm) * _PPM_A_DAY_NS)}
            form = "gains" if ppm > 0 else "loses"
            lines.append(Line(f"story.clock.{form}", {**names, **rate}, frames, 1, None, "note"))
    return lines


def _told_clocks(exchanges: Exchanges) -> Sequence[Mapping[str, Any]]:
    """The clocks of the captures, as their packets at several places showed them."""
    found: Sequence[Mapping[str, Any]] = getattr(exchanges.table, "clocks", ())
    return found


def _skews(exchanges: Exchanges) -> dict[int, int]:
    return {clock["capture"]: clock["skew_ns"] or 0 for clock in _told_clocks(exchanges)}


def _span(captures: Sequence[CaptureInfo], skews: Mapping[int, int] | None = None) -> int:
    """From the first packet to the last, by one clock."""
    off = skews or {}
    first = [one.first_ns - off.get(at, 0) for at, one in enumerate(captures) if one.first_ns is not None]
    last = [one.last_ns - off.get(at, 0) for at, one in enumerate(captures) if one.last_ns is not None]
    return max(last) - min(first) if first and last else 0


def _ends(table: PacketTable) -> tuple[Evidence, ...]:
    return table.evidence([0, len(table) - 1]) if len(table) else ()
