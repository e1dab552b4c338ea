"""``dhcpv6.lease``: a client asks for IPv6 addresses or prefixes, keeps them, or gives them back (RFC 8415)."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explain.exchanges import dhcpv6_message as dhcp
from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.dhcpv6_message import Dhcpv6Message
    from explain.table import PacketTable

OUTCOMES = ("bound", "renewed", "refused", "offered", "unanswered", "released", "declined", "informed")
_SAME_TALK_NS = 120_000_000_000  # SOL_MAX_RT may be an hour, but who waits so long begins anew
_REPEATED_NS = 200_000_000
_PATIENCE_NS = 120_000_000_000
_REPLIES = frozenset(("ADVERTISE", "REPLY", "RECONFIGURE", "LEASEQUERY-REPLY"))
_FINAL = "REPLY"
_GRANTED = {
    "SOLICIT": "bound", "REQUEST": "bound", "RENEW": "renewed", "REBIND": "renewed", "CONFIRM": "renewed",
    "RELEASE": "released", "DECLINE": "declined", "INFORMATION-REQUEST": "informed", "LEASEQUERY": "informed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dhcpv6Step:
    """One message: its type and its frame."""

    type: str
    frame: int


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
    hostname: str | None
    status: str | None
    status_message: str | None
    relays: tuple[str, ...]
    messages: tuple[Dhcpv6Step, ...]
    began: str | None
    tries: int
    is_rapid: bool
    notes: tuple[str, ...]


class Step6(NamedTuple):
    """One message of a negotiation; ``row`` of the packet table, address keys."""

    row: int
    place: int
    time_ns: int
    source: int
    target: int
    said: Dhcpv6Message

    @property
    def is_reply(self) -> bool:
        """From a server."""
        return self.said.kind in _REPLIES


@dataclass(slots=True)
class Talk6:
    """The messages of one negotiation, in the order of time."""

    place: int
    client: bytes
    steps: list[Step6] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Step6]:
        """The messages of these kinds."""
        return [step for step in self.steps if step.said.kind in kinds]

    def rows(self, *kinds: str) -> list[int]:
        """Rows of the messages of these kinds; of all messages if no kind is named."""
        return [step.row for step in self.steps if not kinds or step.said.kind in kinds]

    def own(self) -> list[Step6]:
        """The client's messages."""
        return [step for step in self.steps if not step.is_reply]


def find(table: PacketTable) -> ExchangeColumns:
    """Negotiations at each place.  Facts: ``talks``, for each exchange its ``Talk6``."""
    found = sorted(_talks(table), key=lambda talk: min(talk.rows()))
    ended = [outcome(talk) for talk in found]
    columns = from_list(
        "dhcpv6.lease",
        OUTCOMES,
        [Found(end, talk.rows(), None) for end, talk in zip(ended, found, strict=True)],
        table,
        _PATIENCE_NS,
    )
    return replace(columns, fields=lambda index: _fields(table, found[index], ended[index]), facts={"talks": found})


def _steps(table: PacketTable) -> Iterator[Step6]:
    kept = table.contents["dhcpv6"]
    rows = np.array(kept.row, np.int64)
    order = np.lexsort((rows, table.time_ns[rows]))
    rows = rows[order]
    columns = (
        order, rows, table.place[rows], table.time_ns[rows], table.sources(rows), table.targets(rows),
        table.payload[rows],
    )  # fmt: skip
    for at, row, place, time_ns, source, target, size in zip(*(column.tolist() for column in columns), strict=True):
        said = dhcp.parse(kept.octets[at], size)
        if said is not None:
            yield Step6(row, place, time_ns, source, target, said)


def _talks(table: PacketTable) -> list[Talk6]:
    found: list[Talk6] = []
    by_xid: dict[tuple[int, bytes, int], Talk6] = {}
    offered: dict[tuple[int, bytes], Talk6] = {}
    for step in _steps(table):
        key = (step.place, step.said.client, step.said.xid)
        talk = by_xid.get(key)
        if talk is None and step.said.kind == "REQUEST":
            talk = offered.get(key[:2])  # of the server whose ADVERTISE it has (RFC 8415, 18.2.2)
        if talk is None or step.time_ns - talk.steps[-1].time_ns > _SAME_TALK_NS:
            talk = Talk6(step.place, step.said.client)
            found.append(talk)
        by_xid[key] = talk
        if step.said.kind == "ADVERTISE":
            offered[key[:2]] = talk
        elif step.said.kind == _FINAL:
            offered.pop(key[:2], None)
        talk.steps.append(step)
    return found


def outcome(talk: Talk6) -> str:
    """How the negotiation ended; a server's refusal is a status code (RFC 8415, 21.13)."""
    own = talk.own()
    replies = talk.of(_FINAL, "LEASEQUERY-REPLY")
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
        return "unanswered" if tries(talk.of("REQUEST")) > 1 else "offered"
    return "unanswered"


def _replied(said: Dhcpv6Message, asked: str | None) -> str:
    if said.status:
        return "refused"
    if asked is None:
        return "bound" if said.leases else "informed"
    if asked in ("SOLICIT", "REQUEST", "RENEW", "REBIND") and not any(lease.valid_s for lease in said.leases):
        return "refused"
    return _GRANTED.get(asked, "informed")


def tries(steps: list[Step6]) -> int:
    """How often something was sent, copies of one message counted once."""
    count, last_ns = 0, None
    for step in steps:
        if last_ns is None or step.time_ns - last_ns > _REPEATED_NS:
            count += 1
        last_ns = step.time_ns
    return count


def _fields(table: PacketTable, talk: Talk6, ended: str) -> Dhcpv6Lease:
    text = table.addresses.text
    own = talk.own()
    answers = [step for step in talk.steps if step.is_reply]
    decided = (talk.of(_FINAL) or answers)[-1:]
    said = decided[0].said if decided else None
    shown = _shown(talk, ended, said)
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
        hostname=next((step.said.name for step in own if step.said.name), None),
        status=dhcp.STATUS.get(said.status, str(said.status)) if said and said.status is not None else None,
        status_message=said.status_text if said else None,
        relays=next((step.said.relays for step in talk.steps if step.said.relays), ()),
        messages=tuple(Dhcpv6Step(step.said.kind, int(table.frame[step.row])) for step in talk.steps),
        began=own[0].said.kind if own else None,
        tries=max((tries(talk.of(kind)) for kind in {step.said.kind for step in own}), default=0),
        is_rapid=bool(own) and own[0].said.is_rapid and bool(talk.of(_FINAL)) and not talk.of("REQUEST"),
        notes=tuple(dict.fromkeys(note for step in talk.steps for note in step.said.notes)),
    )


def _shown(talk: Talk6, ended: str, said: Dhcpv6Message | None) -> Dhcpv6Message | None:
    """The message whose addresses count: what was given back or declined stands in the client's own."""
    if ended in ("released", "declined"):
        return talk.of("RELEASE", "DECLINE")[-1].said
    return None if ended in ("refused", "unanswered") else said
