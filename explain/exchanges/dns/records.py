"""The resource records of a DNS message (RFC 1035; 3596 for AAAA, 9460 for HTTPS and SVCB)."""

from __future__ import annotations

import struct

from explain.exchanges.dns.message import name_at, type_name
from explain.exchanges.dns.values import value_text
from explain.record import dataclass

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHIH")
MOST_RECORDS = 256


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record; ``value`` as people write it."""

    name: str
    type: str
    ttl: int
    value: str


def answers(message: bytes) -> tuple[Record, ...]:
    """The answer section as far as it can be read; at most 256 records."""
    return tuple(_records(message, 0))


def referral(message: bytes) -> tuple[Record, ...]:
    """Whom a server without an answer names as those who know more; empty where it says that there is no record.

    Source: RFC 2308 section 2.2: a SOA record says that there is none, and without it NS records refer.
    """
    if int.from_bytes(message[6:8], "big") or denies(message):
        return ()
    return tuple(record for record in _records(message, 1) if record.type == "NS")


def denies(message: bytes) -> bool:
    """Whether a server says that there is no more than the answers (RFC 2308, 2)."""
    return any(record.type == "SOA" for record in _records(message, 1))


def everywhere(message: bytes) -> list[Record]:
    """The records of all sections, but for those about the message itself (RFC 6891, 6.1.1)."""
    return [record for record in _records(message, 0, 2) if record.type != "OPT"]


def proposed(message: bytes) -> set[str]:
    """The names that who asks wants for itself: it shows the records that it would give them (RFC 6762, 8.2)."""
    return {record.name for record in _records(message, 1)}


def questions(message: bytes) -> list[tuple[str, str]]:
    """Name and type of each question as far as they can be read; at most 256."""
    return _questions(message)[0] if len(message) >= _HEADER.size else []


def _questions(message: bytes) -> tuple[list[tuple[str, str]], int]:
    """The questions, and where they end; the end of the message where one is broken."""
    at = _HEADER.size
    found: list[tuple[str, str]] = []
    for _ in range(min(_HEADER.unpack_from(message)[2], MOST_RECORDS)):
        named = name_at(message, at)
        if named is None or named[1] + 4 > len(message):
            return found, len(message)
        found.append((named[0], type_name(int.from_bytes(message[named[1] : named[1] + 2], "big"))))
        at = named[1] + 4
    return found, at


def _records(message: bytes, first: int, last: int | None = None) -> list[Record]:
    """The records of some sections as far as they can be read; at most 256, those before them too."""
    if len(message) < _HEADER.size:
        return []
    counts = _HEADER.unpack_from(message)[3:]
    at = _questions(message)[1]
    before, end = sum(counts[:first]), sum(counts[: (first if last is None else last) + 1])
    found: list[Record] = []
    for _ in range(min(end, MOST_RECORDS)):
        named = name_at(message, at)
        if named is None or named[1] + 10 > len(message):
            break
        kind, _, ttl, size = _RECORD.unpack_from(message, named[1])
        start = named[1] + 10
        if start + size > len(message):
            break
        found.append(Record(named[0], type_name(kind), ttl, value_text(message, kind, start, size)))
        at = start + size
    return found[before:]
