"""Captures that only look alike: the same hosts on two evenings ask the same ARP questions.

Two captures belong together if they share a packet that could not be another one: its numbers, its
identification and its checksum are the same.  ARP says the same at any time; it speaks for captures
only where nothing speaks against them, and where they may have run at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.places.matching import NONE, stays_on_link
from explain.table import ICMP, ICMPV6, IP, TCP, UDP

if TYPE_CHECKING:
    from explain.table import I8, Bools, PacketTable, Rows

_ENOUGH = 32  # bits that a stranger would have to guess
_IP_ID, _CHECKSUM, _NUMBERS = 16, 16, 32
_MOST_PAIRS = 50_000
_SLACK_NS = 10_000_000_000  # by so much clocks are off without anybody's noticing


def occasions(table: PacketTable, packet: Rows, by_packet: Rows, captures: int) -> I8:
    """For each place the first capture that was taken on the same occasion; all 0 where there is only one.

    Args:
        table: the rows of all captures.
        packet: int64[n], as they were matched; NONE where nothing can be said.
        by_packet: rows of known packets, packet after packet.
        captures: how many there are.
    """
    of_place = np.array([place.capture for place in table.places], np.int64)
    if captures < 2:
        return np.zeros(len(of_place), np.int64)
    return _groups(table, packet, by_packet, of_place, captures)[of_place]


def parted(table: PacketTable, packet: Rows, occasion: I8) -> Rows:
    """The packet numbers, so that captures of other occasions share none."""
    if (occasion == occasion[0]).all():
        return packet
    numbers = packet * (int(occasion.max()) + 1) + occasion[table.place[: len(table)]]
    found: Rows = np.where(packet == NONE, NONE, np.unique(numbers, return_inverse=True)[1])
    return found


def _groups(table: PacketTable, packet: Rows, by_packet: Rows, of_place: I8, captures: int) -> I8:
    """For each capture the first one that it belongs together with."""
    group = np.arange(captures)
    number, place = packet[by_packet], table.place[by_packet]
    at = np.flatnonzero((number[1:] == number[:-1]) & (place[1:] != place[:-1]))
    one, other = of_place[place[at]], of_place[place[at + 1]]
    # Through a third capture, two may be connected that share nothing with each other.
    key = np.minimum(one, other) * captures + np.maximum(one, other)
    for pair in np.flatnonzero(np.bincount(key, minlength=captures * captures)).tolist():
        first, then = divmod(pair, captures)
        if first == then:
            continue
        some = at[key == pair]
        some = some[:: len(some) // _MOST_PAIRS + 1]
        if _are_together(table, by_packet[some], of_place == first, of_place == then):
            low, high = sorted((int(group[first]), int(group[then])))
            group[group == high] = low
    return group


def _are_together(table: PacketTable, shared: Rows, one: Bools, other: Bools) -> bool:
    """Whether what both have cannot be chance, or may have been recorded at once and nothing speaks against it.

    Args:
        table: the rows of all captures.
        shared: rows of packets that both have.
        one: bool[places], those of the one capture.
        other: bool[places], those of the other.
    """
    routed = shared[table.layers[shared] & IP != 0]
    routed = routed[~stays_on_link(table, routed)]
    if int(_bits(table, routed).sum()) >= _ENOUGH:
        return True
    times, in_one, in_other = table.time_ns[: len(table)], *(where[table.place[: len(table)]] for where in (one, other))
    is_at_once = (
        times[in_one].min() <= times[in_other].max() + _SLACK_NS
        and times[in_other].min() <= times[in_one].max() + _SLACK_NS
    )
    return bool(is_at_once) and (len(routed) > 0 or not _talks(table, in_one) & _talks(table, in_other))


def _bits(table: PacketTable, rows: Rows) -> I8:
    """How hard each packet is to guess."""
    layers = table.layers[rows]
    bits: I8 = np.where(table.ip_id[rows] != 0, _IP_ID, 0)
    bits += np.where((layers & TCP != 0) & ((table.seq[rows] | table.ack[rows]) != 0), _NUMBERS, 0)
    bits += np.where((layers & (UDP | ICMP | ICMPV6) != 0) & (table.checksum[rows] != 0), _CHECKSUM, 0)
    return bits


def _talks(table: PacketTable, rows: Bools) -> set[int]:
    """Pairs of MACs between which somebody sent a packet of IP to one host."""
    is_ip = np.flatnonzero(rows & (table.layers[: len(table)] & IP != 0))
    return set(np.unique(table.link[is_ip[~stays_on_link(table, is_ip)]]).tolist())
