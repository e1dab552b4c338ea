"""Clients that get no address, are refused, or hear two servers; and what is normal about DHCP."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.dhcp_lease import agree, server_of
from explain.exchanges.dhcp_tests import ServerTests, challenge_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcp_lease import DhcpLease
    from explain.exchanges.dhcp_talk import Talk

_LATER_NS = 120_000_000_000  # a client that got its address so soon was only impatient
_ALIVE_NS = 300_000_000_000
_SERVER_PORT, _CLIENT_PORT = 67, 68
_NO_SERVER = (
    "dhcp-server-filtered", "dhcp-pool-exhausted", "bridge-port-not-forwarding", "filter-on-switch",
    "sender-no-address",
)  # fmt: skip
_NO_ANSWER_TO_RELAY = (
    "dhcp-server-filtered", "dhcp-pool-exhausted", "filter-on-router-forward", "no-route-on-router",
    "no-return-route-on-target", "destination-host-absent-behind-router",
)  # fmt: skip
_LIMITED_BROADCAST = 0xFFFFFFFF
_ALIVE = ("dhcp-server-filtered", "dhcp-no-server", "filter-on-switch")
_OFFER_LOST = ("filter-on-switch", "filter-on-sender-input", "bridge-port-not-forwarding", "partial-loss")
_NETWORK_WORDS = ("network", "subnet")
_USUAL_MASK = 0xFFFFFF00
_SEVERAL = 2
_INSISTS = 3


def look(scene: Scene) -> Iterator[Seen]:
    """The datagrams and the server's tests are accounted for first, then each way to fail."""
    part = scene.part("dhcp.lease")
    leases = _Leases(scene, part)
    account_for_carriers(scene, part, _CLIENT_PORT)
    _account_for_tests(scene, part)
    yield from _rogue(leases)
    yield from _refused(leases)
    yield from _declined(leases)
    yield from _turned_away(leases)
    yield from _silence(leases)


class _Leases:
    """All negotiations with what several rules ask of them."""

    def __init__(self, scene: Scene, part: ExchangeColumns) -> None:
        self.scene = scene
        self.part = part
        self.talks: list[Talk] = part.facts["talks"]
        self._of_client: dict[bytes, list[int]] = defaultdict(list)
        for index, talk in enumerate(self.talks):
            self._of_client[talk.hardware].append(index)

    def fields(self, index: int) -> DhcpLease:
        found: DhcpLease = self.part.fields(index)
        return found

    def later(self, index: int) -> list[int]:
        """Negotiations of the same client, there or elsewhere, that had a good end soon after this one began."""
        start = int(self.part.start_ns[index])
        return [
            other
            for other in self._of_client[self.talks[index].hardware]
            if other != index and self._went_on(index, other) and 0 <= int(self.part.end_ns[other]) - start <= _LATER_NS
        ]

    def _went_on(self, index: int, other: int) -> bool:
        """Whether the client got an answer in the other negotiation; an offer elsewhere counts if it was taken."""
        talk = self.talks[other]
        outcome = self.part.outcomes[self.part.outcome[other]]
        is_taken = talk.place == self.talks[index].place or any(step.purpose == "select" for step in talk.steps)
        return outcome in ("bound", "renewed") or (outcome == "offered" and is_taken)

    def offered_elsewhere(self, index: int) -> list[int]:
        """Rows of offers in the same negotiation at another place."""
        talk = self.talks[index]
        return [
            row
            for other in self._of_client[talk.hardware]
            if self.talks[other].xid == talk.xid and self.talks[other].place != talk.place
            for row in self.talks[other].rows("OFFER")
        ]

    def servers_alive(self, index: int) -> list[int]:
        """Rows that show a server at work for other clients, at the same place."""
        talk, start, end = self.talks[index], int(self.part.start_ns[index]), int(self.part.end_ns[index])
        rows: list[int] = []
        for other, one in enumerate(self.talks):
            is_near = int(self.part.end_ns[other]) >= start - _ALIVE_NS and int(self.part.start_ns[other]) <= end
            if one.place == talk.place and one.hardware != talk.hardware and is_near:
                rows += [
                    step.row for step in one.steps if step.said.kind in ("OFFER", "ACK") or step.purpose == "select"
                ]
        return rows


def account_for_carriers(scene: Scene, part: ExchangeColumns, client_port: int) -> None:
    """The flows of DHCP are told by the leases, and an error about a late answer is nobody's trouble."""
    table, flows = scene.table, scene.part("udp.flow")
    count = len(table.flows.low)
    in_leases = np.bincount(table.flow[part.frames], minlength=count)
    own = table.flow[flows.frames[flows.bounds[:-1]]] if len(flows) else np.empty(0, np.int64)
    is_carried = (in_leases[own] > 0) & (in_leases[own] >= np.diff(flows.bounds))
    scene.accounted["udp.flow"].update(np.flatnonzero(is_carried).tolist())
    icmp = table.icmp
    late = icmp.row[(icmp.quote > 0) & (icmp.quote_protocol == 17) & (icmp.quote_dport == client_port)]
    if len(late):
        errors = scene.part("icmp.error")
        first = errors.frames[errors.bounds[:-1]]
        scene.accounted["icmp.error"].update(np.flatnonzero(among(first, late)).tolist())


def _account_for_tests(scene: Scene, part: ExchangeColumns) -> None:
    """A server tries an address before it offers it; the silence, or a router's error about it, is good news."""
    tests = ServerTests(scene.table, scene.exchanges)
    errors = scene.part("icmp.error")
    for talk in part.facts["talks"]:
        tried = tests.of(talk)
        for one, index in tried:
            scene.accounted[one.kind].add(index)
        if any(one.kind == "icmp.echo" for one, _ in tried):
            addresses = {scene.table.addresses.text(step.said.your_ip) for step in talk.of("OFFER")}
            for index in range(len(errors)):
                about = errors.fields(index).about
                if about and about.protocol == "icmp" and about.dst in addresses:
                    scene.accounted["icmp.error"].add(index)


def _rogue(leases: _Leases) -> Iterator[Seen]:
    """Two servers offer and do not agree, or one refuses what was asked of the other."""
    groups: dict[frozenset[str], list[int]] = defaultdict(list)
    for index, talk in enumerate(leases.talks):
        if len({server_of(step) for step in talk.of("OFFER", "NAK")}) < _SEVERAL and not talk.of("NAK"):
            continue
        offered = leases.fields(index).offered
        meddlers = _meddlers(leases, talk)
        if meddlers or not (len({offer.server for offer in offered}) < _SEVERAL or agree(offered)):
            groups[frozenset(meddlers.union(offer.server for offer in offered))].append(index)
    for servers, indices in groups.items():
        rows = [row for index in indices for row in leases.talks[index].rows("OFFER", "NAK")]
        routers = {offer.server: offer.router for index in indices for offer in leases.fields(index).offered}
        values = {
            "servers": sorted(servers), "routers": [router for router in routers.values() if router],
            "client": leases.fields(indices[0]).client_mac, "chosen": leases.fields(indices[-1]).server,
            "count": len(indices),
        }  # fmt: skip
        rivals = ("dhcp-request-wrong-subnet",) if any(leases.talks[index].of("NAK") for index in indices) else ()
        yield Seen("dhcp-rogue-server", "likely", _members(leases, indices), rows, rivals, values)


def _meddlers(leases: _Leases, talk: Talk) -> set[str]:
    """Servers that refused a request which names another one, and that one."""
    text = leases.scene.table.addresses.text
    found: set[str] = set()
    chosen = {server_of(step) for step in talk.of("REQUEST") if step.purpose == "select"}
    for step in talk.of("NAK"):
        if chosen and server_of(step) not in chosen:
            found |= {text(server_of(step)), *map(text, chosen)}
    return found


def _refused(leases: _Leases) -> Iterator[Seen]:
    """A NAK: for an address of another network, or for another reason."""
    groups: dict[tuple[str, str, str | None, str], list[int]] = defaultdict(list)
    for index in leases.scene.open(leases.part, "refused"):
        fields = leases.fields(index)
        groups[fields.client_mac, fields.refused_by[-1], fields.requested_address, _why(leases, index)].append(index)
    for (client, server, wanted, cause), indices in groups.items():
        later = next((leases.fields(other) for index in indices for other in leases.later(index)), None)
        rows = [row for index in indices for row in leases.talks[index].rows("REQUEST", "NAK")]
        values = {
            "client": client, "server": server, "wanted": wanted, "message": leases.fields(indices[0]).message,
            "address": later.address if later else None, "count": len(indices),
        }  # fmt: skip
        if not wanted:
            values["case"] = "unasked"
        rivals = {
            "dhcp-request-wrong-subnet": ("dhcp-rogue-server",),
            "dhcp-request-refused": ("dhcp-request-wrong-subnet", "dhcp-pool-exhausted", "dhcp-rogue-server"),
        }[cause]
        certainty = "likely" if wanted and cause == "dhcp-request-wrong-subnet" else "possible"
        yield Seen(cause, certainty, _members(leases, indices), rows, rivals, values)


def _why(leases: _Leases, index: int) -> str:
    """The server's own words first; then whether the address fits the network that the server stands in."""
    from ipaddress import IPv4Address

    fields, talk = leases.fields(index), leases.talks[index]
    said = (fields.message or "").lower()
    if any(word in said for word in _NETWORK_WORDS):
        return "dhcp-request-wrong-subnet"
    if said or fields.requested_address is None or not talk.of("NAK"):
        return "dhcp-request-refused" if said else "dhcp-request-wrong-subnet"
    mask = next((leases.fields(other).mask for other in leases.later(index) if leases.fields(other).mask), None)
    bits = int(IPv4Address(mask)) if mask else _USUAL_MASK
    own = int(IPv4Address(fields.refused_by[-1])) if not fields.relay else int(IPv4Address(fields.relay))
    is_other = (int(IPv4Address(fields.requested_address)) ^ own) & bits
    return "dhcp-request-wrong-subnet" if is_other else "dhcp-request-refused"


def _declined(leases: _Leases) -> Iterator[Seen]:
    """A client found its new address in use."""
    scene = leases.scene
    for index in scene.open(leases.part, "declined"):
        fields, talk = leases.fields(index), leases.talks[index]
        challenge = challenge_of(scene.table, talk)
        rows = talk.rows("DECLINE")
        members = _members(leases, [index])
        macs = [fields.client_mac]
        if challenge:
            macs.append(challenge[0])
            rows += challenge[1]
            members += _with_rows(scene, challenge[1])
        values: dict[str, Any] = {"address": fields.address, "macs": macs, "client": fields.client_mac, "count": 1}
        if not challenge:
            values["case"] = "declined"
        yield Seen("duplicate-address", "likely", members, rows, ("arp-spoofed", "proxy-arp-in-play"), values)


def _with_rows(scene: Scene, rows: list[int]) -> list[Member]:
    """The ARP exchanges that hold any of these rows."""
    found: list[Member] = []
    for kind in ("arp.resolution", "arp.announcement"):
        part = scene.part(kind)
        at = np.flatnonzero(among(part.frames, rows))
        found += [(part, one) for one in distinct(np.searchsorted(part.bounds, at, "right") - 1).tolist()]
    return found


def _turned_away(leases: _Leases) -> Iterator[Seen]:
    """An ICMP error about a request: the server's host is there, but nobody or a filter answers for the port."""
    scene, icmp = leases.scene, leases.scene.table.icmp
    about = (icmp.quote > 0) & (icmp.quote_protocol == 17) & (icmp.quote_dport == _SERVER_PORT)
    if not about.any():
        return
    errors = scene.part("icmp.error")
    text = scene.table.addresses.text
    for number in np.flatnonzero(among(errors.frames[errors.bounds[:-1]], icmp.row[about])).tolist():
        said = errors.fields(number)
        name = errors.outcomes[errors.outcome[number]]
        indices = [
            index
            for index in scene.open(leases.part, "unanswered")
            if said.about and any(text(step.target) == said.about.dst for step in leases.talks[index].steps)
        ]
        if not indices or said.from_ != said.about.dst:
            continue
        cause, rival = ("dhcp-server-filtered", "dhcp-no-server")
        if name == "port-unreachable":
            cause, rival = rival, cause
        rows = [*errors.rows(number).tolist(), *(row for index in indices for row in leases.talks[index].rows())]
        values = _silent_values(leases, indices) | {"server": said.from_}
        members = [*_members(leases, indices), (errors, number)]
        seen = Seen(cause, "likely", members, rows, (rival,), values)
        scene.account(seen)
        yield seen


def _silence(leases: _Leases) -> Iterator[Seen]:
    """Questions that nobody answered, one finding for each client."""
    scene = leases.scene
    groups: dict[str, list[int]] = defaultdict(list)
    for index in scene.open(leases.part, "unanswered"):
        fields = leases.fields(index)
        is_wanted = fields.began != "query" and not fields.is_search  # somebody wants an address for himself
        if fields.began == "inform":  # it has an address, and lives without the rest
            is_wanted = fields.tries >= _INSISTS
        if not is_wanted or leases.later(index) or _is_overheard(leases, index):
            scene.accounted[leases.part.kind].add(index)
        else:
            groups[fields.client_mac].append(index)
    for indices in groups.values():
        rows = [row for index in indices for row in leases.talks[index].rows()]
        values = _silent_values(leases, indices)
        certainty = "likely" if values["tries"] > 1 else "possible"
        offers = [row for index in indices for row in leases.offered_elsewhere(index)]
        alive = [row for index in indices for row in leases.servers_alive(index)]
        cause: str = "dhcp-no-server"
        rivals: tuple[str, ...] = _NO_SERVER
        if offers:
            cause, rivals = "dhcp-offer-lost", _OFFER_LOST
        elif alive:
            cause, rivals = "dhcp-pool-exhausted", _ALIVE
        elif relay := _relay(leases, indices):
            values |= relay
            rivals = scene.one_link.possible(_handed_on(leases, indices), _NO_ANSWER_TO_RELAY)
        yield Seen(cause, certainty, _members(leases, indices), [*rows, *(offers or alive)], rivals, values)


def _relay(leases: _Leases, indices: list[int]) -> dict[str, Any]:
    """Which relay handed the questions to which server; empty if none is seen."""
    table = leases.scene.table
    handed = _handed_on(leases, indices)[:1]
    if not handed:
        return {}
    relay = next(step.said.relay for index in indices for step in leases.talks[index].steps if step.row == handed[0])
    asked = table.addresses.text(int(table.targets(np.array(handed))[0]))
    return {"case": "relayed", "relay": table.addresses.text(relay), "asked": asked}


def _handed_on(leases: _Leases, indices: list[int]) -> list[int]:
    """Rows in which a relay carries a question to a server's address."""
    return [
        step.row
        for index in indices
        for step in leases.talks[index].steps
        if step.said.relay and not step.said.is_reply and step.target != _LIMITED_BROADCAST
    ]


def _is_overheard(leases: _Leases, index: int) -> bool:
    """Whether the answer would not pass here: it may go to the client alone.

    A client that gets an offer asks everyone for it next, so repeated questions were not answered.
    """
    fields, talk = leases.fields(index), leases.talks[index]
    if fields.tries > 1 or fields.is_broadcast:
        return False
    common = leases.scene.hosts.in_every_frame(talk.place)
    return common is not None and int.from_bytes(talk.hardware, "big") not in common


def _silent_values(leases: _Leases, indices: list[int]) -> dict[str, Any]:
    """What the sentences mention; a question seen at several places is counted once."""
    tries: dict[int, int] = defaultdict(int)
    for index in indices:
        tries[leases.talks[index].place] += leases.fields(index).tries
    asked = next((leases.fields(index).server for index in indices if leases.fields(index).server), None)
    client = leases.fields(indices[0]).client_mac
    return {"client": client, "tries": max(tries.values()), "server": asked, "count": len(indices)}


def _members(leases: _Leases, indices: list[int]) -> list[Member]:
    return [(leases.part, index) for index in indices]
