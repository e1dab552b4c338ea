"""Memory that is freed is used again at once, not given back and asked for anew.

Columns are computed in blocks whose scratch is allocated and freed some hundred times; glibc
would hand each such piece back to the kernel, which then clears its pages again.
"""

from __future__ import annotations

import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of mallopt(3)
_SCRATCH = 32 << 20


def reuse_freed_memory() -> None:
    """Tell glibc to keep what scratch arrays free; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _SCRATCH)
        mallopt(_TOP_PAD, 2 * _SCRATCH)
        mallopt(_TRIM_THRESHOLD, 16 * _SCRATCH)
