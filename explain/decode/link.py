"""Link layers: where layer 3 begins, what it is, and between which MACs it goes.

A link type that is not here is counted and nothing more.  Of 802.11 that is on purpose: an
access point relays each frame, so a monitor's capture shows every segment twice, and what
looks like a retransmission there is none.

Source: IEEE 802.3; the registry of link-layer header types at tcpdump.org.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import NO_MAC
from explain.arrays import distinct
from explain.decode.slab import LINK
from explain.decode.tags import NO_TYPE, SMALLEST_TYPE, TYPE_IPV4, TYPE_IPV6, follow, ppp_types
from explain.record import dataclass
from explain.table import CUT, ETHERNET, FOR_OTHERS, OUTGOING, UNKNOWN_LINK

if TYPE_CHECKING:
    from explain.decode.slab import Slab
    from explain.table import I4, I8, U2, U4, U8

_SLL2_LINK = 276
_ETHERNET, _PPP, _PPP_SERIAL, _CISCO, _SLL = 1, 9, 50, 104, 113
_LOOPBACKS = (0, 108)  # LINKTYPE_NULL and LINKTYPE_LOOP
_IP_LINKS = (101, 12, 14, 228, 229)  # LINKTYPE_RAW, as three systems number it; _IPV4; _IPV6
_FAMILIES = {2: TYPE_IPV4, 10: TYPE_IPV6, 24: TYPE_IPV6, 28: TYPE_IPV6, 30: TYPE_IPV6}  # AF_INET6 differs by system
_TO_OTHERS_BY_US, _TO_OTHERS_BY_OTHERS = 4, 3  # packet types of both cooked forms
_HDLC_ADDRESS, _CISCO_UNICAST, _CISCO_BROADCAST = 0xFF03, 0x0F00, 0x8F00
_SIXTEEN = np.uint64(16)
_COLUMNS = (
    ("ethertype", 0), ("network", 0), ("layers", 0), ("vlan", 0), ("mac_low", 0), ("mac_high", 0),
    ("device", -1), ("inner", 0),
)  # fmt: skip
"""Those of ``LinkFields``, each with what says that a frame has none where others have one."""


@dataclass(slots=True)
class LinkFields:
    """What the link layer of n frames says.

    Attributes:
        ethertype: NO_TYPE where layer 3 is not known.
        network: int32[n], octets from the frame's start to layer 3.
        mac_low, mac_high: key words: the inner eight octets of two MACs, and the outer four of them;
            or a MAC key and NO_MAC.
        device: int64[n], interface index of SLL2, -1 where that is cut; None without SLL2.
        inner: the innermost of several VLAN tags, 0 without a second one; None where no frame has two.
    """

    ethertype: U2
    network: I4
    layers: U4
    vlan: U2
    mac_low: U8
    mac_high: U8
    device: I8 | None = None
    inner: U2 | None = None


def read(slab: Slab, link_types: int | I8) -> LinkFields:
    """The link layer of frames; of one link type, or each of its own."""
    if isinstance(link_types, int):
        return _read_alike(slab, link_types)
    whole = _nothing(slab, 0)
    for link_type in distinct(link_types).tolist():
        rows = np.flatnonzero(link_types == link_type)
        part = _read_alike(slab.some(rows), link_type)
        for name, absent in _COLUMNS:
            values = getattr(part, name)
            if values is None:
                continue
            if getattr(whole, name) is None:
                setattr(whole, name, np.full(len(link_types), absent, values.dtype))
            getattr(whole, name)[rows] = values
    return whole


def _read_alike(slab: Slab, link_type: int) -> LinkFields:
    if link_type == _ETHERNET:
        fields = _ethernet(slab)
    elif link_type in (_SLL, _SLL2_LINK):
        fields = _cooked(slab, link_type)
    elif link_type in _LOOPBACKS:
        fields = _loopback(slab)
    elif link_type in _IP_LINKS:
        fields = _bare(slab)
    elif link_type in (_PPP, _PPP_SERIAL, _CISCO):
        fields = _point_to_point(slab, link_type)
    else:
        fields = _nothing(slab, 0)
        fields.layers[:] = UNKNOWN_LINK
    follow(slab, fields)
    return fields


def _ethernet(slab: Slab) -> LinkFields:
    """Ethernet II and 802.3."""
    count = len(slab.at)
    outer = slab.u2(LINK).astype(np.uint64) << _SIXTEEN | slab.u2(LINK + 10)
    fields = LinkFields(
        slab.u2(LINK + 12), np.full(count, 14, np.int32), np.full(count, ETHERNET, np.uint32),
        np.zeros(count, np.uint16), slab.raw8(LINK + 2), outer,
    )  # fmt: skip
    _hide_cut(slab, fields, 14)
    return fields


def _cooked(slab: Slab, link_type: int) -> LinkFields:
    """Linux cooked captures, as ``tcpdump -i any`` writes them: SLL and SLL2."""
    is_second = link_type == _SLL2_LINK
    size, *columns = (20, 0, 10, 11, 12) if is_second else (16, 14, 0, 4, 6)
    type_at, kind_at, length_at, mac_at = (LINK + column for column in columns)
    count = len(slab.at)
    packet_kind = slab.u1(kind_at) if is_second else slab.u2(kind_at)
    address_length = slab.u1(length_at) if is_second else slab.u2(length_at)
    mac = slab.u2(mac_at).astype(np.uint64) << np.uint64(32) | slab.u4(mac_at + 2)
    kinds = (packet_kind == _TO_OTHERS_BY_US, packet_kind == _TO_OTHERS_BY_OTHERS)
    headers = np.select(kinds, (np.uint32(ETHERNET | OUTGOING), np.uint32(ETHERNET | FOR_OTHERS)), np.uint32(ETHERNET))
    fields = LinkFields(
        slab.u2(type_at), np.full(count, size, np.int32), headers, np.zeros(count, np.uint16),
        np.where(address_length == 6, mac, np.uint64(NO_MAC)), np.full(count, NO_MAC, np.uint64),
        slab.u4(LINK + 4).astype(np.int64) if is_second else None,
    )  # fmt: skip
    fields.ethertype[fields.ethertype < SMALLEST_TYPE] = NO_TYPE  # a number of Linux, not a length
    _hide_cut(slab, fields, size)
    return fields


def _loopback(slab: Slab) -> LinkFields:
    """BSD loopback: four octets name the family, in either byte order."""
    fields = _nothing(slab, 4)
    family = slab.u4(LINK)
    family = np.where(family > 0xFFFF, family.byteswap(), family)
    for number, ethertype in _FAMILIES.items():
        fields.ethertype[family == number] = ethertype
    _hide_cut(slab, fields, 4)
    return fields


def _bare(slab: Slab) -> LinkFields:
    """IP without a link layer."""
    fields = _nothing(slab, 0)
    version = slab.u1(LINK) >> 4
    fields.ethertype[version == 4] = TYPE_IPV4
    fields.ethertype[version == 6] = TYPE_IPV6
    _hide_cut(slab, fields, 1)
    return fields


def _point_to_point(slab: Slab, link_type: int) -> LinkFields:
    """PPP, with or without the address and control octets of HDLC; Cisco's HDLC with Ethernet types.

    Source: RFC 1661, 2; RFC 1662, 3.1; RFC 1547, 4.3.1, whose frames are recorded as PPP as well.
    """
    first, second = slab.u2(LINK), slab.u2(LINK + 2)
    is_cisco = (link_type == _CISCO) | (first == _CISCO_UNICAST) | (first == _CISCO_BROADCAST)
    is_long = (first == _HDLC_ADDRESS) | is_cisco
    fields = _nothing(slab, 0)
    fields.network[:] = np.where(is_long, 4, 2)
    protocol = np.where(is_long, second, first)
    fields.ethertype = np.where(is_cisco, protocol, ppp_types(protocol))
    fields.ethertype[fields.ethertype < SMALLEST_TYPE] = NO_TYPE
    _hide_cut(slab, fields, fields.network)
    return fields


def _hide_cut(slab: Slab, fields: LinkFields, size: int | I4) -> None:
    """What was not captured says nothing."""
    rows = np.flatnonzero(slab.have < size)
    fields.layers[rows] = CUT
    fields.ethertype[rows] = NO_TYPE
    fields.mac_low[rows] = fields.mac_high[rows] = NO_MAC
    if fields.device is not None:
        fields.device[rows] = -1


def _nothing(slab: Slab, size: int) -> LinkFields:
    count = len(slab.at)
    return LinkFields(
        np.full(count, NO_TYPE, np.uint16), np.full(count, size, np.int32), np.zeros(count, np.uint32),
        np.zeros(count, np.uint16), np.full(count, NO_MAC, np.uint64), np.full(count, NO_MAC, np.uint64),
    )  # fmt: skip


def mac_keys(low: U8, high: U8) -> tuple[U8, U8]:
    """Source and target MAC keys from the key words of ``LinkFields``."""
    is_ethernet = high < np.uint64(1 << 32)
    inner = low.byteswap()
    target = high >> _SIXTEEN << np.uint64(32) | inner >> np.uint64(32)
    source = (inner & np.uint64(0xFFFFFFFF)) << _SIXTEEN | high & np.uint64(0xFFFF)
    return np.where(is_ethernet, source, low), np.where(is_ethernet, target, high)
