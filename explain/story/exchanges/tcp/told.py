"""A connection that is being told, and which sides of it were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.exchanges.wire_words import flag_letters
from explain.record import dataclass
from explain.table import ACK, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.connection import TcpConnection
    from explain.model import Line
    from explain.story.exchanges.teller import Teller
    from explain.table import Bools, PacketTable, Rows


@dataclass(frozen=True, slots=True)
class Told:
    """The connection that is being told, and what each of its sentences may mention."""

    teller: Teller
    fields: TcpConnection
    outcome: str
    name: str
    values: dict[str, Any]

    @property
    def table(self) -> PacketTable:
        """The packets that it is told from."""
        return self.teller.table

    def line(self, message: str, rows: Rows, **more: Any) -> Line:
        """A line about some of its rows."""
        return self.teller.line(message, self.fields, rows, self.name, **self.values, **more)

    def flagged(self, message: str, rows: Rows, **more: Any) -> Line:
        """As ``line``, with the flags of the first segment as tcpdump writes them."""
        return self.line(message, rows, flags=flag_letters(int(self.table.flags[rows[0]])), **more)


def is_one_sided(table: PacketTable, rows: Rows, from_client: Bools) -> bool:
    """Whether one side alone was recorded, and confirms what the other sent meanwhile, or at all where it opened."""
    flags = table.flags[rows]
    confirmed = table.ack[rows][(flags & ACK != 0) & (flags & (SYN | RST) == 0)]
    is_news = len(confirmed) > 0 and (bool((flags & SYN).any()) or bool((confirmed != confirmed[0]).any()))
    return is_news and bool(from_client.all() or not from_client.any())
