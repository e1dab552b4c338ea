"""The vanishing point: the last place that saw the request or its answer, and the first that should have."""

# ruff: noqa: ARG001 - the functions of a table have one shape, whether or not each needs all of it

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.diagnosis import Reason
from explain.causes.wires.parts import are_everywhere
from explain.causes.wires.unresolved import unresolved
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.predictions import Strike
    from explain.causes.wires.parts import Parts
    from explain.causes.wires.spots import Spot


_FEWEST_HOPS = 16
"""Less than any host begins with."""
_FEWEST_ROUNDS = 4
"""More than the places and the ways of one path make of one packet."""
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
        """A question that was heard by its owner was not cut off; one that was not heard was not ignored."""
        if strike.why not in {"deaf", "cut"}:
            return True
        heard = [self._heard(wanted) for wanted in self.wanted]
        if strike.why == "deaf":
            return not heard or any(each is not False for each in heard)
        return True

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


def vanished(spots: list[Spot], parts: Parts, witnesses: Witnesses, context: Context) -> Vanished:
    """How far it came, from what every place saw."""
    sender, at_target, beside = parts.sender, parts.target, parts.beside_target
    by_node: dict[str, list[Spot]] = {}
    for spot in spots:
        if spot.node is not None:
            by_node.setdefault(spot.node, []).append(spot)
    is_whole = bool(at_target) and all(spot.is_whole for spot in at_target) and are_everywhere(at_target, witnesses)
    is_whole = is_whole and not _is_elsewhere(context, spots, at_target)
    seen = any(spot.requests for spot in at_target)
    answered = any(spot.replies or spot.resets for spot in (*at_target, *beside)) or any(s.replies for s in spots)
    answered = answered or (context.tool == "trace" and any(_has_come_to_its_end(spot, context) for spot in spots))
    own = {hit.dst for spot in at_target for hit in spot.requests}
    asks = any(spot.askers[wanted] & own for spot in at_target for wanted in spot.unanswered())
    asked_from = {hit.src for spot in sender for hit in spot.requests}
    roles = witnesses.topology
    return Vanished(
        parts=parts.by_node,
        spots=by_node,
        at_target=seen or (False if is_whole or _was_never_sent_on(beside) else None),
        from_target=answered or (False if is_whole else None),
        silent=asked_in_vain(parts.by_node, by_node, asked_from),
        target_asks=(asks if seen else None) if is_whole else None,
        wanted=frozenset(wanted for spot in sender for wanted in spot.unanswered()),
        is_everywhere=roles.is_whole
        and set(roles.roles) <= {spot.node for spot in spots if spot.is_whole}
        and are_everywhere(tuple(spots), witnesses),
        is_circling=context.tool != "trace" and any(_is_circling(spot) for spot in spots if spot not in sender),
        is_detour=_is_detour(sender),
        destination=context.destination,
        errors_to_target=_has_errors_about_answers(at_target, own),
        has_left=bool(asked_from),
        lost=_lost(sender, at_target) if is_whole else None,
        is_to_many=context.holds("bc"),
        is_tired=0 < max((hit.ttl for spot in spots for hit in spot.replies), default=0) < _FEWEST_HOPS,
        has_crossed=any(spot.requests for spot in beside),
        unresolved=unresolved(spots, witnesses, context.destination, asked_from),
        is_damaged_at_target=not answered and any(_is_damaged(spot) for spot in at_target or beside),
    )


def asked_in_vain(parts: dict[str, str], spots: dict[str, list[Spot]], senders: set[str]) -> dict[str, str]:
    """Addresses for which a router asked and nobody answered, with the router; the sender's own questions left out.

    A router may itself answer for whom it asks in vain on its other side.
    """
    found: dict[str, str] = {}
    for node in (node for node, part in parts.items() if part == "router"):
        places = spots.get(node, [])
        heard = {(one, asker) for spot in places for one in spot.answered for asker in spot.askers.get(one, ())}
        for spot in places:
            open_ones = {one: spot.askers[one] for one in spot.unanswered() if not spot.askers[one] & senders}
            found |= {one: node for one, by in open_ones.items() if not any((one, each) in heard for each in by)}
    return found


def _is_elsewhere(context: Context, spots: list[Spot], at_target: tuple[Spot, ...]) -> bool:
    """Whether the destination answered for its MAC, and who is called the target heard nothing of it.

    The command may have asked for a router's own address; a port of it rather belongs to a host behind it.
    """
    destination = context.destination
    if destination is None or context.tool == "tcp":
        return False
    is_there = any(spot.requests or destination in spot.asked or destination in spot.claimed for spot in at_target)
    return not is_there and any(destination in spot.answered for spot in spots)


def _has_come_to_its_end(spot: Spot, context: Context) -> bool:
    """Whether the destination told a trace so: the port that it asked for is closed."""
    return any(told.name == "port-unreachable" and told.speaker == context.destination for told in spot.errors)


def _is_damaged(spot: Spot) -> bool:
    return bool(spot.requests) and all(hit.is_bad for hit in spot.requests)


def _has_errors_about_answers(at_target: tuple[Spot, ...], own: set[str]) -> bool:
    """Whether an error told the target about what it sent to who had asked it."""
    return any(
        told.about_src in own and told.about_dst in {hit.src for hit in spot.requests}
        for spot in at_target
        for told in spot.errors
    )


def _was_never_sent_on(beside: tuple[Spot, ...]) -> bool:
    """Whether the places on the target's link are whole, and none saw a request."""
    return bool(beside) and all(spot.is_whole and not spot.requests for spot in beside)


def _lost(sender: tuple[Spot, ...], at_target: tuple[Spot, ...]) -> str | None:
    """Where some of many were lost: on the ``way``, or by the ``target`` itself; None if none or all were."""
    sent, back = (sum(len(getattr(spot, what)) for spot in sender) for what in ("requests", "replies"))
    came, answered = (sum(len(getattr(spot, what)) for spot in at_target) for what in ("requests", "replies"))
    if not 0 < back < sent:
        return None
    return "target" if came == sent and answered == back else "way"


def _is_circling(spot: Spot) -> bool:
    return len({hit.ttl for hit in spot.requests}) > _FEWEST_ROUNDS


def _is_detour(sender: tuple[Spot, ...]) -> bool:
    """The same segment carries the request twice, one hop older the second time."""
    return any(len({hit.ttl for hit in spot.requests}) > 1 and len({hit.source_mac for hit in spot.requests}) > 1
               for spot in sender)  # fmt: skip
