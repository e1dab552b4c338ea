"""What resource records hold, as people write it in zone files (RFC 1035, 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text, ipv6_text
from explain.exchanges.dns.message import label_text, name_at, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_A, _SOA, _HINFO, _TXT, _AAAA, _NAPTR, _NSEC, _SVCB, _HTTPS, _SPF, _URI, _CAA = (
    1, 6, 13, 16, 28, 35, 47, 64, 65, 99, 256, 257,
)  # fmt: skip
_BEFORE_NAME = {2: 0, 5: 0, 12: 0, 15: 2, 33: 6, 39: 0}  # octets of numbers; after them a name, and no more
_KEYS = {0: "mandatory", 1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech", 6: "ipv6hint"}
"""Source: RFC 9460, 14.3.2; RFC 9848 for ech."""
_MOST_OCTETS = 32  # of what has no other form than its octets


def value_text(message: bytes, kind: int, start: int, size: int) -> str:
    """The data of one record; of a type that has no short form, or where it is broken, how much it is."""
    data = message[start : start + size]
    if kind == _A and size == 4:
        return ipv4_text(data)
    if kind == _AAAA and size == 16:
        return ipv6_text(data)
    if kind in _BEFORE_NAME:
        found = _name_behind(message, start, size, _BEFORE_NAME[kind])
    else:
        form = _FORMS.get(kind)
        found = form(message, start, start + size) if form and size else None
    return f"{type_name(kind)} of {size} octets" if found is None else found


def _name_behind(message: bytes, start: int, size: int, before: int) -> str | None:
    named = name_at(message, start + before) if size > before else None
    if named is None:
        return None
    return " ".join([*(str(_number(message, start + at, 2)) for at in range(0, before, 2)), named[0]])


def _number(message: bytes, at: int, size: int) -> int:
    return int.from_bytes(message[at : at + size], "big")


def _strings(message: bytes, start: int, end: int) -> str | None:
    """The strings of a record; several of them within quotation marks each."""
    found = _list_of_strings(message, start, end)
    if found is None:
        return None
    return found[0] if len(found) == 1 else " ".join(f'"{one}"' for one in found)


def _list_of_strings(message: bytes, at: int, end: int) -> list[str] | None:
    found: list[str] = []
    while at < end:
        behind = at + 1 + message[at]
        if behind > end:
            return None
        found.append(_printed(message[at + 1 : behind]))
        at = behind
    return found


def _printed(octets: bytes) -> str:
    """Text as it stands; only octets that are no text are spelled out."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return label_text(octets).replace("\\.", ".")


def _soa(message: bytes, start: int, end: int) -> str | None:
    """Primary server, mailbox, serial, refresh, retry, expire, and for how long "there is none" may be kept."""
    primary = name_at(message, start)
    mailbox = primary and name_at(message, primary[1])
    if not primary or not mailbox or mailbox[1] + 20 > end:
        return None
    numbers = [str(_number(message, mailbox[1] + at, 4)) for at in range(0, 20, 4)]
    return " ".join([primary[0], mailbox[0], *numbers])


def _naptr(message: bytes, start: int, end: int) -> str | None:
    at = start + 4
    strings: list[str] = []
    for _ in range(3):
        if at >= end or at + 1 + message[at] > end:
            return None
        strings.append(f'"{_printed(message[at + 1 : at + 1 + message[at]])}"')
        at += 1 + message[at]
    named = name_at(message, at)
    order, preference = (str(_number(message, start + offset, 2)) for offset in (0, 2))
    return " ".join([order, preference, *strings, named[0]]) if named else None


def _nsec(message: bytes, start: int, end: int) -> str | None:
    """The next name, and the types that this one has (RFC 4034, 4; in multicast DNS it says that there are no more)."""
    named = name_at(message, start)
    if named is None:
        return None
    types, at = [], named[1]
    while at + 2 <= end:
        window, size = message[at], message[at + 1]
        octets = message[at + 2 : min(at + 2 + size, end)]
        types += [window << 8 | 8 * number + bit for number, octet in enumerate(octets) for bit in range(8)
                  if octet & 0x80 >> bit]  # fmt: skip
        at += 2 + size
    return " ".join([named[0], *map(type_name, types)])


def _service(message: bytes, start: int, end: int) -> str | None:
    """Priority, target (``.`` is the name itself) and what a client should know before it connects (RFC 9460, 2.1)."""
    named = name_at(message, start + 2)
    if named is None or named[1] > end:
        return None
    told = [str(_number(message, start, 2)), named[0], *_parameters(message, named[1], end)]
    return " ".join(told)


def _parameters(message: bytes, at: int, end: int) -> Iterator[str]:
    while at + 4 <= end:
        key, size = _number(message, at, 2), _number(message, at + 2, 2)
        value = message[at + 4 : min(at + 4 + size, end)]
        name = _KEYS.get(key, f"key{key}")
        shown = _parameter(name, value)
        yield f"{name}={shown}" if shown else name
        at += 4 + size


def _parameter(name: str, value: bytes) -> str:
    if name == "alpn":
        return ",".join(_list_of_strings(value, 0, len(value)) or ())
    if name == "port":
        return str(int.from_bytes(value, "big"))
    if name == "mandatory":
        return ",".join(
            _KEYS.get(key, f"key{key}") for key in (_number(value, at, 2) for at in range(0, len(value), 2))
        )
    for hint, size, text in (("ipv4hint", 4, ipv4_text), ("ipv6hint", 16, ipv6_text)):
        if name == hint and len(value) % size == 0:
            return ",".join(text(value[at : at + size]) for at in range(0, len(value), size))
    return value[:_MOST_OCTETS].hex() + ("..." if len(value) > _MOST_OCTETS else "")


def _authority(message: bytes, start: int, end: int) -> str | None:
    """Flags, property and value: who may issue certificates (RFC 8659, 4.1)."""
    at = start + 2 + _number(message, start + 1, 1)
    if at > end:
        return None
    return f'{message[start]} {_printed(message[start + 2 : at])} "{_printed(message[at:end])}"'


def _uri(message: bytes, start: int, end: int) -> str | None:
    """Priority, weight and target (RFC 7553, 4.4)."""
    if end - start < 4:
        return None
    return f'{_number(message, start, 2)} {_number(message, start + 2, 2)} "{_printed(message[start + 4 : end])}"'


_FORMS: dict[int, Callable[[bytes, int, int], str | None]] = {
    _SOA: _soa, _HINFO: _strings, _TXT: _strings, _SPF: _strings, _NAPTR: _naptr, _NSEC: _nsec, _SVCB: _service,
    _HTTPS: _service, _URI: _uri, _CAA: _authority,
}  # fmt: skip
