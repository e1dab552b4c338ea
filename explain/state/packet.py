"""The packet whose way is recomputed: as much of it as kernels look at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explain.state.addresses import family_of, is_link_local

_ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
ICMP = {4: "icmp", 6: "icmpv6"}


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet at one point of its way.

    Attributes:
        source: None while the sending kernel has yet to choose it.
        destination: the address that it is going to.
        protocol: ``icmp``, ``icmpv6``, ``tcp``, ``udp`` or ``arp``.
        icmp_type: with ``icmp_code``, the numbers of ICMP or ICMPv6; None for other protocols.
        identifier: the echo identifier.
        tcp_flags: lower case names, such as ``syn`` and ``ack``.
        ttl: hops that are left; None takes the sender's default.
        length: octets of the whole IP packet.
        dont_fragment: the DF bit; no router may split it. IPv6 knows nothing else.
        may_split: the sender's own kernel splits what does not fit its own link, and then without DF; ``ping -M do``
            forbids it.
        is_fragment: a second or later fragment: its transport header is elsewhere.
        is_fragmented: this packet travels in fragments.
        mark: the firewall mark, 0 if none.
        tos: the octet of the type of service, which an echo reply repeats. Source: RFC 1122 section 3.2.2.6.
        in_interface: where it came in; None on the host that makes it.
        bound_interface: ``ping -I IFNAME``: the socket is bound to this interface.
        bound_source: ``ping -I ADDRESS``: the socket is bound to this address.
        is_broadcast_allowed: ``ping -b``.
        connection: what connection tracking says of it (``new``, ``established``, ``related``, ``invalid``,
            ``untracked``).
        connection_mark, is_reply: what it knows of the packet's flow: its mark, and whether the packet goes against it.
        quoted: in an ICMP error, the packet it complains about.
        mtu: in a fragmentation-needed or packet-too-big error, the MTU it tells.
        is_answer: it answers a packet of a program that still waits, whose socket no later state shows.
    """

    destination: str
    protocol: str
    source: str | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    identifier: int | None = None
    source_port: int | None = None
    destination_port: int | None = None
    tcp_flags: frozenset[str] = frozenset()
    ttl: int | None = None
    length: int = 84
    dont_fragment: bool = False
    may_split: bool = True
    is_fragment: bool = False
    is_fragmented: bool = False
    mark: int = 0
    tos: int = 0
    in_interface: str | None = None
    bound_interface: str | None = None
    bound_source: str | None = None
    is_broadcast_allowed: bool = False
    source_mac: str | None = None
    destination_mac: str | None = None
    packet_type: str = "host"
    connection: str | None = None
    connection_mark: int = 0
    is_reply: bool = False
    quoted: Packet | None = None
    mtu: int | None = None
    is_answer: bool = False

    @property
    def family(self) -> int:
        """4 or 6."""
        return family_of(self.destination)

    @property
    def service(self) -> int:
        """The bits of ``tos`` that choose a route: the other two are ECN's. Source: RFC 3168 section 5."""
        return self.tos & 0xFC

    @property
    def is_echo_request(self) -> bool:
        """A ping."""
        return self.protocol == ICMP[self.family] and self.icmp_type == _ECHO_REQUEST[self.family]

    @property
    def is_error(self) -> bool:
        """An ICMP message that complains about another packet."""
        return self.quoted is not None


def echo(destination: str, source: str | None = None, *, size: int = 56, ttl: int | None = None) -> Packet:
    """An echo request as ping sends it; ``size`` is octets of payload. Source: RFC 792, RFC 4443 section 4.1.

    Without ``-M`` Linux looks for the path MTU (IP_PMTUDISC_WANT): DF is set on what fits the own link. Source: ip(7).
    """
    family = family_of(destination)
    return Packet(
        destination=destination,
        source=source,
        protocol=ICMP[family],
        icmp_type=_ECHO_REQUEST[family],
        icmp_code=0,
        identifier=1,
        ttl=ttl,
        length=size + (28 if family == 4 else 48),
        dont_fragment=True,
    )


def syn(destination: str, port: int, source: str | None = None, source_port: int = 50000) -> Packet:
    """The first segment of a TCP connection. Source: RFC 9293 section 3.5."""
    return Packet(
        destination=destination,
        source=source,
        protocol="tcp",
        source_port=source_port,
        destination_port=port,
        tcp_flags=frozenset({"syn"}),
        length=60 if family_of(destination) == 4 else 80,
        dont_fragment=True,
    )


def datagram(destination: str, port: int, source: str | None = None, *, size: int = 32) -> Packet:
    """A UDP datagram with ``size`` octets of payload, such as a probe of traceroute. Source: RFC 768."""
    return Packet(
        destination=destination,
        source=source,
        protocol="udp",
        source_port=50000,
        destination_port=port,
        length=size + (28 if family_of(destination) == 4 else 48),
    )


def answer_to(packet: Packet) -> Packet:
    """What the target sends back: an echo reply, a SYN-ACK, a datagram, from the address that was asked."""
    kind = ECHO_REPLY[packet.family] if packet.is_echo_request else packet.icmp_type
    return Packet(
        destination=packet.source or "",
        source=packet.destination,
        protocol=packet.protocol,
        icmp_type=kind,
        icmp_code=packet.icmp_code,
        identifier=packet.identifier,
        source_port=packet.destination_port,
        destination_port=packet.source_port,
        tcp_flags=frozenset({"syn", "ack"})
        if "syn" in packet.tcp_flags
        else packet.tcp_flags | {"ack"}
        if packet.protocol == "tcp"
        else frozenset(),
        length=packet.length,
        dont_fragment=packet.protocol == "tcp",
        bound_interface=_scope(packet),
        tos=packet.tos if packet.is_echo_request else 0,
        is_answer=True,
    )


def _scope(packet: Packet) -> str | None:
    """A link-local source is answered on the link that it came by. Source: RFC 4007 section 9."""
    is_local = packet.source is not None and packet.family == 6 and is_link_local(packet.source)
    return packet.in_interface if is_local and packet.in_interface != "lo" else None


def reset_to(packet: Packet) -> Packet:
    """The RST that refuses a segment. Source: RFC 9293 section 3.10.7.1."""
    return replace(answer_to(packet), tcp_flags=frozenset({"rst", "ack"}), length=40)


def error_about(
    packet: Packet, kind: int, code: int, *, source: str | None, ttl: int = 64, mtu: int | None = None
) -> Packet:
    """An ICMP error about a packet, to its source. Source: RFC 792; RFC 4443 section 3."""
    family = packet.family
    return Packet(
        destination=packet.source or "",
        source=source,
        protocol=ICMP[family],
        icmp_type=kind,
        icmp_code=code,
        ttl=ttl,
        bound_interface=_scope(packet),
        length=min(576 if family == 4 else 1280, packet.length + (28 if family == 4 else 48)),
        quoted=replace(packet, quoted=None),
        mtu=mtu,
    )


def arriving(packet: Packet, interface: str) -> Packet:
    """The packet as the next host sees it: what was known about sending it is gone."""
    return replace(
        packet, in_interface=interface, bound_interface=None, bound_source=None, mark=0, connection=None,
        connection_mark=0, is_reply=False,
    )  # fmt: skip


_UNREACHABLE = {
    (4, 3, 0): "net-unreachable",
    (4, 3, 1): "host-unreachable",
    (4, 3, 2): "protocol-unreachable",
    (4, 3, 3): "port-unreachable",
    (4, 3, 4): "fragmentation-needed",
    (4, 3, 9): "net-prohibited",
    (4, 3, 10): "host-prohibited",
    (4, 3, 13): "admin-prohibited",
    (4, 11, 0): "ttl-exceeded",
    (4, 11, 1): "reassembly-exceeded",
    (6, 1, 0): "no-route",
    (6, 1, 1): "admin-prohibited",
    (6, 1, 2): "beyond-scope",
    (6, 1, 3): "address-unreachable",
    (6, 1, 4): "port-unreachable",
    (6, 1, 5): "policy-fail",
    (6, 1, 6): "reject-route",
    (6, 2, 0): "packet-too-big",
    (6, 3, 0): "ttl-exceeded",
    (6, 3, 1): "reassembly-exceeded",
}


def error_name(packet: Packet) -> str:
    """The name of an ICMP error's type and code. Source: RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3."""
    key = (packet.family, packet.icmp_type or 0, packet.icmp_code or 0)
    return _UNREACHABLE.get(key, f"icmp-{packet.icmp_type}-{packet.icmp_code}")
