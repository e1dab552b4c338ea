"""IPv6 neighbours: questions for a MAC, addresses tried before use, routers and what they say of the link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import mac_text
from explain.model import Line
from explain.state.addresses import is_link_local
from explain.story.exchanges.arp import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.ndp.advert import Prefix
    from explain.exchanges.ndp.resolution import NdpAnnouncement, NdpDuplicateCheck
    from explain.exchanges.ndp.router import NdpRouter
    from explain.story.exchanges.teller import Teller
    from explain.table import Bools, Rows

_SOLICITATION, _ROUTER_SOLICITATION = 135, 133
_FOREVER_S = 0xFFFFFFFF
_SMALLEST_MTU = 1280  # RFC 8200, 5; hosts ignore less (RFC 4861, 6.3.4)
_FIT = "/64"  # what leaves room for an interface identifier; other lengths are ignored (RFC 4862, 5.5.3 d)
_SECOND_NS = 1_000_000_000
_NOBODY = "::"  # the source of who has no address yet


def resolution(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who asked for whom, and who answered."""
    rows = part.rows(index)
    is_question = _is_of(teller, rows, _SOLICITATION)
    asked, answered = rows[is_question], rows[~is_question]
    yield from resolved(teller, part, index, name, asked, answered)


def announcement(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who told everybody its MAC, and who contradicts."""
    fields: NdpAnnouncement = part.fields(index)
    yield teller.line("ndp.announced", fields, part.rows(index), name)
    if fields.challenger_mac:
        speakers = teller.table.links.source[teller.table.link[part.rows(index)]]
        is_first = fields.challenger_mac in map(mac_text, speakers.tolist())
        yield teller.line(f"ndp.{'challenged' if is_first else 'claimed-before'}", fields, part.rows(index), name)


_OF_ADVERTISEMENTS = (
    "lifetime_s", "preference", "prefix_options", "is_managed", "is_other", "mtu", "rdnss", "dnssl", "routes",
    "is_damaged",
)  # fmt: skip


def check(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Which address somebody wants, how it was made, and whether it is free."""
    fields: NdpDuplicateCheck = part.fields(index)
    rows = part.rows(index)
    yield teller.line(teller.first("ndp.tried"), fields, rows, name, who=fields.mac or _NOBODY)
    if fields.derived_mac == fields.mac:
        yield teller.line(teller.first("ndp.derived"), fields, rows[:1], name)
    if fields.challenger_mac:
        yield teller.line("ndp.taken" if fields.mac else "ndp.taken-bare", fields, rows, name)


def router(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who looked for a router, and what a host makes of the advertisement."""
    fields: NdpRouter = part.fields(index)
    rows = part.rows(index)
    is_question = _is_of(teller, rows, _ROUTER_SOLICITATION)
    asked, said = rows[is_question], rows[~is_question]
    who = fields.host_mac or fields.host
    if len(asked):
        yield teller.line(teller.first("ndp.router.asked"), fields, asked, name, who=who)
    if not len(said):
        yield teller.line(teller.first("ndp.router.silent"), fields, asked, name, who=who)
        return
    yield teller.line("ndp.router.answered" if len(asked) else teller.first("ndp.router.announced"), fields, said, name)
    yield from _derived(teller, fields, said[:1], name)


def _derived(teller: Teller, fields: NdpRouter, rows: Rows, name: str) -> Iterator[Line]:
    """What a host does with it, one line for each fact that is there."""

    def line(message: str, **more: Any) -> Line:
        return teller.line(f"ndp.router.{message}", fields, rows, name, **more)

    if not is_link_local(fields.router or ""):  # RFC 4861, 6.1.2
        yield line("foreign")
        return
    if not teller.is_news(fields.router, *(getattr(fields, name) for name in _OF_ADVERTISEMENTS)):
        yield line("same")
        return
    if fields.lifetime_s:
        yield line("default", lifetime_ns=fields.lifetime_s * _SECOND_NS)
    else:
        yield line("ceases")
    for prefix in fields.prefix_options:
        yield line(_prefix_message(prefix), prefix=prefix.prefix, validity=_lasting(prefix.valid_s))
    for message, is_there in (
        ("managed", fields.is_managed),
        ("other", fields.is_other and not fields.is_managed),
        ("mtu", fields.mtu is not None and fields.mtu >= _SMALLEST_MTU),
        ("mtu-ignored", fields.mtu is not None and fields.mtu < _SMALLEST_MTU),
        ("rdnss", bool(fields.rdnss)),
        ("dnssl", bool(fields.dnssl)),
        ("routes", bool(fields.routes)),
        ("damaged", fields.is_damaged),
    ):
        if is_there:
            yield line(message)


def _prefix_message(prefix: Prefix) -> str:
    if prefix.is_autonomous and not prefix.prefix.endswith(_FIT):
        return "misfit"
    if prefix.is_autonomous:
        return "autonomous" if prefix.is_on_link else "autonomous-only"
    return "on-link" if prefix.is_on_link else "prefix"


def _lasting(seconds: int) -> Line:
    if seconds == _FOREVER_S:
        return Line("ndp.forever", {})
    return Line("ndp.lasting", {"lasting_ns": seconds * _SECOND_NS})


def _is_of(teller: Teller, rows: Rows, kind: int) -> Bools:
    icmp = teller.table.icmp
    fits: Bools = icmp.type[np.searchsorted(icmp.row, rows)] == kind
    return fits
