"""What is said of a connection that opened well and then went badly, and from when on it is worth saying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.record import NamedTuple

if TYPE_CHECKING:
    from explain.table import Rows

SLOW_NS = 1_000_000_000  # people call it slow from here on (Nielsen's third limit is ten times as long)
HANGS_NS = 2_000_000_000
FEWEST_RESENT = 3


class Trouble(NamedTuple):
    """A connection that went badly: which, why, what else it may be, what shows it."""

    cause: str
    certainty: str
    connection: int
    rivals: tuple[str, ...]
    rows: tuple[int, ...]
    values: dict[str, Any]


def several(rows: Rows) -> tuple[int, ...]:
    """Rows of the table as a trouble holds them."""
    return tuple(rows.tolist())
