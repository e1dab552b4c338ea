"""The view that blaming takes of a path: who is who, who shares a segment, who would be right."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from explain.state.addresses import BITS, Network, is_link_local
from explain.state.segment.network import Place, is_bridge, is_switch, segment
from explain.state.settings import is_router
from explain.state.way.path import Locus, Path, StateCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.state.one_host.decision import Decider
    from explain.state.records import Address, HostState, Interface

STRIKES_SOME = frozenset({"icmp-rate-limited", "partial-loss"})
"""What a rule that is there may do to some packets, and to none of a short run."""


class Scene:
    """A path with the questions that are asked of it again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.network = path.network
        self.family = path.request.family
        self.sender = path.sender
        self.target = path.target

    def host(self, name: str) -> HostState:
        """The state of a host."""
        return self.network.hosts[name]

    def part(self, name: str) -> str:
        """``sender``, ``target``, ``switch`` or ``router``: the part that a host plays on this way."""
        if name == self.sender:
            return "sender"
        role = self.path.roles.get(name, "")
        if name == self.target or role == "target":
            return "target"
        request = self.path.leg("request")
        if request and request.last.host == name and request.last.verdict == "delivered":
            return "target"
        return role if role in {"switch", "bystander"} else "router"

    def locus(self, name: str | None, interface: str | None = None, by: Decider | None = None) -> Locus:
        """The contract's locus of an object on a host."""
        role = self.path.roles.get(name or "", "bystander") if name else "target"
        return Locus(
            role,
            name,
            interface or (by.interface if by else None),
            by.address if by else None,
            by.rule if by else None,
        )

    def cause(
        self,
        cause: str,
        name: str | None,
        by: Decider | None = None,
        *,
        interface: str | None = None,
        certainty: str = "proved",
        direction: str | None = None,
        role: str | None = None,
    ) -> StateCause:
        """A cause at a host."""
        place = self.locus(name, interface, by)
        if role is not None:
            place = Locus(role, place.node, place.interface, place.address, place.rule)
        return StateCause(cause, certainty, (place,), (by,) if by else (), direction)

    def wired(self, name: str) -> list[Interface]:
        """The interfaces of a host that a cable may be in; no loopback."""
        return [each for each in self.host(name).interfaces or () if not each.is_loopback]

    def down(self, name: str) -> list[Interface]:
        """Interfaces of a host that an administrator took down; of a switch not the bridge, of a host also that."""
        state = self.host(name)
        is_own = not is_switch(state) or self.part(name) == "sender"
        return [each for each in self.wired(name) if not each.is_up and (is_own or not is_bridge(state, each.name))]

    def addresses(self, interface: Interface | None) -> list[Address]:
        """An interface's addresses of the path's family, without link-local ones."""
        listed = (interface.addresses if interface else None) or ()
        return [each for each in listed if each.family == self.family and not is_link_local(each.local)]

    def own_addresses(self, name: str) -> list[tuple[Interface, Address]]:
        """All addresses of a host on its wires, of the path's family, without link-local ones."""
        return [(each, address) for each in self.wired(name) for address in self.addresses(each)]

    def neighbours(self, place: Place) -> list[Place]:
        """The other ends of a segment that belong to other hosts and are no mere switches."""
        return [each for each in segment(self.network, place) if each[0] != place[0] and each[0] in self.network.hosts]

    def routers_on(self, place: Place) -> list[Place]:
        """The hosts of a segment that forward."""
        return [each for each in self.neighbours(place) if is_router(self.host(each[0]), self.family)]

    def owner(self, address: str | None) -> str | None:
        """The host that has an address, anywhere."""
        if address is None:
            return None
        return next((name for name, state in self.network.hosts.items() if state.owner_of(address)), None)

    def others_networks(self, place: Place) -> list[tuple[str, Network]]:
        """The on-link prefixes that the others of a segment use there."""
        return [
            (name, network)
            for name, device in self.neighbours(place)
            for address in self.addresses(self.host(name).interface(device))
            if (network := address.network) is not None and network.length < BITS[self.family]
        ]

    def mask_error(self, place: Place) -> tuple[Address, int] | None:
        """An address whose prefix length is not that of the others of its subnet, and the right length.

        An IPv6 address of its own (/128), as DHCPv6 gives it, says nothing of the subnet where another route leads
        into it.  Source: RFC 5942 section 4.
        """
        for own in self.addresses(self.host(place[0]).interface(place[1])):
            if own.prefix_length == BITS[6] and self._is_led_into(place[0], own):
                continue
            network = own.network
            lengths = Counter(
                other.length
                for _, other in self.others_networks(place)
                if other.covers(own.local) or (network is not None and _overlaps(network, other))
            )
            if not lengths or own.prefix_length in lengths:
                continue
            return own, lengths.most_common(1)[0][0]
        return None

    def _is_led_into(self, name: str, own: Address) -> bool:
        """Whether a route, and not the address itself, tells a host where the others of its subnet are."""
        return any(
            route.type == "unicast" and route.network.length < own.prefix_length and route.network.covers(own.local)
            for route in self.host(name).routes.get(own.family, ())
        )

    def is_misplaced(self, place: Place) -> bool:
        """Whether none of the others of a segment share a subnet with this one, though they have subnets."""
        own = [each.network for each in self.addresses(self.host(place[0]).interface(place[1]))]
        others = [network for _, network in self.others_networks(place)]
        mine = [network for network in own if network is not None]
        if not mine or not others:
            return False
        return not any(_overlaps(one, other) for one in mine for other in others)

    def is_complete(self) -> bool:
        """Whether every cable of the hosts that the packet met ends at a host whose state is known.

        Where hosts are only taken to share a segment, whatever joins them is not shown.  A host that asks
        itself needs no cable.
        """
        met = {step.decision.host for step in self.path.steps}
        if self.path.outcome == "answered" and len(met) == 1:
            return True
        places = [
            (name, each.name) for name in met for each in self.wired(name) if not is_bridge(self.host(name), each.name)
        ]
        around = {place for start in places for place in segment(self.network, start)}
        ports = [
            (name, each.name)
            for name in {place[0] for place in around}
            if name in self.network.hosts
            for each in self.wired(name)
            if not is_bridge(self.host(name), each.name)
        ]
        return all(self.network.is_joined(place) for place in (*places, *ports))

    def is_contradicted(self) -> bool:
        """Whether a host's neighbour table says that nobody answered where somebody should have."""
        return any(
            step.resolution is not None
            and step.resolution.kind in {"answered", "proxied"}
            and step.resolution.entry is not None
            and bool(step.resolution.entry.states & {"FAILED", "INCOMPLETE"})
            for step in self.path.steps
        )

    def first_device(self, name: str) -> str | None:
        """The interface that a host sends by, or would: the only one, or the first with an address."""
        addressed = [each.name for each, _ in self.own_addresses(name)]
        wired = [each.name for each in self.wired(name)]
        return (addressed or wired or [None])[0]  # type: ignore[list-item]  # a host may have no wire at all


def _overlaps(one: Network, other: Network) -> bool:
    return one.family == other.family and (one.has(other.number) or other.has(one.number))


def unique(causes: Iterable[StateCause]) -> tuple[StateCause, ...]:
    """Each cause once, the first of its kind; what comes first stays first."""
    found: dict[str, StateCause] = {}
    for each in causes:
        found.setdefault(each.cause, each)
    return tuple(found.values())


def filter_cause(part: str, hook: str | None) -> str:
    """The id for a filter by the part that its host plays and the hook that it sits on."""
    if hook == "forward" and part in {"sender", "target"}:
        return "filter-on-router-forward"  # it has the address that was asked, and sends what comes there further on
    if part == "sender":
        return "filter-on-sender-output" if hook in {"output", "postrouting", "egress"} else "filter-on-sender-input"
    if part == "target":
        if hook == "ingress":
            return "filter-on-target-ingress"
        return "filter-on-target-output" if hook in {"output", "postrouting", "egress"} else "filter-on-target-input"
    return "filter-on-switch" if part == "switch" else "filter-on-router-forward"
