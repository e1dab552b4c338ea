"""Flows of several VLANs that have addresses and ports in common, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, distinct
from explain.flows import Flows
from explain.table import REVERSED, VLAN, VLAN_ID

if TYPE_CHECKING:
    from explain.table import I8, Bools, PacketTable, Rows

_VLAN_BITS = 24  # of the outer and the inner id
_STATION_BITS = 32
_NO_TTL = 1 << 8


def tell_apart(table: PacketTable) -> None:
    """Give a flow that was recorded in several VLANs another number in each, where these are separate networks.

    A packet that goes from one VLAN into another is the same flow: it keeps its TTL and its MACs where a bridge passed
    it on, and has a TTL that is one lower where a router did.  Where no station is in both, and the TTLs are alike
    all the same, somebody uses the same addresses twice.
    """
    tagged = np.flatnonzero(table.layers & VLAN)
    if not len(tagged):
        return
    rows, vlan = _in_several(table, tagged)
    if not len(rows):
        return
    group = table.flow[rows].astype(np.int64) << _VLAN_BITS | vlan
    groups, first, number = np.unique(group, return_index=True, return_inverse=True)
    of_flow = groups >> _VLAN_BITS
    is_apart = ~(_meets(table, rows, number, of_flow) | _aged(table, rows, number, of_flow))
    split = np.flatnonzero(is_apart & (first != _least(first, of_flow)))
    numbers = of_flow.astype(np.uint32)
    numbers[split] = len(table.flows.low) + np.arange(len(split))
    table.flow[rows] = numbers[number]
    again = np.concatenate((np.arange(len(table.flows.low)), of_flow[split]))
    table.flows = Flows(*(getattr(table.flows, one.name)[again] for one in fields(Flows)))


def _in_several(table: PacketTable, tagged: Rows) -> tuple[Rows, I8]:
    """The rows of flows that were seen in several VLANs, and the ids of each row."""
    of_flow = np.zeros(len(table.flows.low) + 1, np.bool_)  # the last for what has no flow
    of_flow[np.minimum(table.flow[tagged], len(table.flows.low))] = True
    of_flow[-1] = False
    rows = np.flatnonzero(of_flow.take(table.flow, mode="clip"))
    is_tagged, flow = table.layers[rows] & VLAN != 0, table.flow[rows]
    vlan = (table.vlan[rows] & np.uint16(VLAN_ID)).astype(np.int64) * is_tagged
    if (table.beside.inner & np.uint16(VLAN_ID)).any():
        vlan |= (table.beside.inner_of(rows) & np.uint16(VLAN_ID)).astype(np.int64) << 12
    usual = np.zeros(len(table.flows.low), np.int64)
    usual[flow] = vlan
    several = np.zeros(len(usual), np.bool_)
    several[flow[usual[flow] != vlan]] = True
    is_wanted = several[flow]
    return rows[is_wanted], vlan[is_wanted]


def _least(values: I8, of_flow: I8) -> I8:
    """For each group the smallest value of its flow; groups of a flow are neighbours."""
    starts = np.flatnonzero(np.concatenate(([True], of_flow[1:] != of_flow[:-1])))
    sizes = np.diff(np.concatenate((starts, [len(of_flow)])))
    return np.minimum.reduceat(values, starts).repeat(sizes)


def _meets(table: PacketTable, rows: Rows, number: I8, of_flow: I8) -> Bools:
    """Groups of flows of which a station has part in several VLANs."""
    macs = np.concatenate((table.links.source, table.links.target))
    station = np.unique(macs, return_inverse=True)[1].reshape(2, -1)
    seen = [number << _STATION_BITS | side[table.link[rows]] for side in station]
    pairs = distinct(np.concatenate(seen))
    group, mac = pairs >> _STATION_BITS, pairs & ((1 << _STATION_BITS) - 1)
    order = np.lexsort((mac, of_flow[group]))
    flow, mac = of_flow[group][order], mac[order]
    is_shared = (flow[1:] == flow[:-1]) & (mac[1:] == mac[:-1])
    return among(of_flow, flow[1:][is_shared])


def _aged(table: PacketTable, rows: Rows, number: I8, of_flow: I8) -> Bools:
    """Groups of flows whose packets are not equally fresh in all VLANs, or that have no direction in common."""
    turned = (table.layers[rows] & REVERSED != 0).astype(np.int64)
    most = np.full((2, len(of_flow)), -1, np.int64)
    np.maximum.at(most, (turned, number), table.ttl[rows])
    is_unequal, has_common = np.zeros((2, len(of_flow)), np.bool_)
    for ttl in most:
        least, highest = _least(np.where(ttl < 0, _NO_TTL, ttl), of_flow), -_least(-ttl, of_flow)
        is_unequal |= (highest >= 0) & (least != highest)
        has_common |= _least(ttl, of_flow) >= 0
    return is_unequal | ~has_common
