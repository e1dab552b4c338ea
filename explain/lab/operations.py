"""What building a lab does, one record per act; each can say the command that a person would type for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from explain.lab.records import ForwardingEntry, Neighbour, Route, Rule, Service, Step, Wait


@dataclass(frozen=True, slots=True)
class CreateNode:
    """A network namespace, with the recorder's ear in it before anything is up."""

    node: str
    resolv_conf: str
    hosts: str
    needs_own_files: bool

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip netns add {self.node}"


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """One kernel setting of a node; an optional one may be absent from this kernel."""

    node: str
    key: str
    value: str
    is_optional: bool = False

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip netns exec {self.node} sysctl -w {self.key}={self.value!r}".replace("'", '"')


@dataclass(frozen=True, slots=True)
class ConnectNodes:
    """A cable: a pair of veth interfaces, both ends placed, named and numbered at once."""

    a: str
    a_nic: str
    a_mac: str
    a_index: int
    b: str
    b_nic: str
    b_mac: str
    b_index: int

    @property
    def command(self) -> str:
        """As typed."""
        return (
            f"ip link add {self.a_nic} netns {self.a} address {self.a_mac} type veth "
            f"peer name {self.b_nic} netns {self.b} address {self.b_mac}"
        )


@dataclass(frozen=True, slots=True)
class CreateBridge:
    """The bridge inside a switch or repeater."""

    node: str
    nic: str
    mac: str
    index: int
    has_stp: bool

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip -n {self.node} link add {self.nic} address {self.mac} type bridge stp_state {int(self.has_stp)}"


@dataclass(frozen=True, slots=True)
class JoinBridge:
    """A port of a switch."""

    node: str
    nic: str
    is_isolated: bool
    learns: bool

    @property
    def command(self) -> str:
        """As typed."""
        words = " type bridge_slave isolated on" if self.is_isolated else ""
        words = " type bridge_slave learning off" if not self.learns else words
        return f"ip -n {self.node} link set {self.nic} master br0{words}"


@dataclass(frozen=True, slots=True)
class SetNic:
    """Everything about one interface but its addresses and whether it is up."""

    node: str
    nic: str
    mtu: int | None
    has_arp: bool
    has_offload: bool

    @property
    def command(self) -> str:
        """As typed."""
        words = [f"mtu {self.mtu}"] if self.mtu else []
        words += [] if self.has_arp else ["arp off"]
        link = f"ip -n {self.node} link set {self.nic} {' '.join(words)}" if words else ""
        offload = f"ip netns exec {self.node} ethtool -K {self.nic} rx off tx off tso off gso off gro off"
        return "; ".join(text for text in (link, "" if self.has_offload else offload) if text)


@dataclass(frozen=True, slots=True)
class AddAddress:
    """An address of an interface; ``is_quiet`` leaves duplicate address detection out."""

    node: str
    nic: str
    address: str
    is_quiet: bool

    @property
    def command(self) -> str:
        """As typed."""
        nodad = " nodad" if self.is_quiet and ":" in self.address else ""
        return f"ip -n {self.node} address add {self.address} dev {self.nic}{nodad}"


@dataclass(frozen=True, slots=True)
class LoadRules:
    """Filter and translation rules."""

    node: str
    nft: str

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip netns exec {self.node} nft '{' '.join(self.nft.split())}'"


@dataclass(frozen=True, slots=True)
class RaiseNic:
    """An interface goes up."""

    node: str
    nic: str

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip -n {self.node} link set {self.nic} up"


@dataclass(frozen=True, slots=True)
class AddRoute:
    """A route."""

    node: str
    route: Route

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip -n {self.node} route add {self.route.text}"


@dataclass(frozen=True, slots=True)
class AddRule:
    """A policy rule."""

    node: str
    rule: Rule

    @property
    def command(self) -> str:
        """As typed."""
        family = "-6 " if self.rule.family == 6 else ""
        return f"ip {family}-n {self.node} rule add {self.rule.text}"


@dataclass(frozen=True, slots=True)
class AddNeighbour:
    """A neighbour entry that nobody has to ask for."""

    node: str
    neighbour: Neighbour

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip -n {self.node} neigh add {self.neighbour.text}"


@dataclass(frozen=True, slots=True)
class AddForwardingEntry:
    """An entry of a bridge's forwarding table."""

    node: str
    entry: ForwardingEntry

    @property
    def command(self) -> str:
        """As typed."""
        return f"bridge -n {self.node} fdb add {self.entry.text}"


@dataclass(frozen=True, slots=True)
class StartService:
    """A server, started and waited for until it listens."""

    service: Service

    @property
    def command(self) -> str:
        """In words: there is no one command for it."""
        port = f" on port {self.service.port}" if self.service.port else ""
        return f"# {self.service.on}: {self.service.kind} service{port}"


@dataclass(frozen=True, slots=True)
class Break:
    """A command that breaks the network: the lab's fault."""

    step: Step

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip netns exec {self.step.on} {typed(self.step.run)}   # the fault"


@dataclass(frozen=True, slots=True)
class Perform:
    """A command whose traffic is the lesson."""

    step: Step

    @property
    def command(self) -> str:
        """As typed."""
        return f"ip netns exec {self.step.on} {typed(self.step.run)}" + (" &" if self.step.is_background else "")


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """A condition that later steps rely on."""

    wait: Wait

    @property
    def command(self) -> str:
        """In words."""
        at = f" on {self.wait.on}" if self.wait.on else ""
        state = f" is {self.wait.state}" if self.wait.state else ""
        return f"# wait{at} until {self.wait.kind} {self.wait.value}{state}"


Operation: TypeAlias = (
    CreateNode
    | SetSysctl
    | ConnectNodes
    | CreateBridge
    | JoinBridge
    | SetNic
    | AddAddress
    | LoadRules
    | RaiseNic
    | AddRoute
    | AddRule
    | AddNeighbour
    | AddForwardingEntry
    | StartService
    | Break
    | Perform
    | WaitUntil
)


def typed(run: tuple[str, ...]) -> str:
    """A command line as a person would type it."""
    import shlex

    return shlex.join(run)
