"""A frame under other names: addresses, MACs and names replaced, payloads cut off, checksums as right as before.

What is not understood is cut off, so nothing passes that nobody looked at.

Source: RFC 1624 (incremental checksums); RFC 826; RFC 792; RFC 4443; RFC 4861, 4; RFC 1662, 3.1; RFC 2516, 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.anonymise.messages import dhcp, dns

if TYPE_CHECKING:
    from explain.decode.anonymise.pseudonyms import Pseudonyms

_IPV4, _ARP, _IPV6 = 0x0800, 0x0806, 0x86DD
_VLANS = (0x8100, 0x88A8, 0x9100)
_EXTENSIONS = (0, 60)  # hop by hop and destination options
_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_RAW = (12, 14, 101, 228, 229)
_PPPS, _CISCO, _PPPOE = (9, 50), 104, 0x8864
_CISCO_HDLC = b"\x0f\0", b"\x8f\0"  # in captures of PPP, too
_OVER_PPP = {0x0021: _IPV4, 0x0057: _IPV6}
_MOST_TAGS, _MOST_OPTIONS, _MOST_EXTENSIONS = 4, 32, 8


def anonymised(octets: bytes, link_type: int, names: Pseudonyms) -> bytes:
    """The octets of a frame that may be shown: as long as they were, or shorter.

    Args:
        octets: the frame as it was captured.
        link_type: LINKTYPE number.
        names: what to put in place of what.
    """
    frame = bytearray(octets)
    end = _link(frame, link_type, names)
    return bytes(frame[: min(end, len(frame))])


def _link(frame: bytearray, link_type: int, names: Pseudonyms) -> int:
    """Rewrite from the link layer on; how many octets may stay."""
    if link_type == _ETHERNET and len(frame) >= 14:
        return _ethernet(frame, names)
    if link_type in _RAW and frame:
        return _network(frame, _IPV6 if frame[0] >> 4 == 6 else _IPV4, 0, names)
    if link_type in (_NULL, _LOOP) and len(frame) > 4:
        return _network(frame, _IPV6 if frame[4] >> 4 == 6 else _IPV4, 4, names)
    if link_type in _PPPS and frame[:2] in _CISCO_HDLC:
        link_type = _CISCO
    if link_type in _PPPS and len(frame) >= 4:
        at = 4 if frame[:2] == b"\xff\x03" else 2
        return _network(frame, _OVER_PPP.get(int.from_bytes(frame[at - 2 : at], "big"), 0), at, names)
    if link_type == _CISCO and len(frame) >= 4:
        return _network(frame, int.from_bytes(frame[2:4], "big"), 4, names)
    if link_type == _SLL and len(frame) >= 16:
        _cooked(frame, 6, int.from_bytes(frame[4:6], "big"), names)
        return _network(frame, int.from_bytes(frame[14:16], "big"), 16, names)
    if link_type == _SLL2 and len(frame) >= 20:
        _cooked(frame, 12, frame[11], names)
        return _network(frame, int.from_bytes(frame[:2], "big"), 20, names)
    return 0


def _ethernet(frame: bytearray, names: Pseudonyms) -> int:
    for at in (0, 6):
        frame[at : at + 6] = names.mac(bytes(frame[at : at + 6]))
    at = 12
    for _ in range(_MOST_TAGS):
        if int.from_bytes(frame[at : at + 2], "big") not in _VLANS or len(frame) < at + 6:
            break
        at += 4
    return _network(frame, int.from_bytes(frame[at : at + 2], "big"), at + 2, names)


def _cooked(frame: bytearray, at: int, size: int, names: Pseudonyms) -> None:
    """The link address of a cooked capture: a MAC, or nothing that is kept."""
    address = names.mac(bytes(frame[at : at + 6])) if size == 6 else bytes(6)
    frame[at : at + 8] = address + bytes(2)


def _network(frame: bytearray, kind: int, at: int, names: Pseudonyms) -> int:
    if kind == _PPPOE and len(frame) >= at + 8:
        kind, at = _OVER_PPP.get(int.from_bytes(frame[at + 6 : at + 8], "big"), 0), at + 8
    if kind == _ARP:
        return _arp(frame, at, names)
    if kind == _IPV4:
        return _ipv4(frame, at, names)
    return _ipv6(frame, at, names) if kind == _IPV6 else at


def _arp(frame: bytearray, at: int, names: Pseudonyms) -> int:
    if len(frame) < at + 28 or bytes(frame[at + 4 : at + 6]) != b"\x06\x04":
        return at
    for mac in (at + 8, at + 18):
        frame[mac : mac + 6] = names.mac(bytes(frame[mac : mac + 6]))
    for address in (at + 14, at + 24):
        frame[address : address + 4] = names.ipv4(bytes(frame[address : address + 4]))
    return at + 28


def _ipv4(frame: bytearray, at: int, names: Pseudonyms, *, is_quote: bool = False) -> int:
    if len(frame) < at + 20 or frame[at] >> 4 != 4:
        return at
    size = (frame[at] & 15) * 4
    if size < 20 or len(frame) < at + size:
        return at
    old = bytes(frame[at : at + size])
    for address in (at + 12, at + 16):
        frame[address : address + 4] = names.ipv4(bytes(frame[address : address + 4]))
    frame[at + 20 : at + size] = b"\x01" * (size - 20)  # options may hold addresses; no operation is as long
    adjust(frame, at + 10, old, bytes(frame[at : at + size]))
    total = int.from_bytes(old[2:4], "big") or len(frame) - at
    if int.from_bytes(old[6:8], "big") & 0x1FFF:
        return at + size  # a later fragment is nothing but payload
    ends = old[12:20], bytes(frame[at + 12 : at + 20])
    is_whole = not int.from_bytes(old[6:8], "big") & 0x2000
    return _transport(frame, old[9], at + size, at + total, ends, names, is_quote=is_quote, is_whole=is_whole)


def _ipv6(frame: bytearray, at: int, names: Pseudonyms, *, is_quote: bool = False) -> int:
    if len(frame) < at + 40 or frame[at] >> 4 != 6:
        return at
    old = bytes(frame[at + 8 : at + 40])
    for address in (at + 8, at + 24):
        frame[address : address + 16] = names.ipv6(bytes(frame[address : address + 16]))
    kind, here = frame[at + 6], at + 40
    end = here + int.from_bytes(frame[at + 4 : at + 6], "big")
    is_whole = True
    for _ in range(_MOST_EXTENSIONS):
        if len(frame) < here + 8:
            return here
        if kind == 44:
            is_whole = False
            kind, offset, here = frame[here], int.from_bytes(frame[here + 2 : here + 4], "big") >> 3, here + 8
            if offset:
                return here
        elif kind in _EXTENSIONS:
            kind, here = frame[here], here + 8 + 8 * frame[here + 1]
        else:
            break
    ends = old, bytes(frame[at + 8 : at + 40])
    return _transport(frame, kind, here, end, ends, names, is_quote=is_quote, is_whole=is_whole)


def _transport(
    frame: bytearray, kind: int, at: int, end: int, ends: tuple[bytes, bytes], names: Pseudonyms,
    *, is_quote: bool, is_whole: bool,
) -> int:  # fmt: skip
    """What IP carries: its checksum covers the addresses, too."""
    if kind == 6:
        return _tcp(frame, at, end, ends, is_quote=is_quote)
    if kind == 17:
        return _udp(frame, at, end, ends, names, is_quote=is_quote, is_whole=is_whole)
    if kind in (1, 58) and len(frame) >= at + 8:
        return _icmp(frame, at, end, ends, names, is_v6=kind == 58, is_quote=is_quote)
    return min(at, len(frame))


def _tcp(frame: bytearray, at: int, end: int, ends: tuple[bytes, bytes], *, is_quote: bool) -> int:
    if is_quote and len(frame) < at + 20:
        return min(at + 8, end)
    if len(frame) < at + 20:
        return min(at + 8, len(frame))
    _adjust_ends(frame, at + 16, ends, 6, end - at)
    return at + max(20, (frame[at + 12] >> 4) * 4)


def _udp(
    frame: bytearray, at: int, end: int, ends: tuple[bytes, bytes], names: Pseudonyms,
    *, is_quote: bool, is_whole: bool,
) -> int:  # fmt: skip
    if len(frame) < at + 8:
        return min(at, len(frame))
    has_sum = any(frame[at + 6 : at + 8])
    if has_sum:
        _adjust_ends(frame, at + 6, ends, 17, end - at)
    ports = {int.from_bytes(frame[at : at + 2], "big"), int.from_bytes(frame[at + 2 : at + 4], "big")}
    until = min(end, len(frame))
    if is_quote or not is_whole or until != end or not ports & {53, 5353, 5355, 67, 68}:
        return at + 8
    old = bytes(frame[at + 8 : until])
    new = dns(old, names) if ports & {53, 5353, 5355} else dhcp(old, names)
    if new is None:
        return at + 8
    frame[at + 8 : until] = new
    if has_sum and not _is_partial(frame, at + 6, ends[1], 17, end - at):
        adjust(frame, at + 6, old, new)
    return until


def _icmp(
    frame: bytearray, at: int, end: int, ends: tuple[bytes, bytes], names: Pseudonyms, *, is_v6: bool, is_quote: bool
) -> int:
    until = min(end, len(frame))
    old = bytes(frame[at:until])
    kind = frame[at]
    if is_v6:
        kept = _icmpv6_body(frame, at, until, kind, names)
    else:
        if kind == 5:
            frame[at + 4 : at + 8] = names.ipv4(bytes(frame[at + 4 : at + 8]))
        kept = at + 8
        if kind in (3, 4, 5, 11, 12) and not is_quote:
            kept = max(kept, _ipv4(frame, at + 8, names, is_quote=True))
    # What is cut off was covered as it stood, so only what stays may have changed the sum.
    kept = min(kept, until)
    adjust(frame, at + 2, old[: kept - at], bytes(frame[at:kept]))
    if is_v6:
        adjust(frame, at + 2, ends[0], ends[1])
    return kept


def _icmpv6_body(frame: bytearray, at: int, until: int, kind: int, names: Pseudonyms) -> int:
    """Neighbour discovery with its options, groups, or the packet that an error quotes."""
    if kind in (1, 2, 3, 4):
        return max(at + 8, _ipv6(frame, at + 8, names, is_quote=True))
    fixed = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40, 131: 24, 132: 24, 130: 24}.get(kind, 8)
    if until < at + fixed:
        return at + 8
    for address in range(at + 8, at + fixed, 16) if kind not in (133, 134) else ():
        frame[address : address + 16] = names.ipv6(bytes(frame[address : address + 16]))
    here = at + fixed
    if kind == 143:
        return at + 8
    for _ in range(_MOST_OPTIONS):
        size = 8 * frame[here + 1] if here + 2 <= until else 0
        if not size or here + size > until or kind not in range(133, 138):
            return here
        _option(frame, here, size, names)
        here += size
    return here


def _option(frame: bytearray, at: int, size: int, names: Pseudonyms) -> None:
    """One option of neighbour discovery: a MAC, a prefix, servers; what else there is becomes zero."""
    kind = frame[at]
    if kind in (1, 2) and size == 8:
        frame[at + 2 : at + 8] = names.mac(bytes(frame[at + 2 : at + 8]))
    elif kind == 3 and size == 32:
        length = min(frame[at + 2], 128)
        prefix = int.from_bytes(names.ipv6(bytes(frame[at + 16 : at + 32])), "big") >> (128 - length) << (128 - length)
        frame[at + 16 : at + 32] = prefix.to_bytes(16, "big")
    elif kind == 25:
        for address in range(at + 8, at + size - 15, 16):
            frame[address : address + 16] = names.ipv6(bytes(frame[address : address + 16]))
    elif kind != 5:
        frame[at + 2 : at + size] = bytes(size - 2)


def _sum(octets: bytes) -> int:
    """The ones' complement sum of 16-bit words, the carry added again."""
    padded = octets + bytes(len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def adjust(frame: bytearray, at: int, old: bytes, new: bytes) -> None:
    """A checksum as it was, right or wrong, after what it covers changed from old to new (RFC 1624, 3).

    Where the field itself stands in ``old`` and ``new`` it is the same in both.
    """
    before = int.from_bytes(frame[at : at + 2], "big")
    total = (0xFFFF - before) + (0xFFFF - _sum(old)) + _sum(new)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    if _sum(old) != _sum(new):
        frame[at : at + 2] = (0xFFFF - total).to_bytes(2, "big")


def _pseudo(ends: bytes, protocol: int, size: int) -> int:
    return _sum(ends + protocol.to_bytes(2, "big") + max(size, 0).to_bytes(4, "big"))


def _is_partial(frame: bytearray, at: int, ends: bytes, protocol: int, size: int) -> bool:
    """Whether a checksum is only the sum over the addresses, left to the card to be finished."""
    return int.from_bytes(frame[at : at + 2], "big") == _pseudo(ends, protocol, size)


def _adjust_ends(frame: bytearray, at: int, ends: tuple[bytes, bytes], protocol: int, size: int) -> None:
    if _is_partial(frame, at, ends[0], protocol, size):
        frame[at : at + 2] = _pseudo(ends[1], protocol, size).to_bytes(2, "big")
    else:
        adjust(frame, at, ends[0], ends[1])
