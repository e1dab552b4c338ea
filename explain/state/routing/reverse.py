"""Looking at a packet's source as if it were a destination: reverse path filter and martian sources.

Source: RFC 3704 section 2.2 (strict) and 2.4 (loose); __fib_validate_source() in net/ipv4/fib_frontend.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import family_of, is_loopback, is_multicast
from explain.state.routing.routes import Found, Query, look_up
from explain.state.settings import Setting, rp_filter

if TYPE_CHECKING:
    from explain.state.packet import Packet
    from explain.state.records import Answer, HostState


def destination_type(state: HostState, address: str) -> str:
    """What an address is to this host: ``local``, ``broadcast``, ``multicast``, ``unicast``, ... or ``unknown``."""
    if is_multicast(address):
        return "multicast"
    if address == "255.255.255.255":
        return "broadcast"
    found = look_up(state, Query(family_of(address), address, is_strict=False))
    return found.kind


def way_back(state: HostState, source: str, destination: str, mark: int = 0) -> Found:
    """The route that leads back to a source."""
    return look_up(state, Query(family_of(source), source, destination, mark=mark, is_strict=False))


def leads_back(state: HostState, packet: Packet, interface: str, *, is_strict: bool) -> Answer:
    """Whether the way back to the packet's source leaves by the interface that it came in by."""
    if packet.source is None:
        return None
    found = way_back(state, packet.source, packet.destination, packet.mark)
    if found.kind == "unknown":
        return None
    if found.kind != "unicast" or found.nexthop is None:
        return False
    devices = {hop.device for hop in (found.nexthop, *found.others)}
    return interface in devices or not is_strict


def refusal(state: HostState, packet: Packet, interface: str) -> tuple[str, Setting | None] | None:
    """Why the kernel would not believe a packet's source: ``martian`` or ``rp-filter`` and the sysctl, else None.

    IPv6 has neither check.
    """
    source = packet.source
    if packet.family == 6:
        return None
    if source is None:
        return ("martian", None) if packet.destination != "255.255.255.255" else None
    if is_multicast(source) or is_loopback(source) or source == "255.255.255.255":
        return "martian", None
    owner = state.owner_of(source)
    accepts = state.sysctl(f"net.ipv4.conf.{interface}.accept_local") == 1
    if owner is not None and not accepts:
        return "martian", None
    setting = rp_filter(state, interface)
    if not setting.value:
        return None
    strict = setting.value == 1
    if leads_back(state, packet, interface, is_strict=strict) is False:
        return "rp-filter", setting
    return None
