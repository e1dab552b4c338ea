"""What the frames speak for, beyond what they leave possible: points that break ties, never that exclude."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.wires.at_sender import has_ceased_to_send

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.causes.predictions import Strike
    from explain.causes.wires.witness import Wires

_MARKS: tuple[tuple[str, frozenset[str]], ...] = (
    ("zero-window", frozenset(("client-slow",))),
    ("slow-answer", frozenset(("server-slow",))),
    ("idle", frozenset(("idle-timeout-in-middlebox",))),
    ("foreign-reset", frozenset(("rst-by-middlebox",))),
    ("late-reset", frozenset(("tcp-half-open",))),
    ("early-reset", frozenset(("tcp-application-closes",))),
    ("big-loss", frozenset(("pmtu-blackhole", "mtu-mismatch-on-link"))),
)


_SELECTIVE = frozenset((
    "filter-on-sender-output", "filter-on-sender-input", "filter-on-router-forward", "filter-on-target-ingress",
    "filter-on-target-input", "filter-on-target-output", "filter-on-switch", "icmp-errors-filtered-on-router",
    "echo-ignored-by-target", "icmp-rate-limited", "conntrack-table-full",
))  # fmt: skip
"""What treats kinds of traffic apart: it may stop a ping where the target answers everything else."""
BY_SIZE = ("fragments-filtered", "pmtu-blackhole", "mtu-mismatch-on-link")
_WEIGHTS = {"foreign-reset": 90, "zero-window": 200, "slow-answer": 200}


def favour(wires: Wires, cause: str, strikes: tuple[Strike, ...]) -> float:
    """How much the frames speak for a cause; negative if against it."""
    points: float = sum(_WEIGHTS.get(mark, 60) for mark, names in _MARKS if mark in wires.course and cause in names)
    if any(spot.others for spot in wires.sender):
        points += 30 * (cause in BY_SIZE and wires.context.holds("big")) + 20 * (cause in _SELECTIVE)
    if wires.witnesses.text is None and any((each.how, each.at) == ("no-neighbour", "sender") for each in strikes):
        points += 20 * bool(wires.open_questions())
    ask = _ASK.get(cause) if any(each.how != "tcp-hang" for each in strikes) else None
    points += (ask(wires) if ask else 0.0) + wires.fate.losses(cause)
    return points + max((wires.fate.weight(strike) for strike in strikes), default=0)


def _two_answers(wires: Wires) -> float:
    """One address, two MACs."""
    macs = [len(each) for spot in wires.spots for each in spot.answered.values()]
    return 30 if max(macs, default=0) > 1 else 0


def _forged(wires: Wires) -> float:
    """A reset where only the target answers for its address, and whose wire never saw the request."""
    return 20 if wires.count("resets") and wires.is_onlink and wires.fate.at_target is False else 0


def _no_server(wires: Wires) -> float:
    return 60 if wires.asked_itself and not wires.lookups else 0


def _lost_server(wires: Wires) -> float:
    """Who knows no server asks for nobody's MAC."""
    return 60 if wires.open_questions() and wires.context.holds("named") else 0


def _moved(wires: Wires) -> float:
    return 30 if wires.was_taken else -10 if _has_nobody_moved(wires) else 0


def _has_nobody_moved(wires: Wires) -> bool:
    """Whether the frames show every report of groups that the hosts ever made, and nobody left that of the address.

    Who changes its IPv6 address leaves the old one's solicited-node group. Source: RFC 3810 section 6.1.
    """
    hosts = [(state, (state.counters or {}).get("Icmp6OutMLDv2Reports", 0)) for state in wires.witnesses.states]
    told = [(state, count) for state, count in hosts if count]
    if wires.was_taken or not told or ":" not in (wires.context.destination or ""):
        return False
    macs = [{each.mac for each in state.interfaces or () if each.mac} for state, _ in told]
    heard = [sum(max(spot.reports.get(mac, 0) for spot in wires.spots) for mac in own) for own in macs]
    return all(seen >= count for seen, (_, count) in zip(heard, told, strict=True))


def _absent(wires: Wires) -> float:
    return -30 if wires.was_taken else 0


def _tired(wires: Wires) -> float:
    return 80 if wires.fate.is_tired else -5


def _unheard(wires: Wires) -> float:
    """What came on the wire and did not reach the command; without the terminal nobody says that it did not."""
    if wires.witnesses.text is None:
        return 0
    came = wires.count("replies") or wires.errors_about_us() or wires.has_reached()
    return 50 if wires.is_listening and came else 0


def _beside(wires: Wires) -> float:
    """Replies came by other interfaces than the one that the command was bound to, whose socket hears no other."""
    known, text = wires.witnesses.known_command, wires.witnesses.text
    bound = (known.interface if known else None) or (text.interface if text else None)
    ways = {spot.interface for spot in wires.sender if spot.replies}
    return 60 if bound and ways and not ways & {bound, "any", None} else 0


def _damaged(wires: Wires) -> float:
    hits = (hit for spot in wires.spots for hit in (*spot.requests, *spot.replies))
    return 80 if any(hit.is_bad for hit in hits) else 0


def _redirected(wires: Wires) -> float:
    return 60 if wires.has_redirects else 0


def _detour(wires: Wires) -> float:
    return 60 if wires.fate.is_detour and not wires.has_redirects else 0


def _untranslated(wires: Wires) -> float:
    """A router let a private address out, on its way to a public one; states would tell its rules."""
    table = wires.witnesses.table
    if wires.witnesses.states or table is None:
        return 0
    from explain.exchanges.segment import is_private_underway

    return 20 * any(is_private_underway(table, hit.row) for spot in wires.spots for hit in spot.requests)


def _ceased(wires: Wires) -> float:
    """Less left than ping believes that it sent: its kernel refused the others, and a new ping is silent of that."""
    return 60 if has_ceased_to_send(wires) else 0


_ASK: dict[str, Callable[[Wires], float]] = {
    "no-route-on-sender": _ceased,
    "duplicate-address": _two_answers,
    "arp-spoofed": _two_answers,
    "rst-by-middlebox": _forged,
    "dns-server-not-configured": _no_server,
    "dns-server-unreachable": _lost_server,
    "target-has-other-address": _moved,
    "destination-host-absent-on-link": _absent,
    "destination-host-absent-behind-router": _absent,
    "reply-ttl-too-low": _tired,
    "filter-on-sender-input": _unheard,
    "wrong-interface-selected": _beside,
    "corrupted-packets": _damaged,
    "masquerade-missing": _untranslated,
    "icmp-redirect": _redirected,
    "suboptimal-gateway": _detour,
}
