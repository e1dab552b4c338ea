"""The vanishing point: the last place that saw the request or its answer, and the first that should have."""

# ruff: noqa: ARG001 - the functions of a table have one shape, whether or not each needs all of it

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.diagnosis import Reason
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from explain.causes.predictions import Strike
    from explain.causes.wires.spots import Spot

_ENDINGS = {"drop", "reject", "expire", "too-big", "no-neighbour"}


@dataclass(frozen=True, slots=True)
class Vanished:
    """How far request and answer came; None wherever nobody listened.

    Attributes:
        parts: the part of every node: sender, target, router, switch, bystander.
        spots: every place, by node.
        at_target: whether the target's wire saw a request.
        from_target: whether an answer was seen there.
        silent: address wanted -> nodes of routers that asked for it in vain.
        target_asks: whether the target asked for somebody in vain.
        is_everywhere: every node of a network that is wholly known was listened to.
        is_circling: a request came by one place beyond the sender again and again, with fewer hops each time.
        is_detour: a request was seen twice on one segment with different MACs.
        is_to_many: the destination is everybody on a link.
        is_tired: an answer began its way with hardly any hops to go.
        has_crossed: a request was seen on the link of whoever answers for the destination.
        unresolved: the leg of the packet for whose next hop somebody asked until he gave up, beyond the sender.
        is_damaged_at_target: nothing whole came to a place there: a host first drops what bears a wrong checksum.
    """

    parts: dict[str, str]
    spots: dict[str, list[Spot]]
    at_target: bool | None
    from_target: bool | None
    silent: dict[str, str]
    target_asks: bool | None
    wanted: frozenset[str]
    is_everywhere: bool
    is_circling: bool
    is_detour: bool
    destination: str | None
    errors_to_target: bool
    has_left: bool
    lost: str | None
    is_to_many: bool
    is_tired: bool
    has_crossed: bool
    unresolved: str | None
    is_damaged_at_target: bool

    def allows(self, strike: Strike) -> bool:
        """Whether what the other places saw leaves this strike possible."""
        if self.is_to_many and strike.at == "target":
            # Whoever is on the link is meant; the node that is called target need not be.
            return True
        ask = _ASK.get((strike.at, strike.leg))
        if self.unresolved and strike.how in _ENDINGS and strike.at != "sender":
            return (strike.how, strike.leg) == ("no-neighbour", self.unresolved)
        if strike.how in {"no-neighbour", "no-carrier"} and strike.at == "sender":
            return self._allows_deafness(strike)
        if strike.how in {"works", "lose", "duplicate", "damage", "trace-gap", "elsewhere"} or strike.how.startswith(
            "tcp-"
        ):
            return True
        return ask is None or ask(self, strike)

    def _allows_deafness(self, strike: Strike) -> bool:
        """A question that its owner did not hear was not ignored by him."""
        if strike.why != "deaf" or not self.wanted:
            return True
        return any(self._heard(wanted) is not False for wanted in self.wanted)

    def _heard(self, wanted: str) -> bool | None:
        """Whether the node that should own an address heard the question; None if nobody listened there."""
        part = "target" if wanted == self.destination else "router"
        nodes = [node for node, one in self.parts.items() if one == part]
        spots = [spot for node in nodes for spot in self.spots.get(node, ()) if spot.is_whole]
        return any(wanted in spot.asked for spot in spots) if spots else None

    def nodes(self, part: str) -> list[str]:
        """The nodes that play a part."""
        return [node for node, one in self.parts.items() if one == part]

    def seen_at(self, node: str, what: str) -> tuple[int, int]:
        """At how many of a node's places something was seen, and how many places there are."""
        spots = self.spots.get(node, [])
        return sum(bool(getattr(spot, what)) for spot in spots), len(spots)

    def swallowed(self, what: str) -> list[str]:
        """Routers that something came into and did not leave again."""
        found = []
        for node in self.nodes("router"):
            seen, places = self.seen_at(node, what)
            if seen == 1 and places > 1:
                found.append(node)
        return found

    def weight(self, strike: Strike) -> float:
        """How much the places speak for a strike here rather than elsewhere."""
        return 0.5 if strike.at == "router" and self.place_of(strike) is not None else 0.0

    def losses(self, cause: str) -> float:
        """Where some are lost: before the target's wire, or at the target that answers only some."""
        if self.lost is None or cause not in {"partial-loss", "icmp-rate-limited"}:
            return 0.0
        return 30.0 if (self.lost == "way") == (cause == "partial-loss") else 0.0

    def place_of(self, strike: Strike) -> tuple[str | None, str | None] | None:
        """Node and interface of a strike that the places show."""
        what = "requests" if strike.leg == "request" else "replies"
        if strike.at == "router":
            nodes = self.swallowed(what)
            return (nodes[0], None) if nodes else None
        nodes = self.nodes(strike.at or "")
        return (nodes[0], None) if strike.at in {"sender", "target"} and len(nodes) == 1 else None

    def reasons(self, strike: Strike, evidence: Callable[[Spot, Iterable[int]], dict[str, Any]]) -> list[Reason]:
        """Where it was last seen."""
        if not self.has_left:
            return []
        what = "requests" if strike.leg == "request" else "replies"
        where = self.place_of(strike)
        if strike.at == "router" and where is not None:
            spot = next(spot for spot in self.spots[str(where[0])] if getattr(spot, what))
            rows = [hit.row for hit in getattr(spot, what)]
            return [Reason(f"diagnosis.wire.into-{what}", {"node": where[0]}, "capture", evidence(spot, rows))]
        if strike.at == "target" and self.at_target and where is not None:
            for saw in self.spots[str(where[0])]:
                if saw.requests:
                    rows = [hit.row for hit in saw.requests]
                    return [Reason("diagnosis.wire.at-target", {"node": where[0]}, "capture", evidence(saw, rows))]
        return []


def _segment_request(fate: Vanished, strike: Strike) -> bool:
    # On the last segment a frame for a wrong MAC is still seen by a place that listens to everything.
    return fate.from_target is not True and fate.target_asks is not True


def _router_request(fate: Vanished, strike: Strike) -> bool:
    if strike.how == "expire" and fate.is_circling:
        return True
    if fate.at_target is True or fate.from_target is True:
        return False
    routers = fate.nodes("router")
    if strike.how == "no-neighbour":
        listened = all(fate.spots.get(node) for node in routers) and routers and fate.is_everywhere
        if not listened:
            return True
        asked = set(fate.silent)
        if not asked:
            # Without a carrier not even the question leaves.
            return strike.why == "cut"
        if "nexthop" in strike.of:
            return True
        return fate.destination is None or fate.destination in asked or not fate.is_everywhere
    if strike.how == "drop" and fate.silent and fate.is_everywhere:
        return False
    if fate.is_everywhere and routers and fate.has_left:
        return any(fate.seen_at(node, "requests")[0] for node in routers)
    return True


def _bystander_request(fate: Vanished, strike: Strike) -> bool:
    return fate.at_target is not True and (strike.how != "drop" or fate.from_target is not True)


def _target_any(fate: Vanished, strike: Strike) -> bool:
    if fate.at_target is False or fate.is_damaged_at_target:
        return False
    if strike.how == "no-neighbour":
        return fate.target_asks is not False and fate.from_target is not True
    if strike.how in {"drop", "reject"}:
        return fate.from_target is not True and fate.target_asks is not True
    return True


def _way_back(fate: Vanished, strike: Strike) -> bool:
    if fate.at_target is False or fate.from_target is False or fate.is_damaged_at_target:
        return False
    if strike.how == "reject" and fate.is_everywhere:
        return fate.errors_to_target
    if strike.how == "drop" and fate.is_everywhere and fate.errors_to_target:
        return False
    if strike.how == "no-neighbour" and fate.is_everywhere:
        return bool(fate.silent)
    return True


_ASK: dict[tuple[str | None, str | None], Callable[[Vanished, Strike], bool]] = {
    ("segment", "request"): _segment_request,
    ("router", "request"): _router_request,
    ("bystander", "request"): _bystander_request,
    ("target", "request"): _target_any,
    ("target", "reply"): _target_any,
    ("segment", "reply"): _way_back,
    ("router", "reply"): _way_back,
    ("bystander", "reply"): _way_back,
}
