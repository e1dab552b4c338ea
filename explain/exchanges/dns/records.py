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


def _records(message: bytes, section: int) -> list[Record]:
    """The records of a section behind the question as far as they can be read; at most 256, those before it too."""
    if len(message) < _HEADER.size:
        return []
    _, _, questions, *counts = _HEADER.unpack_from(message)
    at = _HEADER.size
    for _ in range(min(questions, MOST_RECORDS)):
        named = name_at(message, at)
        if named is None:
            return []
        at = named[1] + 4
    before = sum(counts[:section])
    found: list[Record] = []
    for _ in range(min(before + counts[section], MOST_RECORDS)):
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
