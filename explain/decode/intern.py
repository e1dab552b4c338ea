"""Exact interning of keys in bulk: equal keys get one index, new keys the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from explain.table import I8, U8

Indices = npt.NDArray[np.int32]

_MIX_LOW = np.uint64(0x9E3779B97F4A7C15)
_MIX_HIGH = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_LAST = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)


class Interner:
    """An open-addressing hash table over keys of two 64-bit words, probed for whole arrays.

    Attributes:
        low, high: uint64[capacity], the words of each index; only ``len(self)`` are set.
    """

    def __init__(self, bits: int = 12) -> None:
        self._bits = bits
        self._slots = np.full(1 << bits, -1, np.int32)
        self.low: U8 = np.zeros(1 << (bits - 1), np.uint64)
        self.high: U8 = np.zeros(1 << (bits - 1), np.uint64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def index(self, low: U8, high: U8) -> Indices:
        """The index of each key (int32[n]); keys not seen before are added."""
        slot = self._hash(low, high)
        found = self._slots[slot]
        if self._count:
            is_hit = (self.low[found] == low) & (self.high[found] == high) & (found >= 0)
        else:
            is_hit = np.zeros(len(low), np.bool_)
        if not is_hit.all():
            misses = np.flatnonzero(~is_hit)
            found[misses] = self._resolve(low[misses], high[misses])
        return found

    def _hash(self, low: U8, high: U8) -> U8:
        mixed = low * _MIX_LOW
        mixed ^= high * _MIX_HIGH
        mixed ^= mixed >> _HALF
        mixed *= _MIX_LAST
        mixed >>= np.uint64(64 - self._bits)
        return mixed

    def _resolve(self, low: U8, high: U8) -> Indices:
        """Find or add keys that are not in their first slot, a probe of all of them at a time."""
        while (self._count + len(low)) * 2 > len(self._slots):
            if self._count * 2 + 4096 > len(self._slots) or len(low) < 4096:
                self._grow()
            else:  # most of a large batch are repeats: add it in parts
                half = len(low) // 2
                return np.concatenate((self._resolve(low[:half], high[:half]), self._resolve(low[half:], high[half:])))
        result = np.empty(len(low), np.int32)
        slot = self._hash(low, high)
        todo = np.arange(len(low))
        mask = np.uint64(len(self._slots) - 1)
        while len(todo):
            found = self._slots[slot[todo]]
            empty = np.flatnonzero(found < 0)
            if len(empty):
                self._add(todo[empty], slot, low, high)
                found = self._slots[slot[todo]]
            is_hit = (self.low[found] == low[todo]) & (self.high[found] == high[todo])
            result[todo[is_hit]] = found[is_hit]
            todo = todo[~is_hit]
            slot[todo] = (slot[todo] + np.uint64(1)) & mask
        return result

    def _add(self, candidates: I8, slot: U8, low: U8, high: U8) -> None:
        """Give each empty slot to the first candidate that wants it."""
        wanted = slot[candidates]
        self._slots[wanted[::-1]] = candidates[::-1]
        winners = candidates[self._slots[wanted] == candidates]
        new = np.arange(self._count, self._count + len(winners), dtype=np.int32)
        self.low[new] = low[winners]
        self.high[new] = high[winners]
        self._slots[slot[winners]] = new
        self._count += len(winners)

    def _grow(self) -> None:
        self._bits += 2
        low, high = self.low[: self._count].copy(), self.high[: self._count].copy()
        self._slots = np.full(1 << self._bits, -1, np.int32)
        self.low = np.zeros(1 << (self._bits - 1), np.uint64)
        self.high = np.zeros(1 << (self._bits - 1), np.uint64)
        self._count = 0
        self._resolve(low, high)
