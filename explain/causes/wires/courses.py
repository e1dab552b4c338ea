"""Exchanges of kinds that a diagnosis asks for by their outcome: look-ups, leases, the course of TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.table import ACK, FIN, SYN, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.context import Context
    from explain.table import PacketTable

_SLOW_NS = 900_000_000
_IDLE_NS = 2_000_000_000
_MOST = 200
_HALF_RANGE = 1 << 31


def lookups_of(table: PacketTable) -> tuple[tuple[str, ...], bool]:
    """Outcomes of the name look-ups, and whether a host asked itself.

    A resolver without a configured server asks 127.0.0.1. Source: resolv.conf(5), nameserver.
    """
    from explain.exchanges.dns import lookup as dns_lookup

    if "dns" not in table.contents:
        return (), False
    part = dns_lookup.find(table)
    found: list[str] = []
    asked_itself = False
    for index in range(min(len(part), _MOST)):
        fields: Any = part.fields(index)
        if fields.server.address.startswith("127.") or fields.server.address == "::1":
            asked_itself = True
        else:
            found.append(part.outcomes[part.outcome[index]])
    return tuple(found), asked_itself


def leases_of(table: PacketTable, is_bound: bool | None) -> tuple[tuple[str, ...], frozenset[str]]:
    """Outcomes of the client's DHCP negotiations, and the servers that answered any of them.

    Args:
        table: the frames.
        is_bound: whether the client got a lease, if anybody told; where several clients asked, those that fared
            otherwise are others.
    """
    clients: dict[str, list[tuple[str, set[str]]]] = {}
    for client, outcome, servers in (*_leases_v4(table), *_leases_v6(table)):
        clients.setdefault(client, []).append((outcome, servers))
    mine = [
        talks for talks in clients.values()
        if is_bound is None or is_bound == any(outcome in {"bound", "renewed"} for outcome, _ in talks)
    ] if len(clients) > 1 else list(clients.values())  # fmt: skip
    heard = mine or list(clients.values())
    talks = [talk for each in heard for talk in each]
    if is_bound is None and len(heard) > 1:
        # Whose command it was is unknown, and a server that answers one may leave another without.
        answering = [{server for _, servers in each for server in servers} for each in heard]
        return tuple(outcome for outcome, _ in talks), frozenset(set.intersection(*answering))
    return tuple(outcome for outcome, _ in talks), frozenset(server for _, servers in talks for server in servers)


def _leases_v4(table: PacketTable) -> Iterator[tuple[str, str, set[str]]]:
    if "dhcp" not in table.contents:
        return
    from explain.exchanges.dhcp import lease as dhcp_lease

    part = dhcp_lease.find(table)
    for index in range(min(len(part), _MOST)):
        fields: Any = part.fields(index)
        servers = {str(each) for each in (fields.server, *fields.refused_by) if each}
        servers |= {str(one.server) for one in getattr(fields, "offered", ()) if getattr(one, "server", None)}
        yield str(fields.client_mac), part.outcomes[part.outcome[index]], servers


def _leases_v6(table: PacketTable) -> Iterator[tuple[str, str, set[str]]]:
    """A server that has no address left says so, and is then as good as none. Source: RFC 8415, 18.3.2."""
    if "dhcpv6" not in table.contents:
        return
    from explain.exchanges.dhcpv6 import lease as dhcpv6_lease

    part = dhcpv6_lease.find(table)
    for index in range(min(len(part), _MOST)):
        fields: Any = part.fields(index)
        outcome = part.outcomes[part.outcome[index]]
        is_refused = outcome == "refused"
        servers = {fields.server_duid} if fields.server_duid and not is_refused else set()
        yield str(fields.client_duid), "unanswered" if is_refused else outcome, servers


def course_of(table: PacketTable, context: Context) -> frozenset[str]:
    """Marks of how TCP to the destination went, where the sender's wire shows it."""
    if context.tool != "tcp" or not len(np.flatnonzero(table.layers[: len(table)] & TCP)):
        return frozenset()
    from explain.exchanges.tcp import connection as tcp_connection

    part = tcp_connection.find(table)
    marks: set[str] = set()
    for index in range(min(len(part), _MOST)):
        rows = part.rows(index)
        if context.destination is not None and not _is_ours(table, rows, context.destination):
            continue
        marks |= _marks(table, part.fields(index), rows)
    return frozenset(marks - {"served"} if "torn" in marks else marks)  # each place tells its own; the client's counts


def _is_ours(table: PacketTable, rows: Any, destination: str) -> bool:
    return table.end_texts(int(rows[0]))[1] == destination


def _marks(table: PacketTable, fields: Any, rows: Any) -> set[str]:
    marks: set[str] = set()
    if fields.zero_windows:
        marks.add("zero-window")
    wait = fields.server_time_ns or fields.first_byte_wait_ns
    if wait and wait > _SLOW_NS:
        marks.add("slow-answer")
    resets = [int(row) for row in rows.tolist() if table.flags[row] & 4]
    if fields.gaps and "f" not in fields.history:  # the client gave up before the server had said all
        marks.add("torn")
    if fields.bytes_to_client and not resets and "F" in fields.history.upper():
        marks.add("served")
    if "A" in fields.history.partition("h")[2]:
        marks |= {"established"} | _endings(table, fields, rows) | _said(table, fields, rows)
    gaps = np.diff(table.time_ns[rows]) if len(rows) > 1 else np.array([0])
    if resets and fields.bytes_to_server:
        marks |= _of_resets(table, rows, resets)
        marks.add("late-reset" if _is_late(table, rows, resets[0]) else "early-reset")
    if len(gaps) and int(gaps.max()) > _IDLE_NS and fields.bytes_to_client and fields.retransmissions:
        marks.add("idle")
    return marks


def _endings(table: PacketTable, fields: Any, rows: Any) -> set[str]:
    """How an open connection ended: ``cut`` by a reset, ``shut`` by a server that said nothing, perhaps ``unheard``.

    A server that has closed its half and still takes data closed nothing but that half; one that
    did not get the client's data may have waited for it in vain. Source: RFC 9293, 3.6.
    """
    ends = [letter for letter in fields.history if letter in "FfRr"]
    if {"R", "r"} & set(ends):
        return {"cut"}
    if ends[:1] != ["f"] or fields.bytes_to_client:
        return set()
    opens = rows[table.flags[rows] & (SYN | ACK) == SYN | ACK]
    if not len(opens):
        return set()
    is_servers = table.sources(rows) == table.ends(int(opens[0]))[0]
    closes = rows[is_servers & (table.flags[rows] & FIN != 0)]
    # Octets between the two were lost on the way: then it had something to say.
    is_mute = len(closes) > 0 and (int(table.seq[closes[0]]) - int(table.seq[opens[0]])) & 0xFFFFFFFF == 1
    says = ~is_servers & (table.payload[rows] > 0)
    if not is_mute or (says & (rows > closes[0])).any():
        return set()
    before = rows[says & (rows < closes[0])]
    lag = (table.seq[before].astype("i8") + table.payload[before] - int(table.ack[closes[0]])) & 0xFFFFFFFF
    return {"shut", "unheard"} if ((lag > 0) & (lag < _HALF_RANGE)).any() else {"shut"}


def _said(table: PacketTable, fields: Any, rows: Any) -> set[str]:
    """``asked`` if the client sent octets, ``heard`` if the server acknowledged some, ``told`` if it sent some."""
    opens = rows[table.flags[rows] & (SYN | ACK) == SYN | ACK]
    if not len(opens):
        return set()
    is_servers = table.sources(rows) == table.ends(int(opens[0]))[0]
    asks = rows[~is_servers & (table.payload[rows] > 0)]
    ahead = table.ack[rows[is_servers]].astype("i8") - (int(table.seq[asks[0]]) if len(asks) else 0) & 0xFFFFFFFF
    is_heard = len(asks) > 0 and ((ahead > 0) & (ahead < _HALF_RANGE)).any()
    marks = {"asked": len(asks) > 0, "heard": is_heard, "told": bool(fields.bytes_to_client)}
    return {mark for mark, holds in marks.items() if holds}


def _is_late(table: PacketTable, rows: Any, reset: int) -> bool:
    """Whether the connection had been at rest before what the reset answers."""
    before = rows[rows < reset]
    return len(before) > 1 and int(np.diff(table.time_ns[before]).max()) > _SLOW_NS


def _of_resets(table: PacketTable, rows: Any, resets: list[int]) -> set[str]:
    """A reset whose TTL is unlike that of the peer's other segments is somebody else's. Source: RFC 9293, 3.5.2."""
    first = resets[0]
    speaker = table.ends(first)[0]
    others = [
        int(row) for row in rows.tolist() if row != first and table.ends(row)[0] == speaker
        and not table.flags[row] & 4
    ]  # fmt: skip
    ttls = {int(table.ttl[row]) for row in others}
    return {"foreign-reset"} if ttls and int(table.ttl[first]) not in ttls else set()
