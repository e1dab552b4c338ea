"""Files that somebody cuts while they are mapped.

To touch a page of a map behind the end of its file is SIGBUS, which ends the process (mmap(2)).  Here that
page and those behind it become zeros instead, and whoever reads asks afterwards whether the file is still
as long as what was handed out of it.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from typing import Any

_PROT_READ, _MAP_PRIVATE, _MAP_FIXED, _MAP_ANONYMOUS = 1, 2, 16, 32  # mmap(2), Linux
_guarded: dict[int, tuple[int, int]] = {}  # address of a map -> descriptor and octets; a signal belongs to the process
_installed: list[Any] = []  # what ctypes must keep alive while the kernel may call it, and the handler before it


def guard(descriptor: int, address: int, size: int) -> None:
    """From now on a map of a file survives that the file is cut."""
    if sys.platform != "linux":
        return
    _guarded[address] = descriptor, size
    if not _installed:
        import ctypes

        libc = ctypes.PyDLL(None)
        libc.signal.argtypes, libc.signal.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: _mend(libc))
        before = libc.signal(signal.SIGBUS, ctypes.cast(handler, ctypes.c_void_p))
        _installed.extend((libc, handler, before))


def release(address: int) -> None:
    """The map is about to go."""
    if _guarded.pop(address, None) and not _guarded:
        libc, _, before = _installed
        libc.signal(signal.SIGBUS, before)
        _installed.clear()


def _mend(libc: Any) -> None:
    """Put zeros where files have no octets any more; where none was cut, the signal has another reason and stands."""
    is_mended = False
    for address, (descriptor, size) in list(_guarded.items()):
        end = os.fstat(descriptor).st_size
        end += -end % mmap.PAGESIZE
        if end < size:
            flags = _MAP_PRIVATE | _MAP_FIXED | _MAP_ANONYMOUS
            libc.mmap(address + end, size - end, _PROT_READ, flags, -1, 0)
            _guarded[address] = descriptor, end
            is_mended = True
    if not is_mended:
        libc.signal(signal.SIGBUS, _installed[2])
