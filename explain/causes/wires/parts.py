"""Who plays which part: as somebody told it, else as the states and the frames show it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from explain.causes.context import context_of
from explain.causes.wires.sightings import look
from explain.record import dataclass
from explain.state.routing.routes import Query, look_up
from explain.state.segment.network import is_switch
from explain.state.settings import is_router
from explain.state.walk import told_role
from explain.table import FRESH_TTLS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.causes.wires.spots import Spot
    from explain.state.records import HostState

_LOOPBACK_AND_ONE = 2
_UNTOLD = 0
"""The TTL where a capture is a text without it."""
_NEIGHBOUR_SILENT = (".host-unreachable", ".address-unreachable")


@dataclass(frozen=True, slots=True)
class Parts:
    """The places at the sender and at the target, and who everybody is.

    Attributes:
        by_node: sender, target, router, switch or bystander, by name.
        sender: the places at the sender's own interfaces.
        is_sender_guessed: nobody told which these are; the frames look like it.
        target: the places at the target's own interfaces.
        beside_target: places on the target's link of which nobody told whose they are. What is seen there has come
            to the last link, what is not was never sent on; an answer may go elsewhere unseen.
    """

    by_node: dict[str, str]
    sender: tuple[Spot, ...]
    is_sender_guessed: bool
    target: tuple[Spot, ...]
    beside_target: tuple[Spot, ...]


def parts_of(spots: list[Spot], witnesses: Witnesses, context: Context) -> Parts:
    """Who is who among the places of the captures and the hosts of the states."""
    named = _named_senders(spots, witnesses)
    sender = named or _likely_senders(spots, witnesses, context)
    by_node = _named(sender, witnesses, context.destination)
    sender = _on_its_way(sender, witnesses, context)
    if not any(spot.requests for spot in sender):
        is_idle = not any(spot.asked for spot in sender) and _way_out(witnesses, context) is None
        if any(spot.requests for spot in spots) or (is_idle and not are_everywhere(sender, witnesses)):
            sender = ()  # they left by an interface that was not recorded, or may have
    target = tuple(spot for spot in spots if by_node.get(spot.node or "") == "target")
    if witnesses.topology.roles or target:
        return Parts(by_node, sender, not named, target, ())
    routers = {name: "router" for name in _routers(spots, context.destination) if name not in by_node}
    return Parts(by_node | routers, sender, not named, (), _beside(spots, sender, context.destination))


def _named_senders(spots: Iterable[Spot], witnesses: Witnesses) -> tuple[Spot, ...]:
    """The places of whom somebody called the sender."""
    roles = witnesses.topology.roles
    names = {name for name, role in roles.items() if role in {"S", "sender"}} | {witnesses.sender}
    return tuple(spot for spot in spots if spot.node is not None and spot.node in names)


def _likely_senders(spots: Iterable[Spot], witnesses: Witnesses, context: Context) -> tuple[Spot, ...]:
    """The place that saw requests as fresh as a host sends them, or a question without an answer.

    That is one for the destination, or of whoever reports that nobody answered: the sender, or a router that
    translates, which reports from the address that it asks from.
    Whoever listens further on sees less of both: that he sees nothing leave is no sign that nothing left.
    """
    unnamed = [spot for spot in spots if spot.node is None or not _is_told(witnesses)]
    seen = _freshest(unnamed)
    if seen:
        first = seen[:1] if _is_fresh(seen[0], witnesses) else ()
        # What a host sends by one of its interfaces may be answered by way of another.
        names = {spot.node for spot in first} - {None}
        return (*first, *(spot for spot in unnamed if spot.node in names and spot.replies and not spot.requests))
    # Elsewhere on the link only the question is heard, and not the answer, which goes to the asker alone.
    said = witnesses.text.symptoms if witnesses.text else ()
    if said and not any(each.id.endswith(_NEIGHBOUR_SILENT) for each in said):
        return ()
    speakers = _silent_speakers(witnesses)
    return tuple(
        spot
        for spot in unnamed
        for wanted, rows in spot.unanswered().items()
        if (wanted == context.destination and (said or len(rows) > 1)) or spot.askers[wanted] & speakers
    )[:1]


def _is_told(witnesses: Witnesses) -> bool:
    """Whether somebody has given parts to names; names without any place no one."""
    return bool(witnesses.topology.roles) or witnesses.sender is not None


def _is_fresh(spot: Spot, witnesses: Witnesses) -> bool:
    """Whether the requests have passed no router yet, as far as their hops and the command tell."""
    text, command = witnesses.text, witnesses.known_command
    if text is not None and text.hops:
        # Where the first router is silent, the one behind it would see the same, each probe with one hop less.
        is_silent = not any(hop.addresses for hop in text.hops)
        return is_silent or any(told.speaker in text.hops[0].addresses for told in spot.errors)
    sent = command.ttl if command is not None else None
    most = max(hit.ttl for hit in spot.requests)
    return most in {_UNTOLD, *(FRESH_TTLS if sent is None else {sent})}


def _on_its_way(sender: tuple[Spot, ...], witnesses: Witnesses, context: Context) -> tuple[Spot, ...]:
    """The sender's places that a packet of the command passes; that another interface is silent tells nothing."""
    out = _way_out(witnesses, context)
    return tuple(
        spot
        for spot in sender
        if out is None
        or (spot.interface in {out, "any"} if spot.interface else spot.asked)
        or spot.requests
        or spot.replies
        or spot.resets
        or context.destination in spot.asked
    )


def _way_out(witnesses: Witnesses, context: Context) -> str | None:
    """The interface that the command was bound to, or that the sender's routes lead to."""
    command = witnesses.known_command
    bound = (command.interface if command else None) or (witnesses.text.interface if witnesses.text else None)
    state = next((each for each in witnesses.states if each.name == witnesses.sender), None)
    if bound or state is None or context.destination is None or len(state.interfaces or ()) <= _LOOPBACK_AND_ONE:
        return bound
    hop = look_up(state, Query(ip_address(context.destination).version, context.destination)).nexthop
    return hop.device if hop else None


def with_sender(witnesses: Witnesses) -> Witnesses:
    """Which host ran the command: as told, or the one that has the address it sent from.

    Who says that nobody answers, forwards nothing and is not the target, is the sender's own kernel.  A single state
    beside a text alone is that of the host in front of the reader, unless it cannot be.
    """
    if witnesses.sender is not None or not witnesses.states:
        return witnesses
    source = witnesses.text.source if witnesses.text else None
    spots = () if source else tuple(look(witnesses, context_of(witnesses)))
    fresh = (spot for spot in _freshest(spots) if _is_fresh(spot, witnesses))
    sources = ({source} if source else {hit.src for spot in fresh for hit in spot.requests}) or (
        _own_speakers(witnesses) or _askers(witnesses, spots)
    )
    owners = [each for each in witnesses.states if any(each.owner_of(address) for address in sources)]
    if len(owners) > 1:  # one address on two hosts
        owners = [each for each in owners if not is_router(each, 4) and not is_router(each, 6)]
    if not owners and len(witnesses.states) == 1 and witnesses.table is None:
        owners = [each for each in _ends(witnesses, context_of(witnesses).destination) if not is_switch(each)]
    return replace(witnesses, sender=owners[0].name if len(owners) == 1 else None)


def interfaces_of(name: str | None, witnesses: Witnesses) -> set[str] | None:
    """A host's interfaces by its state, else by the cables; None if nobody told them."""
    state = next((each for each in witnesses.states if each.name == name), None)
    if state is not None and state.interfaces is not None:
        return {each.name for each in state.interfaces if each.is_up and not each.is_loopback}
    ends = [end for a, one, b, other in witnesses.topology.links or () for end in ((a, one), (b, other))]
    return {interface for node, interface in ends if node == name} or None


def are_everywhere(places: tuple[Spot, ...], witnesses: Witnesses) -> bool:
    """Whether some hosts were listened to at all of their interfaces, as far as anybody told these."""
    heard: dict[str | None, set[str | None]] = {}
    for spot in places:
        heard.setdefault(spot.node, set()).add(spot.interface)
    return all(
        bool(names & {None, "any"}) or len(interfaces_of(node, witnesses) or ()) <= len(names)
        for node, names in heard.items()
    )


def _ends(witnesses: Witnesses, destination: str | None) -> list[HostState]:
    """The hosts that may have run the command: they forward nothing, and the destination is not theirs."""
    ends = (each for each in witnesses.states if not is_router(each, 4) and not is_router(each, 6))
    return [each for each in ends if not each.owner_of(destination or "")]


def _own_speakers(witnesses: Witnesses) -> set[str]:
    """Addresses from which a host that is neither router nor target reported on its neighbour."""
    ends = _ends(witnesses, context_of(witnesses).destination)
    return {address for address in _silent_speakers(witnesses) if any(each.owner_of(address) for each in ends)}


def _silent_speakers(witnesses: Witnesses) -> set[str]:
    """Addresses from which somebody reported, as the text says, that a neighbour did not answer."""
    told = witnesses.text.all("icmp.") if witnesses.text else ()
    return {str(each.values.get("from")) for each in told if each.id.endswith(_NEIGHBOUR_SILENT)}


def _askers(witnesses: Witnesses, spots: Iterable[Spot]) -> set[str]:
    """Addresses under which a host asked in vain for the neighbour that its own routes to the destination name."""
    destination = context_of(witnesses).destination
    found: set[str] = set()
    if destination is None:
        return found
    for end in _ends(witnesses, destination):
        hop = look_up(end, Query(ip_address(destination).version, destination)).nexthop
        wanted = (hop.gateway or destination) if hop else None
        if wanted and not any(wanted in spot.answered for spot in spots):
            askers = {one for spot in spots for one in spot.askers.get(wanted, ())}
            found |= {one for one in askers if end.owner_of(one)}
    return found


def _freshest(spots: Iterable[Spot]) -> tuple[Spot, ...]:
    """The places that saw requests with the most hops to go."""
    spots = tuple(spots)
    hottest = max((hit.ttl for spot in spots for hit in spot.requests), default=None)
    return tuple(spot for spot in spots if any(hit.ttl == hottest for hit in spot.requests))


def _named(sender: Iterable[Spot], witnesses: Witnesses, destination: str | None) -> dict[str, str]:
    """As told, else as the states show it; a router may answer for a host behind it."""
    parts: dict[str, str] = {}
    for name, role in witnesses.topology.roles.items():
        parts[name] = "router" if role[:1] == "R" or role.startswith("router") else told_role(role)
    for state in witnesses.states:
        if state.name in parts or not destination or is_router(state, ip_address(destination).version):
            continue
        if state.owner_of(destination):
            parts[state.name] = "target"
    return parts | {spot.node: "sender" for spot in sender if spot.node is not None}


def _routers(spots: Iterable[Spot], destination: str | None) -> set[str]:
    """Nodes with several places that have no sender of frames in common; a switch would carry their broadcasts on.

    One that got a request, not on the destination's own link, may have let nothing out at its other places.
    """
    by_node: dict[str, list[Spot]] = {}
    for spot in spots:
        if spot.node is not None:
            by_node.setdefault(spot.node, []).append(spot)
    found = set()
    for node, places in by_node.items():
        has_got = any(spot.requests and destination not in spot.answered for spot in places)
        macs = [spot.macs for spot in places if spot.macs or has_got]
        if len(macs) > 1 and not set.intersection(*macs):
            found.add(node)
    return found


def _beside(spots: Iterable[Spot], sender: tuple[Spot, ...], destination: str | None) -> tuple[Spot, ...]:
    """Places that saw the destination answer for its own address, beyond the first router.

    The answer goes to one MAC alone, so whoever sees it sees what is sent to the destination as well. On the sender's
    own link a router may answer for it (proxy ARP), so requests must have come there with fewer hops, or not at all.
    """
    hottest = max((hit.ttl for spot in sender for hit in spot.requests), default=0)
    # Of two interfaces of one host on the link both answer, each with its MAC, and requests come to one of them.
    macs = {mac for spot in spots for mac in spot.answered.get(destination or "", ())}
    return tuple(
        spot
        for spot in spots
        if set(spot.answered.get(destination or "", ())) == macs
        and macs
        and spot not in sender
        and all(hit.ttl < hottest for hit in spot.requests)
    )
