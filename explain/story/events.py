"""A small capture, exchange by exchange and place by place; what repeats is told once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.exchanges.tcp.course import NEVER
from explain.model import Line
from explain.places.near import whole_of
from explain.story.exchanges.depth import fields_line
from explain.story.exchanges.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.hosts import Hosts
    from explain.exchanges.over_places.journey import Journey
    from explain.exchanges.over_places.nat_translation import NatTranslation
    from explain.exchanges.tcp.connection import TcpConnection
    from explain.exchanges.together import Exchanges
    from explain.exchanges.udp.flow import UdpFlow
    from explain.table import PacketTable

MOST_TOLD_ONE_BY_ONE = 40
"""Exchanges; beyond it, like things are told together."""

_TOLD_INSTEAD = ("traceroute", "dns.lookup", "dhcp.lease", "dhcpv6.lease")
_ALIKE: dict[str, tuple[str, ...]] = {
    "arp.resolution": ("asker_ip", "wanted_ip", "is_unicast"),
    "arp.announcement": ("address", "mac", "is_probe"),
    "ndp.resolution": ("asker_ip", "wanted_ip"),
    "icmp.echo": ("src", "dst"),
    "dns.lookup": ("client.address", "server.address", "name", "type"),
    "http.request": ("client.address", "server", "method", "host", "path", "status"),
}
"""Exchanges of a kind that agree in these and in the outcome are the same thing once more."""
_NO_ROUTER = ("ndp.router", "unanswered")  # whoever asked, nothing more is known
_OPENING = ("answer_frame", "retry_frame", "handshake_frame", "confirmed_frame", "open_frame")
_HAPPENED = ("lost_segments", "lost_pings", "waits", "changed_options", "lost_datagrams", "altered")
_AGAIN = {"nat.translation": "story.again-flows", "journey": "story.again-flows", "ndp.router": "story.again-questions"}


def carried(table: PacketTable, exchanges: Exchanges) -> set[int]:
    """Positions of exchanges that are only parts of one that means more, and is told instead."""
    rows = [part.frames for part in exchanges.parts if part.kind in _TOLD_INSTEAD]
    positions = exchanges.positions_inside(np.concatenate(rows)) if rows else set()
    if exchanges.of_kind("dhcp.lease") is not None:
        from explain.story.exchanges import dhcp

        positions |= dhcp.told_with(table, exchanges)
    if exchanges.of_kind("nat.translation") is not None:
        from explain.exchanges.over_places.trails import far_sides

        positions |= far_sides(exchanges)
    return positions


def tell(
    table: PacketTable, exchanges: Exchanges, hosts: Hosts, without: set[int], *, everything: bool, most: int | None
) -> tuple[list[Line], bool]:
    """In the order of time at each place; several places one after the other.

    Returns:
        The lines, and whether they are all: no more than ``most`` of depth 1 and one exchange are made.
    """
    teller = Teller(table, exchanges, hosts)
    by_place: dict[tuple[int, int | None], list[int]] = {}
    whole = whole_of(table)
    for position in exchanges.positions:
        if position not in without:
            part, index = exchanges.at(position)
            spot = whole.places[whole.place[table.whole_row(int(part.frames[part.bounds[index]]))]]
            by_place.setdefault((spot.capture, spot.interface), []).append(position)
    lines: list[Line] = []
    shown = 0
    for (capture, interface), positions in by_place.items():
        if len(by_place) > 1:
            lines.append(_heading(table, capture, interface))
        for line in _at_one_place(teller, positions, everything=everything):
            if most is not None and shown > most:
                return lines, False
            lines.append(_placed(table, line, capture))
            shown += line.depth == 1
    return lines, True


def _heading(table: PacketTable, capture: int, interface: int | None) -> Line:
    here = [one for one in table.places if (one.capture, one.interface) == (capture, interface)]
    name = next((one.name for one in here if one.name), None)
    file = next((one.file for one in here if one.file), None)
    values = {"name": name, "capture": capture + 1, "interface": interface, "file": file}
    form = "at" if name else "at-file" if file else "at-interface"
    return Line(f"story.heading.{form}", values | {"number": (interface or 0) + 1}, (), 1, None, "subheading")


def _placed(table: PacketTable, line: Line, capture: int) -> Line:
    """The line with its frames in a capture first; where it has none there, with the place of those that it cites."""
    if not line.evidence or line.evidence[0].capture == capture:
        return line  # the interfaces of one capture number their frames together
    here = tuple(one for one in line.evidence if one.capture == capture)
    if here:
        return replace(line, evidence=(*here, *(one for one in line.evidence if one.capture != capture)))
    return with_place(table, line)


def with_place(table: PacketTable, line: Line) -> Line:
    """A line that stands under the name of no place, or of another one, with the place of its frames."""
    if not line.evidence:
        return line
    spot = line.evidence[0].capture, line.evidence[0].interface
    where = next(one for one in whole_of(table).places if (one.capture, one.interface) == spot)
    return replace(line, values={**line.values, "elsewhere": where.name or where.file})


def _at_one_place(teller: Teller, positions: list[int], *, everything: bool) -> Iterable[Line]:
    alike: dict[Hashable, list[int]] = {}
    for position in positions:
        key = position if everything else _likeness(*teller.exchanges.at(position), position)
        alike.setdefault(key, []).append(position)
    for some in alike.values():
        yield from teller.tell(some[0])
        yield fields_line(teller.exchanges, some[0])
        if len(some) > 1:
            yield _again(teller, some[1:])


def _likeness(part: ExchangeColumns, index: int, position: int) -> Hashable:
    outcome = part.outcomes[part.outcome[index]]
    if part.kind == "icmp.error":
        return _of_error(part.fields(index), outcome)
    if part.kind == "nat.translation":
        return _of_translation(part.fields(index), outcome)
    if part.kind == "journey":
        return _of_journey(part, index, outcome, position)
    if part.kind == "tcp.connection":
        return *_of_connection(part.fields(index), outcome), _speaks_in_syn(part, index)
    if part.kind == "udp.flow":
        return _of_flow(part.fields(index), outcome)
    if (part.kind, outcome) == _NO_ROUTER:
        return _NO_ROUTER
    names = _ALIKE.get(part.kind)
    if names is None:
        return position
    fields = part.fields(index)
    return (part.kind, outcome, *(_value(fields, name) for name in names))


def _of_error(fields: Any, outcome: str) -> Hashable:
    """Only where nobody listens on a port is it the port that matters: traces change theirs from probe to probe."""
    about = fields.about
    port = about.dport if about and outcome == "port-unreachable" else None
    return ("icmp.error", outcome, fields.from_, fields.to, about and (about.protocol, about.src, about.dst), port)


def _speaks_in_syn(part: ExchangeColumns, index: int) -> bool:
    """Whether the client's first SYN carries data (RFC 7413)."""
    moments, at = part.facts["moments"], part.facts["course"].first_syn[index]
    return bool(at != NEVER and moments.streams.length[moments.streams.rows[at]] > 0)


def _of_connection(fields: TcpConnection, outcome: str) -> tuple[Hashable, ...]:
    """Where other packets were lost or had to wait, that is not the same again."""
    troubles = (fields.retransmissions - fields.syn_retries, fields.out_of_order, fields.zero_windows)
    name = fields.tls.server_name if fields.tls else None
    return ("tcp.connection", outcome, fields.client.address, fields.server, name, *troubles)


def _of_flow(fields: UdpFlow, outcome: str) -> tuple[Hashable, ...]:
    """What was said counts, and in QUIC how far it came, but not in which frames."""
    quic = fields.quic
    course = quic and (quic.version, quic.offers, *(getattr(quic, name) is None for name in _OPENING))
    complaints = tuple((one.by, one.code, one.word) for one in fields.complaints)
    return ("udp.flow", outcome, fields.client.address, fields.server, fields.names, complaints, course)


def _of_translation(fields: NatTranslation, outcome: str) -> Hashable:
    """Of an end that is rewritten the port tells which rule it was; the port of the other end is the traffic's."""
    sides = [side for side in (fields.inside, fields.outside) if side]
    port = fields.inside.dst.port if fields.kind != "source" else None
    addresses = [(side.src.address, side.dst.address) for side in sides]
    is_forgotten = fields.silent_ns is not None
    kind = fields.kind, fields.checksum, fields.inside.protocol, port
    return ("nat.translation", outcome, is_forgotten, *kind, *addresses)


def _of_journey(part: ExchangeColumns, index: int, outcome: str, position: int) -> Hashable:
    """Between two hosts every packet goes the same way; where one was lost, held up or altered it is told by itself."""
    fields: Journey = part.fields(index)
    if outcome != "delivered" or any(getattr(fields, name) for name in _HAPPENED):
        return position
    from explain.story.exchanges.journey import row_of  # where there is a journey, its words are loaded

    table = part.facts["paths"].table
    way = tuple(
        (one.capture, one.interface, one.device, one.changed, *table.ends(row_of(table, one))) for one in fields.seen
    )
    return ("journey", fields.packet.protocol, *way)


def _value(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = getattr(record, name)
    return record


def _again(teller: Teller, positions: list[int]) -> Line:
    """The same once more: how often, and in which frames."""
    rows: list[int] = []
    seqs: list[int] = []
    for position in positions:
        part, index = teller.exchanges.at(position)
        rows += part.rows(index).tolist()
        about = getattr(part.fields(index), "about", None)
        if about is not None and about.seq is not None:
            seqs.append(about.seq)
    values = {"count": len(positions), "seqs": seqs}
    message = "story.again-seq" if seqs else _AGAIN.get(teller.exchanges.at(positions[0])[0].kind, "story.again")
    return Line(message, values, teller.table.evidence(rows), 1, f"e{positions[0] + 1}")
