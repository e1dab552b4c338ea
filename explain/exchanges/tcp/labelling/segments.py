"""The labels of all TCP segments, beside the rows that they speak of."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labelling.blocks import label_blocks
from explain.exchanges.tcp.labelling.hints import find_hints
from explain.exchanges.tcp.labelling.steps import Segment, label_steps
from explain.exchanges.tcp.offers import offered_shifts
from explain.table import REVERSED, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.course import Control
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, U2, PacketTable


class TcpSegments:
    """One mask of ``labels`` for each segment, made when somebody asks.

    Attributes:
        streams: which rows of the table the segments are, connection after connection.
    """

    def __init__(self, table: PacketTable, streams: Streams, marks: Control) -> None:
        self._table, self.streams, self._marks = table, streams, marks

    @cached_property
    def labels(self) -> U2:
        """uint16[m], beside ``Streams.rows``, as Wireshark 4.0 gives them with its default preferences."""
        table, streams = self._table, self.streams
        labels = np.zeros(len(streams.rows), np.uint16)
        for index in label_blocks(table, streams, find_hints(table, streams, self._marks), labels):
            labels[streams.bounds[index] : streams.bounds[index + 1]] = follow_steps(table, streams, index)[0]
        return labels

    @cached_property
    def sent(self) -> I8:
        """int64[n, 2], segments from the low and from the high end of each connection."""
        bounds = self.streams.bounds
        from_high = np.add.reduceat(self.streams.is_high, bounds[:-1], dtype=np.int64)
        return np.stack((np.diff(bounds) - from_high, from_high), axis=1)

    def of(self, index: int) -> U2:
        """The masks of one connection's segments."""
        return self.labels[self.streams.bounds[index] : self.streams.bounds[index + 1]]

    def counts(self, labels: int) -> I8:
        """int64[n]: in each connection, the segments that have one of these labels."""
        return np.diff(self.where(labels)[1])

    def where(self, labels: int) -> tuple[I8, I8]:
        """Positions in ``Streams.rows`` of the segments that have one of these labels.

        Returns:
            The positions of all connections, one after the other, and where each one's begin, with the end.
        """
        at = self._marked[self.labels[self._marked] & np.uint16(labels) != 0]
        return at, np.searchsorted(at, self.streams.bounds)

    @cached_property
    def _marked(self) -> I8:
        return np.flatnonzero(self.labels)


def follow_steps(table: PacketTable, streams: Streams, index: int) -> tuple[list[int], dict[int, int]]:
    """Labels of one connection, and by position in it the numbers of its duplicate acknowledgements."""
    at = np.arange(streams.bounds[index], streams.bounds[index + 1])
    rows = streams.rows[at]
    syns = np.flatnonzero(table.flags[rows] & SYN)
    shifts = dict(zip(syns.tolist(), offered_shifts(table, rows[syns]).tolist(), strict=True))
    columns = (table.time_ns, table.seq, table.ack, streams.length, table.flags, table.window)
    ways = (table.layers[rows] & REVERSED != 0).astype(np.uint8)
    parts = [column[rows].tolist() for column in columns]
    segments = map(Segment._make, zip(*parts, ways.tolist(), strict=True))
    return label_steps(segments, shifts, bool(streams.is_reuse[index]))
