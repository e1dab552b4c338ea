"""Witnesses that speak of something else: a capture of another day, the state of another host."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from explain.addresses import mac_text
from explain.causes.wires.neighbours_heard import asked_for
from explain.causes.wires.sightings import addresses_seen, pings_in
from explain.cli.talk import noted
from explain.exchanges.selection import Selection
from explain.model import Line
from explain.state.addresses import is_link_local, is_loopback, is_multicast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.causes.diagnosis import Witnesses
    from explain.model import CaptureInfo
    from explain.state.records import HostState
    from explain.table import PacketTable

_HOUR_NS = 3_600_000_000_000
_MOST_NAMED = 4
_PROBED = 1025  # the port that ping connects to, to learn its source
_MOST_LOOKED_AT = 1000
_NOBODY = {"0.0.0.0", "::"}  # noqa: S104 - addresses in a text


def without_strangers(witnesses: Witnesses) -> Witnesses:
    """The witnesses without those that cannot be of this command; each is named.

    Args:
        witnesses: everything that was given.
    """
    left = _of_this_network(_of_this_host(_of_this_run(witnesses)))
    _of_the_target(left)
    return left


def _of_this_network(witnesses: Witnesses) -> Witnesses:
    """Without the states of hosts of which no capture, no text and no other state knows anything, nor they of it.

    A switch has no address of its own to be known by, and who wants a lease has none yet.
    """
    table, states, text = witnesses.table, witnesses.states, witnesses.text
    is_lease = text is not None and text.program == "dhcp-client"
    if table is None or not len(table) or witnesses.topology.roles or is_lease:
        return witnesses
    seen = addresses_seen(table) | asked_for(table) | {_address_of_the_target(witnesses) or ""}
    macs = {mac_text(int(mac)) for mac in {*table.links.source.tolist(), *table.links.target.tolist()}}
    unseen = [each for each in states if not _macs(each) & macs]
    strangers = [
        each for each in unseen if _own(each) and not _own(each) & seen and not _is_related(each, states, seen)
    ]
    for state in unseen:
        if state in strangers:
            noted("ping.no_address_of", host=state.name)
        else:
            _of_this_day(state, table)
    return replace(witnesses, states=tuple(each for each in states if each not in strangers))


def _own(state: HostState) -> set[str]:
    return {
        address.local
        for each in state.interfaces or ()
        for address in each.addresses or ()
        if not each.is_loopback and not is_link_local(address.local)
    }


def _macs(state: HostState) -> set[str]:
    return {each.mac for each in state.interfaces or () if each.mac and not each.is_loopback}


def _is_related(state: HostState, states: Sequence[HostState], seen: set[str]) -> bool:
    """Whether an own network or a route of the host leads to anybody of the others."""
    others = {address for each in states if each is not state for address in _own(each)}
    networks = {route.network for routes in state.routes.values() for route in routes if route.network.length}
    networks |= {own for each in state.interfaces or () for a in each.addresses or () if (own := a.network)}
    known = [*others, *sorted(seen)[:_MOST_LOOKED_AT]]
    known = [each for each in known if not is_loopback(each) and not is_link_local(each) and not is_multicast(each)]
    return any(network.covers(address) for network in networks for address in known)


def _of_this_day(state: HostState, table: PacketTable) -> None:
    """Say where an address of a host of which no frame bears a MAC is at somebody else's."""
    own = _own(state) if _macs(state) else set()
    arp = table.arp
    rows = slice(_MOST_LOOKED_AT if own else 0)
    for address, mac in zip(arp.sender_ip[rows].tolist(), arp.sender_mac[rows].tolist(), strict=True):
        if (text := table.addresses.text(int(address))) in own:
            noted("ping.elsewhere", address=text, mac=mac_text(int(mac)), host=state.name)
            return


def _of_this_run(witnesses: Witnesses) -> Witnesses:
    if _gap(witnesses.captures) > _HOUR_NS:
        noted("ping.apart")
    text, table = witnesses.text, witnesses.table
    if text is None or table is None or text.target_address is None or not len(table):
        return witnesses
    seen = addresses_seen(table) | asked_for(table)
    is_there = text.target_address.partition("%")[0] in seen
    has_left = text.has("echo.reply", "echo.reply.duplicate", "connect.open", "way.reached")
    has_left = has_left or any(hop.addresses for hop in text.hops)
    # Silence and errors may well leave nothing on the wire; but then nobody else is pinged there either.
    if is_there or not (has_left or (text.program == "ping" and pings_in(table))):
        return witnesses
    noted("ping.nothing_of", target=text.target_address)
    return replace(witnesses, table=None, captures=())


def _of_the_target(witnesses: Witnesses) -> None:
    """Say which captures hold nothing of the target; in a whole case there are places that cannot.

    They stay witnesses: that nothing came by is what a capture at the right place tells.
    """
    import numpy as np

    table, target = witnesses.table, _address_of_the_target(witnesses)
    if table is None or target is None or witnesses.topology.roles:
        return
    at = np.array([place.capture for place in table.places], np.int64)[table.place[: len(table)]]
    found = set(at[Selection(hosts=(target,)).frames(table)].tolist())
    names = table.contents.get("dns")
    packed = ip_address(target).packed
    for row, octets in zip(names.row, names.octets, strict=True) if names else ():
        if packed in octets:
            found.add(int(at[row]))
    paths = [each.path for number, each in enumerate(witnesses.captures) if number not in found]
    if paths:
        shown = [Path(path).name for path in paths[:_MOST_NAMED]]
        more = Line("talk.ping.more", {"count": len(paths) - len(shown)}) if len(paths) > len(shown) else ""
        noted("ping.target_absent", target=target, captures=shown, more=more)


def _address_of_the_target(witnesses: Witnesses) -> str | None:
    text, command = witnesses.text, witnesses.command
    for each in (text.target_address if text else None, witnesses.destination, command.target if command else None):
        try:
            return str(ip_address((each or "").partition("%")[0]))
        except ValueError:
            continue
    return None


def _gap(captures: tuple[CaptureInfo, ...]) -> int:
    """Nanoseconds between the end of one capture and the beginning of the next, the longest."""
    spans = sorted((c.first_ns, c.last_ns) for c in captures if c.first_ns is not None and c.last_ns is not None)
    longest, until = 0, spans[0][1] if spans else 0
    for first, last in spans:
        longest, until = max(longest, first - until), max(until, last)
    return longest


def _sent_all_the_same(witnesses: Witnesses, state: HostState) -> bool:
    """Whether the text counts packets that were sent, where by this state the kernel would have refused at once.

    With a source or an interface told, ping is silent about a refusal, as of a rule about ICMP alone, and a way that
    was lost meanwhile leaves some answered. Source: ping(8), -I.
    """
    from explain.causes.context import context_of
    from explain.state.packet import datagram, echo
    from explain.state.routing.outgoing import send

    text, context = witnesses.text, context_of(witnesses)
    if text is None or not text.counts.sent or text.program != "ping" or not context.holds("free"):
        return False
    if text.counts.received not in {0, text.counts.sent}:
        return False
    if context.destination is None or context.holds("ll") or text.all("kernel."):
        return False
    sending, probe = send(state, echo(context.destination)), send(state, datagram(context.destination, _PROBED))
    return sending.problem == probe.problem == "no-route" and sending.found.is_certain


def _of_this_host(witnesses: Witnesses) -> Witnesses:
    text = witnesses.text
    state = next((each for each in witnesses.states if each.name == witnesses.sender), None)
    if text is None or state is None or state.interfaces is None:
        return witnesses
    if _sent_all_the_same(witnesses, state):
        noted("ping.could_not_send", host=state.name, target=text.target_address)
        return replace(witnesses, states=tuple(each for each in witnesses.states if each is not state))
    if not text.source or text.source in _NOBODY:
        return witnesses
    source = text.source.partition("%")[0]
    if state.owner_of(source) is not None or text.has("kernel.address-not-available", "ping.bad-source"):
        return witnesses
    if text.interface is None and text.command is not None and text.command.source:
        return witnesses  # it was asked to use this address; that it has none such may be the fault
    noted("ping.not_sender", host=state.name, source=source)
    return replace(witnesses, states=tuple(each for each in witnesses.states if each is not state))
