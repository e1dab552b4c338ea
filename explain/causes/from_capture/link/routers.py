"""Routers of IPv6 that hosts wait for in vain: one that withdrew, or a link where none makes itself known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import mac_text
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.hosts import is_link_local
from explain.exchanges.ndp.frames import ADVERTISEMENT, SOLICITATION, messages
from explain.record import NamedTuple
from explain.table import TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.ndp.frames import Message
    from explain.exchanges.ndp.router import NdpRouter
    from explain.table import PacketTable

_ALL_TRIES = 3  # MAX_RTR_SOLICITATIONS (RFC 4861, 10)
_LAST_WAIT_NS = 1_000_000_000  # after the last one a host waits so long, then it knows (RFC 4861, 6.3.7)
_ROUTER_FLAG = 1 << 31
_ECHO_REQUESTS = (8, 128)
_RIVALS = ("filter-on-switch", "bridge-ports-isolated", "gateway-interface-down", "forwarding-disabled")


def look(scene: Scene) -> Iterator[Seen]:
    """A router that said goodbye first; then hosts that never heard of one.

    Solicitations without an answer prove nothing by themselves: every interface sends them, also where
    addresses are set by hand.
    """
    part = scene.part("ndp.router")
    yield from _withdrawn(scene, part)
    yield from _never_heard(scene, part)


def _withdrawn(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """A router said that it is none any more, and then hosts looked for one in vain."""
    ceased = [index for index in part.where("announced", "answered").tolist() if part.fields(index).lifetime_s == 0]
    for index in ceased:
        fields: NdpRouter = part.fields(index)
        if _advertises_again(part, index, fields):
            continue
        rows = part.rows(index)
        later = [
            other
            for other in part.where("unanswered").tolist()
            if part.rows(other)[0] > rows[-1] and scene.table.place[part.rows(other)[0]] == scene.table.place[rows[0]]
        ]
        if later:
            members: list[Member] = [(part, index), *((part, other) for other in later)]
            proof = np.concatenate([rows, *(part.rows(other) for other in later)])
            hosts = sorted({part.fields(other).host_mac for other in later})
            values = {"router": fields.router, "macs": hosts, "count": len(later)}
            yield Seen("router-advertisement-missing", "likely", members, proof.tolist(), (), values)


def _advertises_again(part: ExchangeColumns, index: int, fields: NdpRouter) -> bool:
    """Whether any router still offers itself after the withdrawal."""
    last = part.rows(index)[-1]
    return any(
        part.rows(other)[-1] > last and part.fields(other).lifetime_s
        for other in part.where("announced", "answered").tolist()
        if other != index and fields.router
    )


class _Link(NamedTuple):
    """What neighbour discovery shows of others on the link on which a host looked for a router.

    Attributes:
        users: rows in which another host uses an address that is valid beyond the link.
        routers: rows in which a neighbour calls itself a router (flag R of RFC 4861, 4.4).
    """

    users: list[int]
    routers: list[int]


def _never_heard(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """A host that talks, has only its link-local address, and asked as often as the standard lets it.

    That is missed only where others on the same link use global addresses, or a router shows itself as such.
    """
    table = scene.table
    searches = [index for index in scene.open(part, "unanswered") if part.fields(index).solicitations >= _ALL_TRIES]
    told = {int(table.place[part.rows(index)[0]]) for index in part.where("announced", "answered").tolist()}
    for index in searches:
        rows, fields = part.rows(index), part.fields(index)
        place, mac = int(table.place[rows[0]]), int(table.links.source[table.link[rows[0]]])
        waited_ns = table.waited_ns(rows[-1])
        if place in told or waited_ns < _LAST_WAIT_NS or not _has_only_its_link(scene, mac) or not _talks(table, mac):
            continue
        link = _on_link(table, int(rows[0]), mac)
        shown = [*link.routers[:1], *link.users[:1]]
        if not shown:
            continue
        values = {
            "case": "router" if link.routers else "never", "host": fields.host, "mac": fields.host_mac,
            "requests": fields.solicitations, "neighbour": mac_text(int(table.links.source[table.link[shown[0]]])),
        }  # fmt: skip
        certainty = "likely" if link.routers else "possible"
        proof = [*rows.tolist(), *shown]
        yield Seen("router-advertisement-missing", certainty, [(part, index)], proof, _RIVALS, values)


def _has_only_its_link(scene: Scene, mac: int) -> bool:
    """Whether a host was never seen to have an address that is valid beyond its link, of IPv4 or of IPv6."""
    table, (macs, addresses) = scene.table, scene.hosts.carried()
    held = {*addresses[macs == mac].tolist(), *table.arp.sender_ip[table.arp.sender_mac == mac].tolist()}
    held |= {one.target for one in messages(table) if one.mac == mac and one.is_from_nobody and one.target}
    return all(is_link_local(table, address) for address in held)


def _talks(table: PacketTable, mac: int) -> bool:
    """Whether more than the noise of a fresh interface came from a host; a switch makes that noise, too."""
    layers, icmp = table.layers[: len(table)], table.icmp
    spoken = np.flatnonzero(layers & (TCP | UDP) != 0)
    spoken = np.concatenate([spoken, icmp.row[np.isin(icmp.type, _ECHO_REQUESTS)]])
    return bool((table.links.source[table.link[spoken]] == mac).any())


def _on_link(table: PacketTable, row: int, mac: int) -> _Link:
    """Who else is there."""
    link = _Link([], [])
    said = list(messages(table))
    place = next(one.place for one in said if one.row == row)
    for one in said:
        if one.place != place or one.mac == mac:
            continue
        if one.kind == ADVERTISEMENT and one.word & _ROUTER_FLAG:
            link.routers.append(one.row)
        if one.kind in (SOLICITATION, ADVERTISEMENT) and not is_link_local(table, _own(one)):
            link.users.append(one.row)
    return link


def _own(message: Message) -> int:
    """The address that a message shows its sender to have, or to want."""
    return message.target if message.kind == ADVERTISEMENT or message.is_from_nobody else message.source
