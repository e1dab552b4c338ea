"""A frame in a few words of the wire, such as ``SYN ACK [S.]``, by its headers: the same in every language."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from explain import table as t
from explain.addresses import mac_text
from explain.record import NamedTuple
from explain.table import ACK, FIN, RST, SYN

_FLAGS = ((2, "SYN", "S"), (1, "FIN", "F"), (4, "RST", "R"), (8, "PSH", "P"), (32, "URG", "U"), (16, "ACK", "."))
_NDP = {
    133: ("router-solicitation", "Router Solicitation"), 134: ("router-advertisement", "Router Advertisement"),
    135: ("neighbor-solicitation", "Neighbor Solicitation"), 136: ("neighbor-advertisement", "Neighbor Advertisement"),
    130: ("multicast-listener", "MLD Query"), 131: ("multicast-listener", "MLD Report"),
    132: ("multicast-listener", "MLD Done"), 143: ("multicast-listener", "MLDv2 Report"),
}  # fmt: skip


class Said(NamedTuple):
    """What a frame says.

    Attributes:
        meaning: the message ``render.means.<meaning>`` tells what it is for.
        text: a few words, in which text from the packet is visible and never obeyed.
    """

    meaning: str
    text: str


def side_row(rows: t.Rows, row: int) -> int | None:
    """Where a row stands in a side table whose ``row`` column is given, None if it does not."""
    at = int(np.searchsorted(rows, row))
    return at if at < len(rows) and int(rows[at]) == row else None


def headers_said(table: t.PacketTable, row: int) -> Said:
    """What the headers of one frame say, up to those of TCP and UDP."""
    layers = int(table.layers[row])
    if layers & t.ARP and (at := side_row(table.arp.row, row)) is not None:
        return _arp(table, at)
    if layers & t.LATER_FRAGMENT:
        return Said("fragment", f"fragment {int(table.length[row])} B")
    if layers & (t.ICMP | t.ICMPV6) and (at := side_row(table.icmp.row, row)) is not None:
        return _icmp(table, at)
    if layers & t.TCP:
        return _tcp(table, row)
    if layers & t.UDP:
        return _udp(table, row)
    if layers & t.IP:
        return Said("other", f"IP protocol {int(table.flows.protocol[table.flow[row]])}")
    return Said("other", f"{int(table.length[row])} B")


def _arp(table: t.PacketTable, at: int) -> Said:
    arp, text = table.arp, table.addresses.text
    if int(arp.operation[at]) == 1:
        return Said("arp-request", f"who-has {text(int(arp.target_ip[at]))}?")
    return Said("arp-reply", f"{text(int(arp.sender_ip[at]))} is-at {mac_text(int(arp.sender_mac[at]))}")


def _icmp(table: t.PacketTable, at: int) -> Said:
    icmp = table.icmp
    kind, code, word, is_v6 = int(icmp.type[at]), int(icmp.code[at]), int(icmp.word[at]), bool(icmp.is_v6[at])
    if kind == (128 if is_v6 else 8):
        return Said("echo-request", f"Echo request seq={word & 0xFFFF}")
    if kind == (129 if is_v6 else 0):
        return Said("echo-reply", f"Echo reply seq={word & 0xFFFF}")
    if is_v6 and kind in _NDP:
        meaning, name = _NDP[kind]
        about = f" {table.addresses.text(int(icmp.target[at]))}" if kind in (135, 136) else ""
        return Said(meaning, name + about)
    if kind in ((1, 2, 3, 4, 137) if is_v6 else (3, 4, 5, 11, 12)):
        from explain.exchanges.icmp.error import error_name

        return Said("icmp-error", error_name(is_v6, kind, code))
    return Said("icmp", f"ICMP{'v6' if is_v6 else ''} type {kind} code {code}")


def _tcp(table: t.PacketTable, row: int) -> Said:
    flags, payload = int(table.flags[row]), int(table.payload[row])
    names = " ".join(name for bit, name, _ in _FLAGS if flags & bit) or "no flag"
    letters = flag_letters(flags)
    size = f" {payload} B" if payload else ""
    port = " {} > {}".format(*table.ports(row)) if flags & (SYN | ACK) == SYN else ""
    if flags & RST:
        meaning = "rst"
    elif flags & SYN:
        meaning = "syn-ack" if flags & ACK else "syn"
    else:
        meaning = "fin" if flags & FIN else "data" if payload else "ack"
    return Said(meaning, f"{names} [{letters}]{port}{size}")


def flag_letters(flags: int) -> str:
    """The flags of a TCP segment as tcpdump shows them: ``S.`` for SYN and ACK."""
    return "".join(letter for bit, _, letter in _FLAGS if flags & bit) or "none"


def _udp(table: t.PacketTable, row: int) -> Said:
    source, target = table.ports(row)
    return Said("udp", f"UDP {source} > {target} {int(table.payload[row])} B")


def dhcp_type(table: t.PacketTable, row: int) -> str | None:
    """Which message of DHCP a frame is, as the packet has it; None if it is none."""
    kept = table.contents.get("dhcp")
    at = bisect_left(kept.row, row) if kept else 0
    if kept and at < len(kept.row) and kept.row[at] == row:
        from explain.exchanges.dhcp.message import parse

        message = parse(kept.octets[at], int(table.payload[row]))
        return message.kind if message else None
    return None
