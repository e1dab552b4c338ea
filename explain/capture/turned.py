"""The first octets of many records, turned: all first words, then all second ones, so that a field lies dense.

To touch a record for the first time is what costs; so all that is needed of it is taken at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.capture.walk import gather

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Words = npt.NDArray[np.uint64]

WORD = 8
"""Octets of a word."""

_AT_ONCE = 1 << 13  # records that stay in a core's cache until they are turned


class Turner:
    """Turns the records of window after window, in memory that it uses again."""

    def __init__(self) -> None:
        self._room: Words | None = None

    def turned(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], width: int) -> Words:
        """``width`` octets from each offset on, zeros outside ``data``; valid until the next call.

        Args:
            data: the octets.
            offsets: int64[n].
            width: a multiple of eight.

        Returns:
            uint64[width / 8, n], the first octet lowest in each word.
        """
        import numpy as np

        shape = width // WORD, len(offsets)
        needed = shape[0] * shape[1]
        if self._room is None or len(self._room) < needed:
            self._room = np.empty(needed * 9 // 8, "<u8")
        words = self._room[:needed].reshape(shape)
        for first in range(0, len(offsets), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            words[:, part] = gather(data, offsets[part], width).view("<u8").T
        return words


def word_at(words: Words, column: int) -> Words:
    """Eight octets from a column on, the first one lowest; uint64[n], where they lie if they are a word."""
    import numpy as np

    word, octet = divmod(column, WORD)
    found: Words = words[word]
    if not octet:
        return found
    found = found >> np.uint64(8 * octet)
    found |= words[word + 1] << np.uint64(8 * (WORD - octet))
    return found


def field(words: Words, column: int, kind: str) -> npt.NDArray[np.unsignedinteger]:
    """A field of each record where it lies, of a type like ``>u2``; a copy if it reaches over two words."""
    import numpy as np

    word, octet = divmod(column, WORD)
    is_whole = octet + np.dtype(kind).itemsize <= WORD
    dense, octet = (words[word], octet) if is_whole else (word_at(words, column), 0)
    return np.ndarray(dense.shape, kind, dense, octet, (WORD,))
