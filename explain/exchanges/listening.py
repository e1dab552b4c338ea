"""What the talk about multicast groups comes to: who asks, who listens to what, and what is asked in vain."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from explain.exchanges.groups import JOINS, LEAVES, NAMELESS, WANTS, Query, Said, Wish, is_housekeeping, said
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.table import PacketTable

ANSWERS = "answers"
"""In place of ``WANTS`` where a question was seen before."""

_SLACK_NS = 1_000_000_000
_ELECTED_NS = 5_000_000_000  # by then who heard a lower address has fallen silent


class Listener(NamedTuple):
    """What one host says of some groups.

    Attributes:
        verb: ``JOINS``, ``ANSWERS``, ``WANTS`` or ``LEAVES``; ``WANTS`` where nobody knows whether it was asked.
    """

    host: str
    verb: str
    wishes: tuple[Wish, ...]
    rows: tuple[int, ...]


class Querier(NamedTuple):
    """Who asks a link for all groups.

    Attributes:
        protocol: IGMP or MLD, with its version.
        every_ns: time between two of its questions, None of a single one, or where they come at no even pace.
        outlives: a querier with a lower address after whose first question this one asked again; None otherwise.
        yields_to: one after which it fell silent.
        is_heard: somebody answered, or there was no time for it; then also of the other queriers.
    """

    address: str
    protocol: str
    every_ns: int | None
    outlives: str | None
    yields_to: str | None
    is_heard: bool
    rows: tuple[int, ...]


class Question(NamedTuple):
    """Who asks for members of one group, and who says to be one; nobody where it was asked in vain."""

    querier: str
    group: str
    members: tuple[str, ...]
    rows: tuple[int, ...]


class Listening(NamedTuple):
    """All of that; each in the order of time."""

    queriers: tuple[Querier, ...]
    listeners: tuple[Listener, ...]
    questions: tuple[Question, ...]


def listening(table: PacketTable) -> Listening:
    """Of groups to which hosts listen only to be found by their neighbours, nothing is told."""
    messages = said(table)
    if not messages:
        return Listening((), (), ())
    end_ns = int(table.time_ns[: len(table)].max())
    queriers: list[Querier] = []
    questions: list[Question] = []
    links: dict[tuple[tuple[int, int], bool], list[Said]] = {}
    for one in messages:
        links.setdefault((one.place, one.is_v6), []).append(one)
    for own in links.values():
        queriers += _queriers(own, end_ns)
        questions += _questions(own, end_ns)
    return Listening(tuple(queriers), tuple(_listeners(messages)), tuple(questions))


def told(table: PacketTable) -> list[int]:
    """Rows of which something is known."""
    return [row for part in listening(table) for one in part for row in one.rows]


def _asked(messages: Sequence[Said], *, of_all: bool) -> Iterator[tuple[Said, Query]]:
    for one in messages:
        if isinstance(one.says, Query) and (one.says.group is None) == of_all:
            yield one, one.says


def _members(messages: Sequence[Said], first_ns: int, last_ns: int, group: str | None = None) -> tuple[str, ...]:
    """Who says meanwhile that it listens to a group, or to any."""
    found = (
        one.speaker
        for one in messages
        if first_ns <= one.time_ns <= last_ns and not isinstance(one.says, Query)
        for wish in one.says
        if wish.verb != LEAVES and group in (None, wish.group)
    )
    return tuple(dict.fromkeys(found))


def _queriers(messages: Sequence[Said], end_ns: int) -> Iterator[Querier]:
    """Source: RFC 3376, 6.6.2; RFC 3810, 7.6.2; RFC 4541, 2.1.1."""
    asked: dict[str, list[tuple[Said, Query]]] = {}
    for one, query in _asked(messages, of_all=True):
        asked.setdefault(one.speaker, []).append((one, query))
    if not asked:
        return
    from ipaddress import ip_address

    elected = [address for address in asked if address not in NAMELESS]
    lowest = min(elected, key=ip_address) if elected else None
    for address, own in asked.items():
        times = [one.time_ns for one, _ in own]
        gaps = sorted(late - early for early, late in pairwise(times))
        is_other = lowest is not None and address not in (*NAMELESS, lowest)
        since = asked[lowest][0][0].time_ns if lowest is not None and is_other else 0
        wait_ns = own[0][1].wait_ns + _SLACK_NS
        is_heard = end_ns < times[0] + wait_ns or bool(_members(messages, times[0], end_ns))
        yield Querier(
            address,
            f"{'MLD' if ':' in address else 'IGMP'}v{own[-1][1].version}",
            gaps[len(gaps) // 2] if gaps and gaps[-1] * 3 <= gaps[0] * 4 else None,
            lowest if is_other and times[-1] > since + _ELECTED_NS else None,
            lowest if is_other and times[0] < since and times[-1] <= since + _ELECTED_NS else None,
            is_heard,
            tuple(one.row for one, _ in own),
        )


def _questions(messages: Sequence[Said], end_ns: int) -> Iterator[Question]:
    asked: dict[tuple[str, str], list[tuple[Said, Query]]] = {}
    for one, query in _asked(messages, of_all=False):
        if query.group is not None and not is_housekeeping(query.group):
            asked.setdefault((one.speaker, query.group), []).append((one, query))
    for (querier, group), own in asked.items():
        last, query = own[-1]
        until_ns = last.time_ns + query.wait_ns
        members = _members(messages, own[0][0].time_ns, until_ns + _SLACK_NS, group)
        if members or end_ns >= until_ns:
            yield Question(querier, group, members, tuple(one.row for one, _ in own))


def _listeners(messages: Sequence[Said]) -> Iterator[Listener]:
    """What a host repeats is told once; what it says of a group after it had left it, anew."""
    entries: list[tuple[str, str, dict[Wish, None], list[int]]] = []
    current: dict[tuple[object, ...], tuple[str, str, dict[Wish, None], list[int]]] = {}
    state: dict[tuple[object, ...], str] = {}
    asked: dict[tuple[int, int], list[tuple[Said, Query]]] = {}
    for one in messages:
        if isinstance(one.says, Query):
            asked.setdefault(one.place, []).append((one, one.says))
            continue
        for wish in one.says:
            if is_housekeeping(wish.group):
                continue
            verb = _verb(one, wish, asked.get(one.place, ()))
            key, member = (one.place, one.speaker, verb), (one.place, one.speaker, wish.group)
            entry = current.get(key)
            if entry is None or (wish in entry[2] and state.get(member) != verb):
                entry = current[key] = (one.speaker, verb, {}, [])
                entries.append(entry)
            entry[2][wish] = None
            entry[3].append(one.row)
            state[member] = verb
    for host, verb, wishes, rows in entries:
        yield Listener(host, verb, tuple(wishes), tuple(dict.fromkeys(rows)))


def _verb(one: Said, wish: Wish, asked: Sequence[tuple[Said, Query]]) -> str:
    """A report of an old version does not say whether it answers: that shows by what was asked before."""
    if wish.verb != WANTS:
        return wish.verb
    own = [(said, query) for said, query in asked if query.group in (None, wish.group)]
    if any(one.time_ns <= said.time_ns + query.wait_ns + _SLACK_NS for said, query in own[-4:]):
        return ANSWERS
    return JOINS if asked else WANTS
