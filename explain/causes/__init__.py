"""Why it failed: what each cause predicts, the page that tells it, and what captures show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import Finding
    from explain.table import PacketTable


def find(table: PacketTable, exchanges: Exchanges, hosts: Hosts) -> tuple[Sequence[Finding], tuple[str, ...]]:
    """Findings, and the ids of failed exchanges that none of them accounts for."""
    from explain.causes import from_capture

    return from_capture.find(table, exchanges, hosts)
