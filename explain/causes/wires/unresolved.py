"""Who asked for a neighbour until he gave up: what he had to send has come so far, and no farther."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.causes.diagnosis import Witnesses
    from explain.causes.wires.spots import Spot

_ASKED_IN_VAIN, _LEAST_NS, _MOST_NS = 3, 1_500_000_000, 3_500_000_000
"""How often a kernel asks for a neighbour before it gives up, a second apart; and how long that takes.

Source: RFC 4861, 10, MAX_MULTICAST_SOLICIT and RETRANS_TIMER; arp(7), mcast_solicit.
"""


def unresolved(
    spots: list[Spot], witnesses: Witnesses, destination: str | None, asked_from: set[str]
) -> str | None:  # fmt: skip
    """Whether the destination was asked for in vain by others than the sender, or asked itself so after a request."""
    answered = {wanted for spot in spots for wanted in spot.answered}
    for spot in spots:
        for wanted, rows in spot.unanswered().items():
            askers = spot.askers[wanted]
            if wanted in answered or len(askers) != 1 or not _is_in_vain(rows, witnesses):
                continue
            if wanted == destination and not askers & asked_from:
                return "request"
            if destination in askers and spot.requests and spot.requests[0].row < rows[0]:
                return "reply"
    return None


def _is_in_vain(rows: list[int], witnesses: Witnesses) -> bool:
    """Whether somebody asked as often, and as fast, as who hears no answer."""
    times = witnesses.table.time_ns[rows].tolist() if witnesses.table is not None else []
    last = _ASKED_IN_VAIN - 1
    return any(_LEAST_NS < end - begin < _MOST_NS for begin, end in zip(times, times[last:], strict=False))
