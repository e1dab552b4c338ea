"""Held against the sender's own frames: could this strike have left them so?"""

# ruff: noqa: ARG001 - the functions of a table have one shape, whether or not each needs all of it

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.chance import may_lose_all
from explain.table import FRESH_TTLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.causes.predictions import Strike
    from explain.causes.wires.witness import Wires

_OF_NEIGHBOURS = {"absent", "deaf", "cut"}
"""Why a neighbour does not answer; who is none was asked in error."""
_SELDOM = 2
"""Questions that may leave before the kernel has noticed that there is no carrier."""
_LATE_NS = 2_000_000_000


def _refuse(wires: Wires, strike: Strike) -> bool:
    return _is_stopped_within(wires) or has_ceased_to_send(wires)


def has_ceased_to_send(wires: Wires) -> bool:
    """Whether ping says that it sent more than ever left: what was let out before was refused then."""
    text = wires.witnesses.text
    sent = text.counts.sent if text is not None and wires.context.tool == "ping" else None
    return sent is not None and 0 < wires.count("requests") < sent


def _no_neighbour(wires: Wires, strike: Strike) -> bool:
    if strike.at != "sender":
        # Whose question is heard where nobody told the place: the sender's, or a router's on the last link.
        return wires.has_left() or not wires.spots or wires.is_sender_guessed
    if wires.has_left():
        return False
    asked, closed = wires.open_questions(), wires.closed_questions()
    if strike.why == "unasked":
        return not asked
    if strike.why == "unheard":
        return bool(closed)
    if not asked:
        return False
    return _is_asked_for(wires, strike)


def _is_asked_for(wires: Wires, strike: Strike) -> bool:
    """Whether the question without an answer is for the next hop of this strike."""
    asked = wires.open_questions()
    is_target = wires.context.destination in {None, *asked}
    is_other = any(wanted != wires.context.destination for wanted in asked)
    if is_target and strike.why in _OF_NEIGHBOURS and wires.context.conditions.get("near") is False:
        return "gateway" in strike.of and is_other
    return ("target" in strike.of and is_target) or ("gateway" in strike.of and is_other)


def _no_carrier(wires: Wires, strike: Strike) -> bool:
    if wires.has_left() or wires.closed_questions():
        return False
    return not wires.open_questions() or (_is_asked_for(wires, strike) and _is_asked_seldom(wires))


def _is_asked_seldom(wires: Wires) -> bool:
    """Without a carrier a question leaves only until the kernel has noticed, within a second."""
    return all(len(rows) <= _SELDOM for rows in wires.open_questions().values())


def _drop(wires: Wires, strike: Strike) -> bool:
    if strike.at == "sender" and strike.leg == "request":
        return _is_stopped_within(wires)
    if strike.why == "own-mac" and wires.is_for_itself is False and not wires.is_for_its_router:
        return False
    if strike.why == "returned":
        return wires.fate.is_detour
    if strike.why == "beside" and not wires.has_left():
        return False
    if strike.at == "sender":
        if wires.may_have_come_in_elsewhere:
            return True
        own = {hit.src for spot in wires.sender for hit in spot.requests}
        heard = any(told.about_src in own for spot in wires.sender for told in spot.errors)
        return bool(heard or wires.count("replies") or wires.count("resets"))
    return wires.has_left() and not is_answered(wires)


def is_answered(wires: Wires) -> bool:
    """Whether an answer came, be it a trace's last error."""
    return bool(wires.count("replies") or wires.has_reached())


def _left(wires: Wires, strike: Strike) -> bool:
    return wires.has_left() or wires.context.tool not in {"ping", "tcp"}


def _lose(wires: Wires, strike: Strike) -> bool:
    sent = max((len(spot.requests) for spot in wires.sender), default=0)
    return _left(wires, strike) and (wires.context.tool != "ping" or is_answered(wires) or may_lose_all(sent))


def _expire(wires: Wires, strike: Strike) -> bool:
    if strike.why == "default" and any(hit.ttl in FRESH_TTLS for spot in wires.sender for hit in spot.requests):
        return False
    return _left(wires, strike)


def _reject(wires: Wires, strike: Strike) -> bool:
    if strike.at == "sender":
        return _is_stopped_within(wires)
    return wires.has_left() and not (strike.leg == "request" and _is_told_late(wires))


def _is_told_late(wires: Wires) -> bool:
    """Whether the first error took longer than any refusal: who looks for a neighbour asks thrice, a second apart.

    Source: RFC 4861, 10, MAX_MULTICAST_SOLICIT and RETRANS_TIMER; arp(7), mcast_solicit.
    """
    table, told = wires.witnesses.table, wires.errors_about_us()
    sent = [hit.row for spot in wires.sender for hit in spot.requests]
    if table is None or not sent or not told or wires.context.tool not in {"ping", "tcp"}:
        return False
    times = table.time_ns
    return bool(times[[each.row for each in told]].min() - times[sent].min() > _LATE_NS)


def _is_stopped_within(wires: Wires) -> bool:
    """Whether nothing left, and no question for a next hop is open: routes and filters come before it."""
    return not wires.has_left() and not wires.open_questions()


def _elsewhere(wires: Wires, strike: Strike) -> bool:
    # Whoever it comes from, the answer comes: the program or the kernel then refuses it.
    return wires.has_left() and bool(wires.count("replies"))


def _works(wires: Wires, strike: Strike) -> bool:
    # What answers a trace's probes is an error, and a sign of success.
    text = wires.witnesses.text
    has_succeeded = is_answered(wires) or (text is not None and text.succeeded is True)
    return not wires.has_left() or has_succeeded or wires.was_answered_elsewhere or wires.context.tool == "trace"


AT_SENDER: dict[str, Callable[[Wires, Strike], bool]] = {
    "refuse": _refuse,
    "no-neighbour": _no_neighbour,
    "no-carrier": _no_carrier,
    "drop": _drop,
    "reject": _reject,
    "expire": _expire,
    "too-big": _left,
    "elsewhere": _elsewhere,
    "rst": _left,
    "lose": _lose,
    "duplicate": _left,
    "damage": _left,
    "works": _works,
}
"""How it strikes -> what the sender's frames must show for it."""
