"""Held against a text: could this strike have made a command end like that?"""

# ruff: noqa: ARG001, ARG005 - the functions of a table have one shape, whether or not each needs all of it

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.chance import may_lose_all
from explain.causes.text.signs import OPEN, Sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.causes.context import Context
    from explain.causes.predictions import Strike

_SILENCE = {"silent", "tcp:timed-out", "trace:dies"}
_NO_NEIGHBOUR = {"host-unreachable", "address-unreachable"}
TOO_BIG = {"fragmentation-needed", "packet-too-big"}
_PATH_ERRORS = TOO_BIG | {"ttl-exceeded"}
CONNECT_4 = {
    # What connect() says for an ICMP error. Source: icmp_err_convert[] and icmpv6_err_convert() of the kernel.
    "net-unreachable": "network-unreachable", "no-route": "network-unreachable",
    "net-prohibited": "network-unreachable",
    "host-unreachable": "host-unreachable", "address-unreachable": "host-unreachable",
    "host-prohibited": "host-unreachable", "admin-prohibited": "host-unreachable", "beyond-scope": "host-unreachable",
    "port-unreachable": "refused", "protocol-unreachable": "protocol-not-available",
    "ttl-exceeded": "host-unreachable",
}  # fmt: skip
CONNECT_6 = {"admin-prohibited": "permission-denied", "policy-fail": "permission-denied",
              "reject-route": "permission-denied"}  # fmt: skip
_CONNECTS = CONNECT_4 | CONNECT_6
_ERRORS = (
    *(Sign("error", code, "anyone") for code in _CONNECTS if code not in _PATH_ERRORS),
    *(Sign("too-big", code) for code in TOO_BIG), Sign("expired", "ttl-exceeded"), Sign("refused", "too-long", "self"),
)  # fmt: skip
"""What ping may have counted as an error that it did not print."""
_UNSAID = tuple(
    Sign("error", code, by) for code in _CONNECTS if code not in _PATH_ERRORS for by in ("router", "target")
)
"""What IOS marks with U: what it finds unreachable itself, it does not tell."""
_FAILURES = tuple(
    Sign(f"tcp:{name}")
    for name in (
        "refused",
        "not-permitted",
        "address-not-available",
        "invalid-argument",
        *dict.fromkeys(CONNECT_4.values()),
        "permission-denied",
    )
)
_LATE_FAILURES = (*_FAILURES, Sign("tcp:timed-out"))
"""What a program may have been told that says only that it could not connect."""
_FAILED = {None: _FAILURES, "late": _LATE_FAILURES, "waited": (Sign("tcp:timed-out"), Sign("tcp:no-answer"))}
_ROUTING_CODES = {"network-unreachable", "host-unreachable", "invalid-argument", "permission-denied", "broadcast"}
_VAGUE = {
    "unreachable": {"network-unreachable", "host-unreachable"},
    "general": _ROUTING_CODES - {"broadcast"} | {"address-not-available", "no-such-device", "not-permitted"},
}
"""What two systems say for several things: BSD's "No route to host", Windows' "General failure"."""


def may_say(strike: Strike, sign: Sign, context: Context) -> bool:
    """Whether a command that met this strike can have ended with this sign."""
    if sign.name == "trace:dies" and sign.speaker is not None and _is_before_routers(strike):
        return False
    if sign.name in {"untold", "tcp:failed"}:
        meant = _UNSAID if sign.code == "unsaid" else _ERRORS if sign.name == "untold" else _FAILED[sign.code]
        return any(may_say(strike, each, context) for each in meant)
    if sign.rest is not None and may_say(strike, sign.rest, context):
        return True
    ask = _HOW.get(strike.how)
    return ask(strike, sign, context) if ask else False


def _is_before_routers(strike: Strike) -> bool:
    """Whether the strike would have kept the requests from the first router, of which a trace has heard."""
    is_own = strike.at == "sender" and strike.leg == "request"
    return is_own or strike.hop == "onlink" or strike.why in {"first", "own-mac"}


_MUTABLE = frozenset((
    "no-route-on-router", "router-interface-down", "wrong-nexthop-on-router", "destination-host-absent-behind-router",
    "routing-loop", "ttl-too-low",
))  # fmt: skip
"""What a router tells of, and what is silent where the router's own messages are filtered.

A link on the way that is too small and of which nobody tells has a name of its own, ``pmtu-blackhole``.
"""


def may_be_muted(cause: str, strike: Strike, sign: Sign) -> bool:
    """Whether the strike would be told by an error that a second fault, a filter, kept from the sender."""
    if cause not in _MUTABLE or (cause == "ttl-too-low" and (sign.name == "trace:dies" or strike.why == "default")):
        # A trace asks with every number of hops; the silence of all the last ones is not that of the limit.
        return False
    is_told = strike.how in {"reject", "too-big", "expire"} or (strike.how == "no-neighbour" and strike.at == "router")
    return sign.name in _SILENCE and is_told and strike.at != "sender"


def _works(strike: Strike, sign: Sign, context: Context) -> bool:
    if sign.name == "redirected":
        return "redirected" in strike.shows
    if strike.shows == ("redirected",):
        return False
    if sign.name == "dhcp:bound":
        return "bound" in strike.shows
    return sign.name in {"answered", "tcp:open", "trace:reached"} or sign.name in OPEN


def _refuse(strike: Strike, sign: Sign, context: Context) -> bool:
    if sign.name in {"refused", "refused-each"}:
        if sign.code in _VAGUE:
            return bool(_VAGUE[sign.code] & set(strike.shows))
        # Only ping has words of its own for a broadcast that was not allowed.
        is_broadcast = sign.code == "permission-denied" and context.tool != "ping" and "broadcast" in strike.shows
        return sign.code in strike.shows or is_broadcast
    if sign.name == "silent":
        # A new ping does not print what sendmsg() says, and with a source given, or later on, it never asks connect().
        if "unprinted" in strike.shows:
            return True  # a rule about the protocol: connect() asks with a datagram
        if sign.code in {"ceased", "unsaid"}:
            return bool(_ROUTING_CODES - {"broadcast"} & set(strike.shows))
        return context.conditions.get("src") is not False and bool(_ROUTING_CODES & set(strike.shows))
    if sign.name.startswith("tcp:"):
        wanted = "broadcast" if sign.name == "tcp:permission-denied" else ""
        return sign.name.removeprefix("tcp:") in strike.shows or wanted in strike.shows
    return sign.name == "trace:dies" and bool(_ROUTING_CODES & set(strike.shows)) and context.holds("src")


def _no_neighbour(strike: Strike, sign: Sign, context: Context) -> bool:
    if strike.leg == "reply":
        return sign.name in _SILENCE
    if sign.name == "error" and sign.code in _NO_NEIGHBOUR:
        return _may_speak(strike, sign)
    if sign.name in {"tcp:host-unreachable", "trace:dies"}:
        return True
    if sign.name in {"refused", "refused-each"}:
        return sign.code == "unreachable" and strike.at == "sender"
    if sign.name == "silent-piped":
        return strike.at == "sender" and context.conditions.get("if") is not False
    if sign.code == "unsaid":
        return True
    if sign.name == "silent" and strike.at == "sender" and context.conditions.get("if") is not False:
        return context.conditions.get("v6") is not True and (context.is_hasty or context.patience_s is None)
    # A program's own limit, of which nobody told, may have come before the kernel's.
    is_open = sign.name == "tcp:timed-out" and context.patience_s is None
    return is_open or (sign.name in {"silent", "tcp:timed-out"} and context.is_hasty)


def _may_speak(strike: Strike, sign: Sign) -> bool:
    if sign.by == "anyone":
        return True
    if sign.by == "target":
        return "nexthop" in strike.of or strike.at == "target"
    if sign.by == "self":
        return strike.at == "sender"
    if sign.by == "router":
        return strike.at in {"router", "bystander"}
    return strike.at != "target"


def _no_carrier(strike: Strike, sign: Sign, context: Context) -> bool:
    is_silent = sign.name in _SILENCE or sign.name == "silent-piped" or sign.code == "general"
    return is_silent or _no_neighbour(strike, sign, context)


_DROPPED = {"not-permitted", "general", "no-buffer-space"}
"""What a drop on the way out is called: EPERM by the OUTPUT hook, ENOBUFS by what stands behind it, at the device.

Source: nf_hook_slow(), NF_DROP_ERR; net_xmit_errno() of include/linux/netdevice.h.
"""


def _drop(strike: Strike, sign: Sign, context: Context) -> bool:
    if strike.at == "sender" and strike.leg == "request":
        is_refused = sign.name in {"refused", "refused-each"} and sign.code in _DROPPED
        return is_refused or sign.name in {*_SILENCE, "tcp:not-permitted"}
    return sign.name in _SILENCE


def _reject(strike: Strike, sign: Sign, context: Context) -> bool:
    if strike.leg == "reply":
        return sign.name in _SILENCE
    if sign.name == "error":
        # traceroute prints one mark, !H, for both.
        is_marked = context.tool == "trace" and sign.code == "address-unreachable" and "beyond-scope" in strike.shows
        if strike.shows and sign.code not in strike.shows and not is_marked:
            return False
        return sign.code not in _PATH_ERRORS and _may_speak(strike, sign)
    if sign.name.startswith("tcp:"):
        table = CONNECT_4 | CONNECT_6 if context.family == 6 else CONNECT_4
        codes = strike.shows or tuple(table)
        wanted = {table.get(code) for code in codes}
        return sign.name.removeprefix("tcp:") in wanted
    if strike.at == "sender" and sign.name in {"refused", "refused-each", "tcp:not-permitted"}:
        return sign.code == "not-permitted" or sign.name == "tcp:not-permitted"
    return sign.name in {"trace:ended", *OPEN} and (strike.at, sign.by) != ("sender", "router")


def _expire(strike: Strike, sign: Sign, context: Context) -> bool:
    if strike.leg == "reply":
        return sign.name in _SILENCE
    # Time exceeded is one more "No route to host" to connect(). Source: icmp_err_convert[], icmpv6_err_convert().
    return sign.name in {"expired", "trace:loop", "trace:ended", "tcp:host-unreachable", *OPEN}


def _too_big(strike: Strike, sign: Sign, context: Context) -> bool:
    is_local = sign.name in {"refused", "refused-each"} and sign.code == "too-long"
    return is_local or sign.name == "too-big" or (sign.name == "part-refused" and sign.code in _PATH_ERRORS)


def _lose(strike: Strike, sign: Sign, context: Context) -> bool:
    if sign.name in {"trace:gap", "trace:perhaps-gap"}:
        return "gap" in strike.shows
    if sign.name == "part-refused" and sign.code in TOO_BIG:
        return False  # the first was too long, and the kernel has split the others since
    if sign.rest is not None and sign.rest.name.startswith("refused") and sign.code in _ROUTING_CODES:
        return False  # a route has gone
    # A limit lets the first ones pass; chance need not.
    is_chance = sign.name == "silent" and _is_few(sign) and strike.at != "target"
    return sign.name in {"part-lost", "part-refused"} or is_chance


def _is_few(sign: Sign) -> bool:
    return all(may_lose_all(line.values.get("sent") or 0) for line in sign.lines)


def _one_of(*names: str) -> Callable[[Strike, Sign, Context], bool]:
    return lambda strike, sign, context: sign.name in names


def _shown(prefix: str) -> Callable[[Strike, Sign, Context], bool]:
    def ask(strike: Strike, sign: Sign, context: Context) -> bool:
        if prefix == "name":
            return sign.name == "name" and sign.code in strike.shows
        return sign.name.startswith(prefix) and sign.name.removeprefix(prefix) in strike.shows

    return ask


_HOW: dict[str, Callable[[Strike, Sign, Context], bool]] = {
    "works": _works,
    "refuse": _refuse,
    "no-neighbour": _no_neighbour,
    "no-carrier": _no_carrier,
    "unspecified": lambda strike, sign, context: sign.name == "unspecified" or sign.code == "source-elsewhere",
    "drop": _drop,
    "reject": _reject,
    "expire": _expire,
    "too-big": _too_big,
    "elsewhere": _one_of("different-address", "tcp:timed-out"),
    "lose": _lose,
    "duplicate": _one_of("duplicated"),
    "damage": _one_of("damaged", "part-lost"),
    "rst": _one_of("tcp:refused"),
    "tcp-hang": _one_of("tcp:no-answer"),
    "tcp-slow": _one_of("tcp:no-answer", "tcp:open", "tcp:closed"),
    "tcp-end": _one_of("tcp:closed", "tcp:reset"),
    "tcp-late-rst": _one_of("tcp:reset"),
    "tcp-alert": _one_of("tcp:tls-alert"),
    "trace-gap": _one_of("trace:gap", "trace:perhaps-gap"),
    "claim": _one_of("claimed"),
    "name": _shown("name"),
    "dhcp": _shown("dhcp:"),
}
