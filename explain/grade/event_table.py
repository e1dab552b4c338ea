"""Every event that a rubric may name, its fields, and what each field means: a long table of facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMON = {
    "frame": "number of its first frame in its file",
    "time": "seconds since 1970 of its first frame",
    "capture": "name of the capture, as [submission] has it",
    "exchange": "id of the exchange that it is part of",
    "outcome": "how that exchange ended",
    "seconds": "from its first frame to its last",
}
_ETH = {"eth.src": "MAC that sent the frame", "eth.dst": "MAC that the frame was sent to"}
_ARP = _ETH | {
    "opcode": "1 for a request, 2 for a reply",
    "sender.ip": "address of the sender",
    "sender.mac": "MAC of the sender",
    "target.ip": "address asked for, or of the one who is told",
    "target.mac": "MAC in the target field; zero in a request",
}
_IP_ENDS = {"src": "address of the sender", "dst": "address of the receiver", "ttl": "TTL or hop limit"}
ABOUT = {
    "about.src": "source of the quoted packet",
    "about.dst": "target of the quoted packet",
    "about.proto": "tcp, udp, icmp or icmpv6",
    "about.sport": "source port of the quoted packet",
    "about.dport": "target port of the quoted packet",
    "about.ttl": "TTL of the quoted packet, as it was when it was dropped",
    "about.id": "identifier of a quoted ping",
    "about.seq": "sequence number of a quoted ping",
}
_ICMP_ERROR = (
    _IP_ENDS | {"from": "who says it", "to": "to whom", "code": "host, net, port, ...", "mtu": "octets"} | ABOUT
)
_ENDS = {
    "client": "address and port of the client",
    "client.ip": "address of the client",
    "client.port": "port of the client",
    "server": "address and port of the server",
    "server.ip": "address of the server",
    "server.port": "port of the server",
}
_FLOW = _ENDS | {"flow": "the connection; compare it with the flow of another event"}
_SEGMENT = {"seq": "raw sequence number", "ack": "raw acknowledgement number", "window": "window, not scaled"}


def _below(name: str, parts: Mapping[str, str], what: str) -> dict[str, str]:
    return {f"{name}.{key}": f"{meaning}, of {what}" for key, meaning in (COMMON | dict(parts)).items()}


_TCP_HANDSHAKE = _FLOW | {
    "complete": "SYN, SYN-ACK and ACK were seen",
    "rtt_ms": "milliseconds from the SYN to the ACK",
    "syn": "the SYN",
    "synack": "the SYN-ACK",
    "established": "the ACK that completes it",
} | _below("syn", _SEGMENT, "the SYN") | _below("synack", _SEGMENT, "the SYN-ACK") | _below(
    "established", _SEGMENT, "the ACK"
)  # fmt: skip
_DHCP = _IP_ENDS | _ETH | {
    "type": "discover, offer, request, ...",
    "client.mac": "hardware address that the client names",
    "xid": "transaction id, a number",
    "yiaddr": "address given to the client",
    "ciaddr": "address that the client has",
    "server_id": "address by which the server names itself",
    "requested": "address that the client asks for",
    "lease_time": "seconds",
    "router": "first router",
    "mask": "netmask",
    "dns": "first name server",
    "hostname": "name that the client gives",
    "sport": "UDP source port",
    "dport": "UDP target port",
    "options": "numbers of the options",
}  # fmt: skip
_DHCP_PHASES = ("discover", "offer", "request", "ack", "nak")
_DORA = {
    "client.mac": "hardware address of the client",
    "xid": "transaction id, a number",
    "acked": "the server granted the address",
    "messages": "all messages, in order; messages.xid is the list of their ids",
    **{phase: f"the {phase.upper()} message" for phase in _DHCP_PHASES},
} | {key: text for phase in (*_DHCP_PHASES, "messages") for key, text in _below(phase, _DHCP, f"{phase}").items()}
_DNS = {
    "client": "who asked",
    "server": "who answered, or was asked last",
    "name": "name asked for",
    "type": "A, AAAA, ...",
    "answers": "values of the answer",
    "rcode": "NOERROR, NXDOMAIN, ...",
    "id": "number of the question",
    "rtt_ms": "milliseconds from the question to the answer",
}
_PACKET = {
    "src": "address and port of the sender", "src.ip": "address of the sender", "src.port": "port of the sender",
    "dst": "address and port of the receiver", "dst.ip": "address of the receiver",
    "dst.port": "port of the receiver", "ttl": "TTL", "proto": "tcp, udp or icmp", "tcp.seq": "raw sequence number",
    "tcp.ack": "raw acknowledgement number", "id": "identification of IPv4", "icmp.id": "identifier of a ping",
    "icmp.seq": "sequence number of a ping", "checksum": "checksum of layer 4, as it stands there",
    "payload": "fingerprint of the data", "length": "octets of the frame",
}  # fmt: skip
_SIDES = ("inside", "outside", "reply.inside", "reply.outside")
_NAT = {
    "proto": "tcp, udp or icmp",
    "kind": "source, destination or both",
    "reply": "the first packet the other way, at both places",
    **{side: f"the packet {side.replace('.', ' ')}" for side in _SIDES},
} | {key: text for side in _SIDES for key, text in _below(side, _PACKET, f"the packet {side}").items()}

EVENTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "arp.request": ("somebody asks for the MAC of an address", _ARP),
    "arp.reply": ("somebody tells a MAC", _ARP | {"answers": "the request that it answers"}),
    "arp.gratuitous": ("somebody tells everybody its own address", _ARP),
    "icmp.echo": (
        "one ping: a request and its reply",
        _IP_ENDS
        | {
            "answered": "the reply was seen",
            "id": "identifier",
            "seq": "sequence number",
            "rtt_ms": "milliseconds from request to reply",
            "ttl_reply": "TTL of the reply",
            "size": "octets of data",
            "family": "4 or 6",
            "sent": "requests of the whole run",
            "received": "requests of the run that got a reply",
            "duplicates": "further replies in the run",
            "errors": "ICMP errors about the run",
            "rtt_min_ns": "shortest round trip of the run",
            "rtt_avg_ns": "average round trip of the run",
            "rtt_max_ns": "longest round trip of the run",
            "ttl_request": "TTL of the run's first request",
        },
    ),
    "icmp.unreachable": ("somebody says that a packet cannot arrive", _ICMP_ERROR),
    "icmp.time_exceeded": ("a router says that a packet's TTL ran out", _ICMP_ERROR),
    "icmp.redirect": ("a router names a better router", _ICMP_ERROR | {"gateway": "the better router"}),
    "tcp.handshake": ("a connection opened by a SYN", _TCP_HANDSHAKE),
    "tcp.refused": ("a SYN answered by a RST", _FLOW),
    "tcp.close": (
        "the end of a connection",
        _FLOW
        | {"by": "fin or rst", "both_directions": "both sides sent a FIN", "first": "client or server: who began it"},
    ),
    "tcp.reset": ("a RST", _FLOW | _SEGMENT | {"by": "client or server"}),
    "tcp.retransmission": ("a segment sent again", _FLOW | _SEGMENT | {"by": "client or server"}),
    "tcp.segment": (
        "a segment with data",
        _FLOW
        | _SEGMENT
        | {
            "by": "client or server",
            "bytes": "octets of data",
            "rtt_ms": "milliseconds to the acknowledgement, null for what was sent twice",
            "acked": "the first segment that acknowledges all of it",
        }
        | _below("acked", _SEGMENT, "the acknowledgement"),
    ),
    "tcp.stream": (
        "the data of a connection",
        _FLOW
        | {
            "client.text": "what the client sent, as text",
            "client.bytes": "octets that the client sent",
            "server.text": "what the server sent, as text",
            "server.bytes": "octets that the server sent",
        },
    ),
    "udp.exchange": (
        "datagrams between two ends",
        _FLOW
        | {"answered": "datagrams went both ways", "datagrams": "how many", "payload_bytes": "octets of data"},
    ),
    "dhcp.dora": ("discover, offer, request, ack of one transaction", _DORA),
    **{f"dhcp.{name}": (f"a DHCP{name.upper()}", _DHCP) for name in (*_DHCP_PHASES, "release", "decline", "inform")},
    "dns.query": ("a name asked for", _DNS),
    "dns.answer": ("a name that was answered", _DNS),
    "dns.nxdomain": ("a name that does not exist", _DNS),
    "nat.translation": ("a flow whose addresses a router changed", _NAT),
    "nat.port_rewrite": (
        "a flow whose port a router changed",
        _NAT | {"reason": "collision where another flow had the port, else other"},
    ),
    "traceroute.hop": (
        "one distance of a trace",
        {
            "src": "who traced",
            "dst": "the target",
            "ttl": "the distance",
            "from": "who answered, null for silence",
            "rtt_ms": "milliseconds, of the first answer",
            "method": "udp, icmp or tcp",
            "answered": "somebody answered",
        },
    ),
    "ip.packet": (
        "any packet of IP",
        _IP_ENDS
        | _ETH
        | {"proto": "tcp, udp, icmp, ...", "sport": "source port", "dport": "target port", "length": "octets"},
    ),
}  # fmt: skip
"""Each event: what it is, and its fields with their meaning."""
