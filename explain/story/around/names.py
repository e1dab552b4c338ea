"""Names that look like data: an observation, for which there are harmless reasons, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable

_MOST = 3


def tell(table: PacketTable, exchanges: Exchanges) -> Iterator[Line]:
    """One line for each client and domain, the largest first."""
    part = exchanges.of_kind("dns.lookup")
    if part is None or not len(part):
        return
    from explain.exchanges.dns.many_names import find

    for one in sorted(find(part), key=lambda one: -one.names)[:_MOST]:
        values = {name: getattr(one, name) for name in one.__slots__ if name != "rows"}
        form = "many" if one.domain != "." else "many-nowhere"
        yield Line(f"names.{form}", values, table.evidence(one.rows))
