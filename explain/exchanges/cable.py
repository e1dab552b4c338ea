"""What devices tell their neighbour on the cable of themselves: LLDP and CDP; and how LACP bundles cables.

Source: IEEE 802.1AB-2016, 8; IEEE 802.1AX-2014, 6.4.2.3; of CDP what Cisco has published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.addresses import ipv4_text, ipv6_text, mac_text
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from explain.table import PacketTable

BUNDLED, WAITING, ALONE = "bundled", "waiting", "alone"
"""A port that carries traffic of a bundle, one that does not yet, one that hears nobody."""

_HEAD_CDP, _TLV_CDP = 12, 4  # SNAP, version, lifetime and checksum; type and length
_SIZE_LACP, _LACP, _ACTOR, _PARTNER = 42, 1, 2, 22
_CARRIES, _DEFAULTED, _EXPIRED = 0x38, 0x40, 0x80  # in sync, collecting and distributing; hears nobody any more


class Device(NamedTuple):
    """Who says what of itself; None or empty of what was not said.

    Attributes:
        lifetime_s: how long neighbours may keep it; 0 takes it back.
        native_vlan: the VLAN of frames without a tag.
        is_full: duplex.
    """

    mac: str
    place: int
    name: str
    port: str
    kind: str
    address: str
    native_vlan: int | None
    is_full: bool | None
    lifetime_s: int
    rows: tuple[int, ...]


class Member(NamedTuple):
    """A port that LACP speaks of, as it said last; the partner's as the port knows it."""

    system: str
    port: int
    partner: str
    partner_port: int
    state: str
    rows: tuple[int, ...]


def devices(table: PacketTable, protocol: str) -> list[Device]:
    """Each device and port, once for each thing that it says.

    Args:
        table: with what was kept of both protocols.
        protocol: ``lldp`` or ``cdp``.
    """
    found: dict[Device, list[int]] = {}
    kept = table.contents[protocol]
    for row, octets in zip(kept.row, kept.octets, strict=True):
        said = (_lldp if protocol == "lldp" else _cdp)(octets)
        if said is not None:
            mac = mac_text(int(table.links.source[table.link[row]]))
            found.setdefault(said._replace(mac=mac, place=int(table.place[row])), []).append(row)
    return [one._replace(rows=tuple(rows)) for one, rows in found.items()]


def bundle(table: PacketTable) -> list[Member]:
    """Each port of which LACP speaks."""
    found: dict[tuple[str, int], tuple[Member, list[int]]] = {}
    kept = table.contents["slow"]
    for row, octets in zip(kept.row, kept.octets, strict=True):
        if len(octets) >= _SIZE_LACP and octets[0] == _LACP and (octets[_ACTOR], octets[_PARTNER]) == (1, 2):
            (system, port, state), (partner, far, _) = _side(octets, _ACTOR), _side(octets, _PARTNER)
            is_alone = state & (_DEFAULTED | _EXPIRED) or not partner.strip("0:")
            state_name = ALONE if is_alone else BUNDLED if state & _CARRIES == _CARRIES else WAITING
            rows = found.get((system, port), (None, []))[1]
            rows.append(row)
            found[system, port] = Member(system, port, partner, far, state_name, ()), rows
    return [one._replace(rows=tuple(rows)) for one, rows in found.values()]


def _side(octets: bytes, at: int) -> tuple[str, int, int]:
    """System, port and state of one side."""
    return octets[at + 4 : at + 10].hex(":"), int.from_bytes(octets[at + 14 : at + 16], "big"), octets[at + 16]


def _facts(octets: bytes, at: int, head: Callable[[int], tuple[int, int, int]]) -> Iterator[tuple[int, bytes]]:
    """Type and value of one fact after the other; the last may be cut."""
    while at + 2 <= len(octets):
        kind, skip, size = head(at)
        yield kind, octets[at + skip : at + skip + size]
        at += skip + max(size, 0)


def _lldp(octets: bytes) -> Device | None:
    facts: dict[int, bytes] = {}
    for kind, value in _facts(octets, 0, lambda at: (octets[at] >> 1, 2, (octets[at] & 1) << 8 | octets[at + 1])):
        if kind == 0:
            break
        facts.setdefault(kind, value)
    if len(facts.get(1, b"")) < 2 or len(facts.get(2, b"")) < 2 or len(facts.get(3, b"")) < 2:
        return None
    (chassis, by), (port, port_by) = ((facts[at][1:], facts[at][0]) for at in (1, 2))
    name = _text(facts.get(5, b"")) or _identity(chassis, is_mac=by == 4, is_address=by == 5)
    said = _identity(port, is_mac=port_by == 3, is_address=port_by == 4)
    note = _text(facts.get(4, b""))
    lifetime = int.from_bytes(facts[3][:2], "big")
    port_name = f"{said} ({note})" if note and note != said else said
    return Device(
        "", 0, name, port_name, _text(facts.get(6, b"")), _managed(facts.get(8, b"")), None, None, lifetime, ()
    )


def _identity(value: bytes, *, is_mac: bool, is_address: bool) -> str:
    if is_mac and len(value) == 6:
        return value.hex(":")
    return _managed(bytes((len(value),)) + value) if is_address else _text(value)


def _managed(value: bytes) -> str:
    """An address behind its length and family."""
    size, family = (value[0], value[1]) if len(value) > 1 else (0, 0)
    octets = value[2 : 1 + size]
    if (family, len(octets)) == (1, 4):
        return ipv4_text(octets)
    return ipv6_text(octets) if (family, len(octets)) == (2, 16) else ""


def _cdp(octets: bytes) -> Device | None:
    def head(at: int) -> tuple[int, int, int]:
        kind, size = (int.from_bytes(octets[at + skip : at + skip + 2], "big") for skip in (0, 2))
        return kind, _TLV_CDP, size - _TLV_CDP if size >= _TLV_CDP else len(octets)

    facts = dict(_facts(octets, _HEAD_CDP, head))
    if 1 not in facts or 3 not in facts:
        return None
    vlan, duplex, address = facts.get(10, b""), facts.get(11, b""), facts.get(2, b"")
    # One address: how many there are, kind of protocol and its length and number, the size of the address.
    is_ipv4 = address[4:9] == b"\x01\x01\xcc\0\x04" and any(address[9:13])
    return Device(
        "", 0, _text(facts[1]), _text(facts[3]), _text(facts.get(6, b"")),
        ipv4_text(address[9:13]) if is_ipv4 and len(address) >= 13 else "",
        int.from_bytes(vlan, "big") if len(vlan) == 2 else None, bool(duplex[0]) if duplex else None, octets[9], (),
    )  # fmt: skip


def _text(octets: bytes) -> str:
    """The first line of it."""
    return next(iter(octets.rstrip(b"\0").decode("utf-8", "backslashreplace").strip().splitlines()), "")
