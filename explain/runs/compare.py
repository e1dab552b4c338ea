"""Holds one run against a good one: the first difference that matters, and what followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.runs import Comparison, Difference, Side
from explain.runs.alignment import align, who_is_who
from explain.runs.likeness import items
from explain.runs.measures import slower
from explain.runs.places import Places
from explain.runs.steps import answer, parting, translated
from explain.runs.values import asked, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.model import CaptureInfo, Evidence, Report
    from explain.runs import Step
    from explain.runs.alignment import Who
    from explain.runs.likeness import Item
    from explain.runs.values import Change

_FAILS, _DIFFERS, _MINOR = range(3)
_SETTING = ("dhcp.lease", "dhcpv6.lease", "ndp.router", "nat.translation")
"""Kinds that settle where other packets go."""
_LEAST_IN_COMMON = 0.3  # of what is to be compared, for two captures to be runs of the same thing


@dataclass(frozen=True, slots=True)
class _Seen:
    """A difference, how much it matters, and when it shows in this run."""

    weight: int
    moment_ns: int
    order: int
    difference: Difference


def compare(good: Report, run: Report) -> Comparison:
    """Hold a run against a good one."""
    there, here = items(good.exchanges), items(run.exchanges)
    who = who_is_who(there, here)
    pairs, left, added = align(there, here, who)
    seen = sorted(_Differences(good, run, who).all(pairs, left, added), key=lambda one: (one.moment_ns, one.order))
    matters = [one for one in seen if one.weight == _FAILS] or [one for one in seen if one.weight == _DIFFERS]
    first = matters[0] if matters else None
    before = _alike_before(run, pairs, first) if first else pairs
    last = max(before, key=lambda pair: int(pair[1].rows[-1]), default=None)
    return Comparison(
        captures=good.captures,
        pairs=len(pairs),
        exchanges=(len(there), len(here)),
        who=tuple((one, other) for one, other in who.here.items() if one != other),
        is_same_thing=_is_same_thing(there, here, pairs),
        alike=len(before),
        last_alike=(_evidence(good, last[0]), _evidence(run, last[1])) if last else None,
        first=first.difference if first else None,
        then=tuple(one.difference for one in matters[1:]),
        is_after_end=first is not None and _is_after_end(good, run, first.difference),
        is_swapped=not any(one.weight == _FAILS for one in seen)
        and any(_is_grave(here, there) for there, here in pairs),
        causes=_causes(run, first.difference) if first else (),
    )


def _is_same_thing(there: Sequence[Item], here: Sequence[Item], pairs: Sequence[tuple[Item, Item]]) -> bool:
    """Whether enough of what was done in one run was done in the other."""
    least = min(sum(_is_deed(item) for item in items) for items in (there, here))
    shared = sum(_is_deed(one) for one, _ in pairs)
    return shared >= _LEAST_IN_COMMON * least if shared or least else True


def _is_deed(item: Item) -> bool:
    """Neither that hosts find each other is one, nor that something is refused."""
    return not item.is_routine and item.kind != "icmp.error"


def _alike_before(run: Report, pairs: Sequence[tuple[Item, Item]], first: _Seen) -> list[tuple[Item, Item]]:
    """The pairs that are over before the first difference begins."""
    here = first.difference.here
    return [
        pair
        for pair in pairs
        if run.exchanges.table.time_ns[pair[1].rows[-1]] <= first.moment_ns
        and pair[0].outcome == pair[1].outcome
        and not (here and here.exchange == pair[1].id)
    ]


class _Differences:
    def __init__(self, good: Report, run: Report, who: Who) -> None:
        self._good, self._run, self._who = good, run, who
        self._places = Places(good, run)

    def all(self, pairs: Sequence[tuple[Item, Item]], left: Sequence[Item], added: Sequence[Item]) -> Iterator[_Seen]:
        """Every difference, in no order."""
        grave = [here for there, here in pairs if _is_grave(there, here)] + [item for item in added if item.has_failed]
        troubled = {end for item in grave for end in item.ends}
        for pair in pairs:
            yield from self._of_pair(*pair, troubled)
        yield from self._missing(pairs, left)
        told = {name for finding in self._run.findings for name in finding.exchanges}
        for item in added:
            difference = Difference("added", item.kind, item.fields, None, _side(self._run, item))
            weight = _FAILS if item.has_failed else _DIFFERS if item.id in told else _MINOR
            yield _Seen(weight, item.start_ns, 1, difference)

    def _missing(self, pairs: Sequence[tuple[Item, Item]], left: Sequence[Item]) -> Iterator[_Seen]:
        """What only the good run has; it was due after what came before it there."""
        by_start = sorted((there.start_ns, here.start_ns) for there, here in pairs)
        due, number = 0, 0
        for item in left:
            while number < len(by_start) and by_start[number][0] <= item.start_ns:
                due = max(due, by_start[number][1])
                number += 1
            is_minor = item.has_failed or item.is_routine
            difference = Difference("missing", item.kind, item.fields, _side(self._good, item), None)
            yield _Seen(_MINOR if is_minor else _FAILS, due, 2, difference)

    def _of_pair(self, there: Item, here: Item, troubled: set[str | None]) -> Iterator[_Seen]:
        is_grave = _is_grave(there, here)
        for change in asked(there, here, self._who):
            yield self._valued("value", there, here, change, _FAILS if is_grave else _DIFFERS)
        if is_grave:
            order = 0 if here.kind == "nat.translation" else 1  # on the way, before any answer was due
            yield _Seen(_FAILS, here.start_ns, order, self._outcome(there, here))
            return
        if there.has_failed:
            return
        for change in told(there, here, self._who):
            values = change.here if isinstance(change.here, tuple) else (change.here,)
            is_cause = here.kind in _SETTING or not troubled.isdisjoint(values)
            steps = self._answers(there, here)
            yield self._valued("value", there, here, change, _FAILS if is_cause else _DIFFERS, steps)
        for change in slower(there, here):
            yield self._valued("measure", there, here, change, _DIFFERS)

    def _outcome(self, there: Item, here: Item) -> Difference:
        """Both ended differently: where they part."""
        if here.kind == "nat.translation":
            sides = _side(self._good, there, translated(there)), _side(self._run, here, translated(here))
            return Difference("outcome", here.kind, here.fields, *sides)
        part = parting((self._good.exchanges.table, there), (self._run.exchanges.table, here))
        following, last, lost = self._places.of(there, here)
        sides = (
            _side(self._good, there, part.then[0], part.last_alike[0], place=following),
            _side(self._run, here, part.then[1], part.last_alike[1], place=last, lost=lost),
        )
        return Difference("outcome", here.kind, here.fields, *sides)

    def _answers(self, there: Item, here: Item) -> tuple[Step | None, Step | None]:
        if here.kind == "nat.translation":
            return translated(there), translated(here)
        return answer(self._good.exchanges.table, there), answer(self._run.exchanges.table, here)

    def _valued(
        self,
        form: str,
        there: Item,
        here: Item,
        change: Change,
        weight: int,
        steps: tuple[Step | None, ...] = (None, None),
    ) -> _Seen:
        sides = (
            _side(self._good, there, steps[0], value=change.there),
            _side(self._run, here, steps[1], value=change.here),
        )
        return _Seen(weight, here.start_ns, 0, Difference(form, here.kind, here.fields, *sides, change.name))


def _is_grave(there: Item, here: Item) -> bool:
    return here.has_failed and there.outcome != here.outcome


def _side(run: Report, item: Item, step: Step | None = None, last_alike: Step | None = None, **more: Any) -> Side:
    evidence = _evidence(run, item)
    seen = step or last_alike
    frame = seen.frame if seen else evidence[0].frames[0][0]
    return Side(item.id, item.outcome, frame, evidence, item.start_ns, step, last_alike, **more)


def _evidence(run: Report, item: Item) -> tuple[Evidence, ...]:
    return run.exchanges.table.evidence(item.rows)


def _is_after_end(good: Report, run: Report, first: Difference) -> bool:
    """Whether what is missing came, in the good run, later than this recording is long."""
    there, here = _span(good.captures), _span(run.captures)
    if first.there is None or first.here is not None or there is None or here is None:
        return False
    return first.there.start_ns - there[0] > here[1] - here[0]


def _span(captures: Sequence[CaptureInfo]) -> tuple[int, int] | None:
    times = [one for capture in captures for one in (capture.first_ns, capture.last_ns) if one is not None]
    return (min(times), max(times)) if times else None


def _causes(run: Report, first: Difference) -> tuple[str, ...]:
    if first.here is None:
        return ()
    return tuple(dict.fromkeys(one.cause for one in run.findings if first.here.exchange in one.exchanges))
