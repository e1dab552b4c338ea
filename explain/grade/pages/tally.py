"""What is counted of a class in one look at each form, so that it may be of any size."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST_DIFFERENT = 20_000


@dataclass(slots=True)
class Asked:
    """How a check or an answer came out for everybody.

    Attributes:
        title: what it is called.
        verdicts: how many had each.
        points: of all together.
    """

    title: str
    verdicts: Counter[str] = field(default_factory=Counter)
    points: float = 0.0


@dataclass(slots=True)
class Tally:
    """A class in numbers.

    Attributes:
        states: how many submissions are in each.
        scores: of all that were graded.
        flagged: submissions with a flag.
        asked: by the id of a check or an answer.
        mistakes: how often a question, by its title, was answered wrong in these words.
    """

    states: Counter[str] = field(default_factory=Counter)
    scores: array[float] = field(default_factory=lambda: array("d"))
    flagged: int = 0
    asked: dict[str, Asked] = field(default_factory=dict)
    mistakes: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def waiting(self) -> int:
        """Verdicts that wait for a person."""
        return sum(one.verdicts["manual"] for one in self.asked.values())


def tally(forms: Sequence[Mapping[str, Any]]) -> Tally:
    """Count a class."""
    found = Tally()
    for form in forms:
        found.states[form["status"]] += 1
        found.flagged += bool(form["flags"])
        if form["status"] == "graded":
            found.scores.append(form["score"])
            _add(found, form)
    return found


def _add(found: Tally, form: Mapping[str, Any]) -> None:
    for one in (*form["checks"], *form["answers"]):
        asked = found.asked.setdefault(one["id"], Asked(one["title"] or one["id"]))
        asked.verdicts[one["verdict"]] += 1
        asked.points += one["points"]
    _count(found.mistakes, (
        (one["title"] or one["id"], one["given"]) for one in form["answers"]
        if one["given"] is not None and one["verdict"] in ("not-met", "partly")
    ))  # fmt: skip


def _count(mistakes: Counter[tuple[str, str]], more: Iterable[tuple[str, str]]) -> None:
    """Count some; where there are too many different ones, those that came once are forgotten."""
    mistakes.update(more)
    if len(mistakes) > _MOST_DIFFERENT:
        for one in [one for one, count in mistakes.items() if count == 1]:
            del mistakes[one]
