"""What a lab file says, once it is checked: plain frozen records, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Route:
    """A route as ``ip route add`` takes it.

    Attributes:
        kind: unicast, blackhole, unreachable, prohibit, throw or local.
        to: destination prefix, ``default`` written as 0.0.0.0/0 or ::/0.
        via: next hop, or None.
        metric, table: as the kernel numbers them; None for its default.
        is_onlink: pretend that ``via`` is on the wire.
    """

    text: str
    kind: str
    to: str
    via: str | None = None
    dev: str | None = None
    src: str | None = None
    metric: int | None = None
    table: int | None = None
    mtu: int | None = None
    is_onlink: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy rule as ``ip rule add`` takes it; ``action`` is lookup, blackhole, unreachable or prohibit."""

    text: str
    family: int
    action: str
    table: int | None = None
    source: str | None = None
    to: str | None = None
    iif: str | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A neighbour entry as ``ip neigh add`` takes it; ``state`` is a word of NUD, in lower case."""

    text: str
    address: str
    dev: str
    mac: str | None = None
    state: str = "permanent"
    is_proxy: bool = False


@dataclass(frozen=True, slots=True)
class ForwardingEntry:
    """A bridge's forwarding entry: ``mac`` is behind ``port``; a sticky one never moves."""

    text: str
    mac: str
    port: str
    is_sticky: bool = False


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface of a node.

    Attributes:
        addresses: with prefix length, as ``192.0.2.1/24``.
        mtu: octets, None for the kernel's 1500.
        is_member: on a switch: the port is enslaved to the bridge.
        is_isolated: on a switch: isolated ports do not speak to each other.
    """

    name: str
    mac: str
    addresses: tuple[str, ...] = ()
    mtu: int | None = None
    is_up: bool = True
    has_arp: bool = True
    is_member: bool = True
    is_isolated: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A host, a router, a switch or a repeater.

    Attributes:
        role: the letter of case.json: S sender, T target, R1.. routers, SW switch, X bystander.
        nft: rules in nft's own language, or None.
        nameservers: what its resolv.conf names.
        hosts: name -> address of its /etc/hosts.
    """

    name: str
    kind: str
    role: str
    nics: tuple[Nic, ...]
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    forwarding_entries: tuple[ForwardingEntry, ...] = ()
    sysctl: Mapping[str, str] | None = None
    nft: str | None = None
    nameservers: tuple[str, ...] = ()
    hosts: Mapping[str, str] | None = None
    has_stp: bool = False
    has_loopback: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two interfaces, each ``(node, interface)``."""

    ends: tuple[tuple[str, str], tuple[str, str]]

    @property
    def text(self) -> str:
        """The cable as a lab file writes it."""
        (a, x), (b, y) = self.ends
        return f"{a}.{x} -- {b}.{y}"


@dataclass(frozen=True, slots=True)
class Service:
    """A server on a node.

    Attributes:
        kind: a key of ``explain.lab.services.SERVICES``.
        port: where it listens, None where the kind does not.
        options: the kind's own, checked.
    """

    on: str
    kind: str
    port: int | None
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wait:
    """A condition to wait for.

    Attributes:
        kind: neighbour, listening, address, frames or quiet.
        value: the neighbour's address, ``tcp/80``, an address, a count of frames, or seconds of silence.
        state: of a neighbour, such as STALE, or its MAC; of an address, such as tentative.
        interface: where frames are counted.
    """

    on: str | None
    kind: str
    value: str
    state: str | None = None
    interface: str | None = None
    timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Step:
    """A command on a node, as a person would type it.

    Attributes:
        status: the exit status it should end with; None if it does not matter.
        shows: texts that its output should contain.
        timeout_s: after this it is ended, and its exit status is 124 as ``timeout`` has it.
        is_background: it goes on while later steps run, until the lab ends.
        is_main: what a person would ask about; its text becomes the case's.  None where the file does not say.
        has_raw_sockets: False takes CAP_NET_RAW away, as from an ordinary user.
    """

    on: str
    run: tuple[str, ...]
    status: int | None = 0
    shows: tuple[str, ...] = ()
    timeout_s: float = 20.0
    is_background: bool = False
    is_main: bool | None = None
    has_raw_sockets: bool = True


@dataclass(frozen=True, slots=True)
class Lab:
    """A whole lab file.

    Attributes:
        name: the folder it stands in.
        title: language -> one line.
        chapter: groups labs in ``explain lab list``.
        cause: the cause that this lab makes (CAUSES.md), ``healthy`` where nothing is wrong.
        ipv6: off, quiet (no duplicate address detection, no solicitations) or natural.
        fault: steps that break the network before the recording's own steps.
        text: the file as it was read.
    """

    name: str
    title: Mapping[str, str]
    chapter: str
    cause: str
    also: tuple[str, ...]
    needs: tuple[str, ...]
    ipv6: str
    has_offload: bool
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    services: tuple[Service, ...]
    fault: tuple[Step, ...]
    steps: tuple[Step | Wait, ...]
    settle_s: float
    text: str

    def node(self, name: str) -> Node:
        """The node of this name."""
        return next(node for node in self.nodes if node.name == name)
