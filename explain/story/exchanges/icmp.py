"""Pings, and what others say about packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import BROADCAST
from explain.exchanges.icmp.error import size_claim
from explain.exchanges.icmp.quotes import quoted_row
from explain.exchanges.over_places.unheard import unheard
from explain.model import Endpoint, Line
from explain.places.near import whole_of
from explain.story.exchanges.teller import end_text
from explain.table import ICMP, ICMPV6

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp.echo import IcmpEcho
    from explain.exchanges.icmp.error import IcmpError
    from explain.side_tables import IcmpRows
    from explain.story.exchanges.teller import Teller
    from explain.table import Bools, Rows

MEANINGS = frozenset((
    "net-unreachable", "host-unreachable", "protocol-unreachable", "port-unreachable", "net-prohibited",
    "host-prohibited", "admin-prohibited", "ttl-exceeded", "reassembly-exceeded", "redirect-host", "redirect-net",
    "no-route", "address-unreachable", "beyond-scope", "source-policy-failed", "reject-route", "parameter-problem",
    "source-quench",
))  # fmt: skip

_NEIGHBOUR_SILENT = ("host-unreachable", "address-unreachable")
_RATE_LIMITED = 3  # requests for each error; where fewer errors come, they are limited (RFC 1812, 4.3.2.8)
_PAIR = 2  # of which a sentence says "both"
_UNDER_WAY = 1  # a request whose error may come after that of the next one
_UNKNOWN = {(4, 1): "unknown-header", (4, 2): "unknown-option", (4, 3): "headers-cut", (4, 5): "unknown-header"}
_UNKNOWN |= dict.fromkeys(((4, code) for code in range(6, 11)), "too-many-headers")
# Source: RFC 4443, 3.4; RFC 7112, 5; RFC 8883, 2 and 3.
_PINGS = ("icmp", "icmpv6")
_WITH_PORTS = ("tcp", "udp", "132", "136")  # and SCTP, UDP-Lite
_TOO_BIG, _UNREACHABLE, _MUST_FRAGMENT = 2, 3, 4
_TOO_LARGE = ("fragmentation-needed", "packet-too-big")


def _is_limited(fields: IcmpEcho, asked: int) -> bool:
    """Whether few requests got their error, or several were passed over before the last one that got it."""
    are_few = 0 < fields.errors * _RATE_LIMITED <= fields.sent
    return are_few or (not fields.recorded_twice and 0 < fields.errors < asked - _UNDER_WAY)


def _are_of_size(icmp: IcmpRows, at: Rows) -> Bools:
    """Which errors say that a packet was too large; who hears that sends smaller ones, which need no error."""
    is_v6, kind = icmp.is_v6[at], icmp.type[at]
    found: Bools = np.where(is_v6, kind == _TOO_BIG, (kind == _UNREACHABLE) & (icmp.code[at] == _MUST_FRAGMENT))
    return found


def echo(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The first request and its reply in full, the rest counted."""
    fields: IcmpEcho = part.fields(index)
    rows, table = part.rows(index), teller.table
    everything, rows = rows, rows[table.layers[rows] & (ICMP | ICMPV6) != 0]  # fragments have no header of their own
    at = np.searchsorted(table.icmp.row, rows)
    is_request = np.isin(table.icmp.type[at], (8, 128))
    is_reply = np.isin(table.icmp.type[at], (0, 129))
    if not is_request.any():
        yield teller.line("icmp.echo.reply.only", fields, rows, name)
        return
    requests, replies = rows[is_request], rows[is_reply]
    first = requests[:1]
    yield _requested(teller, fields, first, name)
    if len(replies) and fields.rtt_min_ns is not None:
        yield _first_reply(teller, fields, requests, replies, name)
    if fields.recorded_twice:
        yield teller.line("icmp.echo.recorded-twice", fields, everything, name)
    if fields.received and fields.sent > 1 and fields.rtt_min_ns is not None:
        message = "some" if fields.unanswered_seqs else "both" if fields.sent == _PAIR else "all"
        yield teller.line(f"icmp.echo.{message}", fields, everything, name)
    elif not fields.received:
        errors = at[~is_request & ~is_reply]
        before = requests[requests < table.icmp.row[errors[-1:]].max(initial=0)]
        is_limited = _is_limited(fields, len(before)) and not _are_of_size(table.icmp, errors).any()
        message = "refused-some" if is_limited else "refused" if fields.errors else "none"
        yield teller.line(f"icmp.echo.{message}", fields, everything, name)
    if fields.responders and _is_to_many(teller, first):
        yield teller.line("icmp.echo.group", fields, replies, name)
        return
    yield from _more(teller, fields, replies, at[is_reply], first, name)


def _more(teller: Teller, fields: IcmpEcho, replies: Rows, at: Rows, first: Rows, name: str) -> Iterator[Line]:
    """Replies that came twice, and those from another address; ``at`` is where they stand among the ICMP messages."""
    table = teller.table
    if fields.duplicates:
        word, times = np.unique(table.icmp.word[at], return_counts=True)
        again = replies[np.isin(table.icmp.word[at], word[times > 1])]
        yield teller.line("icmp.echo.duplicates", fields, again, name)
    if fields.responders:
        is_asked = table.sources(replies) == table.targets(first)
        message = "responders-too" if is_asked.any() else "responders"
        yield teller.line(f"icmp.echo.{message}", fields, replies[~is_asked], name)


def _requested(teller: Teller, fields: IcmpEcho, first: Rows, name: str) -> Line:
    icmp = teller.table.icmp
    seq = int(icmp.word[np.searchsorted(icmp.row, first[0])]) & 0xFFFF
    router = teller.next_hop(int(first[0]))
    message = "icmp.echo.request.routed" if router else "icmp.echo.request.first"
    message += "" if fields.ttl_request else "-untold"
    return teller.line(message, fields, first, name, ttl=fields.ttl_request, seq=seq, router=router)


def _first_reply(teller: Teller, fields: IcmpEcho, asked: Rows, answered: Rows, name: str) -> Line:
    """The first reply to a request that was recorded, which need not be the first request."""
    table = teller.table
    seqs = [table.icmp.word[np.searchsorted(table.icmp.row, one)] & 0xFFFF for one in (asked, answered)]
    at = int(np.argmax(np.isin(seqs[1], seqs[0])))
    reply, seq = answered[at : at + 1], int(seqs[1][at])
    request = asked[int(np.argmax(seqs[0] == seq))]
    rtt = max(int(table.time_ns[reply[0]] - table.time_ns[request]), 0)
    responder = table.end_texts(int(reply[0]))[0]
    message = "icmp.echo.reply.first" if seq == int(seqs[0][0]) else "icmp.echo.reply.later"
    message += "" if fields.ttl_reply else "-untold"
    more = {"rtt_ns": rtt, "ttl": fields.ttl_reply, "responder": responder, "seq": seq}
    return teller.line(message, fields, reply, name, **more)


def _is_to_many(teller: Teller, row: Rows) -> bool:
    """Whether a packet goes to a group, or to everybody on the link."""
    table = teller.table
    is_broadcast = table.links.target[table.link[row]] == BROADCAST
    return bool((is_broadcast | table.addresses.are_groups(table.targets(row))).any())


def error(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """Who says what about which packet."""
    fields: IcmpError = part.fields(index)
    outcome = part.outcomes[part.outcome[index]]
    more: dict[str, Any] = {"from": fields.from_, "name": outcome, "meaning": _meaning(fields, outcome)}
    if fields.about is None:
        yield teller.line("icmp.error.bare", fields, part.rows(index), name, **more)
        return
    more |= {"src": fields.about.src, "dst": fields.about.dst}
    if outcome == "port-unreachable" and fields.about.dport is not None:
        more["dst"] = end_text(Endpoint(fields.about.dst, fields.about.dport))
    if fields.about.src != fields.to:
        is_beside = outcome.startswith("redirect") or fields.about.src == fields.from_
        message = "icmp.error.not-its-own" if is_beside else "icmp.error.translated"
        yield teller.line(message, fields, part.rows(index), name, **more)
        return
    quoted = quoted_row(teller.table, int(part.rows(index)[0]))
    more["frame"] = int(teller.table.frame[quoted]) if quoted is not None else None
    message = "said" if quoted is None else "said-of"
    yield teller.line(f"icmp.error.{message}", fields, part.rows(index), name, **more)
    if way := unheard(teller.table, part.rows(index)[:1].tolist()):
        last, due = (whole_of(teller.table).places[at].label for at in way)
        yield teller.line("icmp.error.unheard", fields, part.rows(index), name, last=last, next=due)


def _meaning(fields: IcmpError, outcome: str) -> Line:
    if outcome == "port-unreachable" and fields.about is not None and fields.about.protocol not in _WITH_PORTS:
        return Line(f"icmp.meaning.port-unreachable-{'ping' if fields.about.protocol in _PINGS else 'portless'}", {})
    if outcome in _TOO_LARGE:
        claim = size_claim(fields)
        values = {"mtu": fields.mtu, "length": fields.about.length if fields.about else None}
        return Line(f"icmp.meaning.too-large-{claim}" if claim else f"icmp.meaning.{outcome}", values)
    if outcome in _NEIGHBOUR_SILENT and fields.about is not None and fields.about.src == fields.from_:
        return Line("icmp.meaning.own-neighbour", {})
    if (fields.type, fields.code) in _UNKNOWN and ":" in fields.from_:
        return Line(f"icmp.meaning.{_UNKNOWN[fields.type, fields.code]}", {})
    if outcome.startswith("redirect") and fields.about is not None and fields.gateway == fields.about.dst:
        return Line("icmp.meaning.redirect-neighbour", {})
    outcome = outcome.removesuffix("-for-tos")
    return Line(f"icmp.meaning.{outcome if outcome in MEANINGS else 'other'}", {"from": fields.from_})
