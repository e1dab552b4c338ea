"""Datagrams between two ends."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from explain.exchanges.udp_flow import MULTICAST_DNS, ONE_WAY
from explain.story.teller import end_text
from explain.table import REVERSED, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.udp_flow import UdpFlow
    from explain.model import Line
    from explain.story.teller import Teller
    from explain.table import PacketTable, Rows


def _has_both_sides(table: PacketTable, rows: Rows) -> bool:
    sides = table.layers[rows][table.layers[rows] & UDP != 0] & REVERSED
    return len(sides) > 0 and bool((sides != sides[0]).any())


def _is_multicast_dns_to_one(fields: UdpFlow) -> bool:
    is_own_port = fields.client.port == fields.server.port == MULTICAST_DNS
    return is_own_port and not ip_address(fields.server.address).is_multicast


def flow(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """One line for a flow."""
    fields: UdpFlow = part.fields(index)
    outcome = part.outcomes[part.outcome[index]]
    service = ONE_WAY.get(fields.server.port or 0)
    message = outcome
    if outcome == "unanswered" and fields.needs_no_answer:
        message = "one-way" if service else "to-one" if _is_multicast_dns_to_one(fields) else "to-many"
    elif outcome == "answered" and not _has_both_sides(teller.table, part.rows(index)):
        message = "answer-only"
    told = {"client": end_text(fields.client), "server": end_text(fields.server), "service": service}
    yield teller.line(f"udp.{message}", fields, part.rows(index), name, **told)
