"""A change in a network that somebody typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that one command would change.

    Attributes:
        verb: netns-add, netns-del, link-add, link-set, link-del, addr-add, addr-del, addr-flush, route-add, route-del,
            rule-add, rule-del, neigh-add, neigh-del, sysctl, iptables, nft.
        node: the namespace or host on which it works; None for the host that nobody names.
        values: what is changed; keys as iproute2's JSON has them where it has any.
    """

    verb: str
    node: str | None
    values: Mapping[str, Any]


def values_after(words: Sequence[str], keys: set[str]) -> dict[str, str]:
    """For each of some keys the word behind it, as ``dev eth0`` has it."""
    return {word: words[at + 1] for at, word in enumerate(words[:-1]) if word in keys}
