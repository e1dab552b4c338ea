"""The resource records of a DNS message (RFC 1035; 3596 for AAAA, 9460 for HTTPS and SVCB)."""

from __future__ import annotations

import struct

from explain.exchanges.dns.message import name_at, type_name
from explain.exchanges.dns.values import value_text
from explain.record import dataclass

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHIH")
MOST_RECORDS = 256
_OPT = 41
EXTENDED_ERROR = b"\0\x0f"
"""The number of that option."""
_REASONS = {
    0: "Other", 1: "Unsupported DNSKEY Algorithm", 2: "Unsupported DS Digest Type", 3: "Stale Answer",
    4: "Forged Answer", 5: "DNSSEC Indeterminate", 6: "DNSSEC Bogus", 7: "Signature Expired",
    8: "Signature Not Yet Valid", 9: "DNSKEY Missing", 10: "RRSIGs Missing", 11: "No Zone Key Bit Set",
    12: "NSEC Missing", 13: "Cached Error", 14: "Not Ready", 15: "Blocked", 16: "Censored", 17: "Filtered",
    18: "Prohibited", 19: "Stale NXDomain Answer", 20: "Not Authoritative", 21: "Not Supported",
    22: "No Reachable Authority", 23: "Network Error", 24: "Invalid Data", 25: "Signature Expired before Valid",
    26: "Too Early", 27: "Unsupported NSEC3 Iterations Value", 28: "Unable to conform to policy", 29: "Synthesized",
}  # fmt: skip
KEPT_BACK = tuple(_REASONS[code] for code in (15, 16, 17, 18))
"""What a server says that denies a name because of a rule. Source: RFC 8914, section 4; the registry at IANA."""


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


def reasons(message: bytes) -> tuple[str, ...]:
    """Why it ended so, as the server says it in extended errors, with the text that it adds (RFC 8914, 2)."""
    options = [
        option for _, kind, _, at, size in _spots(message, 2) if kind == _OPT for option in _options(message, at, size)
    ]
    return tuple(_reason(said) for option, said in options if option == EXTENDED_ERROR and len(said) > 1)


def _options(message: bytes, at: int, size: int) -> list[tuple[bytes, bytes]]:
    """Number and value of each option of an OPT record (RFC 6891, 6.1.2)."""
    end = at + size
    found: list[tuple[bytes, bytes]] = []
    while at + 4 <= end:
        length = int.from_bytes(message[at + 2 : at + 4], "big")
        found.append((message[at : at + 2], message[at + 4 : min(at + 4 + length, end)]))
        at += 4 + length
    return found


def _reason(said: bytes) -> str:
    code, text = int.from_bytes(said[:2], "big"), said[2:].rstrip(b"\0").decode("utf-8", "backslashreplace")
    return _REASONS.get(code, str(code)) + (f': "{text}"' if text else "")


def _records(message: bytes, first: int, last: int | None = None) -> list[Record]:
    """The records of some sections as far as they can be read; at most 256, those before them too."""
    if len(message) < _HEADER.size:
        return []
    before = sum(_HEADER.unpack_from(message)[3 : 3 + first])
    spots = _spots(message, first if last is None else last)[before:]
    return [
        Record(name, type_name(kind), ttl, value_text(message, kind, at, size)) for name, kind, ttl, at, size in spots
    ]


def _spots(message: bytes, last: int) -> list[tuple[str, int, int, int, int]]:
    """Name, type, time to live, place and size of each record up to the end of a section, as far as it can be read."""
    if len(message) < _HEADER.size:
        return []
    at = _questions(message)[1]
    found: list[tuple[str, int, int, int, int]] = []
    for _ in range(min(sum(_HEADER.unpack_from(message)[3 : 4 + last]), MOST_RECORDS)):
        named = name_at(message, at)
        if named is None or named[1] + 10 > len(message):
            break
        kind, _, ttl, size = _RECORD.unpack_from(message, named[1])
        start = named[1] + 10
        if start + size > len(message):
            break
        found.append((named[0], kind, ttl, start, size))
        at = start + size
    return found
