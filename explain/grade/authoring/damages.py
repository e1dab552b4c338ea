"""A good capture, damaged in every way that the events in it suggest; and changes that should not matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from explain.grade.authoring import damaged_fields
from explain.grade.authoring.copies import SECOND_NS
from explain.grade.events.table import EVENTS
from explain.grade.events.vocabulary import all_names
from explain.grade.language.cited import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from explain.grade.authoring.copies import Copy, Kept
    from explain.grade.events.event import Event
    from explain.grade.events.of_report import Events
    from explain.grade.events.scene import Scene
    from explain.model import Evidence

_COPIES, _SLOW_S, _AHEAD_S, _SHORT = 20, 30, 60, 54
_YEAR_S = 365 * 24 * 3600
_TALKS = ("arp.resolution", "icmp.echo", "tcp.handshake", "dhcp.dora", "dns.query", "http.request", "nat.translation",
          "traceroute", "ndp.resolution", "dhcpv6.lease", "udp.exchange")  # fmt: skip
"""Events that are a question and its answer, or several of them."""
_QUESTIONS = ("arp.request", "icmp.echo", "tcp.handshake", "dhcp.discover", "dns.query")
Spot = tuple[str, int]
"""A frame: the name of its capture, and its index there."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done to the good captures.

    Attributes:
        message: in ``words/grade_damages.toml``.
        copies: by name what would be handed in, None for nothing.
        is_harmless: a fair rubric gives full marks all the same.
    """

    message: str
    values: Mapping[str, Any]
    copies: Mapping[str, Copy | None]
    is_harmless: bool = False


@dataclass(slots=True)
class Good:
    """The good captures.

    Attributes:
        copies: by name, their frames.
        found: events by name, those that are there.
    """

    scene: Scene
    events: Events
    copies: dict[str, Copy]
    found: dict[str, list[Event]] = field(init=False)

    def __post_init__(self) -> None:
        asked = {name: self.events.of(name) for name in all_names() if name != "ip.packet"}
        self.found = {name: events for name, events in asked.items() if events}

    def spots(self, value: Any) -> list[Spot]:
        """The frames of an event or of a part of one."""
        table, names = self.scene.report.packets, self.scene.names
        return [
            (names[table.places[int(table.place[row])].capture], int(table.frame[row]) - 1)
            for _, row in rows_of(value)
        ]  # fmt: skip

    def cited(self, evidence: Iterable[Evidence]) -> list[Spot]:
        """The frames of some evidence."""
        names = self.scene.names
        return [
            (names[one.capture], at - 1) for one in evidence for first, last in one.frames
            for at in range(first, last + 1) if at <= len(self.copies[names[one.capture]].frames)
        ]  # fmt: skip

    def frame(self, spot: Spot) -> Kept:
        """What was recorded there."""
        return self.copies[spot[0]].frames[spot[1]]

    def each(self, change: Callable[[str, int, Kept], Kept | None]) -> dict[str, Copy | None]:
        """All captures with every frame changed, or left out for None."""
        return {
            name: copy.of([new for at, old in enumerate(copy.frames) if (new := change(name, at, old)) is not None])
            for name, copy in self.copies.items()
        }

    def without(self, spots: set[Spot]) -> dict[str, Copy | None]:
        """All captures with some frames left out."""
        return self.each(lambda name, at, old: None if (name, at) in spots else old)

    def later(self, moment_ns: int, span_ns: int) -> dict[str, Copy | None]:
        """All captures with what came after a moment put off."""
        return self.each(lambda _name, _at, old: old.later(span_ns) if old.time_ns > moment_ns else old)


def damages(good: Good) -> Iterator[Damage]:
    """All damages and harmless changes, no two with the same frames."""
    seen = {_key(good.copies)}
    makers = (
        _lacking, _once, _cut, _at_other_times, _again, damaged_fields.other_names, damaged_fields.other_ports,
        damaged_fields.other_fields, damaged_fields.second_answers, _of_captures, _harmless, damaged_fields.strangers,
    )  # fmt: skip
    for make in makers:
        for one in make(good):
            key = _key(one.copies)
            if key not in seen:
                seen.add(key)
                yield one


def _key(copies: Mapping[str, Copy | None]) -> tuple[Any, ...]:
    return tuple((name, None if copy is None else copy.frames) for name, copy in copies.items())


def _lacking(good: Good) -> Iterator[Damage]:
    """All that belongs to an exchange of some kind, each event, each part of one, and all behind its first frame."""
    gone: dict[str, set[Spot]] = {}
    for exchange in good.scene.report.exchanges:
        gone.setdefault(exchange.kind, set()).update(good.cited(exchange.evidence))
    for kind, spots in gone.items():
        yield Damage("gone", {"what": kind}, good.without(spots))
    for name, events in good.found.items():
        if name.startswith("nat."):
            continue  # such an event is the first packet of many
        yield Damage("without", {"what": name}, good.without({one for event in events for one in good.spots(event)}))
    for name, events in good.found.items():
        for part in dict.fromkeys(key for event in events for key in event.fields):
            spots = {one for event in events for one in good.spots(event.fields.get(part))}
            if spots and name in EVENTS and part != "answers":
                yield Damage("without-part", {"what": name, "part": part}, good.without(spots))
    for name, events in good.found.items():
        rest = {one for event in events for one in good.spots(event)[1:]}
        if rest:
            yield Damage("unanswered", {"what": name}, good.without(rest))


def _once(good: Good) -> Iterator[Damage]:
    for name, events in good.found.items():
        others = {one for event in events[1:] for one in good.spots(event)} - set(good.spots(events[0]))
        if others:
            yield Damage("once", {"what": name, "number": len(events)}, good.without(others))


def _cut(good: Good) -> Iterator[Damage]:
    """The beginning or the end is missing; of several captures at the same moment."""
    moments = sorted(one.time_ns for copy in good.copies.values() for one in copy.frames)
    for share in (1, 2):
        at = moments[len(moments) * share // 3]
        late = {(n, i) for n, c in good.copies.items() for i, one in enumerate(c.frames) if one.time_ns < at}
        early = {(n, i) for n, c in good.copies.items() for i, one in enumerate(c.frames) if one.time_ns >= at}
        for message, spots in (("begins-late", late), ("ends-early", early)):
            if 0 < len(spots) < len(moments):
                yield Damage(message, {"number": len(spots), "all": len(moments)}, good.without(spots))
    yield Damage("short", {"number": _SHORT}, good.each(
        lambda _name, _at, old: old if len(old.octets) <= _SHORT else _shortened(old)
    ))  # fmt: skip


def _shortened(old: Kept) -> Kept:
    from dataclasses import replace

    return replace(old, octets=old.octets[:_SHORT])


def _at_other_times(good: Good) -> Iterator[Damage]:
    for name, events in good.found.items():
        spots = good.spots(events[0])
        if len(spots) < 2 or name not in _TALKS:
            continue
        first, last = spots[0], spots[-1]
        at = {first: good.frame(last).time_ns, last: good.frame(first).time_ns}
        swapped = good.each(lambda n, i, old, at=at: old.later(at.get((n, i), old.time_ns) - old.time_ns))  # type: ignore[misc]
        yield Damage("answered-first", {"what": name}, swapped)
        slow = good.later(good.frame(first).time_ns, _SLOW_S * SECOND_NS)
        yield Damage("slow", {"what": name, "span": _SLOW_S * SECOND_NS}, slow)
    moments = [one.time_ns for copy in good.copies.values() for one in copy.frames]
    whole = min(moments) + max(moments)
    yield Damage("reversed", {}, good.each(lambda _name, _at, old: old.later(whole - 2 * old.time_ns)))


def _again(good: Good) -> Iterator[Damage]:
    """One frame many times within a second, and all that follows put off by as much."""
    for name in _QUESTIONS:
        if name not in good.found:
            continue
        spot = good.spots(good.found[name][0])[0]
        frame = good.frame(spot)
        copies = good.later(frame.time_ns, SECOND_NS)
        changed = copies[spot[0]]
        if changed is not None:
            more = [frame.later(SECOND_NS * number // _COPIES) for number in range(1, _COPIES)]
            copies[spot[0]] = changed.of([*changed.frames, *more])
            yield Damage("storm", {"what": name, "number": _COPIES}, copies)


def _of_captures(good: Good) -> Iterator[Damage]:
    yield Damage("empty", {}, {name: copy.of(()) for name, copy in good.copies.items()})
    if len(good.copies) < 2:
        return
    for name, copy in good.copies.items():
        yield Damage("missing", {"capture": name}, good.copies | {name: None})
        yield Damage("empty-one", {"capture": name}, good.copies | {name: copy.of(())})
        ahead = copy.of([one.later(_AHEAD_S * SECOND_NS) for one in copy.frames])
        yield Damage("clock", {"capture": name, "span": _AHEAD_S * SECOND_NS}, good.copies | {name: ahead})
    for one, other in combinations(good.copies, 2):
        swapped = {one: good.copies[other], other: good.copies[one]}
        yield Damage("swapped", {"capture": one, "other": other}, good.copies | swapped)
    for one, other in permutations(good.copies, 2):
        yield from _leaked(good, one, other)


def _leaked(good: Good, one: str, other: str) -> Iterator[Damage]:
    """A frame of one place at the other, as if nothing between them had changed it."""
    for name, events in good.found.items():
        spots = [spot for event in events for spot in good.spots(event) if spot[0] == one]
        if spots and good.copies[one].interfaces == good.copies[other].interfaces:
            copy = good.copies[other]
            changed = copy.of([*copy.frames, good.frame(spots[0])])
            yield Damage("leaked", {"what": name, "capture": one, "other": other}, good.copies | {other: changed})


def _harmless(good: Good) -> Iterator[Damage]:
    yield Damage("a-year-later", {}, good.each(lambda _name, _at, old: old.later(_YEAR_S * SECOND_NS)), True)
