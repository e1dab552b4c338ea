"""What two recordings have in common once addresses, names, times and ids are taken out of a view.

Recordings that agree in a view cannot be told apart by it; the causes of all that agree are what is *possible*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from explain.causes.diagnosis import Witnesses
from explain.table import ARP, FRAGMENT, ICMP, ICMPV6, IP, TCP, UDP, PacketTable

_HOUSEKEEPING_6 = {130, 131, 132, 133, 134, 143}
"""Multicast listeners and routers: they come and go with the kernel's clock."""
_SOLICITATION, _ADVERTISEMENT = 135, 136


def of_text(text: str, command: str) -> str:
    """A terminal's text, and the options of its command."""
    words = re.sub(r"(?<![\w])(?:[0-9a-f]{0,4}:){2,}[0-9a-f:]*(?:%\S+)?|\d+\.\d+\.\d+\.\d+", "A", text)
    words = re.sub(r"\b[\w-]+(?:\.[\w-]+)+\b", "N", words)
    words = re.sub(r"(?<=A )[\w-]+(?=: 56)|(?<=device other than: )\S+|(?<=mtu[ :=])\s*\d+", "I", words)
    words = re.sub(r"\d+(?:\.\d+)?", "9", words)
    lines = list(dict.fromkeys(line.strip() for line in words.splitlines() if line.strip()))
    option = " ".join(re.findall(r" -(?:I|s|M|t|b)\b", command))
    return f"{option}|" + "|".join(line for line in lines if not line.startswith(("rtt", "--- ")))


def of_wire(witnesses: Witnesses) -> str:
    """The frames of a view, each kind once and in the order of their first."""
    table = witnesses.table
    if table is None:
        return ""
    return "|".join(dict.fromkeys(_shapes(table)))


def _shapes(table: PacketTable) -> Iterator[str]:
    names: dict[str, str] = {}
    idle = _checks(table)
    icmp = {int(row): at for at, row in enumerate(table.icmp.row.tolist())}
    arp = {int(row): at for at, row in enumerate(table.arp.row.tolist())}
    for row in np.argsort(table.time_ns[: len(table)], kind="stable").tolist():
        layers = int(table.layers[row])
        if row in idle:
            continue
        if layers & ARP and row in arp:
            yield _arp(table, arp[row], names)
        elif layers & IP:
            shape = _packet(table, row, layers, icmp.get(row), names)
            if shape is not None:
                yield shape


def _checks(table: PacketTable) -> set[int]:
    """The rows in which a neighbour that is known is asked, itself, whether it is still there, and says so.

    When that comes, and whether a recording still sees it, is the kernel's clock alone: some five seconds after a
    packet to an address whose MAC is old (RFC 4861, 7.3.3, DELAY_FIRST_PROBE_TIME).
    """
    asked: dict[tuple[int, int], int] = {}
    found: set[int] = set()
    for row, kind in zip(table.icmp.row.tolist(), (table.icmp.type * table.icmp.is_v6).tolist(), strict=True):
        one = np.array([row])
        src, dst = int(table.sources(one)[0]), int(table.targets(one)[0])
        if kind == _SOLICITATION and not table.addresses.text(dst).startswith("ff02"):
            asked[src, dst] = row
        elif kind == _ADVERTISEMENT and (dst, src) in asked:
            found |= {row, asked.pop((dst, src))}
    return found


def _name(names: dict[str, str], address: str) -> str:
    return names.setdefault(address, f"A{len(names)}")


def _arp(table: PacketTable, at: int, names: dict[str, str]) -> str:
    text = table.addresses.text
    kind = "?" if table.arp.operation[at] == 1 else "!"
    return (
        f"arp{kind}{_name(names, text(int(table.arp.sender_ip[at])))}{_name(names, text(int(table.arp.target_ip[at])))}"
    )


def _packet(table: PacketTable, row: int, layers: int, at: int | None, names: dict[str, str]) -> str | None:
    one, text = np.array([row]), table.addresses.text
    if at is not None and table.icmp.is_v6[at] and int(table.icmp.type[at]) in _HOUSEKEEPING_6:
        return None
    src, dst = text(int(table.sources(one)[0])), text(int(table.targets(one)[0]))
    if dst.startswith("ff02::16") or src == "::":
        return None
    ends = f"{_name(names, src)}{'*' if dst.startswith('ff02') else _name(names, dst)}"
    if at is not None and layers & (ICMP | ICMPV6):
        wanted = int(table.icmp.target[at])
        about = _name(names, text(wanted)) if table.icmp.type[at] in {135, 136} else ""
        return f"icmp{int(table.icmp.type[at])}.{int(table.icmp.code[at])}{ends}{about}"
    if layers & TCP:
        return f"tcp{int(table.flags[row])}{ends}"
    port = int(table.target_ports(one)[0]) if layers & UDP else 0
    probe = "probe" if 33434 <= port < 33700 else ""
    return f"{'udp' if layers & UDP else 'fragment' if layers & FRAGMENT else 'ip'}{probe}{ends}"
