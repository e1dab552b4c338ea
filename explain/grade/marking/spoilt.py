"""Damaged frames that a check may need: a checksum fails or a header contradicts itself, so what it said is unknown."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.grade.language.expressions import fill
from explain.table import BAD_CHECKSUM, BAD_IP_CHECKSUM, GOOD_CHECKSUM, ICMP, IP, MALFORMED, NO_FLOW, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.grade.events.scene import Scene
    from explain.grade.language.cited import Recorded
    from explain.grade.language.predicates import Predicate
    from explain.table import Rows

_MOST = 500
_BAD = BAD_CHECKSUM | BAD_IP_CHECKSUM | MALFORMED
_CARRIERS = {"dhcp": UDP, "dhcpv6": UDP, "dns": UDP | TCP, "http": TCP, "tcp": TCP, "udp": UDP, "icmp": ICMP,
             "ndp": ICMP, "ip": IP, "nat": IP, "traceroute": IP}  # fmt: skip
_PORTS = {"dhcp": (67, 68), "dhcpv6": (546, 547), "dns": (53, 5353)}
_BETWEEN = ("tcp", "udp", "icmp", "ip", "dns", "http")
"""Events whose ends are the ends of each of their frames."""
_SIDES = ("src", "dst", "client", "server", "from", "sport", "dport")
_LEFT_TO_THE_CARD = 3
"""So many frames of one sender, none of them sound: the card was to fill in the sums, and nothing is damaged."""


def spoilt(scene: Scene) -> Rows:
    """Rows of the report's table that are damaged, the first ones."""
    table = scene.report.packets
    size = len(table)
    layers, links = table.layers[:size], table.link[:size]
    rows: Rows = np.flatnonzero(layers & _BAD)
    for link in np.unique(links[rows]).tolist():
        own = links == link
        is_sound = (layers & _BAD == 0) & (layers & GOOD_CHECKSUM != 0) & own
        if np.count_nonzero(own[rows]) >= _LEFT_TO_THE_CARD and not is_sound.any():
            rows = rows[~own[rows]]
    return rows[:_MOST]


def may_be(scene: Scene, event: str, where: Sequence[Predicate], names: Mapping[str, Any]) -> list[Recorded]:
    """The frames that may be what is asked for, were they whole.

    A header that is damaged may have said anything; before it, and behind a sound one, it is as it stands there.
    """
    rows = spoilt(scene)
    family = event.partition(".")[0]
    asked = _asked(where, names) if len(rows) and family in _BETWEEN else set()
    everywhere = scene.everywhere
    return [(everywhere, row) for row in rows.tolist() if _may_be(everywhere, row, family, asked)]


def _may_be(scene: Scene, row: int, family: str, asked: set[Any]) -> bool:
    layers = int(scene.table.layers[row])
    if not layers & IP or family not in _CARRIERS:
        return family == "arp" and not layers & IP
    if layers & BAD_IP_CHECKSUM or scene.table.flow[row] == NO_FLOW:
        return True
    src, sport, dst, dport = scene.ends(row)
    if layers & MALFORMED:
        return {one for one in asked if isinstance(one, str)} <= {src, dst}
    return bool(layers & _CARRIERS[family]) and asked <= {src, dst, sport, dport} and _has_port(family, sport, dport)


def of(rows: Sequence[Recorded]) -> list[Recorded]:
    """Those of some frames that are damaged."""
    scenes = {id(scene.report): scene for scene, _ in rows}
    bad = {key: set(spoilt(scene).tolist()) for key, scene in scenes.items()}
    return [(scene, row) for scene, row in rows if row in bad[id(scene.report)]]


def _has_port(family: str, *ports: int | None) -> bool:
    return family not in _PORTS or bool({*ports} & {*_PORTS[family]})


def _asked(where: Sequence[Predicate], names: Mapping[str, Any]) -> set[Any]:
    """Addresses and ports that all frames of such an event have."""
    asked: set[Any] = set()
    for one in where:
        if one.field.partition(".")[0] in _SIDES and one.sign in ("eq", "=="):
            value = fill(one.value, names)
            asked |= {value} if _is_end(value) else set()
    return asked


def _is_end(value: Any) -> bool:
    """Whether a value is a port or an address, alone."""
    if isinstance(value, int):
        return not isinstance(value, bool)
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
