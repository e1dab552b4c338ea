"""Forms of a class in a file, because a class may be of any size and memory is not."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from array import array
from collections.abc import Sequence
from typing import Any, overload

_FAST = 1


class OnDisk(Sequence[Any]):
    """Things of JSON by number, packed in a file that has no name and ends with this process.

    Each is made anew when it is asked for, so a change of it counts only when it is put in again. What nobody put in
    is None.
    """

    def __init__(self, number: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        self._end = 0
        self._start, self._length = (array("q", bytes(8 * number)) for _ in range(2))

    def __len__(self) -> int:
        return len(self._start)

    @overload
    def __getitem__(self, number: int) -> Any: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Any]: ...
    def __getitem__(self, number: int | slice) -> Any:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        length = self._length[number]
        return (
            json.loads(zlib.decompress(os.pread(self._file.fileno(), length, self._start[number]))) if length else None
        )

    def __setitem__(self, number: int, value: Any) -> None:
        octets = zlib.compress(json.dumps(value).encode(), _FAST)
        os.pwrite(self._file.fileno(), octets, self._end)
        self._start[number], self._length[number] = self._end, len(octets)
        self._end += len(octets)
