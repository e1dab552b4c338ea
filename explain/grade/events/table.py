"""Every event that a rubric may name, and the groups of its fields, whose words are in ``words/grade_fields.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Groups = tuple[str | tuple[str, ...], ...]
"""Groups of fields; where a part of the event comes first, they are the part's."""
COMMON = "common"
"""The group of fields that all events have."""
_ERROR = ("ip", "icmp_error", "about")
_HANDSHAKE: Groups = ("flow", "handshake", *((part, "segment") for part in ("syn", "synack", "established")))
_DHCP = ("ip", "ethernet", "dhcp")
_PHASES = ("discover", "offer", "request", "ack", "nak")
_DORA: Groups = ("dora", *((part, *_DHCP) for part in (*_PHASES, "messages")))
_SIDES = ("inside", "outside", "reply.inside", "reply.outside")
_NAT: Groups = ("nat", *((part, "packet") for part in _SIDES))

EVENTS: Mapping[str, Groups] = {
    "arp.request": ("ethernet", "arp"),
    "arp.reply": ("ethernet", "arp", "arp_reply"),
    "arp.gratuitous": ("ethernet", "arp"),
    "icmp.echo": ("ip", "echo"),
    "icmp.unreachable": _ERROR,
    "icmp.time_exceeded": _ERROR,
    "icmp.redirect": (*_ERROR, "redirect"),
    "tcp.handshake": _HANDSHAKE,
    "tcp.refused": ("flow",),
    "tcp.close": ("flow", "close"),
    "tcp.reset": ("flow", "segment", "side"),
    "tcp.retransmission": ("flow", "segment", "side"),
    "tcp.segment": ("flow", "segment", "side", "data", ("acked", "segment")),
    "tcp.stream": ("flow", "stream"),
    "udp.exchange": ("flow", "datagrams"),
    "dhcp.dora": _DORA,
    **{f"dhcp.{name}": _DHCP for name in (*_PHASES, "release", "decline", "inform")},
    "dns.query": ("dns",),
    "dns.answer": ("dns",),
    "dns.nxdomain": ("dns",),
    "nat.translation": _NAT,
    "nat.port_rewrite": (*_NAT, "port_rewrite"),
    "traceroute.hop": ("hop",),
    "ip.packet": ("ip", "ethernet", "any"),
}
"""Each event, and its fields beside the common ones."""
