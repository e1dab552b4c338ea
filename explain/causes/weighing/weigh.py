"""The engine: causes predict, witnesses eliminate; what is left is ranked by ``rank``, and nothing possible is lost.

Only what a witness contradicts outright is eliminated.  A place that did not listen, a key of a state that was not
collected, a text that was cut: they say nothing, and so they eliminate nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.causes.ids import QUALIFIERS
from explain.causes.predictions import Strike, all_strikes
from explain.causes.text.expected import may_be_muted, may_say
from explain.causes.wires.contradictions import allows
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Topology
    from explain.causes.states.walked import Walked
    from explain.causes.text.signs import Sign
    from explain.causes.wires.witness import Wires

_UNSEEN_BY_STATES = frozenset((
    "no-raw-socket-privilege", "name-does-not-exist", "name-resolves-to-wrong-address", "dns-server-unreachable",
    "dns-server-not-configured", "partial-loss", "duplicated-packets", "corrupted-packets", "icmp-rate-limited",
    "tcp-application-hangs", "tcp-application-closes", "tcp-half-open", "server-slow", "client-slow",
    "idle-timeout-in-middlebox", "rst-by-middlebox", "tls-alert", "dhcp-no-server", "dhcp-pool-exhausted",
    "dhcp-request-wrong-subnet", "dhcp-rogue-server", "dhcp-server-filtered", "icmp-errors-filtered-on-router",
    "tcp-accept-queue-full", "conntrack-table-full", "arp-spoofed", "silent-hop",
))  # fmt: skip
"""What may be wrong although every state is as it should be."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A cause that is left.

    Attributes:
        strikes: the ways in which it could have struck.
        is_muted: only if a second fault swallowed the error that would have told of it.
    """

    cause: str
    strikes: tuple[Strike, ...]
    is_muted: bool = False


@dataclass(frozen=True, slots=True)
class Fallen:
    """A cause that is contradicted, and by which kind of witness."""

    cause: str
    stage: str


def _conditions_of(topology: Topology) -> dict[str, bool | None]:
    """What a network that is wholly known can and cannot do: no switch, no fault of a switch."""
    roles = list(topology.roles.values())
    has_router = any(role[:1] == "R" or role.startswith("router") for role in roles)
    has_other = any(role in {"X", "bystander"} for role in roles)
    if not topology.is_whole:
        return {}
    return {
        "switch": any(role in {"SW", "switch"} for role in roles),
        "routed": has_router or has_other,
        "bystander": has_other or has_router,
    }


def weigh(
    context: Context, signs: tuple[Sign, ...], wires: Wires | None, states: Walked | None, topology: Topology
) -> tuple[list[Kept], list[Fallen]]:
    """Every cause either kept, with its strikes, or fallen.

    Args:
        context: the command.
        signs: how it ended, as the text says, or may have ended, as the captures leave it; none if nothing tells.
        wires: what the captures show; None without any.
        states: the walk; None without the sender's state.
        topology: who is who.
    """
    known = replace(context, conditions=context.conditions | _conditions_of(topology))
    kept: list[Kept] = []
    fallen: list[Fallen] = []
    for cause, strikes in all_strikes().items():
        if cause in QUALIFIERS:
            continue
        left, is_muted, stage = _survivors(strikes, known, signs, wires, states, cause)
        if left:
            kept.append(Kept(cause, left, is_muted))
        else:
            fallen.append(Fallen(cause, stage))
    return kept, fallen


def _survivors(
    strikes: tuple[Strike, ...], context: Context, signs: tuple[Sign, ...], wires: Wires | None,
    states: Walked | None, cause: str,
) -> tuple[tuple[Strike, ...], bool, str]:  # fmt: skip
    if _is_certain(cause, signs, states):
        fitting = tuple(each for each in strikes if any(may_say(each, sign, context) for sign in signs))
        return fitting or strikes, False, "state"
    possible = [each for each in strikes if _can_strike(each, context)]
    if not possible:
        return (), False, "command"
    said = [each for each in possible if not signs or any(may_say(each, sign, context) for sign in signs)]
    is_muted = not said
    if is_muted:
        said = [each for each in possible if any(may_be_muted(cause, each, sign) for sign in signs)]
    if not said:
        return (), False, "text"
    seen = [each for each in said if wires is None or allows(wires, each, cause, context, is_muted=is_muted)]
    if not seen:
        return (), False, "capture"
    stood = [each for each in seen if states is None or _stands(each, cause, states)]
    return tuple(stood), is_muted, "state"


GOOD = frozenset(("answered", "redirected", "tcp:open", "trace:reached", "trace:gap", "dhcp:bound", "duplicated"))
"""Signs of a command that came to its end well."""


def _is_certain(cause: str, signs: tuple[Sign, ...], states: Walked | None) -> bool:
    """What the states of the whole network show first is not doubted for want of a prediction."""
    if states is None or not states.is_whole or not states.causes or states.outcome == "unknown":
        return False
    is_fitting = not signs or any((sign.name in GOOD) == (states.outcome == "answered") for sign in signs)
    return states.causes[0].cause == cause and is_fitting


def _can_strike(strike: Strike, context: Context) -> bool:
    if not _is_met_by(strike, context.tool):
        return False
    if not context.allows(strike.when) or (context.holds("bc") and not _meets_everybody(strike)):
        return False
    if context.holds("loopback") and not _meets_itself(strike):
        return False
    if _needs_router(strike):
        # Source: RFC 4291, 2.5.6: routers carry on nothing that is link-local.
        return context.conditions.get("routed") is not False and not context.holds("ll")
    if strike.hop == "onlink" and context.conditions.get("near") is False:
        return False
    return strike.at != "bystander" or context.conditions.get("bystander") is not False


def _is_met_by(strike: Strike, tool: str | None) -> bool:
    """Whether a command of this kind can meet it: a client without an address sends neither echoes nor segments."""
    if tool is None:
        return True
    if tool == "dhcp":
        return strike.how == "dhcp" or "bound" in strike.shows
    if strike.how.startswith("tcp-"):
        return tool == "tcp"
    return strike.how != "dhcp" and (strike.how != "trace-gap" or tool == "trace")


def _meets_itself(strike: Strike) -> bool:
    """Whether a strike can meet what a host sends to its own loopback address: no wire and no neighbour is asked."""
    is_asked = strike.how in {"no-neighbour", "no-carrier"}
    is_own = strike.at not in {"segment", "bystander"} and not is_asked and not _needs_router(strike)
    return is_own or "loopback" in strike.when


def _needs_router(strike: Strike) -> bool:
    return strike.at == "router" or strike.hop == "remote" or strike.of == ("gateway",)


def _meets_everybody(strike: Strike) -> bool:
    """Whether a strike can meet a broadcast: it needs no neighbour's MAC, and no router carries it on."""
    if strike.how in {"no-neighbour", "reject", "expire", "too-big", "rst"} or strike.at in {"router", "bystander"}:
        return False
    if strike.hop == "remote":
        return False
    return strike.at != "segment" or strike.how != "drop" or "switch" in strike.when


def _stands(strike: Strike, cause: str, states: Walked) -> bool:
    """Whether the states let this strike be: a host that certainly let the packet pass did not stop it."""
    named = {each.cause for each in states.causes} | {each.cause for each in states.also}
    if strike.how == "works" and states.is_whole and states.outcome == "answered":
        # What leaves no trace in a success and none in any state is not there.
        return cause in named
    if cause in named or (
        (cause in _UNSEEN_BY_STATES or cause in states.uncollected)
        and not (states.is_whole and states.outcome == "stopped")
    ):
        return True
    if states.is_whole and states.outcome in {"stopped", "answered"}:
        return False
    if states.next_hop is not None and not _fits_next_hop(strike, cause, states):
        return False
    if strike.why == "cut" and "switch" in strike.when and not states.is_joined:
        return True
    if strike.how in {"no-carrier", "refuse"} or strike.at in {"sender", "target"}:
        part = strike.at or "sender"
        return (part, strike.leg or "request") not in states.passed
    return True


_VISIBLE_AT_SENDER = frozenset((
    "sender-interface-down", "sender-no-address", "link-no-carrier", "loopback-down", "no-route-on-sender",
    "default-route-without-gateway", "reject-route-on-sender", "policy-rule-on-sender", "filter-on-sender-output",
    "ipv6-disabled", "address-tentative", "unknown-interface", "source-address-not-local", "local-mtu-too-small",
    "broadcast-ping-without-b", "router-advertisement-missing", "router-advertisement-ignored",
))  # fmt: skip
"""What the sender's own state shows; the walk names it, or it is not so."""
_WITHOUT_ADDRESS = frozenset(
    ("sender-no-address", "address-tentative", "router-advertisement-missing", "ipv6-disabled")
)


def _fits_next_hop(strike: Strike, cause: str, states: Walked) -> bool:
    """Whether a strike agrees with a sender that certainly sends, to this next hop."""
    if cause in _VISIBLE_AT_SENDER:
        # Without an address of its own a host still sends from another one, and that the walk need not blame.
        return cause in _WITHOUT_ADDRESS and states.is_source_borrowed
    if strike.at != "sender" or strike.how not in {"no-neighbour", "no-carrier"} or states.path is None:
        return True
    is_target = states.next_hop == states.path.request.destination
    return ("target" if is_target else "gateway") in strike.of
