"""A DHCP message field by field, for whoever looks at one frame (RFC 2131, 2132)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text
from explain.decode.dissect.field import CutError, Next
from explain.exchanges.dhcp import options as dhcp_options
from explain.exchanges.dhcp.message import octets_text

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_FIXED = 236
_PAD, _END = 0, 255
_MOST_OPTIONS = 128
_ADDRESSES = (("dhcp.ip.client", 12), ("dhcp.ip.your", 16), ("dhcp.ip.server", 20), ("dhcp.ip.relay", 24))


def read(header: Header) -> Next | None:
    """The fixed part, then every option with its name and its value."""
    header.number("dhcp.type", 0, 1, {1: "request", 2: "reply"})
    header.number("dhcp.hw.type", 1, 1, {1: "Ethernet"})
    size = header.number("dhcp.hw.len", 2, 1)
    header.number("dhcp.hops", 3, 1)
    header.number("dhcp.id", 4, 4)
    header.number("dhcp.secs", 8, 2)
    header.bits("dhcp.flags.bc", 10, 2, 0, 1)
    for name, at in _ADDRESSES:
        header.text(name, at, 4, ipv4_text(header.raw(at, 4)))
    hardware = header.raw(28, min(size, 16))
    if hardware:
        header.text("dhcp.hw.mac_addr", 28, len(hardware), hardware.hex(":"))
    for name, at, width in (("dhcp.server", 44, 64), ("dhcp.file", 108, 128)):
        text = octets_text(header.raw(at, width).split(b"\0")[0])
        header.text(name, at, width, text)
    header.raw(0, _FIXED)
    if header.rest() < _FIXED + 4:
        return None
    header.number("dhcp.cookie", _FIXED, 4)
    _options(header)
    return None


def _options(header: Header) -> None:
    at = _FIXED + 4
    for _ in range(_MOST_OPTIONS):
        if at >= header.rest():
            return
        code = header.raw(at, 1)[0]
        if code == _END:
            header.text("dhcp.option.end", at, 1, "")
            _padding(header, at + 1)
            return
        if code == _PAD:
            at += 1
            continue
        if at + 2 > header.rest():
            raise CutError
        size = header.raw(at + 1, 1)[0]
        octets = header.raw(at + 2, size)
        name = f"dhcp.option.{dhcp_options.name(code)}"
        header.note(name, at, 2 + size, dhcp_options.value(code, octets), str(code), None)
        at += 2 + size


def _padding(header: Header, at: int) -> None:
    """Zeros behind the end: relays and clients may expect 300 octets (RFC 1542, 2.1)."""
    size = header.rest() - at
    if size > 0 and not any(header.octets[header.at + at : header.end]):
        header.raw(at, size)
        header.note("dhcp.option.padding", at, size, size, None, None)
