"""What is asked of whole arrays, held against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from explain.arrays import among, distinct, first_and_last


@pytest.mark.parametrize(("count", "others"), [(0, 3), (3, 0), (1, 1), (50, 7), (2000, 900)])
def test_among_says_what_numpy_says(count: int, others: int) -> None:
    random = np.random.default_rng(count + others)
    values, some = random.integers(0, 1000, count, np.uint32), random.integers(0, 1000, others)
    assert among(values, some).tolist() == np.isin(values, some).tolist()
    assert distinct(values).tolist() == np.unique(values).tolist()


@pytest.mark.parametrize(("count", "kept"), [(0, []), (3, [0, 1, 2]), (4, [0, 1, 3]), (9, [0, 1, 8])])
def test_of_many_values_the_first_and_the_last_are_kept(count: int, kept: list[int]) -> None:
    assert first_and_last(np.arange(count), 3).tolist() == kept
