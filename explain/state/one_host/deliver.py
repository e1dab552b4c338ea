"""A packet that has reached the host that it is for: does anybody there answer?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.state.addresses import UNSPECIFIED, family_of, is_loopback, is_multicast
from explain.state.one_host.decision import Decider, Decision, worded
from explain.state.packet import ICMP, Packet, answer_to, error_about, reset_to

if TYPE_CHECKING:
    from explain.state.one_host.flows import Flow
    from explain.state.one_host.hooks import Hooks
    from explain.state.records import HostState, Socket


def deliver(state: HostState, packet: Packet, hooks: Hooks, flow: Flow | None) -> Decision:
    """The decision about a packet that passed INPUT."""
    if packet.protocol == ICMP[packet.family]:
        return _icmp(state, packet, hooks, flow)
    if packet.protocol == "tcp" and "ack" not in packet.tcp_flags and "rst" not in packet.tcp_flags:
        return _tcp(state, packet, hooks, flow)
    if packet.protocol == "udp" and not packet.is_answer:
        return _udp(state, packet, hooks, flow)
    return hooks.done("delivered", "delivered", packet, flow=flow)


def _icmp(state: HostState, packet: Packet, hooks: Hooks, flow: Flow | None) -> Decision:
    if not packet.is_echo_request:
        return hooks.done("delivered", "delivered", packet, flow=flow)
    family = packet.family
    to_many = hooks.base.found is not None and hooks.base.found.kind in {"broadcast", "multicast"}
    name = "net.ipv4.icmp_echo_ignore_all" if family == 4 else "net.ipv6.icmp.echo_ignore_all"
    if state.sysctl(name) == 1:
        return hooks.done("dropped", "echo-ignored", None, by=Decider("sysctl", f"{name} = 1"))
    if state.sysctl(name) is None:
        hooks.doubts.append(name)
    many = "net.ipv4.icmp_echo_ignore_broadcasts" if family == 4 else "net.ipv6.icmp.echo_ignore_multicast"
    if to_many and (state.sysctl(many) == 1 or (state.sysctl(many) is None and family == 4)):
        return hooks.done("dropped", "broadcast-ignored", None, by=Decider("sysctl", f"{many} = 1"))
    answer, is_anycast = answer_to(packet), _is_anycast(hooks)
    if is_anycast and state.sysctl("net.ipv6.icmp.echo_ignore_anycast") == 1:
        by = Decider("sysctl", "net.ipv6.icmp.echo_ignore_anycast = 1")
        return hooks.done("dropped", "echo-ignored", None, by=by)
    is_kept = is_anycast and state.sysctl("net.ipv6.anycast_src_echo_reply") == 1
    if (to_many or is_anycast or is_multicast(packet.destination)) and not is_kept:
        answer = replace(answer, source=None)
    return hooks.done("delivered", "delivered", packet, flow=flow, answer=answer)


def _is_anycast(hooks: Hooks) -> bool:
    """Whether all routers of a subnet are asked; each answers by its own address. Source: RFC 4291, 2.6."""
    return hooks.base.found is not None and hooks.base.found.kind == "anycast"


def listeners(state: HostState, protocol: str, port: int | None) -> list[Socket]:
    """Sockets that wait on a port, whatever address they are bound to."""
    states = {"LISTEN"} if protocol == "tcp" else {"UNCONN", "ESTAB"}
    return [
        each
        for each in state.sockets or ()
        if each.protocol == protocol and each.state in states and each.local_port == port
    ]


def hears(socket: Socket, address: str, device: str | None) -> bool:
    """Whether a socket is bound such that packets to the address reach it."""
    if socket.device is not None and socket.device != device:
        return False
    family = family_of(address)
    if socket.local == "*":
        return not (socket.is_v6_only and family == 4)
    if socket.local == "::":  # so ss writes IPv6 alone; a socket of both families is "*"
        return family == 6
    return socket.local == address or (socket.local == UNSPECIFIED[4] and family == 4)


def _tcp(state: HostState, packet: Packet, hooks: Hooks, flow: Flow | None) -> Decision:
    if state.sockets is None:
        hooks.doubts.append("sockets")
        return hooks.done("delivered", "delivered", packet, flow=flow, answer=answer_to(packet))
    waiting = listeners(state, "tcp", packet.destination_port)
    heard = [each for each in waiting if hears(each, packet.destination, packet.in_interface)]
    if not heard:
        only_loopback = [each for each in waiting if is_loopback(each.local)]
        reason = "bound-to-loopback" if only_loopback else "no-listener"
        others = [each.text for each in (*only_loopback, *waiting)]
        by = Decider("socket", others[0], address=packet.destination) if others else _unheard(packet)
        return hooks.done("rejected", reason, None, by=by, answer=reset_to(packet))
    best = heard[0]
    if best.receive_queue > best.send_queue:
        by = Decider("socket", best.text, address=packet.destination)
        return hooks.done("dropped", "accept-queue-full", None, by=by)
    by = Decider("socket", best.text)
    return hooks.done("delivered", "delivered", packet, flow=flow, by=by, answer=answer_to(packet))


def _udp(state: HostState, packet: Packet, hooks: Hooks, flow: Flow | None) -> Decision:
    is_many = hooks.base.found is not None and hooks.base.found.kind in {"broadcast", "multicast"}
    heard = [
        each
        for each in listeners(state, "udp", packet.destination_port)
        if is_many or hears(each, packet.destination, packet.in_interface)
    ]
    if state.sockets is None:
        hooks.doubts.append("sockets")
    if heard or state.sockets is None:
        by = Decider("socket", heard[0].text) if heard else None
        return hooks.done("delivered", "delivered", packet, flow=flow, by=by, answer=answer_to(packet))
    by = _unheard(packet)
    code = (3, 3) if packet.family == 4 else (1, 4)
    answer = None if is_many else error_about(packet, *code, source=packet.destination)
    return hooks.done("rejected" if answer else "dropped", "no-listener", None, by=by, answer=answer)


def _unheard(packet: Packet) -> Decider:
    port = packet.destination_port
    return worded("socket", f"nothing listens on port {port}", "no-listener", None, packet.destination, port=port)
