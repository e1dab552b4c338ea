"""What an expression of a rule stands for in a packet.

Source: nft(8), sections EXPRESSIONS and PAYLOAD EXPRESSIONS; libnftables-json(5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.state.addresses import UNSPECIFIED, parse
from explain.state.routing.reverse import destination_type, leads_back

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import HostState

UNKNOWN = object()
"""The packet's value is not known."""
MISSING = object()
"""The packet has no such header, so no comparison holds."""

_FIELDS_OF = {"ip": 4, "ip6": 6}
_EVERYBODY = "ff:ff:ff:ff:ff:ff"


@dataclass(frozen=True, slots=True)
class Context:
    """Where in a host a packet is when a rule looks at it.

    Attributes:
        state: the host, for questions about its routes.
        family: of the hook: ``ip``, ``ip6``, ``bridge``, ``arp`` or ``netdev``.
        in_interface: where it came in, None for the host's own.
        out_interface: where it will leave, None before that is decided.
        is_unlucky: answer ``limit`` and ``numgen random`` as for a packet that they strike.
        status: what NAT has done to the connection: ``dnat`` and ``snat``.
    """

    state: HostState
    family: str
    in_interface: str | None = None
    out_interface: str | None = None
    is_unlucky: bool = False
    status: frozenset[str] = frozenset()
    sets: Mapping[tuple[str, str, str], tuple[Any, ...]] | None = None
    table: tuple[str, str] = ("", "")


def value_of(expression: object, packet: Packet, context: Context) -> object:
    """The packet's value for an expression, UNKNOWN, or MISSING."""
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return UNKNOWN
    key, inner = next(iter(expression.items()))
    if key in {"&", "and"} and isinstance(inner, Sequence) and len(inner) == 2:
        return _masked(value_of(inner[0], packet, context), inner[1])
    if key == "concat" and isinstance(inner, Sequence):
        parts = [value_of(each, packet, context) for each in inner]
        return next((bad for bad in (MISSING, UNKNOWN) if bad in parts), tuple(parts))
    if not isinstance(inner, Mapping):
        return UNKNOWN
    readers = {"payload": _payload, "meta": _meta, "ct": _ct, "fib": _fib, "exthdr": _exthdr}
    reader = readers.get(key)
    return reader(inner, packet, context) if reader else UNKNOWN


def _masked(value: object, mask: object) -> object:
    if value is UNKNOWN or value is MISSING:
        return value
    if isinstance(value, frozenset):
        names = mask if isinstance(mask, list) else names_in(mask)
        return value & set(map(str, names)) if names is not None else UNKNOWN
    if isinstance(value, int) and isinstance(mask, int):
        return value & mask
    return UNKNOWN


def names_in(mask: object) -> list[object] | None:
    """The names that a flag, or flags joined by ``|``, stand for; None where it is neither."""
    if isinstance(mask, str):
        return [mask]
    if isinstance(mask, Mapping) and isinstance(mask.get("|"), list):
        found: list[object] = []
        for each in mask["|"]:
            found += names_in(each) or []
        return found
    return None


def _payload(inner: Mapping[str, Any], packet: Packet, _: Context) -> object:
    protocol, field = str(inner.get("protocol")), str(inner.get("field"))
    if protocol == "ether":
        value = {"saddr": packet.source_mac, "daddr": packet.destination_mac, "type": _ether_type(packet)}.get(field)
        return value if value is not None else UNKNOWN
    if protocol == "arp":
        return _arp_field(field, packet) if packet.protocol == "arp" else MISSING
    if protocol in _FIELDS_OF:
        if packet.protocol == "arp" or packet.family != _FIELDS_OF[protocol]:
            return MISSING
        return _network_field(field, packet)
    if packet.protocol not in ({protocol} if protocol != "th" else {"tcp", "udp"}):
        return MISSING
    return MISSING if packet.is_fragment else _transport_field(field, packet)


def _arp_field(field: str, packet: Packet) -> object:
    """What an ARP message says; the only one that goes to everybody asks. Source: RFC 826, Packet format."""
    values: dict[str, object] = {
        "operation": "request" if packet.destination_mac == _EVERYBODY else "reply",
        "saddr ip": parse(packet.source or UNSPECIFIED[4]), "daddr ip": parse(packet.destination),
        "saddr ether": packet.source_mac, "htype": 1, "hlen": 6, "plen": 4,
    }  # fmt: skip
    value = values.get(field)
    return UNKNOWN if value is None else value


def _ether_type(packet: Packet) -> str:
    return "arp" if packet.protocol == "arp" else "ip" if packet.family == 4 else "ip6"


def _network_field(field: str, packet: Packet) -> object:
    if field in {"saddr", "daddr"}:
        text = packet.source if field == "saddr" else packet.destination
        return parse(text or UNSPECIFIED[packet.family]) or UNKNOWN
    values: dict[str, object] = {
        "protocol": packet.protocol,
        "nexthdr": "frag" if packet.is_fragmented else packet.protocol,
        "ttl": packet.ttl,
        "hoplimit": packet.ttl,
        "length": packet.length,
        "frag-off": 1 if packet.is_fragment else 0x2000 if packet.is_fragmented else 0x4000 * packet.dont_fragment,
        "version": packet.family,
    }
    value = values.get(field)
    return UNKNOWN if value is None else value


def _transport_field(field: str, packet: Packet) -> object:
    values: dict[str, object] = {
        "type": packet.icmp_type,
        "code": packet.icmp_code,
        "sport": packet.source_port,
        "dport": packet.destination_port,
        "flags": packet.tcp_flags,
        "mtu": packet.mtu,
    }
    value = values.get(field)
    return UNKNOWN if value is None else value


def _meta(inner: Mapping[str, Any], packet: Packet, context: Context) -> object:
    values: dict[str, object] = {
        "l4proto": packet.protocol,
        "nfproto": "ip" if packet.family == 4 else "ip6",
        "protocol": _ether_type(packet),
        "iifname": context.in_interface or "",
        "iif": context.in_interface or "",
        "oifname": context.out_interface or "",
        "oif": context.out_interface or "",
        "mark": packet.mark,
        "pkttype": packet.packet_type,
        "length": packet.length,
    }
    return values.get(str(inner.get("key")), UNKNOWN)


def _ct(inner: Mapping[str, Any], packet: Packet, context: Context) -> object:
    key = inner.get("key")
    if key == "state":
        return frozenset({packet.connection}) if packet.connection else UNKNOWN
    if key == "status":
        return context.status or frozenset({"none"})
    if key == "direction":
        return ("reply" if packet.is_reply else "original") if packet.connection in {"new", "established"} else UNKNOWN
    if key == "mark":
        return packet.connection_mark
    return UNKNOWN


def _fib(inner: Mapping[str, Any], packet: Packet, context: Context) -> object:
    flags = inner.get("flags")
    flags = [flags] if isinstance(flags, str) else flags if isinstance(flags, list) else []
    address = packet.source if "saddr" in flags else packet.destination
    if address is None:
        return UNKNOWN
    if inner.get("result") == "type":
        kind = destination_type(context.state, address)
        return kind if kind != "unknown" else UNKNOWN
    if str(inner.get("result")) in {"oif", "oifname"} and "saddr" in flags and context.in_interface:
        strict = "iif" in flags
        back = leads_back(context.state, packet, context.in_interface, is_strict=strict)
        return UNKNOWN if back is None else back
    return UNKNOWN


def _exthdr(inner: Mapping[str, Any], packet: Packet, _: Context) -> object:
    return packet.is_fragmented if inner.get("name") == "frag" else UNKNOWN
