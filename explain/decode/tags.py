"""What stands between the link layer and layer 3: VLAN tags, LLC with SNAP, PPPoE and PPP, MPLS labels.

Source: IEEE 802.1Q, 9.6; IEEE 802, 9.2 and RFC 1042 (SNAP); RFC 2516, 4 (PPPoE); the registry
of PPP protocol numbers of IANA; RFC 3032, 2.1 (labels) and RFC 4928, 2 (what follows the last).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.capture.walk import gather
from explain.decode.slab import LINK, number
from explain.table import CUT, VLAN

if TYPE_CHECKING:
    from explain.decode.link import LinkFields
    from explain.decode.slab import Slab
    from explain.table import I8, U2

NO_TYPE = 0
TYPE_IPV4 = 0x0800
TYPE_ARP = 0x0806
TYPE_IPV6 = 0x86DD
_TYPE_MPLS = 0x8847
_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
_LABELS = (_TYPE_MPLS, 0x8848)
_PPPOE_SESSION = 0x8864
SMALLEST_TYPE = 0x0600
"""Below it, the field is a length (IEEE 802.3, 3.2.6)."""

_MOST_STEPS = 8
_LEAST_LLC = 3
_SNAP = 0xAAAA03000000
_PPP_TYPES = ((0x0021, TYPE_IPV4), (0x0057, TYPE_IPV6), (0x0281, _TYPE_MPLS))
_TAG, _LABEL, _SESSION, _LLC = 1, 2, 3, 4
_STEP = np.zeros(1 << 16, np.uint8)
_STEP[list(_TAGS)], _STEP[list(_LABELS)], _STEP[_PPPOE_SESSION] = _TAG, _LABEL, _SESSION
_STEP[NO_TYPE + 1 : SMALLEST_TYPE] = _LLC


def follow(slab: Slab, fields: LinkFields) -> None:
    """Step over all that is known to stand before layer 3, on rows whose ``ethertype`` announces it."""
    rows = np.flatnonzero(fields.ethertype != TYPE_IPV4)
    rows = rows[_STEP.take(fields.ethertype[rows]) > 0]
    for _ in range(_MOST_STEPS):
        if not len(rows):
            return
        steps = _STEP[fields.ethertype[rows]]
        going_on = []
        for kind, step, size in ((_TAG, _vlan, 4), (_LABEL, _label, 5), (_SESSION, _pppoe, 8), (_LLC, _snap, 8)):
            some = rows[steps == kind]
            if not len(some):
                continue
            fits = slab.have[some] >= fields.network[some] + size
            fields.layers[some[~fits]] |= CUT
            if kind == _LLC:
                fields.layers[_without_snap(slab, fields, some[~fits])] ^= CUT
            fields.ethertype[some[~fits]] = NO_TYPE
            going_on.append(step(slab, fields, some[fits]))
        rows = np.concatenate(going_on)
        rows = rows[_STEP[fields.ethertype[rows]] > 0]


def _vlan(slab: Slab, fields: LinkFields, rows: I8) -> I8:
    """Step over a tag; as all steps, gives the rows in which something may stand behind that is known here."""
    tag = slab.words4(rows, LINK + fields.network[rows]).view(np.uint8).reshape(-1, 4)
    first = fields.layers[rows] & VLAN == 0
    fields.vlan[rows[first]] = number(tag[first], 0, 2)
    if not first.all():
        fields.inner = np.zeros(len(fields.vlan), np.uint16) if fields.inner is None else fields.inner
        fields.inner[rows[~first]] = number(tag[~first], 0, 2)
    fields.layers[rows] |= VLAN
    fields.ethertype[rows] = number(tag, 2, 2)
    fields.network[rows] += 4
    return rows


def _label(slab: Slab, fields: LinkFields, rows: I8) -> I8:
    """A label; what stands behind the last one and is not IP keeps the type of labels."""
    label = gather(slab.data, slab.at[rows] + fields.network[rows], 5)
    fields.network[rows] += 4
    is_last = label[:, 2] & 1 != 0
    version = label[:, 4] >> 4
    after = np.select(
        [version == 4, version == 6], [np.uint16(TYPE_IPV4), np.uint16(TYPE_IPV6)], fields.ethertype[rows]
    )
    fields.ethertype[rows[is_last]] = after[is_last]
    going_on: I8 = rows[~is_last]
    return going_on


def _pppoe(slab: Slab, fields: LinkFields, rows: I8) -> I8:
    """A session; what keeps the line up (LCP, IPCP) keeps the type of sessions."""
    head = gather(slab.data, slab.at[rows] + fields.network[rows], 8)
    fields.network[rows] += 8
    types = ppp_types(number(head, 6, 2).astype(np.uint16))
    is_known = types != NO_TYPE
    fields.ethertype[rows[is_known]] = types[is_known]
    going_on: I8 = rows[is_known]
    return going_on


def ppp_types(protocols: U2) -> U2:
    """The Ethernet types for PPP protocol numbers; NO_TYPE for what has none."""
    types = np.full(len(protocols), NO_TYPE, np.uint16)
    for protocol, ethertype in _PPP_TYPES:
        types[protocols == protocol] = ethertype
    return types


def _without_snap(slab: Slab, fields: LinkFields, rows: I8) -> I8:
    """Of frames that end where SNAP would go on those that have LLC alone, as far as it is there."""
    whole = rows[slab.have[rows] >= fields.network[rows] + _LEAST_LLC]
    alone: I8 = whole[gather(slab.data, slab.at[whole] + fields.network[whole], 1)[:, 0] != _SNAP >> 40]
    return alone


def _snap(slab: Slab, fields: LinkFields, rows: I8) -> I8:
    head = gather(slab.data, slab.at[rows] + fields.network[rows], 8)
    is_snap = number(head, 0, 6) == _SNAP
    fields.ethertype[rows] = np.where(is_snap, number(head, 6, 2), NO_TYPE)
    going_on: I8 = rows[is_snap]
    fields.network[going_on] += 8
    return going_on
