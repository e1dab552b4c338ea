"""Flags of what should be a student's own and is not there, or is another's: the marker, and the roster's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.grade.integrity import own
from explain.grade.integrity.flag import MOST_PARTNERS, Flag, flag, person, spot_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.grade.hand_ins.submissions import Submission
    from explain.grade.integrity.prints import Prints
    from explain.grade.rubric.records import Rubric

MARKER_MISSING, MARKER_OF = "marker-missing", "marker-of-another"
ADDRESS_MISSING, ADDRESS_OF = "addresses-missing", "addresses-of-another"


class Markers:
    """The marker of each student of a class."""

    def __init__(self, rubric: Rubric, submissions: Sequence[Submission], groups: Sequence[str]) -> None:
        self._submissions, self._groups = submissions, groups
        self._markers = [own.marker_of(rubric, one.roster) for one in submissions]
        self._owner = {marker: number for number, marker in reversed(list(enumerate(self._markers))) if marker}

    def flags(self, number: int, one: Prints, language: str) -> Iterator[Flag]:
        """Whose marker a capture carries; each student's own, and what a second try may carry, is right."""
        marker, groups, some = self._markers[number], self._groups, self._submissions
        if marker is None:
            return
        if marker not in one.words:
            yield flag(MARKER_MISSING, None, [], {"marker": marker}, language)
        for word, spot in one.words.items():
            other = self._owner.get(word, number)
            is_mate = groups[number] and groups[number] == groups[other]
            if person(some[other]) != person(some[number]) and not is_mate:
                yield flag(MARKER_OF, some[other].id, [spot_of(spot)], {"marker": word}, language)


class Addresses:
    """The addresses that the roster gives to one student alone."""

    def __init__(self, submissions: Sequence[Submission]) -> None:
        self._submissions = submissions
        people: dict[str, int] = {}
        for number, one in enumerate(submissions):
            people.setdefault(person(one), number)
        firsts = list(people.values())
        alone = own.only_ones([submissions[number].roster for number in firsts])
        self._owner = {address: firsts[at] for address, at in alone.items()}
        self._mine: dict[str, set[str]] = {}
        for address, number in self._owner.items():
            self._mine.setdefault(person(submissions[number]), set()).add(address)

    def flags(self, number: int, one: Prints, language: str) -> Iterator[Flag]:
        """Such addresses that are in the capture of another, or in none."""
        if not one.addresses:
            return
        here = person(self._submissions[number])
        mine = self._mine.get(here)
        if mine and not mine & set(one.addresses):
            yield flag(ADDRESS_MISSING, None, [], {"addresses": sorted(mine)[:3]}, language)
        others: dict[int, list[str]] = {}
        for address in one.addresses:
            owner = self._owner.get(address, number)
            if person(self._submissions[owner]) != here:
                others.setdefault(owner, []).append(address)
        for other, some in sorted(others.items())[:MOST_PARTNERS]:
            spots = [spot_of(one.addresses[address]) for address in some]
            yield flag(ADDRESS_OF, self._submissions[other].id, spots, {"addresses": sorted(some)[:3]}, language)
