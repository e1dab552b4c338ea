"""Which submissions share what no two runs share: one exact index from print to submissions, read once.

A print that many have is looked up for each of them among few others, so the work grows with the number of prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.grade.integrity.index import KINDS
from explain.grade.integrity.nonces import BITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from explain.grade.integrity.index import Index

NONCES, GAPS, MOMENTS = "same-random-numbers", "same-gaps", "same-times"
CALLED = dict(zip((NONCES, GAPS, MOMENTS), KINDS, strict=True))
"""What is told of two submissions, and the prints that tell it."""
NONCE_SHARE = 0.2
_LEAST_NONCE_BITS = 40
_GAP_SHARE, _LEAST_GAPS, _MANY_GAPS = 0.2, 4, 12
_MOMENT_SHARE, _LEAST_MOMENTS = 0.5, 3
_MOST_OTHERS = 16
_COMMON_SHARE, _LEAST_COMMON = 0.5, 8
_SHARED = np.dtype([("pair", "<u8"), ("number", "<i8"), ("bits", "<i8"), ("stamps", "<i8")])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions, by their numbers, and what both have."""

    kind: str
    one: int
    other: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a class shares.

    Attributes:
        pairs: submissions of different people, in no group together, that share enough; by kind, one, other.
        common: hashes of the prints that more than half of at least eight people have, by their kind: a trace that
            was handed out, not a copy.
    """

    pairs: Sequence[Pair]
    common: dict[str, set[int]]


def sharing(index: Index, people: Sequence[str], groups: Sequence[str], nonce_share: float) -> Sharing:
    """Find who shares what.

    Args:
        index: of all prints.
        people: whose each submission is.
        groups: the team of each, empty without one.
        nonce_share: the part of the smaller one's random numbers that must be shared.
    """
    person, team = _numbered(people), _numbered(groups)
    is_alone = np.array([not one for one in groups], bool)
    least = max(_LEAST_COMMON, _COMMON_SHARE * len(set(people)))
    sizes = np.zeros((len(KINDS), len(people)), np.int64)
    found = [np.zeros(0, _SHARED) for _ in KINDS]
    common: dict[str, set[int]] = {name: set() for name in CALLED}
    for part in index.parts():
        for number, name in enumerate(CALLED):
            rows = part[part["kind"] == number]
            rows, ignored = _without_common(rows, person, least)
            common[name] |= set(ignored)
            sizes[number] += np.bincount(rows["number"], minlength=len(people))
            found[number] = _added(found[number], _shared(rows, person, team, is_alone))
    return Sharing(list(_enough(found, sizes, nonce_share)), common)


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in names], np.int64)


def _without_common(rows: NDArray[Any], person: NDArray[np.int64], least: float) -> tuple[NDArray[Any], list[int]]:
    """The records without prints of more than so many people, and these prints."""
    _, first, counts = np.unique(rows["print"], return_index=True, return_counts=True)
    ignored: list[int] = []
    is_kept = np.ones(len(rows), bool)
    for at, count in zip(first[counts > least].tolist(), counts[counts > least].tolist(), strict=True):
        if len(np.unique(person[rows["number"][at : at + count]])) > least:
            is_kept[at : at + count] = False
            ignored.append(int(rows["print"][at]))
    return rows[is_kept], ignored


def _shared(
    rows: NDArray[Any], person: NDArray[np.int64], team: NDArray[np.int64], is_alone: NDArray[np.bool_]
) -> NDArray[Any]:
    """A record for each print of each two; of a print that many have, each is held against the next ones."""
    made = [np.zeros(0, _SHARED)]
    for apart in range(1, _MOST_OTHERS + 1):
        at = np.flatnonzero(rows["print"][:-apart] == rows["print"][apart:])
        if not len(at):
            break
        one, other = (rows["number"][some].astype(np.int64) for some in (at, at + apart))
        is_pair = (person[one] != person[other]) & (is_alone[one] | (team[one] != team[other]))
        some = np.zeros(int(is_pair.sum()), _SHARED)
        some["pair"] = ((one << 32) | other)[is_pair]
        some["number"] = 1
        some["bits"], some["stamps"] = rows["bits"][at][is_pair], rows["is_stamp"][at][is_pair]
        made.append(some)
    return np.concatenate(made)


def _added(known: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
    """One record for each pair, with the sums of all of its records."""
    if not len(more):
        return known
    both = np.concatenate([known, more])
    pairs, where = np.unique(both["pair"], return_inverse=True)
    summed = np.zeros(len(pairs), _SHARED)
    summed["pair"] = pairs
    for name in ("number", "bits", "stamps"):
        np.add.at(summed[name], where, both[name])
    return summed


def _enough(found: Sequence[NDArray[Any]], sizes: NDArray[np.int64], nonce_share: float) -> Iterator[Pair]:
    told = np.zeros(0, np.uint64)
    for number, kind in enumerate(CALLED):
        rows = found[number]
        one, other = rows["pair"] >> 32, rows["pair"] & 0xFFFFFFFF
        smaller = np.minimum(sizes[number][one], sizes[number][other])
        rows = rows[_IS_ENOUGH[kind](rows, smaller, nonce_share)]
        if kind == MOMENTS:
            rows = rows[~np.isin(rows["pair"], told)]
        told = np.concatenate([told, rows["pair"]])
        yield from (Pair(kind, pair >> 32, pair & 0xFFFFFFFF) for pair in rows["pair"].tolist())


def _nonces(rows: NDArray[Any], smaller: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Timestamps of TCP count once: a kernel counts the same milliseconds for all runs on it.

    Runs of one lab that begin in the same one share every timestamp until one of them is slower, and no number else.

    Source: Linux, ``secure_tcp_ts_off``: the offset is a function of the two addresses, later also of the ports, and a
    secret of the boot. Runs that connect at the same time from one address may also take the same port.
    """
    bits = rows["bits"] + np.where(rows["stamps"] > 0, BITS["tsval"], 0)
    is_enough: NDArray[np.bool_] = (bits >= _LEAST_NONCE_BITS) & (rows["number"] >= share * smaller)
    return is_enough


def _gaps(rows: NDArray[Any], smaller: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    del share
    number = rows["number"]
    is_enough: NDArray[np.bool_] = (number >= _LEAST_GAPS) & ((number >= _GAP_SHARE * smaller) | (number >= _MANY_GAPS))
    return is_enough


def _moments(rows: NDArray[Any], smaller: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    del share
    is_enough: NDArray[np.bool_] = (rows["number"] >= _LEAST_MOMENTS) & (rows["number"] >= _MOMENT_SHARE * smaller)
    return is_enough


_IS_ENOUGH = {NONCES: _nonces, GAPS: _gaps, MOMENTS: _moments}
