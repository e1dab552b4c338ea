"""Which submissions share what no two runs share: one exact index from print to submissions, read once.

A print that many have is looked up for each of them among few others, so the work grows with the number of prints.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.grade.integrity.nonces import BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

NONCES, GAPS, MOMENTS = "same-random-numbers", "same-gaps", "same-times"
NONCE_SHARE = 0.2
_LEAST_NONCE_BITS = 40
_STAMPS = "tsval"
_GAP_SHARE, _LEAST_GAPS, _MANY_GAPS = 0.2, 4, 12
_MOMENT_SHARE, _LEAST_MOMENTS = 0.5, 3
_MOST_OTHERS = 16
_COMMON_SHARE, _LEAST_COMMON = 0.5, 8


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions, by their numbers, and the prints that both have."""

    kind: str
    one: int
    other: int
    shared: tuple[str, ...]


def index(prints: Sequence[Mapping[str, object]]) -> dict[str, list[int]]:
    """Print -> numbers of the submissions that have it, smallest first."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(prints):
        for value in one:
            found[value].append(number)
    return found


def common(found: Mapping[str, Sequence[int]], people: Sequence[str]) -> set[str]:
    """Prints that more than half of at least eight people have: a trace that was handed out, not a copy."""
    least = max(_LEAST_COMMON, _COMMON_SHARE * len(set(people)))
    return {
        value for value, owners in found.items() if len(owners) > least and len({people[one] for one in owners}) > least
    }


def pairs(
    kind: str, prints: Sequence[Mapping[str, object]], people: Sequence[str], groups: Sequence[str], share: float
) -> Iterator[Pair]:
    """Pairs of submissions of different people, in no group together, that share enough.

    Args:
        kind: of the prints.
        prints: of each submission; only the keys count.
        people: whose each submission is.
        groups: the team of each, empty without one.
        share: the part of the smaller one's prints that must be shared.
    """
    found = index(prints)
    ignored = common(found, people)
    shared: dict[tuple[int, int], list[str]] = defaultdict(list)
    for value, owners in found.items():
        if len(owners) < 2 or value in ignored:
            continue
        for at, one in enumerate(owners):
            for other in owners[at + 1 : at + 1 + _MOST_OTHERS]:
                if people[one] != people[other] and not (groups[one] and groups[one] == groups[other]):
                    shared[one, other].append(value)
    sizes = [sum(value not in ignored for value in one) for one in prints]
    for (one, other), values in sorted(shared.items()):
        if _is_enough[kind](values, min(sizes[one], sizes[other]), share):
            yield Pair(kind, one, other, tuple(values))


def _nonces(values: Sequence[str], smaller: int, share: float) -> bool:
    """Timestamps of TCP count once: a kernel counts the same milliseconds for all runs on it.

    Runs of one lab that begin in the same one share every timestamp until one of them is slower, and no number else.

    Source: Linux, ``secure_tcp_ts_off``: the offset is a function of the two addresses and a secret of the boot.
    """
    kinds = [value.partition(":")[0] for value in values]
    bits = sum(BITS.get(kind, 0) for kind in kinds if kind != _STAMPS) + (BITS[_STAMPS] if _STAMPS in kinds else 0)
    return bits >= _LEAST_NONCE_BITS and len(values) >= share * smaller


def _gaps(values: Sequence[str], smaller: int, share: float) -> bool:
    del share
    return len(values) >= _LEAST_GAPS and (len(values) >= _GAP_SHARE * smaller or len(values) >= _MANY_GAPS)


def _moments(values: Sequence[str], smaller: int, share: float) -> bool:
    del share
    return len(values) >= _LEAST_MOMENTS and len(values) >= _MOMENT_SHARE * smaller


_is_enough: dict[str, Callable[[Sequence[str], int, float], bool]] = {
    NONCES: _nonces, GAPS: _gaps, MOMENTS: _moments,
}  # fmt: skip
