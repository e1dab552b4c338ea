"""Which TCP segments belong to one connection: same ends, same place, and no new SYN between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct, ragged
from explain.exchanges.tcp.fragments import segment_lengths
from explain.record import dataclass
from explain.table import ACK, REVERSED, SYN, TCP

if TYPE_CHECKING:
    from explain.table import I8, U1, U4, Bools, PacketTable, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """The segments connection after connection, each in time order; connections by their first frame.

    Attributes:
        rows: int64[m], rows of the packet table.
        bounds: int64[n + 1]; connection i has ``rows[bounds[i]:bounds[i + 1]]``.
        flags: uint8[m], of each segment.
        is_high: bool[m], sent from the high end of its flow.
        length: uint32, octets of payload, beside the rows of the table.
        flow: uint32[n], index into the table's flows.
        is_reuse: bool[n], the ports had been used by a connection before.
    """

    rows: Rows
    bounds: I8
    flags: U1
    is_high: Bools
    length: U4
    flow: U4
    is_reuse: Bools


def find_streams(table: PacketTable) -> Streams:
    """Sorts the TCP segments into connections, where tshark would begin a new ``tcp.stream``.

    A SYN begins a connection if its sequence number is not the initial one of its side.
    """
    rows, flow_bounds = table.with_header(TCP)
    flags = table.flags[rows]
    cuts = _reuses(table, rows, flags, flow_bounds)
    bounds = np.sort(np.concatenate((flow_bounds, cuts))) if len(cuts) else flow_bounds
    is_reuse = np.zeros(len(bounds) - 1, np.bool_)
    is_reuse[np.searchsorted(bounds, cuts)] = True
    if len(cuts):
        rows, flags, bounds, order = _by_first_frame(rows, flags, bounds)
        is_reuse = is_reuse[order]
    is_high = table.layers.take(rows, mode="clip") & REVERSED != 0
    return Streams(rows, bounds, flags, is_high, segment_lengths(table), table.flow[rows[bounds[:-1]]], is_reuse)


def _by_first_frame(rows: Rows, flags: U1, bounds: I8) -> tuple[Rows, U1, I8, I8]:
    """Connections in the order of their first rows, where some flows hold several of them."""
    order = np.argsort(rows[bounds[:-1]], kind="stable")
    starts, lengths = bounds[:-1][order], np.diff(bounds)[order]
    new = np.concatenate(([0], np.cumsum(lengths)))
    return ragged(rows, starts, lengths), ragged(flags, starts, lengths), new, order


def _reuses(table: PacketTable, rows: Rows, flags: U1, flow_bounds: I8) -> I8:
    """Positions in ``rows`` at which a SYN begins another connection in a flow."""
    spots = np.flatnonzero(flags & SYN != 0)
    flow = np.searchsorted(flow_bounds, spots, side="right") - 1
    is_syn = flags[spots] & ACK == 0
    is_first = spots == flow_bounds[flow]
    later = distinct(flow[is_syn & ~is_first])
    if not len(later):
        return np.empty(0, np.int64)
    is_among = among(flow, later)
    spots, flow, is_syn, is_first = spots[is_among], flow[is_among], is_syn[is_among], is_first[is_among]
    opener = (table.layers[rows[spots]] & REVERSED != 0) ^ ~is_syn
    begins = np.flatnonzero(np.concatenate(([True], flow[1:] != flow[:-1])))
    sizes = np.diff(np.concatenate((begins, [len(spots)])))
    # Where one side alone opens, from the flow's first frame on, a SYN differs from the initial number
    # if it differs from the SYN before; other flows are gone through step by step.
    turns = opener != opener[begins].repeat(sizes)
    is_simple = is_first[begins] & is_syn[begins] & ~np.logical_or.reduceat(turns, begins)
    plain = np.flatnonzero(is_syn & is_simple.repeat(sizes))
    seq = table.seq[rows[spots[plain]]]
    differs = (seq[1:] != seq[:-1]) & (flow[plain[1:]] == flow[plain[:-1]])
    cuts = [spots[plain[1:][differs]]]
    for index in begins[~is_simple].tolist():
        start, end = flow_bounds[flow[index]], flow_bounds[flow[index] + 1]
        cuts.append(_reuses_step_by_step(table, rows[start:end]) + start)
    return np.sort(np.concatenate(cuts))


def _reuses_step_by_step(table: PacketTable, rows: Rows) -> I8:
    """The same for one flow, by following both sides' initial numbers."""
    seq, ack = table.seq[rows].tolist(), table.ack[rows].tolist()
    flags = (table.flags[rows] & (SYN | ACK)).tolist()
    way = (table.layers[rows] & REVERSED != 0).tolist()
    initial: list[int | None] = [None, None]
    cuts = []
    for position, flag in enumerate(flags):
        side = way[position]
        if flag == SYN and initial[side] is not None and initial[side] != seq[position]:
            cuts.append(position)
            initial = [None, None]
        if initial[side] is None or flag == SYN | ACK:  # a SYN-ACK that does not fit starts its side anew
            initial[side] = seq[position] if flag & SYN else (seq[position] - 1) & 0xFFFFFFFF
        if flag & ACK and initial[not side] is None:
            initial[not side] = (ack[position] - 1) & 0xFFFFFFFF
    return np.array(cuts, np.int64)


def epochs(table: PacketTable, rows: Rows) -> Rows:
    """How many connections of the flow began until each row, by their SYNs alone: the same ports may serve several."""
    opened, size = openings(table, table.flow[rows]), np.int64(len(table) + 1)
    flow = table.flow[rows].astype(np.int64) * size
    before: Rows = np.searchsorted(opened, flow + rows, "right") - np.searchsorted(opened, flow)  # a SYN may ask, too
    return before


def openings(table: PacketTable, flows: U4) -> Rows:
    """The SYNs that open connections of these flows as ``flow * (len(table) + 1) + row``, sorted."""
    is_mine = np.zeros(len(table.flows.low), np.bool_)
    is_mine[flows] = True
    syn = table.syn.row[is_mine[table.flow[table.syn.row]]]
    syn = syn[table.flags[syn] & (SYN | ACK) == SYN]
    keys: Rows = np.sort(table.flow[syn] * np.int64(len(table) + 1) + syn)
    flow, seq = keys // (len(table) + 1), table.seq[keys % (len(table) + 1)]
    is_again = np.zeros(len(keys), np.bool_)
    is_again[1:] = (flow[1:] == flow[:-1]) & (seq[1:] == seq[:-1])  # sent again, it opens nothing new
    return keys[~is_again]
