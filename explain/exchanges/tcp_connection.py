"""``tcp.connection``: a conversation over TCP, from its SYN to both its FINs (RFC 9293)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.exchanges.columns import ExchangeColumns
from explain.exchanges.community_id import community_id
from explain.exchanges.quotes import quoted_flows
from explain.exchanges.tcp_course import NEVER, control, follow
from explain.exchanges.tcp_streams import find_streams
from explain.model import Endpoint
from explain.table import NO_FLOW

if TYPE_CHECKING:
    from explain.exchanges.tcp_course import Course
    from explain.exchanges.tcp_streams import Streams
    from explain.table import I8, U1, Bools, PacketTable

OUTCOMES = ("rejected", "refused", "unanswered", "half-open", "midstream", "reset", "closed", "open")


@dataclass(frozen=True, slots=True)
class TcpConnection:
    """One connection at one place."""

    client: Endpoint
    server: Endpoint
    handshake_rtt_ns: int | None
    closed_by: str | None
    reset_by: str | None
    community_id: str


def find(table: PacketTable) -> ExchangeColumns:
    """One exchange for each connection at each place."""
    streams = find_streams(table)
    course = follow(table, streams, control(table, streams))
    error_row, error_of = _errors(table, streams)
    is_rejected = np.zeros(len(streams.flow), np.bool_)
    is_rejected[error_of] = True
    times = table.time_ns[streams.rows]

    def fields(index: int) -> TcpConnection:
        return _fields(table, streams, course, index)

    first, last = streams.bounds[:-1], streams.bounds[1:] - 1
    facts: dict[str, Any] = {"course": course, "streams": streams, "error_row": error_row, "error_of": error_of}
    return ExchangeColumns(
        "tcp.connection", OUTCOMES, _outcome(course, is_rejected), streams.rows, streams.bounds,
        times[first], times[last], fields, facts, 300_000_000_000,
    )  # fmt: skip


def _errors(table: PacketTable, streams: Streams) -> tuple[I8, I8]:
    """The ICMP errors about a connection: rows of ``table.icmp``, and which connection each is about."""
    icmp = table.icmp
    flow = quoted_flows(table)
    some = np.flatnonzero(
        (flow != NO_FLOW) & (icmp.quote_protocol == 6) & (icmp.is_v6 | np.isin(icmp.type, (3, 11, 12)))
    )
    if not len(some):
        return some, some
    # The connection of that flow that had begun when the error came.
    began = streams.rows[streams.bounds[:-1]]
    size = np.int64(len(table) + 1)
    key = streams.flow * size + began
    order = np.argsort(key)
    at = np.searchsorted(key[order], flow[some] * size + icmp.row[some], side="right") - 1
    of = order[np.maximum(at, 0)]
    fits = (at >= 0) & (streams.flow[of] == flow[some])
    return some[fits], of[fits]


def _outcome(course: Course, is_rejected: Bools) -> U1:
    """The first outcome of the contract's list that applies."""
    is_opened = course.first_syn != NEVER
    is_answered = course.syn_ack != NEVER
    is_done = course.is_established
    both_closed = (course.fins != NEVER).all(axis=0)
    reset = course.resets.min(axis=0)
    return np.select(
        [
            is_rejected & ~is_done,
            is_opened & ~is_answered & ~is_done & (course.resets[1] != NEVER),
            is_opened & ~is_answered & ~is_done & ~course.is_talking[1],
            is_answered & ~is_done,
            ~is_opened,
            (reset != NEVER) & ~(both_closed & (reset > course.fins.max(axis=0))),
            both_closed,
        ],
        np.arange(7),
        7,
    ).astype(np.uint8)


def _fields(table: PacketTable, streams: Streams, course: Course, index: int) -> TcpConnection:
    flow, is_high = int(streams.flow[index]), bool(course.client[index])
    flows = table.flows
    low = int(flows.low[flow]), int(flows.low_port[flow])
    high = int(flows.high[flow]), int(flows.high_port[flow])
    client, server = (high, low) if is_high else (low, high)
    octets = table.addresses.octets
    ends = [Endpoint(table.addresses.text(address), port) for address, port in (client, server)]
    times = table.time_ns[streams.rows]
    ack, syn = int(course.ack[index]), int(course.syn[index])
    return TcpConnection(
        ends[0], ends[1],
        int(times[ack] - times[syn]) if NEVER not in (ack, syn) else None,
        _first_of(course.fins[:, index]),
        _first_of(course.resets[:, index]),
        community_id(octets(client[0]), octets(server[0]), 6, client[1], server[1]),
    )  # fmt: skip


def _first_of(positions: I8) -> str | None:
    """Which role did it first."""
    if positions.min() == NEVER:
        return None
    return "client" if positions[0] < positions[1] else "server"
