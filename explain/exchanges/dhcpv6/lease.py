"""``dhcpv6.lease``: a client asks for IPv6 addresses or prefixes, keeps them, or gives them back (RFC 8415)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.dhcp.talk import DhcpStep, tries
from explain.exchanges.dhcpv6 import message as dhcp
from explain.exchanges.dhcpv6.talk import FINAL, Talk6, talks
from explain.record import dataclass

if TYPE_CHECKING:
    from explain.exchanges.dhcpv6.message import Dhcpv6Message
    from explain.table import PacketTable

OUTCOMES = ("bound", "renewed", "refused", "offered", "unanswered", "released", "declined", "informed")
_COPY_NS = 200_000_000  # closer copies are one message, recorded twice
_PATIENCE_NS = 120_000_000_000
_GRANTED = {
    "SOLICIT": "bound", "REQUEST": "bound", "RENEW": "renewed", "REBIND": "renewed", "CONFIRM": "renewed",
    "RELEASE": "released", "DECLINE": "declined", "INFORMATION-REQUEST": "informed", "LEASEQUERY": "informed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dhcpv6Lease:
    """One negotiation: SOLICIT to REPLY, or a single question with its answer.

    Attributes:
        client_duid, server_duid: hexadecimal digits, None where the message has none.
        addresses, prefixes: granted, else offered or asked for.
        xids: transaction ids, since a REQUEST may have another than the SOLICIT before it.
        client_mac: where the DUID was made of one.
        server: address of who answered, as seen here; a relay's if one stands between.
        t1_s, t2_s: when it will be renewed and rebound, as the server says; None leaves it to the client.
        preferred_s, valid_s: shortest lifetimes of what was granted or offered.
        domains: what the client tries behind short names.
        status, status_message: the server's status code by name, and its words.
        relays: link addresses of relays that carried it, the nearest to the server first.
        began: type of the client's first message; None where only servers were recorded.
        tries: how often the client sent the same question, copies counted once.
        notes: ``cut`` or ``overrun``.
    """

    client_duid: str | None
    addresses: tuple[str, ...]
    prefixes: tuple[str, ...]
    server_duid: str | None
    xid: int
    xids: tuple[int, ...]
    client_mac: str | None
    client: str | None
    server: str | None
    t1_s: int | None
    t2_s: int | None
    preferred_s: int | None
    valid_s: int | None
    dns: tuple[str, ...]
    domains: tuple[str, ...]
    hostname: str | None
    status: str | None
    status_message: str | None
    relays: tuple[str, ...]
    messages: tuple[DhcpStep, ...]
    began: str | None
    tries: int
    is_rapid: bool
    notes: tuple[str, ...]


def find(table: PacketTable) -> ExchangeColumns:
    """Negotiations at each place.  Facts: ``talks``, for each exchange its ``Talk6``."""
    found = talks(table)
    told = [Found(outcome(talk), talk.rows(), talk) for talk in found]
    columns = from_list("dhcpv6.lease", OUTCOMES, told, table, _PATIENCE_NS, lambda talk: _fields(table, talk))
    return replace(columns, facts={"talks": found})


def outcome(talk: Talk6) -> str:
    """How the negotiation ended; a server's refusal is a status code (RFC 8415, 21.13)."""
    own = talk.own()
    replies = talk.of(FINAL, "LEASEQUERY-REPLY")
    asked = own[-1].said.kind if own else None
    if asked in ("RELEASE", "DECLINE"):
        return _GRANTED[asked]
    if replies:
        return _replied(replies[-1].said, asked)
    if talk.of("RECONFIGURE"):
        return "informed"
    offers = talk.of("ADVERTISE")
    if offers and all(step.said.status for step in offers):
        return "refused"
    if offers or asked == "REQUEST":
        return "unanswered" if tries(talk.of("REQUEST"), _COPY_NS) > 1 else "offered"
    return "unanswered"


def _replied(said: Dhcpv6Message, asked: str | None) -> str:
    if said.status:
        return "refused"
    if asked is None:
        return "bound" if said.leases else "informed"
    if asked in ("SOLICIT", "REQUEST", "RENEW", "REBIND") and not any(lease.valid_s for lease in said.leases):
        return "offered" if "cut" in said.notes else "refused"  # what was cut off may be all that it gives
    return _GRANTED.get(asked, "informed")


def _fields(table: PacketTable, talk: Talk6) -> Dhcpv6Lease:
    text = table.addresses.text
    own = talk.own()
    answers = [step for step in talk.steps if step.is_reply]
    decided = (talk.of(FINAL) or answers)[-1:]
    said = decided[0].said if decided else None
    shown = _shown(talk, outcome(talk), said)
    leases = shown.leases if shown else ()
    named = next((step.said.server for step in reversed(talk.steps) if step.said.server), b"")
    client = own[0].source if own else answers[0].target
    return Dhcpv6Lease(
        client_duid=talk.client.hex() or None,
        addresses=tuple(lease.text for lease in leases if not lease.is_prefix),
        prefixes=tuple(lease.text for lease in leases if lease.is_prefix),
        server_duid=named.hex() or None,
        xid=talk.steps[-1].said.xid,
        xids=tuple(dict.fromkeys(step.said.xid for step in talk.steps)),
        client_mac=dhcp.mac_of(talk.client),
        client=text(client),
        server=text(decided[0].source) if decided else None,
        t1_s=said.t1_s if said else None,
        t2_s=said.t2_s if said else None,
        preferred_s=min((lease.preferred_s for lease in leases), default=None),
        valid_s=min((lease.valid_s for lease in leases), default=None),
        dns=said.dns if said else (),
        domains=said.domains if said else (),
        hostname=next((step.said.name for step in own if step.said.name), None),
        status=dhcp.STATUS.get(said.status, str(said.status)) if said and said.status is not None else None,
        status_message=said.status_text if said else None,
        relays=next((step.said.relays for step in talk.steps if step.said.relays), ()),
        messages=tuple(DhcpStep(step.said.kind, int(table.frame[step.row])) for step in talk.steps),
        began=own[0].said.kind if own else None,
        tries=max((tries(talk.of(kind), _COPY_NS) for kind in {step.said.kind for step in own}), default=0),
        is_rapid=bool(own) and own[0].said.is_rapid and bool(talk.of(FINAL)) and not talk.of("REQUEST"),
        notes=tuple(dict.fromkeys(note for step in talk.steps for note in step.said.notes)),
    )


def _shown(talk: Talk6, ended: str, said: Dhcpv6Message | None) -> Dhcpv6Message | None:
    """The message whose addresses count: what was given back or declined stands in the client's own."""
    if ended in ("released", "declined"):
        return talk.of("RELEASE", "DECLINE")[-1].said
    return None if ended in ("refused", "unanswered") else said
