"""The filters of a host as one kind of record, whether nft or iptables wrote them.

A rule's statements are those of nft's JSON; lines of iptables-save are turned into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from explain.state.filters.iptables import LEGACY, tables_of
from explain.state.filters.nft_json import say

if TYPE_CHECKING:
    from explain.state.filters.nft_json import Statement
    from explain.state.records import HostState

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One rule.

    Attributes:
        handle: nft's number, or the position in its chain for iptables; None if it has neither.
        text: the rule as its tool prints it.
    """

    family: str
    table: str
    chain: str
    handle: int | None
    statements: tuple[Statement, ...]
    text: str

    @property
    def name(self) -> str:
        """Where the rule stands, such as ``inet fw forward handle 2``."""
        where = f"{self.family} {self.table} {self.chain}"
        return where if self.handle is None else f"{where} handle {self.handle}"


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain; ``hook`` is None for a chain that is only jumped to. ``devices`` bind a netdev chain."""

    family: str
    table: str
    name: str
    type: str | None = None
    hook: str | None = None
    priority: int = 0
    policy: str = "accept"
    devices: frozenset[str] = frozenset()
    rules: tuple[FilterRule, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Ruleset:
    """Every chain of a host.

    Attributes:
        sets: elements of named sets and maps.
        is_known: False where neither nft nor iptables were collected.
    """

    chains: Mapping[Key, Chain]
    sets: Mapping[Key, tuple[Any, ...]]
    is_known: bool = True

    def at(self, families: Iterable[str], hook: str) -> list[Chain]:
        """The base chains of a hook in the order in which the kernel calls them."""
        wanted = set(families)
        found = [each for each in self.chains.values() if each.hook == hook and each.family in wanted]
        return sorted(found, key=lambda chain: chain.priority)

    def mentions(self, *words: str) -> bool:
        """Whether any rule has one of these statements or keys, such as ``ct``; NAT chains count as ``ct``."""
        return any(
            ("ct" in words and chain.type == "nat") or any(_mentions(rule.statements, words) for rule in chain.rules)
            for chain in self.chains.values()
        )


def _mentions(value: object, words: tuple[str, ...]) -> bool:
    if isinstance(value, Mapping):
        return any(key in words or _mentions(inner, words) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(_mentions(inner, words) for inner in value)


_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}


@lru_cache(maxsize=512)
def ruleset_of(state: HostState) -> Ruleset:
    """The filters of a host; nft's objects, with iptables' own words where nft can only say ``xt``."""
    chains: dict[Key, Chain] = {}
    sets: dict[Key, tuple[Any, ...]] = {}
    rules: dict[Key, list[FilterRule]] = {}
    for thing in state.nft or ():
        _add(thing, chains, sets, rules)
    for key, listed in rules.items():
        chains[key] = replace(chains.get(key) or Chain(*key), rules=tuple(listed))
    is_opaque = {key[:2] for key, chain in chains.items() if any(_mentions(r.statements, ("xt",)) for r in chain.rules)}
    known = {key[:2] for key in chains}
    for family, lines in (("ip", state.iptables), ("ip6", state.ip6tables)):
        for chain in _chains_of(family, lines or ()):
            key = (family, chain.table, chain.name)
            if (family, chain.table) in known and (family, chain.table) not in is_opaque:
                chains[key] = _with_texts(chains.get(key), chain)
            else:
                chains[key] = _with_handles(chain, chains.get(key))
    return Ruleset(chains, sets, is_known=state.nft is not None or state.iptables is not None)


def _with_handles(chain: Chain, twin: Chain | None) -> Chain:
    """The same chain with nft's handles, so that a rule can be named to either tool."""
    if twin is None or len(twin.rules) != len(chain.rules):
        return chain
    rules = tuple(replace(rule, handle=other.handle) for rule, other in zip(chain.rules, twin.rules, strict=True))
    return replace(chain, rules=rules, priority=twin.priority)


def _with_texts(chain: Chain | None, twin: Chain) -> Chain:
    """The same chain with iptables' words: whoever wrote a rule there looks for it there."""
    if chain is None or len(twin.rules) != len(chain.rules):
        return chain or twin
    rules = tuple(replace(rule, text=other.text) for rule, other in zip(chain.rules, twin.rules, strict=True))
    return replace(chain, rules=rules)


def _add(
    thing: Mapping[str, Any],
    chains: dict[Key, Chain],
    sets: dict[Key, tuple[Any, ...]],
    rules: dict[Key, list[FilterRule]],
) -> None:
    for kind in ("chain", "rule", "set", "map"):
        value = thing.get(kind)
        if not isinstance(value, Mapping):
            continue
        family, table = str(value.get("family")), str(value.get("table"))
        if kind == "rule":
            key = (family, table, str(value.get("chain")))
            rules.setdefault(key, []).append(_rule(value, key))
        elif kind == "chain":
            chains[(family, table, str(value.get("name")))] = _chain(value, family, table)
        else:
            elements = value.get("elem")
            sets[(family, table, str(value.get("name")))] = tuple(elements) if isinstance(elements, list) else ()


def _rule(value: Mapping[str, Any], key: Key) -> FilterRule:
    statements = value.get("expr")
    listed = tuple(each for each in statements if isinstance(each, Mapping)) if isinstance(statements, list) else ()
    handle = value.get("handle")
    return FilterRule(*key, handle if isinstance(handle, int) else None, listed, " ".join(map(say, listed)))


def _chain(value: Mapping[str, Any], family: str, table: str) -> Chain:
    priority, devices = value.get("prio"), value.get("dev")
    return Chain(
        family=family,
        table=table,
        name=str(value.get("name")),
        type=value.get("type"),
        hook=value.get("hook"),
        priority=priority if isinstance(priority, int) else _PRIORITIES.get(str(priority), 0),
        policy=str(value.get("policy") or "accept"),
        devices=frozenset(map(str, devices)) if isinstance(devices, list) else frozenset({str(devices)} - {"None"}),
    )


def _chains_of(family: str, lines: tuple[str, ...]) -> list[Chain]:
    chains = []
    for table, name, policy, rules in tables_of(lines, family):
        hook = name.lower() if name in {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"} else None
        plain = table.removesuffix(LEGACY)
        is_nat = plain == "nat"
        late = hook in {"postrouting", "input"}
        priority = (100 if late else -100) if is_nat else _PRIORITIES.get(plain, 0)
        listed = tuple(
            FilterRule(family, table, name, number, statements, text)
            for number, (statements, text) in enumerate(rules, 1)
        )
        chains.append(
            Chain(family, table, name, "nat" if is_nat else "filter", hook, priority, policy.lower(), rules=listed)
        )
    return chains
