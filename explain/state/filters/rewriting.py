"""What the statements of a rule do to a packet: translate it, mark it, change it; and what has been met on the way.

Source: nft(8), section STATEMENTS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_, or_, xor
from typing import TYPE_CHECKING, Any

from explain.state.addresses import BITS, parse, parse_network, to_text
from explain.state.filters.match import holds
from explain.state.filters.nft_json import members, say

if TYPE_CHECKING:
    from explain.state.filters.packet_values import Context
    from explain.state.filters.ruleset import FilterRule, Ruleset
    from explain.state.packet import Packet


_BITWISE = {"&": and_, "|": or_, "^": xor}


@dataclass(frozen=True, slots=True)
class Passed:
    """A rule that matched on the way and what it did."""

    rule: FilterRule
    did: str


@dataclass(slots=True)
class Walk:
    """What one pass over the chains has met so far.

    Attributes:
        packet: as the rules met so far have left it.
        passed: the rules that matched.
        doubts: what a rule might do of which nobody can tell whether it matches: ``drop``, ``translation``, ...
        suspect: the first rule that might refuse the packet.
        chances: why only some packets meet their fate: ``random``, ``limit``.
        oddities: what rules do to a packet that goes on, ``duplicated`` or ``corrupted``, and which.
        looked_at: rules so far, against rulesets without an end.
        is_untracked: a rule kept it from connection tracking.
    """

    ruleset: Ruleset
    context: Context
    packet: Packet
    passed: list[Passed] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)
    suspect: FilterRule | None = None
    chances: set[str] = field(default_factory=set)
    oddities: list[tuple[str, FilterRule]] = field(default_factory=list)
    looked_at: int = 0
    is_untracked: bool = False


def translate(walk: Walk, key: str, value: object) -> bool:
    """Rewrite the packet as a NAT statement says; False if what it says is not understood."""
    inner = members(value)
    address, port = _resolved(walk, inner.get("addr")), _resolved(walk, inner.get("port"))
    if isinstance(address, Mapping) and isinstance(both := address.get("concat"), list) and len(both) > 1:
        address, port = both[:2]  # a map may give an address and its port: dnat to tcp dport map { 80 : 10.0.0.2 . 81 }
    is_source = key in {"masquerade", "snat"} or (key == "netmap" and walk.context.out_interface is not None)
    if isinstance(prefix := members(inner.get("addr")).get("prefix"), Mapping):
        address = _mapped(prefix, walk.packet.source if is_source else walk.packet.destination)
    if key == "masquerade":
        address = _masquerade_address(walk)
    if key == "redirect":
        address = _own_address(walk)
    if (address is None and port is None) or (address is not None and not isinstance(address, str)):
        walk.doubts.add("translation")
        return False
    packet = walk.packet
    if address:
        packet = replace(packet, source=address) if is_source else replace(packet, destination=address)
    if isinstance(port, int) and packet.protocol in {"tcp", "udp"}:
        packet = replace(packet, source_port=port) if is_source else replace(packet, destination_port=port)
    walk.packet = packet
    return True


def _resolved(walk: Walk, value: object) -> object:
    """A literal, the first of a range or prefix, or what a map gives."""
    if isinstance(value, Mapping):
        if isinstance(value.get("map"), Mapping):
            return _resolved(walk, looked_up(walk, value["map"]) or None)
        if isinstance(value.get("range"), list) and value["range"]:
            return _resolved(walk, value["range"][0])
        if isinstance(value.get("prefix"), Mapping):
            return value["prefix"].get("addr")
        return value
    return value


def _mapped(prefix: Mapping[str, Any], address: str | None) -> str | None:
    """The address of the same number in another network. Source: iptables-extensions(8), NETMAP; nft(8), prefix."""
    network, own = parse_network(f"{prefix.get('addr')}/{prefix.get('len')}"), parse(address or "")
    if network is None or own is None or own[0] != network.family:
        return None
    return to_text(own[0], network.number | (own[1] & (1 << BITS[own[0]] - network.length) - 1))


def _masquerade_address(walk: Walk) -> str | None:
    """The address of the outgoing interface that a masqueraded packet gets."""
    from explain.state.routing.sources import choose_v4, choose_v6

    packet, device = walk.packet, walk.context.out_interface
    if packet.family == 6:
        return choose_v6(walk.context.state, device, packet.destination)
    return choose_v4(walk.context.state, device, packet.destination)


def _own_address(walk: Walk) -> str | None:
    interface = walk.context.state.interface(walk.context.in_interface)
    if interface is None:
        return "127.0.0.1" if walk.packet.family == 4 else "::1"
    return next((each.local for each in interface.addresses or () if each.family == walk.packet.family), None)


def affect(walk: Walk, rule: FilterRule, key: str, value: object) -> None:
    """Do what a statement that decides nothing does."""
    inner = members(value)
    if key == "notrack":
        walk.is_untracked = True
        walk.packet = replace(walk.packet, connection="untracked")
    elif key == "dup":
        walk.oddities.append(("duplicated", rule))
    elif key == "mangle":
        _mangle(walk, rule, inner)
    else:
        return
    walk.passed.append(Passed(rule, say({key: value})))


def _mangle(walk: Walk, rule: FilterRule, inner: Mapping[str, Any]) -> None:
    target = inner.get("key")
    value = inner.get("value")
    described = say(target)
    if described in {"mark", "ct mark"}:
        mark = _marked(walk.packet, value)
        if mark is None:
            walk.doubts.add("mark")
        elif described == "mark":
            walk.packet = replace(walk.packet, mark=mark)
        else:
            walk.packet = replace(walk.packet, connection_mark=mark)
    elif described in {"ip ttl", "ip6 hoplimit"} and isinstance(value, int):
        walk.packet = replace(walk.packet, ttl=value)
    elif described in {"ip saddr", "ip6 saddr"} and isinstance(value, str):
        walk.packet = replace(walk.packet, source=value)
    elif described in {"ip daddr", "ip6 daddr"} and isinstance(value, str):
        walk.packet = replace(walk.packet, destination=value)
    elif isinstance(target, Mapping) and "payload" in target and "dscp" not in described:
        walk.oddities.append(("corrupted", rule))


def _marked(packet: Packet, value: object) -> int | None:
    """The number that a mark is set to: written out, taken from the other mark, or reckoned from both."""
    if isinstance(value, int):
        return value
    ((key, inner),) = members(value).items() if len(members(value)) == 1 else (("", None),)
    if key in {"meta", "ct"} and members(inner).get("key") == "mark":
        return packet.mark if key == "meta" else packet.connection_mark
    if key not in _BITWISE or not isinstance(inner, list):
        return None
    parts = [_marked(packet, each) for each in inner]
    known = [each for each in parts if each is not None]
    return reduce(_BITWISE[key], known) if known and len(known) == len(parts) else None


def looked_up(walk: Walk, inner: Mapping[str, Any]) -> object:
    """The value that a map has for the packet; False if the key is not in it, None if that is unknown."""
    data = inner.get("data")
    if isinstance(data, str) and data.startswith("@"):
        pairs: object = walk.ruleset.sets.get((*walk.context.table, data[1:]))
    else:
        pairs = data.get("set") if isinstance(data, Mapping) else None
    if not isinstance(pairs, list | tuple):
        return None
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            return None
        answer = holds({"left": inner.get("key"), "op": "==", "right": pair[0]}, walk.packet, walk.context)
        if answer is not False:
            return pair[1] if answer else None
    return False
