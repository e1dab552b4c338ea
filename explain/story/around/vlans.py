"""Which VLANs a capture shows, and who speaks in each.

Source: IEEE 802.1Q-2018, 9.6 (the tag; VID 0 is priority alone) and 6.13 (provider bridges: a tag around a tag).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import distinct, first_and_last
from explain.model import Line
from explain.places.near import NearTable, copies_of, whole_of
from explain.table import ARP, VLAN, VLAN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.together import Exchanges
    from explain.table import U2, PacketTable, Rows

_MOST_TOLD = 8
_MOST_HOSTS = 6
_MOST_CITED = 1000
_NOWHERE, _SEVERAL = 0xFFFF, -1  # beside the ids


def tell(table: PacketTable, exchanges: Exchanges) -> list[Line]:
    """One line for each VLAN, for frames with two tags, and for exchanges in several VLANs; none without tags."""
    near, table = table, whole_of(table)
    layers = table.layers[: len(table)]
    tagged = np.flatnonzero(layers & VLAN)
    if not len(tagged):
        return []
    outer = table.vlan[tagged] & VLAN_ID
    ids = distinct(outer).tolist()
    of = np.full(len(table), _NOWHERE, np.uint16)
    of[tagged] = outer
    own, mixed = _exchanges(exchanges, *_along(near, of))
    lines, is_first = [], True
    for number in ids[:_MOST_TOLD]:
        rows = tagged[outer == number]
        message = "vlan" if number else "priority"
        values = {"id": number, "hosts": _hosts(table, rows), "exchanges": own.get(number, 0)}
        if not values["hosts"]:
            message += "-silent"
        elif message == "vlan":
            message, is_first = "vlan" if is_first else "vlan-again", False
            message += "" if values["exchanges"] else "-shared"
        lines.append(_line(table, message, rows, **values))
    if len(ids) > _MOST_TOLD:
        lines.append(_line(table, "more", tagged[outer > ids[_MOST_TOLD - 1]], vlans=len(ids) - _MOST_TOLD))
    lines += _inner(table)
    if len(mixed):
        rows = copies_of(near, np.unique(mixed))
        lines.append(_line(table, "mixed", rows, exchanges=own[_SEVERAL]))
    return lines


def _line(table: PacketTable, message: str, rows: Rows, **values: Any) -> Line:
    return Line(f"vlans.{message}", {"count": len(rows), **values}, table.evidence(first_and_last(rows, _MOST_CITED)))


def _hosts(table: PacketTable, rows: Rows) -> list[str]:
    """Addresses that send there, in the order of their first frames."""
    spoke = np.full(len(table.first_of_side), -1)
    spoke[table.sides[rows[::-1]]] = rows[::-1]  # what is first is set last
    with_ip = spoke[:-2][spoke[:-2] >= 0]
    keys = table.sources(with_ip)
    with_arp = rows[table.layers[rows] & ARP != 0]
    at = np.searchsorted(table.arp.row, with_arp)
    keys = np.concatenate((keys, table.arp.sender_ip[at]))[
        np.argsort(np.concatenate((with_ip, with_arp)), kind="stable")
    ]
    some = distinct(keys[keys > 0])
    first = [int(np.argmax(keys == key)) for key in some[: 4 * _MOST_HOSTS]]
    names = [table.addresses.text(int(keys[at])) for at in sorted(first)[:_MOST_HOSTS]]
    return [*names, "..."] if len(some) > _MOST_HOSTS else names


def _along(near: PacketTable, of: U2) -> tuple[U2, U2]:
    """For each row nearest to the askers the lowest and the highest VLAN of its packet in that capture."""
    if not isinstance(near, NearTable):
        return of, of
    capture = np.array([place.capture for place in near.whole.places], np.int64)[near.whole.place[: len(of)]]
    packet = near.packet_of(np.arange(len(of))).astype(np.int64)
    key = np.where(packet >= 0, packet * (int(capture.max(initial=0)) + 1) + capture, -1 - np.arange(len(of)))
    known, number = np.unique(key, return_inverse=True)
    low, high = np.full(len(known), _NOWHERE, np.uint16), np.zeros(len(known), np.uint16)
    np.minimum.at(low, number, of)
    np.maximum.at(high, number, of)
    return low[number[near.origin]], high[number[near.origin]]


def _exchanges(exchanges: Exchanges, low: U2, high: U2) -> tuple[dict[int, int], Rows]:
    """How many exchanges run in each VLAN alone; and the rows of those that run in several."""
    own: dict[int, int] = {}
    mixed: list[Rows] = [np.empty(0, np.int64)]
    count = 0
    for part in exchanges.parts:
        if not len(part):
            continue
        starts = part.bounds[:-1]
        first, last = np.minimum.reduceat(low[part.frames], starts), np.maximum.reduceat(high[part.frames], starts)
        for number in distinct(first[first == last]).tolist():
            own[number] = own.get(number, 0) + int(np.count_nonzero((first == last) & (first == number)))
        several = np.flatnonzero(first != last)
        mixed += [part.rows(index) for index in several[:_MOST_TOLD].tolist()]
        count += len(several)
    own[_SEVERAL] = count
    return own, np.concatenate(mixed)


def _inner(table: PacketTable) -> Iterator[Line]:
    """Frames with a tag within the tag."""
    beside = table.beside
    some = np.flatnonzero(beside.inner & VLAN_ID)
    if not len(some):
        return
    pairs = (table.vlan[beside.row[some]].astype(np.int64) & VLAN_ID) << 12 | (beside.inner[some] & VLAN_ID)
    names = [f"{pair >> 12}/{pair & VLAN_ID}" for pair in distinct(pairs).tolist()]
    more = ["..."] if len(names) > _MOST_TOLD else []
    yield _line(table, "double", beside.row[some], pairs=[*names[:_MOST_TOLD], *more])
