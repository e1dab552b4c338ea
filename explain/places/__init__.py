"""The same packet at several vantage points: matching, clocks, journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.table import PacketTable


def match(table: PacketTable) -> tuple[Mapping[str, Any], ...]:
    """Clocks of the captures against each other; each place is still looked at by itself."""
    del table
    return ()
