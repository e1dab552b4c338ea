"""Which of the causes that remain is the likeliest: by states, frames and the text, and by what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.context import canonical
from explain.causes.ids import IDS
from explain.causes.text.expected import may_say
from explain.causes.weighing.favour import BY_SIZE, favour

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.causes.context import Context
    from explain.causes.states.walked import Walked
    from explain.causes.text.signs import Sign
    from explain.causes.weighing.weigh import Kept
    from explain.causes.wires.witness import Wires


def order(
    kept: list[Kept], sign: Sign | None, wires: Wires | None, states: Walked | None, context: Context
) -> list[Kept]:
    """Most likely first."""
    walked = [each.cause for each in states.causes] if states else []
    place = {cause: number for number, cause in enumerate(IDS)}

    def key(each: Kept) -> tuple[float, ...]:
        is_stopped = each.cause in walked and states is not None and states.outcome == "stopped"
        # What is usual does not weigh where the states show which one it is.
        is_shown = each.cause in walked and states is not None and states.outcome != "unknown"
        score = 0.0 if is_shown else _by_text(each, sign, context)
        if each.cause in walked:
            score -= (200 if is_stopped else 100) - walked.index(each.cause)
        if wires is not None:
            score -= favour(wires, each.cause, each.strikes)
        score -= _by_size(each.cause, context)
        score -= 2 * (each.cause == "path-mtu-exceeded" and context.holds("told-before"))
        if sign is not None and any(may_say(strike, sign, context) for strike in each.strikes):
            score -= 1
        if all(strike.why == "default" for strike in each.strikes):
            score += 1  # hardly anybody changes a default
        shown = walked.index(each.cause) if each.cause in walked else len(walked)
        return (score + (40 if each.is_muted else 0), shown, place[each.cause])

    return sorted(kept, key=key)


_FIRST: Mapping[str, tuple[str, ...]] = {
    "answered": ("healthy",), "tcp:open": ("healthy",), "trace:reached": ("healthy",), "dhcp:bound": ("healthy",),
    "claimed": ("duplicate-address",), "redirected": ("icmp-redirect",),
    "part-lost": ("partial-loss", "icmp-rate-limited"),
    "duplicated": ("duplicated-packets",), "damaged": ("corrupted-packets",), "trace:gap": ("silent-hop",),
    "trace:perhaps": ("healthy",), "trace:perhaps-gap": ("silent-hop",),
    "tcp:no-answer": ("tcp-application-hangs",), "tcp:closed": ("tcp-application-closes",),
    "tcp:refused": ("tcp-no-listener",), "tcp:failed": ("tcp-no-listener",),
}  # fmt: skip
"""What comes first whatever else is known."""
_USUAL: Mapping[str, tuple[str, ...]] = {
    "part-refused:fragmentation-needed": ("path-mtu-exceeded",), "part-refused:packet-too-big": ("path-mtu-exceeded",),
    "error:net-unreachable": ("no-route-on-router", "router-interface-down"),
    "error:no-route": ("no-route-on-router", "router-interface-down"),
    "error:host-unreachable": ("destination-host-absent-behind-router", "destination-host-absent-on-link"),
    "error:address-unreachable": ("destination-host-absent-behind-router", "destination-host-absent-on-link"),
    **dict.fromkeys(
        ("error:net-prohibited", "error:host-prohibited", "error:policy-failed"),
        ("filter-on-router-forward", "filter-on-target-input"),
    ),
    "error:reject-route": ("reject-route-on-router", "filter-on-router-forward"),
    "error:protocol-unreachable": ("filter-on-target-input", "filter-on-router-forward"),
    "error:unknown-code": ("filter-on-router-forward", "filter-on-target-input"),
    "udp:port-unreachable": ("tcp-no-listener", "filter-on-target-input"),
    "error:port-unreachable": ("filter-on-target-input", "filter-on-router-forward"),
    "error:admin-prohibited": ("filter-on-router-forward", "filter-on-target-input", "reject-route-on-router"),
    "refused:network-unreachable": ("no-route-on-sender", "sender-interface-down"),
    "refused-each:network-unreachable": ("no-route-on-sender", "sender-interface-down"),
    "refused:general": ("no-route-on-sender", "sender-interface-down", "link-no-carrier", "filter-on-sender-output"),
    "refused-each:unreachable": ("no-route-on-sender", "destination-host-absent-on-link"),
    "refused:broadcast": ("broadcast-ping-without-b",), "refused:not-permitted": ("filter-on-sender-output",),
    "refused-each:not-permitted": ("filter-on-sender-output",),
    "refused-each:no-buffer-space": ("filter-on-sender-output",),
    "refused:address-not-available": ("source-address-not-local",),
    "untold": ("destination-host-absent-behind-router", "no-route-on-router", "filter-on-router-forward"),
    "silent": ("filter-on-target-input", "forwarding-disabled", "no-return-route-on-target"),
    "tcp:timed-out": ("filter-on-target-input", "filter-on-router-forward", "no-return-route-on-target"),
    "trace:ended": ("ttl-too-low", "no-route-on-router", "filter-on-router-forward"),
    "trace:dies": ("filter-on-target-input", "filter-on-router-forward"), "expired": ("ttl-too-low", "routing-loop"),
    "tcp:host-unreachable": ("destination-host-absent-behind-router", "destination-host-absent-on-link"),
    "tcp:network-unreachable": ("no-route-on-sender",), "silent-piped": ("destination-host-absent-on-link",),
    "tcp:no-answer": ("filter-on-router-forward", "filter-on-target-input"),
    "dhcp:silent": ("dhcp-no-server",), "name:temporary": ("dns-server-unreachable",),
    "name:unresolved": ("name-does-not-exist",),
}  # fmt: skip
"""What is met most often where nothing else speaks: it breaks ties."""


def _by_size(cause: str, context: Context) -> float:
    """What strikes large packets alone is thought of first where a small one passes, or where one was made so large.

    Whoever sends fragments thinks of filters on these first, who sends whole packets of links that are too narrow.
    """
    if cause not in BY_SIZE:
        return 0
    usual = (BY_SIZE.index(cause) - (not context.holds("in-pieces"))) % len(BY_SIZE) / 100
    return 60 - usual if context.holds("small-passes") else (0.5 - usual) * context.holds("fragmented")


def _by_text(each: Kept, sign: Sign | None, context: Context) -> float:
    """Where the text alone would put it: what it usually means comes first."""
    first = _FIRST.get(sign.name, ()) if sign and sign.code != "waited" else ()
    if each.cause in first:
        return -50 + first.index(each.cause)
    if each.cause == "broadcast-echo-ignored" and context.holds("bc"):
        return -5
    names = (f"{context.tool}:{sign.code}", f"{sign.name}:{sign.code}", sign.name) if sign else ()
    usual = next((_USUAL[name] for name in names if name in _USUAL), ())
    if sign and sign.rest:
        return _by_text(each, sign.rest, context) if each.cause not in usual else usual.index(each.cause) - len(usual)
    if sign and each.cause in _ABSENT and _is_near(sign.speaker, context.destination):
        return (_ABSENT.index(each.cause) - len(_ABSENT)) / 10
    return (usual.index(each.cause) - len(usual)) / 10 if each.cause in usual else 0


_ABSENT = ("destination-host-absent-on-link", "destination-host-absent-behind-router")


def _is_near(speaker: str | None, destination: str | None) -> bool:
    """Whether the one who complains is in the target's own network, as networks are mostly cut: then it is the sender.

    A router complains from its address on the sender's side.  Source: RFC 1812, 4.3.2.4.
    """
    address = canonical(speaker)
    if address is None or destination is None:
        return False
    from ipaddress import ip_address, ip_network

    return ip_address(destination) in ip_network(f"{address}/{64 if ':' in address else 24}", strict=False)
