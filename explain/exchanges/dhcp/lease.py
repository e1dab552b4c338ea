"""``dhcp.lease``: a client asks for an address, keeps it, or gives it back (RFC 2131)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.exchanges.columns import ExchangeColumns, Found, from_list
from explain.exchanges.dhcp import message as dhcp
from explain.exchanges.dhcp.outcome import outcome, server_of
from explain.exchanges.dhcp.talk import DhcpStep, talks, tries
from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.exchanges.dhcp.talk import Step, Talk
    from explain.table import PacketTable

OUTCOMES = ("bound", "renewed", "refused", "offered", "unanswered", "released", "declined", "informed")
_QUESTIONS = ("DISCOVER", "REQUEST", "INFORM", "BOOTREQUEST", "LEASEQUERY")
_BEGAN = {
    "DISCOVER": "discover", "INFORM": "inform", "RELEASE": "release", "DECLINE": "decline",
    "BOOTREQUEST": "bootp", "LEASEQUERY": "query",
}  # fmt: skip
_USUAL_MASK = 0xFFFFFF00
_PATIENCE_NS = 120_000_000_000


@dataclass(frozen=True, slots=True)
class DhcpOffer:
    """What one server offered; None where it does not say."""

    address: str
    server: str
    lease_s: int | None
    mask: str | None
    router: str | None
    dns: tuple[str, ...]
    frame: int


@dataclass(frozen=True, slots=True)
class DhcpLease:
    """One negotiation of a client: everything with its transaction id.

    Attributes:
        client_mac: the hardware address that the client names, which a relay leaves as it is.
        xid: transaction id as a number.
        offers: offered addresses, in order; ``offered`` has them with what belongs to them.
        address: granted, else offered, declined or released; None if nothing came of it.
        server: identifier of the server that decided, else of the one that was chosen.
        lease_s: seconds; None where none is said or it has no end, see ``is_endless``.
        t1_s, t2_s: when it will be renewed and rebound, given or by default (RFC 2131, 4.4.5).
        messages: types and frames, in order.
        began: ``discover``, ``select``, ``reboot``, ``renew``, ``rebind``, ``inform``, ``release``,
            ``decline``, ``bootp``, ``query``, or ``answer`` where only servers were recorded.
        requested_address: what the client asked to have or to keep.
        relay: address of the relay that carried it, None if the client's own frames were recorded.
        refused_by: servers that said NAK, also where it did not count.
        offer_wait_ns: from the first DISCOVER to the first OFFER.
        tries: how often the client asked the same, copies within half a second counted once.
        is_search: asked by somebody who has an address already, or who answers as a server: a search for servers, not
            for an address.
        boot_file: what the client shall load and start, and boot_server: from where, by TFTP (PXE).
        options: of the message that decided, by name.
        notes: what is odd in any message: ``cut``, ``overrun``, ``no-end``, ``overload``, ``bootp``.
    """

    client_mac: str
    xid: int
    offers: tuple[str, ...]
    address: str | None
    server: str | None
    lease_s: int | None
    router: str | None
    dns: tuple[str, ...]
    messages: tuple[DhcpStep, ...]
    began: str
    requested_address: str | None
    servers: tuple[str, ...]
    refused_by: tuple[str, ...]
    offered: tuple[DhcpOffer, ...]
    mask: str | None
    routers: tuple[str, ...]
    domain: str | None
    t1_s: int | None
    t2_s: int | None
    is_endless: bool
    hostname: str | None
    relay: str | None
    message: str | None
    vendor_class: str | None
    offer_wait_ns: int | None
    tries: int
    is_search: bool
    is_broadcast: bool
    boot_file: str | None
    boot_server: str | None
    options: Mapping[str, str]
    notes: tuple[str, ...]


def find(table: PacketTable) -> ExchangeColumns:
    """Negotiations at each place.  Facts: ``talks``, for each exchange its ``Talk``."""
    found = talks(table)
    told = [Found(outcome(talk), talk.rows(), talk) for talk in found]
    serving = {
        (step.place, int(table.links.source[table.link[step.row]]))
        for talk in found
        for step in talk.of("OFFER", "ACK", "NAK")
    }
    columns = from_list("dhcp.lease", OUTCOMES, told, table, _PATIENCE_NS, lambda talk: _fields(table, talk, serving))
    return replace(columns, facts={"talks": found})


def agree(offers: Sequence[DhcpOffer]) -> bool:
    """Whether all offers put the client into one network with the same router and name servers."""
    return len({(_network(offer), offer.router, offer.dns) for offer in offers}) == 1


def _network(offer: DhcpOffer) -> int:
    """The network's number, with the mask of the offer or, without one, the usual 24 bits."""
    from ipaddress import IPv4Address

    mask = int(IPv4Address(offer.mask)) if offer.mask else _USUAL_MASK
    return int(IPv4Address(offer.address)) & mask


def _fields(table: PacketTable, talk: Talk, serving: set[tuple[int, int]]) -> DhcpLease:
    text = table.addresses.text
    own = [step for step in talk.steps if not step.said.is_reply]
    answers = [step for step in talk.steps if step.said.is_reply]
    ended = outcome(talk)
    decided = _decided(talk, ended)
    said = decided.said if decided else None
    requested = _requested(own)
    offers = _offers(table, talk)
    server = _server(talk, decided)
    return DhcpLease(
        client_mac=talk.hardware.hex(":"),
        xid=talk.xid,
        offers=tuple(offer.address for offer in offers),
        address=_address(table, ended, decided, own, offers),
        server=None if server is None else text(server),
        messages=tuple(DhcpStep(step.said.kind, int(table.frame[step.row])) for step in talk.steps),
        began=_began(own),
        requested_address=text(requested) if requested else None,
        servers=tuple(text(key) for key in dict.fromkeys(server_of(step) for step in answers)),
        refused_by=tuple(text(key) for key in dict.fromkeys(server_of(step) for step in talk.of("NAK"))),
        offered=offers,
        hostname=_first_text(own, dhcp.HOSTNAME) or (said.text(dhcp.HOSTNAME) if said else None),
        relay=_text(table, next((step.said.relay for step in talk.steps if step.said.relay), None)),
        message=_first_text(answers, dhcp.MESSAGE) or _first_text(own, dhcp.MESSAGE),
        vendor_class=_first_text(own, dhcp.VENDOR_CLASS),
        offer_wait_ns=_wait(talk),
        tries=max((tries([step for step in own if step.said.kind == kind]) for kind in _QUESTIONS), default=0),
        is_search=any(_searches(step, talk, serving) for step in own),
        is_broadcast=any(step.said.is_broadcast for step in own),
        notes=tuple(dict.fromkeys(note for step in talk.steps for note in step.said.notes)),
        **(_granted(table, said) if said else _NOTHING_GRANTED),
    )


_NOTHING_GRANTED: dict[str, Any] = {
    "lease_s": None, "router": None, "dns": (), "mask": None, "routers": (), "domain": None, "t1_s": None, "t2_s": None,
    "is_endless": False, "boot_file": None, "boot_server": None, "options": {},
}  # fmt: skip


def _granted(table: PacketTable, said: dhcp.DhcpMessage) -> dict[str, Any]:
    """The fields that stand in the message that decided."""
    from explain.exchanges.dhcp.options import describe

    text = table.addresses.text
    lease = said.number(dhcp.LEASE)
    t1, t2 = _renewals(said, lease)
    routers = tuple(map(text, said.numbers(dhcp.ROUTER)))
    return {
        "lease_s": None if lease == dhcp.FOREVER else lease,
        "router": routers[0] if routers else None,
        "dns": tuple(map(text, said.numbers(dhcp.DNS))),
        "mask": _text(table, said.number(dhcp.MASK)),
        "routers": routers,
        "domain": said.text(dhcp.DOMAIN),
        "t1_s": t1,
        "t2_s": t2,
        "is_endless": lease == dhcp.FOREVER,
        "boot_file": said.text(dhcp.BOOT_FILE) or said.boot_file.decode("utf-8", "backslashreplace") or None,
        "boot_server": text(said.next_server) if said.next_server else said.text(dhcp.TFTP_SERVER),
        "options": describe(said.options),
    }


def _searches(step: Step, talk: Talk, serving: set[tuple[int, int]]) -> bool:
    """Whether somebody who has an address, or who answers as a server, looks for servers."""
    if step.said.kind != "DISCOVER" or step.said.relay:
        return False
    return step.source != 0 or (step.place, int.from_bytes(talk.hardware, "big")) in serving


def _decided(talk: Talk, ended: str) -> Step | None:
    """The server's message that counts: the last ACK or NAK, else the chosen or the first offer."""
    kinds = ("NAK",) if ended == "refused" else ("ACK", "BOOTREPLY", "LEASEACTIVE")
    final = talk.of(*kinds)
    if final:
        return final[-1]
    offers = talk.of("OFFER")
    chosen = {step.said.number(dhcp.SERVER) for step in talk.of("REQUEST", "DECLINE")}
    return next((step for step in offers if server_of(step) in chosen), offers[0] if offers else None)


def _requested(own: list[Step]) -> int | None:
    """The address asked for: in the last request, else in an earlier message."""
    for step in reversed(own):
        wanted = step.said.number(dhcp.REQUESTED) or step.said.client_ip
        if wanted:
            return wanted
    return None


def _address(
    table: PacketTable, ended: str, decided: Step | None, own: list[Step], offers: tuple[DhcpOffer, ...]
) -> str | None:
    if ended in ("refused", "unanswered"):
        return None
    if ended in ("released", "declined"):
        wanted = _requested([step for step in own if step.said.kind in ("RELEASE", "DECLINE")])
        return _text(table, wanted)
    if decided is None:
        return offers[0].address if offers else _text(table, _requested(own))
    return _text(table, decided.said.your_ip or decided.said.client_ip)


def _server(talk: Talk, decided: Step | None) -> int | None:
    if decided is not None:
        return server_of(decided)
    named = [step.said.number(dhcp.SERVER) for step in talk.steps if not step.said.is_reply]
    return next((number for number in reversed(named) if number), None)


def _renewals(said: dhcp.DhcpMessage, lease: int | None) -> tuple[int | None, int | None]:
    """T1 and T2 in seconds, by default half and seven eighths of the lease (RFC 2131, 4.4.5)."""
    if lease is None or lease == dhcp.FOREVER:
        return None, None
    t1, t2 = said.number(dhcp.RENEWAL), said.number(dhcp.REBINDING)
    return lease // 2 if t1 is None else t1, lease * 7 // 8 if t2 is None else t2


def _offers(table: PacketTable, talk: Talk) -> tuple[DhcpOffer, ...]:
    """Each server's offer once, however often it was repeated."""
    text = table.addresses.text
    found: dict[tuple[int, int], DhcpOffer] = {}
    for step in talk.of("OFFER"):
        said, server = step.said, server_of(step)
        if (server, said.your_ip) not in found:
            routers = said.numbers(dhcp.ROUTER)
            found[server, said.your_ip] = DhcpOffer(
                text(said.your_ip), text(server), said.number(dhcp.LEASE), _text(table, said.number(dhcp.MASK)),
                text(routers[0]) if routers else None, tuple(map(text, said.numbers(dhcp.DNS))),
                int(table.frame[step.row]),
            )  # fmt: skip
    return tuple(found.values())


def _began(own: list[Step]) -> str:
    if not own:
        return "answer"
    return own[0].purpose or _BEGAN.get(own[0].said.kind, "query")


def _wait(talk: Talk) -> int | None:
    asked, offered = talk.of("DISCOVER"), talk.of("OFFER")
    return offered[0].time_ns - asked[0].time_ns if asked and offered else None


def _first_text(steps: list[Step], code: int) -> str | None:
    return next((text for step in steps if (text := step.said.text(code)) is not None), None)


def _text(table: PacketTable, key: int | None) -> str | None:
    return table.addresses.text(key) if key else None
