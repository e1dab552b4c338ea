"""One frame of a file, read again, and the exchanges to which it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture import open_capture
from explain.decode.dissect import dissect
from explain.errors import UsageError
from explain.exchanges import dhcp_fields, dhcpv6_fields, dns_fields, http_fields, tls_fields
from explain.places.near import NearTable, copies_of, rows_near
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.decode.dissect.field import Dissector, Layer
    from explain.exchanges.columns import Exchanges
    from explain.model import Exchange
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
    """Another frame of the same exchange, where it stands in the table, and how far it is away in time."""

    frame: int
    row: int
    gap_ns: int


@dataclass(frozen=True, slots=True)
class Membership:
    """An exchange that the frame belongs to, and what came before and after it there.

    Attributes:
        position: which of the exchange's frames at this place it is, from 1; count: how many there are.
    """

    exchange: Exchange
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


def elsewhere(near: PacketTable, number: int) -> list[tuple[int, str | None]]:
    """The other frames of one file that show the packet of this frame, each with the name of its place."""
    if not isinstance(near, NearTable):
        return []
    whole = near.whole
    rows = np.flatnonzero(whole.frame[: len(whole)] == number)
    return [
        (int(whole.frame[row]), whole.places[whole.place[row]].name)
        for row in np.setdiff1d(near.copies(rows), rows).tolist()
    ]


def memberships(exchanges: Exchanges, number: int) -> list[Membership]:
    """The exchanges of one file that have this frame, in the order of their ids.

    Where several places recorded the packet, an exchange has all these frames; before and after are those of the same
    place.
    """
    near = exchanges.table
    whole = near.whole
    rows = np.flatnonzero(whole.frame[: len(whole)] == number)
    own = rows_near(near, rows)
    found: dict[int, Membership] = {}
    for part in exchanges.parts if len(own) else ():
        owner = np.searchsorted(part.bounds, np.flatnonzero(np.isin(part.frames, own)), side="right") - 1
        for index in np.unique(owner).tolist():
            position = exchanges.position(part, index)
            beside = np.unique(copies_of(near, part.rows(index)))
            beside = beside[whole.place[beside] == whole.place[rows[0]]]
            at = int(np.searchsorted(beside, rows[0]))
            found[position] = Membership(
                exchanges.view(position), at + 1, len(beside),
                _neighbour(whole, beside, at, -1), _neighbour(whole, beside, at, 1),
            )  # fmt: skip
    return [found[position] for position in sorted(found)]


def _neighbour(table: PacketTable, own: Rows, at: int, step: int) -> Neighbour | None:
    if not 0 <= at + step < len(own):
        return None
    row = int(own[at + step])
    return Neighbour(int(table.frame[row]), row, abs(int(table.time_ns[row]) - int(table.time_ns[own[at]])))
