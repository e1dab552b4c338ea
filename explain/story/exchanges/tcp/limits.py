"""What slowed the data down though nothing was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.exchanges.tcp.measures import measure_bursts, measure_low_window, measure_queue
from explain.exchanges.tcp.offers import literal_windows, offered_shifts, window_limit
from explain.side_tables import NO_SCALE
from explain.table import ACK, ECE, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.model import Line
    from explain.story.exchanges.tcp.told import Told
    from explain.table import Rows

_FAR_NS = 20_000_000
_MUCH = 200_000  # octets, which no queue holds unless it is long
_LEAST_MSS, _MANY = 536, 20


def limits(told: Told, moments: TcpMoments, index: int, rows: Rows) -> Iterator[Line]:
    """What slowed the data down though nothing was lost: marks of congestion, and a window that cannot grow."""
    flags, is_syn = told.table.flags[rows], told.table.flags[rows] & SYN != 0
    agrees = not is_syn.any() or bool((flags[is_syn] & (ACK | ECE) == ACK | ECE).any())
    echoes = rows[~is_syn & (flags & ECE != 0)]
    if agrees and len(echoes):
        yield told.line("tcp.congested", echoes, count=len(echoes))
    yield from _tiny(told, rows[is_syn])
    limit = window_limit(told.fields, moments, index)
    if limit:
        name = "tcp.unscaled" if limit.pop("is_largest") else "tcp.window-limited"
        yield told.line(name, rows[is_syn], **limit)
        asks = rows[is_syn & (flags & ACK == 0)][:1]
        if name == "tcp.unscaled" and (offered_shifts(told.table, asks) != NO_SCALE).any():
            yield told.line("tcp.scale-declined", rows[is_syn])
    yield from _taken_literally(told, moments.talk(index))
    if max(told.fields.bytes_to_client, told.fields.bytes_to_server) >= _MUCH:
        yield from _paced(told, moments.talk(index), limit is None)


def _tiny(told: Told, syns: Rows) -> Iterator[Line]:
    """A side that takes less at a time than every host must be able to take (RFC 9293, 3.7.1)."""
    for role, sent in enumerate((told.fields.bytes_to_client, told.fields.bytes_to_server)):
        mss = told.fields.mss[role]
        if mss and mss < _LEAST_MSS and sent > _MANY * mss:
            reader = told.values[("client", "server")[role]]
            yield told.line("tcp.mss-tiny", syns, reader=reader, mss=mss)


def _taken_literally(told: Told, talk: Talk) -> Iterator[Line]:
    """Windows that their reader means with a scale, and that the sender takes as they stand."""
    rows, window = literal_windows(told.fields, talk)
    if len(rows):
        ends = told.values["client"], told.values["server"]
        role = int(told.fields.bytes_to_client > told.fields.bytes_to_server)
        values = {"sender": ends[role], "reader": ends[1 - role], "window": window}
        yield told.line("tcp.window-literal", rows, count=len(rows), **values)


def _paced(told: Told, talk: Talk, is_window_free: bool) -> Iterator[Line]:
    """A queue that the data stood in, and a sender that holds itself back."""
    fields = told.fields
    role = int(fields.bytes_to_client > fields.bytes_to_server)
    data = talk.rows[(talk.role == role) & (talk.length > 0)]
    if queue := measure_queue(talk, role):
        yield told.line("tcp.queued", data, least_ns=queue.least_ns, loaded_ns=queue.loaded_ns, flight=queue.flight)
    rtt_ns, shift = fields.handshake_rtt_ns, fields.window_scale[1 - role]
    if shift is not None and is_window_free and (low := measure_low_window(talk, role, shift)):
        reader = told.values[("client", "server")[1 - role]]
        yield told.line(
            "tcp.window-low", talk.rows[low.at], reader=reader, most=low.most, usual=low.usual, low_ns=low.low_ns,
            span_ns=low.span_ns,
        )  # fmt: skip
        return
    near_ns = (fields.syn_ack_to_ack_ns, fields.syn_to_syn_ack_ns)[role]
    if not is_window_free or not rtt_ns or near_ns is None or rtt_ns < _FAR_NS or shift is None:
        return
    if bursts := measure_bursts(talk, role, shift, rtt_ns, near_ns):
        yield told.line(
            "tcp.sender-limited", data, sender=told.values[("client", "server")[role]], flight=bursts.octets,
            rounds=bursts.count, window=bursts.window, rtt_ns=rtt_ns, rate=bursts.rate,
        )  # fmt: skip
