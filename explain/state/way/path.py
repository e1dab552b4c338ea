"""The record of a way through a network: steps, the place where it stops, the causes that the states prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.state.one_host.decision import Decider, Decision
    from explain.state.packet import Packet
    from explain.state.segment.carry import Carried, Obstacle
    from explain.state.segment.network import Network, Place
    from explain.state.segment.resolve import Resolution


@dataclass(frozen=True, slots=True)
class Step:
    """One host on the way.

    Attributes:
        direction: ``request``, ``reply`` or ``error``.
        resolution: whose MAC was asked for, if the packet left the host.
        carried: what became of the frame on the segment.
        to: the interface that takes the frame.
    """

    direction: str
    decision: Decision
    resolution: Resolution | None = None
    carried: Carried | None = None
    to: Place | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a packet's way ends in failure.

    Attributes:
        reason: the decision's reason, or ``unresolved`` (no MAC), ``lost`` (on the segment), ``nobody-has-mac``,
            ``loop``, ``elsewhere`` (another host took it), ``unexpected-source`` (the answer comes from an address
            that was not asked), ``other-interface`` (the socket is bound to another interface than the answer's),
            ``unseen`` (the next host is not among the states).
        host: where.
        obstacle: what the frame met on the segment, if that is where it ended.
    """

    reason: str
    direction: str
    host: str
    decision: Decision
    resolution: Resolution | None = None
    obstacle: Obstacle | None = None
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Leg:
    """One packet's way from the host that makes it to where it ends."""

    direction: str
    packet: Packet
    steps: tuple[Step, ...]
    stop: Stop | None

    @property
    def last(self) -> Decision:
        """The last host's decision."""
        return self.steps[-1].decision

    @property
    def answer(self) -> Packet | None:
        """What the last host sends back."""
        return self.last.answer


@dataclass(frozen=True, slots=True)
class Locus:
    """Where a cause lies: the contract's ``locus``. Absent parts are None."""

    role: str
    node: str | None = None
    interface: str | None = None
    address: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class StateCause:
    """A cause that the states show.

    Attributes:
        cause: an id of the vocabulary of causes.
        certainty: ``proved``, ``likely`` or ``possible``.
        because: the object that shows it, as its tool prints it.
        direction: on which way it strikes.
    """

    cause: str
    certainty: str
    locus: tuple[Locus, ...]
    because: tuple[Decider, ...]
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """A packet's way to the target and the answer's way back.

    Attributes:
        sender: the host that sends.
        target: the host that has, or should have, the destination; None if no state shows it.
        outcome: ``answered``, ``stopped``, or ``unknown`` where the states end.
        legs: request, then reply or error.
        stop: where it ended; None if it was answered.
        causes: most likely first; a section-0 cause where it was answered.
        also: observations that are no cause of failure.
        roles: the role of every host.
        later: causes that would stop it next, were the first ones mended.
    """

    sender: str
    target: str | None
    request: Packet
    outcome: str
    legs: tuple[Leg, ...]
    stop: Stop | None
    network: Network
    roles: dict[str, str]
    causes: tuple[StateCause, ...] = ()
    also: tuple[StateCause, ...] = ()
    later: tuple[StateCause, ...] = ()

    def leg(self, direction: str) -> Leg | None:
        """The way in one direction."""
        return next((each for each in self.legs if each.direction == direction), None)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step in order."""
        return tuple(step for leg in self.legs for step in leg.steps)

    @property
    def is_certain(self) -> bool:
        """Whether every decision on the way is certain."""
        return all(step.decision.is_certain for step in self.steps)
