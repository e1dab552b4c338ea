"""Events that stand in a capture twice: the frames of an earlier one, recorded or written again.

A host that says the same once more sends another packet.  Frames that are the same octet for octet, as far as the
table knows them, are copies where no host sends so: with a number of IPv4 that was used before, in one instant, or
as a question of ARP or DHCP that is put again sooner than anybody puts it again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.places.equal import group
from explain.places.matching import invariants, tuples
from explain.table import IP, REVERSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.grade.events.event import Event
    from explain.table import I8, U8, Bools, PacketTable, Rows

_NO_NUMBER = (0, 1)  # of IPv4: what stacks write that do not count, and what packet generators write
_ARP_AGAIN_NS = 1_000_000  # whoever flushes the cache and asks again needs longer
_DHCP_AGAIN_NS = 500_000_000  # four seconds are usual (RFC 2131, 4.1)


def once(events: Sequence[Event]) -> list[Event]:
    """The events without those of the same frames as an earlier one, where one of the frames is provably a copy.

    Source: RFC 6864, 4: an identification of IPv4 is not used twice while its packet may be on the way.
    """
    if len(events) < 2 or events[0].scene is None:
        return list(events)
    content, is_copy = _copies(events[0].scene.report.packets)
    seen: set[tuple[int, ...]] = set()
    own = []
    for event in events:
        rows = list(event.rows)
        frames = tuple(content[rows].tolist())
        if frames not in seen or not is_copy[rows].any():
            own.append(event)
        seen.add(frames)
    return own


@lru_cache(maxsize=1)  # each check asks, and mostly of the same table
def _copies(table: PacketTable) -> tuple[Rows, Bools]:
    """Of all rows: a number for what stands in the frame, and whether it is provably a copy of an earlier one."""
    content, is_copy = np.arange(len(table)), np.zeros(len(table), np.bool_)
    for rows, words, patience_ns in (_of_ip(table), _of_arp(table)):
        if not len(rows):
            continue
        order, bucket = group(words)
        first = np.searchsorted(bucket, bucket)
        content[rows[order]] = rows[order[first]]
        again = np.flatnonzero(bucket[1:] == bucket[:-1]) + 1
        row, before = rows[order[again]], rows[order[again - 1]]
        has_number = (table.layers[row] & IP != 0) & ~among(table.ip_id[row], _NO_NUMBER)
        is_copy[row] = has_number | (np.abs(table.time_ns[row] - table.time_ns[before]) <= patience_ns[order[again]])
    return content, is_copy


def _of_ip(table: PacketTable) -> tuple[Rows, list[U8], I8]:
    """Rows of IP, the words that tell their packets apart, and how soon the same one is a copy."""
    rows = np.flatnonzero(table.layers[: len(table)] & IP)
    side = tuples(table).of_flow[table.flow[rows]] * 2 + (table.layers[rows] & REVERSED != 0)
    frame = _frame(table, rows) << np.uint64(24) | table.ttl[rows].astype(np.uint64) << np.uint64(16)
    words = [*invariants(table, rows), side.astype(np.uint64), frame | table.checksum[rows]]
    is_dhcp = among(rows, table.contents["dhcp"].row) if "dhcp" in table.contents else np.zeros(len(rows), np.bool_)
    return rows, words, np.where(is_dhcp, _DHCP_AGAIN_NS, 0)


def _of_arp(table: PacketTable) -> tuple[Rows, list[U8], I8]:
    """The same for ARP, but for announcements: routers make several at once."""
    arp = table.arp
    words = [
        arp.sender_mac, arp.target_mac, arp.sender_ip << np.uint64(32) | arp.target_ip,
        _frame(table, arp.row) << np.uint64(16) | arp.operation,
    ]  # fmt: skip
    return arp.row, words, np.where(arp.sender_ip == arp.target_ip, 0, _ARP_AGAIN_NS)


def _frame(table: PacketTable, rows: Rows) -> U8:
    """The MACs of frames and the device that recorded them, in however many parts its list was taken."""
    devices: dict[tuple[int | None, ...], int] = {}
    known = ((one.capture, one.interface, one.device, one.is_echo) for one in table.places)
    of_place = np.array([devices.setdefault(one, len(devices)) for one in known], np.uint64)
    return table.link[rows].astype(np.uint64) << np.uint64(16) | of_place[table.place[rows]]
