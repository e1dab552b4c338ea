"""What can be read of TLS: the server's name, the version, alerts (RFC 8446, 5246, 6066).

Only records that begin a segment are looked at; what is encrypted stays unread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explain.record import dataclass
from explain.table import REVERSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.exchanges.columns import ExchangeColumns
    from explain.table import PacketTable

_DRAFTS = 0x7F  # of TLS 1.3, whose servers named them where a version stands (draft-ietf-tls-tls13-20, 4.1.3)
_VERSION_BLOCKS = (3, _DRAFTS)
VERSIONS = {
    0x0002: "SSL 2.0",
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""Descriptions of alerts (RFC 8446, 6; the registry at IANA)."""

_CIPHER_CHANGE, _ALERT, _HANDSHAKE = 20, 21, 22
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_OLD, _OLD_HEADER = 0x80, 11  # SSL 2: a record of less than 256 octets, and what stands before its lists
_SERVER_NAME, _PROTOCOLS, _SUPPORTED_VERSIONS = 0, 16, 43
_FATAL = 2
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_LONGEST_RECORD = (1 << 14) + 2048
_MOST_RECORDS, _MOST_EXTENSIONS = 32, 256
_MOST_JOINS = 4  # for each piece, on the average
_SEQUENCE = 1 << 32


class Record(NamedTuple):
    """One record of TLS as far as it was captured."""

    kind: int
    version: int
    body: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Hello:
    """A ClientHello or ServerHello.

    Attributes:
        version: the one chosen, or the highest one offered, with ``supported_versions`` considered.
        server_name: asked for by the client (RFC 6066, 3), None if it names none.
        protocols: application protocols offered or chosen, such as h2 (RFC 7301).
    """

    is_client: bool
    version: int
    server_name: str | None
    protocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that was not encrypted."""

    is_fatal: bool
    name: str


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS on one connection, as its beginning shows it.

    Attributes:
        version: the one that the server chose, else the highest one that the client offered.
        server_name: what the client asked for.
        alert: the first fatal alert, else the first one that can be read; None if there is none.
        alert_by: ``client`` or ``server``; alert_frame: where it is.
        is_answered: the server said hello.
        protocols: offered by the client; protocol: chosen by the server, where that can be read.
        hello_frame, answer_frame: the first ClientHello and the first ServerHello; None if not recorded.
    """

    version: str | None
    server_name: str | None
    alert: str | None
    is_fatal: bool
    alert_by: str | None
    alert_frame: int | None
    is_answered: bool
    protocols: tuple[str, ...]
    protocol: str | None
    hello_frame: int | None
    answer_frame: int | None


def records(octets: bytes) -> list[Record]:
    """The records in a segment, the last one as far as it goes."""
    found: list[Record] = []
    at = 0
    while at + _RECORD_HEADER <= len(octets) and len(found) < _MOST_RECORDS:
        kind, version = octets[at], int.from_bytes(octets[at + 1 : at + 3], "big")
        length = int.from_bytes(octets[at + 3 : at + 5], "big")
        if not _CIPHER_CHANGE <= kind <= _HANDSHAKE + 1 or version >> 8 != 3 or not 0 < length <= _LONGEST_RECORD:
            break
        end = at + _RECORD_HEADER + length
        found.append(Record(kind, version, octets[at + _RECORD_HEADER : end], end <= len(octets)))
        at = end
    return found


def hello(record: Record) -> Hello | None:
    """The hello that begins a handshake record, as far as it was captured; None if it holds none."""
    body = record.body
    if record.kind != _HANDSHAKE or len(body) < _MESSAGE_HEADER + 34 or body[0] not in (_CLIENT_HELLO, _SERVER_HELLO):
        return None
    if int.from_bytes(body[1:4], "big") > _LONGEST_RECORD:  # encrypted, and the type was chance
        return None
    is_client = body[0] == _CLIENT_HELLO
    version = int.from_bytes(body[4:6], "big")
    if version >> 8 not in _VERSION_BLOCKS:
        return None
    extensions = _extensions(body, is_client)
    supported = _supported(extensions.get(_SUPPORTED_VERSIONS, b""), is_client)
    return Hello(
        is_client, max(supported, default=version), _server_name(extensions.get(_SERVER_NAME, b"")),
        _protocols(extensions.get(_PROTOCOLS, b"")),
    )  # fmt: skip


def old_hello(octets: bytes) -> Hello | None:
    """A ClientHello of SSL 2, with which old clients also offer SSL 3 and TLS (RFC 5246, E.2); None if it is none."""
    version = int.from_bytes(octets[3:5], "big")
    if len(octets) < _OLD_HEADER or octets[0] != _OLD or octets[2] != _CLIENT_HELLO or version not in VERSIONS:
        return None
    return Hello(True, version, None, ())


def lacks_its_end(octets: bytes) -> bool:
    """Whether a hello or an alert in a segment goes on behind what was captured; nothing else there is read."""
    for record in records(octets):
        if record.kind == _ALERT and not record.is_whole:
            return True
        if record.kind == _HANDSHAKE and not record.is_whole:
            body = record.body
            is_hello = not body or body[0] in (_CLIENT_HELLO, _SERVER_HELLO)
            return is_hello and len(body) < _MESSAGE_HEADER + int.from_bytes(body[1:4], "big")
    return len(octets) < _RECORD_HEADER


def alert(record: Record) -> Alert | None:
    """An alert in the clear: two octets; an encrypted one is longer."""
    if record.kind != _ALERT or len(record.body) != 2 or not record.is_whole or record.body[0] not in (1, _FATAL):
        return None
    code = record.body[1]
    return Alert(record.body[0] == _FATAL, ALERTS.get(code, f"alert_{code}"))


def version_name(number: int) -> str:
    """As people say it; as a number where it has no name."""
    if number >> 8 == _DRAFTS:
        return f"TLS 1.3 (draft {number & 0xFF})"
    return VERSIONS.get(number, f"0x{number:04x}")


def _extensions(body: bytes, is_client: bool) -> dict[int, bytes]:
    """Extensions by type; those behind the end of what was captured are left out."""
    at = _MESSAGE_HEADER + 2 + 32
    at += 1 + (body[at] if at < len(body) else 0)
    if is_client:
        at += 2 + int.from_bytes(body[at : at + 2], "big")
        at += 1 + (body[at] if at < len(body) else 0)
    else:
        at += 3
    end = min(at + 2 + int.from_bytes(body[at : at + 2], "big"), len(body))
    at += 2
    found: dict[int, bytes] = {}
    while at + 4 <= end and len(found) < _MOST_EXTENSIONS:
        size = int.from_bytes(body[at + 2 : at + 4], "big")
        if at + 4 + size > end:
            break
        found.setdefault(int.from_bytes(body[at : at + 2], "big"), body[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _supported(octets: bytes, is_client: bool) -> list[int]:
    """Versions of ``supported_versions`` without those that only test the peer (RFC 8446, 4.2.1; 8701)."""
    numbers = octets[1 : 1 + octets[0]] if is_client and octets else octets
    versions = [int.from_bytes(numbers[at : at + 2], "big") for at in range(0, len(numbers) - 1, 2)]
    return [one for one in versions if one in VERSIONS or (one >> 8 == _DRAFTS and not is_client)]


def _server_name(octets: bytes) -> str | None:
    """The first host name of the list (RFC 6066, 3)."""
    size = int.from_bytes(octets[3:5], "big")
    if len(octets) < 5 + size or not size or octets[2] != 0:
        return None
    return octets[5 : 5 + size].decode("utf-8", "backslashreplace")


def _protocols(octets: bytes) -> tuple[str, ...]:
    names: list[str] = []
    at = 2
    while at < len(octets) and len(names) < _MOST_EXTENSIONS:
        names.append(octets[at + 1 : at + 1 + octets[at]].decode("utf-8", "backslashreplace"))
        at += 1 + octets[at]
    return tuple(names)


def _hellos(table: PacketTable) -> Mapping[int, list[tuple[int, bytes]]]:
    """Segments that begin a record, by flow: rows in order, each with its octets and the rest of a long hello."""
    kept = table.contents.get("tls")
    if kept is None:
        return {}
    rows = np.array(kept.row, np.int64)
    columns = table.flow[rows], table.layers[rows] & REVERSED, table.seq[rows], table.payload[rows]
    pieces = list(zip(kept.row, *(column.tolist() for column in columns), kept.octets, strict=True))
    by_seq = {piece[1:4]: piece for piece in reversed(pieces)}
    used: set[tuple[int, int, int]] = set()
    joins = _MOST_JOINS * len(pieces)
    found: dict[int, list[tuple[int, bytes]]] = {}
    for row, flow, side, seq, size, octets in sorted(pieces):
        if (flow, side, seq) in used:
            continue
        whole, at = bytearray(octets), (seq + size) % _SEQUENCE
        while joins and _goes_on(whole) and (following := by_seq.get((flow, side, at))):
            used.add((flow, side, at))
            joins -= 1
            whole += following[5]
            at = (at + following[4]) % _SEQUENCE
        found.setdefault(flow, []).append((row, bytes(whole)))
    return found


def _goes_on(octets: bytearray) -> bool:
    """Whether a handshake record is longer than what there is of it."""
    size = _RECORD_HEADER + int.from_bytes(octets[3:5], "big")
    return octets[:1] == bytes((_HANDSHAKE,)) and (len(octets) < _RECORD_HEADER or len(octets) < size)


def by_connection(table: PacketTable, connections: ExchangeColumns) -> dict[int, Tls]:
    """What can be read of TLS on each connection, by its index in ``connections``."""
    segments = {row: octets for some in _hellos(table).values() for row, octets in some}
    if not segments:
        return {}
    is_copied = np.zeros(len(table), np.bool_)
    is_copied[list(segments)] = True
    at = np.flatnonzero(is_copied[connections.frames])
    owners = np.searchsorted(connections.bounds, at, "right") - 1
    found: dict[int, Tls] = {}
    client_side: dict[int, int] = {}
    for row, index in sorted(zip(connections.frames[at].tolist(), owners.tolist(), strict=True)):
        side = int(table.layers[row]) & REVERSED
        read = [(hello(record), alert(record)) for record in records(segments[row])]
        for said, warned in read or [(old_hello(segments[row]), None)]:
            if said is not None:
                client_side.setdefault(index, side if said.is_client else side ^ REVERSED)
                found[index] = _with_hello(found.get(index, _NOTHING), said, int(table.frame[row]))
            elif warned is not None:
                by = _speaker(table, connections, index, side, client_side)
                found[index] = _with_alert(found.get(index, _NOTHING), warned, by, int(table.frame[row]))
    return found


_NOTHING = Tls(None, None, None, False, None, None, False, (), None, None, None)


def _speaker(
    table: PacketTable, connections: ExchangeColumns, index: int, side: int, client_side: dict[int, int]
) -> str:
    if index not in client_side:
        client = connections.fields(index).client
        row = connections.rows(index)[:1]
        is_first = table.addresses.text(int(table.sources(row)[0])) == client.address
        is_first &= int(table.source_ports(row)[0]) == client.port
        first = int(table.layers[row[0]]) & REVERSED
        client_side[index] = first if is_first else first ^ REVERSED
    return "client" if side == client_side[index] else "server"


def _with_hello(tls: Tls, said: Hello, frame: int) -> Tls:
    version = version_name(said.version)
    if said.is_client:
        return replace(
            tls, version=tls.version if tls.is_answered else version,
            server_name=tls.server_name or said.server_name, protocols=tls.protocols or said.protocols,
            hello_frame=tls.hello_frame or frame,
        )  # fmt: skip
    chosen = said.protocols[0] if said.protocols else tls.protocol
    return replace(tls, version=version, is_answered=True, protocol=chosen, answer_frame=tls.answer_frame or frame)


def _with_alert(tls: Tls, warned: Alert, by: str, frame: int) -> Tls:
    if tls.alert is not None and (tls.is_fatal or not warned.is_fatal):
        return tls
    return replace(tls, alert=warned.name, is_fatal=warned.is_fatal, alert_by=by, alert_frame=frame)
