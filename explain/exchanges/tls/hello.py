"""Records of TLS that can be read: hellos with the server's name and the version, and alerts (RFC 8446, 5246, 6066)."""

from __future__ import annotations

from explain.record import NamedTuple, dataclass

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

_CIPHER_CHANGE, _ALERT, HANDSHAKE = 20, 21, 22
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_OLD, _OLD_HEADER = 0x80, 11  # SSL 2: a record of less than 256 octets, and what stands before its lists
_OLD_SERVER_HELLO, _OLD_VERSION, _X509 = 4, 0x0002, 1
_RECORD_SIZE = 0x7FFF  # bits of the first two octets of a record of SSL 2
_SERVER_NAME, _PROTOCOLS, _SUPPORTED_VERSIONS = 0, 16, 43
_FATAL = 2
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random number of a ServerHello that asks for another ClientHello (RFC 8446, 4.1.3)."""
RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_RANDOM = _MESSAGE_HEADER + 2
_SESSION = _RANDOM + 32 + 1  # behind version, random and its own length
_LONGEST_RECORD = (1 << 14) + 2048
_MOST_RECORDS, _MOST_EXTENSIONS = 32, 256


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
        session: id of the session; a server that repeats the client's takes that one up again (RFC 5246, 7.4.1.3).
        is_retry: the server only asks for a ClientHello with another key share (HelloRetryRequest).
    """

    is_client: bool
    version: int
    server_name: str | None
    protocols: tuple[str, ...]
    session: bytes = b""
    is_retry: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that was not encrypted."""

    is_fatal: bool
    name: str


def records(octets: bytes) -> list[Record]:
    """The records in a segment, the last one as far as it goes."""
    found: list[Record] = []
    at = 0
    while at + RECORD_HEADER <= len(octets) and len(found) < _MOST_RECORDS:
        kind, version = octets[at], int.from_bytes(octets[at + 1 : at + 3], "big")
        length = int.from_bytes(octets[at + 3 : at + 5], "big")
        if not _CIPHER_CHANGE <= kind <= HANDSHAKE + 1 or version >> 8 != 3 or not 0 < length <= _LONGEST_RECORD:
            break
        end = at + RECORD_HEADER + length
        found.append(Record(kind, version, octets[at + RECORD_HEADER : end], end <= len(octets)))
        at = end
    return found


def hello(record: Record) -> Hello | None:
    """The hello that begins a handshake record, as far as it was captured; None if it holds none."""
    body = record.body
    if record.kind != HANDSHAKE or len(body) < _SESSION or body[0] not in (_CLIENT_HELLO, _SERVER_HELLO):
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
        _protocols(extensions.get(_PROTOCOLS, b"")), body[_SESSION : _SESSION + body[_SESSION - 1]],
        body[_RANDOM : _RANDOM + len(_RETRY)] == _RETRY,
    )  # fmt: skip


def old_hello(octets: bytes) -> Hello | None:
    """A hello of SSL 2, with which old clients also offer SSL 3 and TLS (RFC 5246, E.2); None if it is none."""
    if _is_old_answer(octets):
        return Hello(False, _OLD_VERSION, None, ())
    version = int.from_bytes(octets[3:5], "big")
    if len(octets) < _OLD_HEADER or octets[0] != _OLD or octets[2] != _CLIENT_HELLO or version not in VERSIONS:
        return None
    return Hello(True, version, None, ())


def _is_old_answer(octets: bytes) -> bool:
    """Whether a record is a ServerHello of SSL 2: its certificate, ciphers and connection fill it exactly."""
    if len(octets) < _OLD_HEADER + 2 or octets[2] != _OLD_SERVER_HELLO or octets[4] not in (0, _X509):
        return False
    size, version, *parts = (int.from_bytes(octets[at : at + 2], "big") for at in (0, 5, 7, 9, 11))
    return version == _OLD_VERSION and size & _RECORD_SIZE == _OLD_HEADER + sum(parts)


def lacks_its_end(octets: bytes) -> bool:
    """Whether a hello or an alert in a segment goes on behind what was captured; nothing else there is read."""
    for record in records(octets):
        if record.kind == _ALERT and not record.is_whole:
            return True
        if record.kind == HANDSHAKE and not record.is_whole:
            body = record.body
            is_hello = not body or body[0] in (_CLIENT_HELLO, _SERVER_HELLO)
            return is_hello and len(body) < _MESSAGE_HEADER + int.from_bytes(body[1:4], "big")
    return len(octets) < RECORD_HEADER


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
