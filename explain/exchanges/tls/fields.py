"""A record of TLS field by field, for whoever looks at one frame (RFC 8446, 5246, 6066, 7301)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect.field import CutError, Next
from explain.exchanges.http.head import text
from explain.exchanges.tls.hello import ALERTS, VERSIONS
from explain.exchanges.tls.names import CIPHERS, EXTENSIONS, GROUPS, HANDSHAKES, RECORDS, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.decode.dissect.field import Header

_HEADER, _MESSAGE_HEADER = 5, 4
_CHANGE, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_HELLO_REQUEST, _CLIENT_HELLO, _SERVER_HELLO = 0, 1, 2
_LONGEST_RECORD = (1 << 14) + 2048
_MOST_MESSAGES, _MOST_PARTS = 16, 128
_SHOWN = 32  # octets of what is not taken apart


def read(header: Header) -> Next | None:
    """One record; the next one follows it."""
    kind, size = header.raw(0, 1)[0], int.from_bytes(header.raw(3, 2), "big")
    if kind not in RECORDS or header.raw(1, 1)[0] != 3 or not 0 < size <= _LONGEST_RECORD:
        header.size = 0
        return Next("data", header.at, header.said_end, header.context)
    header.number("tls.record.content_type", 0, 1, RECORDS)
    header.number("tls.record.version", 1, 2, VERSIONS)
    header.number("tls.record.length", 3, 2)
    _body(header, kind, _HEADER, _HEADER + size)
    header.raw(0, _HEADER + size)
    after = header.at + _HEADER + size
    return Next("tls", after, header.said_end, header.context) if after < header.said_end else None


def _body(header: Header, kind: int, at: int, end: int) -> None:
    size = end - at
    if kind == _ALERT and size == 2:
        header.number("tls.alert_message.level", at, 1, {1: "warning", 2: "fatal"})
        code = header.raw(at + 1, 1)[0]
        header.number("tls.alert_message.desc", at + 1, 1, ALERTS, ("tls-close", {}) if code == 0 else None)
    elif kind == _CHANGE:
        header.text("tls.change_cipher_spec", at, size, "")
    elif kind == _HANDSHAKE:
        _messages(header, at, end)
    elif kind == _DATA:
        _opaque(header, "tls.app_data", at, end)
    else:
        _opaque(header, "tls.encrypted", at, end)


def _opaque(header: Header, name: str, at: int, end: int) -> None:
    """Octets that nobody can read here, as far as they were captured."""
    have = min(end, header.rest()) - at
    if have > 0:
        header.text(name, at, have, header.raw(at, min(have, _SHOWN)).hex() + (".." if have > _SHOWN else ""))
    if have < end - at:
        raise CutError


def _messages(header: Header, at: int, end: int) -> None:
    """The messages of a handshake; after the ciphers were changed they are encrypted (RFC 5246, 7.4.9)."""
    for _ in range(_MOST_MESSAGES):
        if at >= end:
            return
        kind = header.raw(at, 1)[0]
        stop = at + _MESSAGE_HEADER + int.from_bytes(header.raw(at + 1, 3), "big") if end - at >= 4 else end + 1
        is_known = kind in HANDSHAKES and (kind != _HELLO_REQUEST or end - at == _MESSAGE_HEADER)
        if not is_known or (stop > end and kind != _CLIENT_HELLO):
            _opaque(header, "tls.encrypted", at, end)
            return
        header.number("tls.handshake.type", at, 1, HANDSHAKES)
        header.number("tls.handshake.length", at + 1, 3)
        if kind in (_CLIENT_HELLO, _SERVER_HELLO):
            _hello(header, at + _MESSAGE_HEADER, is_client=kind == _CLIENT_HELLO)
        elif stop > at + _MESSAGE_HEADER:
            _opaque(header, "tls.handshake.body", at + _MESSAGE_HEADER, min(stop, end))
        at = stop


def _hello(header: Header, at: int, *, is_client: bool) -> None:
    header.number("tls.handshake.version", at, 2, VERSIONS, ("tls-version-frozen", {}))
    header.text("tls.handshake.random", at + 2, 32, header.raw(at + 2, 32).hex())
    at += 34
    size = header.number("tls.handshake.session_id_length", at, 1)
    if size:
        header.text("tls.handshake.session_id", at + 1, size, header.raw(at + 1, size).hex())
    at += 1 + size
    at = _offers(header, at) if is_client else _choice(header, at)
    if at + 2 > header.rest():
        return
    size = header.number("tls.handshake.extensions_length", at, 2)
    _extensions(header, at + 2, at + 2 + size, is_client=is_client)


def _offers(header: Header, at: int) -> int:
    size = header.number("tls.handshake.cipher_suites_length", at, 2)
    octets = header.raw(at + 2, size)
    names = [named(int.from_bytes(octets[one : one + 2], "big"), CIPHERS) for one in range(0, size - 1, 2)]
    header.text("tls.handshake.ciphersuites", at + 2, size, ", ".join(names), ("tls-ciphers", {"count": len(names)}))
    at += 2 + size
    size = header.number("tls.handshake.comp_methods_length", at, 1)
    header.text("tls.handshake.comp_methods", at + 1, size, header.raw(at + 1, size).hex())
    return at + 1 + size


def _choice(header: Header, at: int) -> int:
    header.number("tls.handshake.ciphersuite", at, 2, CIPHERS)
    header.number("tls.handshake.comp_method", at + 2, 1)
    return at + 3


def _extensions(header: Header, at: int, end: int, *, is_client: bool) -> None:
    for _ in range(_MOST_PARTS):
        if at + 4 > end:
            return
        kind = int.from_bytes(header.raw(at, 2), "big")
        header.number("tls.handshake.extension.type", at, 2, named(kind, EXTENSIONS))
        size = header.number("tls.handshake.extension.len", at + 2, 2)
        header.raw(at + 4, size)
        _extension(header, kind, at + 4, size, is_client=is_client)
        at += 4 + size


def _extension(header: Header, kind: int, at: int, size: int, *, is_client: bool) -> None:
    reader = _READERS.get(kind)
    if kind == 43 and not is_client and size == 2:
        header.number("tls.handshake.extensions.supported_version", at, 2, VERSIONS)
    elif reader and size >= reader[0]:
        reader[1](header, at, at + size)
    elif size:
        _opaque(header, "tls.handshake.extension.data", at, at + size)


def _server_name(header: Header, at: int, end: int) -> None:
    size = int.from_bytes(header.raw(at + 3, 2), "big")
    if at + 5 + size <= end:
        header.text("tls.handshake.extensions_server_name", at + 5, size, text(header.raw(at + 5, size)))


def _protocols(header: Header, at: int, end: int) -> None:
    at += 2
    for _ in range(_MOST_PARTS):
        size = header.raw(at, 1)[0] if at < end else 0
        if not size or at + 1 + size > end:
            return
        name = text(header.raw(at + 1, size))
        header.text("tls.handshake.extensions_alpn_str", at + 1, size, name)
        at += 1 + size


def _versions(header: Header, at: int, end: int) -> None:
    for one in range(at + 1, min(end - 1, at + 1 + 2 * _MOST_PARTS), 2):
        number = int.from_bytes(header.raw(one, 2), "big")
        header.number("tls.handshake.extensions.supported_version", one, 2, named(number, VERSIONS))


def _groups(header: Header, at: int, end: int) -> None:
    octets = header.raw(at + 2, end - at - 2)
    names = [named(int.from_bytes(octets[one : one + 2], "big"), GROUPS) for one in range(0, len(octets) - 1, 2)]
    header.text("tls.handshake.extensions_supported_groups", at + 2, len(octets), ", ".join(names))


_READERS: dict[int, tuple[int, Callable[[Header, int, int], None]]] = {
    0: (5, _server_name), 10: (4, _groups), 16: (3, _protocols), 43: (3, _versions),
}  # fmt: skip
"""Extension -> octets that it takes at least, and who reads it."""
