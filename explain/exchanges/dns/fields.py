"""A DNS message field by field, for whoever looks at one frame (RFC 1035)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect.field import CutError, Means, Next
from explain.exchanges.dns.lookup import RCODES
from explain.exchanges.dns.message import TYPES, name_at, type_name
from explain.exchanges.dns.values import value_text

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_HEADER = 12
_OPCODES = {0: "QUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE"}
_CLASSES = {1: "IN", 3: "CH", 255: "ANY"}
_MOST_RECORDS = 64
_FLAGS = (
    ("dns.flags.response", 0, 1), ("dns.flags.opcode", 1, 4), ("dns.flags.authoritative", 5, 1),
    ("dns.flags.truncated", 6, 1), ("dns.flags.recdesired", 7, 1), ("dns.flags.recavail", 8, 1),
    ("dns.flags.authenticated", 10, 1), ("dns.flags.checkdisable", 11, 1), ("dns.flags.rcode", 12, 4),
)  # fmt: skip
_COUNTS = ("dns.count.queries", "dns.count.answers", "dns.count.auth_rr", "dns.count.add_rr")


def read(header: Header) -> Next | None:
    """A message in a datagram."""
    return _message(header, 0)


def read_over_tcp(header: Header) -> Next | None:
    """A message in a segment, with its length before it; one that began in an earlier segment is not read."""
    size = header.number("dns.length", 0, 2)
    if size > header.rest() - 2 and size > 1 << 12:
        raise CutError
    return _message(header, 2)


def _message(header: Header, start: int) -> Next | None:
    header.number("dns.id", start, 2)
    for name, first, count in _FLAGS:
        says = {"dns.flags.rcode": RCODES, "dns.flags.opcode": _OPCODES}.get(name)
        header.bits(name, start + 2, 2, first, count, says, _direction(header, start) if first == 0 else None)
    counts = [header.number(name, start + 4 + 2 * number, 2) for number, name in enumerate(_COUNTS)]
    message = header.raw(start, header.rest() - start)
    at = _HEADER
    for _ in range(min(counts[0], _MOST_RECORDS)):
        at = _question(header, message, start, at)
    for _ in range(min(sum(counts[1:]), _MOST_RECORDS)):
        at = _record(header, message, start, at)
    return None


def _direction(header: Header, start: int) -> Means:
    return ("dns-answer" if header.raw(start + 2, 1)[0] >> 7 else "dns-question"), {}


def _class(header: Header, at: int, name: str, mark: str) -> None:
    """The class; multicast DNS has taken its first bit for a mark of its own (RFC 6762, 18.12)."""
    if header.raw(at, 1)[0] & 0x80 and int.from_bytes(header.raw(at, 2), "big") & 0x7FFF in _CLASSES:
        header.bits(mark, at, 2, 0, 1)
        header.bits(name, at, 2, 1, 15, _CLASSES)
    else:
        header.number(name, at, 2, _CLASSES)


def _name(header: Header, message: bytes, start: int, at: int, name: str) -> int:
    found = name_at(message, at)
    if found is None:
        raise CutError
    header.text(name, start + at, found[1] - at, found[0] or ".")
    return found[1]


def _question(header: Header, message: bytes, start: int, at: int) -> int:
    at = _name(header, message, start, at, "dns.qry.name")
    header.number("dns.qry.type", start + at, 2, TYPES)
    _class(header, start + at + 2, "dns.qry.class", "dns.qry.qu")
    return at + 4


def _record(header: Header, message: bytes, start: int, at: int) -> int:
    at = _name(header, message, start, at, "dns.resp.name")
    kind = header.number("dns.resp.type", start + at, 2, TYPES)
    if type_name(kind) == "OPT":
        header.number("dns.rr.udp_payload_size", start + at + 2, 2)
        header.number("dns.resp.ext_rcode", start + at + 4, 1)
        header.number("dns.resp.edns0_version", start + at + 5, 1)
        header.bits("dns.resp.z.do", start + at + 6, 2, 0, 1)
    else:
        _class(header, start + at + 2, "dns.resp.class", "dns.resp.cache_flush")
        seconds = int.from_bytes(header.raw(start + at + 4, 4), "big")
        header.number("dns.resp.ttl", start + at + 4, 4, None, ("seconds", {"lasting_ns": seconds * 1_000_000_000}))
    size = header.number("dns.resp.len", start + at + 8, 2)
    header.raw(start + at + 10, size)
    if size:
        name = {1: "dns.a", 28: "dns.aaaa", 5: "dns.cname"}.get(kind, "dns.resp.data")
        header.text(name, start + at + 10, size, value_text(message, kind, at + 10, size))
    return at + 10 + size
