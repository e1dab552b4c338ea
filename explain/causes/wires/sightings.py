"""What each place saw of one command: its requests, their answers, errors about them, and who was asked for a MAC.

Loops over rows of the one command and of ARP and ND only, and over so many of them; columns do the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import distinct
from explain.causes.wires.neighbours_heard import listen, macs_of
from explain.causes.wires.spots import Hit, Spot, Told, spots_of
from explain.exchanges.icmp.error import error_name
from explain.table import ACK, BAD_CHECKSUM, FRAGMENT, IP, RST, SYN, TCP, UDP

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.table import PacketTable, Rows

_MOST_ROWS = 20_000
_MOST_FRAGMENTS = 8_192
_ECHO = {8, 128}
_ECHO_REPLY = {0, 129}
_ERRORS_4, _FIRST_QUERY_6 = {3, 4, 11, 12}, 128
_PROBE_PORTS = (*range(33434, 33700), *range(44444, 44700))


def look(witnesses: Witnesses, context: Context) -> list[Spot]:
    """Every place of every capture, also those that saw nothing."""
    table = witnesses.table
    if table is None:
        return []
    spots = spots_of(witnesses)
    by_place = [
        spots.get((each.capture, each.interface)) or spots.get((each.capture, None if each.interface is None else 0))
        for each in table.places
    ]
    _count(table, by_place)
    listen(table, by_place)
    _echoes(table, by_place, context)
    is_ping_unanswered = any(len(spot.requests) > len(spot.replies) for spot in spots.values())
    is_known_trace = context.tool == "trace" and context.destination is not None
    if context.tool == "tcp" or is_known_trace or (context.tool is None and not is_ping_unanswered):
        text = witnesses.text
        _segments(table, by_place, context, has_failed=text is not None and text.has("connect.timed-out"))
    if context.tool in {"trace", None} and not is_known_trace:
        _probes(table, by_place)
    if context.tool == "ping":
        _others(table, by_place, context.destination)
    if (context.tool == "udp" or is_known_trace) and context.destination is not None:
        _datagrams(table, by_place, context.destination)
    return list({id(spot): spot for spot in spots.values()}.values())


def _count(table: PacketTable, by_place: list[Spot | None]) -> None:
    """How many frames each place recorded, from when on, and who sent them."""
    place = table.place[: len(table)]
    for number, spot in enumerate(by_place):
        if spot is None:
            continue
        rows = np.flatnonzero(place == number)
        spot.frames += len(rows)
        spot.macs.update(table.links.source[table.links_at(number)].tolist())
        if len(rows):
            first = int(table.time_ns[rows].min())
            spot.first_ns = first if spot.first_ns is None else min(first, spot.first_ns)


def _hit(table: PacketTable, row: int) -> Hit:
    layers, (source, target) = int(table.layers[row]), table.end_texts(row)
    source_mac, target_mac = macs_of(table, row)
    return Hit(
        row=row,
        src=source,
        dst=target,
        ttl=int(table.ttl[row]),
        source_mac=source_mac,
        target_mac=target_mac,
        is_bad=bool(layers & BAD_CHECKSUM),
        protocol="tcp" if layers & TCP else "udp" if layers & UDP else "icmp",
        size=_size(table, row),
        port=table.ports(row)[1] if layers & (TCP | UDP) else None,
    )


def _size(table: PacketTable, row: int) -> int:
    """Octets of payload; of a packet that came in fragments, as far as its place saw them."""
    if not int(table.layers[row]) & FRAGMENT:
        return int(table.payload[row])
    parts = table.fragments
    ident = parts.ident[np.searchsorted(parts.row, row)]
    rows = parts.row[parts.ident == ident][:_MOST_FRAGMENTS]
    return int(table.payload[rows[table.place[rows] == table.place[row]]].sum())


def _echoes(table: PacketTable, spots: list[Spot | None], context: Context) -> None:
    icmp = table.icmp
    is_echo = np.isin(icmp.type, tuple(_ECHO)) & ((icmp.type == 128) == icmp.is_v6)
    is_reply = np.isin(icmp.type, tuple(_ECHO_REPLY)) & ((icmp.type == 129) == icmp.is_v6)
    wanted_ids = _echo_ids(table, np.flatnonzero(is_echo), context)
    is_asked = context.tool in {"ping", "trace", None}
    for mask, kept in ((is_echo, "requests"), (is_reply, "replies")):
        for at in np.flatnonzero(mask)[:_MOST_ROWS].tolist():
            spot = spots[table.place[icmp.row[at]]]
            if spot is None or not is_asked:
                continue
            hit = _hit(table, int(icmp.row[at]))
            if wanted_ids is None or int(icmp.word[at]) >> 16 in wanted_ids:
                getattr(spot, kept).append(hit)
            elif mask is is_reply and hit.src == context.destination:
                spot.others += 1
    _errors(table, spots, context, wanted_ids)


def _echo_ids(table: PacketTable, at: Rows, context: Context) -> set[int] | None:
    """The identifiers of the echo requests to the destination, and of the size that was asked for if there are such.

    None if that tells none from the others.
    """
    rows = table.icmp.row[at]
    if not len(rows) or context.destination is None:
        return None
    text = table.addresses.text
    first = {
        int(table.icmp.word[number]) >> 16: row
        for number, row, target in zip(at.tolist(), rows.tolist(), table.targets(rows).tolist(), strict=True)
        if text(int(target)) == context.destination
    }
    alike = {ident for ident, row in first.items() if _size(table, row) == context.size}
    return alike or set(first) or None


def _errors(table: PacketTable, spots: list[Spot | None], context: Context, ids: set[int] | None) -> None:
    icmp, text = table.icmp, table.addresses.text
    is_error = np.where(icmp.is_v6, icmp.type < _FIRST_QUERY_6, np.isin(icmp.type, tuple(_ERRORS_4)))
    is_redirect = np.where(icmp.is_v6, icmp.type == 137, icmp.type == 5)
    for at in np.flatnonzero((is_error | is_redirect) & (icmp.quote > 0))[:_MOST_ROWS].tolist():
        row = int(icmp.row[at])
        spot = spots[table.place[row]]
        if spot is None:
            continue
        is_ping = int(icmp.quote_protocol[at]) in {1, 58}
        if (context.tool == "ping" and not is_ping) or _is_of_another(context.tool, icmp.quote_protocol[at]):
            continue
        if context.tool == "ping" and ids is not None and (int(icmp.quote_word[at]) >> 16) not in ids:
            continue
        name = error_name(bool(icmp.is_v6[at]), int(icmp.type[at]), int(icmp.code[at]))
        speaker = table.end_texts(row)[0]
        told = Told(row, name, speaker, text(int(icmp.quote_src[at])), text(int(icmp.quote_dst[at])))
        (spot.redirects if is_redirect[at] else spot.errors).append(told)


def _is_of_another(tool: str | None, protocol: int) -> bool:
    """Whether an error quotes a packet that this kind of command does not send."""
    return protocol != {"tcp": 6, "udp": 17}.get(tool or "", protocol)


def _of_the_run(table: PacketTable, rows: Any, ours: set[int], *, has_failed: bool) -> set[int]:
    """Of several connections to one service, those that were never answered, if the command timed out."""
    flags = table.flags[rows]
    acks = table.ack[rows[((flags & SYN) != 0) & ((flags & ACK) != 0)]]
    open_ones = ours - {(int(ack) - 1) & 0xFFFFFFFF for ack in acks.tolist()}
    return open_ones if has_failed and open_ones else ours


def _segments(table: PacketTable, spots: list[Spot | None], context: Context, *, has_failed: bool) -> None:
    """SYNs to the destination, what answers them, and resets; recognised by sequence number also behind a NAT."""
    rows = np.flatnonzero(table.layers[: len(table)] & TCP)
    flags = table.flags[rows]
    syns = rows[(flags & (SYN | ACK)) == SYN][:_MOST_ROWS]
    text = table.addresses.text
    keys = table.targets(syns).tolist()
    ours = {
        int(table.seq[row])
        for row, key in zip(syns.tolist(), keys, strict=True)
        if context.destination is None or text(int(key)) == context.destination
    }
    ours = _of_the_run(table, rows, ours, has_failed=has_failed)
    for row in syns.tolist():
        spot = spots[table.place[row]]
        if spot is not None and int(table.seq[row]) in ours:
            spot.requests.append(_hit(table, row))
    wanted = {(seq + 1) & 0xFFFFFFFF for seq in ours}
    flows = {int(table.flow[row]) for row in syns.tolist() if int(table.seq[row]) in ours}
    is_answer = ((flags & SYN) != 0) & ((flags & ACK) != 0)
    for row in rows[is_answer | ((flags & RST) != 0)][:_MOST_ROWS].tolist():
        spot = spots[table.place[row]]
        if spot is None:
            continue
        is_syn = bool(table.flags[row] & SYN)
        if is_syn and int(table.ack[row]) in wanted:
            spot.replies.append(_hit(table, row))
        elif not is_syn and (int(table.ack[row]) in wanted or int(table.flow[row]) in flows):
            spot.resets.append(_hit(table, row))


def _probes(table: PacketTable, spots: list[Spot | None]) -> None:
    """The datagrams of a trace to an unknown target. Source: traceroute(8), default method; tracepath(8), -p."""
    rows = np.flatnonzero(table.layers[: len(table)] & UDP)
    rows = rows[np.isin(table.target_ports(rows), _PROBE_PORTS)][:_MOST_ROWS]
    for row in rows.tolist():
        spot = spots[table.place[row]]
        if spot is not None:
            spot.requests.append(_hit(table, row))


def _datagrams(table: PacketTable, spots: list[Spot | None], destination: str) -> None:
    """What a UDP client sends, and what comes back; discovery of names and leases is somebody else's."""
    rows = np.flatnonzero(table.layers[: len(table)] & UDP)
    for row in rows[:_MOST_ROWS].tolist():
        spot = spots[table.place[row]]
        if spot is None:
            continue
        hit = _hit(table, row)
        if hit.dst == destination:
            spot.requests.append(hit)
        elif hit.src == destination:
            spot.replies.append(hit)


def _others(table: PacketTable, spots: list[Spot | None], destination: str | None) -> None:
    """What the target of a ping sends by TCP and UDP."""
    rows = np.flatnonzero(table.layers[: len(table)] & (TCP | UDP))
    sources = table.sources(rows)
    for key in distinct(sources).tolist():
        if table.addresses.text(int(key)) == destination:
            counts = np.bincount(table.place[rows[sources == key]], minlength=len(spots))
            for spot, count in zip(spots, counts.tolist(), strict=True):
                if spot is not None:
                    spot.others += count


def addresses_seen(table: PacketTable) -> set[str]:
    """Every address that any frame bears as its source or target."""
    rows = np.flatnonzero(table.layers[: len(table)] & IP)
    keys = np.unique(np.concatenate([table.sources(rows), table.targets(rows)])).tolist() if len(rows) else []
    return {table.addresses.text(int(key)) for key in keys}


def pings_in(table: PacketTable) -> int:
    """How many echo requests there are, to anybody."""
    icmp = table.icmp
    return int(np.count_nonzero(np.isin(icmp.type, tuple(_ECHO)) & ((icmp.type == 128) == icmp.is_v6)))
