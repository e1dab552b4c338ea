"""The question for a next hop's MAC, its answer, and why an owner of the address stays unheard.

Source: RFC 826; RFC 4861 section 7.2; arp_process() in net/ipv4/arp.c, ndisc_recv_ns() in net/ipv6/ndisc.c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explain.state.addresses import UNSPECIFIED, parse, to_text
from explain.state.filters.packet_values import Context
from explain.state.filters.ruleset import ruleset_of
from explain.state.filters.verdict import decide as verdict_of
from explain.state.one_host.deciders import filter_decider
from explain.state.one_host.decision import Decider, worded
from explain.state.packet import Packet
from explain.state.routing.reverse import refusal, way_back
from explain.state.segment.carry import BROADCAST, Obstacle, carry
from explain.state.settings import arp_filter, arp_ignore

if TYPE_CHECKING:
    from explain.state.records import HostState, Interface
    from explain.state.segment.network import Network, Place


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for the MAC of an address.

    Attributes:
        asker: the host, and the interface on which it asks; ``interface`` is what its state says of that.
        address: whose MAC is wanted.
        source: the address that the question is asked from, None if it has none.
    """

    network: Network
    asker: Place
    interface: Interface
    address: str
    source: str | None

    @property
    def packet(self) -> Packet:
        """The ARP request, or the neighbour solicitation to the solicited-node group.

        Source: RFC 4861 section 7.2.2.
        """
        parsed = parse(self.address)
        if parsed is None or parsed[0] == 4:
            return Packet(
                self.address, "arp", self.source, source_mac=self.interface.mac, destination_mac=BROADCAST, length=28
            )
        group = to_text(6, 0xFF02 << 112 | 1 << 32 | 0xFF000000 | parsed[1] & 0xFFFFFF)
        tail = parsed[1] & 0xFFFFFF
        mac = f"33:33:ff:{tail >> 16:02x}:{tail >> 8 & 255:02x}:{tail & 255:02x}"
        return Packet(
            group, "icmpv6", self.source, 135, 0, ttl=255, length=72, connection="untracked",
            source_mac=self.interface.mac, destination_mac=mac,
        )  # fmt: skip

    def reply(self, owner: Interface) -> Packet:
        """The ARP reply, or the neighbour advertisement, that an owner of the address gives."""
        if ":" not in self.address:
            return Packet(
                self.source or UNSPECIFIED[4], "arp", self.address, length=28,
                source_mac=owner.mac, destination_mac=self.interface.mac,
            )  # fmt: skip
        return Packet(
            self.source or "ff02::1", "icmpv6", self.address, 136, 0, ttl=255, length=72, connection="untracked",
            source_mac=owner.mac, destination_mac=self.interface.mac,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Silence:
    """A host that has the address and does not say so, or whose answer is lost.

    Attributes:
        reason: ``noarp``, ``arp-ignore``, ``arp-filter``, ``rp-filter``, ``martian``, ``tentative``,
            ``filter``, ``ipv6-disabled``, ``other-interface``, or an obstacle's reason.
    """

    place: Place
    reason: str
    by: Decider | None = None
    hook: str | None = None
    obstacle: Obstacle | None = None


def unheard(asked: Question, place: Place) -> Silence | None:
    """Why an owner of the address at a place that the question reached stays unheard; None if its answer arrives."""
    return _unanswered(asked, place) or _lost(asked, place)


def _unanswered(asked: Question, place: Place) -> Silence | None:
    """Why an owner that hears the question does not answer it."""
    state, address = asked.network.hosts[place[0]], asked.address
    device = state.interface(place[1])
    if device is None:
        return None
    filtered = _filtered_on_arrival(state, place, asked.packet)
    if filtered is not None:
        return filtered
    if "NOARP" in device.flags:
        return Silence(place, "noarp", Decider("interface", f"{place[1]} NOARP", place[1]))
    if ":" in address:
        own = [each for each in device.addresses or () if each.local == address]
        if not own:
            return Silence(place, "other-interface", Decider("address", address, place[1], address))
        if not own[0].is_usable:
            flags = " ".join(sorted(own[0].flags & {"tentative", "dadfailed"}))
            return Silence(place, "tentative", Decider("address", f"{address} {flags}", place[1], address))
        return None
    return _unanswered_v4(state, place, address, asked.source)


def _unanswered_v4(state: HostState, place: Place, address: str, source: str | None) -> Silence | None:
    device = state.interface(place[1])
    ignore = arp_ignore(state, place[1])
    here = {each.local for each in (device.addresses if device else None) or ()}
    if ignore.value == 8 or (ignore.value in {1, 2} and address not in here):
        by = Decider("sysctl", f"{ignore.name} = {ignore.value}", place[1])
        return Silence(place, "arp-ignore", by)
    if source is None:
        return None
    packet = Packet(address, "arp", source, in_interface=place[1])
    bad = refusal(state, packet, place[1])
    if bad is not None:
        setting = bad[1]
        if setting:
            return Silence(place, bad[0], Decider("sysctl", f"{setting.name} = {setting.value}", place[1], source))
        text = f"{source} is this host's own address"
        return Silence(place, bad[0], worded("address", text, "own-source", place[1], source, source=source))
    if ignore.value == 2 and not any(
        each.network and each.network.covers(source) for each in (device.addresses if device else None) or ()
    ):
        return Silence(place, "arp-ignore", Decider("sysctl", f"{ignore.name} = 2", place[1]))
    filtered = arp_filter(state, place[1])
    if filtered.value == 1:
        back = way_back(state, source, address)
        if back.nexthop is not None and back.nexthop.device != place[1]:
            return Silence(place, "arp-filter", Decider("sysctl", f"{filtered.name} = 1", place[1]))
    return None


def _lost(asked: Question, place: Place) -> Silence | None:
    """Whether an answer that was given gets back to the asker."""
    network, state = asked.network, asked.network.hosts[place[0]]
    own = state.interface(place[1])
    if own is None:
        return None
    told = asked.reply(own)
    blocked = stopped(state, "output", told, None, place[1])
    if blocked is not None:
        return Silence(place, "filter", blocked, "output")
    trip = carry(network, place, told, is_small=True)
    if asked.asker not in trip.arrivals:
        obstacle = _taken_by_bridge(asked, trip.arrivals) or (trip.obstacles[0] if trip.obstacles else None)
        reason = obstacle.reason if obstacle else "unseen"
        return Silence(place, reason, obstacle.by if obstacle else None, obstacle=obstacle)
    return _filtered_on_arrival(network.hosts[asked.asker[0]], asked.asker, told)


def _taken_by_bridge(asked: Question, arrivals: tuple[Place, ...]) -> Obstacle | None:
    """Who asks by a port of its own bridge hears nothing there: what comes in by a port, the bridge gets.

    Source: br_handle_frame() in net/bridge/br_input.c.
    """
    host, port = asked.asker
    bridge = asked.interface.master
    if bridge is None or (host, bridge) not in arrivals:
        return None
    by = worded("bridge-port", f"{port} is a port of {bridge}", "is-port", port, name=port, bridge=bridge)
    return Obstacle("own-bridge", host, port, by)


def _filtered_on_arrival(state: HostState, place: Place, packet: Packet) -> Silence | None:
    """Whether a rule stops an ARP or ND message where it arrives."""
    for hook in ("ingress", "input"):
        blocked = stopped(state, hook, packet, place[1], None)
        if blocked is not None:
            return Silence(place, "filter", blocked, hook)
    return None


def stopped(
    state: HostState, hook: str, packet: Packet, in_device: str | None, out_device: str | None
) -> Decider | None:
    """What stops an ARP or ND message at a hook of a host."""
    wanted: tuple[str, ...] = ("arp",) if packet.protocol == "arp" else ("ip6", "inet")
    if hook == "ingress":
        wanted = ("netdev",)
    hooks = [hook] if packet.protocol == "arp" or hook != "input" else ["prerouting", "input"]
    hooks = [*hooks, "postrouting"] if packet.protocol != "arp" and hook == "output" else hooks
    for name in hooks:
        context = Context(state, wanted[0], in_device, out_device)
        verdict = verdict_of(ruleset_of(state), wanted, name, replace(packet, packet_type="multicast"), context)
        if verdict.stops:
            return filter_decider(verdict)
    return None
