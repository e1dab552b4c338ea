"""Where the records of a window begin: one after the other, each by the length before it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Layout:
    """How a record tells where the next one begins.

    Attributes:
        order: ``<`` or ``>``, as in ``struct``.
        size: octets of a record's header, which must be there to know its length.
        field: offset of the 32-bit length in the header.
        extra: octets that the length does not count.
        least: the smallest believable length.
        most: the largest believable length.
        unit: the length is rounded up to a multiple of this.
    """

    order: str
    size: int
    field: int
    extra: int
    least: int
    most: int
    unit: int = 1


@dataclass(frozen=True, slots=True)
class Walk:
    """The records that lie wholly in a window.

    Attributes:
        offsets: int64[n], where each begins.
        end: where the first one that is not whole begins.
        bad_length: the length that stopped the walk because it cannot be, or None.
        need: octets from ``end`` on that are needed to go on.
    """

    offsets: npt.NDArray[np.int64]
    end: int
    bad_length: int | None
    need: int


def walk(data: npt.NDArray[np.uint8], first: int, layout: Layout, until: int | None = None) -> Walk:
    """Walks from record to record, up to the first that begins at ``until`` or later."""
    import numpy as np

    view, stop = data.data, len(data)
    found: list[int] = []
    read, at = struct.Struct(layout.order + "I").unpack_from, first
    need, bad, highest = layout.size, None, stop - layout.size
    highest = highest if until is None else min(highest, until - 1)
    field, extra, least, limit, mask = layout.field, layout.extra, layout.least, layout.most, layout.unit - 1
    while at <= highest:
        (length,) = read(view, at + field)
        if not least <= length <= limit:
            bad = length
            break
        then = at + extra + ((length + mask) & ~mask)
        if then > stop:
            need = then - at
            break
        found.append(at)
        at = then
    return Walk(np.array(found, np.int64), at, bad, need)


def gather(data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint8]:
    """``width`` octets from each position, uint8[n, width], contiguous; zero outside ``data``."""
    import numpy as np

    # A void type of this width copies each row in one go; .take() would copy the whole overlapping view.
    void = np.dtype((np.void, width))
    room = len(data) - width
    is_inside = np.zeros(len(at), np.bool_)
    if room >= 0:
        view = np.ndarray((room + 1,), void, data, strides=(1,))
        if len(at) == 0 or (int(at.min()) >= 0 and int(at.max()) <= room):
            return view[at].view(np.uint8).reshape(len(at), width)
        is_inside = (at >= 0) & (at <= room)
    result = np.zeros((len(at), width), np.uint8)
    if is_inside.any():
        result[is_inside] = view[at[is_inside]].view(np.uint8).reshape(-1, width)
    for row in np.flatnonzero(~is_inside).tolist():
        first = max(0, int(at[row]))
        piece = data[first : max(0, int(at[row]) + width)]
        skip = first - int(at[row])
        result[row, skip : skip + len(piece)] = piece
    return result
