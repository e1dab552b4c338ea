"""Where what was not seen may have been there all the same: the verdict is then *cannot tell*."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.grade.events.event import Event, numbered
from explain.grade.language.cited import Recorded, rows_in
from explain.grade.language.predicates import Predicate
from explain.grade.language.syntax import names_in
from explain.grade.marking import blind, spoilt, telling
from explain.grade.rubric.records import Pattern

if TYPE_CHECKING:
    from explain.grade.events.scene import Scene
    from explain.grade.marking.finding import Seen
    from explain.grade.marking.marker import Marker
    from explain.grade.marking.verdict import Verdict
    from explain.grade.rubric.records import Check

_COUNTED = ("text", "bytes", "complete", "both_directions")
"""What is made of all frames of a connection."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something cannot be told.

    Attributes:
        word: of the table ``grade.blind``.
        rows: damaged frames that may have held it; empty where the whole capture is in doubt.
    """

    word: str
    rows: tuple[Recorded, ...] = ()


def untold(marker: Marker, check: Check, doubt: Doubt, partial: Verdict | None) -> Verdict:
    """What cannot be told; what could be seen of it keeps its points."""
    if doubt.rows:
        scene, row = doubt.rows[0]
        why = marker.say(f"blind.{doubt.word}", frame=numbered(scene.mention(row)))
    else:
        why = marker.say(f"blind.{doubt.word}")
    if partial is None:
        return marker.verdict(check, "cannot-tell", 0, why, rows=doubt.rows)
    return replace(partial, verdict="cannot-tell", says=telling.joined(marker, [partial.says, why]))


def why_untold(marker: Marker, check: Check, seen: Seen, *, is_met: bool) -> Doubt | None:
    """Why an absence proves nothing here; None where something was seen, or would have been."""
    wanted = check.none or check.expect
    if check.sequence and "missing" in seen.values:
        wanted = next(one for one in check.sequence if one.event == seen.values["missing"])
    if wanted is None:
        return None if is_met or not check.claim else claim_untold(marker, check, check.claim)
    is_absence = (check.none is not None or check.count.least == 0) and is_met
    has_too_few = bool(check.sequence) or seen.number < check.count.least or isinstance(check.partial, dict)
    is_lack = not is_met and check.none is None and has_too_few
    if not (is_absence or is_lack):
        return None
    source = marker.source(check)
    if is_lack and blind.skews(source.of(wanted.event), wanted, marker.names, check.skew_ns):
        return Doubt("skewed")
    word = blind.hides_absence(source.scene, wanted, marker.names, is_lack=is_lack)
    if word == "missing" and check.capture in marker.lacking:
        word = "absent"
    if word is not None:
        return Doubt(word)
    if gaps := blind.unrecorded(source.scene, wanted, marker.names):
        return Doubt("unrecorded", tuple(gaps))
    return _damaged(marker, check, wanted) if is_lack else None


def part_untold(marker: Marker, check: Check, wanted: Pattern) -> Doubt | None:
    """Why something may have been there of which too few are in the captures."""
    return _lost(marker, check) or _damaged(marker, check, wanted)


def claim_untold(marker: Marker, check: Check, claim: str) -> Doubt | None:
    """Why it is not known whether a claim holds that does not: it speaks of what is lost, or of damaged frames."""
    bad = spoilt.of(rows_in(claim, marker.names))
    scene = marker.source(check).scene
    for path in names_in(claim):
        event = marker.names.get(path[0])
        if isinstance(event, Event) and path[-1] in _COUNTED and (gaps := _gaps_of(scene, event)):
            return Doubt("unrecorded", gaps)
    if telling.lacking(marker, claim):
        if lost := _lost(marker, check):
            return lost
        if _is_cut_off(marker, claim):
            return Doubt("short")
        named = [marker.names.get(path[0]) for path in names_in(claim)]
        bad += [row for one in named if isinstance(one, Event) for row in spoilt.may_be(scene, one.name, (), {})]
    return Doubt("spoilt", tuple(bad)) if bad else None


def _gaps_of(scene: Scene, event: Event) -> tuple[Recorded, ...]:
    """What shows that frames of an event's connection are missing."""
    flow = event.fields.get("flow", event.exchange)
    return tuple(blind.unrecorded(scene, Pattern(event.name, (Predicate("flow", "eq", flow),)), {}))


def _is_cut_off(marker: Marker, claim: str) -> bool:
    """Whether a claim speaks of something that its frames would have, had they been kept as a whole."""
    for name in telling.lacking(marker, claim):
        first, _, path = name.partition(".")
        event = marker.names.get(first)
        if isinstance(event, Event) and blind.is_short_of(event, path):
            return True
    return False


def _lost(marker: Marker, check: Check) -> Doubt | None:
    """Why frames may be lost; None for a capture that holds no frame at all."""
    word = marker.source(check).scene.loses_frames()
    return None if word in (None, "missing") else Doubt(word)


def _damaged(marker: Marker, check: Check, wanted: Pattern) -> Doubt | None:
    rows = spoilt.may_be(marker.source(check).scene, wanted.event, wanted.where, marker.names)
    return Doubt("spoilt", tuple(rows)) if rows else None
