"""How many files a zip archive lists, counted without making a thing of each: a million fit into a few megabytes.

Source: PKWARE, APPNOTE.TXT 6.3.10, 4.3.12 (a file), 4.3.14 to 4.3.16 (the end of the directory).
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_END, _END_64, _LOCATOR_64, _FILE = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2"
_LONGEST_END = 22 + 0xFFFF
_LOCATOR_OCTETS, _END_64_OCTETS = 20, 56
_FILE_OCTETS = 46
_IN_64 = 0xFFFFFFFF


def lists_more_than(path: Path, most: int) -> bool:
    """Whether an archive lists more files than so many; one that is damaged lists none."""
    with path.open("rb") as file:
        start, size = _place(file)
        file.seek(start)
        number = 0
        while size >= _FILE_OCTETS and number <= most:
            head = file.read(_FILE_OCTETS)
            if len(head) < _FILE_OCTETS or head[:4] != _FILE:
                break
            behind = sum(struct.unpack_from("<HHH", head, 28))  # name, extra field, comment
            file.seek(behind, os.SEEK_CUR)
            size -= _FILE_OCTETS + behind
            number += 1
    return number > most


def _place(file: BinaryIO) -> tuple[int, int]:
    """Where the directory begins and how long it is, where a reader looks for it: before the last mark of its end."""
    whole = file.seek(0, os.SEEK_END)
    file.seek(max(0, whole - _LONGEST_END))
    tail = file.read(_LONGEST_END)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        return 0, 0
    end = whole - len(tail) + at
    size = struct.unpack_from("<I", tail, at + 12)[0]
    before = end - _LOCATOR_OCTETS - _END_64_OCTETS
    if before >= 0:
        file.seek(before)
        told = file.read(_END_64_OCTETS + _LOCATOR_OCTETS)
        if told[:4] == _END_64 and told[_END_64_OCTETS:][:4] == _LOCATOR_64:
            size = struct.unpack_from("<Q", told, 40)[0] if size == _IN_64 else size
            end = before
    return max(0, end - size), min(size, end)
