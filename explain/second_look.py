"""Files read again where an octet is doubted: checksums that were not verified the first time."""

from __future__ import annotations

import os
from bisect import bisect_left
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import FileIO

    from explain.model import CaptureInfo
    from explain.table import PacketTable, Rows


def look_again(table: PacketTable, doubted: Rows, captures: Sequence[CaptureInfo]) -> tuple[CaptureInfo, ...]:
    """Verify the checksums of some rows that were not verified while reading, in files that can be read anywhere.

    Args:
        table: the rows nearest to the askers, or all; the verdicts are entered there and in the whole table.
        doubted: some of its rows.
        captures: the files, as they were read.

    Returns:
        The files, with what is now verified.
    """
    import numpy as np

    from explain.decode.checksum import extent, is_open, verify
    from explain.places.near import NearTable, copies_of, whole_of

    whole, found = whole_of(table), list(captures)
    rows = copies_of(table, doubted)
    rows = rows[is_open(whole, rows)]
    of = np.array([place.capture for place in whole.places])

    def first_of(number: int) -> int:  # the rows come capture after capture
        return bisect_left(range(len(whole)), number, key=lambda row: of[whole.place[row]])

    for number in dict.fromkeys(of[whole.place[rows]].tolist()):
        info, own = captures[number], rows[of[whole.place[rows]] == number]
        if info.compression is not None or info.format == "text" or not os.path.isfile(info.path):  # noqa: PTH113
            continue
        with suppress(OSError), open(info.path, "rb", buffering=0) as file:  # noqa: PTH123  as in capture
            verify(whole, own, partial(_read_at, file))
        found[number] = replace(info, checksums=extent(whole, slice(first_of(number), first_of(number + 1))))
    if len(rows) and isinstance(table, NearTable):
        table.layers[: len(table)] = whole.layers[table.origin]
    return tuple(found)


def _read_at(file: FileIO, offset: int, count: int) -> bytes:
    return os.pread(file.fileno(), count, offset)
