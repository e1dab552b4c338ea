"""Random numbers and clocks that a kernel or a client puts into packets, which no second run repeats.

Source: RFC 9293, 3.4.1 (initial sequence numbers); RFC 7323, 5.4 (timestamps); RFC 2131, 2 (xid); RFC 8415, 16.1;
RFC 5452, 4.3 (DNS ids); RFC 8446, 4.1.2 (client random); iputils, ping (the time stands at the front of the data).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from explain.table import IPV4, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explain.table import PacketTable

BITS = {"isn": 30, "tsval": 20, "ping": 30, "echo": 22, "xid": 28, "xid6": 20, "dns": 14, "tls": 64, "probe": 14}
"""How much chance would have to do to repeat one of a kind; less than its width, for what clients do badly."""
STAMPS, PROBES, PINGS = "tsval", "probe", "ping"
"""Kinds of their own: runs on one kernel may share a timestamp, which counts the same milliseconds for all of them;
and a router may give a probe of a trace another identification, so that the two ends of one run share none."""

_ECHO_KINDS = {(False, 0), (False, 8), (True, 128), (True, 129)}
_ICMP_HEADER = 8
_LEAST_RANDOM = 1 << 16  # tools that make packets use small constants
_EARLIEST_S, _LATEST_S = 978_307_200, 4_102_444_800  # 2001 and 2100
_CLOCK_FORMS = ((8, "little"), (8, "big"), (4, "little"), (4, "big"))
_TIMESTAMP = 8
_END, _NOTHING = 0, 1
_PROBED = 33434, 33534  # the ports of traceroute, mtr and tracepath
_HIGHEST_TTL = 64
_NEAR = 256  # from one identification to the next where a host counts
_MOST_NEAR = 0.5


def payload_clock_us(octets: bytes) -> int | None:
    """The time at the front of an echo's data, in microseconds since 1970; None where there is none."""
    for width, order in _CLOCK_FORMS:
        if len(octets) < 2 * width:
            continue
        seconds = int.from_bytes(octets[:width], order)  # type: ignore[arg-type]
        micros = int.from_bytes(octets[width : 2 * width], order)  # type: ignore[arg-type]
        if _EARLIEST_S <= seconds < _LATEST_S and micros < 1_000_000:
            return seconds * 1_000_000 + micros
    return None


def tsval(segment: bytes) -> int | None:
    """TSval of a TCP segment, None without one (RFC 7323, 3.2)."""
    if len(segment) < 20:
        return None
    options = segment[20 : (segment[12] >> 4) * 4]
    at = 0
    while at < len(options) and options[at] != _END:
        if options[at] == _NOTHING:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2:
            return None
        if options[at] == _TIMESTAMP and size == 10 and at + 6 <= len(options):
            return int.from_bytes(options[at + 2 : at + 6], "big")
        at += size
    return None


def nonces(table: PacketTable, octets: Mapping[int, bytes]) -> Iterator[tuple[str, int]]:
    """Each nonce as ``kind:value``, with the row that carries it."""
    for row in table.syn.row.tolist():
        if int(table.seq[row]) >= _LEAST_RANDOM:
            yield f"isn:{int(table.seq[row])}", row
        stamp = tsval(octets[row]) if row in octets else None
        if stamp is not None and stamp >= _LEAST_RANDOM:
            yield f"tsval:{stamp}", row
    yield from _echoes(table, octets)
    for name, kind, part in (("dhcp", "xid", slice(4, 8)), ("dhcpv6", "xid6", slice(1, 4))):
        if name in table.contents:
            kept = table.contents[name]
            for row, message in zip(kept.row, kept.octets, strict=True):
                if any(message[part]):
                    yield f"{kind}:{message[part].hex()}", row
    yield from _names(table)
    yield from _probes(table)


def _probes(table: PacketTable) -> Iterator[tuple[str, int]]:
    """Identifications of a trace's datagrams, each with the port that tells which probe it is; none that are counted.

    Source: RFC 6864, 4; Linux, ``ip_select_ident``; a host that counts from its start would repeat them in each run.
    """
    last = len(table)
    rows = np.flatnonzero((table.layers[:last] & (UDP | IPV4) == UDP | IPV4) & (table.ip_id[:last] > 0))
    ports = table.target_ports(rows)
    rows = rows[(ports >= _PROBED[0]) & (ports <= _PROBED[1]) & (table.ttl[rows] <= _HIGHEST_TTL)]
    for place in np.unique(table.place[rows]).tolist():
        own = rows[table.place[rows] == place]
        steps = np.diff(table.ip_id[own].astype(np.int64)) % (1 << 16)
        if len(own) > 1 and np.count_nonzero(steps <= _NEAR) <= _MOST_NEAR * len(steps):
            for row, port in zip(own.tolist(), table.target_ports(own).tolist(), strict=True):
                yield f"probe:{int(table.ip_id[row])}/{port}", row


def _echo_rows(table: PacketTable) -> list[int]:
    """Rows of echo requests and replies, in time order."""
    side = table.icmp
    kinds = zip(side.is_v6.tolist(), side.type.tolist(), side.row.tolist(), strict=True)
    return [row for is_v6, kind, row in kinds if (is_v6, kind) in _ECHO_KINDS]


def _echoes(table: PacketTable, octets: Mapping[int, bytes]) -> Iterator[tuple[str, int]]:
    """Clocks in the data of echoes; without one, data that differs from echo to echo."""
    others: dict[bytes, int] = {}
    for row in _echo_rows(table):
        data = octets.get(row, b"")[_ICMP_HEADER:]
        clock = payload_clock_us(data)
        if clock is not None:
            yield f"{PINGS}:{clock}", row
        elif len(data) >= 4:
            others.setdefault(data[:32], row)
    if len(others) >= 4:
        for data, row in others.items():
            yield f"echo:{_digest(data)}", row


def _names(table: PacketTable) -> Iterator[tuple[str, int]]:
    if "dns" in table.contents:
        kept = table.contents["dns"]
        for row, message in zip(kept.row, kept.octets, strict=True):
            if len(message) > 12 and any(message[:2]):
                yield f"dns:{message[:2].hex()}{_digest(_question(message))}", row
    if "tls" in table.contents:
        kept = table.contents["tls"]
        for row, record in zip(kept.row, kept.octets, strict=True):
            if len(record) >= 43 and record[0] == 22 and record[5] == 1:
                yield f"tls:{record[11:43].hex()}", row


def kind_of(nonce: str) -> str:
    """Its kind, as ``BITS`` knows it."""
    return nonce.partition(":")[0]


def _question(message: bytes) -> bytes:
    end = message.find(b"\0", 12)
    return message[12 : end + 5] if end > 0 else message[12:32]


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=6).hexdigest()


def wanted_rows(table: PacketTable) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows whose octets the nonces and clocks are read from: echoes, and TCP with room for options."""
    segments = np.flatnonzero(table.layers[: len(table)] & TCP)
    return np.union1d(np.array(_echo_rows(table), np.int64), segments)
