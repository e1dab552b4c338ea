"""Flags for a whole class, from the prints of its submissions; a flag is a reason to look, and no mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.integrity import clocks
from explain.grade.integrity.flag import MOST_CITED, MOST_PARTNERS, Flag, flag, person, spot_of
from explain.grade.integrity.index import KINDS, Index, hash_of
from explain.grade.integrity.pairs import CALLED, GAPS, NONCE_SHARE, Sharing, sharing
from explain.grade.integrity.prints import Prints, Spot, evidence
from explain.grade.integrity.whose import Addresses, Markers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.rubric.records import Rubric

_EVERYBODYS = 0.25
"""Clocks apart in so many submissions: the lab runs on several machines whose clocks differ."""
_LEAST_EVERYBODYS = 3


def flags(
    rubric: Rubric, submissions: Sequence[Submission], prints: Sequence[Prints | None], handouts: Iterable[Prints],
    language: str,
) -> Iterator[list[Flag]]:  # fmt: skip
    """The flags of each submission, in their order; one whose prints are None has none.

    ``prints`` are read one after the other, and again where two of them share something, so they may be on disk.
    """
    if rubric.integrity.get("policy") == "off":
        yield from ([] for _ in submissions)
        return
    left = _Left(prints, handouts)
    groups = _groups(rubric, submissions)
    share = float(rubric.integrity.get("nonce_share", NONCE_SHARE))
    with Index() as index:
        is_apart = _fill(index, left, prints)
        shared = sharing(index, [person(one) for one in submissions], groups, share)
    others = _partners(shared)
    markers, addresses = Markers(rubric, submissions, groups), Addresses(submissions)
    for number, whole in enumerate(prints):
        if whole is None:
            yield []
            continue
        one = left.of(whole)
        found = [each for each in _own_signs(one, language) if not is_apart or each["kind"] != clocks.APART]
        for kind, other in others.get(number, ()):
            found.append(_shared(kind, (one, left[other]), shared.common[kind], submissions[other].id, language))
        yield [*found, *markers.flags(number, whole, language), *addresses.flags(number, whole, language)]


class _Left:
    """The prints of a class without those of what was handed out."""

    def __init__(self, prints: Sequence[Prints | None], handouts: Iterable[Prints]) -> None:
        self._prints, given = prints, list(handouts)
        self._handed = {name: {value for handout in given for value in getattr(handout, name)} for name in KINDS}

    def __getitem__(self, number: int) -> Prints:
        return self.of(self._prints[number])

    def of(self, one: Prints | None) -> Prints:
        """What is left of one."""
        if one is None:
            return Prints()
        left = {
            name: {value: spot for value, spot in getattr(one, name).items() if value not in handed}
            for name, handed in self._handed.items()
        }
        return Prints(**left, signs=one.signs)


def _fill(index: Index, left: _Left, prints: Sequence[Prints | None]) -> bool:
    """Note all prints; whether clocks are apart for much of a class, which says something about its machines."""
    apart = there = 0
    for number, whole in enumerate(prints):
        one = left.of(whole)
        for name in KINDS:
            index.add(number, name, getattr(one, name))
        apart += any(kind == clocks.APART for kind, *_ in one.signs)
        there += whole is not None
    return apart >= max(_LEAST_EVERYBODYS, _EVERYBODYS * there)


def _own_signs(one: Prints, language: str) -> list[Flag]:
    """One flag for each kind and clock, with the frames of all its signs."""
    by_kind: dict[tuple[str, Any], tuple[dict[str, Any], list[Spot]]] = {}
    for kind, values, spots in one.signs:
        by_kind.setdefault((kind, values.get("clock")), (values, []))[1].extend(map(spot_of, spots))
    return [flag(kind, None, spots, values, language) for (kind, _), (values, spots) in by_kind.items()]


def _partners(shared: Sharing) -> dict[int, list[tuple[str, int]]]:
    """By submission with whom it shares what; of each kind only the first."""
    found: dict[int, list[tuple[str, int]]] = {}
    for pair in shared.pairs:
        for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
            some = found.setdefault(one, [])
            if sum(kind == pair.kind for kind, _ in some) < MOST_PARTNERS:
                some.append((pair.kind, other))
    return found


def _shared(kind: str, both: tuple[Prints, Prints], common: set[int], other: str, language: str) -> Flag:
    mine, yours = (_without(getattr(one, CALLED[kind]), common) for one in both)
    values = [value for value in mine if value in yours]
    told = {"number": len(values), "of": min(len(mine), len(yours))}
    here, there = (_frames(kind, values, some) for some in (mine, yours))
    return flag(kind, other, here, told, language) | {"with_evidence": evidence(there[:MOST_CITED])}


def _without(spots: Mapping[str, Spot], common: set[int]) -> Mapping[str, Spot]:
    return {value: spot for value, spot in spots.items() if hash_of(value) not in common} if common else spots


def _frames(kind: str, values: Iterable[str], spots: Mapping[str, Spot]) -> list[Spot]:
    """Where the shared prints stand; three gaps lie between four frames."""
    first = [spot_of(spots[value]) for value in values]
    length = 4 if kind == GAPS else 1
    return [(capture, interface, frame + at) for capture, interface, frame in first for at in range(length)]


def _groups(rubric: Rubric, submissions: Sequence[Submission]) -> list[str]:
    column = str(rubric.integrity.get("allow_groups") or "").removeprefix("roster.")
    return [one.roster.get(column, "") if column else "" for one in submissions]
