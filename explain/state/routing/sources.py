"""Which of its addresses a host sends from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import BITS, is_link_local, is_loopback, is_multicast, parse, parse_network

if TYPE_CHECKING:
    from explain.state.records import Address, HostState, Interface

_SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}


def _scope_number(scope: str) -> int:
    """The kernel's number of a scope: the larger, the narrower."""
    if scope in _SCOPES:
        return _SCOPES[scope]
    return int(scope) if scope.isascii() and scope.isdigit() and len(scope) < 4 else 0


def choose_v4(state: HostState, device: str | None, toward: str | None, scope: str = "global") -> str | None:
    """The source for IPv4: the first primary address of the device whose prefix holds the next hop.

    Args:
        state: the host.
        device: the outgoing interface.
        toward: next hop, or None where it does not matter.
        scope: the route's scope; narrower addresses are not taken.

    Source: RFC 1122 section 3.3.4.3; inet_select_addr() in net/ipv4/devinet.c.
    """
    wanted = _scope_number(scope)
    fallback = None
    for address in _primaries(state.interface(device)):
        if min(_scope_number(address.scope), 254) > wanted:
            continue
        network = address.network
        if toward is None or (network is not None and network.covers(toward)):
            return address.local
        fallback = fallback or address.local
    if fallback:
        return fallback
    for interface in state.interfaces or ():
        for address in _primaries(interface):
            if address.scope != "link" and _scope_number(address.scope) <= wanted:
                return address.local
    return None


def _primaries(interface: Interface | None) -> list[Address]:
    return [
        each
        for each in (interface.addresses if interface else None) or ()
        if each.family == 4 and "secondary" not in each.flags
    ]


_LABELS = (
    ("::1/128", 0),
    ("::ffff:0:0/96", 4),
    ("2002::/16", 2),
    ("2001::/32", 5),
    ("fc00::/7", 13),
    ("::/96", 3),
    ("fec0::/10", 11),
    ("3ffe::/16", 12),
    ("::/0", 1),
)


def _label(address: str) -> int:
    """The policy table. Source: RFC 6724 section 2.1; net/ipv6/addrlabel.c takes the longest prefix."""
    found = [
        (network.length, label)
        for text, label in _LABELS
        if (network := parse_network(text)) is not None and network.covers(address)
    ]
    return max(found)[1] if found else 1


def _scope_v6(address: str) -> int:
    """Scope as a number, larger is wider. Source: RFC 4291 section 2.7, RFC 4007 section 5."""
    parsed = parse(address)
    if parsed and is_multicast(address):
        return parsed[1] >> 112 & 0xF
    return 2 if is_link_local(address) or is_loopback(address) else 14


def _common_bits(one: str, other: str) -> int:
    """How many leading bits two addresses of one family share."""
    first, second = parse(one), parse(other)
    if first is None or second is None or first[0] != second[0]:
        return 0
    return BITS[first[0]] - (first[1] ^ second[1]).bit_length()


def choose_v6(state: HostState, device: str | None, destination: str) -> str | None:
    """The source for IPv6: the best of all usable addresses, or None if there is none.

    Source: RFC 6724 section 5, rules 1, 2, 3, 5, 6, 7 and 8, in Linux's order.
    """
    local_only = is_link_local(destination) or is_multicast(destination)
    candidates = [
        (interface, address)
        for interface, address in state.addresses(6)
        if address.is_usable
        and interface.is_up
        and (interface.name == device if local_only else not is_loopback(address.local) or device == "lo")
        and (interface.name == device or not is_link_local(address.local))
    ]
    if not candidates:
        return None
    return max(candidates, key=lambda pair: _rank(pair[0], pair[1], device, destination))[1].local


def _rank(interface: Interface, address: Address, device: str | None, destination: str) -> tuple[int, ...]:
    scope, wanted = _scope_v6(address.local), _scope_v6(destination)
    network = address.network
    shared = min(_common_bits(address.local, destination), network.length if network else 128)
    return (
        address.local == destination,
        scope if scope < wanted else 1000 - scope,
        "deprecated" not in address.flags,
        interface.name == device,
        _label(address.local) == _label(destination),
        "temporary" in address.flags,
        shared,
    )


def asking_source(state: HostState, device: str, next_hop: str, source: str | None) -> str | None:
    """From which address a neighbour is asked: the packet's own source if it is this host's, else one of the device.

    Source: arp_solicit() in net/ipv4/arp.c with arp_announce 0; ndisc_solicit() in net/ipv6/ndisc.c.
    """
    if source is None or state.owner_of(source) is not None:
        return source
    return choose_v6(state, device, next_hop) if ":" in next_hop else choose_v4(state, device, next_hop, "link")
