"""Frames whose octets one doubts: something changed on the way may be why an exchange is in trouble.

A receiver drops what its checksum says is damaged, without a word.  So what nobody answered, and what was
sent again, is worth a look at all its octets; to look at those of every frame would take longer than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct
from explain.exchanges.tcp.labels import RESENT
from explain.exchanges.tcp.many import segments_of
from explain.table import REVERSED

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.exchanges.together import Exchanges
    from explain.table import Rows

_MOST = 2048
_SEQ_BITS, _WAY_BITS = 32, 33


def doubtful(found: Exchanges) -> Rows:
    """Rows of what was sent again, each time it was sent, and of datagrams without an answer; the first ones."""
    rows = [np.empty(0, np.int64)]
    connections, flows = found.of_kind("tcp.connection"), found.of_kind("udp.flow")
    if connections is not None and len(connections):
        rows.append(_sent_again(connections))
    if flows is not None and len(flows):
        rows.append(flows.frames[flows.bounds[flows.where("unanswered")]])
    return distinct(np.concatenate(rows))[:_MOST]


def _sent_again(part: ExchangeColumns) -> Rows:
    """Every segment that begins where one begins that was sent again, of the same connection and direction."""
    moments: TcpMoments = part.facts["moments"]
    streams, table = moments.streams, moments.table
    again = moments.segments.where(RESENT)[0][:_MOST]
    owners = distinct(np.searchsorted(streams.bounds, again, "right") - 1)
    at, owner = segments_of(streams, owners)
    rows = streams.rows[at]
    key = owner << _WAY_BITS | (table.layers[rows] & REVERSED != 0).astype(np.int64) << _SEQ_BITS | table.seq[rows]
    is_again = moments.segments.labels[at] & np.uint16(RESENT) != 0
    wanted = among(key, key[is_again]) & (streams.length[rows] > 0)
    doubted: Rows = rows[wanted]
    return doubted
