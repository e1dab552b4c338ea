"""Where a field begins in a frame: what a student counts in the octets of Wireshark's third pane."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.vocabulary import nearest
from explain.grade.language.cited import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAGS = (0x8100, 0x88A8)
_ETHERNET, _TAG = 14, 4
_TYPES = {"arp": (0x0806,), "ip": (0x0800,), "ipv6": (0x86DD,)}
_ETH = {"eth.dst": 0, "eth.src": 6}
_NETWORK: Mapping[str, int] = {
    "arp.opcode": 6, "arp.sender.mac": 8, "arp.sender.ip": 14, "arp.target.mac": 18, "arp.target.ip": 24,
    "ip.tos": 1, "ip.length": 2, "ip.id": 4, "ip.flags": 6, "ip.ttl": 8, "ip.protocol": 9, "ip.checksum": 10,
    "ip.src": 12, "ip.dst": 16, "ipv6.hop_limit": 7, "ipv6.src": 8, "ipv6.dst": 24,
}  # fmt: skip
_TRANSPORT: Mapping[str, int] = {
    "tcp.sport": 0, "tcp.dport": 2, "tcp.seq": 4, "tcp.ack": 8, "tcp.flags": 13, "tcp.window": 14, "tcp.checksum": 16,
    "udp.sport": 0, "udp.dport": 2, "udp.length": 4, "udp.checksum": 6,
    "icmp.type": 0, "icmp.code": 1, "icmp.checksum": 2, "icmp.id": 4, "icmp.seq": 6,
}  # fmt: skip
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
FIELDS = (*_ETH, "eth.type", *_NETWORK, *_TRANSPORT, "data")
"""What ``offset`` knows; ``data`` is the first octet behind TCP or UDP."""


def offset(record: Any, field: Any) -> int | None:
    """Octets from the start of the frame to a field of it, of an Ethernet frame; None where there is no such field.

    Raises:
        UsageError: there is no field of that name.
    """
    frame = _frame(record)
    return None if frame is None else offset_in(frame, known(field))


def known(field: Any) -> str:
    """A field that ``offset`` knows.

    Raises:
        UsageError: there is none of that name.
    """
    if field not in FIELDS:
        raise UsageError("rubric.offset_field", field=field, near=nearest(str(field), FIELDS))
    return str(field)


def offset_in(frame: bytes, field: str) -> int | None:
    """Where one of ``FIELDS`` begins in the octets of an Ethernet frame; None where it has no such field."""
    if field in _ETH:
        return _ETH[field]
    if len(frame) < _ETHERNET:
        return None
    at, kind = _ETHERNET, struct.unpack_from(">H", frame, 12)[0]
    while kind in _TAGS and len(frame) >= at + _TAG:
        kind, at = struct.unpack_from(">H", frame, at + 2)[0], at + _TAG
    if field == "eth.type":
        return at - 2
    if field in _NETWORK:
        return at + _NETWORK[field] if kind in _TYPES[field.partition(".")[0]] else None
    return _behind(frame, at, kind, field)


def ether_type(record: Any) -> int | None:
    """The EtherType of a frame, behind its VLAN tags; None if it was not recorded as an Ethernet frame."""
    at, frame = offset(record, "eth.type"), _frame(record)
    return None if at is None or frame is None else int(struct.unpack_from(">H", frame, at)[0])


def _frame(record: Any) -> bytes | None:
    rows = rows_of(record)
    frame = rows[0][0].octets(rows[0][1]) if rows else None
    return frame if frame is not None and len(frame) >= _ETHERNET else None


def _behind(frame: bytes, at: int, kind: int, field: str) -> int | None:
    """A field of layer 4; its packet has no extension headers where it is one of IPv6."""
    if len(frame) < at + 20 or kind not in (0x0800, 0x86DD):
        return None
    is_v6 = kind != 0x0800
    protocol, start = (frame[at + 6], at + 40) if is_v6 else (frame[at + 9], at + (frame[at] & 15) * 4)
    if field != "data":
        return start + _TRANSPORT[field] if protocol == _PROTOCOLS[field.partition(".")[0]] else None
    if protocol == _PROTOCOLS["tcp"] and len(frame) > start + 12:
        return start + (frame[start + 12] >> 4) * 4
    return start + 8 if protocol == _PROTOCOLS["udp"] else None
