"""One flag: what was seen, in a sentence and in frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.integrity.prints import Spot, evidence
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explain.grade.hand_ins.submissions import Submission

MOST_CITED = 200
MOST_PARTNERS = 5
"""Others that are named of one kind; of a ring of copies everybody is named by somebody."""

Flag = dict[str, Any]


def flag(kind: str, other: str | None, spots: Iterable[Spot], values: Mapping[str, Any], language: str) -> Flag:
    """A flag as the contract shows it, with its sentence."""
    message = f"{kind}.{values['clock']}" if "clock" in values else kind
    return {
        "kind": kind, "with": other, "evidence": evidence(list(spots)[:MOST_CITED]),
        "says": say(f"integrity.{message}", {"other": other} | dict(values), language),
    }  # fmt: skip


def spot_of(told: Sequence[Any]) -> Spot:
    """Where something stands, as JSON has it."""
    capture, interface, frame = told
    return int(capture), interface, int(frame)


def person(one: Submission) -> str:
    """Whose a submission is: a second one of a student is the same person's."""
    name, sign, number = one.id.rpartition("#")
    return name if sign and number.isdigit() else one.id
