"""The link layer of a state: interfaces, neighbours, bridge ports and their forwarding table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import parse, to_text
from explain.state.reading.items import Item, MisshapenError, items_of
from explain.state.records import Address, BridgePort, FdbEntry, Interface, Neighbour

if TYPE_CHECKING:
    from collections.abc import Sequence

_ADDRESS_FLAGS = (
    "tentative dadfailed deprecated secondary temporary nodad optimistic dynamic mngtmpaddr noprefixroute".split()  # noqa: SIM905
)
_FLOODS = ("flood", "mcast_flood", "bcast_flood")


def interfaces_of(
    links: Sequence[Item] | None, addresses: Sequence[Item] | None, routed: frozenset[str] = frozenset()
) -> tuple[Interface, ...]:
    """The interfaces of ``ip -d -s link`` and ``ip addr``, whichever of the two was collected.

    Args:
        links: the rows of the one.
        addresses: the rows of the other.
        routed: interfaces that routes lead over; the kernel removes those of one that is switched off.
    """
    by_name: dict[str, Item] = {_name(item): item for item in addresses or ()}
    linked: dict[str, Item] = {_name(item): item for item in links or ()}
    return tuple(
        _interface(name, linked.get(name), by_name.get(name), was_asked=addresses is not None, is_routed=name in routed)
        for name in dict.fromkeys([*by_name, *linked])
    )


def _name(item: Item) -> str:
    name = item.text("ifname")
    if not name:
        raise MisshapenError("state.no_name", place=item.place)
    return name


def _interface(name: str, link: Item | None, addr: Item | None, *, was_asked: bool, is_routed: bool) -> Interface:
    item = link or addr
    if item is None:
        raise MisshapenError("state.not_described", place=name)
    info = link.item("linkinfo") if link else None
    stats = link.item("stats64") or link.item("stats") if link else None
    received, sent = (stats.item("rx"), stats.item("tx")) if stats else (None, None)
    mac = item.text("address") if item.text("link_type") in {None, "ether"} else None
    return Interface(
        name=name,
        index=item.number("ifindex") or 0,
        flags=_flags(name, item, is_routed=is_routed),
        mtu=item.number("mtu"),
        mac=mac.lower() if mac else None,
        kind=info.text("info_kind") if info else None,
        master=item.text("master"),
        link_index=item.number("link_index"),
        link_netnsid=item.number("link_netnsid"),
        link_type=item.text("link_type"),
        operstate=item.text("operstate"),
        addresses=_addresses(addr) if addr else (() if was_asked else None),
        rx_packets=received.number("packets") if received else None,
        tx_packets=sent.number("packets") if sent else None,
        lower=item.text("link"),
    )


def _flags(name: str, item: Item, *, is_routed: bool) -> frozenset[str]:
    """The flags; ``ip -br address`` and ``ip -o address`` show none, and at most in a word whether it is up.

    What an administrator took down is ``DOWN`` and has no routes, what only lacks a cable may be called so, too.
    Source: rtnl_fill_ifinfo(), default_operstate() and fib_disable_ip() of Linux.
    """
    if "flags" in item.fields:
        return item.words("flags")
    told = {"DOWN": "UP NO-CARRIER" if is_routed else "", "NOTPRESENT": "", "LOWERLAYERDOWN": "UP NO-CARRIER"}.get(
        item.text("operstate") or ""
    )
    up = frozenset(("UP LOWER_UP" if told is None else told).split())
    return up | {"LOOPBACK"} if name == "lo" else up


def _addresses(item: Item) -> tuple[Address, ...]:
    found = []
    for each in item.items("addr_info"):
        parsed = parse(each.text("local") or "")
        if parsed is None:
            continue
        flags = each.words("flags") | {flag for flag in _ADDRESS_FLAGS if each.fields.get(flag)}
        found.append(
            Address(
                local=to_text(*parsed),
                prefix_length=min(each.number("prefixlen") or 0, 32 if parsed[0] == 4 else 128),
                family=parsed[0],
                scope=each.text("scope") or "global",
                flags=flags,
                peer=each.text("address"),
            )
        )
    return tuple(found)


def neighbours_of(value: object, place: str, *, is_proxy: bool = False) -> tuple[Neighbour, ...]:
    """The entries of ``ip neigh``; a FAILED or INCOMPLETE one has no MAC."""
    found = []
    for item in items_of(value, place):
        parsed = parse(item.text("dst") or "")
        if parsed is None:
            continue
        mac = item.text("lladdr")
        found.append(
            Neighbour(
                address=to_text(*parsed),
                device=item.text("dev"),
                mac=mac.lower() if mac else None,
                states=frozenset(str(word).upper() for word in item.words("state")),
                is_proxy=is_proxy,
            )
        )
    return tuple(found)


def fdb_of(value: object, place: str) -> tuple[FdbEntry, ...]:
    """The entries of ``bridge fdb``; multicast groups are left out."""
    return tuple(
        FdbEntry(
            mac=(item.text("mac") or "").lower(),
            device=item.text("ifname") or "",
            master=item.text("master"),
            state=item.text("state") or "",
            flags=item.words("flags"),
        )
        for item in items_of(value, place)
        if (item.text("mac") or "")[1:2].lower() in set("02468ace")
    )


def bridge_ports_of(ports: Sequence[Item] | None, links: Sequence[Item] | None) -> tuple[BridgePort, ...] | None:
    """The ports as ``bridge -d link`` tells them, else as ``ip -d link`` does."""
    if ports is None and links is None:
        return None
    found: dict[str, BridgePort] = {}
    for link in links or ():
        info = link.item("linkinfo")
        slave = info.item("info_slave_data") if info and info.text("info_slave_kind") == "bridge" else None
        if slave and link.text("master"):
            found[_name(link)] = _port(link, slave)
    for port in ports or ():
        if port.text("master"):
            found[_name(port)] = _port(port, port)
    return tuple(found.values())


def _port(item: Item, detail: Item) -> BridgePort:
    return BridgePort(
        device=_name(item),
        master=item.text("master") or "",
        state=detail.text("state") or "unknown",
        is_isolated=detail.fields.get("isolated") is True,
        held_back=frozenset(each for each in _FLOODS if detail.fields.get(each) is False),
    )
