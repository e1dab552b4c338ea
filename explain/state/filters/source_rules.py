"""The rules that give packets another source, with every condition under which a packet comes to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.state.filters.nft_json import match, members
from explain.state.filters.ruleset import ruleset_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.state.filters.nft_json import Statement
    from explain.state.filters.ruleset import Chain, FilterRule, Ruleset
    from explain.state.records import HostState

SOURCE_NAT = frozenset({"snat", "masquerade"})


def source_rules(state: HostState, family: int) -> Iterator[tuple[Chain, FilterRule]]:
    """The source NAT rules of a host; a rule of a chain that is jumped to bears the conditions of the jump as well."""
    families, ruleset = {"ip" if family == 4 else "ip6", "inet"}, ruleset_of(state)
    for chain in ruleset.chains.values():
        if chain.type == "nat" and chain.family in families and chain.hook == "postrouting":
            for rule in chain.rules:
                if _translates(rule):
                    yield chain, rule
                yield from ((chain, inner) for inner in _behind(rule, ruleset))


def _translates(rule: FilterRule) -> bool:
    return any(key in SOURCE_NAT for statement in rule.statements for key in statement)


def _behind(rule: FilterRule, ruleset: Ruleset) -> Iterator[FilterRule]:
    """The source NAT rules of the chains that a rule leads to; one jump deep, as NAT is written."""
    before = [each for each in rule.statements if "match" in each]
    for name, condition in _targets(rule, ruleset):
        chain = ruleset.chains.get((rule.family, rule.table, name))
        for inner in chain.rules if chain is not None else ():
            if _translates(inner):
                yield replace(inner, statements=(*before, *condition, *inner.statements))


def _targets(rule: FilterRule, ruleset: Ruleset) -> Iterator[tuple[str, list[Statement]]]:
    for statement in rule.statements:
        for key, value in statement.items():
            if key in {"jump", "goto"}:
                yield str(members(value).get("target")), []
            if key == "vmap":
                yield from _mapped(members(value), rule, ruleset)


def _mapped(vmap: Any, rule: FilterRule, ruleset: Ruleset) -> Iterator[tuple[str, list[Statement]]]:
    """Each chain of a verdict map, with the keys that lead there."""
    data = vmap.get("data")
    named = ruleset.sets.get((rule.family, rule.table, data[1:])) if isinstance(data, str) else None
    keys: dict[str, list[object]] = {}
    for pair in named or members(data).get("set") or ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            for verdict in members(pair[1]).values():
                keys.setdefault(str(members(verdict).get("target")), []).append(pair[0])
    for name, some in keys.items():
        yield name, [match(vmap.get("key"), {"set": some})]
