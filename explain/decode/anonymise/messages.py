"""DNS and DHCP messages under other names, octet for octet as long as they were.

Source: RFC 1035, 4 (DNS); RFC 2131, 2; RFC 2132 (DHCP).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.decode.anonymise.pseudonyms import Pseudonyms

_MOST_LABELS, _MOST_RECORDS = 128, 200
_A, _AAAA, _OPT = 1, 28, 41
_NAMES_AT = {2: 0, 5: 0, 12: 0, 39: 0, 15: 2, 33: 6, 6: 0}  # types that are names, and octets before the name
_COOKIE = b"\x63\x82\x53\x63"
_ADDRESSES = frozenset((3, 4, 5, 6, 28, 42, 44, 50, 54, 118))
_PLAIN = frozenset((1, 26, 51, 52, 53, 55, 57, 58, 59))
_NAMED = frozenset((12, 15))


class _Stop(Exception):  # noqa: N818
    """The message ends, or is not what it seems."""


def dns(octets: bytes, names: Pseudonyms) -> bytes | None:
    """A DNS message with other names and addresses; what records of other types say becomes zero.

    None if it is no DNS message.
    """
    message = bytearray(octets)
    if len(message) < 12:
        return None
    counts = [int.from_bytes(message[at : at + 2], "big") for at in (4, 6, 8, 10)]
    at = 12
    done: set[int] = set()
    try:
        for _ in range(min(counts[0], _MOST_RECORDS)):
            at = _name(message, at, names, done) + 4
        for _ in range(min(sum(counts[1:]), _MOST_RECORDS)):
            at = _record(message, at, names, done)
    except (_Stop, IndexError):
        pass
    message[at:] = bytes(max(0, len(message) - at))
    return bytes(message)


def _name(message: bytearray, at: int, names: Pseudonyms, done: set[int]) -> int:
    """Replace the labels that stand here, the last of several left as it is; where the name ends."""
    for number in range(_MOST_LABELS):
        size = message[at]
        if size >= 0xC0:
            return at + 2
        if size == 0:
            return at + 1
        after = at + 1 + size
        if size > 63 or after >= len(message):
            message[at:] = bytes(len(message) - at)
            raise _Stop
        if (message[after] or not number) and at not in done:
            message[at + 1 : after] = names.label(bytes(message[at + 1 : after]))
        done.add(at)
        at = after
    raise _Stop


def _record(message: bytearray, at: int, names: Pseudonyms, done: set[int]) -> int:
    at = _name(message, at, names, done)
    if at + 10 > len(message):
        message[at:] = bytes(max(0, len(message) - at))
        raise _Stop
    kind, size = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 8 : at + 10], "big")
    here, end = at + 10, at + 10 + size
    if end > len(message):
        message[here:] = bytes(len(message) - here)
        raise _Stop
    if kind == _A and size == 4:
        message[here:end] = names.ipv4(bytes(message[here:end]))
    elif kind == _AAAA and size == 16:
        message[here:end] = names.ipv6(bytes(message[here:end]))
    elif kind in _NAMES_AT:
        after = _name(message, here + _NAMES_AT[kind], names, done)
        if kind == 6:
            _name(message, after, names, done)
    elif kind != _OPT or size:
        message[here:end] = bytes(size)
    return end


def dhcp(octets: bytes, names: Pseudonyms) -> bytes | None:
    """A DHCP message with other addresses and names; options that nobody needs become zero. None if it is none."""
    message = bytearray(octets)
    if len(message) < 240 or bytes(message[236:240]) != _COOKIE:
        return None
    for at in (12, 16, 20, 24):
        message[at : at + 4] = names.ipv4(bytes(message[at : at + 4]))
    message[28:44] = (names.mac(bytes(message[28:34])) if message[2] == 6 else bytes(6)) + bytes(10)
    message[44:236] = bytes(192)
    at = 240
    while at + 2 <= len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        end = at + 2 + message[at + 1]
        if end > len(message):
            break
        message[at + 2 : end] = _option(message[at], bytes(message[at + 2 : end]), names)
        at = end
    message[at + 1 :] = bytes(max(0, len(message) - at - 1))
    return bytes(message)


def _option(code: int, value: bytes, names: Pseudonyms) -> bytes:
    """What stands behind a code, as long as before."""
    if code in _PLAIN:
        return value
    if code in _ADDRESSES and len(value) % 4 == 0:
        return b"".join(names.ipv4(value[at : at + 4]) for at in range(0, len(value), 4))
    if code == 61 and len(value) == 7 and value[0] == 1:
        return value[:1] + names.mac(value[1:])
    if code in _NAMED:
        *labels, last = value.split(b".")
        return b".".join([*map(names.label, labels), last if labels else names.label(last)])
    return bytes(len(value))
