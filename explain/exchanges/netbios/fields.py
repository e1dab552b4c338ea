"""A message of the NetBIOS name service field by field, for whoever looks at one frame (RFC 1002, 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect.field import CutError
from explain.exchanges.netbios import ADDRESSES, STATUS, name_at, name_text

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header, Next

_OPCODES = {
    0: "query", 5: "registration", 6: "release", 7: "wait for acknowledgement", 8: "refresh", 9: "refresh",
    15: "registration of a host with several addresses",
}  # fmt: skip
_RCODES = {
    0: "no error", 1: "FMT_ERR", 2: "SRV_ERR", 3: "NAM_ERR", 4: "IMP_ERR", 5: "RFS_ERR", 6: "ACT_ERR", 7: "CFT_ERR",
}  # fmt: skip
_TYPES = {1: "A", 2: "NS", 10: "NULL", ADDRESSES: "NB", STATUS: "NBSTAT"}
_CLASSES = {1: "IN"}
_NODES = {0: "B-node", 1: "P-node", 2: "M-node", 3: "H-node"}
_FLAGS = (
    ("response", 0, 1, None), ("opcode", 1, 4, _OPCODES), ("authoritative", 5, 1, None), ("truncated", 6, 1, None),
    ("recdesired", 7, 1, None), ("recavail", 8, 1, None), ("broadcast", 11, 1, None), ("rcode", 12, 4, _RCODES),
)  # fmt: skip
_OF_A_NAME = ("drg", 3), ("cnf", 4), ("act", 5), ("prm", 6)
_COUNTS = ("queries", "answers", "auth_rr", "add_rr")
_HEADER, _ENTRY, _NAME = 12, 18, 16
_POINTER = 0xC0
_MOST = 64


def read(header: Header) -> Next | None:
    """A message in a datagram."""
    header.number("nbns.id", 0, 2)
    for name, first, count, says in _FLAGS:
        header.bits(f"nbns.flags.{name}", 2, 2, first, count, says)
    counts = [header.number(f"nbns.count.{name}", 4 + 2 * number, 2) for number, name in enumerate(_COUNTS)]
    message = header.raw(0, header.rest())
    at = _HEADER
    for _ in range(min(counts[0], _MOST)):
        at = _kind(header, _name(header, message, at))
    for _ in range(min(sum(counts[1:]), _MOST)):
        at = _record(header, message, at)
    return None


def _name(header: Header, message: bytes, at: int) -> int:
    """A name, spelled out or by pointing back at one that is; where it ends."""
    is_pointer = at + 1 < len(message) and message[at] >= _POINTER
    start = int.from_bytes(message[at : at + 2], "big") & 0x3FFF if is_pointer else at
    found = name_at(message, start) if start < len(message) else None
    if found is None:
        raise CutError
    end = at + 2 if is_pointer else found[1]
    header.text("nbns.name", at, end - at, found[0])
    return end


def _kind(header: Header, at: int) -> int:
    header.number("nbns.type", at, 2, _TYPES)
    header.number("nbns.class", at + 2, 2, _CLASSES)
    return at + 4


def _record(header: Header, message: bytes, at: int) -> int:
    at = _name(header, message, at)
    kind = int.from_bytes(header.raw(at, 2), "big")
    at = _kind(header, at)
    seconds = int.from_bytes(header.raw(at, 4), "big")
    header.number("nbns.ttl", at, 4, None, ("seconds", {"lasting_ns": seconds * 1_000_000_000}))
    size = header.number("nbns.data_length", at + 4, 2)
    first, end = at + 6, at + 6 + size
    header.raw(first, size)
    if kind == ADDRESSES and size % 6 == 0:
        for one in range(first, end, 6):
            _flags_of_a_name(header, one, "nbns.nb_flags")
            header.text("nbns.addr", one + 2, 4, ".".join(map(str, header.raw(one + 2, 4))))
    elif kind == STATUS and size:
        _list(header, first, end)
    elif size:
        header.text("nbns.data", first, size, header.raw(first, size).hex())
    return end


def _flags_of_a_name(header: Header, at: int, name: str) -> None:
    header.bits(f"{name}.group", at, 2, 0, 1)
    header.bits(f"{name}.ont", at, 2, 1, 2, _NODES)


def _list(header: Header, first: int, end: int) -> None:
    """All names of a host, and behind them its MAC and what it has counted (RFC 1002, 4.2.18)."""
    count = header.number("nbns.number_of_names", first, 1)
    at = first + 1
    for _ in range(min(count, (end - at) // _ENTRY)):
        header.text("nbns.netbios_name", at, _NAME, name_text(header.raw(at, _NAME)))
        _flags_of_a_name(header, at + _NAME, "nbns.name_flags")
        for name, bit in _OF_A_NAME:
            header.bits(f"nbns.name_flags.{name}", at + _NAME, 2, bit, 1)
        at += _ENTRY
    if end - at >= 6:
        header.text("nbns.unit_id", at, 6, header.raw(at, 6).hex(":"))
