"""Connection tracking: what a host remembers of a flow, and the way back through its translation.

Source: RFC 3022 section 4 (NAPT), RFC 5508 section 4 (ICMP errors through NAT); nf_conntrack of Linux.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from explain.state.packet import ECHO_REPLY, ICMP, Packet

_NEIGHBOUR_DISCOVERY = frozenset({130, 131, 132, 133, 134, 135, 136, 137, 143})


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses and ports of a packet, with the echo identifier as both ports of a ping."""

    source: str | None
    destination: str
    source_port: int | None
    destination_port: int | None

    def turned(self) -> Ends:
        """The ends of a packet that goes the other way."""
        return Ends(self.destination, self.source or "", self.destination_port, self.source_port)


@dataclass(frozen=True, slots=True)
class Flow:
    """One tracked flow of a host.

    Attributes:
        before: the first packet's ends as they came in.
        after: as they went on; unlike ``before`` if they were translated.
        mark: what a rule wrote on the flow.
    """

    protocol: str
    before: Ends
    after: Ends
    mark: int = 0

    @property
    def status(self) -> frozenset[str]:
        """Which sides were rewritten: ``snat``, ``dnat``."""
        changed = set()
        if (self.before.source, self.before.source_port) != (self.after.source, self.after.source_port):
            changed.add("snat")
        if (self.before.destination, self.before.destination_port) != (
            self.after.destination,
            self.after.destination_port,
        ):
            changed.add("dnat")
        return frozenset(changed)


def _ends_of(packet: Packet) -> Ends:
    """The ends of a packet."""
    if packet.protocol == ICMP[packet.family]:
        return Ends(packet.source, packet.destination, packet.identifier, packet.identifier)
    return Ends(packet.source, packet.destination, packet.source_port, packet.destination_port)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a host's memory says of a packet.

    Attributes:
        connection: ``new``, ``established``, ``related``, ``invalid`` or ``untracked``.
        flow: the flow that it belongs to, if one is remembered.
        is_reply: whether it goes against the flow's first packet.
    """

    connection: str
    flow: Flow | None = None
    is_reply: bool = False

    def told(self, packet: Packet) -> Packet:
        """The packet with what is known of its flow, as rules may ask for it."""
        mark = self.flow.mark if self.flow is not None else 0
        return replace(packet, connection=self.connection, connection_mark=mark, is_reply=self.is_reply)


def track(packet: Packet, flows: tuple[Flow, ...]) -> Tracked:
    """What connection tracking makes of a packet."""
    if packet.connection == "untracked":
        return Tracked("untracked")
    if packet.protocol == "icmpv6" and packet.icmp_type in _NEIGHBOUR_DISCOVERY:
        return Tracked("untracked")
    about = packet.quoted or packet
    ends = _ends_of(about)
    for flow in reversed(flows):
        if flow.protocol != about.protocol:
            continue
        if packet.quoted is not None:
            if ends == flow.after:
                return Tracked("related", flow, is_reply=True)
            if ends == flow.before.turned():
                return Tracked("related", flow, is_reply=False)
        elif ends == flow.after.turned():
            return Tracked("established", flow, is_reply=True)
        elif ends == flow.before:
            return Tracked("established", flow, is_reply=False)
    return Tracked(_first(packet))


def _first(packet: Packet) -> str:
    """A packet of no known flow: may it begin one?"""
    if packet.quoted is not None:
        return "invalid"
    if packet.protocol == ICMP[packet.family] and packet.icmp_type == ECHO_REPLY[packet.family]:
        return "invalid"
    if packet.protocol == "tcp" and ({"syn", "ack"} <= packet.tcp_flags or "rst" in packet.tcp_flags):
        return "invalid"
    return "new"


def early(packet: Packet, tracked: Tracked) -> Packet:
    """The destination rewritten, as PREROUTING (and OUTPUT) do before the route is looked up."""
    flow = tracked.flow
    if flow is None:
        return packet
    to = flow.before.turned() if tracked.is_reply else flow.after
    moved = replace(packet, destination=to.destination)
    if packet.quoted is not None:
        inner = flow.before if tracked.is_reply else flow.after.turned()
        quoted = replace(packet.quoted, source=inner.source, destination=inner.destination)
        ports = packet.quoted.protocol in {"tcp", "udp"}
        if ports:
            quoted = replace(quoted, source_port=inner.source_port, destination_port=inner.destination_port)
        return replace(moved, quoted=quoted)
    return replace(moved, destination_port=to.destination_port) if packet.protocol in {"tcp", "udp"} else moved


def late(packet: Packet, tracked: Tracked) -> Packet:
    """The source rewritten, as POSTROUTING (and INPUT) do last."""
    flow = tracked.flow
    if flow is None or packet.quoted is not None:
        return packet
    to = flow.before.turned() if tracked.is_reply else flow.after
    moved = replace(packet, source=to.source)
    return replace(moved, source_port=to.source_port) if packet.protocol in {"tcp", "udp"} else moved


def remember(before: Packet, after: Packet) -> Flow | None:
    """The flow that a packet begins, or None if it begins none."""
    if before.quoted is not None or after.connection != "new":
        return None
    return Flow(before.protocol, _ends_of(before), _ends_of(after), after.connection_mark)
