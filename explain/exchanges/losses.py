"""How losses lie among what was sent: spread, in bursts, from some moment on, or as a limiter would have it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST = 5  # requests, below which a pattern is a guess
_BURST = 3
_FEWEST_STEPS = 2
_FEWEST_TURNS = 3
_SLOWEST_STEP = 3  # every second one answered may be two paths, of which one is broken


def pattern(was_answered: Sequence[bool]) -> str:
    """``beginning``, ``end``, ``burst``, ``alternating`` or ``spread``; ``few`` where it cannot be said."""
    lost = [number for number, answered in enumerate(was_answered) if not answered]
    if len(was_answered) < _FEWEST or not lost:
        return "few"
    first, last = lost[0], lost[-1]
    if len(lost) == last - first + 1 and len(lost) > 1:
        if first == 0:
            return "beginning"
        return "end" if last == len(was_answered) - 1 else "burst"
    if len(lost) > 1 and all(later - earlier == 2 for earlier, later in pairwise(lost)):
        is_every_second = len(lost) >= max(_FEWEST_TURNS, len(was_answered) // 2 - 1)
        return "alternating" if is_every_second else "spread"
    return "burst" if _longest(lost) >= _BURST and _longest(lost) * 2 >= len(lost) else "spread"


def _longest(lost: Sequence[int]) -> int:
    """How many neighbours are lost at most."""
    best = run = 1
    for earlier, later in pairwise(lost):
        run = run + 1 if later == earlier + 1 else 1
        best = max(best, run)
    return best


def limiter_step(was_answered: Sequence[bool]) -> tuple[int, bool] | None:
    """After how many requests a limiter gives the next answer, and whether that repeats; None if none does.

    A bucket lets a first burst pass, and then one more each time a token has come.  A single gap is any loss: there
    must be a second one, if only at the end.
    """
    answered = [number for number, one in enumerate(was_answered) if one]
    if len(was_answered) < _FEWEST or not answered or answered[0] != 0:
        return None
    burst = next((n for n, (a, b) in enumerate(pairwise(answered), 1) if b != a + 1), len(answered))
    later = [answered[burst - 1], *answered[burst:]]
    steps = [b - a for a, b in pairwise(later)]
    rest = len(was_answered) - 1 - answered[-1]
    if not steps or max(steps) - min(steps) > 1 or min(steps) < _SLOWEST_STEP or rest > max(steps):
        return None
    if len(steps) < _FEWEST_STEPS and rest < steps[0] - 1:
        return None
    return round(sum(steps) / len(steps)), len(steps) >= _FEWEST_STEPS
