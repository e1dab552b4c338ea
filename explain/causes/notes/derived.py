"""What follows from numbers in a text: an IPv6 address from its MAC, a lease from its renewal, two ids that are one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import Item
from explain.state.addresses import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explain.symptoms.notes import NoteBlock, Notes

_MOST_DERIVED = 100
_LOCAL = 0x02
"""The bit of a MAC's first octet that EUI-64 turns over."""
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\Z")
_RENEWAL = re.compile(r"renewal in (\d{1,10}) seconds")
_XID = re.compile(r"(DHCP[A-Z]+).*\(xid=0x([0-9a-f]{1,8})\)")
USUAL_LEASES_S = (
    *(120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 28800, 43200, 86400, 172800, 259200, 604800),
    *(691200, 864000, 1209600, 2592000),
)
"""Lengths of leases that servers are told, from two minutes to thirty days."""


def derived(notes: Notes) -> Iterator[Item]:
    """The items of a whole text; the first of each kind is told, the others on request."""
    count = 0
    seen: set[str] = set()
    for number, block in enumerate(notes.blocks):
        for item in _of_block(block):
            depth = 2 if item.name in seen else item.depth
            seen.add(item.name)
            yield Item(item.name, item.values, item.spans, number, depth)
            count += 1
            if count >= _MOST_DERIVED:
                return


def _of_block(block: NoteBlock) -> Iterator[Item]:
    for row in block.rows.get("addr", ()) if "addr" in block.rows else ():
        yield from _interface_ids(block, row)
    if block.kind == "dhcp-client":
        yield from _renewals(block)
        yield from _swapped(block)


def _interface_ids(block: NoteBlock, row: Mapping[str, Any]) -> Iterator[Item]:
    """How the link-local address follows from the MAC. Source: RFC 4291 section 2.5.6 and appendix A."""
    mac = str(row.get("address") or "")
    if not _MAC.match(mac):
        return
    for each in row.get("addr_info") or ():
        address = str(each.get("local"))
        number = parse(address)
        if number is None or number[0] != 6 or number[1] >> 118 != 0xFE80 >> 6:
            continue
        octets = [int(part, 16) for part in mac.split(":")]
        made = [octets[0] ^ _LOCAL, *octets[1:3], 0xFF, 0xFE, *octets[3:]]
        spans = tuple((line.number, line.number) for line in block.lines if f"{address}/" in line.text)[:1]
        values = {"address": address, "mac": mac}
        if number[1] & (1 << 64) - 1 != int.from_bytes(bytes(made), "big"):
            yield Item("derived.not-eui64", values, spans, depth=2)
            continue
        bits = {"old": f"{octets[0]:02x}", "old_bits": _bits(octets[0]), "new": f"{made[0]:02x}"}
        middle = ":".join(f"{octet:02x}" for octet in made)
        yield Item("derived.eui64", values | bits | {"new_bits": _bits(made[0]), "middle": middle}, spans)


def _bits(octet: int) -> str:
    return f"{octet >> 4:04b} {octet & 15:04b}"


def _renewals(block: NoteBlock) -> Iterator[Item]:
    """The lease that a renewal of dhclient fits.

    A client renews at T1, half of the lease unless the server says otherwise (RFC 2131 section 4.4.5); dhclient takes
    a moment between three quarters of T1 and all of it, at random.
    """
    for line in block.lines:
        if found := _RENEWAL.search(line.text):
            renewal = int(found[1])
            least, most = 2 * renewal, -(-8 * renewal // 3)
            usual = [lease for lease in USUAL_LEASES_S if least <= lease <= most]
            values = {"renewal_s": renewal, "least_s": least, "most_s": most}
            if len(usual) == 1:
                half = usual[0] // 2
                values |= {"lease_s": usual[0], "half_s": half, "early_s": half * 3 // 4}
            name = "derived.renewal" if len(usual) == 1 else "derived.renewal-between"
            yield Item(name, values, ((line.number, line.number),))


def _swapped(block: NoteBlock) -> Iterator[Item]:
    """Two transaction ids of a client that are one, printed in the two orders of octets."""
    seen: dict[str, str] = {}
    for line in block.lines:
        found = _XID.search(line.text)
        if found is None:
            continue
        message, xid = found[1], f"{int(found[2], 16):08x}"
        other = bytes.fromhex(xid)[::-1].hex()
        if other in seen and other != xid:
            turned, wire = (xid, other) if message == "DHCPREQUEST" else (other, xid)
            values = {"turned": f"0x{turned}", "wire": f"0x{wire}"}
            yield Item("derived.xid-turned", values, ((line.number, line.number),))
            return
        seen[xid] = message
