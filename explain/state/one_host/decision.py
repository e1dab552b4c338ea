"""What one host does with one packet, and the object that decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explain.model import Line

if TYPE_CHECKING:
    from explain.state.filters.verdict import Verdict
    from explain.state.one_host.flows import Flow
    from explain.state.packet import Packet
    from explain.state.routing.outgoing import Sending
    from explain.state.routing.routes import Found

_GOES_ON = frozenset({"sent", "forwarded", "delivered"})


@dataclass(frozen=True, slots=True)
class Decider:
    """The object of a host's state that decided.

    Attributes:
        kind: ``route``, ``policy-rule``, ``filter-rule``, ``filter-policy``, ``sysctl``, ``interface``,
            ``address``, ``socket``, ``neighbour``, ``bridge-port``, ``fdb``, ``mtu``, ``ttl``, ``counter``.
        text: the object as its own tool prints it, such as a line of ``ip route``.
        interface: the interface it belongs to, if it belongs to one.
        address: the address it is about, if it is about one.
        rule: name of the rule, such as ``inet fw forward handle 2``.
        said: the text as a sentence to come, where no tool prints such an object.
    """

    kind: str
    text: str
    interface: str | None = None
    address: str | None = None
    rule: str | None = None
    said: Line | None = None

    @property
    def told(self) -> Line | str:
        """The object as it is shown to people: in their language, or as its tool prints it."""
        return self.said or self.text


def worded(
    kind: str, text: str, message: str, interface: str | None = None, address: str | None = None, **values: object
) -> Decider:
    """An object that no tool prints: what is missing, or what differs; ``path.object.<message>`` says the text."""
    return Decider(kind, text, interface, address, said=Line(f"path.object.{message}", values))


@dataclass(frozen=True, slots=True)
class Look:
    """What the filters of one hook made of the packet."""

    hook: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What one host does with one packet.

    Attributes:
        host: its name.
        packet: the packet as it came to this host (or as it was asked to be sent).
        verdict: ``sent`` (its own packet leaves), ``forwarded``, ``delivered`` (it is for this host), ``dropped``
            (silently), ``rejected`` (with ``answer``), ``refused`` (the program on this host is told at once).
        reason: what happened, one word: ``no-route``, ``filter``, ``forwarding-off``, ``ttl-expired``, ...;
            the same as the verdict where nothing stopped the packet.
        is_certain: False if something that the state does not tell could change the decision.
        by: the object that decided.
        found: the route look-up, if one was made.
        interface: the outgoing interface.
        next_hop: whose MAC is needed; None if nobody's (broadcast, loopback).
        out: the packet as it leaves, or as the program gets it.
        answer: what this host sends back: the reply, a RST, an ICMP error.
        looks: the filters that the packet met, hook by hook.
        sending: of an own packet, how its way out was found.
        flow: what connection tracking remembers of it.
        hook: the hook that stopped it, if a filter did.
        doubts: what is unknown and could matter.
    """

    host: str
    packet: Packet
    verdict: str
    reason: str
    is_certain: bool = True
    by: Decider | None = None
    found: Found | None = None
    interface: str | None = None
    next_hop: str | None = None
    out: Packet | None = None
    answer: Packet | None = None
    looks: tuple[Look, ...] = ()
    sending: Sending | None = None
    flow: Flow | None = None
    hook: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether the packet's way does not end here in failure."""
        return self.verdict in _GOES_ON

    @property
    def certainty(self) -> str:
        """``yes`` or ``unknown``, as reports write it."""
        return "yes" if self.is_certain else "unknown"

    @property
    def is_translated(self) -> bool:
        """Whether an address or a port changed here."""
        if self.out is None or self.packet.source is None:
            return False
        before, after = self.packet, self.out
        return (before.source, before.destination, before.source_port, before.destination_port) != (
            after.source,
            after.destination,
            after.source_port,
            after.destination_port,
        )
