"""Connections that came about only after several SYNs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.tcp.trouble import SLOW_NS, Trouble
from explain.exchanges.tcp.course import NEVER
from explain.table import ACK, SYN, TWICE_NS

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import TcpMoments

SYNS_LOST = 2  # sent before the one that was answered: a single one is lost now and then
_WAITED_NS = 200_000_000  # before a SYN is sent again because nothing came
_DEAF = ("filter-on-sender-input", "filter-on-router-forward", "stateful-filter-asymmetric-path")
_NO_ROOM = ("tcp-accept-queue-full", "filter-on-target-input", "conntrack-table-full")


def begun_late(moments: TcpMoments, index: int) -> Trouble | None:
    """SYNs that were not answered at first, or whose SYN-ACKs did not arrive."""
    course, rows, time_ns = moments.course, moments.streams.rows, moments.table.time_ns
    first, accepted = int(rows[course.first_syn[index]]), int(rows[course.syn_ack[index]])
    syns = moments.syns(index)
    syns = syns[np.diff(time_ns[syns], prepend=-TWICE_NS) >= TWICE_NS]  # recorded twice is sent once
    before = syns[syns < accepted]
    wait = int(time_ns[before[-1]] - time_ns[first]) if len(before) else 0
    if wait >= SLOW_NS and len(before) > SYNS_LOST:
        values = {"case": "syns", "resent": len(before) - 1, "lost_ns": wait}
        return Trouble("partial-loss", "possible", index, _NO_ROOM, (*before.tolist(), accepted), values)
    if course.ack[index] == NEVER or len(syns) <= SYNS_LOST:
        return None
    opened = int(rows[course.ack[index]])
    own = rows[moments.streams.bounds[index] : moments.streams.bounds[index + 1]]
    accepts = own[(moments.table.flags[own] & (SYN | ACK) == SYN | ACK) & (own < opened)]
    wait = int(time_ns[opened] - time_ns[accepts[0]])
    again = syns[np.diff(time_ns[syns], prepend=time_ns[first]) >= _WAITED_NS]
    if wait < SLOW_NS or len(again[(again > accepts[0]) & (again < opened)]) < SYNS_LOST or syns[-1] > opened:
        return None
    values = {"case": "accepts-lost", "resent": len(syns) - 1, "lost_ns": wait, "times": len(accepts)}
    return Trouble("partial-loss", "likely", index, _DEAF, (*syns.tolist(), *accepts.tolist(), opened), values)
