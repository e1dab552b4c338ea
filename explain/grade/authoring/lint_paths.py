"""Whether what an expression asks of a bound event is a field that such events have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.grade.events.vocabulary import complaint, fields_of, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.grade.rubric.records import Check
    from explain.model import Line

_OF_EVENTS = ("event", "first_violation")


def events_of(check: Check) -> tuple[str, ...]:
    """The events that a check may find, and bind to its names."""
    patterns = (check.expect, check.none, *check.sequence, *check.ways)
    patterns += (*(row.pattern for row in check.credit), *(one.pattern for one in check.parts))
    return tuple(dict.fromkeys(one.event for one in patterns if one is not None))


def unknown_field(path: Sequence[str], events: Sequence[str]) -> Iterator[Line]:
    """A complaint where none of these events has what follows the name; their parts may lead deeper than is known."""
    if len(path) < 2 or not events:
        return
    known = dict.fromkeys(field for event in events for field in fields_of(event))
    asked = ".".join(path[1:])
    if any(f"{one}.".startswith(f"{asked}.") or f"{asked}.".startswith(f"{one}.") for one in known):
        return
    yield complaint(".".join(path), "no_field", event=" or ".join(events[:3]), field=asked, near=nearest(asked, known))


def own_events(name: str, check: Check) -> tuple[str, ...]:
    """The events that a name stands for in a check's own messages; empty for any other name."""
    return events_of(check) if name in (*_OF_EVENTS, check.bind, check.id) else ()
