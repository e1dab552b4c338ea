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


def gather(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint8]:
    """``width`` octets from each offset on, zeros beyond the end of ``data``.

    Returns:
        uint8[n, width], contiguous.
    """
    import numpy as np

    room = len(data) - width
    inside = int(np.searchsorted(offsets, room, "right")) if room >= 0 else 0
    if inside == len(offsets):
        return _gather_inside(data, offsets, width)
    found = np.zeros((len(offsets), width), np.uint8)
    if inside:
        found[:inside] = _gather_inside(data, offsets[:inside], width)
    for row in range(inside, len(offsets)):
        tail = data[offsets[row] : offsets[row] + width]
        found[row, : len(tail)] = tail
    return found


def _gather_inside(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint8]:
    import numpy as np

    # A void type of this width copies each header in one go; .take() would copy the whole overlapping view.
    shape = (max(0, len(data) - width + 1),)
    overlapping: npt.NDArray[np.void] = np.ndarray(shape, f"V{width}", data, 0, (1,))
    return overlapping[offsets].view(np.uint8).reshape(-1, width)
