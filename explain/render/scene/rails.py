"""Who stands at the ends of a frame, and the hosts of a ladder from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain import table as t
from explain.addresses import NO_MAC, mac_text
from explain.exchanges.wire_words import side_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Report

EVERYONE, OTHERS = "*", "+"
"""Names of the rails of broadcast and multicast, and of the hosts for which there is no room."""
_GROUP = 1 << 40  # of the first octet of a MAC


def ends(table: t.PacketTable, row: int) -> tuple[str, str, bool]:
    """Who sent a frame, whom it is for, and whether that is a group."""
    layers, link = int(table.layers[row]), int(table.link[row])
    macs = (NO_MAC, NO_MAC)
    if link < len(table.links.source):
        macs = int(table.links.source[link]), int(table.links.target[link])
    sender = mac_text(macs[0]) or "?"
    is_group = macs[1] < NO_MAC and bool(macs[1] & _GROUP)
    text = table.addresses.text
    if layers & t.ARP and (at := side_row(table.arp.row, row)) is not None:
        source, target = text(int(table.arp.sender_ip[at])), text(int(table.arp.target_ip[at]))
        return sender if source == "0.0.0.0" else source, target, is_group  # noqa: S104  no address yet
    if not layers & t.IP:
        return sender, EVERYONE if is_group else mac_text(macs[1]) or "?", is_group
    source, target = table.end_texts(row)
    if source in ("0.0.0.0", "::"):  # noqa: S104  no address yet
        source = sender if sender != "?" else source
    if (
        layers & t.ICMPV6
        and is_group
        and (at := side_row(table.icmp.row, row)) is not None
        and table.icmp.type[at] == 135
    ):
        return source, text(int(table.icmp.target[at])), True
    is_group = is_group or _is_group(target)
    return source, EVERYONE if is_group else target, is_group


def _is_group(address: str) -> bool:
    """Broadcast to the whole link, or multicast (RFC 919; 5771; 4291, 2.7)."""
    if ":" in address:
        return address.lower().startswith("ff")
    return address == "255.255.255.255" or 224 <= int(address.partition(".")[0]) < 240


def rails_of(ends: Sequence[tuple[str, str, bool]], most: int) -> tuple[str, ...]:
    """Hosts as they stand along the way, groups last; of too many, those that speak most."""
    count: dict[str, int] = {}
    for source, target, _ in ends:
        count[source] = count.get(source, 0) + 1
        count[target] = count.get(target, 0) + 1
    has_group = count.pop(EVERYONE, 0) > 0
    room = most - has_group
    names = _in_order(ends)
    if len(names) > room:
        busiest = set(sorted(names, key=lambda name: -count[name])[: room - 1])
        names = [*(name for name in names if name in busiest), OTHERS]
    return (*names, EVERYONE) if has_group else tuple(names)


def _in_order(ends: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Hosts in the order in which they appear; one that speaks to a host farther down stands before that: a router."""
    names: list[str] = []
    known: set[str] = set()
    for source, target, _ in ends:
        if source not in known and target in known and target != names[0]:
            names.insert(names.index(target), source)
            known.add(source)
        for name in (source, target):
            if name not in known and name != EVERYONE:
                names.append(name)
                known.add(name)
    return names


def conversation(report: Report, position: int) -> tuple[str, ...]:
    """Who takes part in an exchange, by its first frame: sender and receiver, groups left out."""
    part, index = report.exchanges.at(position)
    source, target, _ = ends(report.exchanges.table, int(part.rows(index)[0]))
    return (source,) if target == EVERYONE else (source, target)
