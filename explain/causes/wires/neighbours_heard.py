"""What each place heard of neighbours: who asked for whose MAC, who answered, who told of its multicast groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC, mac_text
from explain.causes.wires.spots import NOBODY, Spot
from explain.exchanges.groups import memberships

if TYPE_CHECKING:
    from explain.table import PacketTable

_MOST_ROWS = 20_000
_SOLICIT, _ADVERTISE = 135, 136


def listen(table: PacketTable, spots: list[Spot | None]) -> None:
    """Write into each place what it heard; ``spots`` by the number of the place."""
    _neighbours(table, spots)
    _listeners(table, spots)


def asked_for(table: PacketTable) -> set[str]:
    """Every address whose MAC anybody asked for."""
    wanted = {int(key) for key in table.arp.target_ip[:_MOST_ROWS].tolist()}
    icmp = table.icmp
    wanted |= {int(key) for key in icmp.target[icmp.is_v6 & (icmp.type == _SOLICIT)][:_MOST_ROWS].tolist()}
    return {table.addresses.text(key) for key in wanted}


def macs_of(table: PacketTable, row: int) -> tuple[str, str]:
    """The MACs that sent a frame and that it was for."""
    link = table.link[row]
    return mac_text(int(table.links.source[link])), mac_text(int(table.links.target[link]))


def _neighbours(table: PacketTable, spots: list[Spot | None]) -> None:
    arp, text = table.arp, table.addresses.text
    for at in range(min(len(arp.row), _MOST_ROWS)):
        row = int(arp.row[at])
        spot = spots[table.place[row]]
        if spot is None:
            continue
        asker, wanted = text(int(arp.sender_ip[at])), text(int(arp.target_ip[at]))
        spot.claimed.add(wanted if asker in NOBODY else asker)
        if arp.operation[at] == 1:
            if asker != wanted:
                _ask(spot, row, asker, wanted, {mac_text(int(arp.sender_mac[at])), macs_of(table, row)[0]})
        elif asker != wanted:
            _answer(spot, row, asker, mac_text(int(arp.sender_mac[at])), macs_of(table, row)[1])
    icmp = table.icmp
    for at in np.flatnonzero(np.isin(icmp.type, (_SOLICIT, _ADVERTISE)) & icmp.is_v6)[:_MOST_ROWS].tolist():
        row = int(icmp.row[at])
        spot = spots[table.place[row]]
        if spot is None:
            continue
        src = table.end_texts(row)[0]
        wanted = text(int(icmp.target[at]))
        if icmp.type[at] == _ADVERTISE:
            mac = mac_text(int(icmp.mac[at])) if icmp.mac[at] != NO_MAC else macs_of(table, row)[0]
            _answer(spot, row, wanted, mac, macs_of(table, row)[1])
        elif src in NOBODY:
            spot.claimed.add(wanted)
        else:
            _ask(spot, row, src, wanted, {macs_of(table, row)[0]})


def _listeners(table: PacketTable, spots: list[Spot | None]) -> None:
    kept = table.contents.get("mld")
    for row, octets in zip(kept.row[:_MOST_ROWS], kept.octets, strict=False) if kept else ():
        spot = spots[table.place[row]]
        if spot is not None:
            mac = macs_of(table, row)[0]
            spot.reports[mac] = spot.reports.get(mac, 0) + 1
            spot.left.update(each.group for each in memberships(octets) if each.is_left)


def _answer(spot: Spot, row: int, wanted: str, mac: str, to: str) -> None:
    """An answer counts if whoever asked can hear it.

    A host without ARP sends it to its own MAC, one with a wrong permanent entry to a MAC that nobody has.
    """
    askers = spot.asking_macs.get(wanted, set())
    is_for_another = bool(askers) and "" not in askers and to not in askers
    if to and (to == mac or (is_for_another and not _is_for_many(to))):
        spot.astray.add(wanted)
    else:
        spot.answered.setdefault(wanted, set()).add(mac)
        spot.first_answer.setdefault(wanted, row)


def _is_for_many(mac: str) -> bool:
    return bool(int(mac[:2], 16) & 1)


def _ask(spot: Spot, row: int, asker: str, wanted: str, macs: set[str]) -> None:
    spot.asked.setdefault(wanted, []).append(row)
    spot.askers.setdefault(wanted, set()).add(asker)
    spot.asking_macs.setdefault(wanted, set()).update(macs)
