"""Packets within packets: between which ends they go, and what the first of those within are."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from explain.arrays import among, first_and_last
from explain.decode.contents import TUNNEL, TUNNEL_PORTS, TUNNELS
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.decode.dissect.field import Layer
    from explain.table import PacketTable, Rows

_MOST_TOLD, _MOST_INSIDE, _MOST_CITED = 4, 3, 1000
_UDP, _UDP_HEADER = 17, 8
_KINDS = {"ip": "IPv4 in IP", "ipv6": "IPv6 in IP", "gre": "GRE", "vxlan": "VXLAN"}
_ENDS = {
    "ip": ("ip.src", "ip.dst"), "ipv6": ("ipv6.src", "ipv6.dst"),
    "arp": ("arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
}  # fmt: skip
_VERSIONS = {"ip": "4", "ipv6": "6"}
_NAMES = {"tcp": "TCP", "udp": "UDP", "icmp": "ICMP", "icmpv6": "ICMPv6", "igmp": "IGMP", "data": "IP"}


def tell(table: PacketTable) -> Iterator[Line]:
    """One line for each pair of ends and kind of tunnel, the busiest first."""
    kept = table.contents.get(TUNNEL)
    if kept is None:
        return
    tunnels: dict[tuple[int, int, int], Counter[str]] = defaultdict(Counter)
    for row, octets in zip(kept.row, kept.octets, strict=True):
        flow = table.flow[row]
        low, high, protocol = (int(one[flow]) for one in (table.flows.low, table.flows.high, table.flows.protocol))
        inside = _inside(protocol, octets)
        if inside or protocol != _UDP:  # anybody may send something else to a port
            tunnels[low, high, protocol][inside] += 1
    busiest = sorted(tunnels.items(), key=lambda one: -one[1].total())[:_MOST_TOLD]
    for (low, high, protocol), found in busiest:
        rows = _rows(table, low, high, protocol)
        known = [
            Line("unread.within", {"what": what, "count": count}) for what, count in found.most_common() if what
        ]  # fmt: skip
        values = {
            "count": len(rows), "kind": _KINDS[_kind(protocol)], "near": table.addresses.text(low),
            "far": table.addresses.text(high), "within": known[:_MOST_INSIDE], "more": len(known) - _MOST_INSIDE,
        }  # fmt: skip
        form = "tunnel-unseen" if not known else "tunnel" if len(known) <= _MOST_INSIDE else "tunnel-of-many"
        yield Line(f"unread.{form}", values, table.evidence(first_and_last(rows, _MOST_CITED)))


def _kind(protocol: int) -> str:
    return TUNNELS.get(protocol, "vxlan")


def _rows(table: PacketTable, low: int, high: int, protocol: int) -> Rows:
    """All rows of a tunnel, also those of which nothing was kept."""
    flows = table.flows
    is_it = (flows.low == low) & (flows.high == high) & (flows.protocol == protocol)
    if protocol == _UDP:
        is_it &= among(flows.low_port, TUNNEL_PORTS) | among(flows.high_port, TUNNEL_PORTS)
    return table.rows_of(is_it)


def _inside(protocol: int, octets: bytes) -> str:
    """The innermost packet in a few words of the wire, such as ``192.0.2.1 - 192.0.2.2 ICMP``; empty if unknown."""
    from explain.decode.dissect import dissect_from
    from explain.decode.dissect.field import Next

    start = Next(_kind(protocol), _UDP_HEADER if protocol == _UDP else 0, len(octets))
    layers = [layer for layer in dissect_from(start, octets, {}) if not layer.is_quoted]
    inmost = (_between(layers, at) for at in reversed(range(len(layers))) if layers[at].name in _ENDS)
    return next(filter(None, inmost), "")


def _between(layers: Sequence[Layer], at: int) -> str:
    """The ends of a packet, whichever speaks, and what it carries; empty where its header is none, or is cut off."""
    name = layers[at].name
    values = {field.name: str(field.value) for field in layers[at].fields}
    ends = sorted(values[one] for one in _ENDS[name] if one in values)
    if values.get(f"{name}.version", _VERSIONS.get(name)) != _VERSIONS.get(name) or not ends:
        return ""
    carried = layers[at + 1].name if at + 1 < len(layers) else "data"
    return f"{' - '.join(ends)} {'ARP' if name == 'arp' else _NAMES.get(carried, 'IP')}"
