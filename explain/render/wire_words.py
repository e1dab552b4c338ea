"""A frame in a few words of the wire, such as ``SYN ACK [S.]``: the same in every language."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explain import table as t
from explain.exchanges import dhcp_message
from explain.exchanges.icmp_error import error_name
from explain.words.values import visible

if TYPE_CHECKING:
    from explain.model import Exchange

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_FLAGS = ((2, "SYN", "S"), (1, "FIN", "F"), (4, "RST", "R"), (8, "PSH", "P"), (32, "URG", "U"), (16, "ACK", "."))
_NDP = {
    133: ("router-solicitation", "Router Solicitation"), 134: ("router-advertisement", "Router Advertisement"),
    135: ("neighbor-solicitation", "Neighbor Solicitation"), 136: ("neighbor-advertisement", "Neighbor Advertisement"),
    130: ("multicast-listener", "MLD Query"), 131: ("multicast-listener", "MLD Report"),
    132: ("multicast-listener", "MLD Done"), 143: ("multicast-listener", "MLDv2 Report"),
}  # fmt: skip
_LONGEST = 60


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


def said(table: t.PacketTable, row: int, exchange: Exchange | None) -> Said:
    """What one frame says, as far as its headers and its exchange show.

    Args:
        table: all frames.
        row: which of them.
        exchange: what it belongs to, None if to nothing.
    """
    layers = int(table.layers[row])
    if layers & t.ARP and (at := side_row(table.arp.row, row)) is not None:
        return _arp(table, at)
    if layers & t.LATER_FRAGMENT:
        return Said("fragment", f"fragment {int(table.length[row])} B")
    if layers & (t.ICMP | t.ICMPV6) and (at := side_row(table.icmp.row, row)) is not None:
        return _icmp(table, at)
    fields = exchange.fields if exchange else None
    if layers & t.TCP:
        return _higher(table, row, exchange, fields) or _tcp(table, row)
    if layers & t.UDP:
        return _higher(table, row, exchange, fields) or _udp(table, row)
    if layers & t.IP:
        return Said("other", f"IP protocol {int(table.flows.protocol[table.flow[row]])}")
    return Said("other", f"{int(table.length[row])} B")


def _arp(table: t.PacketTable, at: int) -> Said:
    arp, text = table.arp, table.addresses.text
    if int(arp.operation[at]) == 1:
        return Said("arp-request", f"who-has {text(int(arp.target_ip[at]))}?")
    return Said("arp-reply", f"{text(int(arp.sender_ip[at]))} is-at {t.mac_text(int(arp.sender_mac[at]))}")


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
        return Said("icmp-error", error_name(is_v6, kind, code))
    return Said("icmp", f"ICMP{'v6' if is_v6 else ''} type {kind} code {code}")


def _tcp(table: t.PacketTable, row: int) -> Said:
    flags, payload = int(table.flags[row]), int(table.payload[row])
    names = " ".join(name for bit, name, _ in _FLAGS if flags & bit) or "no flag"
    letters = "".join(letter for bit, _, letter in _FLAGS if flags & bit) or "none"
    size = f" {payload} B" if payload else ""
    port = " {} > {}".format(*_ports(table, row)) if flags & (_SYN | _ACK) == _SYN else ""
    if flags & _RST:
        meaning = "rst"
    elif flags & _SYN:
        meaning = "syn-ack" if flags & _ACK else "syn"
    else:
        meaning = "fin" if flags & _FIN else "data" if payload else "ack"
    return Said(meaning, f"{names} [{letters}]{port}{size}")


def _udp(table: t.PacketTable, row: int) -> Said:
    source, target = _ports(table, row)
    return Said("udp", f"UDP {source} > {target} {int(table.payload[row])} B")


def _ports(table: t.PacketTable, row: int) -> tuple[int, int]:
    one = np.array([row])
    return int(table.source_ports(one)[0]), int(table.target_ports(one)[0])


def _higher(table: t.PacketTable, row: int, exchange: Exchange | None, fields: Any) -> Said | None:
    """What the frame says above TCP and UDP, if its exchange knows."""
    kind = exchange.kind if exchange else ""
    if kind == "dhcp.lease":
        return _dhcp(table, row)
    if kind not in ("dns.lookup", "http.request") or not int(table.payload[row]):
        return None
    source = table.addresses.text(int(table.sources(np.array([row]))[0]))
    if kind == "dns.lookup":
        if source == fields.client.address:
            return Said("dns-query", _cut(f"DNS {fields.type} {visible(fields.name)}?"))
        answers = ", ".join(visible(one) for one in fields.answers[:2]) or fields.rcode or ""
        return Said("dns-answer", _cut(f"DNS {answers}"))
    # Only the first segment of each side has the head; the others are told as segments.
    rows = exchange.frames[0][0] if exchange else 0
    if source == fields.client.address and int(table.frame[row]) == rows and fields.method:
        return Said("http-request", _cut(f"{visible(fields.method)} {visible(fields.path or '')}"))
    return None


def _dhcp(table: t.PacketTable, row: int) -> Said:
    kept = table.contents.get("dhcp")
    at = bisect_left(kept.row, row) if kept else 0
    message = None
    if kept and at < len(kept.row) and kept.row[at] == row:
        message = dhcp_message.parse(kept.octets[at], int(table.payload[row]))
    return Said("dhcp", f"DHCP {visible(message.kind)}" if message else "DHCP")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
