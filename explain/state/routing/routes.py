"""The route look-up: rules by priority, tables, longest prefix, lowest metric, as fib_lookup() does it.

Source: RFC 1812 section 5.2.4.3; net/core/fib_rules.c, net/ipv4/fib_trie.c and net/ipv6/route.c of Linux.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.state.addresses import parse
from explain.state.records import HostState, NextHop, PolicyRule, Route
from explain.state.settings import ignores_linkdown

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKEN = "taken"
"""The mark of a next hop that is supposed to be the one of several that a packet takes."""
REFUSING = frozenset({"blackhole", "unreachable", "prohibit"})
"""Types of routes that lead nowhere on purpose."""
_ON_LOOPBACK = REFUSING | {"throw"}
_RULE_REFUSALS = {"blackhole": "blackhole", "unreachable": "no-route", "prohibit": "prohibit"}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the tables.

    Attributes:
        out_interface: only routes over this interface count; for a bound socket.
        in_interface: where the packet came in; ``lo`` for one of the host's own, as the kernel has it.
        is_strict: IPv6 only: a route over another interface is no answer.
    """

    family: int
    destination: str
    source: str | None = None
    out_interface: str | None = None
    in_interface: str = "lo"
    mark: int = 0
    tos: int = 0
    protocol: str | None = None
    source_port: int | None = None
    destination_port: int | None = None
    is_strict: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What the tables answered.

    Attributes:
        kind: ``unicast``, ``local``, ``broadcast``, ``multicast``, ``anycast``, ``blackhole``, ``unreachable``,
            ``prohibit``, ``no-route`` or ``unknown``.
        route: the entry that won, if one did.
        nexthop: the one that is taken; with several of equal rank the first, see ``others``.
        rule: the policy rule that decided.
        others: further next hops among which the kernel chooses by a hash.
        suspect: a rule that refuses, if it met what nobody told: whose packet it is, say.
        is_by_rule: the refusal stands in the rule itself, not in a table.
        tried: tables that were asked before, in order.
    """

    kind: str
    route: Route | None = None
    nexthop: NextHop | None = None
    rule: PolicyRule | None = None
    others: tuple[NextHop, ...] = ()
    is_by_rule: bool = False
    tried: tuple[str, ...] = ()
    is_certain: bool = True
    suspect: PolicyRule | None = None


def look_up(state: HostState, query: Query) -> Found:
    """The route for a packet; ``unknown`` if the tables or the rules were not collected."""
    routes = state.routes.get(query.family)
    if routes is None:
        return Found("unknown", is_certain=False)
    doubted: list[PolicyRule] = []
    found = _by_rules(state, routes, query, doubted)
    suspect = next((rule for rule in doubted if rule.action in _RULE_REFUSALS), None)
    return replace(found, suspect=suspect) if suspect else found


def _by_rules(state: HostState, routes: tuple[Route, ...], query: Query, doubted: list[PolicyRule]) -> Found:
    tried: list[str] = []
    for rule in _rules_in_order(state, query):
        applies = _applies(rule, query)
        if applies is None:
            doubted.append(rule)
            continue
        certain = not doubted
        if rule.action != "lookup":
            if rule.action in _RULE_REFUSALS:
                return Found(_RULE_REFUSALS[rule.action], None, None, rule, (), True, tuple(tried), certain)
            continue
        tried.append(rule.table or "")
        found = _in_table(state, routes, rule, query, tuple(tried), is_certain=certain)
        if found is not None:
            return found
    return Found("no-route", tried=tuple(tried), is_certain=not doubted)


def _default_rules(family: int) -> tuple[PolicyRule, ...]:
    """What every kernel begins with; used where the rules were not collected."""
    numbers = ((0, "local"), (32766, "main"), (32767, "default"))
    return tuple(
        PolicyRule(
family=family,
priority=priority,
is_inverted=False,
source=None,
destination=None,
in_interface=None,
out_interface=None,
mark=None,
mark_mask=0,
tos=None,
protocol=None,
source_ports=None,
destination_ports=None,
users=None,
action="lookup",
table=table,
goto=None,
suppress_length=None,
text=f"{priority}: from all lookup {table}",
)
        for priority, table in numbers
    )  # fmt: skip


def _rules_in_order(state: HostState, query: Query) -> Iterator[PolicyRule]:
    """The rules that match or may match; ``goto`` skips ahead, never back, so this ends."""
    rules = state.rules.get(query.family)
    if rules is None:
        rules = _default_rules(query.family)
    at_least = -1
    for rule in rules:
        if rule.priority < at_least or _applies(rule, query) is False:
            continue
        if rule.action == "goto" and rule.goto is not None:
            at_least = rule.goto
            continue
        yield rule


def _applies(rule: PolicyRule, query: Query) -> bool | None:
    tests: list[bool | None] = [
        rule.source is None or (None if query.source is None and not rule.source.length else _inside(rule, query)),
        rule.destination is None or rule.destination.covers(query.destination),
        rule.in_interface is None or rule.in_interface == query.in_interface,
        rule.out_interface is None or rule.out_interface == query.out_interface,
        rule.mark is None or query.mark & rule.mark_mask == rule.mark,
        rule.tos is None or rule.tos == query.tos,
        rule.protocol is None or rule.protocol == query.protocol,
        _port(rule.source_ports, query.source_port),
        _port(rule.destination_ports, query.destination_port),
        rule.users is None or None,
        rule.is_understood or None,
    ]
    if any(test is False for test in tests):
        return rule.is_inverted
    if any(test is None for test in tests):
        return None
    return not rule.is_inverted


def _inside(rule: PolicyRule, query: Query) -> bool:
    """An own packet without a source yet matches no rule ``from`` a prefix: its source is zero then."""
    return rule.source is not None and query.source is not None and rule.source.covers(query.source)


def _port(wanted: tuple[int, int] | None, port: int | None) -> bool:
    return wanted is None or (port is not None and wanted[0] <= port <= wanted[1])


def _in_table(
    state: HostState,
    routes: tuple[Route, ...],
    rule: PolicyRule,
    query: Query,
    tried: tuple[str, ...],
    *,
    is_certain: bool,
) -> Found | None:
    for route in _candidates(routes, rule.table or "", query):
        if query.family == 6 and query.out_interface and query.is_strict and route.type in _ON_LOOPBACK:
            # IPv6 keeps refusing routes on lo, so a socket that is bound to another interface never meets them.
            continue
        if route.type == "throw":
            return None
        if route.type in REFUSING:
            return Found(route.type, route, None, rule, (), False, tried, is_certain)
        hops = [hop for hop in route.nexthops if _is_alive(state, hop, query, route.type)]
        if not hops:
            continue
        if rule.suppress_length is not None and route.network.length <= rule.suppress_length:
            return None
        is_certain = is_certain and (len(hops) == 1 or TAKEN in hops[0].flags)
        return Found(route.type, route, hops[0], rule, tuple(hops[1:]), False, tried, is_certain)
    return None


_PREFERENCES = {"high": 0, "medium": 1, "low": 2}


def _candidates(routes: tuple[Route, ...], table: str, query: Query) -> list[Route]:
    """Matching entries of one table, best first: longest prefix, then type of service, then metric."""
    parsed = parse(query.destination)
    if parsed is None:
        return []
    matching = [
        route
        for route in routes
        if route.table == table
        and route.network.has(parsed[1])
        and route.tos in {0, query.tos}
        and (route.from_network is None or (query.source is not None and route.from_network.covers(query.source)))
    ]
    matching.sort(
        key=lambda route: (
            -route.network.length,
            -route.tos,
            -(route.from_network.length if route.from_network else 0),
            route.metric,
            _PREFERENCES.get(route.preference, 1) if query.family == 6 else 0,
        )
    )
    return matching


def matching_routes(state: HostState, table: str, query: Query) -> list[Route]:
    """Every entry of a table that covers the destination, best first."""
    return _candidates(state.routes.get(query.family, ()), table, query)


def _is_alive(state: HostState, hop: NextHop, query: Query, kind: str) -> bool:
    """An address stays the host's own while its interface is down. Source: RFC 1122 section 3.3.4.2, the weak model."""
    if "dead" in hop.flags:
        return False
    device = state.interface(hop.device)
    if device is not None and not device.is_up and not device.is_loopback and kind != "local":
        return False
    if "linkdown" in hop.flags and ignores_linkdown(state, hop.device or "", query.family).value == 1:
        return False
    if query.out_interface is None or (query.family == 6 and not query.is_strict):
        return True
    return hop.device == query.out_interface
