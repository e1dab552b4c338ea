"""One frame of a file, read again, and the exchanges to which it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture import open_capture
from explain.decode.dissect import dissect
from explain.errors import UsageError
from explain.exchanges import dhcp_fields, dhcpv6_fields, dns_fields, http_fields, tls_fields
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.decode.dissect.field import Dissector, Layer
    from explain.exchanges.columns import Exchanges
    from explain.table import PacketTable, Rows

_CONTENTS: dict[str, Dissector] = {
    "dns": dns_fields.read, "dns-tcp": dns_fields.read_over_tcp, "dhcp": dhcp_fields.read,
    "dhcpv6": dhcpv6_fields.read, "http": http_fields.read, "tls": tls_fields.read,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame as it stands in the file.

    Attributes:
        elapsed_ns: since the first frame of the file.
        length: octets on the wire; ``octets`` are those that were captured.
        interface: index into the file's interfaces; place: its name, None if it has none.
    """

    number: int
    time_ns: int
    elapsed_ns: int
    octets: bytes
    length: int
    interface: int
    place: str | None
    link_type: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another frame of the same exchange and how far it is away in time."""

    frame: int
    gap_ns: int


@dataclass(frozen=True, slots=True)
class Membership:
    """An exchange that the frame belongs to, and what came before and after it there.

    Attributes:
        position: which of the exchange's frames it is, from 1; count: how many there are at this place.
    """

    id: str
    kind: str
    outcome: str
    position: int
    count: int
    before: Neighbour | None
    after: Neighbour | None


def recorded(path: str, number: int) -> Recorded:
    """Read the file up to one frame.

    Raises:
        UsageError: the file has no such frame.
        UnreadableError: it is no capture.
    """
    seen, first_ns = 0, None
    with open_capture(path, None) as reader:
        for window in reader.frames():
            count = len(window.start)
            if count and first_ns is None:
                first_ns = int(window.time_ns[0])
            if seen + count < number:
                seen += count
                continue
            at = number - seen - 1
            start, captured = int(window.start[at]), int(window.captured[at])
            interface = int(window.interface[at])
            one = reader.interfaces[interface]
            time_ns = int(window.time_ns[at])
            octets = window.data[start : start + captured].tobytes()
            length = int(window.length[at])
            return Recorded(
                number, time_ns, time_ns - (first_ns or 0), octets, length, interface, one.name, one.link_type
            )
    raise UsageError(f"{path}: there is no frame {number}; it has {seen}")


def layers(frame: Recorded) -> tuple[Layer, ...]:
    """Its headers and contents, from the outside in."""
    return dissect(frame.octets, frame.link_type, frame.length, _CONTENTS)


def memberships(table: PacketTable, exchanges: Exchanges, number: int) -> list[Membership]:
    """The exchanges of a table of one file that have this frame, in the order of their ids."""
    rows = np.flatnonzero(table.frame[: len(table)] == number)
    if not len(rows):
        return []
    row = int(rows[0])
    found = []
    for part in exchanges.parts:
        owner = np.searchsorted(part.bounds, np.flatnonzero(part.frames == row), side="right") - 1
        for index in np.unique(owner).tolist():
            own = np.unique(part.rows(index))
            at = int(np.searchsorted(own, row))
            position = exchanges.position(part, index)
            found.append((position, Membership(
                f"e{position + 1}", part.kind, part.outcomes[part.outcome[index]], at + 1, len(own),
                _neighbour(table, own, at, -1), _neighbour(table, own, at, 1),
            )))  # fmt: skip
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _neighbour(table: PacketTable, own: Rows, at: int, step: int) -> Neighbour | None:
    if not 0 <= at + step < len(own):
        return None
    gap = abs(int(table.time_ns[own[at + step]]) - int(table.time_ns[own[at]]))
    return Neighbour(int(table.frame[own[at + step]]), gap)
