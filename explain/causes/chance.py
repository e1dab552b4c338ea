"""What chance can do on a line that loses some packets: it may lose all of a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEW = 6


def may_lose_all(sent: int) -> bool:
    """Whether so few packets were sent that chance may have lost every one.

    A line that loses every second packet loses three of three once in 8 runs, six of six once in 64, ten of ten once
    in 1,024; where packets are lost in bursts, more often.
    """
    return sent <= _FEW


def without_chance(rivals: Sequence[str], sent: int) -> tuple[str, ...]:
    """Causes of a silence without the loss of some packets, where more were sent in vain than chance takes."""
    return tuple(one for one in rivals if one != "partial-loss" or may_lose_all(sent))
