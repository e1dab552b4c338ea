"""Which DHCPv6 messages belong to one negotiation: of one client, with one transaction or on the offer before it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.dhcpv6 import message as dhcp
from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.dhcpv6.message import Dhcpv6Message
    from explain.table import PacketTable

_SAME_TALK_NS = 120_000_000_000  # SOL_MAX_RT may be an hour, but who waits so long begins anew
_REPLIES = frozenset(("ADVERTISE", "REPLY", "RECONFIGURE", "LEASEQUERY-REPLY"))
FINAL = "REPLY"


class Step6(NamedTuple):
    """One message of a negotiation; ``row`` of the packet table, address keys."""

    row: int
    place: int
    time_ns: int
    source: int
    target: int
    said: Dhcpv6Message

    @property
    def is_reply(self) -> bool:
        """From a server."""
        return self.said.kind in _REPLIES


@dataclass(slots=True)
class Talk6:
    """The messages of one negotiation, in the order of time."""

    place: int
    client: bytes
    steps: list[Step6] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Step6]:
        """The messages of these kinds."""
        return [step for step in self.steps if step.said.kind in kinds]

    def rows(self, *kinds: str) -> list[int]:
        """Rows of the messages of these kinds; of all messages if no kind is named."""
        return [step.row for step in self.steps if not kinds or step.said.kind in kinds]

    def own(self) -> list[Step6]:
        """The client's messages."""
        return [step for step in self.steps if not step.is_reply]


def _steps(table: PacketTable) -> Iterator[Step6]:
    kept = table.contents["dhcpv6"]
    rows = np.array(kept.row, np.int64)
    order = np.lexsort((rows, table.time_ns[rows]))
    rows = rows[order]
    columns = (
        order, rows, table.place[rows], table.time_ns[rows], table.sources(rows), table.targets(rows),
        table.payload[rows],
    )  # fmt: skip
    for at, row, place, time_ns, source, target, size in zip(*(column.tolist() for column in columns), strict=True):
        said = dhcp.parse(kept.octets[at], size)
        if said is not None:
            yield Step6(row, place, time_ns, source, target, said)


def talks(table: PacketTable) -> list[Talk6]:
    """The negotiations of all places, in the order of their first rows."""
    found: list[Talk6] = []
    by_xid: dict[tuple[int, bytes, int], Talk6] = {}
    offered: dict[tuple[int, bytes], Talk6] = {}
    for step in _steps(table):
        key = (step.place, step.said.client, step.said.xid)
        talk = by_xid.get(key)
        if talk is None and step.said.kind == "REQUEST":
            talk = offered.get(key[:2])  # of the server whose ADVERTISE it has (RFC 8415, 18.2.2)
        if talk is None or step.time_ns - talk.steps[-1].time_ns > _SAME_TALK_NS:
            talk = Talk6(step.place, step.said.client)
            found.append(talk)
        by_xid[key] = talk
        if step.said.kind == "ADVERTISE":
            offered[key[:2]] = talk
        elif step.said.kind == FINAL:
            offered.pop(key[:2], None)
        talk.steps.append(step)
    return sorted(found, key=lambda talk: min(talk.rows()))
