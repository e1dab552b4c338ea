"""What a DHCP message for IPv4 says (RFC 2131, 2132; 3396 for long options; 951 for BOOTP).

Every octet is read at most once for each of the three places where options may stand, so the
work is bounded by what was captured.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPES = {
    1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM",
    9: "FORCERENEW", 10: "LEASEQUERY", 11: "LEASEUNASSIGNED", 12: "LEASEUNKNOWN", 13: "LEASEACTIVE",
}  # fmt: skip
"""Message types of option 53 (RFC 2132, 9.6; 3203; 4388)."""

MASK, ROUTER, DNS, HOSTNAME, DOMAIN = 1, 3, 6, 12, 15
TFTP_SERVER, BOOT_FILE = 66, 67
REQUESTED, LEASE, OVERLOAD, TYPE, SERVER, MESSAGE = 50, 51, 52, 53, 54, 56
RENEWAL, REBINDING, VENDOR_CLASS = 58, 59, 60
FOREVER = 0xFFFFFFFF
"""A lease without an end (RFC 2131, 3.3)."""

_FIXED = struct.Struct(">BBBBIHHIIII16s")
_FIXED_SIZE = 236
_COOKIE = b"\x63\x82\x53\x63"
_SERVER_NAME, _FILE = slice(44, 108), slice(108, 236)
_PAD, _END = 0, 255
_IN_FILE, _IN_SERVER_NAME = 1, 2
_LONGEST_HARDWARE = 16
_BROADCAST = 0x8000


class DhcpMessage(NamedTuple):
    """One message.

    Attributes:
        is_reply: from a server (op 2).
        kind: as in ``TYPES``; ``BOOTREQUEST`` or ``BOOTREPLY`` without option 53, ``TYPE14`` for an unknown one.
        client_ip, your_ip, next_server, relay: ciaddr, yiaddr, siaddr, giaddr as numbers; 0 is none.
        hardware: the client's hardware address, as many octets as it says.
        is_broadcast: the client asks for answers to everybody (RFC 2131, 4.1).
        boot_file: the name in the field ``file``, where that holds no options; empty if none.
        options: what stands behind each code, parts of a long one joined (RFC 3396).
        notes: what is odd: ``cut``, ``overrun``, ``no-end``, ``overload``, ``bootp``.
    """

    is_reply: bool
    kind: str
    xid: int
    seconds: int
    is_broadcast: bool
    client_ip: int
    your_ip: int
    next_server: int
    relay: int
    hops: int
    hardware: bytes
    boot_file: bytes
    options: Mapping[int, bytes]
    notes: tuple[str, ...]

    def number(self, code: int) -> int | None:
        """An option of four octets as a number: an address or a time in seconds; None if it is not there so."""
        value = self.options.get(code)
        return int.from_bytes(value, "big") if value is not None and len(value) == 4 else None

    def numbers(self, code: int) -> tuple[int, ...]:
        """An option that is a list of addresses; a rest of less than four octets is left out."""
        value = self.options.get(code, b"")
        return tuple(int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value) - 3, 4))

    def text(self, code: int) -> str | None:
        """An option that is text, as it stands there; None if it is not there."""
        value = self.options.get(code)
        return None if value is None else octets_text(value)


def octets_text(octets: bytes) -> str:
    r"""Text from outside; octets that are no UTF-8 as ``\\xNN``, a closing NUL left out (RFC 2132, 2)."""
    return octets.rstrip(b"\0").decode("utf-8", "backslashreplace")


def parse(octets: bytes, size: int) -> DhcpMessage | None:
    """A message from the octets that were kept of a datagram.

    Args:
        octets: the datagram's data, or its beginning.
        size: how many octets it had on the wire.

    Returns:
        None where it is no BOOTP message, or too little of it was captured to know.
    """
    if len(octets) < _FIXED_SIZE or octets[0] not in (1, 2) or octets[2] > _LONGEST_HARDWARE:
        return None
    op, _, length, hops, xid, seconds, flags, client, your, following, relay, hardware = _FIXED.unpack_from(octets)
    options: dict[int, bytes] = {}
    notes: dict[str, None] = {}
    if octets[_FIXED_SIZE : _FIXED_SIZE + 4] == _COOKIE:
        _read(octets[_FIXED_SIZE + 4 :], len(octets) < size, options, notes)
        _read_overload(octets, options, notes)
    kind = options.get(TYPE)
    if not kind:
        notes["bootp"] = None
    is_reply = op == 2
    return DhcpMessage(
        is_reply=is_reply,
        kind=_kind(kind, is_reply=is_reply),
        xid=xid,
        seconds=seconds,
        is_broadcast=flags & _BROADCAST != 0,
        client_ip=client,
        your_ip=your,
        next_server=following,
        relay=relay,
        hops=hops,
        hardware=hardware[:length],
        options=options,
        boot_file=b"" if "overload" in notes else octets[_FILE].partition(b"\0")[0],
        notes=tuple(notes),
    )


def _kind(kind: bytes | None, *, is_reply: bool) -> str:
    if not kind:
        return "BOOTREPLY" if is_reply else "BOOTREQUEST"
    return TYPES.get(kind[0]) or f"TYPE{kind[0]}"


def _read(field: bytes, is_cut: bool, options: dict[int, bytes], notes: dict[str, None]) -> None:
    """Enter the options of one field; an option that reaches beyond it is left out."""
    at, end = 0, len(field)
    while at < end:
        code = field[at]
        if code == _PAD:
            at += 1
            continue
        if code == _END:
            return
        first = at + 2
        if first > end or first + field[at + 1] > end:
            notes["cut" if is_cut else "overrun"] = None
            return
        at = first + field[at + 1]
        known = options.get(code)
        options[code] = field[first:at] if known is None else known + field[first:at]
    notes["cut" if is_cut else "no-end"] = None


def _read_overload(octets: bytes, options: dict[int, bytes], notes: dict[str, None]) -> None:
    """Options that stand in ``file`` and ``sname`` (RFC 2132, 9.3), in this order (RFC 3396, 5)."""
    overload = options.get(OVERLOAD, b"")
    if len(overload) != 1 or not overload[0] & 3:
        return
    notes["overload"] = None
    if overload[0] & _IN_FILE:
        _read(octets[_FILE], False, options, notes)
    if overload[0] & _IN_SERVER_NAME:
        _read(octets[_SERVER_NAME], False, options, notes)
