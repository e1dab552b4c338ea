"""Which submissions of a class have which print: on disk, and read part by part, so that its memory does not grow."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.errors import naming
from explain.grade.integrity.nonces import BITS, STAMPS, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

KINDS = ("nonces", "gaps", "moments")
"""The prints that two submissions may share, as ``Prints`` calls them."""
RECORD = np.dtype([("print", "<i8"), ("number", "<u4"), ("kind", "u1"), ("bits", "u1"), ("is_stamp", "u1")])
"""A print's hash, the submission that has it, which of ``KINDS`` it is, and what it is worth."""
_PARTS = 64
_WAITING = 1 << 14


def hash_of(value: str) -> int:
    """What stands for a print in this process: nobody outside can make two that are alike."""
    return hash(value)


class Index(ExitStack):
    """Records in parts: all owners of a print are in one part. Its files have no names and end with it."""

    def __init__(self) -> None:
        super().__init__()
        self._files = [self.enter_context(tempfile.TemporaryFile()) for _ in range(_PARTS)]  # noqa: SIM115
        self._waiting: list[NDArray[Any]] = []
        self._rows = 0

    def add(self, number: int, kind: str, values: Iterable[str]) -> None:
        """Note that a submission has these prints, each of which is given once."""
        rows = [(hash_of(value), number, KINDS.index(kind), *_worth(value)) for value in values]
        if rows:
            self._waiting.append(np.array(rows, RECORD))
            self._rows += len(rows)
        if self._rows > _WAITING:
            self._write()

    def parts(self) -> Iterator[NDArray[Any]]:
        """All records, by print, and of one print by submission."""
        self._write()
        for file in self._files:
            with naming(tempfile.gettempdir()):
                file.seek(0)
            rows = np.frombuffer(file.read(), RECORD)
            yield rows[np.lexsort((rows["number"], rows["print"], rows["kind"]))]

    def _write(self) -> None:
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting)
        part = rows["print"] % _PARTS
        for number, file in enumerate(self._files):
            with naming(tempfile.gettempdir()):
                file.write(rows[part == number].tobytes())
        self._waiting, self._rows = [], 0


def _worth(value: str) -> tuple[int, bool]:
    """Bits of a nonce, without those of a timestamp, and whether it is one."""
    kind = kind_of(value)
    return (0, True) if kind == STAMPS else (BITS.get(kind, 0), False)
