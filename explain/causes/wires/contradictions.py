"""Whether the frames contradict what a cause says that happens to the packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.text.expected import may_say
from explain.causes.wires.at_sender import AT_SENDER, is_answered
from explain.table import FRESH_TTLS

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.predictions import Strike
    from explain.causes.wires.witness import Wires

_STOPPING = {"drop", "reject", "expire", "too-big", "no-neighbour", "no-carrier"}
_ON_PUBLISHED = frozenset((
    "forwarding-disabled", "filter-on-router-forward", "stateful-filter-asymmetric-path", "conntrack-table-full",
    "rst-by-middlebox", "idle-timeout-in-middlebox", "dnat-missing", "dnat-to-absent-host", "fragments-filtered",
    "pmtu-blackhole", "wrong-interface-selected",
))  # fmt: skip
"""What a router can do to a packet for its own address that it publishes for a host behind it."""
_TOLD = {"reject", "expire", "too-big", "no-neighbour"}
_MAY_LEAVE_UNHEARD = frozenset((
    "mtu-mismatch-on-link", "pmtu-blackhole", "tcp-accept-queue-full", "idle-timeout-in-middlebox",
    "stateful-filter-asymmetric-path",
))  # fmt: skip
_SLOW_MARKS = {"zero-window", "slow-answer", "idle", "unread"}


def allows(wires: Wires, strike: Strike, cause: str, context: Context, *, is_muted: bool) -> bool:
    """Whether the frames leave this strike possible."""
    if strike.how == "name":
        return _allows_name(wires, strike)
    if strike.how == "dhcp":
        return _allows_lease(wires, strike)
    if context.tool == "dhcp" or wires.lookups_failed or strike.how == "claim":
        return True
    if wires.is_listening and wires.is_for_itself and strike.why not in {"own-mac", "wrong-mac"}:
        return False
    if cause == "snat-to-unowned-address" and _kept_its_source(wires):
        return False
    if wires.is_listening and not _fits_talk(wires.course, strike, cause):
        return False
    if strike.how == "too-big" and wires.was_split_since:
        return True
    if not _allows_at_sender(wires, strike, cause, context, is_muted=is_muted):
        return False
    is_before = strike.at == "router" or (strike.at, strike.hop) == ("bystander", "remote")
    is_behind = wires.fate.has_crossed and is_before and strike.leg == "request"
    if is_behind and strike.how in _STOPPING and cause not in _ON_PUBLISHED:
        return False
    return wires.fate.allows(strike)


def _kept_its_source(wires: Wires) -> bool:
    """Whether the request came to the target's wire from the very address that it was sent from."""
    sent = {hit.src for spot in wires.sender for hit in spot.requests}
    nodes = wires.fate.nodes("target")
    come = {hit.src for node in nodes for spot in wires.fate.spots.get(node, ()) for hit in spot.requests}
    return bool(come) and come <= sent


def _fits_talk(course: frozenset[str], strike: Strike, cause: str) -> bool:
    """Whether what an open connection said on the sender's wire, and whether it was acknowledged, fits a silent end.

    A kernel acknowledges what its program does not read; nobody does what a filter drops. Source: RFC 9293, 3.8.6.3.
    """
    if "asked" not in course or strike.how not in {"tcp-hang", "tcp-slow"}:
        return True
    is_filter = cause.startswith("filter-on-")
    if "heard" not in course:
        return (is_filter and strike.at != "sender") or cause in _MAY_LEAVE_UNHEARD
    return not is_filter or (strike.leg == "reply" and ("told" in course or strike.at != "sender"))


def _allows_name(wires: Wires, strike: Strike) -> bool:
    if "not-known" in strike.shows:
        return not wires.lookups or "no-such-name" in wires.lookups
    if strike.at == "dns-server":
        # Nothing asked on the wire and everything asked on loopback: no server was ever known.
        return bool(wires.lookups) or not wires.asked_itself
    return not wires.lookups or not wires.is_listening


def _allows_lease(wires: Wires, strike: Strike) -> bool:
    if strike.at == "bystander":
        return len(wires.servers) != 1 or not wires.is_listening
    return not wires.servers or "silent" not in strike.shows


def _allows_at_sender(wires: Wires, strike: Strike, cause: str, context: Context, *, is_muted: bool) -> bool:
    if not wires.is_listening or context.holds("lo"):
        return True
    ask = None if wires.is_answer_for_another and strike.how == "drop" else AT_SENDER.get(strike.how)
    if ask is not None and not ask(wires, strike):
        return False
    if wires.is_answer_for_another and strike.how == "drop" and (strike.at, strike.leg) == ("segment", "reply"):
        return True
    if strike.how in _STOPPING and is_answered(wires) and not (strike.at == "sender" and strike.leg == "reply"):
        return cause == "tcp-accept-queue-full"
    if wires.is_onlink and (strike.hop == "remote" or (strike.at == "router" and cause not in _ON_PUBLISHED)):
        return False
    text = wires.witnesses.text
    is_unanswered = text is not None and text.has("connect.no-answer")
    if strike.how == "tcp-slow" and wires.count("replies") and not is_unanswered:
        return bool(wires.course & _SLOW_MARKS)
    if strike.how == "works" and not _fits_success(wires, cause):
        return False
    return _fits_errors(wires, strike, context, is_muted=is_muted)


def _fits_errors(wires: Wires, strike: Strike, context: Context, *, is_muted: bool) -> bool:
    """Whether the errors that came, or that none came, leave the strike possible."""
    errors = wires.errors_about_us()
    if not errors:
        return True
    if is_muted:
        return strike.how != "reject" or not strike.shows or any(told.name in strike.shows for told in errors)
    if context.tool == "tcp" and strike.how in _TOLD and strike.leg == "request" and strike.at != "sender":
        # connect() has one word for several errors; the frames tell which, and who says it.
        from explain.causes.wires.signs import error_sign

        return any(may_say(strike, error_sign(told), context) for told in errors)
    is_heard_in_vain = (strike.at, strike.leg) == ("sender", "reply")
    return strike.how != "drop" or is_heard_in_vain or strike.at == "segment"


def _fits_success(wires: Wires, cause: str) -> bool:
    """Whether what is odd about a success is there: a second router, a stand-in, a second owner."""
    pairs = [(request, reply) for spot in wires.sender for request in spot.requests[:1] for reply in spot.replies[:1]]
    if not pairs:
        return True
    request, reply = pairs[0]
    if cause in {"suboptimal-gateway", "icmp-redirect"}:
        return wires.has_redirects or wires.fate.is_detour or request.target_mac != reply.source_mac
    asked = any(wires.context.destination in spot.asked for spot in wires.sender)
    if cause == "proxy-arp-in-play":
        return (asked or not wires.closed_questions()) and reply.ttl not in FRESH_TTLS
    if cause == "address-tentative":
        return request.src.startswith("fe80:")
    if cause == "corrupted-packets":
        return any(hit.is_bad for spot in wires.spots for hit in (*spot.requests, *spot.replies))
    return True
