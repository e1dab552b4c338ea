"""The labels of all TCP segments, beside the rows that they speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp_blocks import label_blocks
from explain.exchanges.tcp_hints import find_hints, offered_shifts
from explain.exchanges.tcp_steps import SYN, Segment, label_steps
from explain.record import dataclass
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.exchanges.tcp_course import Control
    from explain.exchanges.tcp_streams import Streams
    from explain.table import I8, U2, PacketTable


@dataclass(frozen=True, slots=True, eq=False)
class TcpSegments:
    """One mask of ``tcp_labels`` for each segment.

    Attributes:
        streams: which rows of the table the segments are, connection after connection.
        labels: uint16[m], beside ``streams.rows``.
        sent: int64[n, 2], segments from the low and from the high end of each connection.
    """

    streams: Streams
    labels: U2
    sent: I8

    def of(self, index: int) -> U2:
        """The masks of one connection's segments."""
        return self.labels[self.streams.bounds[index] : self.streams.bounds[index + 1]]

    def counts(self, labels: int) -> I8:
        """int64[n]: in each connection, the segments that have one of these labels."""
        marked = np.flatnonzero(self.labels & np.uint16(labels))
        of = np.searchsorted(self.streams.bounds, marked, side="right") - 1
        return np.bincount(of, minlength=len(self.streams.flow))


def label_segments(table: PacketTable, streams: Streams, marks: Control) -> TcpSegments:
    """Labels as Wireshark 4.0 gives them with its default preferences."""
    labels = np.zeros(len(streams.rows), np.uint16)
    sent = np.zeros(2 * len(streams.flow), np.int64)
    for index in label_blocks(table, streams, find_hints(table, streams, marks), labels, sent):
        start, end = streams.bounds[index], streams.bounds[index + 1]
        labels[start:end] = follow_steps(table, streams, index)[0]
    return TcpSegments(streams, labels, sent.reshape(-1, 2))


def follow_steps(table: PacketTable, streams: Streams, index: int) -> tuple[list[int], dict[int, int]]:
    """Labels of one connection, and by position in it the numbers of its duplicate acknowledgements."""
    at = np.arange(streams.bounds[index], streams.bounds[index + 1])
    rows = streams.rows[at]
    syns = np.flatnonzero(table.flags[rows] & SYN)
    shifts = dict(zip(syns.tolist(), offered_shifts(table, streams, at[syns]).tolist(), strict=True))
    columns = (table.time_ns, table.seq, table.ack, streams.length, table.flags, table.window)
    ways = (table.layers[rows] & REVERSED != 0).astype(np.uint8)
    parts = [column[rows].tolist() for column in columns]
    segments = map(Segment._make, zip(*parts, ways.tolist(), strict=True))
    return label_steps(segments, shifts, bool(streams.is_reuse[index]))
