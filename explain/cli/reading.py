"""What a file or standard input holds, as far as it is small."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from explain.errors import UnreadableError, reason_of

_MOST_OCTETS = 64 << 20


def is_gone_once_read(path: str) -> bool:
    """Whether it is a stream: standard input, or a pipe under a name, such as a shell's ``<(...)``."""
    if path == "-":
        return True
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  a path may hold what no file name may
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def octets_of(path: str) -> bytes:
    """What a file holds, up to 64 MiB; ``-`` is standard input.

    Raises:
        UnreadableError: it cannot be opened.
    """
    if path == "-":
        return sys.stdin.buffer.read(_MOST_OCTETS)
    try:
        with Path(path).open("rb") as stream:
            return stream.read(_MOST_OCTETS)
    except OSError as error:
        raise UnreadableError(path, reason_of(error, "unread.not_opened")) from None
