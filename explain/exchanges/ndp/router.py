"""``ndp.router``: is there a router, and what a router says of the link (RFC 4861, 6; 4862, 5.5)."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import mac_text
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.ndp import advert as ndp_advert
from explain.exchanges.ndp.frames import ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION, Message, messages
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.exchanges.ndp.advert import Advert, Prefix
    from explain.table import PacketTable

OUTCOMES = ("answered", "unanswered", "announced")
_SAME_SEARCH_NS = 60_000_000_000  # first four seconds apart, then twice as long each time (RFC 7559)
_ANSWER_NS = 3_500_000_000  # a router waits up to half a second, and three after its last one (RFC 4861, 6.2.6)
_SAME_ANNOUNCEMENT_NS = 1_800_000_000_000  # MaxRtrAdvInterval is at most half an hour
_MOST_WAITING = 64  # hosts that one advertisement may answer at once
_PATIENCE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class NdpRouter:
    """A host looks for routers, or a router makes itself known.

    Attributes:
        router: link-local address of who advertised, None where nobody did.
        prefixes: as text; ``prefix_options`` says more of each.
        host, host_mac: who asked, None of an announcement.
        solicitations, advertisements: how many of each.
        lifetime_s: how long it will be a default router; 0 means that it is none; None without an advertisement.
        is_managed, is_other: addresses, or other facts, come by DHCPv6 (M and O).
        reachable_ms, retransmit_ms: 0 if it does not say.
        is_damaged: an option contradicts the message's length; what stands before it was read.
    """

    router: str | None
    prefixes: tuple[str, ...]
    host: str | None
    host_mac: str | None
    solicitations: int
    advertisements: int
    router_mac: str | None
    prefix_options: tuple[Prefix, ...]
    lifetime_s: int | None
    preference: str | None
    hop_limit: int | None
    mtu: int | None
    rdnss: tuple[str, ...]
    dnssl: tuple[str, ...]
    routes: tuple[str, ...]
    is_managed: bool
    is_other: bool
    reachable_ms: int | None
    retransmit_ms: int | None
    is_damaged: bool


@dataclass(slots=True)
class _Heard:
    """One router's advertisements."""

    router: int
    mac: int
    octets: bytes
    rows: list[int] = field(default_factory=list)
    last_ns: int = 0


@dataclass(slots=True)
class _Search:
    host: int
    mac: int
    is_from_nobody: bool
    rows: list[int] = field(default_factory=list)
    last_ns: int = 0
    heard: dict[int, _Heard] = field(default_factory=dict)


@dataclass(slots=True)
class _State:
    searches: list[_Search] = field(default_factory=list)
    announcements: list[_Heard] = field(default_factory=list)
    searching: dict[tuple[int, int], _Search] = field(default_factory=dict)
    waiting: dict[int, dict[int, _Search]] = field(default_factory=dict)
    announcing: dict[tuple[int, int, bytes], _Heard] = field(default_factory=dict)


def find(table: PacketTable) -> ExchangeColumns:
    """One for each host that looks and each router that answers it, and one for what a router says unasked."""
    state = _State()
    octets = _octets(table)
    for message in messages(table):
        if message.kind == ROUTER_SOLICITATION:
            _search(message, state)
        elif message.kind == ROUTER_ADVERTISEMENT:
            _advertise(message, octets.get(message.row, b""), state)
    found = [one for search in state.searches for one in _answers(table, search)]
    found += [Found("announced", one.rows, _fields(table, None, one)) for one in state.announcements]
    part = from_list("ndp.router", OUTCOMES, found, table, _PATIENCE_NS)
    # A fresh interface asks for routers wherever it is; that there is none is no fault.
    return replace(part, facts={"needs_no_answer": np.ones(len(part), np.bool_)})


def _octets(table: PacketTable) -> dict[int, bytes]:
    kept = table.contents.get("ndp")
    return dict(zip(kept.row, kept.octets, strict=True)) if kept else {}


def _search(message: Message, state: _State) -> None:
    key = (message.place, message.mac)
    search = state.searching.get(key)
    if search is None or search.heard or message.time_ns - search.last_ns > _SAME_SEARCH_NS:
        search = state.searching[key] = _Search(message.source, message.mac, message.is_from_nobody)
        state.searches.append(search)
    if search.is_from_nobody:
        search.host, search.is_from_nobody = message.source, message.is_from_nobody
    search.rows.append(message.row)
    search.last_ns = message.time_ns
    waiting = state.waiting.setdefault(message.place, {})
    waiting[message.mac] = search
    if len(waiting) > _MOST_WAITING:
        del waiting[next(iter(waiting))]


def _advertise(message: Message, octets: bytes, state: _State) -> None:
    waiting = [
        search
        for search in state.waiting.get(message.place, {}).values()
        if message.time_ns - search.last_ns <= _ANSWER_NS and (message.is_to_group or message.to == search.host)
    ]
    for search in waiting:
        _hear(search.heard, message, octets)
    if waiting:
        return
    key = (message.place, message.source, octets)
    heard = state.announcing.get(key)
    if heard is None or message.time_ns - heard.last_ns > _SAME_ANNOUNCEMENT_NS:
        heard = state.announcing[key] = _Heard(message.source, message.mac, octets)
        state.announcements.append(heard)
    heard.rows.append(message.row)
    heard.last_ns = message.time_ns


def _hear(heard: dict[int, _Heard], message: Message, octets: bytes) -> None:
    one = heard.setdefault(message.source, _Heard(message.source, message.mac, octets))
    one.rows.append(message.row)
    one.last_ns = message.time_ns


def _answers(table: PacketTable, search: _Search) -> list[Found]:
    if not search.heard:
        return [Found("unanswered", search.rows, _fields(table, search, None))]
    return [Found("answered", [*search.rows, *one.rows], _fields(table, search, one)) for one in search.heard.values()]


def _fields(table: PacketTable, search: _Search | None, heard: _Heard | None) -> NdpRouter:
    text = table.addresses.text
    said: Advert | None = ndp_advert.read(heard.octets) if heard else None
    return NdpRouter(
        router=text(heard.router) if heard else None,
        prefixes=tuple(one.prefix for one in said.prefixes) if said else (),
        host=text(search.host) if search else None,
        host_mac=mac_text(search.mac) if search else None,
        solicitations=len(search.rows) if search else 0,
        advertisements=len(heard.rows) if heard else 0,
        router_mac=mac_text(heard.mac) if heard else None,
        prefix_options=said.prefixes if said else (),
        lifetime_s=said.lifetime_s if said else None,
        preference=said.preference if said else None,
        hop_limit=said.hop_limit if said else None,
        mtu=said.mtu if said else None,
        rdnss=said.rdnss if said else (),
        dnssl=said.dnssl if said else (),
        routes=said.routes if said else (),
        is_managed=said.is_managed if said else False,
        is_other=said.is_other if said else False,
        reachable_ms=said.reachable_ms if said else None,
        retransmit_ms=said.retransmit_ms if said else None,
        is_damaged=said.is_damaged if said else heard is not None,
    )
