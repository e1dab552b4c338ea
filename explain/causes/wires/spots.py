"""One place of a capture and what it saw of a command: shapes, and whose place it is."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    from explain.causes.diagnosis import Witnesses

NOBODY = {"0.0.0.0", "::"}  # noqa: S104 - addresses on the wire


@dataclass(frozen=True, slots=True)
class Hit:
    """One frame of the command; ``size`` is octets of payload, with all its fragments."""

    row: int
    src: str
    dst: str
    ttl: int
    source_mac: str
    target_mac: str
    is_bad: bool = False
    protocol: str = "icmp"
    size: int = 0
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An ICMP error about a packet of the command."""

    row: int
    name: str
    speaker: str
    about_src: str
    about_dst: str


@dataclass(slots=True)
class Spot:
    """One place and what it saw.

    Attributes:
        node, interface: as named; None where nobody told.
        is_whole: nothing of the file is missing; only then does absence say anything.
        asked: address wanted -> rows of the questions; by others than its owner.
        askers: address wanted -> who asked.
        asking_macs: address wanted -> the MACs of those who asked.
        answered: address wanted -> MACs that were given.
        first_answer: address wanted -> row of the first answer.
        astray: addresses whose owner answered, but to a MAC that nobody else has.
        claimed: addresses that somebody took for its own: by a duplicate check, or by asking under it.
        left: multicast groups that somebody left.
        reports: MAC -> how often it told of its groups.
        macs: whose frames it saw.
        others: packets from the destination that answer something else than the command.
        frames: how many frames it saw at all.
    """

    node: str | None
    interface: str | None
    is_whole: bool
    capture: int
    number: int | None
    frames: int = 0
    first_ns: int | None = None
    requests: list[Hit] = field(default_factory=list)
    replies: list[Hit] = field(default_factory=list)
    resets: list[Hit] = field(default_factory=list)
    errors: list[Told] = field(default_factory=list)
    redirects: list[Told] = field(default_factory=list)
    asked: dict[str, list[int]] = field(default_factory=dict)
    askers: dict[str, set[str]] = field(default_factory=dict)
    asking_macs: dict[str, set[str]] = field(default_factory=dict)
    answered: dict[str, set[str]] = field(default_factory=dict)
    first_answer: dict[str, int] = field(default_factory=dict)
    astray: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    reports: dict[str, int] = field(default_factory=dict)
    macs: set[int] = field(default_factory=set)
    others: int = 0

    @property
    def is_loopback(self) -> bool:
        """Whether it is the loopback device, by its name."""
        return self.interface is not None and self.interface in {"lo", "lo0"}

    def unanswered(self) -> dict[str, list[int]]:
        """Questions that nobody answered here."""
        return {wanted: rows for wanted, rows in self.asked.items() if wanted not in self.answered}


def spots_of(witnesses: Witnesses) -> dict[tuple[int, int | None], Spot]:
    """The places by capture and interface; by None as well where a file has only one."""
    known = sorted({*witnesses.topology.roles, *(s.name for s in witnesses.states), witnesses.sender or ""}, key=len)
    found: dict[tuple[int, int | None], Spot] = {}
    for capture, info in enumerate(witnesses.captures):
        names = [each.vantage for each in info.interfaces] or [info.vantage]
        for number, name in enumerate(names):
            if name is None and info.vantage is not None:
                continue  # nobody selected it
            node, interface = _split(name, known)
            spot = Spot(node, interface, info.damage is None, capture, number)
            found[capture, number] = spot
            if len(names) == 1:
                found[capture, None] = spot
    return found


def _split(name: str | None, known: list[str]) -> tuple[str | None, str | None]:
    """``NAME:IFACE`` as typed, ``NAME.IFACE`` as our own recorder names interfaces; else the name of a host."""
    if name is None:
        return None, None
    node, colon, interface = name.partition(":")
    if colon:
        inner = next((k for k in reversed(known) if k and interface.startswith(f"{k}.")), None)
        return (inner, interface[len(inner) + 1 :]) if inner else (node, interface)
    if name in known:
        return name, None
    node = next((each for each in reversed(known) if each and name.startswith(f"{each}.")), None) or ""
    if node:
        return node, name[len(node) + 1 :]
    node, dot, interface = name.partition(".")
    return (node, interface) if dot and node else (name, None)
