"""Interning against a plain dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.decode.intern import Interner

WORDS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1])


def arrays(keys: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([low for low, _ in keys], np.uint64), np.array([high for _, high in keys], np.uint64)


@given(st.lists(st.lists(st.tuples(WORDS, WORDS), max_size=40), max_size=6))
def test_equal_keys_get_one_index_and_different_keys_different_ones(batches: list[list[tuple[int, int]]]) -> None:
    interner, known = Interner(), {}
    for keys in batches:
        for key, index in zip(keys, interner.index(*arrays(keys)).tolist(), strict=True):
            assert known.setdefault(key, index) == index
    assert sorted(known.values()) == list(range(len(interner)))
    for (low, high), index in known.items():
        assert (int(interner.low[index]), int(interner.high[index])) == (low, high)


def test_a_key_keeps_its_index_while_the_table_grows_many_times() -> None:
    random = np.random.default_rng(5)
    low, high = random.integers(0, 2**16, (2, 60_000), np.uint64)
    interner = Interner()
    first = [interner.index(low[at : at + 5_000], high[at : at + 5_000]) for at in range(0, len(low), 5_000)]
    assert np.array_equal(np.concatenate(first), interner.index(low, high))
    distinct = len(np.unique(low << np.uint64(16) | high))
    assert len(interner) == distinct == len(np.unique(np.concatenate(first)))


def test_keys_that_a_sender_chose_to_want_one_slot_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interner, "_hash", lambda _self, low, _high: np.zeros(len(low), np.int64))
    low = np.arange(3_000, dtype=np.uint64) % np.uint64(1_500)
    high = np.repeat(np.arange(2, dtype=np.uint64), 1_500)
    interner = Interner()
    found = np.concatenate([interner.index(low[:40], high[:40]), interner.index(low[40:], high[40:])])
    assert len(interner) == 3_000
    assert np.array_equal(np.sort(found), np.arange(3_000))
    assert np.array_equal(interner.index(low, high), found)
