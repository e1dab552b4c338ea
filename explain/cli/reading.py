"""What a file or standard input holds, as far as it is small."""

from __future__ import annotations

import sys
from pathlib import Path

from explain.errors import UnreadableError, reason_of

_MOST_OCTETS = 64 << 20


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
