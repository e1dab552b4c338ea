"""What became of packets on their way: lost, thrown away, rewritten; and what is odd about segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.icmp.quotes import quoted_row
from explain.render.scene.rails import ends

if TYPE_CHECKING:
    from explain import table as t
    from explain.exchanges.over_places.nat_flow import NatEnd
    from explain.model import Report

_MOST_JOURNEYS = 2000  # looked into for lost packets
_V4 = 1000  # tells types of ICMP from those of ICMPv6
_THROWN_AWAY = (_V4 + 3, _V4 + 11, _V4 + 12, 1, 2, 3, 4)  # unreachable, too big, time exceeded, parameter problem


def lost_rows(report: Report) -> set[int]:
    """Rows of packets that a journey says vanished on their way; where some arrived, the one that it followed."""
    part, table = report.exchanges.of_kind("journey"), report.exchanges.table
    found: set[int] = set()
    if part is None:
        return found
    for index in part.where("vanished").tolist()[:_MOST_JOURNEYS]:
        journey = part.fields(index)
        if journey.stage == "target":
            continue  # it arrived; what is missing is the answer, which nobody saw
        sights = {(one.capture, one.frame) for one in journey.seen}
        for row in part.rows(index).tolist():
            spot = table.whole.places[int(table.whole.place[table.whole_row(row)])]
            is_all = journey.missing == journey.packets and ends(table, row)[0] == journey.packet.src.address
            if is_all or (spot.capture, int(table.frame[row])) in sights:
                found.add(row)
    return found


def thrown_away_rows(table: t.PacketTable, rows: t.Rows) -> set[int]:
    """Rows of packets that somebody on the way, not their target, says that it threw away; as far as that is drawn."""
    icmp = table.icmp
    types = np.where(icmp.is_v6, icmp.type, icmp.type.astype(np.uint16) + _V4)
    is_said = np.isin(types, _THROWN_AWAY) & np.isin(icmp.row, rows) & (icmp.quote > 0)
    is_said[is_said] = table.sources(icmp.row[is_said]) != icmp.quote_dst[is_said]
    return {quoted for row in icmp.row[is_said].tolist() if (quoted := quoted_row(table, row)) is not None}


def rewritten_rows(report: Report) -> dict[int, str]:
    """For the first row behind each NAT, else the first before it: what was rewritten, as the wire has it."""
    part, table = report.exchanges.of_kind("nat.translation"), report.exchanges.table
    found: dict[int, str] = {}
    if part is None:
        return found
    for index in part.where("translated").tolist()[:_MOST_JOURNEYS]:
        fields, rows = part.fields(index), part.rows(index).tolist()
        pairs = [(end, getattr(fields.inside, end), getattr(fields.outside, end)) for end in ("src", "dst")]
        told = [
            f"{end} {_nat_end(inside)} > {_nat_end(outside)}" for end, inside, outside in pairs if inside != outside
        ]
        row = next((row for row in rows if fields.after and int(table.frame[row]) == fields.after.frame), rows[0])
        found[row] = f"NAT {', '.join(told)}"
    return found


def _nat_end(end: NatEnd) -> str:
    number = end.id if end.port is None else end.port
    return f"{end.address} {number}" if number is not None else str(end.address)


def labels_of(report: Report, position: int) -> dict[int, int]:
    """Labels of the segments of a connection, by row; only those that have one."""
    part, index = report.exchanges.at(position)
    segments = part.facts.get("segments")
    if part.kind != "tcp.connection" or segments is None:
        return {}
    labels = segments.of(index)
    some = np.flatnonzero(labels)
    return dict(zip(part.rows(index)[some].tolist(), labels[some].tolist(), strict=True))
