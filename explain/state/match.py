"""Does an expression of a rule hold for a packet: yes, no, or unknown, and never assumed.

Source: nft(8), sections EXPRESSIONS and PAYLOAD EXPRESSIONS; libnftables-json(5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explain.state.addresses import UNSPECIFIED, parse, parse_network
from explain.state.reverse import destination_type, leads_back

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import Answer, HostState

UNKNOWN = object()
"""The packet's value is not known."""
MISSING = object()
"""The packet has no such header, so no comparison holds."""

_ICMP = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "address-mask-request": 17, "address-mask-reply": 18,
    "pong": 0, "ping": 8,
}  # fmt: skip
_ICMP_CODES = {
    "network-unreachable": (3, 0), "host-unreachable": (3, 1), "protocol-unreachable": (3, 2),
    "port-unreachable": (3, 3), "fragmentation-needed": (3, 4), "network-prohibited": (3, 9),
    "host-prohibited": (3, 10), "communication-prohibited": (3, 13), "ttl-zero-during-transit": (11, 0),
}  # fmt: skip
_ICMPV6 = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
    "nd-neighbor-advert": 136, "nd-redirect": 137, "mld2-listener-report": 143,
    "router-solicitation": 133, "router-advertisement": 134, "neighbour-solicitation": 135,
    "neighbor-solicitation": 135, "neighbour-advertisement": 136, "neighbor-advertisement": 136,
}  # fmt: skip
_PROTOCOLS = {
    1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", "ipv6-icmp": "icmpv6", "icmp6": "icmpv6", "ipv4": "ip",
    2048: "ip", 34525: "ip6", 2054: "arp", "ipv6": "ip6", "0x0800": "ip", "0x86dd": "ip6", "0x0806": "arp",
}  # fmt: skip
_SERVICES = {"ssh": 22, "domain": 53, "http": 80, "https": 443, "bootps": 67, "bootpc": 68, "ntp": 123}
_FIELDS_OF = {"ip": 4, "ip6": 6}


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


def holds(statement: Mapping[str, Any], packet: Packet, context: Context) -> Answer:
    """Whether a ``match`` statement holds."""
    left = value_of(statement.get("left"), packet, context)
    right, op = statement.get("right"), str(statement.get("op", "=="))
    if left is MISSING:
        return False
    if left is UNKNOWN:
        return None
    if op == "!=":
        equal = _equal(left, right, statement.get("left"), context)
        return None if equal is None else not equal
    if op in {"==", "in"}:
        return _equal(left, right, statement.get("left"), context, is_any=op == "in")
    return _ordered(left, right, op)


def _ordered(left: object, right: object, op: str) -> Answer:
    if not isinstance(left, int) or not isinstance(right, int):
        return None
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}.get(op)


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
        names = mask if isinstance(mask, list) else _names(mask)
        return value & set(map(str, names)) if names is not None else UNKNOWN
    if isinstance(value, int) and isinstance(mask, int):
        return value & mask
    return UNKNOWN


def _names(mask: object) -> list[object] | None:
    if isinstance(mask, str):
        return [mask]
    if isinstance(mask, Mapping) and isinstance(mask.get("|"), list):
        found: list[object] = []
        for each in mask["|"]:
            found += _names(each) or []
        return found
    return None


def _payload(inner: Mapping[str, Any], packet: Packet, _: Context) -> object:
    protocol, field = str(inner.get("protocol")), str(inner.get("field"))
    if protocol == "ether":
        value = {"saddr": packet.source_mac, "daddr": packet.destination_mac, "type": _ether_type(packet)}.get(field)
        return value if value is not None else UNKNOWN
    if protocol == "arp":
        return UNKNOWN if packet.protocol == "arp" else MISSING
    if protocol in _FIELDS_OF:
        if packet.protocol == "arp" or packet.family != _FIELDS_OF[protocol]:
            return MISSING
        return _network_field(field, packet)
    if packet.protocol not in ({protocol} if protocol != "th" else {"tcp", "udp"}):
        return MISSING
    return MISSING if packet.is_fragment else _transport_field(field, packet)


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
        return {"new": "original", "established": UNKNOWN}.get(packet.connection or "", UNKNOWN)
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


def _equal(left: object, right: object, expression: object, context: Context, *, is_any: bool = False) -> Answer:
    """Whether a value is, or is among, what stands on the right."""
    if isinstance(right, str) and right.startswith("@"):
        elements = (context.sets or {}).get((*context.table, right[1:]))
        return None if elements is None else _among(left, elements, expression, context)
    if isinstance(right, Mapping):
        if isinstance(right.get("set"), list):
            return _among(left, right["set"], expression, context)
        if isinstance(right.get("elem"), Mapping):
            return _equal(left, right["elem"].get("val"), expression, context)
        if isinstance(right.get("concat"), list) and isinstance(left, tuple):
            return _all_equal(left, right["concat"], expression, context)
        if set(right) == {"|"}:
            right = _names(right)
    if isinstance(left, frozenset):
        names = set(map(str, right)) if isinstance(right, list) else {str(right)}
        if right in (0, []):
            return not left
        is_state = "state" in str(expression) or "status" in str(expression)
        return bool(left & names) if is_any or is_state else left == names
    if isinstance(right, list):
        return _among(left, right, expression, context)
    return _same(left, right, expression)


def _all_equal(left: tuple[object, ...], right: list[Any], expression: object, context: Context) -> Answer:
    if len(left) != len(right):
        return None
    parts = expression.get("concat") if isinstance(expression, Mapping) else None
    listed = parts if isinstance(parts, list) and len(parts) == len(left) else [None] * len(left)
    answers = [_equal(one, other, part, context) for one, other, part in zip(left, right, listed, strict=True)]
    return False if False in answers else None if None in answers else True


def _among(left: object, elements: Sequence[Any], expression: object, context: Context) -> Answer:
    answers = [_equal(left, each, expression, context, is_any=True) for each in elements]
    return True if True in answers else None if None in answers else False


def _same(left: object, right: object, expression: object) -> Answer:
    if isinstance(right, bool):
        return bool(left) is right
    if isinstance(left, tuple) and len(left) == 2 and all(isinstance(each, int) for each in left):
        return _same_address(left, right)
    if isinstance(right, Mapping):
        return _in_range(left, right, expression)
    wanted = _plain(right, expression)
    have = _plain(left, expression)
    if isinstance(have, str) and isinstance(wanted, str) and wanted.endswith("*"):
        return have.startswith(wanted[:-1])
    if type(have) is not type(wanted):
        return None
    return have == wanted


def _in_range(left: object, right: Mapping[str, Any], expression: object) -> Answer:
    bounds = right.get("range")
    if not isinstance(bounds, list) or len(bounds) != 2:
        return None
    low, have, high = (_plain(each, expression) for each in (bounds[0], left, bounds[1]))
    if isinstance(low, int) and isinstance(have, int) and isinstance(high, int):
        return low <= have <= high
    return None


def _same_address(left: object, right: object) -> Answer:
    if not isinstance(left, tuple):
        return None
    family, number = left
    if isinstance(right, Mapping):
        prefix, bounds = right.get("prefix"), right.get("range")
        if isinstance(prefix, Mapping):
            network = parse_network(f"{prefix.get('addr')}/{prefix.get('len')}")
            return None if network is None else network.family == family and network.has(number)
        if isinstance(bounds, list) and len(bounds) == 2:
            low, high = parse(str(bounds[0])), parse(str(bounds[1]))
            return None if low is None or high is None else low <= (family, number) <= high
        return None
    found = [parse_network(part) for part in str(right).split(",")]
    if None in found:
        return None
    return any(network is not None and network.family == family and network.has(number) for network in found)


def _plain(value: object, expression: object) -> object:
    """Names as numbers where they are names of numbers, so that both sides can be compared."""
    described = str(expression)
    if isinstance(value, str):
        if "'type'" in described and "icmpv6" in described:
            return _ICMPV6.get(value, value)
        if "'type'" in described and "icmp" in described:
            return _ICMP.get(value, _ICMP_CODES.get(value, (value,))[0])
        if "port'" in described:
            return _SERVICES.get(value, value)
        if value.isascii() and value.isdigit():
            value = int(value)
    if any(word in described for word in ("l4proto", "nexthdr", "nfproto", "'protocol'}", "'field': 'protocol'")) or (
        "ether" in described and "'field': 'type'" in described
    ):
        return _PROTOCOLS.get(value, value) if isinstance(value, str | int) else value
    return value
