"""What was kept of one protocol, flow after flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among

if TYPE_CHECKING:
    from explain.table import PacketTable, Rows


class Messages:
    """Messages in the order of their flows, those of one flow as they were recorded.

    Attributes:
        rows: int64[n], in which each was; octets: n of them.
    """

    def __init__(self, table: PacketTable, name: str, ports: tuple[int, ...] = ()) -> None:
        """Those under a name in ``table.contents``, with ``ports`` only those from or to one of them."""
        kept = table.contents.get(name)
        rows = np.array(kept.row if kept else (), np.int64)
        order = np.argsort(table.flow[rows], kind="stable")
        if ports:
            is_one = among(table.source_ports(rows), ports) | among(table.target_ports(rows), ports)
            order = order[is_one[order]]
        self.rows: Rows = rows[order]
        self.octets = [kept.octets[at] for at in order.tolist()] if kept else []
        self._flow = table.flow[self.rows]

    def of(self, flow: int) -> range:
        """Where the messages of a flow stand."""
        first, end = (int(np.searchsorted(self._flow, flow, side)) for side in ("left", "right"))
        return range(first, end)
