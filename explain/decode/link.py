"""Link layers: where layer 3 begins, what it is, and between which MACs it goes.

Source: IEEE 802.3 and 802.1Q; the link-layer header types of tcpdump.org (LINKTYPE_ETHERNET 1,
RAW 101, LINUX_SLL 113, LINUX_SLL2 276, NULL 0, LOOP 108, IPV4 228, IPV6 229).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.decode.slab import gather
from explain.table import CUT, ETHERNET, NO_MAC, OUTGOING, UNKNOWN_LINK, VLAN

if TYPE_CHECKING:
    from explain.decode.slab import Slab
    from explain.table import I8, U2, U4, U8

NO_TYPE = 0
TYPE_IPV4 = 0x0800
TYPE_ARP = 0x0806
TYPE_IPV6 = 0x86DD
_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
_MOST_TAGS = 8
_SMALLEST_TYPE = 0x0600  # below it, the field is a length (IEEE 802.3, 3.2.6)
_SNAP = 0xAAAA03000000
_FAMILIES = {2: TYPE_IPV4, 10: TYPE_IPV6, 24: TYPE_IPV6, 28: TYPE_IPV6, 30: TYPE_IPV6}

ETHERNET_LINK, NULL_LINK, LOOP_LINK, SLL_LINK, SLL2_LINK = 1, 0, 108, 113, 276
IP_LINKS = (101, 12, 14, 228, 229)


@dataclass(slots=True)
class LinkFields:
    """What the link layer of n frames says.

    Attributes:
        ethertype: NO_TYPE where layer 3 is not known.
        network: int64[n], octets from the frame's start to layer 3.
        mac_low, mac_high: key words: first eight and next four octets of an Ethernet header,
            or a MAC key and NO_MAC.
        device: int64[n], interface index of SLL2, else -1.
    """

    ethertype: U2
    network: I8
    layers: U4
    vlan: U2
    mac_low: U8
    mac_high: U8
    device: I8


def ethernet(slab: Slab) -> LinkFields:
    """Frames of Ethernet II, 802.3 with SNAP, and any number of VLAN tags up to eight."""
    count = len(slab.at)
    fields = LinkFields(
        slab.u2(12), np.full(count, 14, np.int64), np.full(count, ETHERNET, np.uint32), np.zeros(count, np.uint16),
        slab.raw8(0), slab.raw4(8), np.full(count, -1, np.int64),
    )  # fmt: skip
    fields.layers[slab.have < 14] = CUT
    _follow_tags(slab, fields, np.flatnonzero(np.isin(fields.ethertype, _TAGS)))
    _follow_snap(slab, fields, np.flatnonzero(fields.ethertype < _SMALLEST_TYPE))
    return fields


def _follow_tags(slab: Slab, fields: LinkFields, rows: I8) -> None:
    for depth in range(_MOST_TAGS):
        rows = rows[slab.have[rows] >= fields.network[rows] + 4]
        if not len(rows):
            return
        tag = gather(slab.data, slab.at[rows] + fields.network[rows], 4).astype(np.uint16)
        if depth == 0:
            fields.vlan[rows] = tag[:, 0] << 8 | tag[:, 1]
            fields.layers[rows] |= VLAN
        fields.ethertype[rows] = tag[:, 2] << 8 | tag[:, 3]
        fields.network[rows] += 4
        rows = rows[np.isin(fields.ethertype[rows], _TAGS)]
    fields.ethertype[rows] = NO_TYPE


def _follow_snap(slab: Slab, fields: LinkFields, rows: I8) -> None:
    if not len(rows):
        return
    head = gather(slab.data, slab.at[rows] + fields.network[rows], 8).astype(np.uint64)
    snap = np.zeros(len(rows), np.uint64)
    for column in range(6):
        snap = snap << np.uint64(8) | head[:, column]
    is_snap = (snap == _SNAP) & (slab.have[rows] >= fields.network[rows] + 8)
    fields.ethertype[rows] = np.where(is_snap, head[:, 6] << np.uint64(8) | head[:, 7], NO_TYPE)
    fields.network[rows[is_snap]] += 8


def cooked(slab: Slab, link_type: int) -> LinkFields:
    """Linux cooked captures, as ``tcpdump -i any`` writes them: SLL and SLL2."""
    is_second = link_type == SLL2_LINK
    size, type_at, kind_at, length_at, mac_at = (20, 0, 10, 11, 12) if is_second else (16, 14, 0, 4, 6)
    count = len(slab.at)
    packet_kind = slab.u1(kind_at) if is_second else slab.u2(kind_at)
    address_length = slab.u1(length_at) if is_second else slab.u2(length_at)
    mac = slab.u2(mac_at).astype(np.uint64) << np.uint64(32) | slab.u4(mac_at + 2)
    layers = np.where(packet_kind == 4, np.uint32(ETHERNET | OUTGOING), np.uint32(ETHERNET))
    fields = LinkFields(
        slab.u2(type_at), np.full(count, size, np.int64), layers, np.zeros(count, np.uint16),
        np.where(address_length == 6, mac, np.uint64(NO_MAC)), np.full(count, NO_MAC, np.uint64),
        slab.u4(4).astype(np.int64) if is_second else np.full(count, -1, np.int64),
    )  # fmt: skip
    fields.layers[slab.have < size] = CUT
    fields.ethertype[fields.ethertype < _SMALLEST_TYPE] = NO_TYPE
    _follow_tags(slab, fields, np.flatnonzero(np.isin(fields.ethertype, _TAGS)))
    return fields


def bare(slab: Slab, link_type: int) -> LinkFields:
    """Raw IP, and BSD loopback whose four octets name the family in either byte order."""
    count = len(slab.at)
    size = 0 if link_type in IP_LINKS else 4
    fields = _nothing(count)
    fields.network[:] = size
    fields.layers[slab.have < size + 1] = CUT
    if size:
        family = slab.u4(0)
        family = np.where(family > 0xFFFF, family.byteswap(), family)
        for number, ethertype in _FAMILIES.items():
            fields.ethertype[family == number] = ethertype
    else:
        version = slab.u1(0) >> 4
        fields.ethertype[version == 4] = TYPE_IPV4
        fields.ethertype[version == 6] = TYPE_IPV6
    return fields


def unknown(slab: Slab) -> LinkFields:
    """A link type that is not decoded: the frames count, nothing more."""
    fields = _nothing(len(slab.at))
    fields.layers[:] = UNKNOWN_LINK
    return fields


def _nothing(count: int) -> LinkFields:
    no_mac = np.full(count, NO_MAC, np.uint64)
    return LinkFields(
        np.zeros(count, np.uint16), np.zeros(count, np.int64), np.zeros(count, np.uint32), np.zeros(count, np.uint16),
        no_mac, no_mac, np.full(count, -1, np.int64),
    )  # fmt: skip


def read(slab: Slab, link_type: int) -> LinkFields:
    """The link layer of frames that all have one link type."""
    if link_type == ETHERNET_LINK:
        return ethernet(slab)
    if link_type in (SLL_LINK, SLL2_LINK):
        return cooked(slab, link_type)
    if link_type in (NULL_LINK, LOOP_LINK, *IP_LINKS):
        return bare(slab, link_type)
    return unknown(slab)


def mac_keys(low: U8, high: U8) -> tuple[U8, U8]:
    """Source and target MAC keys from the key words of ``LinkFields``."""
    is_ethernet = high < np.uint64(1 << 32)
    swapped = low.byteswap()
    target = np.where(is_ethernet, swapped >> np.uint64(16), high)
    ends = (swapped & np.uint64(0xFFFF)) << np.uint64(32) | high.astype(np.uint32).byteswap().astype(np.uint64)
    return np.where(is_ethernet, ends, low), target
