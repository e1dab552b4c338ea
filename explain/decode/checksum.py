"""The Internet checksum over many rows (RFC 1071, 1624)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explain.table import U1, U2, U8

_SIXTEEN = np.uint64(16)
_LOW = np.uint64(0xFFFF)


def fold(sums: U8) -> U8:
    """Sums of 16- or 32-bit words as one's complement sums of 16 bits, uint64[n].

    A sound header folds to 0xFFFF, whatever the byte order in which it was read.
    """
    folded = (sums >> np.uint64(32)) + (sums & np.uint64(0xFFFFFFFF))
    folded = (folded >> _SIXTEEN) + (folded & _LOW)
    folded = (folded >> _SIXTEEN) + (folded & _LOW)
    return (folded >> _SIXTEEN) + (folded & _LOW)


def sum_of(octets: U1) -> U8:
    """Sum of the little-endian 16-bit words of each row; uint8[n, even] -> uint64[n]."""
    words: U2 = np.ascontiguousarray(octets).view("<u2")
    total: U8 = words.sum(axis=1, dtype=np.uint64)
    return total
