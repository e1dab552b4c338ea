"""Which positions of some columns hold the same, by one sort of hashes and exact comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import U4, U8, Bools, Rows

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD), np.uint64(32))
_BLOCK = 32_768


def first_equal(words: Sequence[U4 | U8]) -> Rows:
    """For each position the first one that is equal to it in all words; its own where none is before it.

    Args:
        words: uint32[n] or uint64[n] each, at least one.
    """
    count = len(words[0])
    order, is_new = _by_hash(words)
    starts = np.flatnonzero(is_new)
    first = np.empty(count, np.int64)
    first[order] = order[starts].repeat(np.diff(starts, append=count))
    del order, is_new, starts
    later = np.flatnonzero(first != np.arange(count))
    before = first[later]  # as good as in order, so that memory is read in order
    is_equal = np.ones(len(later), np.bool_)
    for word in words:
        is_equal &= word[later] == word[before]
    if not is_equal.all():  # hashes may be equal where words are not, and somebody may see to it that they are
        rest = later[~is_equal]
        first[rest] = rest[_first_by_sorting([word[rest] for word in words])]
    return first


def group(words: Sequence[U4 | U8]) -> tuple[Rows, Rows]:
    """Positions in an order in which equal ones stand together, each group in the old order, and the group of each."""
    order = in_order(first := first_equal(words), np.arange(len(words[0])))
    first = first[order]
    return order, np.cumsum(np.diff(first, prepend=-1) != 0) - 1


def in_order(keys: Rows, rows: Rows) -> Rows:
    """Some rows by their keys, and those of one key in order; neither may be negative, or 2**31 or above.

    To sort values is far cheaper than to sort indices.
    """
    bits = np.int64(max(1, int(rows.max(initial=0))).bit_length())
    both = keys << bits
    both |= rows
    both.sort()
    both &= (np.int64(1) << bits) - 1
    return both


def _by_hash(words: Sequence[U4 | U8]) -> tuple[Rows, Bools]:
    """Positions by a hash of the words, each hash's in order, and which of them begin a hash."""
    count = len(words[0])
    mixed = np.zeros(count, np.uint64)
    for start in range(0, count, _BLOCK):  # what fits the cache is mixed several times faster
        some = mixed[start : start + _BLOCK]
        for word in words:
            some ^= word[start : start + _BLOCK]
            some *= _MIX[0]
            some ^= some >> _MIX[2]
            some *= _MIX[1]
    # The number takes the place of the hash's last bits.
    bits = np.uint64(max(1, count).bit_length())
    mixed >>= bits
    mixed <<= bits
    mixed |= np.arange(count, dtype=np.uint64)
    mixed.sort()
    hashes = mixed >> bits
    is_new = np.ones(count, np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=is_new[1:])
    mixed &= (np.uint64(1) << bits) - np.uint64(1)
    return mixed.view(np.int64), is_new


def _first_by_sorting(words: Sequence[U4 | U8]) -> Rows:
    """The same as ``first_equal``, whatever the words are made for."""
    order = np.lexsort(words)
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = np.any([word[order][1:] != word[order][:-1] for word in words], axis=0)
    starts = np.flatnonzero(is_new)
    first = np.empty(len(order), np.int64)
    first[order] = order[starts].repeat(np.diff(starts, append=len(order)))
    return first
