"""``tcp.connection``: a conversation over TCP, from its SYN to both its FINs (RFC 9293)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.exchanges.columns import ExchangeColumns
from explain.exchanges.community_id import community_id
from explain.exchanges.icmp.quotes import quoted_flows
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.challenge import only_challenged
from explain.exchanges.tcp.course import NEVER, control, follow
from explain.exchanges.tcp.labelling.segments import TcpSegments
from explain.exchanges.tcp.many import recorded_twice
from explain.exchanges.tcp.measures import (
    distinct_octets,
    measure_stalls,
    measure_times,
    sent_octets,
)
from explain.exchanges.tcp.moments import TcpMoments
from explain.exchanges.tcp.streams import find_streams
from explain.model import Endpoint
from explain.record import dataclass
from explain.table import ACK, BAD_CHECKSUM, NO_FLOW, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.course import Course
    from explain.exchanges.tcp.moments import Talk
    from explain.exchanges.tcp.streams import Streams
    from explain.table import I8, U1, Bools, PacketTable

OUTCOMES = ("rejected", "refused", "unanswered", "half-open", "midstream", "reset", "closed", "open")
_PATIENCE_NS = 300_000_000_000
"""Zeek's ``tcp_inactivity_timeout``."""

_REORDERED_NS = 10_000_000
_REMEMBERED = 1024
"""Connections whose fields are kept, about 1 KiB each: what is told is looked at again and again."""
_ERRORS_V4 = (3, 11, 12)  # a redirect or a quench lets the packet pass (RFC 792)


@dataclass(frozen=True, slots=True)
class TcpConnection:
    """One connection at one place.

    Labels are counted as Wireshark 4.0 gives them.  Of pairs, the first is the client's.

    Attributes:
        conn_state, history: as Zeek's ``conn.log`` has them.
        bytes_to_server, bytes_to_client: octets of payload, repeated ones counted once.
        handshake_rtt_ns: from the last SYN before the SYN-ACK to the ACK that completes the handshake.
        retransmissions: of every kind; they are split into fast, spurious and others, as by time-out.
        out_of_order: segments that came late but are no retransmissions.
        first_byte_wait_ns: from the last segment of the first request to the first of its answer.
        network_time_ns, server_time_ns: that wait, split by the handshake's round trip to the server.
        server_time_at: the place near the server by which it is split instead, where several saw it.
        tls: filled by the kind that reads TLS, see ``find``.
        syn_to_syn_ack_ns, syn_ack_to_ack_ns: the handshake on the server's and on the client's side of the place.
        gaps: times that segments were missing in the capture when a later one came.
        acked_unseen: acknowledgements of what was not captured.
        window_recoveries, window_closed_ns: how often a closed window opened again, and after how long in all.
        closed_by, reset_by: ``client`` or ``server``: who sent the first FIN, the first RST.
        initial_seq: sequence numbers of the SYNs; None where one was not seen.
        initial_window: windows of the SYNs, octets.
        mss: maximum segment sizes offered, octets.
        window_scale: shift counts in use; None where the SYNs were not seen, 0 where not both offered it.
        has_sack, has_timestamps: offered by both sides; None where a SYN was not seen.
        recorded_twice: frames that the recording host saw twice, and that are counted as retransmissions.
        icmp_errors: ICMP errors about the connection.
    """

    client: Endpoint
    server: Endpoint
    conn_state: str
    history: str
    bytes_to_server: int
    bytes_to_client: int
    handshake_rtt_ns: int | None
    retransmissions: int
    out_of_order: int
    duplicate_acks: int
    zero_windows: int
    keep_alives: int
    resets: int
    first_byte_wait_ns: int | None
    server_time_ns: int | None
    network_time_ns: int | None
    server_time_at: str | None
    tls: Any
    community_id: str
    syn_to_syn_ack_ns: int | None
    syn_ack_to_ack_ns: int | None
    fast_retransmissions: int
    timeout_retransmissions: int
    spurious_retransmissions: int
    gaps: int
    acked_unseen: int
    windows_full: int
    window_updates: int
    window_recoveries: int
    window_closed_ns: int
    closed_by: str | None
    reset_by: str | None
    is_established: bool
    is_port_reuse: bool
    is_simultaneous_open: bool
    syn_retries: int
    segments_to_server: int
    segments_to_client: int
    sent_to_server: int
    sent_to_client: int
    initial_seq: tuple[int | None, int | None]
    initial_window: tuple[int | None, int | None]
    mss: tuple[int | None, int | None]
    window_scale: tuple[int | None, int | None]
    has_sack: bool | None
    has_timestamps: bool | None
    recorded_twice: int
    icmp_errors: int


def find(table: PacketTable) -> ExchangeColumns:
    """One exchange for each connection at each place.

    Facts: ``moments`` (``TcpMoments``: rows worth citing, by connection), ``segments``
    (``TcpSegments``: the label of every segment), ``course`` (``Course``: positions of the handshake
    and the end), ``is_established`` (bool[n]), ``error_row`` and ``error_of`` (rows of ICMP errors, and
    about which connection), ``tls`` (dict: whoever reads TLS enters a record for a connection's index,
    and it becomes the field of that name).
    """
    streams = find_streams(table)
    marks = control(streams)
    segments = TcpSegments(table, streams, marks)
    course = follow(table, streams, marks, segments.sent)
    error_row, error_of = _errors(table, streams)
    is_rejected = np.zeros(len(streams.flow), np.bool_)
    is_rejected[error_of[~_are_about_answers(table, streams, course, error_row, error_of)]] = True
    moments = TcpMoments(table, streams, segments, course, error_row, error_of)
    tls: dict[int, Any] = {}
    first, last = streams.rows[streams.bounds[:-1]], streams.rows[streams.bounds[1:] - 1]
    facts = {
        "moments": moments, "segments": segments, "course": course, "is_established": course.is_established,
        "error_row": error_row, "error_of": error_of, "tls": tls,
    }  # fmt: skip
    columns = ExchangeColumns(
        kind="tcp.connection",
        outcomes=OUTCOMES,
        outcome=_outcome(course, is_rejected, only_challenged(moments, course)),
        frames=streams.rows,
        bounds=streams.bounds,
        start_ns=table.time_ns[first],
        end_ns=np.maximum(table.time_ns[first], table.time_ns[last]),
        fields=lru_cache(_REMEMBERED)(lambda index: _fields(moments, index, tls.get(index))),
        facts=facts,
        patience_ns=_PATIENCE_NS,
    )
    if "tls" in table.contents:
        from explain.exchanges.tls.talk import by_connection

        tls.update(by_connection(table, columns))
    return columns


def _errors(table: PacketTable, streams: Streams) -> tuple[I8, I8]:
    """The ICMP errors about a connection: rows of the table, and which connection each is about."""
    icmp, flow = table.icmp, quoted_flows(table)
    is_error = icmp.is_v6 | np.isin(icmp.type, _ERRORS_V4)
    some = np.flatnonzero((flow != NO_FLOW) & (icmp.quote_protocol == 6) & is_error)
    if not len(some) or not len(streams.flow):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # Of the connections of that flow, the last that had begun when the error came; or the first, recorded too late.
    size, first = np.int64(len(table) + 1), streams.rows[streams.bounds[:-1]]
    key = streams.flow * size + first
    order = np.argsort(key)
    at = np.searchsorted(key[order], flow[some] * size + icmp.row[some], side="right")
    of = order[np.maximum(at - 1, 0)]
    is_early = (at == 0) | (streams.flow[of] != flow[some])
    of[is_early] = order[np.minimum(at[is_early], len(order) - 1)]
    is_early &= table.time_ns[first[of]] - table.time_ns[icmp.row[some]] > _REORDERED_NS
    fits = np.flatnonzero((streams.flow[of] == flow[some]) & ~is_early)
    fits = fits[np.argsort(of[fits], kind="stable")]
    return icmp.row[some[fits]], of[fits]


def _are_about_answers(table: PacketTable, streams: Streams, course: Course, rows: I8, of: I8) -> Bools:
    """Whether errors were sent to the server: what it answered was thrown away, and its client never hears of that."""
    low, high = table.flows.low[streams.flow[of]], table.flows.high[streams.flow[of]]
    server = np.where(course.client[of], low, high)
    result: Bools = (table.targets(rows) == server) & (low != high)
    return result


def _outcome(course: Course, is_rejected: Bools, is_challenged: Bools) -> U1:
    """The first outcome of the contract's list that applies; what answers an older connection is no reply to a SYN."""
    is_opened, is_answered = course.first_syn != NEVER, course.syn_ack != NEVER
    is_done = course.is_established
    both_closed = (course.fins != NEVER).all(axis=0)
    reset = course.resets.min(axis=0)
    is_attempt = is_opened & ~is_answered & ~is_done
    return np.select(
        [
            is_rejected & ~is_done,
            is_attempt & (course.resets[1] != NEVER),
            is_attempt & (~course.is_talking[1] | is_challenged),
            is_answered & ~is_done,
            ~is_opened,
            (reset != NEVER) & ~(both_closed & (reset > course.fins.max(axis=0))),
            both_closed,
        ],
        np.arange(7),
        7,
    ).astype(np.uint8)


def _fields(moments: TcpMoments, index: int, tls: Any) -> TcpConnection:
    from explain.exchanges.tcp.offers import offers
    from explain.exchanges.tcp.zeek import summary

    table, streams, course, talk = moments.table, moments.streams, moments.course, moments.talk(index)
    client, server = moments.ends(index)
    octets = table.addresses.octets
    stalls = measure_stalls(talk)
    to_server, to_client = distinct_octets(talk, 0), distinct_octets(talk, 1)
    is_damaged = table.layers[talk.rows] & BAD_CHECKSUM != 0
    state, history = summary(talk, is_damaged, to_server + to_client)
    twice = recorded_twice(moments, np.array([index]))[0] if talk.labels.any() else talk.rows[:0]
    return TcpConnection(
        client=Endpoint(table.addresses.text(client[0]), client[1]),
        server=Endpoint(table.addresses.text(server[0]), server[1]),
        conn_state=state,
        history=history,
        bytes_to_server=to_server,
        bytes_to_client=to_client,
        resets=len(talk.where(RST)),
        tls=tls,
        community_id=community_id(octets(client[0]), octets(server[0]), 6, client[1], server[1]),
        window_recoveries=stalls.recoveries,
        window_closed_ns=stalls.closed_ns,
        closed_by=_first_of(course.fins[:, index]),
        reset_by=_first_of(course.resets[:, index]),
        is_established=bool(course.is_established[index]),
        is_port_reuse=bool(streams.is_reuse[index]),
        is_simultaneous_open=bool(course.is_simultaneous[index]),
        syn_retries=_syn_retries(talk, int(course.syns[index]), twice),
        segments_to_server=int((talk.role == 0).sum()),
        segments_to_client=int((talk.role == 1).sum()),
        sent_to_server=sent_octets(talk, 0),
        sent_to_client=sent_octets(talk, 1),
        recorded_twice=len(twice),
        icmp_errors=len(moments.errors(index)),
        **_counts(talk),
        **measure_times(table, streams.rows, course, index, talk)._asdict(),
        **offers(table, talk)._asdict(),
    )


_COUNTED = {
    "retransmissions": label.RESENT,
    "fast_retransmissions": label.FAST_RETRANSMISSION,
    "timeout_retransmissions": label.RETRANSMISSION,
    "spurious_retransmissions": label.SPURIOUS_RETRANSMISSION,
    "out_of_order": label.OUT_OF_ORDER,
    "duplicate_acks": label.DUPLICATE_ACK,
    "zero_windows": label.ZERO_WINDOW,
    "keep_alives": label.KEEP_ALIVE,
    "gaps": label.GAP,
    "acked_unseen": label.ACKED_UNSEEN,
    "windows_full": label.WINDOW_FULL,
    "window_updates": label.WINDOW_UPDATE,
}


def _counts(talk: Talk) -> dict[str, Any]:
    """How many segments bear each label, by the name of the field."""
    marked = talk.labels[talk.labels > 0]
    if not len(marked):
        return dict.fromkeys(_COUNTED, 0)
    return {field: int(np.count_nonzero(marked & np.uint16(labels))) for field, labels in _COUNTED.items()}


def _syn_retries(talk: Talk, syns: int, twice: I8) -> int:
    """SYNs of the client after its first, without those that the recording host saw ``twice``."""
    again = among(talk.rows, twice) & (talk.role == 0) & (talk.flags & (SYN | ACK) == SYN)
    return max(0, syns - int(np.count_nonzero(again)) - 1)


def _first_of(positions: I8) -> str | None:
    """Which role did it first."""
    if positions.min() == NEVER:
        return None
    return "client" if positions[0] < positions[1] else "server"
