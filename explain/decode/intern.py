"""Exact interning of keys in bulk: equal keys get one index, new keys the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.table import I8, U8

_MIX_LOW = np.uint64(0x9E3779B97F4A7C15)
_MIX_HIGH = np.uint64(0xC2B2AE3D27D4EB4F)
_HALF = np.uint64(32)
_EMPTY = -1
_SLOTS_A_KEY = 8  # at least, so that nearly every key is found at the first look
_FIRST_BITS = 13
_GROWTH_BITS = 2
_MOST_LOOKS = 64  # a sender can choose keys that crowd together: the rest go to a dictionary


class Interner:
    """An open-addressing hash table over keys of two 64-bit words, probed for whole arrays.

    Attributes:
        low, high: uint64[capacity], the words of each index; only ``len(self)`` are set.
    """

    def __init__(self) -> None:
        self._count = 0
        self._make_room(_FIRST_BITS)

    def __len__(self) -> int:
        return self._count

    def index(self, low: U8, high: U8) -> I8:
        """The index of each key (int64[n]); keys not seen before are added."""
        slot = self._hash(low, high)
        found = self._slots.take(slot, mode="clip").astype(np.int64)
        new = np.flatnonzero(found == _EMPTY)
        while len(new):
            if self._is_crowded():
                self._grow()
                slot = self._hash(low, high)
            else:
                self._add(new[: len(self.low) - self._count], slot, low, high)
            found[new] = self._slots[slot[new]]
            new = new[found[new] == _EMPTY]
        # Where another key has the first slot, look further.
        is_other = self.low.take(found, mode="clip") != low
        is_other |= self.high.take(found, mode="clip") != high
        todo = np.flatnonzero(is_other)
        while len(todo):
            if self._is_crowded():
                self._grow()
                slot = self._hash(low, high)
            room = len(self.low) - self._count
            part, todo = todo[:room], todo[room:]
            found[part] = self._resolve(slot[part], low[part], high[part])
        return found

    def _is_crowded(self) -> bool:
        return self._count * 2 > len(self.low)

    def _hash(self, low: U8, high: U8) -> I8:
        mixed = low * _MIX_LOW
        mixed ^= high * _MIX_HIGH
        mixed >>= np.uint64(64 - self._bits)
        return mixed.view(np.int64)

    def _resolve(self, slot: I8, low: U8, high: U8) -> I8:
        """Find or add keys for all of which there is room, one look of all of them at a time."""
        result = np.empty(len(low), np.int64)
        todo = np.arange(len(low))
        for _ in range(_MOST_LOOKS):
            here = slot[todo]
            found = self._slots[here].astype(np.int64)
            is_empty = found == _EMPTY
            if is_empty.any():
                self._add(todo[is_empty], slot, low, high)
                found = self._slots[here].astype(np.int64)
            is_hit = (self.low[found] == low[todo]) & (self.high[found] == high[todo])
            result[todo[is_hit]] = found[is_hit]
            todo = todo[~is_hit]
            if not len(todo):
                return result
            slot[todo] = (slot[todo] + 1) & (len(self._slots) - 1)
        for row, key in zip(todo.tolist(), zip(low[todo].tolist(), high[todo].tolist(), strict=True), strict=True):
            result[row] = self._crowded.setdefault(key, self._count)
            if result[row] == self._count:
                self.low[self._count], self.high[self._count] = key
                self._count += 1
        return result

    def _add(self, candidates: I8, slot: I8, low: U8, high: U8) -> None:
        """Give each empty slot to the first candidate that wants it."""
        wanted = slot[candidates]
        self._slots[wanted[::-1]] = candidates[::-1]
        winners = candidates[self._slots[wanted] == candidates]
        new = slice(self._count, self._count + len(winners))
        self.low[new] = low[winners]
        self.high[new] = high[winners]
        self._slots[slot[winners]] = np.arange(new.start, new.stop)
        self._count = new.stop

    def _grow(self) -> None:
        """Move to a larger table; every key keeps its index."""
        count, low, high = self._count, self.low, self.high
        self._make_room(self._bits + _GROWTH_BITS)
        self.low[:count], self.high[:count] = low[:count], high[:count]
        slot = self._hash(self.low[:count], self.high[:count])
        todo = np.arange(count)
        for _ in range(_MOST_LOOKS):
            here = slot[todo]
            is_empty = self._slots[here] == _EMPTY
            self._slots[here[is_empty]] = todo[is_empty]
            todo = todo[self._slots[here] != todo]
            if not len(todo):
                return
            slot[todo] = (slot[todo] + 1) & (len(self._slots) - 1)
        keys = zip(self.low[todo].tolist(), self.high[todo].tolist(), strict=True)
        self._crowded.update(zip(keys, todo.tolist(), strict=True))

    def _make_room(self, bits: int) -> None:
        self._bits = bits
        self._slots = np.full(1 << bits, _EMPTY, np.int32)
        self._crowded: dict[tuple[int, int], int] = {}
        self.low: U8 = np.zeros((1 << bits) // _SLOTS_A_KEY, np.uint64)
        self.high: U8 = np.zeros((1 << bits) // _SLOTS_A_KEY, np.uint64)
