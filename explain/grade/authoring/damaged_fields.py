"""A good capture in which somebody has another address, or a field says something else; checksums stay right."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from explain.decode.anonymise.frames import adjust
from explain.grade.authoring.renaming import Instead, packed, renamed
from explain.grade.language.offsets import offset_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explain.grade.authoring.copies import Copy, Kept
    from explain.grade.authoring.damages import Damage, Good, Spot

_ETHERNET = 1
_MOST_HOSTS = 12
_FIELDS: Mapping[str, tuple[str, str | None, int]] = {
    "arp.opcode": ("ARP opcode", None, 2), "ip.ttl": ("TTL", "ip.checksum", 1),
    "tcp.seq": ("TCP seq", "tcp.checksum", 4), "tcp.ack": ("TCP ack", "tcp.checksum", 4),
    "tcp.window": ("TCP window", "tcp.checksum", 2), "icmp.type": ("ICMP type", "icmp.checksum", 1),
    "icmp.code": ("ICMP code", "icmp.checksum", 1), "icmp.id": ("ICMP id", "icmp.checksum", 2),
    "icmp.seq": ("ICMP seq", "icmp.checksum", 2),
}  # fmt: skip
"""Fields: what people call them, the checksum that covers them, octets."""
_PAYLOADS = {"tcp": "tcp.checksum", "udp": "udp.checksum"}
_ANSWERS = ("arp.reply", "icmp.echo", "dhcp.offer", "dhcp.ack", "dns.answer")
_SOMEBODY = "02:00:5e:00:53:99"


def other_names(good: Good) -> Iterator[Damage]:
    """Each address is another one that nobody has; and all MACs are, which should not matter."""
    from explain.grade.authoring.damages import Damage

    hosts = good.scene.report.hosts
    known = {address for host in hosts for address in host.addresses}
    for address in sorted(known)[:_MOST_HOSTS]:
        new = _free(address, known)
        if new is not None:
            values = {"old": address, "new": new}
            yield Damage("address", values, _renamed(good, {address: new}))
    macs = list(dict.fromkeys(mac for host in hosts for mac in host.macs))[:_MOST_HOSTS]
    names = {mac: f"02:00:5e:00:54:{number:02x}" for number, mac in enumerate(macs, 1)}
    yield Damage("macs", {}, _renamed(good, names), True)


def _free(address: str, known: set[str]) -> str | None:
    """A neighbour of an address that is nobody's; None where it stands for no single host."""
    old = ip_address(address)
    if old.is_multicast or old.is_unspecified or address == "255.255.255.255":
        return None
    for step in range(40, 200):
        number = int(old) - int(old) % 256 + (int(old) % 256 + step) % 254 + 1
        if str(type(old)(number)) not in known:
            return str(type(old)(number))
    return None


def _renamed(good: Good, names: Mapping[str, str]) -> dict[str, Copy | None]:
    instead = Instead({packed(old): packed(new) for old, new in names.items()})
    wanted = [packed(old) for old in names]

    def change(name: str, _at: int, old: Kept) -> Kept:
        if not any(one in old.octets for one in wanted):
            return old
        return old.other(renamed(old.octets, good.copies[name].link_type(old), instead))

    return good.each(change)


def other_ports(good: Good) -> Iterator[Damage]:
    """Each server listens at another port."""
    from explain.grade.authoring.damages import Damage

    found = [
        (kind, event.fields["server"].port)
        for kind, name in (("tcp", "tcp.connection"), ("udp", "udp.exchange"))
        for event in good.found.get(name, ())
    ]
    for kind, port in dict.fromkeys(one for one in found if one[1]):
        new = 40_000 + port % 10_000

        def change(_name: str, _at: int, old: Kept, kind: str = kind, port: int = port, new: int = new) -> Kept:
            octets = old.octets
            for side in ("sport", "dport"):
                octets = _with_port(octets, f"{kind}.{side}", f"{kind}.checksum", port, new)
            return old.other(octets)

        yield Damage("port", {"old": port, "new": new, "protocol": kind.upper()}, good.each(change))


def _with_port(octets: bytes, field: str, checksum: str, old: int, new: int) -> bytes:
    at = offset_in(octets, field)
    if at is None or octets[at : at + 2] != struct.pack(">H", old):
        return octets
    return _written(octets, at, struct.pack(">H", new), checksum)


def other_fields(good: Good) -> Iterator[Damage]:
    """In the first frames of each event, one field says something else."""
    from explain.grade.authoring.damages import Damage

    for name, events in good.found.items():
        spots = {spots[0] for event in events if (spots := good.spots(event))}
        for field, (title, checksum, size) in _FIELDS.items():
            made = _with_field(good, spots, field, checksum, size)
            if made is not None:
                yield Damage("field", {"what": name, "field": title}, made)
        every = {spot for event in events for spot in good.spots(event)}
        made = _with_data(good, every)
        if made is not None:
            yield Damage("data", {"what": name}, made)


def _with_field(
    good: Good, spots: set[Spot], field: str, checksum: str | None, size: int
) -> dict[str, Copy | None] | None:
    places = {spot: offset_in(good.frame(spot).octets, field) for spot in spots}
    if not any(places.values()):
        return None

    def change(name: str, index: int, old: Kept) -> Kept:
        at = places.get((name, index))
        if at is None or at + size > len(old.octets):
            return old
        value = bytearray(old.octets[at : at + size])
        value[-1] ^= 0x05
        return old.other(_written(old.octets, at, bytes(value), checksum))

    return good.each(change)


def _with_data(good: Good, spots: set[Spot]) -> dict[str, Copy | None] | None:
    """The data of some frames in capitals, or turned where it has no letters."""
    is_found = False

    def change(name: str, index: int, old: Kept) -> Kept:
        nonlocal is_found
        at = offset_in(old.octets, "data") if (name, index) in spots else None
        kind = next((one for one in _PAYLOADS if offset_in(old.octets, f"{one}.sport") is not None), None)
        if at is None or kind is None or at >= len(old.octets):
            return old
        is_found = True
        turned = bytes(octet ^ 0x20 for octet in old.octets[at:])
        return old.other(_written(old.octets, at, turned, _PAYLOADS[kind]))

    made = good.each(change)
    return made if is_found else None


def _written(octets: bytes, at: int, value: bytes, checksum: str | None) -> bytes:
    frame = bytearray(octets)
    first = None if checksum is None else offset_in(octets, checksum)
    frame[at : at + len(value)] = value
    if first is not None and checksum is not None:
        # Words are counted from the checksum itself, which stands at an even place of its header.
        low, high = (at - (at - first) % 2), at + len(value)
        adjust(frame, first, octets[low:high], bytes(frame[low:high]))
    return bytes(frame)


def second_answers(good: Good) -> Iterator[Damage]:
    """Each answer once more, a moment later and from somebody else."""
    from explain.grade.authoring.damages import Damage

    for name in _ANSWERS:
        for event in good.found.get(name, ())[:1]:
            made = _answered_again(good, good.spots(event)[-1])
            if made is not None:
                yield Damage("second-answer", {"what": name}, made)


def _answered_again(good: Good, spot: Spot) -> dict[str, Copy | None] | None:
    frame, copy = good.frame(spot), good.copies[spot[0]]
    if copy.link_type(frame) != _ETHERNET or len(frame.octets) < 34:
        return None
    names: dict[bytes, bytes] = {frame.octets[6:12]: packed(_SOMEBODY)}
    source = offset_in(frame.octets, "ip.src")
    if source is not None:
        old = frame.octets[source : source + 4]
        names[old] = old[:3] + bytes([old[3] % 254 + 1])
    again = frame.other(renamed(frame.octets, _ETHERNET, Instead(names))).later(50_000)
    return {**good.copies, spot[0]: copy.of([*copy.frames, again])}


def strangers(good: Good) -> Iterator[Damage]:
    """Somebody else's frames in between, of a kind that every network has."""
    from explain.grade.authoring.damages import Damage

    made: dict[str, Any] = {}
    for name, copy in good.copies.items():
        if not copy.frames or any(one.link_type != _ETHERNET for one in copy.interfaces):
            return
        first, last = copy.frames[0], copy.frames[-1]
        middle = (first.time_ns + last.time_ns) // 2
        more = [first.other(octets).later(middle - first.time_ns + number) for number, octets in enumerate(_NOISE)]
        made[name] = copy.of([*copy.frames, *more])
    yield Damage("strangers", {}, made, True)


def _noise() -> tuple[bytes, ...]:
    """A gratuitous ARP, a spanning tree hello and an mDNS question of hosts that no lab has."""
    mac, address = packed("02:00:5e:00:55:01"), packed("198.18.55.1")
    head = mac + struct.pack(">H", 0x0806)
    arp = b"\xff" * 6 + head + struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + mac + address + bytes(6) + address
    hello = packed("01:80:c2:00:00:00") + mac + b"\x00\x26\x42\x42\x03" + bytes(5) + bytes(30)
    return arp, hello


_NOISE = _noise()
