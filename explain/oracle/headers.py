"""Our columns under tshark's names, header by header."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC, mac_text
from explain.side_tables import NO_SCALE
from explain.table import (
    ARP,
    BAD_CHECKSUM,
    BAD_IP_CHECKSUM,
    CUT,
    DONT_FRAGMENT,
    ETHERNET,
    FRAGMENT,
    GOOD_CHECKSUM,
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    LATER_FRAGMENT,
    MALFORMED,
    TCP,
    UDP,
    VLAN,
    PacketTable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.table import U8, Bools, Rows

Value = int | str | None
"""What we say of one frame; None where we say nothing, so that there is nothing to compare."""

Columns = dict[str, list[Value]]
"""Values by tshark's name of the field, one per row.

``a b`` asks for the first of several fields that the frame has; ``a#1`` for the second
occurrence of a field, which in an ICMP error is that of the quoted packet.
"""

LAYERS = {
    "eth": ETHERNET, "sll": ETHERNET, "vlan": VLAN, "ieee8021ad": VLAN, "arp": ARP, "ip": IPV4, "ipv6": IPV6,
    "tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6,
}  # fmt: skip
"""The bit of ``layers`` for each of tshark's names of a header that has columns."""

_BAD, _GOOD = 0, 1  # of tshark's checksum status; 2 is unverified, 3 is not present
_ECHOES = (0, 8, 128, 129)
_FLAGS = ("fin", "syn", "reset", "push", "ack", "urg", "ece", "cwr")
_SYN = 2


def _frame(table: PacketTable, rows: Rows) -> Columns:
    return {
        "frame.number": table.frame[rows].tolist(),
        "frame.time_epoch": table.time_ns[rows].tolist(),
        "frame.len": table.length[rows].tolist(),
        "frame.cap_len": table.captured[rows].tolist(),
    }


def _ethernet(table: PacketTable, rows: Rows) -> Columns:
    source, target = table.links.source[table.link[rows]], table.links.target[table.link[rows]]
    return {"eth.src sll.src.eth": _macs(source), "eth.dst": _macs(target)}


def _vlan(table: PacketTable, rows: Rows) -> Columns:
    return {"ieee8021ad.id vlan.id": (table.vlan[rows] & 0x0FFF).tolist()}


def _arp(table: PacketTable, rows: Rows) -> Columns:
    side = table.arp
    at = np.searchsorted(side.row, rows)
    return {
        "arp.opcode": side.operation[at].tolist(),
        "arp.src.hw_mac": _macs(side.sender_mac[at]),
        "arp.src.proto_ipv4": _addresses(table, side.sender_ip[at]),
        "arp.dst.hw_mac": _macs(side.target_mac[at]),
        "arp.dst.proto_ipv4": _addresses(table, side.target_ip[at]),
    }


def _ipv4(table: PacketTable, rows: Rows) -> Columns:
    layers = table.layers[rows]
    return {
        "ip.src": _addresses(table, table.sources(rows)),
        "ip.dst": _addresses(table, table.targets(rows)),
        "ip.ttl": table.ttl[rows].tolist(),
        "ip.id": table.ip_id[rows].tolist(),
        "ip.proto": table.flows.protocol[table.flow[rows]].tolist(),
        "ip.flags.df": _claims(layers & DONT_FRAGMENT != 0),
        "ip.checksum.status": np.where(layers & BAD_IP_CHECKSUM, _BAD, _GOOD).tolist(),
        **_fragment(table, rows),
    }


def _ipv6(table: PacketTable, rows: Rows) -> Columns:
    return {
        "ipv6.src": _addresses(table, table.sources(rows)),
        "ipv6.dst": _addresses(table, table.targets(rows)),
        "ipv6.hlim": table.ttl[rows].tolist(),
    }


def _fragment(table: PacketTable, rows: Rows) -> Columns:
    """Whether more follow and whether some came before; how tshark counts the octets depends on its version."""
    side = table.fragments
    more, later = np.zeros(len(rows), np.bool_), table.layers[rows] & LATER_FRAGMENT != 0
    is_fragment = table.layers[rows] & FRAGMENT != 0
    more[is_fragment] = side.more[np.searchsorted(side.row, rows[is_fragment])]
    return {"ip.flags.mf": _claims(more), "ip.frag_offset": _claims(later)}


def _tcp(table: PacketTable, rows: Rows) -> Columns:
    return {
        "tcp.srcport": table.source_ports(rows).tolist(),
        "tcp.dstport": table.target_ports(rows).tolist(),
        "tcp.seq": table.seq[rows].tolist(),
        "tcp.ack": table.ack[rows].tolist(),
        "tcp.len": table.payload[rows].tolist(),
        "tcp.window_size_value": table.window[rows].tolist(),
        "tcp.checksum": table.checksum[rows].tolist(),
        "tcp.checksum.status": _status(table, rows),
        **{f"tcp.flags.{name}": _claims(table.flags[rows] & 1 << bit != 0) for bit, name in enumerate(_FLAGS)},
        **_syn(table, rows),
    }


def _syn(table: PacketTable, rows: Rows) -> Columns:
    side = table.syn
    is_syn = (table.flags[rows] & _SYN != 0) & (table.layers[rows] & CUT == 0)  # tshark reads half an option, too
    at = np.searchsorted(side.row, rows[is_syn])
    mss, scale = side.mss[at], side.window_scale[at]
    options = {
        "tcp.options.mss_val": _where(mss > 0, mss.tolist(), ""),
        "tcp.options.wscale.shift": _where(scale != NO_SCALE, scale.tolist(), ""),
        "tcp.options.sack_perm": _claims(side.sack_permitted[at]),
        "tcp.options.timestamp.tsval": _claims(side.has_timestamps[at]),
    }
    return {name: _spread(is_syn, values) for name, values in options.items()}


def _udp(table: PacketTable, rows: Rows) -> Columns:
    is_plain = table.layers[rows] & (FRAGMENT | MALFORMED) == 0  # else we say what is here, not what the field says
    return {
        "udp.srcport": table.source_ports(rows).tolist(),
        "udp.dstport": table.target_ports(rows).tolist(),
        "udp.length": _where(is_plain, (table.payload[rows] + 8).tolist()),
        "udp.checksum": _where(is_plain, table.checksum[rows].tolist()),
        "udp.checksum.status": _status(table, rows),
    }


def _icmp(table: PacketTable, rows: Rows) -> Columns:
    side = table.icmp
    at = np.searchsorted(side.row, rows)
    is_echo = np.isin(side.type[at], _ECHOES)
    is_quote = side.quote[at] == 4
    return {
        "icmp.type": side.type[at].tolist(),
        "icmp.code": side.code[at].tolist(),
        "icmp.ident": _where(is_echo, (side.word[at] >> 16).tolist()),
        "icmp.seq": _where(is_echo, (side.word[at] & 0xFFFF).tolist()),
        "icmp.redir_gw": _where(side.type[at] == 5, _addresses(table, side.word[at].astype(np.uint64))),
        "icmp.checksum.status": _status(table, rows),
        "ip.src#1": _where(is_quote, _addresses(table, side.quote_src[at])),
        "ip.dst#1": _where(is_quote, _addresses(table, side.quote_dst[at])),
        "ip.proto#1": _where(is_quote, side.quote_protocol[at].tolist()),
        "ip.ttl#1": _where(is_quote, side.quote_ttl[at].tolist()),
        "ip.id#1": _where(is_quote, side.quote_ip_id[at].tolist()),
        "ip.len#1": _where(is_quote, side.quote_length[at].tolist()),
        **_quoted(table, at, is_quote),
        **_kind(table, at, is_quote, "icmp"),
    }


def _icmpv6(table: PacketTable, rows: Rows) -> Columns:
    side = table.icmp
    at = np.searchsorted(side.row, rows)
    is_echo = np.isin(side.type[at], _ECHOES)
    is_quote = side.quote[at] == 6
    targets = "icmpv6.nd.ns.target_address icmpv6.nd.na.target_address icmpv6.nd.rd.target_address"
    return {
        "icmpv6.type": side.type[at].tolist(),
        "icmpv6.code": side.code[at].tolist(),
        "icmpv6.echo.identifier": _where(is_echo, (side.word[at] >> 16).tolist()),
        "icmpv6.echo.sequence_number": _where(is_echo, (side.word[at] & 0xFFFF).tolist()),
        targets: _where(
            np.isin(side.type[at], (135, 136, 137)) & (side.target[at] != 0), _addresses(table, side.target[at])
        ),
        "icmpv6.opt.linkaddr": _where(side.mac[at] != NO_MAC, _macs(side.mac[at])),
        "icmpv6.checksum.status": _status(table, rows),
        "ipv6.src#1": _where(is_quote, _addresses(table, side.quote_src[at])),
        "ipv6.dst#1": _where(is_quote, _addresses(table, side.quote_dst[at])),
        "ipv6.hlim#1": _where(is_quote, side.quote_ttl[at].tolist()),
        **_quoted(table, at, is_quote),
        **_kind(table, at, is_quote, "icmpv6"),
    }


def _quoted(table: PacketTable, at: Rows, is_quote: Bools) -> Columns:
    """What a quote holds of its layer 4; only an unquoted header would come before it."""
    side = table.icmp
    protocol, start = side.quote_protocol[at], side.quote_word[at]
    sport, dport = side.quote_sport[at], side.quote_dport[at]
    is_quote = is_quote & (sport | dport | start != 0)  # a frame may be cut before
    is_tcp, is_udp = is_quote & (protocol == 6), is_quote & (protocol == 17)
    return {
        "tcp.srcport": _where(is_tcp, sport.tolist()),
        "tcp.dstport": _where(is_tcp, dport.tolist()),
        "tcp.seq": _where(is_tcp & (start > 0), start.tolist()),
        "udp.srcport": _where(is_udp, sport.tolist()),
        "udp.dstport": _where(is_udp, dport.tolist()),
    }


def _kind(table: PacketTable, at: Rows, is_quote: Bools, name: str) -> Columns:
    """Type and code of a quoted message of the same family."""
    kind = table.icmp.quote_kind[at]
    has_kind = is_quote & (kind > 0)
    return {
        f"{name}.type#1": _where(has_kind, (kind >> 8).tolist()),
        f"{name}.code#1": _where(has_kind, (kind & 0xFF).tolist()),
    }


def _status(table: PacketTable, rows: Rows) -> list[Value]:
    """Bad or good; of a sum left to the card tshark says the one up to 4.0, and the other from then on."""
    layers = table.layers[rows]
    status = np.where(layers & GOOD_CHECKSUM, _GOOD, _BAD).tolist()
    return _where(layers & (GOOD_CHECKSUM | BAD_CHECKSUM) != 0, status)


def _addresses(table: PacketTable, keys: U8) -> list[Value]:
    return [table.addresses.text(key) for key in keys.tolist()]


def _macs(keys: U8) -> list[Value]:
    return [mac_text(key) or None for key in keys.tolist()]


def _claims(holds: Bools) -> list[Value]:
    return list(holds.astype(int).tolist())


def _where(holds: Bools, values: list[Value], otherwise: Value = None) -> list[Value]:
    return [value if held else otherwise for value, held in zip(values, holds.tolist(), strict=True)]


def _spread(holds: Bools, values: list[Value]) -> list[Value]:
    """The values at the places that hold, None at the others."""
    some = iter(values)
    return [next(some) if held else None for held in holds.tolist()]


HEADERS: tuple[tuple[int, Callable[[PacketTable, Rows], Columns]], ...] = (
    (0, _frame),
    (ETHERNET, _ethernet),
    (VLAN, _vlan),
    (ARP, _arp),
    (IPV4, _ipv4),
    (IPV6, _ipv6),
    (TCP, _tcp),
    (UDP, _udp),
    (ICMP, _icmp),
    (ICMPV6, _icmpv6),
)
"""Who answers for the rows that have a header, by its bit; 0 is on every row."""
