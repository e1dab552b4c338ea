"""What causality leaves possible of the difference between two clocks, and of its drift: numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from explain.record import dataclass

if TYPE_CHECKING:
    from explain.table import I8

F8 = npt.NDArray[np.float64]
Gap = Callable[[float], tuple[float, float]]
"""For a drift in ppm the highest lower and the lowest upper bound of the difference, nanoseconds."""
BOTH = 2
"""Of two frames of a packet: seen at once, so that each bounds the other."""
_WORST_PPM = 500.0  # of a crystal, generously
_STEPS = 60
_CORNERS = 33


@dataclass(frozen=True, slots=True)
class Edge:
    """What is known of one clock against another.

    Attributes:
        low, high: bounds of their difference at time 0, nanoseconds.
        slow, fast: bounds of the drift that causality allows, ppm.
        guess: the difference where a bound is missing.
        weight: how many packets say so.
    """

    low: float
    high: float
    slow: float
    fast: float
    guess: float
    weight: int


def fit(at: F8, difference: F8, is_down: I8) -> Edge:
    """Bounds of the difference at time 0 over all drifts that causality allows.

    Args:
        at: float64[n], when each packet was seen first, nanoseconds since time 0.
        difference: float64[n], how much later the other clock shows it, nanoseconds.
        is_down: 1 where the other clock saw it later, -1 earlier, ``BOTH`` at once, 0 where nobody can say.
    """
    is_roof, is_floor = is_down > 0, (is_down < 0) | (is_down == BOTH)
    high_at, high = at[is_roof], difference[is_roof]
    low_at, low = at[is_floor], difference[is_floor]
    middle = float(np.median(difference))
    if not len(high) or not len(low):
        bound = float(high.min()) if len(high) else np.inf, float(low.max()) if len(low) else -np.inf
        guess = bound[0] if len(high) else bound[1] if len(low) else middle
        return Edge(bound[1], bound[0], -_WORST_PPM, _WORST_PPM, guess, len(at))
    weight = len(at) + (1 << 20)

    def gap(ppm: float) -> tuple[float, float]:
        return float((low - ppm * 1e-6 * low_at).max()), float((high - ppm * 1e-6 * high_at).min())

    floor, roof = gap(0.0)
    best = 0.0 if floor <= roof else _widest(gap)
    if gap(best)[0] > gap(best)[1]:  # contradicts itself: some pairs are no pairs; take the middle of the road
        wide = abs(floor - roof)
        return Edge(middle - wide, middle + wide, -_WORST_PPM, _WORST_PPM, middle, weight)
    slow, fast = _edge_of(gap, best, -_WORST_PPM), _edge_of(gap, best, _WORST_PPM)
    if floor <= 0 <= roof:
        return Edge(floor, roof, slow, fast, 0.0, weight)
    corners = [gap(ppm) for ppm in np.linspace(slow, fast, _CORNERS).tolist()]
    floor, roof = min(corner[0] for corner in corners), max(corner[1] for corner in corners)
    return Edge(floor, roof, slow, fast, (floor + roof) / 2, weight)


def _widest(gap: Gap) -> float:
    """The drift at which the bounds are farthest apart; what is between them is concave in it."""
    first, last = -_WORST_PPM, _WORST_PPM
    for _ in range(_STEPS):
        one, other = first + (last - first) / 3, last - (last - first) / 3
        if gap(one)[1] - gap(one)[0] < gap(other)[1] - gap(other)[0]:
            first = one
        else:
            last = other
    return (first + last) / 2


def _edge_of(gap: Gap, inside: float, outside: float) -> float:
    """The last drift towards ``outside`` that causality allows."""
    if gap(outside)[0] <= gap(outside)[1]:
        return outside
    for _ in range(_STEPS // 2):
        middle = (inside + outside) / 2
        if gap(middle)[0] <= gap(middle)[1]:
            inside = middle
        else:
            outside = middle
    return inside


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """Bounds of a clock (nanoseconds) and of its drift (ppm) against the reference, and the best guess."""

    low: float
    high: float
    slow: float
    fast: float
    guess: float

    @property
    def nearest(self) -> float:
        """The middle, or the guess where a bound is open."""
        is_bounded = np.isfinite(self.low) and np.isfinite(self.high)
        return (self.low + self.high) / 2 if is_bounded else self.guess

    @property
    def drift(self) -> float:
        """0 where none is needed, else the middle of what is possible."""
        return 0.0 if self.slow <= 0 <= self.fast else (self.slow + self.fast) / 2


def known_bounds(edges: dict[tuple[int, int], Edge], reference: int, count: int) -> dict[int, ClockBounds]:
    """What all edges together say of each capture that any chain connects with the reference.

    Differences that are bounded on each edge are bounded along every path; the tightest paths count.
    """
    skew, drift = np.full((count, count), np.inf), np.full((count, count), np.inf)
    for (one, other), edge in edges.items():
        skew[one, other], skew[other, one] = edge.high, -edge.low
        drift[one, other], drift[other, one] = edge.fast, -edge.slow
    for bounds in (skew, drift):
        np.fill_diagonal(bounds, 0.0)
        for middle in range(count):
            np.minimum(bounds, bounds[:, middle : middle + 1] + bounds[middle], out=bounds)
    found = {}
    for capture, guess in _guesses(edges, reference).items():
        low, high = -float(skew[capture, reference]), float(skew[reference, capture])
        slow, fast = -float(drift[capture, reference]), float(drift[reference, capture])
        if low > high:  # some pairs are no pairs, or the clock was set: all that is claimed is the chain
            low, high = guess - (low - high), guess + (low - high)
        if capture == reference:
            low = high = slow = fast = 0.0
        found[capture] = ClockBounds(low, high, min(slow, fast), max(slow, fast), guess)
    return found


def _guesses(edges: dict[tuple[int, int], Edge], reference: int) -> dict[int, float]:
    """The difference of each capture along the best connected chain."""
    found = {reference: 0.0}
    while True:
        open_ends = [(edge.weight, ends) for ends, edge in edges.items() if (ends[0] in found) != (ends[1] in found)]
        if not open_ends:
            return found
        one, other = max(open_ends)[1]
        if one in found:
            found[other] = found[one] + edges[one, other].guess
        else:
            found[one] = found[other] - edges[one, other].guess
