"""A packet at one hook: every chain in order of priority, rule after rule, until somebody decides.

Source: nft(8), section STATEMENTS; nft_do_chain() in net/netfilter/nf_tables_core.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explain.state.filters.match import holds
from explain.state.filters.nft_json import members, say
from explain.state.filters.rewriting import Passed, Walk, affect, looked_up, translate

if TYPE_CHECKING:
    from explain.state.filters.packet_values import Context
    from explain.state.filters.ruleset import Chain, FilterRule, Ruleset
    from explain.state.packet import Packet
    from explain.state.records import Answer

    _End = tuple[str, FilterRule | None, str | None]

_DEEPEST_JUMP = 16
"""The kernel's own limit of nested jumps."""
MOST_RULES = 100_000
_PACE = 10
"""Packets a second that nothing sends unless told to; ping sends one, and five with the smallest usual ``-i``."""
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the chains of one hook decided.

    Attributes:
        kind: ``accept``, ``drop``, ``reject``, ``queue`` or ``taken`` (sent elsewhere).
        packet: as it goes on: marks, TTL and addresses may have changed.
        rule: the rule that decided; None for a chain's policy or if none did.
        chain: the chain whose policy decided, else None.
        reject_with: ``icmp`` name or ``tcp reset``.
        is_certain: False if an expression that is not understood could have changed the verdict.
        suspect: the first rule that would stop the packet if it met a condition that the state does not tell.
        sometimes: ``limit`` or ``random`` if packets of this kind may also fare as ``otherwise``.
        oddities: ``duplicated``, ``corrupted``: what else happened to it.
    """

    kind: str
    packet: Packet
    rule: FilterRule | None = None
    chain: Chain | None = None
    reject_with: str | None = None
    is_certain: bool = True
    passed: tuple[Passed, ...] = ()
    suspect: FilterRule | None = None
    sometimes: str | None = None
    otherwise: Verdict | None = None
    oddities: tuple[tuple[str, FilterRule], ...] = ()

    @property
    def stops(self) -> bool:
        """Whether the packet's way ends here."""
        return self.kind != "accept"


def decide(ruleset: Ruleset, families: tuple[str, ...], hook: str, packet: Packet, context: Context) -> Verdict:
    """The verdict of a hook, with what chance could change in it."""
    usual = _once(ruleset, families, hook, packet, replace(context, is_unlucky=False))
    if usual.sometimes is None:
        return usual
    struck = _once(ruleset, families, hook, packet, replace(context, is_unlucky=True))
    if struck.kind == usual.kind and struck.oddities == usual.oddities:
        return replace(usual, sometimes=None)
    return replace(usual, otherwise=struck)


def _once(ruleset: Ruleset, families: tuple[str, ...], hook: str, packet: Packet, context: Context) -> Verdict:
    walk = Walk(ruleset, replace(context, sets=ruleset.sets), packet)
    end: tuple[str, FilterRule | None, Chain | None, str | None] = ("accept", None, None, None)
    for chain in ruleset.at(families, hook):
        if chain.devices and not chain.devices & {context.in_interface, context.out_interface}:
            continue
        if chain.type == "nat" and (walk.packet.connection != "new" or walk.is_untracked):
            continue
        kind, rule, reject = _chain(walk, chain, 0)
        if kind in {"continue", "return"}:
            kind, rule = chain.policy, None
        if kind not in {"accept", "continue"}:
            end = (kind, rule, None if rule else chain, reject)
            break
    return Verdict(
        kind=end[0],
        packet=walk.packet,
        rule=end[1],
        chain=end[2],
        reject_with=end[3],
        is_certain=ruleset.is_known and not walk.doubts - {end[0]},
        passed=tuple(walk.passed),
        suspect=walk.suspect,
        sometimes=min(walk.chances) if walk.chances else None,
        oddities=tuple(walk.oddities),
    )


def _chain(walk: Walk, chain: Chain, depth: int) -> _End:
    context = walk.context
    walk.context = replace(context, table=(chain.family, chain.table))
    for rule in chain.rules:
        walk.looked_at += 1
        if walk.looked_at > MOST_RULES:
            walk.doubts.add("endless")
            break
        kind, by, reject = _rule(walk, rule, depth)
        if kind != "continue":
            walk.context = context
            return kind, by, reject
    walk.context = context
    return "continue", None, None


def _rule(walk: Walk, rule: FilterRule, depth: int) -> _End:
    is_sure = True
    before = len(walk.passed)
    for statement in rule.statements:
        key, value = next(iter(statement.items()), ("", None))
        answer = _matches(walk, key, value)
        if answer is False:
            return "continue", None, None
        if answer is None:
            is_sure = False
            if key == "xt" and isinstance(value, Mapping) and value.get("type") == "target":
                walk.doubts.add("drop")
            continue
        if key in _TERMINAL or key in {"jump", "goto", "vmap"}:
            return _ends(walk, rule, key, value, depth, is_sure=is_sure)
        if is_sure:
            affect(walk, rule, key, value)
    if is_sure and len(walk.passed) == before:
        walk.passed.append(Passed(rule, "continue"))
    return "continue", None, None


def _matches(walk: Walk, key: str, value: object) -> Answer:
    """Whether the rule goes on after this statement."""
    inner = members(value)
    if key == "match":
        left = inner.get("left")
        if isinstance(left, Mapping) and "numgen" in left:
            walk.chances.add("random")
            return walk.context.is_unlucky
        return holds(inner, walk.packet, walk.context)
    if key == "sometimes":
        walk.chances.add("random")
        return walk.context.is_unlucky
    if key == "limit":
        if _is_wide(inner):
            return not inner.get("inv")
        walk.chances.add("limit")
        return walk.context.is_unlucky == bool(inner.get("inv"))
    if key in {"unknown", "xt", "quota", "ct count", "socket", "osf", "synproxy", "tproxy"}:
        return None
    return True


def _is_wide(limit: Mapping[str, Any]) -> bool:
    """Whether a limit lets through what sends at the pace of ping; only who asks for a flood meets it."""
    rate, per = limit.get("rate"), _SECONDS.get(str(limit.get("per")), 1)
    return isinstance(rate, int) and rate >= _PACE * per and limit.get("rate_unit", "packets") == "packets"


_TERMINAL = frozenset("accept drop reject return queue masquerade snat dnat netmap redirect fwd continue".split())  # noqa: SIM905


def _ends(walk: Walk, rule: FilterRule, key: str, value: object, depth: int, *, is_sure: bool) -> _End:
    if key == "vmap":
        return _mapped(walk, rule, value, depth, is_sure=is_sure)
    if not is_sure:
        doubt = {"jump": "drop", "goto": "drop", "fwd": "taken"}.get(key, key)
        walk.doubts.add(doubt)
        walk.suspect = walk.suspect or (rule if doubt in {"drop", "reject", "queue"} else None)
        return "continue", None, None
    walk.passed.append(Passed(rule, key if key not in {"jump", "goto"} else say({key: value})))
    if key in {"jump", "goto"}:
        return _jump(walk, rule, key, value, depth)
    if key in {"masquerade", "snat", "dnat", "netmap", "redirect"}:
        return ("accept" if translate(walk, key, value) else "continue"), rule, None
    if key == "reject":
        return "reject", rule, _reject_name(value)
    if key == "fwd":
        return "taken", rule, None
    return ("queue" if key == "queue" else key), rule, None


def _reject_name(value: object) -> str:
    inner = members(value)
    if inner.get("type") == "tcp reset":
        return "tcp reset"
    return str(inner.get("expr") or "port-unreachable")


def _jump(walk: Walk, rule: FilterRule, key: str, value: object, depth: int) -> _End:
    chain = walk.ruleset.chains.get((rule.family, rule.table, str(members(value).get("target"))))
    if chain is None or depth >= _DEEPEST_JUMP:
        walk.doubts.add("drop")
        return "continue", None, None
    kind, by, reject = _chain(walk, chain, depth + 1)
    if kind in {"continue", "return"}:
        return ("return" if key == "goto" else "continue"), None, None
    return kind, by, reject


def _mapped(walk: Walk, rule: FilterRule, value: object, depth: int, *, is_sure: bool) -> _End:
    chosen = looked_up(walk, members(value))
    if chosen is False:
        return "continue", None, None
    if not isinstance(chosen, Mapping) or not chosen:
        walk.doubts.add("drop")
        return "continue", None, None
    key, verdict = next(iter(chosen.items()))
    return _ends(walk, rule, str(key), verdict, depth, is_sure=is_sure)
