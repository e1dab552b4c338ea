"""LLDP: who stands at the other end of a cable (IEEE 802.1AB-2016, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text, ipv6_text

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_END, _CHASSIS, _PORT, _TTL, _CAPABILITIES, _MANAGEMENT, _OF_MAKER = 0, 1, 2, 3, 7, 8, 127
_TYPES = {
    _END: "end", _CHASSIS: "chassis id", _PORT: "port id", _TTL: "time to live", 4: "port description",
    5: "system name", 6: "system description", _CAPABILITIES: "system capabilities", _MANAGEMENT: "management address",
    _OF_MAKER: "organization's own",
}  # fmt: skip
_TEXTS = {4: "lldp.port.desc", 5: "lldp.tlv.system.name", 6: "lldp.tlv.system.desc"}
_CHASSIS_KINDS = {
    1: "chassis component", 2: "interface alias", 3: "port component", 4: "MAC address", 5: "network address",
    6: "interface name", 7: "local",
}  # fmt: skip
_PORT_KINDS = {
    1: "interface alias", 2: "port component", 3: "MAC address", 4: "network address", 5: "interface name",
    6: "circuit id", 7: "local",
}  # fmt: skip
_IDS = {
    _CHASSIS: ("lldp.chassis", _CHASSIS_KINDS, "MAC address"),
    _PORT: ("lldp.port", _PORT_KINDS, "MAC address"),
}  # fmt: skip
_ROLES = ("other", "repeater", "bridge", "WLAN access point", "router", "telephone", "DOCSIS device", "station")
_FAMILIES = {1: ("ip4", 4, ipv4_text), 2: ("ip6", 16, ipv6_text)}
_MAC_SIZE = 6
_MOST = 64


def lldp(header: Header) -> None:
    """One fact after the other, each with its type and length."""
    at = 0
    for _ in range(_MOST):
        if at + 2 > header.rest():
            return
        kind = header.bits("lldp.tlv.type", at, 2, 0, 7, _TYPES)
        size = header.bits("lldp.tlv.len", at, 2, 7, 9)
        header.raw(at + 2, size)
        _fact(header, kind, at + 2, size)
        at += 2 + size
        if kind == _END:
            return


def _fact(header: Header, kind: int, at: int, size: int) -> None:
    if kind in _IDS and size > 1:
        _identity(header, kind, at, size)
    elif kind == _TTL and size >= 2:
        seconds = int.from_bytes(header.raw(at, 2), "big")
        header.number("lldp.time_to_live", at, 2, None, None if seconds else ("lldp-gone", {}))
    elif kind in _TEXTS:
        header.text(_TEXTS[kind], at, size, _text(header.raw(at, size)))
    elif kind == _CAPABILITIES and size >= 4:
        for place, name in ((at, "lldp.tlv.system_cap"), (at + 2, "lldp.tlv.enable_system_cap")):
            roles = int.from_bytes(header.raw(place, 2), "big")
            header.number(
                name, place, 2, ", ".join(one for bit, one in enumerate(_ROLES) if roles >> bit & 1) or "none"
            )
    elif kind == _MANAGEMENT and size > 2:
        length, family = header.raw(at, 2)
        name, octets, text = _FAMILIES.get(family, ("", 0, None))
        if text and length == octets + 1:
            header.text(f"lldp.mgn.addr.{name}", at + 2, octets, text(header.raw(at + 2, octets)))
    elif kind == _OF_MAKER and size >= 4:
        header.number("lldp.orgtlv.oui", at, 3)
        header.number("lldp.orgtlv.subtype", at + 3, 1)


def _identity(header: Header, kind: int, at: int, size: int) -> None:
    """The name of the device, or of its port, and what kind of name that is."""
    prefix, kinds, mac = _IDS[kind]
    subtype = header.number(f"{prefix}.subtype", at, 1, kinds)
    name = header.raw(at + 1, size - 1)
    is_mac = kinds.get(subtype) == mac and len(name) == _MAC_SIZE
    header.text(f"{prefix}.id{'.mac' if is_mac else ''}", at + 1, size - 1, name.hex(":") if is_mac else _text(name))


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("utf-8", "backslashreplace")
