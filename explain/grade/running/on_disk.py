"""Forms of a class in a file, because a class may be of any size and memory is not."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, overload

from explain.errors import naming

if TYPE_CHECKING:
    from types import TracebackType

_FAST = 1


class OnDisk(Sequence[Any], AbstractContextManager["OnDisk"]):
    """Things of JSON by number, packed in a file that has no name and ends with this process.

    It is closed by ``with``. Each is made anew when it is asked for, so a change of it counts only when it is put in
    again. What nobody put in is None.
    """

    def __init__(self, number: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._end = 0
        self._start, self._length = (array("q", bytes(8 * number)) for _ in range(2))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

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
        with naming(tempfile.gettempdir()):
            os.pwrite(self._file.fileno(), octets, self._end)
        self._start[number], self._length[number] = self._end, len(octets)
        self._end += len(octets)
