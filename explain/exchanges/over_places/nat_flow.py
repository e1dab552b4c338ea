"""A flow with each pair of ends that it has on its way, in the order in which its packets pass."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.over_places.trails import forward
from explain.places.matching import NONE
from explain.record import NamedTuple, dataclass
from explain.table import ICMP, ICMPV6, TCP, UDP

if TYPE_CHECKING:
    from explain.exchanges.over_places.paths import Paths
    from explain.exchanges.over_places.trails import Leg
    from explain.table import PacketTable, Rows

_PROTOCOLS = {1: "icmp", 58: "icmpv6", 6: "tcp", 17: "udp"}


@dataclass(frozen=True, slots=True)
class NatEnd:
    """One end; ``id`` is that of an ICMP echo."""

    address: str
    port: int | None = None
    id: int | None = None

    @property
    def text(self) -> str:
        """As people write it: ``192.0.2.1:80``, ``[2001:db8::1]:80``, ``192.0.2.1 id 7``."""
        if self.port is not None:
            return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
        return self.address if self.id is None else f"{self.address} id {self.id}"


@dataclass(frozen=True, slots=True)
class NatSide:
    """The flow as one side sees it, from who began it."""

    protocol: str
    src: NatEnd
    dst: NatEnd

    @property
    def text(self) -> str:
        """Both ends."""
        return f"{self.src.text} > {self.dst.text}"


class Ends(NamedTuple):
    """Address keys, ports and the id of an ICMP echo (-1 is none), from who began."""

    source: int
    source_port: int
    target: int
    target_port: int
    id: int


class Version(NamedTuple):
    """A flow with one pair of ends: its legs, and their rows in order of the way."""

    ahead: Rows
    back: Rows
    rows: Rows


def versions(table: PacketTable, paths: Paths, legs: list[Leg]) -> list[Version]:
    """The flow with each pair of ends, in the order in which its packets pass."""
    sides: dict[Ends, list[tuple[Rows, Rows, Rows]]] = defaultdict(list)
    for leg in legs:
        ahead, back, _ = forward(table, leg)
        for rows, is_back in ((ahead, False), (back, True)):
            if len(rows):
                sides[ends_of(table, int(rows[0]), is_back=is_back)].append(
                    (rows[:0], rows, rows) if is_back else (rows, rows[:0], rows)
                )
    versions = [
        Version(*(np.unique(np.concatenate(part)) for part in zip(*some, strict=True))) for some in sides.values()
    ]
    everything = np.concatenate([version.ahead for version in versions])
    first = paths.topology.first_version(everything)
    rest = np.setdiff1d(everything, first)
    everything = np.concatenate((paths.topology.in_order(first), paths.topology.in_order(rest)))
    rank = {int(row): at for at, row in enumerate(everything.tolist())}
    moving = [version for version in versions if len(version.ahead)]
    moving.sort(key=lambda version: min(rank[int(row)] for row in version.ahead.tolist()))
    return moving


def ends_of(table: PacketTable, row: int, *, is_back: bool) -> Ends:
    """The ends that a row shows, from who began."""
    source, target = zip(table.ends(row), table.ports(row), strict=True)
    id_ = -1
    if table.layers[row] & (ICMP | ICMPV6):
        id_ = int(table.icmp.word[np.searchsorted(table.icmp.row, row)]) >> 16
    return Ends(*target, *source, id_) if is_back else Ends(*source, *target, id_)


def both_sides(paths: Paths, one: Rows, other: Rows) -> list[tuple[int, int]]:
    """For each packet seen in both versions, its last frame before the translator and its first one after it."""
    table, packet = paths.table, paths.seen.packet
    last: dict[int, int] = {}
    first: dict[int, int] = {}
    for rows, found, is_better in ((one, last, -1), (other, first, 1)):
        for row in rows.tolist():
            number = int(packet[row])
            known = found.get(number)
            # The TTL says which frame was nearest to the translator.
            if number != NONE and (
                known is None or int(table.ttl[row]) * is_better > int(table.ttl[known]) * is_better
            ):
                found[number] = row
    return [(row, first[number]) for number, row in last.items() if number in first]


def side_of(table: PacketTable, row: int, ends: Ends) -> NatSide:
    """The flow of a row as people read it."""
    protocol = int(table.flows.protocol[table.flow[row]])
    text, has_ports = table.addresses.text, bool(table.layers[row] & (TCP | UDP))
    id_ = ends.id if ends.id >= 0 else None
    return NatSide(
        _PROTOCOLS.get(protocol, str(protocol)),
        NatEnd(text(ends.source), ends.source_port if has_ports else None, id_),
        NatEnd(text(ends.target), ends.target_port if has_ports else None, id_),
    )
