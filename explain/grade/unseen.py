"""Where what was not seen may have been there all the same: the verdict is then *cannot tell*."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.grade import blind, telling

if TYPE_CHECKING:
    from explain.grade.finding import Seen
    from explain.grade.marker import Marker
    from explain.grade.rubric import Check
    from explain.grade.verdict import Verdict


def untold(marker: Marker, check: Check, reason: str, partial: Verdict | None) -> Verdict:
    """What cannot be told; what could be seen of it keeps its points."""
    why = marker.say(f"blind.{reason}")
    if partial is None:
        return marker.verdict(check, "cannot-tell", 0, why)
    return replace(partial, verdict="cannot-tell", says=telling.joined(marker, [partial.says, why]))


def why_blind(marker: Marker, check: Check, is_met: bool, seen: Seen) -> str | None:
    """Why an absence proves nothing here; None where something was seen, or would have been."""
    wanted = check.none or check.expect
    if check.sequence and "missing" in seen.values:
        wanted = next(one for one in check.sequence if one.event == seen.values["missing"])
    if wanted is None:
        return lost(marker, check) if check.claim and not is_met and telling.lacking(marker, check.claim) else None
    is_absence = (check.none is not None or check.count.least == 0) and is_met
    is_lack = not is_met and check.none is None and (bool(check.sequence) or seen.number < check.count.least)
    if not (is_absence or is_lack):
        return None
    scene = marker.source(check).scene
    if is_lack and blind.skews(marker.source(check).of(wanted.event), wanted, marker.names, check.skew_ns):
        return "skewed"
    return blind.hides_absence(scene, wanted, marker.names, is_lack=is_lack)


def lost(marker: Marker, check: Check) -> str | None:
    """Why something may have been there that is not in the captures; None for one that holds no frame at all."""
    reason = marker.source(check).scene.loses_frames()
    return None if reason == "missing" else reason
