"""Several equal next hops: which one the kernel's hash takes no state tells, so every way is walked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.routing.routes import TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.state.segment.network import Network
    from explain.state.way.path import Path, StateCause, Step

_MOST_WAYS = 16


def one_of_many(path: Path, again: Callable[[Network], Path], *, has_succeeded: bool | None) -> Path:
    """A way on which nothing is left to a hash: certain if all ways end alike, else one that fails.

    The causes of the others that fail are then possible as well.
    Source: ip-route(8), nexthop; fib_select_multipath() in net/ipv4/fib_semantics.c.

    Args:
        path: the way through the first of the next hops.
        again: makes the walk through a network that is changed.
        has_succeeded: how it ended, where that is known: then only the ways that end so count.
    """
    waiting: list[Path] = [path]
    ended: list[Path] = []
    while waiting and len(waiting) + len(ended) <= _MOST_WAYS:
        now = waiting.pop(0)
        split = next((step for step in now.steps if _is_open(step)), None)
        if split is None:
            ended.append(now)
        else:
            waiting += [again(each) for each in _chosen(now.network, split)]
    if waiting or len(ended) == 1:
        return path
    fitting = [each for each in ended if has_succeeded in {None, each.outcome == "answered"}] or ended
    if len({(each.outcome, tuple(cause.cause for cause in each.causes)) for each in fitting}) == 1:
        return fitting[0]
    stopped = [each for each in fitting if each.stop is not None]
    if not stopped:
        return path  # all arrive, some in an odd way
    named: dict[str, StateCause] = {}
    for cause in (cause for each in stopped for cause in each.causes):
        named.setdefault(cause.cause, replace(cause, certainty="likely") if cause.certainty == "proved" else cause)
    failed = stopped[0]
    return replace(failed, stop=failed.stop and replace(failed.stop, is_certain=False), causes=tuple(named.values()))


def _is_open(step: Step) -> bool:
    found = step.decision.found
    return found is not None and found.nexthop is not None and bool(found.others) and TAKEN not in found.nexthop.flags


def _chosen(network: Network, split: Step) -> list[Network]:
    """The network once for each next hop of the route that was taken there, with that one in front."""
    state, found = network.hosts[split.decision.host], split.decision.found
    if found is None or found.route is None or found.nexthop is None:
        return []
    hops, chosen = (found.nexthop, *found.others), []
    for hop in hops:
        front = replace(hop, flags=hop.flags | {TAKEN})
        one = replace(found.route, nexthops=(front, *(each for each in hops if each is not hop)))
        listed = tuple(one if each is found.route else each for each in state.routes[one.family])
        changed = replace(state, routes={**state.routes, one.family: listed})
        chosen.append(replace(network, hosts={**network.hosts, state.name: changed}))
    return chosen
