"""Two runs held against each other: where they part, what comes there in each, and what followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.model import Endpoint, Line
from explain.runs.likeness import likeness
from explain.story.exchanges.teller import end_text
from explain.story.in_brief import ended, what

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import CaptureInfo, Evidence
    from explain.runs import Comparison, Difference, Side, Step

_MOST_FOLLOWING, _MOST_WHO = 8, 4


def verdict(comparison: Comparison, captures: Sequence[CaptureInfo]) -> Line:
    """One line, to stand below the verdict on the run with these captures."""
    values = {
        "path": _names(comparison.captures), "pairs": comparison.pairs, "total": sum(comparison.exchanges),
    }  # fmt: skip
    first = comparison.first
    if not comparison.is_same_thing:
        return Line("against.strangers", values, (), 0, None, "under")
    if comparison.is_swapped:
        return Line("against.swapped", values, (), 0, None, "under")
    if first is None:
        return Line("against.same", values, (), 0, None, "under")
    sides = (comparison.captures, first.there), (captures, first.here)
    there, here = (side and _of_side(files, side) for files, side in sides)
    form = "both" if first.there and first.here else "there" if first.there else "here"
    evidence = first.here.evidence if first.here else ()
    return Line(f"against.verdict.{form}", values | {"there": there, "here": here}, evidence, 0, None, "under")


def tell(comparison: Comparison) -> list[Line]:
    """The section that tells the comparison."""
    if not comparison.is_same_thing or comparison.is_swapped:
        return []
    lines = [Line("against.heading", {"path": _given(comparison.captures)}, label="heading")]
    for there, here in comparison.who[:_MOST_WHO]:
        lines.append(Line("against.who", {"there": there, "here": here}))
    first = comparison.first
    if first is None:
        return [*lines, Line("against.nothing", {"pairs": comparison.pairs})]
    lines += _alike(comparison)
    lines += _told(comparison.captures, first)
    if comparison.is_after_end:
        lines.append(Line("against.after-end", {}))
    if comparison.causes:
        lines.append(Line("against.cause", {}))
    return lines + _following(comparison)


def _alike(comparison: Comparison) -> Iterator[Line]:
    if comparison.last_alike:
        there, here = comparison.last_alike
        values = {"alike": comparison.alike, "frame": _numbered(comparison.captures, there, _last(there))}
        yield Line("against.alike", values, _only_last(here))
    else:
        yield Line("against.from-the-start", {})


def _told(good: Sequence[CaptureInfo], one: Difference) -> Iterator[Line]:
    yield _difference(good, one, "first")
    yield from _parting(good, one)


def _parting(good: Sequence[CaptureInfo], one: Difference) -> Iterator[Line]:
    """Where two exchanges part that ended differently."""
    there, here = one.there, one.here
    if one.form != "outcome" or there is None or here is None:
        return
    if here.last_alike and there.last_alike:
        values = {"says": here.last_alike.says, "there": _of_step(good, there.last_alike)}
        yield Line("against.step.alike", values, here.last_alike.evidence)
    if there.place and here.place:
        yield Line(f"against.place.{here.lost}", {"next": there.place, "last": here.place}, _last_alike(here))
    if one.kind != "nat.translation":
        yield from _next(good, there.step, here.step, _last_alike(here))
    elif there.step and here.step:
        frame = _of_step(good, there.step)
        values = {"there": frame, "says_there": there.step.says, "says_here": here.step.says}
        yield Line("against.step.behind", values, here.step.evidence)


def _next(
    good: Sequence[CaptureInfo], there: Step | None, here: Step | None, before: tuple[Evidence, ...]
) -> Iterator[Line]:
    if there and here:
        values = {"there": _of_step(good, there), "says_there": there.says, "says_here": here.says}
        yield Line("against.step.instead", values, here.evidence)
    elif there:
        yield Line("against.step.nothing", {"there": _of_step(good, there), "says_there": there.says}, before)
    elif here:
        yield Line("against.step.extra", {"says_here": here.says}, here.evidence)


def _last_alike(side: Side) -> tuple[Evidence, ...]:
    return side.last_alike.evidence if side.last_alike else ()


def _following(comparison: Comparison) -> list[Line]:
    """What differs later, each in one sentence; of one exchange only what comes first, and what is alike once."""
    first = comparison.first
    told = {_name(first)} if first and first.form != "value" else set()
    alike: dict[Any, list[Difference]] = {}
    for one in comparison.then:
        if _name(one) not in told:
            told.add(_name(one))
            alike.setdefault(_likeness(one), []).append(one)
    lines: list[Line] = []
    for some in list(alike.values())[:_MOST_FOLLOWING]:
        lines.append(_difference(comparison.captures, some[0], "then"))
        if first and _name(some[0]) == _name(first):
            lines += _parting(comparison.captures, some[0])
        if len(some) > 1:
            lines.append(Line("against.again", {"count": len(some) - 1}))
    if len(alike) > _MOST_FOLLOWING:
        more = sum(len(some) for some in list(alike.values())[_MOST_FOLLOWING:])
        lines.append(Line("against.more", {"count": more}))
    return [Line("against.followed", {}, label="subheading"), *lines] if lines else []


def _likeness(one: Difference) -> tuple[Any, ...]:
    outcomes = one.there and one.there.outcome, one.here and one.here.outcome
    return (one.form, one.name, outcomes, likeness(one.kind, one.fields))


def _name(one: Difference) -> tuple[str | None, str | None]:
    return one.there.exchange if one.there else None, one.here.exchange if one.here else None


def _difference(good: Sequence[CaptureInfo], one: Difference, place: str) -> Line:
    """A difference in one sentence."""
    values: dict[str, Any] = {
        "what": what(one.kind, one.fields),
        "frames": _frames(good, one.there), "name": one.name and Line(f"against.name.{one.name}", {}),
        "there": _said(one, one.there), "here": _said(one, one.here),
    }  # fmt: skip
    evidence = one.here.evidence if one.here else ()
    exchange = one.here.exchange if one.here else None
    return Line(f"against.{place}.{one.form}", values, evidence, 1, exchange)


def _said(one: Difference, side: Side | None) -> Any:
    """What the exchange came to in one run, or the value that differs."""
    if side is None:
        return None
    if one.form == "outcome" or one.form in ("missing", "added"):
        return ended(one.kind, side.outcome)
    if one.name and one.name.endswith("_ns"):
        return Line("against.wait", {"wait_ns": side.value})
    if one.name == "forwarded_to":
        return end_text(Endpoint(*side.value))
    if side.value in ((), None, ""):
        return Line("against.none", {})
    return side.value


def _names(captures: Sequence[CaptureInfo]) -> str | list[str]:
    """What a run is called: its file, or of several the places."""
    return captures[0].path if len(captures) == 1 else [one.vantage or one.path for one in captures]


def _given(captures: Sequence[CaptureInfo]) -> str | list[str]:
    """The files of a run; of several, as they were given."""
    if len(captures) == 1:
        return captures[0].path
    return [f"{one.vantage}={one.path}" if one.vantage else one.path for one in captures]


def _numbered(captures: Sequence[CaptureInfo], evidence: tuple[Evidence, ...], frames: int | str) -> Any:
    """Frame numbers, and where a run has several files, in which of them these count."""
    if len(captures) == 1:
        return frames
    file = captures[evidence[0].capture]
    return Line("against.frame-at", {"frame": frames, "name": file.vantage or file.path})


def _of_side(captures: Sequence[CaptureInfo], side: Side) -> Any:
    seen = side.step or side.last_alike
    return _numbered(captures, seen.evidence if seen else side.evidence, side.frame)


def _of_step(captures: Sequence[CaptureInfo], step: Step) -> Any:
    return _numbered(captures, step.evidence, step.frame)


def _frames(good: Sequence[CaptureInfo], side: Side | None) -> Any:
    if side is None:
        return ""
    ranges = side.evidence[0].frames
    first, last = ranges[0][0], ranges[-1][1]
    text = str(first) if first == last else f"{first}-{last}" if len(ranges) == 1 else f"{first}..{last}"
    return _numbered(good, side.evidence, text)


def _last(evidence: tuple[Evidence, ...]) -> int:
    return evidence[0].frames[-1][1]


def _only_last(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    from dataclasses import replace

    last = _last(evidence)
    return (replace(evidence[0], frames=((last, last),)),)
