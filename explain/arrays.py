"""Questions about whole arrays that NumPy answers slowly, with a heavy import, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from explain.table import I8, Bools

Number = TypeVar("Number", bound=np.integer[Any])


def distinct(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The different values, in order; ``np.unique`` would import ``numpy.ma``, which takes longer than a small file."""
    ordered = np.sort(values)
    is_new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def among(values: npt.NDArray[Number], others: npt.ArrayLike) -> Bools:
    """Which values are some of the others; ``np.isin`` would import ``numpy.ma`` where there are many of both."""
    known = np.sort(np.asarray(others, values.dtype))
    if not len(known):
        return np.zeros(len(values), np.bool_)
    found: Bools = known.take(np.searchsorted(known, values), mode="clip") == values
    return found


def ragged(values: npt.NDArray[Number], starts: I8, sizes: I8) -> npt.NDArray[Number]:
    """Runs of some values, one after the other: each from where it starts, so many of them."""
    ends = np.cumsum(sizes)
    return values[np.arange(int(sizes.sum())) + (starts - (ends - sizes)).repeat(sizes)]


def first_and_last(values: npt.NDArray[Number], most: int) -> npt.NDArray[Number]:
    """At most so many of them: those from the first on, and the last, so that both ends are told."""
    return values if len(values) <= most else np.delete(values, slice(most - 1, -1))
