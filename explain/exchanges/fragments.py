"""Packets that were cut on the way: which fragments belong together, and to which exchange (RFC 791, 8200)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns
    from explain.table import I8, U1, Bools, PacketTable, Rows

_TOGETHER_NS = 60_000_000_000  # how long a receiver waits at most (RFC 1122, 3.3.2)
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Datagrams:
    """Fragments, packet after packet.

    Attributes:
        rows: int64[m], rows of the packet table, by offset and then by time.
        bounds: int64[n + 1]; the fragments of packet i are ``rows[bounds[i]:bounds[i + 1]]``.
        first: int64[n], the row with the beginning of each, -1 where it is not there.
        size: int64[n], octets of the whole payload, as far as the fragments tell.
        have: int64[n], octets of it that came.
        is_ended: bool[n], the last fragment is there.
        is_laid_over: bool[n], a fragment covers octets of another, and is no copy of it.
        is_one: bool, beside the rows of the table: they are fragments.
    """

    rows: Rows
    bounds: I8
    first: Rows
    size: I8
    have: I8
    is_ended: Bools
    is_laid_over: Bools
    is_one: Bools

    def __len__(self) -> int:
        return len(self.first)

    def of(self, index: int) -> Rows:
        """The rows of one packet's fragments."""
        return self.rows[self.bounds[index] : self.bounds[index + 1]]

    def unfinished(self) -> Rows:
        """Packets of which a part is missing."""
        return np.flatnonzero(~self.is_ended | (self.have < self.size))


def datagrams(table: PacketTable) -> Datagrams:
    """All fragments at each place, those of one packet together."""
    parts = table.fragments
    is_part = parts.more | (parts.offset > 0)  # an atomic fragment of IPv6 is whole (RFC 6946)
    some = np.flatnonzero(is_part)
    rows = parts.row[some]
    keys = (
        parts.protocol[some].astype(np.uint64), parts.ident[some].astype(np.uint64), table.targets(rows),
        table.sources(rows), table.place[rows].astype(np.uint64),
    )  # fmt: skip
    order = np.lexsort((rows, *keys))
    differs = np.ones(len(rows), np.bool_)
    differs[1:] = np.diff(table.time_ns[rows[order]]) > _TOGETHER_NS
    for key in keys:
        differs[1:] |= key[order][1:] != key[order][:-1]
    group = np.cumsum(differs) - 1
    by_offset = np.lexsort((order, parts.offset[some[order]], group))
    order, group = order[by_offset], group[by_offset]
    return _gathered(table, some[order], group)


def _gathered(table: PacketTable, some: Rows, group: I8) -> Datagrams:
    parts = table.fragments
    count = int(group[-1]) + 1 if len(group) else 0
    bounds = np.searchsorted(group, np.arange(count + 1))
    rows, offset = parts.row[some], parts.offset[some].astype(np.int64)
    size = np.minimum(_sizes(table, rows, offset), _LONGEST)
    end = offset + size
    first = np.full(count, -1, np.int64)
    starts = np.flatnonzero(offset == 0)[::-1]
    first[group[starts]] = rows[starts]
    whole = np.zeros(count, np.int64)
    np.maximum.at(whole, group, end)
    # Each packet gets a stretch of one long line, so that one pass says how far the earlier fragments reached.
    base = group * (2 * _LONGEST)
    reached = np.maximum.accumulate(np.concatenate(([0], (base + end)[:-1]))) if count else base
    have = np.zeros(count, np.int64)
    np.add.at(have, group, np.clip(base + end - np.maximum(base + offset, reached), 0, None))
    is_ended = np.zeros(count, np.bool_)
    is_ended[group[~parts.more[some]]] = True
    is_laid_over = np.zeros(count, np.bool_)
    is_laid_over[group[_laid_over(group, base + offset, table.ttl[rows], reached)]] = True
    is_one = np.zeros(len(table), np.bool_)
    is_one[rows] = True
    return Datagrams(rows, bounds.astype(np.int64), first, whole, have, is_ended, is_laid_over, is_one)


def _laid_over(group: I8, start: I8, ttl: U1, reached: I8) -> Bools:
    """Fragments that begin in the midst of what came before (RFC 3128, RFC 5722).

    Those of two packets with one identification begin alike, and those that a router cut once more have another TTL.
    """
    found = start < reached
    is_next = group[1:] == group[:-1]
    found[1:] &= is_next & (start[1:] != start[:-1])
    found &= ~among(group, group[1:][is_next & (ttl[1:] != ttl[:-1])])
    return found


def _sizes(table: PacketTable, rows: Rows, offset: I8) -> I8:
    """Octets of the packet's payload in each fragment; the header of layer 4 counts in the first one."""
    payload = table.payload[rows].astype(np.int64)
    on_the_wire = table.length[rows].astype(np.int64) - table.transport[rows]
    return np.where(offset == 0, on_the_wire, payload)


def whole_payload(table: PacketTable, rows: Rows) -> I8:
    """Octets after the header of ICMP in each of some rows; in a first fragment those of its whole packet."""
    payload = table.payload[rows].astype(np.int64)
    if len(rows) and len(table.fragments.row):
        cut = datagrams(table)
        rest = cut.size - _sizes(table, cut.first, np.zeros(len(cut), np.int64))
        at = np.flatnonzero(among(rows, cut.first))
        order = np.argsort(cut.first)
        payload[at] += rest[order[np.searchsorted(cut.first[order], rows[at])]]
    return payload


def attach(table: PacketTable, part: ExchangeColumns, cut: Datagrams) -> ExchangeColumns:
    """The same exchanges, with all fragments of their packets among their frames."""
    at = np.flatnonzero(cut.is_one.take(part.frames))
    if not len(at):
        return part
    by_row = np.argsort(cut.rows)
    owner = np.full(len(cut.rows), -1, np.int64)
    own = by_row[np.searchsorted(cut.rows[by_row], part.frames[at])]
    owner[own] = np.searchsorted(part.bounds, at, "right") - 1
    packet = np.arange(len(cut)).repeat(np.diff(cut.bounds))
    of = np.where(cut.first >= 0, owner[cut.bounds[:-1]], -1)[packet]
    more = np.flatnonzero((of >= 0) & (owner < 0))
    if not len(more):
        return part
    frames = np.concatenate((part.frames, cut.rows[more]))
    owners = np.concatenate((np.arange(len(part)).repeat(np.diff(part.bounds)), of[more]))
    # What the finder took for the first frame stays it, also where a later fragment overtook it.
    rank = np.ones(len(frames), np.int64)
    rank[part.bounds[:-1]] = 0
    order = np.lexsort((frames, rank, owners))
    frames = frames[order]
    bounds = np.searchsorted(owners[order], np.arange(len(part) + 1)).astype(np.int64)
    times = table.time_ns[frames]
    return replace(
        part,
        frames=frames,
        bounds=bounds,
        start_ns=np.minimum(part.start_ns, np.minimum.reduceat(times, bounds[:-1])),
        end_ns=np.maximum(part.end_ns, np.maximum.reduceat(times, bounds[:-1])),
    )
