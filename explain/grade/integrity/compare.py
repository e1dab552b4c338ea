"""Flags for a whole class, from the prints of its submissions; a flag is a reason to look, and no mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.grade.integrity import clocks, own, pairs
from explain.grade.integrity.prints import Prints, Spot, evidence
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explain.grade.rubric import Rubric
    from explain.grade.submissions import Submission

MARKER_MISSING, MARKER_OF = "marker-missing", "marker-of-another"
ADDRESS_MISSING, ADDRESS_OF = "addresses-missing", "addresses-of-another"
_MOST_PARTNERS = 5
_MOST_CITED = 200
_EVERYBODYS = 0.25
"""Clocks apart in so many submissions: the lab runs on several machines whose clocks differ."""
_LEAST_EVERYBODYS = 3

Flag = dict[str, Any]


def flags(
    rubric: Rubric, submissions: Sequence[Submission], prints: Sequence[Prints | None], handouts: Iterable[Prints],
    language: str,
) -> list[list[Flag]]:  # fmt: skip
    """The flags of each submission, in their order; one whose prints are None has none."""
    if rubric.integrity.get("policy") == "off":
        return [[] for _ in submissions]
    known = _without(prints, handouts)
    found: list[list[Flag]] = [_own_signs(one, language) for one in known]
    _drop_everybodys(found, sum(one is not None for one in prints))
    _add_pairs(rubric, submissions, known, found, language)
    _add_markers(rubric, submissions, prints, found, language)
    _add_addresses(submissions, prints, found, language)
    return found


def person(one: Submission) -> str:
    """Whose a submission is: a second one of a student is the same person's."""
    name, sign, number = one.id.rpartition("#")
    return name if sign and number.isdigit() else one.id


def _without(prints: Sequence[Prints | None], handouts: Iterable[Prints]) -> list[Prints]:
    """What is left when all that was handed out is taken away."""
    given = list(handouts)
    result = []
    for one in prints:
        left = Prints() if one is None else Prints(signs=one.signs)
        for name in ("nonces", "gaps", "moments") if one is not None else ():
            handed = {value for handout in given for value in getattr(handout, name)}
            setattr(left, name, {value: spot for value, spot in getattr(one, name).items() if value not in handed})
        result.append(left)
    return result


def _flag(kind: str, other: str | None, spots: Iterable[Spot], values: Mapping[str, Any], language: str) -> Flag:
    message = f"{kind}.{values['clock']}" if "clock" in values else kind
    return {
        "kind": kind, "with": other, "evidence": evidence(list(spots)[:_MOST_CITED]),
        "says": say(f"integrity.{message}", {"other": other} | dict(values), language),
    }  # fmt: skip


def _own_signs(one: Prints, language: str) -> list[Flag]:
    """One flag for each kind and clock, with the frames of all its signs."""
    by_kind: dict[tuple[str, Any], tuple[dict[str, Any], list[Spot]]] = {}
    for kind, values, spots in one.signs:
        by_kind.setdefault((kind, values.get("clock")), (values, []))[1].extend(map(_spot, spots))
    return [_flag(kind, None, spots, values, language) for (kind, _), (values, spots) in by_kind.items()]


def _drop_everybodys(found: list[list[Flag]], number: int) -> None:
    """Clocks that are apart for much of a class say something about the class's machines."""
    apart = sum(any(flag["kind"] == clocks.APART for flag in one) for one in found)
    if apart >= max(_LEAST_EVERYBODYS, _EVERYBODYS * number):
        for one in found:
            one[:] = [flag for flag in one if flag["kind"] != clocks.APART]


def _add_pairs(
    rubric: Rubric, submissions: Sequence[Submission], prints: Sequence[Prints], found: list[list[Flag]], language: str
) -> None:
    people = [person(one) for one in submissions]
    groups = _groups(rubric, submissions)
    share = float(rubric.integrity.get("nonce_share", pairs.NONCE_SHARE))
    told: set[tuple[int, int]] = set()
    partners: dict[tuple[int, str], int] = {}
    for kind, name in ((pairs.NONCES, "nonces"), (pairs.GAPS, "gaps"), (pairs.MOMENTS, "moments")):
        some = [getattr(one, name) for one in prints]
        for pair in pairs.pairs(kind, some, people, groups, share):
            if kind == pairs.MOMENTS and (pair.one, pair.other) in told:
                continue
            told.add((pair.one, pair.other))
            for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
                partners[one, kind] = partners.get((one, kind), 0) + 1
                if partners[one, kind] <= _MOST_PARTNERS:
                    found[one].append(_shared(pair, submissions[other].id, (some[one], some[other]), language))


def _shared(pair: pairs.Pair, other: str, spots: tuple[Mapping[str, Spot], Mapping[str, Spot]], language: str) -> Flag:
    here, there = (_frames(pair, some) for some in spots)
    values = {"number": len(pair.shared), "of": min(map(len, spots))}
    return _flag(pair.kind, other, here, values, language) | {"with_evidence": evidence(there[:_MOST_CITED])}


def _frames(pair: pairs.Pair, spots: Mapping[str, Spot]) -> list[Spot]:
    """Where the shared prints stand; three gaps lie between four frames."""
    first = [_spot(spots[value]) for value in pair.shared]
    length = 4 if pair.kind == pairs.GAPS else 1
    return [(capture, interface, frame + at) for capture, interface, frame in first for at in range(length)]


def _groups(rubric: Rubric, submissions: Sequence[Submission]) -> list[str]:
    column = str(rubric.integrity.get("allow_groups") or "").removeprefix("roster.")
    return [one.roster.get(column, "") if column else "" for one in submissions]


def _add_markers(
    rubric: Rubric, submissions: Sequence[Submission], prints: Sequence[Prints | None], found: list[list[Flag]],
    language: str,
) -> None:  # fmt: skip
    """Whose marker a capture carries; each student's own, and what a second try may carry, is right."""
    markers = [own.marker_of(rubric, one.roster) for one in submissions]
    people, groups = [person(one) for one in submissions], _groups(rubric, submissions)
    owner = {marker: number for number, marker in reversed(list(enumerate(markers))) if marker}
    for number, (one, marker) in enumerate(zip(prints, markers, strict=True)):
        if one is None or marker is None:
            continue
        if marker not in one.words:
            found[number].append(_flag(MARKER_MISSING, None, [], {"marker": marker}, language))
        for word, spot in one.words.items():
            other = owner.get(word, number)
            is_mate = groups[number] and groups[number] == groups[other]
            if people[other] != people[number] and not is_mate:
                values = {"marker": word}
                found[number].append(_flag(MARKER_OF, submissions[other].id, [_spot(spot)], values, language))


def _add_addresses(
    submissions: Sequence[Submission], prints: Sequence[Prints | None], found: list[list[Flag]], language: str
) -> None:
    """Addresses that the roster gives to one student alone, and that are in the capture of another, or in none."""
    people: dict[str, int] = {}
    for number, one in enumerate(submissions):
        people.setdefault(person(one), number)
    firsts = list(people.values())
    owner = {address: firsts[at] for address, at in own.only_ones([submissions[n].roster for n in firsts]).items()}
    mine: dict[str, set[str]] = {}
    for address, number in owner.items():
        mine.setdefault(person(submissions[number]), set()).add(address)
    for number, each in enumerate(prints):
        if each is None or not each.addresses:
            continue
        here = person(submissions[number])
        if mine.get(here) and not mine[here] & set(each.addresses):
            values = {"addresses": sorted(mine[here])[:3]}
            found[number].append(_flag(ADDRESS_MISSING, None, [], values, language))
        others: dict[int, list[str]] = {}
        for address in each.addresses:
            if address in owner and person(submissions[owner[address]]) != here:
                others.setdefault(owner[address], []).append(address)
        for other, some in sorted(others.items())[:_MOST_PARTNERS]:
            spots = [_spot(each.addresses[address]) for address in some]
            values = {"addresses": sorted(some)[:3]}
            found[number].append(_flag(ADDRESS_OF, submissions[other].id, spots, values, language))


def _spot(spot: Sequence[Any]) -> Spot:
    capture, interface, frame = spot
    return int(capture), interface, int(frame)
