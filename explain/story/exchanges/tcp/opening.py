"""How a connection was opened, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.challenge import challenges
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.late import unasked
from explain.exchanges.tcp.offers import joined
from explain.model import Endpoint
from explain.story.exchanges.teller import end_text
from explain.table import ACK, ECE, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.moments import Talk
    from explain.model import Line
    from explain.story.exchanges.tcp.told import Told
    from explain.table import Bools, Rows


def opening(told: Told, rows: Rows, from_client: Bools, older: Rows) -> Iterator[Line]:
    """From the first SYN to what became of it."""
    flags = told.table.flags[rows]
    syns = rows[(flags & (SYN | ACK) == SYN) & from_client]
    accepts = rows[(flags & (SYN | ACK) == SYN | ACK) & ~from_client]
    if len(syns):
        yield told.line(told.teller.first("tcp.syn"), syns[:1], seq=int(told.table.seq[syns[0]]))
        yield from _early(told, syns, accepts)
    if told.fields.is_simultaneous_open:
        theirs = rows[(flags & (SYN | ACK) == SYN) & ~from_client]
        yield told.line("tcp.syn.crossed", np.array([syns[0], theirs[0]]))
    refusals = rows[(flags & (RST | ACK) == RST | ACK) & ~from_client]  # RFC 9293, 3.10.7.1: it confirms the SYN
    if len(accepts) and len(refusals := refusals[refusals < accepts[0]]):
        yield told.flagged("tcp.refused-at-first", refusals)
    if len(older):
        yield from _challenged(told, rows[(flags & RST != 0) & from_client], accepts, older)
    if len(syns) > 1:
        after_ns = int(told.table.time_ns[syns[-1]] - told.table.time_ns[syns[0]])
        is_silent = bool((from_client | (rows > syns[-1])).all())
        message = "tcp.syn.retries" if is_silent and not len(older) else "tcp.syn.repeated"
        yield told.line(message, syns[1:], retries=len(syns) - 1, after_ns=after_ns)
    if len(accepts) and len(syns):
        confirms = rows[(flags & (SYN | RST | ACK) == ACK) & from_client & (rows > accepts[0])]
        yield from _accepted(told, syns, accepts, confirms)
    if told.outcome == "refused":
        yield told.flagged("tcp.refused", rows[flags & RST != 0])
    elif told.outcome == "half-open" and (resets := rows[(flags & RST != 0) & from_client]).size:
        yield told.line("tcp.declined", resets)
    elif told.outcome in ("rejected", "unanswered", "half-open") and not len(older):
        yield told.line(f"tcp.{told.outcome}", rows)


def _early(told: Told, syns: Rows, accepts: Rows) -> Iterator[Line]:
    """Data in the SYN itself, and whether the server took it (RFC 7413); or that only a simpler SYN was answered."""
    syn, octets = int(syns[0]), int(told.table.payload[syns[0]])
    bare, plain = (syns[1:][column[syns[1:]] == 0] for column in (told.table.payload, told.table.flags & ECE))
    if octets and len(accepts) and len(bare) and bare[0] < accepts[0]:
        yield told.line("tcp.syn-data-lost", np.array([syn, bare[0], accepts[0]]), octets=octets)
    elif told.table.flags[syn] & ECE and len(accepts) and len(plain := plain[plain < accepts[0]]):
        yield told.line("tcp.syn-ecn-lost", np.array([syn, plain[0], accepts[0]]))
    elif octets and len(accepts):
        taken = int((told.table.ack[accepts[:1]] - told.table.seq[syn])[0]) - 1
        name = "tcp.syn-data" if taken >= octets else "tcp.syn-data-left"
        yield told.line(name, np.array([syn, accepts[0]]), octets=octets)


def _challenged(told: Told, resets: Rows, accepts: Rows, older: Rows) -> Iterator[Line]:
    """The older connection of which the server knows still, and the client's RST that ends it."""
    yield told.line("tcp.challenged", older)
    resets = resets[(resets > older[0]) & (resets < accepts[0] if len(accepts) else True)]
    if len(resets):
        yield told.flagged("tcp.challenged-reset", resets)


def _accepted(told: Told, syns: Rows, accepts: Rows, confirms: Rows) -> Iterator[Line]:
    """The second and the third segment of the handshake."""
    time_ns = told.table.time_ns
    rtt_ns = int(time_ns[accepts[0]] - time_ns[syns[0]])  # below 0 the clock was set
    yield told.line(told.teller.first("tcp.synack"), accepts[:1], rtt_ns=rtt_ns if rtt_ns >= 0 else None)
    again = unasked(told.table, syns, accepts)
    has_passed = len(again) > 0 and len(confirms) > 0 and bool(confirms[0] < again[0])
    if len(confirms) and (has_passed or not len(again)):
        yield told.line(told.teller.first("tcp.ack"), confirms[:1])
    if len(again):
        after_ns = int(time_ns[again[-1]] - time_ns[accepts[0]])
        name = "tcp.synack-unheeded" if has_passed else "tcp.synack-again"
        if has_passed and not told.table.payload[confirms[confirms < again[0]]].any():
            name = "tcp.synack-deferred"
        yield told.line(name, again, retries=len(again), after_ns=after_ns)
    if len(confirms) and len(again) and not has_passed:
        yield told.line(told.teller.first("tcp.ack"), confirms[:1])


def older_answers(part: ExchangeColumns, index: int, outcome: str) -> Rows:
    """The server's ACKs for an older connection, where its SYN-ACK came later or never."""
    talk = part.facts["moments"].talk(index)
    is_accepted = part.facts["course"].syn_ack[index] != NEVER
    found: Rows = talk.rows[challenges(talk) if is_accepted or outcome == "unanswered" else slice(0)]
    return found


def joining(told: Told, talk: Talk) -> Iterator[Line]:
    """The connection that this one joins, as MPTCP says."""
    accept = joined(told.table, talk)
    if accept is not None:
        first = Endpoint(told.table.end_texts(accept)[1], told.table.ports(accept)[1])
        yield told.line("tcp.subflow", np.array([accept, talk.rows[0]]), first=end_text(first))
