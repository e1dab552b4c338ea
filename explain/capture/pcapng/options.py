"""Options at the end of pcapng blocks.

Source: draft-ietf-opsawg-pcapng, section 3.5.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

END = 0
COMMENT = 1
ANONYMISED = "Written by explain --anonymise: other addresses and names, payloads taken out."
"""The comment of a section by which such a copy is known again."""
GROUND_TRUTH = "explain-lab/1 "
"""How the comments of a section begin in which a lab keeps what is true in its recording."""

_MOST_OPTIONS = 1000  # of a block, that are looked at for comments
_LONGEST = 4096  # octets of a comment that are kept


def options(octets: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Each option as (code, value), up to the end mark or to the first one that does not fit.

    Args:
        octets: the options part of a block.
        order: ``<`` or ``>``, as in ``struct``.
    """
    at = 0
    while at + 4 <= len(octets):
        code, length = struct.unpack_from(order + "HH", octets, at)
        if code == END or at + 4 + length > len(octets):
            return
        yield code, octets[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)


def text(value: bytes) -> str:
    """An option's UTF-8 text; what is no UTF-8 is replaced, and a closing NUL of some writers dropped."""
    return value.rstrip(b"\0").decode("utf-8", "replace")


def comments(octets: bytes, order: str) -> tuple[str, ...]:
    """The comments among a block's options; see ``options``."""
    some = islice(options(octets, order), _MOST_OPTIONS)
    return tuple(text(value[:_LONGEST]) for code, value in some if code == COMMENT and value)
