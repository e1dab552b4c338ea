"""``[[check]]`` -> Check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain.grade.rubric.records import Check, Count, Credit, Part, Pattern, Within
from explain.grade.rubric.values import VISIBLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.grade.rubric.values import Reader

_WITHIN = re.compile(r"(.+?)\s+(after|before)\s+\{([^{}]+)\}")


def read_check(reader: Reader, table: Mapping[str, Any]) -> Check:
    """What is asked of the captures."""
    name, where = reader.named("check", table)
    base = table.get("where", {})
    expect = reader.pattern(where, table["expect"], base) if "expect" in table else None
    none = reader.pattern(where, table["none"], base) if "none" in table else None
    _ask_one_thing(reader, where, table)
    visibility = reader.word(where, table, "visibility", VISIBLE)
    if "points" not in table:
        reader.say(where, "no_points")
    return Check(
        id=name,
        points=reader.number(where, table, "points"),
        title=reader.words(where, table, "title"),
        capture=reader.text(where, table, "capture"),
        expect=expect,
        none=none,
        sequence=_sequence(reader, where, table),
        claim=reader.text(where, table, "assert"),
        parts=_parts(reader, where, table),
        ways=_ways(reader, where, table),
        count=reader.count(where, table.get("count"), Count()),
        distinct=_distinct(reader, where, table),
        within=_within(reader, where, table.get("within")),
        window_ns=reader.span(where, table["window"]) if "window" in table else None,
        skew_ns=reader.span(where, table["skew"]) if "skew" in table else None,
        bind=reader.text(where, table, "as"),
        needs=reader.texts(where, table, "needs"),
        partial=_partial(reader, where, table),
        credit=_credit(reader, where, table),
        is_optional=bool(table.get("optional") or table.get("bonus")),
        passed=reader.words(where, table, "pass"),
        failed=reader.words(where, table, "fail"),
        hint=reader.words(where, table, "hint"),
        visibility=visibility or "now",
    )


def _ask_one_thing(reader: Reader, where: str, table: Mapping[str, Any]) -> None:
    kinds = [key for key in ("expect", "none", "sequence", "assert", "all_of", "any_of") if key in table]
    if not kinds:
        reader.say(where, "asks_nothing")
    if len(kinds) > 1 and set(kinds) != {"expect", "any_of"}:
        reader.say(where, "asks_several", kinds=[*kinds])


def _sequence(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Pattern, ...]:
    steps = table.get("sequence", [])
    if not isinstance(steps, list) or (len(steps) < 2 and "sequence" in table):
        reader.say(where, "sequence")
        return ()
    found = []
    for step in steps:
        name, base = (step.get("event"), step.get("where", {})) if isinstance(step, dict) else (step, {})
        pattern = reader.pattern(where, name, base)
        if pattern:
            found.append(pattern)
    return tuple(found)


def _parts(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Part, ...]:
    found = []
    for one in reader.tables(where, table, "all_of"):
        reader.known(where, "all_of", one)
        name = one.get("expect", one.get("event"))
        pattern = reader.pattern(where, name, one.get("where", {})) if name is not None else None
        claim = reader.text(where, one, "assert")
        if claim is None and name is None:
            reader.say(where, "part")
        count = reader.count(where, one.get("count"), Count())
        found.append(Part(claim, pattern, count, reader.number(where, one, "points"), reader.words(where, one, "fail")))
    stated = sum(one.points for one in found)
    if found and stated and abs(stated - reader.number(where, table, "points")) > 1e-9:
        reader.say(where, "parts", points=table.get("points"), sum=f"{stated:g}")
    return tuple(found)


def _ways(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Pattern, ...]:
    found = []
    for one in reader.tables(where, table, "any_of"):
        reader.known(where, "any_of", one)
        pattern = reader.pattern(where, one.get("event", one.get("expect")), one.get("where", {}))
        if pattern:
            found.append(pattern)
    return tuple(found)


def _distinct(reader: Reader, where: str, table: Mapping[str, Any]) -> str | None:
    name = reader.text(where, table, "distinct")
    if name is not None and "expect" in table:
        reader.pattern(where, table["expect"], {name: "any"})
    return name


def _within(reader: Reader, where: str, value: Any) -> tuple[Within, ...]:
    found = []
    for one in value if isinstance(value, list) else [] if value is None else [value]:
        told = _WITHIN.fullmatch(one.strip()) if isinstance(one, str) else None
        span = reader.span(where, told[1]) if told else None
        if not told or span is None:
            reader.say(where, "within", value=repr(one))
            continue
        found.append(Within(span, told[2], told[3]))
    return tuple(found)


def _partial(reader: Reader, where: str, table: Mapping[str, Any]) -> str | Mapping[str, float] | None:
    value = table.get("partial")
    if value is None or value == "linear":
        return value
    if not isinstance(value, dict) or not value:
        reader.say(where, "partial")
        return None
    if isinstance(table.get("expect"), str):
        for phase in value:
            reader.pattern(where, table["expect"], {phase: "any"})
    points = {str(name): reader.number(where, value, name) for name in value}
    if abs(sum(points.values()) - reader.number(where, table, "points")) > 1e-9:
        reader.say(where, "phases", points=table.get("points"), sum=f"{sum(points.values()):g}")
    return points


def _credit(reader: Reader, where: str, table: Mapping[str, Any]) -> tuple[Credit, ...]:
    found = []
    for one in reader.tables(where, table, "credit"):
        reader.known(where, "credit", one)
        is_whole = "where" not in one and "event" not in one
        pattern = None
        if not is_whole:
            pattern = reader.pattern(where, one.get("event", table.get("expect")), one.get("where", {}))
            if pattern is None:
                continue
        found.append(Credit(pattern, reader.number(where, one, "points"), reader.words(where, one, "say")))
    return tuple(found)
