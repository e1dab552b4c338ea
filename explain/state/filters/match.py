"""Does an expression of a rule hold for a packet: yes, no, or unknown, and never assumed.

Source: nft(8), section EXPRESSIONS; libnftables-json(5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from explain.state.addresses import parse, parse_network
from explain.state.filters.packet_values import MISSING, UNKNOWN, Context, names_in, value_of

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import Answer

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
            right = names_in(right)
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
