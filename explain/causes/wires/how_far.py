"""How far request and answer came, from what every place saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.wires.parts import are_everywhere
from explain.causes.wires.unresolved import unresolved
from explain.causes.wires.vanish import Vanished

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.wires.parts import Parts
    from explain.causes.wires.spots import Spot

_FEWEST_HOPS = 16
"""Less than any host begins with."""
_FEWEST_ROUNDS = 4
"""More than the places and the ways of one path make of one packet."""


def vanished(spots: list[Spot], parts: Parts, witnesses: Witnesses, context: Context) -> Vanished:
    """How far it came, from what every place saw."""
    sender, at_target, beside = parts.sender, parts.target, parts.beside_target
    by_node: dict[str, list[Spot]] = {}
    for spot in spots:
        if spot.node is not None:
            by_node.setdefault(spot.node, []).append(spot)
    is_whole = _is_heard_whole(at_target, witnesses) and not _is_elsewhere(context, spots, at_target)
    seen = any(spot.requests for spot in at_target)
    answered = _is_answered(spots, parts, context)
    own = {hit.dst for spot in at_target for hit in spot.requests}
    asks = any(spot.askers[wanted] & own for spot in at_target for wanted in spot.unanswered())
    asked_from = {hit.src for spot in sender for hit in spot.requests}
    return Vanished(
        parts=parts.by_node,
        spots=by_node,
        at_target=seen or (False if is_whole or _was_never_sent_on(beside) else None),
        from_target=answered or (False if is_whole else None),
        silent=asked_in_vain(parts.by_node, by_node, asked_from),
        target_asks=(asks if seen else None) if is_whole else None,
        wanted=frozenset(wanted for spot in sender for wanted in spot.unanswered()),
        is_everywhere=_is_heard_everywhere(spots, witnesses),
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


def _is_heard_whole(at_target: tuple[Spot, ...], witnesses: Witnesses) -> bool:
    """Whether the places at the target heard all that came by it."""
    return bool(at_target) and all(spot.is_whole for spot in at_target) and are_everywhere(at_target, witnesses)


def _is_heard_everywhere(spots: list[Spot], witnesses: Witnesses) -> bool:
    """Whether every node of a network that is wholly known was listened to."""
    roles, heard = witnesses.topology, {spot.node for spot in spots if spot.is_whole}
    return roles.is_whole and set(roles.roles) <= heard and are_everywhere(tuple(spots), witnesses)


def _is_answered(spots: list[Spot], parts: Parts, context: Context) -> bool:
    """Whether an answer was seen, anywhere, or a RST on the target's link."""
    if any(spot.resets for spot in (*parts.target, *parts.beside_target)) or any(spot.replies for spot in spots):
        return True
    return context.tool == "trace" and any(_has_come_to_its_end(spot, context) for spot in spots)


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
