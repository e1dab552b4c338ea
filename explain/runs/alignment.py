"""Which exchange of one run is which of the other: the same thing, between the same hosts, for the same time."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from explain.runs.likeness import Item

_ANYBODY = "?"
_MOST_STRANGERS = 500  # addresses that only one run has; beyond it they are taken for different hosts


@dataclass(frozen=True, slots=True)
class Who:
    """Which addresses of both runs are one host's.

    Attributes:
        here: for each address of the good run, that of the same host in this one.
        is_renumbered: the runs share no host's address, so one that only an answer names may be anybody's.
    """

    here: dict[str, str]
    is_renumbered: bool

    def of_there(self, address: str) -> str:
        """An address of the good run as this one has it."""
        return self.here.get(address, _ANYBODY if self.is_renumbered and _is_address(address) else address)

    def of_here(self, address: str) -> str:
        """An address of this run, if it may be compared."""
        is_known = not self.is_renumbered or not _is_address(address) or address in self.here.values()
        return address if is_known else _ANYBODY


def who_is_who(there: Sequence[Item], here: Sequence[Item]) -> Who:
    """For each address of one run the address that the same host has in the other.

    An address that both runs know is one host's.  Of the rest, two are one host if they took part in
    the same kinds of exchanges, in the same roles; the first of such comes first in both.
    """
    parts_there, parts_here = _parts(there), _parts(here)
    found = {address: address for address in parts_there if address in parts_here}
    left = [address for address in parts_there if address not in found][:_MOST_STRANGERS]
    free = [address for address in parts_here if address not in found][:_MOST_STRANGERS]
    for is_like in (_are_equal, _are_alike):
        for address in list(left):
            same = next((one for one in free if is_like(parts_there[address], parts_here[one])), None)
            if same is not None:
                found[address] = same
                left.remove(address)
                free.remove(same)
    return Who(found, not any(one == other and _is_own(one) for one, other in found.items()))


def _is_address(text: str) -> bool:
    """An address, or a prefix."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_own(text: str) -> bool:
    """Whether the address is one host's, in this network and in no other."""
    if not _is_address(text):
        return False
    found = ip_address(text)
    return not (found.is_multicast or found.is_unspecified or found.is_link_local or text == "255.255.255.255")


def _parts(items: Sequence[Item]) -> dict[str, Counter[Hashable]]:
    """In what each address took part, in the order in which they appear."""
    found: dict[str, Counter[Hashable]] = defaultdict(Counter)
    for item in items:
        for role, end in enumerate(item.ends):
            if end is not None:
                found[end][item.same, role] += 1
    return found


def _are_equal(one: Counter[Hashable], other: Counter[Hashable]) -> bool:
    return one == other


def _are_alike(one: Counter[Hashable], other: Counter[Hashable]) -> bool:
    """Whether at least half of what either does, both do."""
    return 2 * len(one.keys() & other.keys()) >= len(one.keys() | other.keys())


def align(
    there: Sequence[Item], here: Sequence[Item], who: Who
) -> tuple[list[tuple[Item, Item]], list[Item], list[Item]]:
    """Pairs, and what only the one or only the other run has; each in the order of time.

    First by all ends; then by the opener, so that what was asked of somebody else is still the same question;
    then by kind and ends, so that another port or another name is.
    """
    pairs: list[tuple[Item, Item]] = []
    left, free = list(there), list(here)
    for depth, ends in ((None, None), (None, 1), (1, None)):
        keys_there = [(item.same[:depth], _named(item.ends[:ends], who)) for item in left]
        keys_here = [(item.same[:depth], item.ends[:ends]) for item in free]
        some, left, free = _by(left, free, keys_there, keys_here)
        pairs += some
    return sorted(pairs, key=lambda pair: pair[1].start_ns), left, free


def _named(ends: tuple[str | None, ...], who: Who) -> tuple[str | None, ...]:
    return tuple(end and who.here.get(end, f"{end} (there)") for end in ends)


def _by(
    there: Sequence[Item], here: Sequence[Item], keys_there: Sequence[Hashable], keys_here: Sequence[Hashable]
) -> tuple[list[tuple[Item, Item]], list[Item], list[Item]]:
    """The first of what is alike with the first, the second with the second, and so on."""
    waiting: dict[Hashable, deque[Item]] = defaultdict(deque)
    for item, key in zip(here, keys_here, strict=True):
        waiting[key].append(item)
    pairs, left = [], []
    for item, key in zip(there, keys_there, strict=True):
        same = waiting.get(key)
        if same:
            pairs.append((item, same.popleft()))
        else:
            left.append(item)
    taken = {other.position for _, other in pairs}
    return pairs, left, [item for item in here if item.position not in taken]
