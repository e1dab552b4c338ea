"""What a command may have said, told from the sender's frames where nobody kept its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.text.expected import CONNECT_4, CONNECT_6
from explain.causes.text.signs import Sign
from explain.causes.wires.spots import NOBODY

if TYPE_CHECKING:
    from explain.causes.wires.spots import Told
    from explain.causes.wires.witness import Wires

_PATH_ERRORS = {"ttl-exceeded": "expired", "packet-too-big": "too-big", "fragmentation-needed": "too-big"}
_TRACE_ENDS = {"port-unreachable", "ttl-exceeded"}
_SEVERAL_TTLS = 3
_MAY_FOLLOW = ("open", "no-answer", "closed", "reset", "tls-alert", "timed-out")
"""The ends of a connection that was answered."""


def tool_of(wires: Wires) -> str | None:
    """Which kind of command sent the requests; None if there are none."""
    if wires.leases:
        return "dhcp"
    hits = [hit for spot in wires.sender for hit in spot.requests]
    if not hits:
        return None
    protocols, ttls = {hit.protocol for hit in hits}, {hit.ttl for hit in hits}
    is_counting = len(ttls) >= _SEVERAL_TTLS or (len(ttls) > 1 and 1 in ttls)
    if protocols == {"tcp"}:
        return "trace" if is_counting else "tcp"
    if protocols == {"udp"} and not any(hit.ttl < _SEVERAL_TTLS for hit in hits):
        return "udp" if wires.context.tool == "udp" else "trace"
    return "trace" if is_counting or "udp" in protocols else "ping"


def signs_of(wires: Wires) -> tuple[Sign, ...]:
    """Every way in which it may have ended; none where the frames leave all open."""
    if wires.context.tool == "dhcp":
        return _dhcp(wires)
    if not wires.count("requests"):
        return ()
    ask = {"tcp": _tcp, "trace": _trace}.get(wires.context.tool or "", _ping)
    return ask(wires)


def error_sign(told: Told) -> Sign:
    """What ping would say of an error."""
    by = "target" if told.speaker == told.about_dst else None
    return Sign(_PATH_ERRORS.get(told.name, "error"), told.name, by, told.speaker)


def _dhcp(wires: Wires) -> tuple[Sign, ...]:
    outcomes = set(wires.leases)
    is_bound = bool(outcomes & {"bound", "renewed"})
    if "refused" in outcomes:
        return (Sign("dhcp:nak-bound" if is_bound else "dhcp:nak"),)
    if is_bound:
        return Sign("dhcp:bound"), Sign("dhcp:silent")
    return (Sign("dhcp:silent"),) if outcomes else ()


def _ping(wires: Wires) -> tuple[Sign, ...]:
    requests, replies = wires.count("requests"), wires.count("replies")
    if any(hit.src in NOBODY for spot in wires.sender for hit in spot.requests):
        return (Sign("unspecified"),)
    errors = wires.errors_about_us()
    silent = Sign("silent")
    if not replies:
        unseen = (Sign("answered"), Sign("redirected")) if wires.was_answered_elsewhere else ()
        return (*(error_sign(told) for told in errors[:1]), silent, *unseen)
    asked = {hit.dst for spot in wires.sender for hit in spot.requests}
    others = {hit.src for spot in wires.sender for hit in spot.replies} - asked
    found = [Sign("different-address")] if others and not wires.context.holds("bc") else []
    if errors:
        found.append(Sign("part-refused", errors[0].name))
    if replies < requests:
        return (*found, Sign("part-lost"), Sign("damaged"), silent)
    if replies > requests:
        found.append(Sign("duplicated"))
    redirected = Sign("redirected")
    if wires.has_redirects:
        found.append(redirected)
    # Only the sender's own place is sure to hear that it is redirected.
    return (*found, Sign("answered"), Sign("damaged"), silent, *([redirected] if wires.is_sender_guessed else ()))


def _tcp(wires: Wires) -> tuple[Sign, ...]:
    if "served" in wires.course and "idle" not in wires.course:
        has_tls = wires.witnesses.table is not None and "tls" in wires.witnesses.table.contents
        return (Sign("tcp:open"), Sign("tcp:tls-alert")) if has_tls else (Sign("tcp:open"),)
    if "torn" in wires.course and not wires.count("resets"):  # neither its end nor a reset came through the hole
        return Sign("tcp:open"), Sign("tcp:no-answer"), Sign("tcp:timed-out")
    if wires.count("replies"):
        names = _after_handshake(wires) if "established" in wires.course else _MAY_FOLLOW
        return tuple(Sign(f"tcp:{name}") for name in names)
    if wires.count("resets"):
        return Sign("tcp:refused"), Sign("tcp:reset"), Sign("tcp:timed-out")
    table = CONNECT_4 | CONNECT_6 if wires.context.family == 6 else CONNECT_4
    told = dict.fromkeys(table.get(each.name) for each in wires.errors_about_us())
    ends = ("timed-out", *(_MAY_FOLLOW if wires.was_answered_elsewhere else ()))
    return tuple(Sign(f"tcp:{name}") for name in (*told, *ends) if name)


def _after_handshake(wires: Wires) -> tuple[str, ...]:
    """What a program may say whose kernel has confirmed the SYN-ACK: that it timed out it cannot."""
    course = wires.course
    if "cut" in course:
        return tuple(name for name in _MAY_FOLLOW if name != "timed-out")
    table = wires.witnesses.table
    has_tls = table is not None and "tls" in table.contents
    ends = ["closed", "open"] if "shut" in course else ["open", "no-answer"]
    if {"shut", "unheard"} <= course:
        ends.append("no-answer")
    return (*ends, "tls-alert") if has_tls else tuple(ends)


def _trace(wires: Wires) -> tuple[Sign, ...]:
    errors = [told for spot in wires.sender for told in spot.errors]
    speakers = {told.speaker for told in errors}
    refused = [error_sign(told) for told in errors if told.name not in _TRACE_ENDS]
    is_reached = wires.count("replies") or wires.context.destination in speakers
    found = [Sign("trace:reached"), Sign("trace:gap")] if is_reached and not refused else []
    ends = [Sign("trace:loop"), Sign("trace:ended")] if not is_reached and errors else []
    dies = [Sign("trace:dies")]
    # Where later requests stayed without an answer, the trace went on into silence.
    return (*found, *refused[:1], *(dies + ends if len(errors) < wires.count("requests") else ends + dies))
