"""Connections that opened well and then went badly: no answer, slow, lossy, forgotten."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.tcp.in_vain import unheard
from explain.causes.from_capture.tcp.opening import SYNS_LOST, begun_late
from explain.causes.from_capture.tcp.sent_again import OUTAGE_NS, SUBSTANTIAL, resent, stood_still
from explain.causes.from_capture.tcp.trouble import FEWEST_RESENT, HANGS_NS, SLOW_NS, Trouble, several
from explain.causes.from_capture.tcp.waiting import hangs, slow
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.held_back import find_held_back, rows_of
from explain.exchanges.tcp.many import count_recorded_twice, measure_closed_windows, segments_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Scene
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.held_back import HeldBack
    from explain.exchanges.tcp.moments import TcpMoments
    from explain.table import I8, Bools

_STALLED_NS = 500_000_000
_FEW_ANSWERS = 10  # segments of a server that only acknowledges
_OPENING = 16  # segments in which the first request and its answer are looked for
_FEWEST_HELD = 3  # times that the same two waited for each other: once may be chance
_REPAIRED = 64  # segments after an outage in which the first of what it cost comes again
_RARELY = 10  # of so many messages one that waited makes nothing slow


def look(scene: Scene, part: ExchangeColumns) -> Iterator[Trouble]:
    """At most one trouble for each connection that nothing accounts for yet; the plainest first."""
    moments: TcpMoments = part.facts["moments"]
    done = scene.accounted[part.kind]
    span = part.end_ns - part.start_ns
    is_open = np.asarray(part.facts["is_established"])
    lost, total = _lost(moments), np.diff(part.bounds)
    zero_windows = moments.segments.where(label.ZERO_WINDOW)
    closed_ns = _closed(moments, (span >= _STALLED_NS) & (np.diff(zero_windows[1]) > 0))
    asks = moments.segments.counts(label.KEEP_ALIVE)
    is_lossy = is_open & (lost + asks >= FEWEST_RESENT) & ((lost + asks) * SUBSTANTIAL >= total)
    is_whole = is_open & (moments.course.resets.min(axis=0) == NEVER)
    has_paused = _has_paused(moments, is_whole & (lost >= FEWEST_RESENT) & (span >= OUTAGE_NS))
    held = _held(moments)
    suspects = (
        (closed_ns >= _STALLED_NS, partial(_stalled, closed_ns, zero_windows)),
        (is_lossy, partial(resent, _twice(moments, is_lossy))),
        (has_paused, stood_still),
        (is_open & (asks >= FEWEST_RESENT) & is_left(moments), unheard),
        (is_open & (span >= HANGS_NS) & _is_mute(moments), hangs),
        (is_open & (moments.course.syns > SYNS_LOST) & (moments.course.syn_ack != NEVER), begun_late),
        (_has_pause(moments, is_open & (span >= SLOW_NS)), slow),
        (held[0], partial(_held_back, held[1])),
    )
    told: set[int] = set(done)
    for is_suspect, judge in suspects:
        for index in np.flatnonzero(is_suspect).tolist():
            if index in told:
                continue
            trouble = judge(moments, index)
            if trouble:
                told.add(index)
                yield trouble


def _closed(moments: TcpMoments, are_candidates: Bools) -> I8:
    """For how long the windows of each connection were closed, to its end or not; 0 where it is no candidate."""
    closed_ns = np.zeros(len(are_candidates), np.int64)
    closed_ns[are_candidates] = measure_closed_windows(moments, np.flatnonzero(are_candidates))
    return closed_ns


def _twice(moments: TcpMoments, are_candidates: Bools) -> I8:
    """How many frames of each connection were recorded twice, 0 where it is no candidate; int64[n]."""
    twice = np.zeros(len(are_candidates), np.int64)
    twice[are_candidates] = count_recorded_twice(moments, np.flatnonzero(are_candidates))
    return twice


def _is_mute(moments: TcpMoments) -> Bools:
    """Connections whose server sent few segments, so that it may have said nothing at all."""
    sent, client = moments.segments.sent, moments.course.client
    found: Bools = sent[np.arange(len(sent)), 1 - client.astype(np.int64)] <= _FEW_ANSWERS
    return found


def is_left(moments: TcpMoments) -> Bools:
    """Connections whose last segments all come from one side, as keep-alives do that nobody answers."""
    last = moments.streams.bounds[1:, None] - np.arange(1, FEWEST_RESENT + 1)
    is_high = moments.streams.is_high.take(last, mode="clip")
    found: Bools = (is_high == is_high[:, :1]).all(axis=1)
    return found


def _has_pause(moments: TcpMoments, are_candidates: Bools) -> Bools:
    """Of some connections, those where a pause of a second stands among the first segments."""
    candidates = np.flatnonzero(are_candidates)
    start, end = moments.streams.bounds[candidates], moments.streams.bounds[candidates + 1]
    at = np.minimum(start[:, None] + np.arange(_OPENING), end[:, None] - 1)
    time_ns = moments.table.time_ns[moments.streams.rows[at]]
    found = np.zeros(len(are_candidates), np.bool_)
    found[candidates] = (np.diff(time_ns, axis=1) >= SLOW_NS).any(axis=1)
    return found


def _has_paused(moments: TcpMoments, are_candidates: Bools) -> Bools:
    """Of some connections, those in which segments came again soon after a pause, as an outage makes it."""
    found, candidates = np.zeros(len(are_candidates), np.bool_), np.flatnonzero(are_candidates)
    at, of = segments_of(moments.streams, candidates)
    paused = np.flatnonzero(2 * np.diff(moments.table.time_ns[moments.streams.rows[at]]) >= OUTAGE_NS) + 1
    again = np.flatnonzero(moments.segments.labels[at] & np.uint16(label.REPEATED) != 0)
    if len(again):
        first = again[np.minimum(np.searchsorted(again, paused), len(again) - 1)]
        is_soon = (first >= paused) & (first - paused < _REPAIRED) & (of[first] == of[paused - 1])
        found[candidates[of[first[is_soon]]]] = True
    return found


def _held(moments: TcpMoments) -> tuple[Bools, HeldBack]:
    """Connections in which the end of a message waited for a delayed ACK, if that befell the same two often."""
    found, flows, course = find_held_back(moments), moments.table.flows, moments.course
    has_held = np.zeros(len(course.client), np.bool_)
    if len(found.at) >= _FEWEST_HELD:
        flow = moments.streams.flow[found.connection]
        port = np.where(course.client[found.connection] == 1, flows.low_port[flow], flows.high_port[flow])
        key = np.stack((flows.low[flow], flows.high[flow], port, moments.streams.is_high[found.at]))
        _, which, count = np.unique(key, axis=1, return_inverse=True, return_counts=True)
        found = found.only((count >= _FEWEST_HELD)[which.ravel()])
        has_held[found.connection] = True
    return has_held, found


def _held_back(found: HeldBack, moments: TcpMoments, index: int) -> Trouble | None:
    is_client = moments.streams.is_high[found.at] == (moments.course.client[found.connection] == 1)
    own = found.connection == index
    is_request = 2 * int(is_client[own].sum()) >= int(own.sum())
    own &= is_client == is_request
    some, talk = found.only(own), moments.talk(index)
    speaks = talk.role[talk.length > 0] == (0 if is_request else 1)
    if len(some.at) * _RARELY < int((speaks[1:] & ~speaks[:-1]).sum()):
        return None
    values: dict[str, Any] = {
        "held": len(some.at), "held_ns": int(some.waited_ns.sum()), "each_ns": int(np.median(some.waited_ns)),
    }  # fmt: skip
    case, rival = ("request", "client-slow") if is_request else ("answer", "server-slow")
    rows = several(rows_of(moments, some))
    return Trouble("tcp-nagle-delayed-ack", "likely", index, (rival,), rows, values | {"case": case})


def _stalled(closed_ns: I8, zero_windows: tuple[I8, I8], moments: TcpMoments, index: int) -> Trouble:
    at, bounds = zero_windows
    rows = moments.streams.rows[at[bounds[index] : bounds[index + 1]]].tolist()
    values = {"closed_ns": int(closed_ns[index]), "times": len(rows)}
    return Trouble("client-slow", "likely", index, (), tuple(rows), _ends(moments, rows[0]) | values)


def _ends(moments: TcpMoments, row: int) -> dict[str, Any]:
    """Who said that its window is closed, and to whom."""
    reader, writer = moments.table.end_texts(row)
    if reader == writer:  # as on lo
        return {"reader": reader, "port": moments.table.ports(row)[0], "case": "one-host"}
    return {"reader": reader, "writer": writer}


def _lost(moments: TcpMoments) -> I8:
    """In each connection, what may have been sent again, without SYNs and what came although it had arrived."""
    resent = moments.segments.counts(label.REPEATED & ~label.SPURIOUS_RETRANSMISSION)
    lost: I8 = resent - np.maximum(moments.course.syns - 1, 0)
    return lost
