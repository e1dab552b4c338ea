"""Connections as time-sequence plots, and round-trip times, as small pictures of lines.

The picture is stretched to the width that there is; strokes keep their width, and what has to be
read stands around it as text of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labels import OUT_OF_ORDER, RESENT
from explain.exchanges.tcp.sequence import sequence_course
from explain.render.html.ladder import both
from explain.render.markup import Markup, joined, tag
from explain.words.values import duration, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from explain.exchanges.tcp.sequence import SequenceCourse
    from explain.model import Report

MOST_PLOTS, _MOST_POINTS = 8, 1200
_LEAST_SEGMENTS = 4
_WIDE, _HIGH, _LOW = 1000, 320, 90
_LEGEND = ("data", "ack", "edge", "again", "disorder", "gap", "closed")


def plots(report: Report) -> tuple[list[Markup], int]:
    """Plots of the connections with most to see, and how many connections more there would be."""
    part = report.exchanges.of_kind("tcp.connection")
    if part is None or not len(part):
        return [], 0
    chosen = report.exchanges.indices(part, np.asarray(report.exchanges.positions, np.int64))
    sizes = np.diff(part.bounds)[chosen]
    troubled = part.facts["segments"].counts(RESENT | OUT_OF_ORDER)[chosen]
    order = chosen[np.lexsort((-sizes, troubled == 0))]
    found: list[Markup] = []
    for index in order[: 4 * MOST_PLOTS].tolist():
        course = sequence_course(part.facts["moments"], index)
        if course is not None and len(course.start) >= _LEAST_SEGMENTS and course.span_ns > 0:
            found.append(_figure(report, report.exchanges.position(part, index), course, is_open=not found))
        if len(found) == MOST_PLOTS:
            break
    more = int((sizes > 2 * _LEAST_SEGMENTS).sum()) - len(found)
    return found, max(0, more) if len(found) == MOST_PLOTS else 0


def _figure(report: Report, position: int, course: SequenceCourse, *, is_open: bool) -> Markup:
    one = report.exchanges.view(position)
    ends = [f"{end.address}:{end.port}" for end in (one.fields.client, one.fields.server)]
    values = {
        "sender": ends[course.sender], "receiver": ends[1 - course.sender], "octets": int(course.end.max()),
        "segments": len(course.start), "span_ns": course.span_ns, "again": one.fields.retransmissions,
    }  # fmt: skip
    shown = {name: drawn for name, drawn in _lines(course) if drawn}
    legend = [_entry(name) for name in _LEGEND if name in shown]
    picture = _picture(list(shown.values()), _HIGH)
    top = int(course.end.max())
    parts = [_scaled(picture, size(top), course.span_ns), tag("ul", {"class": "legend"}, *legend)]
    if len(course.rtt_ns):
        parts += [tag("h3", None, both("render.plot.rtt", _spread(course.rtt_ns))), _trips(course)]
    return tag(
        "details", {"class": "plot", "open": is_open},
        tag("summary", None, tag("b", None, " > ".join(ends)), " ", both("render.plot.title", values)),
        *parts,
    )  # fmt: skip


def _spread(trips: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, object]:
    return {
        "least_ns": int(trips.min()), "middle_ns": int(np.median(trips)), "most_ns": int(trips.max()),
        "count": len(trips),
    }  # fmt: skip


def _entry(name: str) -> Markup:
    return tag("li", None, tag("i", {"class": f"key {name}"}), both(f"render.plot.{name}", {}))


def _picture(lines: Sequence[Markup], high: int) -> Markup:
    box = {"viewBox": f"0 0 {_WIDE} {high}", "preserveAspectRatio": "none", "aria-hidden": "true", "focusable": "false"}
    return tag("svg", box, *lines)


def _scaled(picture: Markup, high: str, span_ns: int) -> Markup:
    """A picture with its scales as text."""
    across = (
        tag("span", None, duration(round(span_ns * share))) if share else "0" for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return tag(
        "div", {"class": "scaled"},
        tag("div", {"class": "up"}, tag("span", None, high), tag("span", None, "0")), picture,
        tag("div", {"class": "across"}, *across),
    )  # fmt: skip


def _thinned(at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    """At most so many of some positions, evenly."""
    return list(at[:: -(-len(at) // _MOST_POINTS) or 1].tolist())


def _lines(course: SequenceCourse) -> Iterator[tuple[str, Markup | None]]:
    """All lines of the diagram, those below first."""
    top = max(int(course.end.max()), 1)

    def x(time_ns: int) -> str:
        return f"{_WIDE * time_ns / course.span_ns:.1f}"

    def y(number: int) -> str:
        return f"{_HIGH - (_HIGH - 12) * min(max(number, 0), top * 1.04) / top:.1f}"

    def strokes(at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
        return "".join(
            f"M{x(int(course.time_ns[one]))} {y(int(course.start[one]))}V{y(int(course.end[one]))}"
            for one in _thinned(at)
        )

    yield (
        "gap",
        _path("gap", "".join(f"M{x(time)} {y(low)}V{y(high)}" for time, low, high in course.gaps[:200].tolist())),
    )
    yield "edge", _path("edge", _steps(course, course.edge, x, y))
    yield "ack", _path("ack", _steps(course, course.acked, x, y))
    is_again, is_late = course.labels & RESENT != 0, course.labels & OUT_OF_ORDER != 0
    yield "data", _path("data", strokes(np.flatnonzero(~is_again & ~is_late)))
    yield "disorder", _path("disorder", strokes(np.flatnonzero(is_late)))
    yield "again", _path("again", strokes(np.flatnonzero(is_again)))
    closed = np.flatnonzero(course.is_closed)
    yield "closed", _path("closed", "".join(
        f"M{x(int(course.ack_ns[at]))} {y(int(course.edge[at]))}h.01" for at in _thinned(closed)))  # fmt: skip


def _steps(
    course: SequenceCourse,
    values: np.ndarray[tuple[int], np.dtype[np.int64]],
    x: Callable[[int], str],
    y: Callable[[int], str],
) -> str:
    """A line that keeps its height until the next acknowledgement changes it."""
    some = _thinned(np.arange(len(values)))
    return "".join(
        f"{'H' if number else 'M'}{x(int(course.ack_ns[at]))}{'V' if number else ' '}{y(int(values[at]))}"
        for number, at in enumerate(some)
    )


def _path(name: str, drawn: str) -> Markup | None:
    return tag("path", {"class": name, "d": drawn, "vector-effect": "non-scaling-stroke"}) if drawn else None


def _trips(course: SequenceCourse) -> Markup:
    """Round-trip times over the same time: one dot each."""
    most = int(course.rtt_ns.max())
    dots = "".join(
        f"M{_WIDE * int(course.rtt_at_ns[at]) / course.span_ns:.1f} "
        f"{_LOW - (_LOW - 10) * int(course.rtt_ns[at]) / most - 2:.1f}h.01"
        for at in _thinned(np.arange(len(course.rtt_ns)))
    )
    return tag("div", {"class": "low"}, _scaled(_picture([joined(_path("trip", dots) or Markup(""))], _LOW),
                                                 duration(most), course.span_ns))  # fmt: skip
