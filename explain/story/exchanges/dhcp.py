"""A lease told message by message: asked, offered, requested, granted, and what the client does with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.exchanges.columns import rows_of
from explain.exchanges.dhcp import message as dhcp
from explain.exchanges.dhcp.lease import agree
from explain.exchanges.dhcp.outcome import late_grants, server_of
from explain.exchanges.dhcp.talk import tries
from explain.exchanges.dhcp.trials import ServerTests, challenge_of
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcp.lease import DhcpLease
    from explain.exchanges.dhcp.talk import Step, Talk
    from explain.exchanges.dhcp.trials import Tried
    from explain.exchanges.together import Exchanges
    from explain.story.exchanges.teller import Teller
    from explain.table import PacketTable

MEANINGS = frozenset((
    "subnet-mask", "router", "name-server", "host-name", "domain-name", "interface-mtu", "broadcast-address",
    "static-route", "ntp-server", "vendor-specific", "requested-address", "lease-time", "overload", "message-type",
    "server-identifier", "parameter-request-list", "message", "largest-message", "renewal-time", "rebinding-time",
    "vendor-class", "client-identifier", "tftp-server-name", "boot-file-name", "rapid-commit", "client-full-name",
    "relay-agent-information", "ipv6-only-preferred", "captive-portal", "subnet-selection", "domain-search",
    "classless-static-route", "web-proxy-auto-discovery",
))  # fmt: skip
"""Options of which the word table tells what they are for."""

_SECOND = 1_000_000_000
_ROUTES = "classless-static-route"
_TIMES = {"renewal-time", "rebinding-time"}
_ODD = ("overload", "overrun", "cut")


def lease(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The lines of one negotiation."""
    fields: DhcpLease = part.fields(index)
    talk: Talk = part.facts["talks"][index]
    outcome = part.outcomes[part.outcome[index]]
    values = _values(teller, fields, talk)

    def line(message: str, steps: Sequence[Step], **more: Any) -> Line:
        return teller.line(message, fields, [step.row for step in steps], name, **values, **more)

    yield from _asked(teller, fields, talk, line)
    if fields.relay and fields.began != "query":
        yield line(teller.first("dhcp.relay"), talk.steps)
    yield from _offered(teller, fields, talk, line, name)
    yield from _requested(teller, fields, talk, line)
    yield from _answered(teller, fields, talk, outcome, line)
    if fields.hostname:
        named = [step for step in talk.steps if dhcp.HOSTNAME in step.said.options]
        yield line("dhcp.hostname", named or talk.steps)
    for note in _ODD:
        if note in fields.notes:
            yield line(f"dhcp.{note}", [step for step in talk.steps if note in step.said.notes])
    yield from _options(fields, talk, line)


def told_with(table: PacketTable, exchanges: Exchanges) -> set[int]:
    """Positions of the server's tests and of their journeys, which a lease tells in one sentence."""
    part = exchanges.of_kind("dhcp.lease")
    if part is None:
        return set()
    tests = ServerTests(table, exchanges)
    tried = [one for talk in part.facts["talks"] for one in tests.of(talk)]
    journeys = exchanges.of_kind("journey")
    if journeys is not None and tried:
        rows = np.concatenate([one.rows(index) for one, index in tried])
        begins_with_one = among(journeys.frames[journeys.bounds[:-1]], rows)
        tried += [(journeys, index) for index in np.flatnonzero(begins_with_one).tolist()]
    return {exchanges.position(one, index) for one, index in tried}


def _values(teller: Teller, fields: DhcpLease, talk: Talk) -> dict[str, Any]:
    own = [step for step in talk.steps if not step.said.is_reply]
    text = teller.table.addresses.text
    lease_ns = None if fields.lease_s is None else fields.lease_s * _SECOND
    return {
        "xid_hex": f"0x{fields.xid:08x}",
        "source": text(own[0].source) if own and own[0].source else fields.client_mac,
        "asked": text(own[-1].target) if own else None,
        "wanted": fields.requested_address or fields.address or Line("dhcp.what-it-wanted", {}),
        "lease_ns": lease_ns,
        "t1_ns": None if fields.t1_s is None else fields.t1_s * _SECOND,
        "t2_ns": None if fields.t2_s is None else fields.t2_s * _SECOND,
        "types": [step.type for step in fields.messages],
        "refusers": fields.refused_by,
    }


def _asked(teller: Teller, fields: DhcpLease, talk: Talk, line: Any) -> Iterator[Line]:
    asked = talk.of("DISCOVER")
    if asked and fields.is_search:
        yield line("dhcp.search", asked)
    elif asked:
        is_relayed = asked[0].said.relay != 0  # the client's own frame is on another link
        yield line("dhcp.discover.relayed" if is_relayed else teller.first("dhcp.discover"), asked[:1])
        yield from _repeated("dhcp.discover.repeated", asked, line)
    for kind, message in (("INFORM", "inform"), ("BOOTREQUEST", "bootp")):
        if steps := talk.of(kind):
            yield line(f"dhcp.{message}", steps)
    if steps := talk.of("LEASEQUERY"):
        yield line("dhcp.query", steps)
    if steps := talk.of("FORCERENEW"):
        yield line("dhcp.force-renew", steps)
    if steps := [step for step in talk.steps if step.said.kind.startswith("TYPE")]:
        yield line("dhcp.unknown-type", steps)


def _offered(teller: Teller, fields: DhcpLease, talk: Talk, line: Any, name: str) -> Iterator[Line]:
    tests: dict[tuple[str, str], list[Tried]] = defaultdict(list)
    for part, index in teller.server_tests.of(talk):
        tried = part.fields(index)
        ends = (tried.asker_ip, tried.wanted_ip) if part.kind == "arp.resolution" else (tried.src, tried.dst)
        tests[ends].append((part, index))
    for (asker, wanted), some in tests.items():
        wait_ns = _test_wait(teller, talk, wanted, min(int(part.start_ns[index]) for part, index in some))
        tested = line(f"dhcp.{_tested(fields, wanted, wait_ns)}", talk.steps, asker=asker, tested=wanted)
        values = {**tested.values, "offer_wait_ns": wait_ns}
        yield replace(tested, values=values, evidence=teller.table.evidence(rows_of(some)), exchange=name)
    steps = talk.of("OFFER")
    text = teller.table.addresses.text
    for offer in fields.offered:
        ends = offer.server, offer.address
        own = [step for step in steps if (text(server_of(step)), text(step.said.your_ip)) == ends]
        lease_ns = None if offer.lease_s is None else offer.lease_s * _SECOND
        message = "dhcp.offer-bare" if lease_ns is None else "dhcp.offer"
        more = {"from": offer.server, "offered_address": offer.address}
        yield replace(one := line(message, own, **more), values={**one.values, "lease_ns": lease_ns})
    if len({offer.server for offer in fields.offered}) > 1:
        yield line("dhcp.offers-agree" if agree(fields.offered) else "dhcp.offers-differ", steps)


def _tested(fields: DhcpLease, wanted: str, wait_ns: int | None) -> str:
    """What a server's test of an address led to."""
    if not fields.offered:
        return "testing"
    if wanted not in fields.offers:
        return "tested-alone"
    return "tested-before" if wait_ns is None else "tested"


def _test_wait(teller: Teller, talk: Talk, wanted: str, began_ns: int) -> int | None:
    """How long the offer of an address took, if it was tested for this question and not for an earlier one."""
    asked, text = talk.of("DISCOVER"), teller.table.addresses.text
    told = [step.time_ns for step in talk.of("OFFER") if text(step.said.your_ip) == wanted]
    return told[0] - asked[0].time_ns if told and asked and asked[0].time_ns <= began_ns else None


def _requested(teller: Teller, fields: DhcpLease, talk: Talk, line: Any) -> Iterator[Line]:
    """A client whose own server keeps silent goes on to ask every server, in the same exchange."""
    asked = talk.of("REQUEST")
    if not asked:
        return
    from ipaddress import IPv4Address

    server = asked[0].said.number(dhcp.SERVER)
    chosen = str(IPv4Address(server)) if server else fields.server
    for purpose, alike in groupby(asked, key=attrgetter("purpose")):
        steps = list(alike)
        told = line(f"dhcp.request.{purpose}", steps[:1], chosen=chosen)
        yield replace(told, values={**told.values, "asked": teller.table.addresses.text(steps[0].target)})
        yield from _repeated("dhcp.request.repeated", steps, line)


def _repeated(message: str, asked: Sequence[Step], line: Any) -> Iterator[Line]:
    count = tries(asked)
    if count > 1:
        yield line(message, asked, tries=count, span_ns=asked[-1].time_ns - asked[0].time_ns)


def _answered(teller: Teller, fields: DhcpLease, talk: Talk, outcome: str, line: Any) -> Iterator[Line]:
    grants = talk.of("ACK", "BOOTREPLY")
    yield from _refused(teller, fields, talk, outcome, line)
    if outcome in ("bound", "renewed", "declined") and grants:
        if not talk.by_client:
            yield line("dhcp.answer-only", talk.steps)
        form = "renewed" if outcome == "renewed" else "bootp" if grants[-1].said.kind == "BOOTREPLY" else "bound"
        yield line(f"dhcp.ack.{form}", grants[-1:])
    if outcome in ("bound", "renewed"):
        yield from _used(fields, grants[-1:], line)
    elif outcome == "declined":
        yield from _declined(teller, talk, line)
    elif outcome == "released":
        told = line("dhcp.released" if fields.server else "dhcp.released-bare", talk.of("RELEASE"))
        yield told if fields.address else replace(told, values={**told.values, "address": Line("dhcp.unnamed", {})})
    elif outcome == "informed":
        yield from _informed(fields, talk, line)
    elif steps := _silent_end(teller, fields, talk, outcome):
        yield line(*steps)


def _refused(teller: Teller, fields: DhcpLease, talk: Talk, outcome: str, line: Any) -> Iterator[Line]:
    """NAKs, and ACKs that came behind one: of a copy, by a server that was not asked, or too late."""
    refusals = talk.of("NAK")
    if copies := talk.refused_copies():
        from ipaddress import IPv4Address

        yield line("dhcp.nak-copy", copies, passed_on_by=str(IPv4Address(copies[0].said.relay)))
        told = {step.row for step in copies}
        refusals = [step for step in refusals if step.row not in told]
    if refusals:
        is_chosen = any(step.purpose == "select" for step in talk.of("REQUEST"))
        ended = "nak-said" if fields.message else "nak"
        yield line(f"dhcp.{ended if outcome == 'refused' else 'nak-other' if is_chosen else 'nak-late'}", refusals)
    if late := late_grants(talk):
        yield line("dhcp.ack-late", late, **{"from": teller.table.addresses.text(server_of(late[0]))})


def _silent_end(teller: Teller, fields: DhcpLease, talk: Talk, outcome: str) -> tuple[str, list[Step]] | None:
    """What is told where the last word is missing, or says nothing that needs telling."""
    if outcome == "offered" and talk.of("REQUEST"):
        return "dhcp.unconfirmed", talk.of("REQUEST")
    is_asked = any(step.said.kind in dhcp.TYPES.values() or step.said.kind == "BOOTREQUEST" for step in talk.steps)
    if outcome == "unanswered" and is_asked and not fields.is_search and not teller.server_tests.of(talk):
        would_be_here = fields.tries > 1 or fields.is_broadcast or not teller.hosts.is_overheard(talk.steps[0].row)
        return "dhcp.unanswered" if would_be_here else "dhcp.not-seen", talk.steps
    return None


def _informed(fields: DhcpLease, talk: Talk, line: Any) -> Iterator[Line]:
    answers = [step for step in talk.steps if step.said.is_reply]
    if answers:
        told = line("dhcp.informed" if talk.of("INFORM") else "dhcp.answered", answers)
        yield replace(told, values={**told.values, "server": fields.server or fields.servers[0]})
        if fields.dns:
            yield line("dhcp.gives.dns", answers)


def _declined(teller: Teller, talk: Talk, line: Any) -> Iterator[Line]:
    steps = talk.of("DECLINE")
    yield line("dhcp.declined", steps)
    challenge = challenge_of(teller.table, talk)
    if challenge:
        mac, rows = challenge
        told = line("dhcp.objected", steps, challenger_mac=mac)
        yield replace(told, evidence=teller.table.evidence(rows))


def _used(fields: DhcpLease, steps: Sequence[Step], line: Any) -> Iterator[Line]:
    """What the client does with the lease."""
    if fields.began not in ("renew", "rebind") and fields.address and steps[0].said.your_ip:
        from ipaddress import IPv4Address

        prefix = f"/{int(IPv4Address(fields.mask)).bit_count()}" if fields.mask else ""
        yield line("dhcp.gives.address", steps, address_and_prefix=fields.address + prefix)
    if fields.router:
        yield line("dhcp.gives.router", steps)
    elif _ROUTES not in fields.options and "cut" not in fields.notes:
        yield line("dhcp.gives.no-router", steps)
    if routes := fields.options.get(_ROUTES):
        form = "routes-broken" if "/" not in routes else "routes" if fields.router else "routes-alone"
        yield line(f"dhcp.gives.{form}", steps, routes=routes)
    if fields.dns:
        yield line("dhcp.gives.dns", steps)
    if domains := fields.options.get("domain-search") or fields.options.get("domain-name"):
        yield line("dhcp.gives.domains", steps, domains=domains)
    if fields.boot_file:
        yield line("dhcp.gives.boot", steps, boot_server=fields.boot_server or fields.server)
    if mtu := fields.options.get("interface-mtu"):
        yield line("dhcp.gives.mtu", steps, mtu=mtu)
    yield from _lasting(fields, steps, line)


def _lasting(fields: DhcpLease, steps: Sequence[Step], line: Any) -> Iterator[Line]:
    """When the client asks for more time."""
    if fields.is_endless:
        yield line("dhcp.gives.endless", steps)
    elif fields.lease_s is not None and fields.t1_s is not None and fields.t2_s is not None:
        if 0 < fields.t1_s <= fields.t2_s <= fields.lease_s:
            yield line("dhcp.gives.renewal", steps)
        elif _TIMES & fields.options.keys():
            yield line("dhcp.gives.renewal-odd", steps)


def _options(fields: DhcpLease, talk: Talk, line: Any) -> Iterator[Line]:
    """Each option of the message that decided, for those who ask for more."""
    steps = [step for step in talk.steps if step.said.is_reply][-1:]
    for name, value in fields.options.items():
        if name in MEANINGS:
            meaning = Line(f"dhcp_options.{name}", {})
            yield replace(line("dhcp.option", steps, name=name, value=value, meaning=meaning), depth=2)
        else:
            yield replace(line("dhcp.option-bare", steps, name=name, value=value), depth=2)
