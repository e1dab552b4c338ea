"""Datagrams between two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    message = "to-many" if outcome == "unanswered" and fields.needs_no_answer else outcome
    ends = {"client": end_text(fields.client), "server": end_text(fields.server)}
    yield teller.line(f"udp.{message}", fields, part.rows(index), name, **ends)
