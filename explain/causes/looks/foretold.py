"""What a look would show if a cause were true: every outcome that its strikes allow, never fewer.

A look excludes the causes that do not allow what it shows; an outcome that is forgotten here would exclude the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from explain.causes.predictions import Strike

Strikes = tuple["Strike", ...]
_WELL = frozenset(("works", "duplicate", "damage", "trace-gap"))
_TOLD = frozenset(("reject", "expire", "too-big"))
_UP = "tcp-"


def by_cause(otherwise: str, **table: str) -> Callable[[str, Strikes], Iterable[str]]:
    """Each outcome names its causes, one in several names allows several; all others show ``otherwise``."""
    found: dict[str, list[str]] = {}
    for outcome, causes in table.items():
        for cause in causes.split():
            found.setdefault(cause, []).append(outcome)
    return lambda cause, _: found.get(cause, otherwise.split())


def by_strike(ask: Callable[[Strike], str], **table: str) -> Callable[[str, Strikes], Iterable[str]]:
    """As ``by_cause``, where the others show what any of their strikes would."""
    known = by_cause("", **table)
    return lambda cause, strikes: dict.fromkeys(
        known(cause, strikes) or [one for each in strikes for one in ask(each).split()]
    )


def at_sender(strike: Strike) -> str:
    """What the sender's wire carries."""
    how, is_own = strike.how, strike.at == "sender"
    if how == "name":
        return "nothing asks silent answered"
    if is_own and strike.leg == "request":
        return _of_sender(strike)
    if how in {*_WELL, "rst"} or how.startswith(_UP) or is_own or (strike.at, strike.leg) == ("sender", "reply"):
        return "answered"
    if how == "elsewhere" or (how == "drop" and (strike.at, strike.leg) == ("segment", "reply")):
        return "answered silent"
    is_told = strike.leg == "request" and (how in _TOLD or (how == "no-neighbour" and strike.at != "target"))
    return "answered silent" if is_told or how == "lose" else "silent"


def _of_sender(strike: Strike) -> str:
    how = strike.how
    if how in {"no-neighbour", "no-carrier"}:
        return "nothing" if strike.why == "unasked" else "asks" if how == "no-neighbour" else "nothing asks"
    if how == "unspecified":
        return "silent"
    return "answered" if how.startswith(_UP) else "nothing asks"


def at_target(strike: Strike) -> str:
    """What the target's wire carries."""
    how, part, is_request = strike.how, strike.at, strike.leg == "request"
    if how == "lose" or (how == "elsewhere" and part != "target"):
        return "absent arrives replies"
    if how in _WELL or how.startswith(_UP) or how == "elsewhere":
        return "absent replies" if how == "tcp-late-rst" else "replies"
    if how == "unspecified":
        return "absent arrives"
    if part == "target":
        if how in {"rst", "reject"} and is_request:
            return "replies"
        return "arrives"
    if not is_request:
        return "replies"
    # Frames for another MAC, or by another port, may still be seen there.
    return "absent arrives" if part in {"segment", "bystander"} and how == "drop" else "absent"


def way(strike: Strike) -> str:
    """Which way the sender's kernel chooses."""
    if strike.how == "refuse" and "network-unreachable" in strike.shows:
        return "none"
    if strike.hop == "onlink" or (strike.at == "sender" and strike.of == ("target",)):
        return "direct"
    is_far = strike.hop == "remote" or strike.at == "router" or (strike.at == "sender" and strike.of == ("gateway",))
    return "gateway" if is_far else "direct gateway"


def neighbour(strike: Strike) -> str:
    """What the sender knows of its next hop's MAC."""
    if strike.how == "name":
        return "failed known"
    if strike.at == "sender" and strike.how == "no-neighbour":
        return "failed"
    return "failed known" if strike.at == "sender" and strike.how == "no-carrier" else "known"


def smaller(strike: Strike) -> str:
    """Whether a small packet would come back."""
    return "works" if strike.how in _WELL else "works fails" if strike.how == "lose" else "fails"


def many(strike: Strike) -> str:
    """Whether some of many would come back."""
    if strike.how in {"works", "duplicate"}:
        return "all"
    return "some none" if strike.how in {"lose", "damage"} else "none"


def hops(strike: Strike) -> str:
    """How far a trace gets; its datagrams are not echoes, and a filter may know the difference."""
    if strike.how in {*_WELL, "elsewhere"}:
        return "arrives"
    is_picky = strike.how in {"drop", "reject", "lose", "rst"} or strike.leg == "reply"
    return "arrives ends" if is_picky or strike.how.startswith(_UP) else "ends"
