"""Packets within packets, read as what they carry: where the innermost of each frame begins.

Source: RFC 2003, 2473, 4213, 2784, 2890, 2637, 7348, 7510, 8926, 4380; 3GPP TS 29.281; for ERSPAN
draft-foschiano-erspan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture.walk import gather
from explain.decode import link
from explain.decode.contents import TUNNELS
from explain.decode.services import TUNNEL_PORTS, tunnel_ends
from explain.decode.slab import Slab, number
from explain.decode.tags import TYPE_IPV4, TYPE_IPV6
from explain.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.table import I8, U1, Bools

    Opener = Callable[[U1], tuple[I8, I8]]
    """The header of a tunnel, uint8[n, _ROOM] -> octets up to what it carries, and the link type of that."""

_NOTHING, _ETHERNET, _PPP, _RAW = -1, 1, 9, 101  # link types
_LEAST = {_ETHERNET: 14, _PPP: 4, _RAW: 20}  # octets without which nothing can be said of what is inside
_MOST_WITHIN = 4
_UDP, _NO_PROTOCOL = 17, 255
_UDP_HEADER = 8
_BEFORE = (0, 43, 60)  # extension headers of IPv6 that whoever builds a tunnel may write
_MOST_EXTENSIONS, _MOST_LABELS = 8, 8
_ROOM = 72
_CARRIED = {0x0800: _RAW, 0x86DD: _RAW, 0x6558: _ETHERNET, 0x880B: _PPP}
_ERSPAN, _ERSPAN_3 = 0x88BE, 0x22EB
_ERSPAN_HEADER, _ERSPAN_3_HEADER = 8, 12
_VXLAN_FLAGS = 8
_GTP_USER, _GTP_CARRIES = 0x30, 255


class _Ends(NamedTuple):
    """What n packets say of themselves: int64 positions in the data, and uint8 protocols.

    Attributes:
        start: of what the headers of IP carry.
        stop: behind the packet, as IP says.
    """

    start: I8
    stop: I8
    protocol: U1


def peel(slab: Slab, length: I8, link_types: int | I8) -> tuple[Slab, I8, I8, I8]:
    """Frames as the innermost ones that they carry; those that carry none stay as they are.

    Args:
        slab: the frames.
        length: int64[n], octets that each had on the wire.
        link_types: of all, or of each.

    Returns:
        The same frames from the innermost one on, their lengths and their link types; and int64[n], the tunnel
        that each came out of, an index into ``KINDS``, -1 where there is none.
    """
    at, have, kinds = slab.at.copy(), slab.have.copy(), np.broadcast_to(np.int64(link_types), len(slab.at)).copy()
    length, tunnels = length.copy(), np.full(len(at), -1)
    rows = np.arange(len(at))
    for _ in range(_MOST_WITHIN):
        if not len(rows):
            break
        own = Slab(slab.data, at[rows], have[rows], None)
        fields = link.read(own, kinds[rows])
        start, stop, kind, tunnel = _within(own, fields)
        least = np.select([kind == one for one in _LEAST], list(_LEAST.values()), 1 << 30)
        fits = np.minimum(own.at + own.have, stop) - start >= least
        said = np.minimum(length[rows] - (start - own.at), stop - start)
        rows, some = rows[fits], np.flatnonzero(fits)
        have[rows] = np.minimum(have[rows] - (start[some] - at[rows]), said[some])
        at[rows], length[rows], kinds[rows], tunnels[rows] = start[some], said[some], kind[some], tunnel[some]
    return Slab(slab.data, at, have, None), length, kinds, tunnels


def _within(slab: Slab, fields: link.LinkFields) -> tuple[I8, I8, I8, I8]:
    """What frames carry: where it begins and ends, its link type or _NOTHING, and the tunnel."""
    count = len(slab.at)
    start, stop, kinds, tunnels = (np.full(count, -1) for _ in range(4))
    for ethertype, read in ((TYPE_IPV4, _ipv4), (TYPE_IPV6, _ipv6)):
        rows = np.flatnonzero(fields.ethertype == ethertype)
        ends = read(slab.data, slab.at[rows] + fields.network[rows])
        start[rows], stop[rows] = ends.start, ends.stop
        for tunnel, (name, skip, is_it) in enumerate(_tunnels(slab.data, ends)):
            some = np.flatnonzero(is_it)
            if not len(some):
                continue
            size, kind = _OPENERS[name](gather(slab.data, ends.start[some] + skip, _ROOM))
            begin = ends.start[some] + skip + size
            version = gather(slab.data, begin, 1)[:, 0] >> 4
            kind[(kind == _RAW) & (version != 4) & (version != 6)] = _NOTHING
            start[rows[some]], kinds[rows[some]], tunnels[rows[some]] = begin, kind, tunnel
    return start, stop, kinds, tunnels


def _ipv4(data: U1, at: I8) -> _Ends:
    head = gather(data, at, 20)
    size, total = (head[:, 0] & 15).astype(np.int64) * 4, number(head, 2, 2).astype(np.int64)
    is_whole = (number(head, 6, 2) & np.uint64(0x1FFF) == 0) & (total >= size)
    return _Ends(at + size, at + total, np.where(is_whole, head[:, 9], np.uint8(_NO_PROTOCOL)))


def _ipv6(data: U1, at: I8) -> _Ends:
    head = gather(data, at, 40)
    start, protocol = at + 40, head[:, 6].copy()
    for _ in range(_MOST_EXTENSIONS):
        rows = np.flatnonzero(np.isin(protocol, _BEFORE))
        following = gather(data, start[rows], 2)
        protocol[rows] = following[:, 0]
        start[rows] += (following[:, 1].astype(np.int64) + 1) * 8
    return _Ends(start, at + 40 + number(head, 4, 2).astype(np.int64), protocol)


def _tunnels(data: U1, ends: _Ends) -> list[tuple[str, int, Bools]]:
    """Each kind of tunnel, the octets before its own header, and which packets are of it."""
    ports = gather(data, ends.start, 4)
    source, target = number(ports, 0, 2), number(ports, 2, 2)
    served_from, sent_to = tunnel_ends()
    found: list[tuple[str, int, Bools]] = []
    for protocol, name in TUNNELS.items():
        found.append((name, 0, ends.protocol == protocol))
    for name in KINDS[len(TUNNELS) :]:
        own = [port for port, of in TUNNEL_PORTS.items() if of == name]
        is_it = np.isin(target, [port for port in own if port in sent_to])
        is_it |= np.isin(source, [port for port in own if port in served_from])
        found.append((name, _UDP_HEADER, is_it & (ends.protocol == _UDP)))
    return found


def _at(octets: U1, columns: I8) -> I8:
    """An octet of each row, from a column of its own."""
    near: I8 = np.take_along_axis(octets, np.minimum(columns, _ROOM - 1)[:, None], 1)[:, 0].astype(np.int64)
    return near


def _alike(octets: U1, size: int, kind: int) -> tuple[I8, I8]:
    return np.full(len(octets), size), np.full(len(octets), kind)


def _bare(octets: U1) -> tuple[I8, I8]:
    return _alike(octets, 0, _RAW)


def _kinds(types: I8) -> I8:
    return np.select([types == one for one in _CARRIED], list(_CARRIED.values()), _NOTHING)


def _gre(octets: U1) -> tuple[I8, I8]:
    flags, types = (number(octets, at, 2).astype(np.int64) for at in (0, 2))
    has_sequence = flags & 0x1000 != 0
    size = 4 + 4 * ((flags & 0x8000 != 0) + (flags & 0x2000 != 0).astype(np.int64) + has_sequence + (flags & 0x80 != 0))
    kinds = _kinds(types)
    for mirror, header in ((_ERSPAN, _ERSPAN_HEADER * has_sequence), (_ERSPAN_3, _ERSPAN_3_HEADER)):
        kinds[types == mirror] = _ETHERNET
        size += (types == mirror) * header
    size += 8 * ((types == _ERSPAN_3) & (_at(octets, size - 1) & 1 != 0))
    kinds[flags & 0x4000 != 0] = _NOTHING  # source routes, which were taken out of GRE again
    return size, kinds


def _vxlan(octets: U1) -> tuple[I8, I8]:
    size, kinds = _alike(octets, 8, _ETHERNET)
    kinds[octets[:, 0] & 0x7F != _VXLAN_FLAGS] = _NOTHING  # the highest bit: with a group (GBP)
    return size, kinds


def _geneve(octets: U1) -> tuple[I8, I8]:
    kinds = _kinds(number(octets, 2, 2).astype(np.int64))
    kinds[(octets[:, 0] >> 6 != 0) | (octets[:, 1] & 0x80 != 0)] = _NOTHING
    return 8 + (octets[:, 0] & 0x3F).astype(np.int64) * 4, kinds


def _gtp(octets: U1) -> tuple[I8, I8]:
    size, kinds = _alike(octets, 8, _RAW)
    kinds[(octets[:, 0] & 0xF0 != _GTP_USER) | (octets[:, 1] != _GTP_CARRIES)] = _NOTHING
    size[octets[:, 0] & 7 != 0] = 12
    following = np.where(octets[:, 0] & 4 != 0, octets[:, 11], 0).astype(np.int64)
    for _ in range(_MOST_EXTENSIONS):
        size += (following != 0) * _at(octets, size) * 4
        following = np.where(following != 0, _at(octets, size - 1), 0)
    kinds[following != 0] = _NOTHING
    return size, kinds


def _teredo(octets: U1) -> tuple[I8, I8]:
    size, kinds = _alike(octets, 0, _RAW)
    size += (number(octets, 0, 2) == 1) * (13 + octets[:, 2].astype(np.int64) + octets[:, 3])
    size += 8 * ((_at(octets, size) == 0) & (_at(octets, size + 1) == 0))
    return size, kinds


def _mpls(octets: U1) -> tuple[I8, I8]:
    size, kinds = _alike(octets, 4, _RAW)
    for _ in range(_MOST_LABELS):
        size += 4 * (_at(octets, size - 2) & 1 == 0)
    return size, kinds


_OPENERS: dict[str, Opener] = {
    "ip": _bare, "ipv6": _bare, "gre": _gre, "vxlan": _vxlan, "geneve": _geneve, "gtp": _gtp, "teredo": _teredo,
    "mpls": _mpls,
}  # fmt: skip
KINDS = (*TUNNELS.values(), *dict.fromkeys(TUNNEL_PORTS.values()))
"""What carries packets: by its protocol of IP, or by its port of UDP."""
