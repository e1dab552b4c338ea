"""A DHCP client's first question: who on its segment would hear and answer it?

Source: RFC 2131 section 4.1 and 4.4.1; for IPv6 RFC 8415 section 7.1, 7.2 and 18.2.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import is_link_local
from explain.state.one_host.decide import decide
from explain.state.one_host.deliver import listeners
from explain.state.packet import Packet, arriving
from explain.state.segment.carry import BROADCAST, carry
from explain.state.segment.links import join
from explain.state.way.path import Locus, StateCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explain.state.one_host.decision import Decision
    from explain.state.records import HostState, Interface
    from explain.state.segment.network import Link, Network, Place

CLIENT, SERVER = 68, 67
CLIENT_6, SERVER_6 = 546, 547
_ALL_SERVERS, _ALL_SERVERS_MAC = "ff02::1:2", "33:33:00:01:00:02"


def solicit(client_mac: str | None, source: str | None) -> Packet:
    """A DHCPv6 Solicit from the client's link-local address to all servers and relays of the link."""
    return Packet(
        _ALL_SERVERS, "udp", source, source_port=CLIENT_6, destination_port=SERVER_6, ttl=1, length=112,
        source_mac=client_mac, destination_mac=_ALL_SERVERS_MAC, packet_type="multicast",
    )  # fmt: skip


def discover(client_mac: str | None) -> Packet:
    """A DHCPDISCOVER from nobody to everybody."""
    return Packet(
        "255.255.255.255", "udp", None, source_port=CLIENT, destination_port=SERVER, ttl=64, length=328,
        source_mac=client_mac, destination_mac=BROADCAST, packet_type="broadcast",
    )  # fmt: skip


def dhcp_causes(
    states: Iterable[HostState],
    client: str,
    device: str,
    *,
    family: int = 4,
    links: Iterable[Link] | None = None,
) -> tuple[StateCause, ...]:
    """What the states tell of a client that asks for an address.

    Args:
        states: the hosts that are known.
        client: name of the host that asks.
        device: the interface that it asks on.
        family: of the address that it asks for, 4 or 6.
        links: as for ``walk``.

    Returns:
        ``dhcp-no-server``, ``dhcp-server-filtered``, ``dhcp-rogue-server`` or nothing: a pool that is exhausted
        and a lease of another network do not show in a state.
    """
    network = join(states, links)
    own = network.interface((client, device))
    asked = _question(own, family)
    arrivals = [place for place in carry(network, (client, device), asked).arrivals if place[0] != client]
    heard = [(place, decide(network.hosts[place[0]], arriving(asked, place[1]))) for place in arrivals]
    port = asked.destination_port
    servers = [(place, said) for place, said in heard if listeners(network.hosts[place[0]], "udp", port)]
    willing = [(place, said) for place, said in servers if said.goes_on]
    stopped = [(place, said) for place, said in servers if said.reason == "filter"]
    if stopped and not willing:
        return tuple(_cause("dhcp-server-filtered", each) for each in stopped)
    if len({place[0] for place, _ in willing}) > 1:
        return (replace(_cause("dhcp-rogue-server", willing[-1]), certainty="likely"),)
    if not servers and _is_known(network, arrivals):
        return (StateCause("dhcp-no-server", "proved", (Locus("dhcp-server"),), ()),)
    return ()


def _question(client: Interface | None, family: int) -> Packet:
    mac = client.mac if client else None
    if family == 4:
        return discover(mac)
    own = (client.addresses or ()) if client else ()
    return solicit(mac, next((each.local for each in own if each.family == 6 and is_link_local(each.local)), None))


def _is_known(network: Network, arrivals: list[Place]) -> bool:
    """Whether every host that hears the question has its sockets collected."""
    return bool(arrivals) and all(network.hosts[place[0]].sockets is not None for place in arrivals)


def _cause(cause: str, found: tuple[Place, Decision]) -> StateCause:
    place, said = found
    rule = said.by.rule if said.by else None
    return StateCause(cause, "proved", (Locus("dhcp-server", *place, rule=rule),), (said.by,) if said.by else ())
