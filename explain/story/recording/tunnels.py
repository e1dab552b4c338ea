"""Packets within packets: between which ends they go, and what the first of those within are."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from explain.arrays import among, distinct, first_and_last
from explain.decode.contents import TUNNEL, TUNNELS
from explain.decode.services import TUNNEL_PORTS, tunnel_of
from explain.exchanges.icmp.error import error_name
from explain.exchanges.wire_words import flag_letters
from explain.model import Line
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.decode.dissect.field import Layer
    from explain.table import PacketTable, Rows

_MOST_TOLD, _MOST_INSIDE, _MOST_CITED = 4, 3, 1000
_FEW = 12  # packets of a tunnel that are told one by one
_UDP, _UDP_HEADER = 17, 8
_KINDS = {
    "ip": "IPv4 in IP", "ipv6": "IPv6 in IP", "gre": "GRE", "vxlan": "VXLAN", "geneve": "Geneve", "gtp": "GTP-U",
    "teredo": "Teredo", "mpls": "MPLS in UDP",
}  # fmt: skip
_ENDS = {
    "ip": ("ip.src", "ip.dst"), "ipv6": ("ipv6.src", "ipv6.dst"),
    "arp": ("arp.src.proto_ipv4", "arp.dst.proto_ipv4"),
}  # fmt: skip
_VERSIONS = {"ip": "4", "ipv6": "6"}
_ECHO = {"icmp": {8: "echo request", 0: "echo reply"}, "icmpv6": {128: "echo request", 129: "echo reply"}}
_ECHO_FIELDS = {"icmp": ("ident", "seq"), "icmpv6": ("echo.identifier", "echo.sequence_number")}
_INFORMATIONAL = {"icmp": 13, "icmpv6": 128}  # from here on no errors (RFC 792; 4443, 2.1)
_NAMES = {"arp": "ARP", "tcp": "TCP", "udp": "UDP", "icmp": "ICMP", "icmpv6": "ICMPv6", "igmp": "IGMP", "data": "IP"}


def tell(table: PacketTable) -> Iterator[Line]:
    """One line for each pair of ends and kind of tunnel, the busiest first."""
    kept = table.contents.get(TUNNEL)
    if kept is None:
        return
    tunnels: dict[tuple[int, int, str], list[tuple[int, _Inside]]] = defaultdict(list)
    for row, octets in zip(kept.row, kept.octets, strict=True):
        flow = table.flow[row]
        low, high, protocol = (int(one[flow]) for one in (table.flows.low, table.flows.high, table.flows.protocol))
        kind = _kind(table, row)
        inside = _inside(kind, octets)
        if inside.between or protocol != _UDP:  # anybody may send something else to a port
            tunnels[low, high, kind].append((row, inside))
    busiest = sorted(tunnels.items(), key=lambda one: -len(one[1]))[:_MOST_TOLD]
    for (low, high, kind), found in busiest:
        rows = _rows(table, low, high, kind)
        counts = Counter(inside.between for _, inside in found if inside.between)
        known = [Line("unread.within", {"what": what, "count": count}) for what, count in counts.most_common()]
        values = {
            "count": len(rows), "kind": _KINDS[kind], "near": table.addresses.text(low),
            "far": table.addresses.text(high), "within": known[:_MOST_INSIDE], "more": len(known) - _MOST_INSIDE,
        }  # fmt: skip
        form = "tunnel" if len(known) <= _MOST_INSIDE else "tunnel-of-many"
        if not known:
            form = "tunnel-unseen"
        elif len(rows) <= _FEW:
            form = "tunnel-of-few"
        yield Line(f"unread.{form}", values, table.evidence(first_and_last(rows, _MOST_CITED)))
        for row, inside in found if form == "tunnel-of-few" else ():
            if inside.says:
                yield Line("unread.inside", {"what": inside.says}, table.evidence([row]))


def has_any(table: PacketTable) -> bool:
    """Whether packets were seen that carry others."""
    kept = table.contents.get(TUNNEL)
    if kept is None:
        return False
    return any(_inside(_kind(table, row), octets).between for row, octets in zip(kept.row, kept.octets, strict=True))


def _kind(table: PacketTable, row: int) -> str:
    return TUNNELS.get(int(table.flows.protocol[table.flow[row]])) or tunnel_of(*table.ports(row)) or ""


def opened(table: PacketTable) -> Line:
    """Which packets are told as what they carried."""
    from explain.decode.inside import KINDS

    kinds = [_KINDS[KINDS[number]] for number in distinct(table.inside.tunnel).tolist()]
    values = {"count": len(table.inside.row), "kinds": kinds}
    return Line("story.inside", values, table.evidence(first_and_last(table.inside.row, _MOST_CITED)), 1, None, "note")


class _Inside(NamedTuple):
    """The innermost packet in words of the wire, such as ``192.0.2.1 > 192.0.2.2 ICMP echo request``.

    Attributes:
        between: its ends, whichever speaks, and what it carries; empty if unknown.
        says: who says what to whom.
    """

    between: str
    says: str


def _rows(table: PacketTable, low: int, high: int, kind: str) -> Rows:
    """All rows of a tunnel, also those of which nothing was kept."""
    flows = table.flows
    is_it = (flows.low == low) & (flows.high == high)
    if ports := [port for port, of in TUNNEL_PORTS.items() if of == kind]:
        is_it &= (flows.protocol == _UDP) & (among(flows.low_port, ports) | among(flows.high_port, ports))
    else:
        is_it &= among(flows.protocol, [number for number, of in TUNNELS.items() if of == kind])
    return table.rows_of(is_it)


def _inside(kind: str, octets: bytes) -> _Inside:
    from explain.decode.dissect import dissect_from
    from explain.decode.dissect.field import Next

    start = Next(kind, _UDP_HEADER if kind in TUNNEL_PORTS.values() else 0, len(octets))
    layers = [layer for layer in dissect_from(start, octets, {}) if not layer.is_quoted]
    inmost = (_packet(layers, at) for at in reversed(range(len(layers))) if layers[at].name in _ENDS)
    return next((one for one in inmost if one.between), _Inside("", ""))


def _packet(layers: Sequence[Layer], at: int) -> _Inside:
    """A packet by its header and the one behind it; empty where its header is none, or is cut off."""
    name, values = layers[at].name, _values(layers[at])
    ends = [values[one] for one in _ENDS[name] if one in values]
    if values.get(f"{name}.version", _VERSIONS.get(name)) != _VERSIONS.get(name) or not ends:
        return _Inside("", "")
    carried = layers[at + 1].name if at + 1 < len(layers) and name != "arp" else name
    protocol = _NAMES.get(carried, "IP")
    between = f"{' - '.join(sorted(ends))} {protocol}"
    if carried in ("tcp", "udp") and (ports := _ports(carried, _values(layers[at + 1]))):
        ends = [f"[{end}]:{port}" if ":" in end else f"{end}:{port}" for end, port in zip(ends, ports, strict=True)]
    more = _values(layers[at + 1]) if carried != name else values
    return _Inside(between, " ".join((" > ".join(ends), protocol, _says(carried, more))).rstrip())


def _values(layer: Layer) -> dict[str, str]:
    return {field.name: str(field.value) for field in layer.fields}


def _ports(name: str, values: dict[str, str]) -> list[str]:
    return [values[port] for port in (f"{name}.srcport", f"{name}.dstport") if port in values]


def _says(name: str, values: dict[str, str]) -> str:
    """What a header says, as tcpdump has it; empty where it says nothing more than its ports."""
    if name == "tcp" and (flags := values.get(f"{name}.flags")):
        return f"[{flag_letters(int(flags))}]"
    if name == "arp" and (operation := values.get(f"{name}.opcode")):
        return "who-has" if operation == "1" else "is-at"
    if name not in ("icmp", "icmpv6") or f"{name}.code" not in values:
        return ""
    kind, code = int(values[f"{name}.type"]), int(values[f"{name}.code"])
    if kind not in _ECHO[name]:
        return error_name(name == "icmpv6", kind, code) if kind < _INFORMATIONAL[name] else f"type {kind}"
    numbers = [values[each] for field in _ECHO_FIELDS[name] if (each := f"{name}.{field}") in values]
    return ", ".join((_ECHO[name][kind], *map("{} {}".format, ("id", "seq"), numbers)))
