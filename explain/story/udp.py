"""Datagrams between two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.exchanges.udp_flow import ONE_WAY
from explain.story.teller import end_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.udp_flow import UdpFlow
    from explain.model import Line
    from explain.story.teller import Teller


def flow(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """One line for a flow."""
    fields: UdpFlow = part.fields(index)
    outcome = part.outcomes[part.outcome[index]]
    service = ONE_WAY.get(fields.server.port or 0)
    message = outcome
    if outcome == "unanswered" and fields.needs_no_answer:
        message = "one-way" if service else "to-many"
    told = {"client": end_text(fields.client), "server": end_text(fields.server), "service": service}
    yield teller.line(f"udp.{message}", fields, part.rows(index), name, **told)
