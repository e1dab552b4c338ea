"""What came nearest to what a check asks for, so that a lost point can be explained with a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.grade.language.predicates import holds, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.events.event import Event
    from explain.grade.language.predicates import Predicate

_MOST_TRIED = 2000
_MOST_OFF = 2


@dataclass(frozen=True, slots=True)
class Nearest:
    """An event that nearly fits.

    Attributes:
        off: what does not hold of it, with what stands there.
    """

    event: Event
    off: tuple[tuple[Predicate, Any], ...]


def nearest(events: Sequence[Event], where: Sequence[Predicate], names: Mapping[str, Any]) -> Nearest | None:
    """The first event of which the fewest predicates fail; None if there is none, or none that comes near."""
    best: tuple[int, Event] | None = None
    for event in events[:_MOST_TRIED]:
        wrong = sum(not holds(event, (one,), names) for one in where)
        if best is None or wrong < best[0]:
            best = wrong, event
    if best is None or best[0] > max(_MOST_OFF, len(where) // 2):
        return None
    event = best[1]
    off = tuple((one, value_of(event, one.field)) for one in where if not holds(event, (one,), names))
    return Nearest(event, off)
