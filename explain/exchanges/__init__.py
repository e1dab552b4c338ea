"""PacketTable -> Exchange: one file per kind.  The order is that of the layers, low to high."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.exchanges.columns import ExchangeColumns, Exchanges
    from explain.table import PacketTable


def find(table: PacketTable) -> Exchanges:
    """All exchanges of all kinds; a finder whose headers do not occur costs nothing."""
    from explain.exchanges.columns import Exchanges

    return Exchanges(table, _all_kinds(table))


def _all_kinds(table: PacketTable) -> list[ExchangeColumns]:
    from explain.exchanges import (
        arp,
        dns_lookup,
        icmp_echo,
        icmp_error,
        ndp,
        ndp_router,
        tcp_connection,
        traceroute,
        udp_flow,
    )

    return [
        *arp.find(table),
        *ndp.find(table),
        ndp_router.find(table),
        icmp_echo.find(table),
        icmp_error.find(table),
        udp_flow.find(table),
        tcp_connection.find(table),
        traceroute.find(table),
        dns_lookup.find(table),
        *_kinds_of_contents(table),
    ]


_BY_CONTENTS = {"dhcp": "dhcp_lease"}
"""What was copied out of frames, and the finder that reads it; loaded where there is some of it."""


def _kinds_of_contents(table: PacketTable) -> list[ExchangeColumns]:
    finders = [import_module(f"{__name__}.{name}") for kept, name in _BY_CONTENTS.items() if kept in table.contents]
    return [finder.find(table) for finder in finders]
