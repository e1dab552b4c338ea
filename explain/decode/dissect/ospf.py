"""OSPF: routers greet each other, and tell which networks they reach (RFC 2328, A.3; 5340, A.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text
from explain.decode.dissect.field import Next

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_HELLO, _V2, _V3 = 1, 2, 3
_TYPES = {_HELLO: "Hello", 2: "DB Description", 3: "LS Request", 4: "LS Update", 5: "LS Acknowledge"}
_AUTHENTICATION = {0: "none", 1: "password", 2: "cryptographic"}
_HEADER = {_V2: 24, _V3: 16}
_NUMBERS = {
    _V2: (("hello_interval", 28, 2), ("router_priority", 31, 1), ("router_dead_interval", 32, 4)),
    _V3: (("router_priority", 20, 1), ("hello_interval", 24, 2), ("router_dead_interval", 26, 2)),
}  # fmt: skip
_ROUTERS = {_V2: 36, _V3: 28}  # where the two chosen ones stand, and behind them the neighbours
_MOST = 32  # neighbours


def ospf(header: Header) -> Next | None:
    """The header and the greeting."""
    version = header.number("ospf.version", 0, 1)
    kind = header.number("ospf.msg", 1, 1, _TYPES)
    length = header.number("ospf.packet_length", 2, 2)
    header.text("ospf.srcrouter", 4, 4, ipv4_text(header.raw(4, 4)))
    header.text("ospf.area_id", 8, 4, ipv4_text(header.raw(8, 4)))
    header.number("ospf.checksum", 12, 2)
    if version == _V2:
        header.number("ospf.auth.type", 14, 2, _AUTHENTICATION)
    header.raw(0, _HEADER.get(version, 16))
    if kind == _HELLO and version in _NUMBERS:
        _hello(header, version, min(length, header.rest()))
        return None
    end = min(header.at + length, header.said_end)
    return Next("data", header.at + header.size, end) if end > header.at + header.size else None


def _hello(header: Header, version: int, length: int) -> None:
    if version == _V2:
        header.text("ospf.hello.network_mask", 24, 4, ipv4_text(header.raw(24, 4)))
    for name, at, size in _NUMBERS[version]:
        header.number(f"ospf.hello.{name}", at, size)
    first = _ROUTERS[version]
    for name, at in (("designated_router", first), ("backup_designated_router", first + 4)):
        router = header.raw(at, 4)
        header.text(f"ospf.hello.{name}", at, 4, ipv4_text(router), None if any(router) else ("ospf-nobody", {}))
    for at in range(first + 8, min(length, first + 8 + 4 * _MOST) - 3, 4):
        header.text("ospf.hello.active_neighbor", at, 4, ipv4_text(header.raw(at, 4)))
