"""Two runs of the same thing: which exchanges are each other's, where they first differ, and what followed.

Addresses, ports, ids and times may differ between the runs; what is compared is what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explain.model import CaptureInfo, Evidence


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of an exchange, and what it says in the words of the wire."""

    frame: int
    evidence: tuple[Evidence, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Side:
    """One run's part of a difference.

    Attributes:
        exchange: its id, ``e1``, in the report of that run.
        frame: where to look: the first that the other run does not have, else the last that both have.
        step: the first frame that the other run does not have; None where nothing comes.
        last_alike: the frame before it, which both have; None where they differ from the start.
        value: what differs, where it is a value.
        place: the last vantage point that saw the packet, where several recorded.
        lost: what it was that came no further: ``request`` or ``reply``.
    """

    exchange: str
    outcome: str
    frame: int
    evidence: tuple[Evidence, ...]
    start_ns: int
    step: Step | None = None
    last_alike: Step | None = None
    value: Any = None
    place: str | None = None
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What one run has and the other has not, or has otherwise.

    Attributes:
        form: ``outcome``, ``missing`` (only the good run has it), ``added`` (only this one), ``value``, ``measure``.
        kind: of the exchange.
        fields: of the exchange, of this run where it has it.
        there, here: the good run's part and this one's.
        name: of the field that differs, for ``value`` and ``measure``.
    """

    form: str
    kind: str
    fields: Any
    there: Side | None
    here: Side | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """This run held against a good one.

    Attributes:
        captures: of the good run.
        pairs: exchanges that are each other's.
        exchanges: how many there are to compare, in the good run and in this one.
        who: hosts with another address: in the good run, here.
        is_same_thing: whether the runs have enough in common for a difference to say something.
        alike: exchanges before the first difference that end alike.
        last_alike: where the last of them stands, in the good run and here.
        first: the first difference that matters, None if there is none.
        then: what differs after it, in the order of time.
        is_after_end: what is missing came, in the good run, later than this recording is long.
        is_swapped: only the run that was given as the good one failed.
        causes: of this run's findings, those that account for the first difference.
    """

    captures: tuple[CaptureInfo, ...]
    pairs: int
    exchanges: tuple[int, int]
    who: tuple[tuple[str, str], ...]
    is_same_thing: bool
    alike: int
    last_alike: tuple[tuple[Evidence, ...], tuple[Evidence, ...]] | None
    first: Difference | None
    then: tuple[Difference, ...]
    is_after_end: bool
    is_swapped: bool
    causes: tuple[str, ...]
