"""Devices that name themselves to their neighbour on the cable, and cables that they bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.exchanges.cable import ALONE, Device, bundle, devices
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.cable import Member
    from explain.table import PacketTable, Rows

    Told = tuple[str, Rows, dict[str, Any]]

_MOST_TOLD = 8


def named(table: PacketTable, protocol: str) -> Iterator[Told]:
    """Each device with its port, and where the two of a cable do not fit."""
    found = devices(table, protocol)
    for one in found[:_MOST_TOLD]:
        rows = np.array(one.rows)
        if not one.lifetime_s:
            yield "device-gone", rows, {"name": one.name, "port": one.port}
            continue
        values = {"mac": one.mac, "name": one.name, "port": one.port, "facts": _facts(one)}
        yield "device" if values["facts"] else "device-bare", rows, values
    places: dict[int, dict[str, Device]] = {}
    for one in found:
        places.setdefault(one.place, {})[one.mac] = one
    for own in places.values():
        if len(own) == 2:
            yield from _misfits(*own.values())


def _facts(one: Device) -> list[Line]:
    facts = [("kind", one.kind), ("address", one.address), ("vlan", one.native_vlan)]
    return [Line(f"unread.device-{name}", {name: value}) for name, value in facts if value not in ("", None)]


def _misfits(one: Device, other: Device) -> Iterator[Told]:
    rows = np.array(sorted((*one.rows, *other.rows)))
    names = {"one": one.name, "other": other.name}
    if None not in (one.native_vlan, other.native_vlan) and one.native_vlan != other.native_vlan:
        yield "device-vlans", rows, {**names, "one_vlan": one.native_vlan, "other_vlan": other.native_vlan}
    for full, half in ((one, other), (other, one)):
        if full.is_full and half.is_full is False:
            yield "device-duplex", rows, {"full": full.name, "half": half.name}


def bundled(table: PacketTable) -> Iterator[Told]:
    """The ports of each device that are in a bundle, and those that are not."""
    found: dict[tuple[str, str, str], list[Member]] = {}
    for one in bundle(table):
        found.setdefault((one.system, "" if one.state == ALONE else one.partner, one.state), []).append(one)
    for (system, partner, state), members in list(found.items())[:_MOST_TOLD]:
        rows = np.array(sorted(row for one in members for row in one.rows))
        ports = [str(one.port) for one in members]
        yield f"bundle-{state}", rows, {"system": system, "partner": partner, "ports": ports}
