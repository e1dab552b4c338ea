"""Look-ups that nobody waits for by themselves: tries of a search list, and names that hosts ask for by habit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.dns.lookup import ASKED_OTHERWISE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from explain.causes.from_capture.scene import Scene
    from explain.exchanges.columns import ExchangeColumns

_REVERSE = (b"\x07in-addr\x04arpa", b"\x03ip6\x04arpa")  # as they stand on the wire, as all names here
_LOCAL = b"\x05local"
_NEXT_TRY_NS = 100_000_000  # a resolver goes on at once, a person does not
_TIMEOUT_NS = 5_000_000_000  # so long it waits for a server before (resolv.conf(5)); its question may never have left
_MOST_TRIES = 32
SEARCH_NS = 5_000_000_000
"""Look-ups of one client that are further apart have nothing to do with each other."""
_HABITS = (
    b"\x04wpad", b"\x06isatap", b"\x05_ldap\x04_tcp\x02dc\x06_msdcs",
    *(kind + b"\x07_dns-sd\x04_udp" for kind in (b"\x01b", b"\x02db", b"\x01r", b"\x02dr", b"\x02lb", b"\x02cf")),
)  # fmt: skip


class Searches:
    """Which look-ups tried one short name with the domains of the search list and alone (resolv.conf), of any type.

    Some resolvers ask for both types of address at once, others go through the whole list for the first of them.
    """

    def __init__(self, scene: Scene, part: ExchangeColumns) -> None:
        self._part = part
        self._first: dict[int, int] = {}
        self._tries: dict[int, list[int]] = {}
        if not len(part):
            return
        clients, names = part.facts["client"], part.facts["raw_name"]
        starts, ends = part.start_ns.tolist(), part.end_ns.tolist()
        places = scene.table.place[part.frames[part.bounds[:-1]]].tolist()
        stuck = _stuck(scene)
        for index in part.where("no-such-name").tolist():
            name = names[index]
            patience_ns = _TIMEOUT_NS + _NEXT_TRY_NS if clients[index] in stuck else _NEXT_TRY_NS
            label = name[: name[0] + 1] if name else b""
            for other in range(index + 1, min(len(part), index + 1 + _MOST_TRIES)):
                if starts[other] > ends[index] + patience_ns:
                    break
                is_same = clients[other] == clients[index] and places[other] == places[index]
                if is_same and starts[other] >= ends[index] and _goes_on(names[other], name, label):
                    self._join(index, other)

    def _join(self, index: int, other: int) -> None:
        """One search with what was tried in those of both; what began first leads it."""
        first, second = sorted((self.first(index), self.first(other)))
        if first != second:
            moved = self._tries.pop(second, [second])
            self._tries.setdefault(first, [first]).extend(moved)
            self._first.update(dict.fromkeys(moved, first))

    def finds(self, index: int) -> bool:
        """Whether another try found something, and this very name was not given with another type."""
        answered, names = self._part.outcomes.index("answered"), self._part.facts["raw_name"]
        found = {names[one] for one in self._tries.get(self.first(index), ()) if self._part.outcome[one] == answered}
        return bool(found) and names[index] not in found

    def unclear_ends(self, some: Sequence[int]) -> list[int]:
        """Of searches whose last try the server would, or could, not look up: the tries for which it said so."""
        unclear = [self._part.outcomes.index(name) for name in ("refused", "failed")]
        searches = (self._tries.get(first, [first]) for first in dict.fromkeys(map(self.first, some)))
        ended = (sorted(tries) for tries in searches if self._part.outcome[max(tries)] in unclear)
        return [one for tries in ended for one in tries if self._part.outcome[one] in unclear]

    def first(self, index: int) -> int:
        """The first try for the same short name."""
        return self._first.get(index, index)


def _stuck(scene: Scene) -> set[int]:
    """Who asks in vain for the MAC of a neighbour: perhaps of its first name server."""
    part, arp = scene.part("arp.resolution"), scene.table.arp
    asked = part.frames[part.bounds[part.where("unanswered")]]
    return set(arp.sender_ip[np.searchsorted(arp.row, asked)].tolist())


def _goes_on(name: bytes, before: bytes, label: bytes) -> bool:
    return len(label) > 0 and name != before and name.startswith(label)


def _told_next(scene: Scene, part: ExchangeColumns, *outcomes: str) -> Callable[[int], Iterator[bytes]]:
    """Tells the names whose look-ups a client ended so at a place within moments after a look-up, a few at most."""
    clients, names, starts = part.facts["client"], part.facts["raw_name"], part.start_ns.tolist()
    places = scene.table.place[part.frames[part.bounds[:-1]]].tolist()
    is_told = np.isin(part.outcome, [part.outcomes.index(name) for name in outcomes]).tolist()

    def told_next(index: int) -> Iterator[bytes]:
        for other in range(index + 1, min(len(part), index + 1 + _MOST_TRIES)):
            if starts[other] > starts[index] + SEARCH_NS:
                return
            if is_told[other] and clients[other] == clients[index] and places[other] == places[index]:
                yield names[other]

    return told_next


def account_for_habits(scene: Scene, part: ExchangeColumns, chains: Searches) -> None:
    """Nothing waits for the name of an address; a resolver tries its search list before the bare name.

    Hosts look for services that few networks offer (RFC 6763, 11), and ask whether a name server knows "local",
    which belongs to multicast DNS (RFC 6762, 3): it should not. A server that does not take a question as it
    is gets it in another form.
    """
    if not len(part):
        return
    names, found_next = part.facts["raw_name"], _told_next(scene, part, "answered")
    for index in part.where("no-such-name", "refused", "failed").tolist():
        name = names[index]
        is_reverse = name.endswith(_REVERSE) and name not in _REVERSE
        begins = (*_HABITS, *filter(None, found_next(index)))  # the root is the beginning of nothing
        is_habit = name.startswith(begins) and any(name.startswith(one) and name != one for one in begins)
        if is_reverse or is_habit or name == _LOCAL or chains.finds(index):
            scene.accounted[part.kind].add(index)
    told_next = _told_next(scene, part, "answered", "no-such-name", "refused")
    for index in part.where("failed").tolist():
        if names[index] in told_next(index) and part.fields(index).rcode in ASKED_OTHERWISE:
            scene.accounted[part.kind].add(index)
    for index in (index for index in part.where("unanswered").tolist() if names[index] == _LOCAL):
        for one, number in ((part, index), *scene.exchanges.inside(part.rows(index))):
            scene.accounted[one.kind].add(number)
