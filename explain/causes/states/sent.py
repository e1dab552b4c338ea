"""The packet that a command sends, and the name server that a look-up asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.causes.context import probes_of
from explain.state.packet import Packet, datagram, echo, syn
from explain.symptoms.addresses import canonical

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Witnesses
    from explain.symptoms.commands.command import Command

_FIRST_PROBE_PORT = 33434
_ANY_PORT = 80
_DNS = 53
_PORT_DIGITS = 6


def packet_of(witnesses: Witnesses, context: Context, to: str) -> Packet:
    """The first packet of a command to an address, as its options make it."""
    command = witnesses.known_command
    if context.tool == "tcp":
        return syn(to, context.port or _ANY_PORT)
    if context.tool == "lookup":
        return datagram(to, _DNS)
    if context.tool == "udp":
        return datagram(to, context.port or _ANY_PORT)
    if context.tool == "trace":
        return _probe(command, to)
    packet = echo(to, size=56 if context.size is None else context.size, ttl=command.ttl if command else None)
    # Who is told that a message is too long has forbidden that it is split. Source: ping(8), -M.
    is_strict = witnesses.text is not None and witnesses.text.has("kernel.message-too-long")
    packet = replace(packet, is_broadcast_allowed=context.holds("bc"), may_split=not is_strict)
    if command is None:
        return packet
    return replace(
        packet,
        mark=command.mark or 0,
        tos=command.tos or 0,
        bound_interface=(command.interface if not command.source else None) or _zone(command.target),
        bound_source=command.source,
        dont_fragment=command.pmtu != "dont",
        may_split=packet.may_split and command.pmtu not in {"do", "probe"},
    )


def _zone(target: str | None) -> str | None:
    """The interface in ``fe80::1%eth0``. Source: RFC 4007 section 11."""
    return (target or "").partition("%")[2] or None


def _probe(command: Command | None, to: str) -> Packet:
    """What a trace sends to the target, with hops enough."""
    sent = "udp" if command is None else probes_of(command)
    port = command.options.get("p") if command else None
    number = int(port) if isinstance(port, str) and port.isdecimal() and len(port) < _PORT_DIGITS else None
    if sent == "tcp":
        return syn(to, number or _ANY_PORT)
    return echo(to) if sent == "icmp" else datagram(to, number or _FIRST_PROBE_PORT)


def name_server(witnesses: Witnesses) -> str | None:
    """The address of the name server that a look-up says it asked."""
    told = [each.values.get("server") for each in (witnesses.text.symptoms if witnesses.text else ())]
    return next((found for each in told if each and (found := canonical(str(each)))), None)
