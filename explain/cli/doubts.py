"""Witnesses that speak of something else: a capture of another day, the state of another host."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from explain.causes.neighbours_heard import asked_for
from explain.causes.sightings import addresses_seen, pings_in
from explain.exchanges.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.causes.diagnosis import Witnesses
    from explain.model import CaptureInfo

_HOUR_NS = 3_600_000_000_000
_MOST_NAMED = 4
_NOBODY = {"0.0.0.0", "::"}  # noqa: S104 - addresses in a text


def without_strangers(witnesses: Witnesses, say: Callable[[str], None]) -> Witnesses:
    """The witnesses without those that cannot be of this command; each is named.

    Args:
        witnesses: everything that was given.
        say: told, in one line, about each that is left out or doubted.
    """
    left = _of_this_host(_of_this_run(witnesses, say), say)
    _of_the_target(left, say)
    return left


def _of_this_run(witnesses: Witnesses, say: Callable[[str], None]) -> Witnesses:
    if _gap(witnesses.captures) > _HOUR_NS:
        say("the captures are more than an hour apart; they can hardly be of one run")
    text, table = witnesses.text, witnesses.table
    if text is None or table is None or text.target_address is None or not len(table):
        return witnesses
    seen = addresses_seen(table) | asked_for(table)
    is_there = text.target_address.partition("%")[0] in seen
    has_left = text.has("echo.reply", "echo.reply.duplicate", "connect.open", "way.reached")
    # Silence and errors may well leave nothing on the wire; but then nobody else is pinged there either.
    if is_there or not (has_left or (text.program == "ping" and pings_in(table))):
        return witnesses
    say(f"the captures hold nothing of {text.target_address}: they are of another run and are left out")
    return replace(witnesses, table=None, captures=())


def _of_the_target(witnesses: Witnesses, say: Callable[[str], None]) -> None:
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
        more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
        names_them = ", ".join(Path(path).name for path in paths[:_MOST_NAMED])
        say(f"nothing of {target}, and no question or error about it, in {names_them}{more}: the right place and time?")


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


def _of_this_host(witnesses: Witnesses, say: Callable[[str], None]) -> Witnesses:
    text = witnesses.text
    state = next((each for each in witnesses.states if each.name == witnesses.sender), None)
    if text is None or state is None or state.interfaces is None or not text.source or text.source in _NOBODY:
        return witnesses
    source = text.source.partition("%")[0]
    if state.owner_of(source) is not None or text.has("kernel.address-not-available", "ping.bad-source"):
        return witnesses
    if text.interface is None and text.command is not None and text.command.source:
        return witnesses  # it was asked to use this address; that it has none such may be the fault
    say(f"the state of {state.name} has no address {source}, from which the command sent: it is left out")
    return replace(witnesses, states=tuple(each for each in witnesses.states if each is not state))
