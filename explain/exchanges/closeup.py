"""One frame of a file, read again, and the exchanges to which it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture import open_capture
from explain.capture.pcapng.packets import comments_beside
from explain.decode.dissect import dissect
from explain.errors import UsageError
from explain.exchanges.dhcp import fields as dhcp_fields
from explain.exchanges.dhcpv6 import fields as dhcpv6_fields
from explain.exchanges.dns import fields as dns_fields
from explain.exchanges.http import fields as http_fields
from explain.exchanges.netbios import fields as netbios_fields
from explain.exchanges.tls import fields as tls_fields
from explain.exchanges.udp import quic_fields
from explain.places.near import NearTable, copies_of, rows_near
from explain.record import dataclass
from explain.table import IP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.decode.dissect.field import Dissector, Layer
    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.together import Exchanges
    from explain.model import Exchange
    from explain.table import PacketTable, Rows

_CONTENTS: dict[str, Dissector] = {
    "dns": dns_fields.read, "dns-tcp": dns_fields.read_over_tcp, "dhcp": dhcp_fields.read,
    "dhcpv6": dhcpv6_fields.read, "http": http_fields.read, "tls": tls_fields.read,
    "nbns": netbios_fields.read, "quic": quic_fields.read,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame as it stands in the file.

    Attributes:
        time_ns: None where the file has no time for it.
        elapsed_ns: since the first frame of the file.
        length: octets on the wire; ``octets`` are those that were captured.
        interface: index into the file's interfaces; place: its name, None if it has none.
        comments: what somebody wrote beside it in the file.
    """

    number: int
    time_ns: int | None
    elapsed_ns: int
    octets: bytes
    length: int
    interface: int
    place: str | None
    link_type: int
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another frame of the same exchange, which row of the exchanges' table shows it, how far it is away in time.

    Attributes:
        gap_ns: None where the file has no times, negative where its clock went back between the two.
    """

    frame: int
    row: int
    gap_ns: int | None


@dataclass(frozen=True, slots=True)
class Membership:
    """An exchange that the frame belongs to, and what came before and after it there.

    Attributes:
        position: which of the exchange's frames at this place it is, from 1; None if it never came to the place where
            the exchange is told.
        count: how many there are.
    """

    exchange: Exchange
    position: int | None
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
            is_timed = window.is_timed is None or bool(window.is_timed[at])
            comments = comments_beside(window, at) if reader.format == "pcapng" and is_timed else ()
            return Recorded(
                number, time_ns if is_timed else None, time_ns - (first_ns or 0), octets, length, interface, one.name,
                one.link_type, comments,
            )  # fmt: skip
    raise UsageError("usage.no_frame", path=path, number=number, count=seen)


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


def memberships(exchanges: Exchanges, number: int, *, is_timed: bool = True) -> list[Membership]:
    """The exchanges of one file that have this frame, in the order of their ids.

    Where several places recorded the packet, an exchange has all these frames; before and after are those of the same
    place.  A frame that never came to the place where its conversation is told belongs to that, without a position.
    """
    near = exchanges.table
    whole = near.whole
    row = np.flatnonzero(whole.frame[: len(whole)] == number)[:1]
    own = rows_near(near, row)
    is_beyond = not len(own) and len(row) > 0
    found: dict[int, Membership] = {}
    for part, index in _owners(exchanges, _same_ends(near, int(row[0])) if is_beyond else own):
        position = exchanges.position(part, index)
        beside = np.unique(copies_of(near, part.rows(index)))
        beside = np.union1d(beside[whole.place[beside] == whole.place[row[0]]], row)
        at = int(np.searchsorted(beside, row[0]))
        around = [None if is_beyond else _neighbour(near, beside, at, step, is_timed) for step in (-1, 1)]
        found[position] = Membership(
            exchanges.view(position), None if is_beyond else at + 1, len(beside), *around
        )  # fmt: skip
    return [found[position] for position in sorted(found)]


def _owners(exchanges: Exchanges, rows: Rows) -> Iterator[tuple[ExchangeColumns, int]]:
    for part in exchanges.parts if len(rows) else ():
        owner = np.searchsorted(part.bounds, np.flatnonzero(np.isin(part.frames, rows)), side="right") - 1
        yield from ((part, index) for index in np.unique(owner).tolist())


def _same_ends(near: PacketTable, row: int) -> Rows:
    """The rows that are told of the conversation between the ends of a frame that is not among them."""
    flows, whole = near.flows, near.whole
    flow = int(whole.flow[row])
    if not int(whole.layers[row]) & IP or flow >= len(flows.low):
        return np.empty(0, np.int64)
    is_same = np.ones(len(flows.low), np.bool_)
    for ends in (flows.low, flows.high, flows.low_port, flows.high_port, flows.protocol):
        is_same &= ends == ends[flow]
    return np.flatnonzero(np.isin(near.flow[: len(near)], np.flatnonzero(is_same)))


def _neighbour(near: PacketTable, own: Rows, at: int, step: int, is_timed: bool) -> Neighbour | None:
    if not 0 <= at + step < len(own):
        return None
    row, whole = int(own[at + step]), near.whole
    gap = step * (int(whole.time_ns[row]) - int(whole.time_ns[own[at]])) if is_timed else None
    return Neighbour(int(whole.frame[row]), int(rows_near(near, own[at + step : at + step + 1])[0]), gap)
