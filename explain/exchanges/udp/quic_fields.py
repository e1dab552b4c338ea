"""A packet of QUIC field by field, as far as it is not encrypted (RFC 9000, 17.2; 9369, 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.decode.contents import are_quic
from explain.decode.dissect.field import CutError, Next
from explain.exchanges.udp.quic import kinds_of, version_name

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_LONG, _FIXED = 0x80, 0x40
_FORMS = {0: "short", 1: "long"}
_LONGEST_ID, _TAG = 20, 16
_MOST_VERSIONS = 16
_SHOWN = 32  # octets of a token
_BEHIND = {"is_behind_quic": True}


def read(header: Header) -> Next | None:
    """One packet; the next one of the datagram follows it."""
    first, version = header.octets[header.at], header.octets[header.at + 1 : header.at + 5]
    is_long = bool(first & _LONG) and _is_known(version)
    if not is_long and (first & (_LONG | _FIXED) != _FIXED or not header.context.get("is_behind_quic")):
        return Next("data", header.at, header.said_end, header.context)
    header.bits("quic.header_form", 0, 1, 0, 1, _FORMS)
    header.bits("quic.fixed_bit", 0, 1, 1, 1)
    if not is_long:
        _encrypted(header, 1, header.said_end - header.at - 1)
        return None
    return _long(header, int.from_bytes(version, "big"))


def _is_known(version: bytes) -> bool:
    return len(version) == 4 and bool(are_quic(np.frombuffer(version, "<u4").astype(np.uint32))[0])


def _long(header: Header, version: int) -> Next | None:
    kind = ""
    if version:
        kinds = kinds_of(version)
        kind = kinds[header.bits("quic.long.packet_type", 0, 1, 2, 2, dict(enumerate(kinds)))]
    header.number("quic.version", 1, 4, version_name(version) if version else "negotiation")
    at = 5
    for length, name in (("quic.dcil", "quic.dcid"), ("quic.scil", "quic.scid")):
        size = header.number(length, at, 1)
        if size > _LONGEST_ID:
            raise CutError
        if size:
            header.text(name, at + 1, size, header.raw(at + 1, size).hex())
        at += 1 + size
    if not version:
        for one in range(at, min(header.rest() - 3, at + 4 * _MOST_VERSIONS), 4):
            header.number("quic.supported_version", one, 4, version_name(int.from_bytes(header.raw(one, 4), "big")))
        return None
    if kind == "retry":
        tag = header.rest() - _TAG
        _token(header, "quic.retry_token", at, tag - at)
        header.text("quic.retry_integrity_tag", tag, _TAG, header.raw(tag, _TAG).hex())
        return None
    if kind == "initial":
        size, at = _number(header, "quic.token_length", at)
        _token(header, "quic.token", at, size)
        at += size
    size, at = _number(header, "quic.length", at)
    _encrypted(header, at, size)
    after = header.at + at + size
    return Next("quic", after, header.said_end, {**header.context, **_BEHIND}) if after < header.said_end else None


def _number(header: Header, name: str, at: int) -> tuple[int, int]:
    """A number of 1, 2, 4 or 8 octets, as its first two bits say, and where it ends (RFC 9000, 16)."""
    size = 1 << (header.raw(at, 1)[0] >> 6)
    value = int.from_bytes(header.raw(at, size), "big") & (1 << 8 * size - 2) - 1
    header.note(name, at, size, value, None, None)
    return value, at + size


def _token(header: Header, name: str, at: int, size: int) -> None:
    if size > 0:
        octets = header.raw(at, size)
        header.text(name, at, size, octets[:_SHOWN].hex() + (".." if size > _SHOWN else ""))


def _encrypted(header: Header, at: int, size: int) -> None:
    """What nobody can read here, as far as it was captured."""
    have = min(size, header.rest() - at)
    if have > 0:
        header.raw(at, have)
        header.note("quic.remaining_payload", at, have, have, None, ("octets", {"octets": have}))
    if have < size:
        raise CutError
