"""What one submission leaves for the comparison with others: small, plain, and the same from every run of this code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Spot = tuple[int, int | None, int]
"""Where something stands: number of the capture, interface, frame."""

MOST_KEPT = 2048
"""Prints of a kind that are kept of a submission; of more, those with the smallest hashes."""


@dataclass(slots=True)
class Prints:
    """The prints of one submission.

    Attributes:
        nonces: random numbers and clocks that a kernel put into packets, as ``kind:value``, and where each stands.
        gaps: three times between four frames that follow each other, to the microsecond.
        moments: microseconds at which a frame was recorded.
        signs: what is wrong within the submission itself: kind, values of its sentence, and where.
        words: what datagrams to the marker's port carry.
        addresses: IP addresses and MACs that occur.
    """

    nonces: dict[str, Spot] = field(default_factory=dict)
    gaps: dict[str, Spot] = field(default_factory=dict)
    moments: dict[str, Spot] = field(default_factory=dict)
    signs: list[tuple[str, dict[str, Any], list[Spot]]] = field(default_factory=list)
    words: dict[str, Spot] = field(default_factory=dict)
    addresses: dict[str, Spot] = field(default_factory=dict)

    def form(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> Prints:
        """From what ``form`` gave."""
        return cls(**form)


def few(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The first row of each print; of too many prints, those that every other capture would keep as well."""
    first: dict[str, int] = {}
    for value, row in found:
        first.setdefault(value, row)
    if len(first) <= MOST_KEPT:
        return first
    chosen = sorted(first, key=lambda value: blake2b(value.encode(), digest_size=8).digest())[:MOST_KEPT]
    return {value: first[value] for value in chosen}


def evidence(spots: Iterable[Spot]) -> list[dict[str, Any]]:
    """Frames as the contract shows them: ranges by capture and interface."""
    from explain.table import ranges

    by_place: dict[tuple[int, int], set[int]] = {}
    for capture, interface, frame in spots:
        by_place.setdefault((capture, -1 if interface is None else interface), set()).add(frame)
    return [
        {
            "capture": capture, "interface": None if interface < 0 else interface,
            "frames": [list(one) for one in ranges(sorted(frames))],
        }
        for (capture, interface), frames in sorted(by_place.items())
    ]  # fmt: skip
